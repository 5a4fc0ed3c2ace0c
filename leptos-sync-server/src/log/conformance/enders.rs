//! Laws about enders, the tombstones that end the older cells of a record.

use leptos_sync_core::{cells::PathBuf, history::Sequence};

use super::{
    cells::{listed, succeeds},
    writer::{NOW_MS, Writer, at, history, numbered, page, push, set},
};
use crate::{DurableLog, limits::STEP_CELLS};

fn card() -> PathBuf {
    PathBuf::new().child(b"cards").child(b"a")
}

pub(super) async fn a_removed_record_has_only_its_ender(log: &dyn DurableLog) {
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let count = STEP_CELLS as u32 * 2 + 10;
    let cells = (0..count).map(|at| (numbered(at), Some(vec![7])));
    let ender = PathBuf::new().child(b"cards").child(b"");
    let written = ada.write(at(1), &cells.collect());
    let older = bob.write(at(2), &vec![(numbered(1), Some(vec![8]))]);
    let removed = ada.write(at(3), &vec![(ender.clone(), None)]);
    let later = bob.write(at(4), &vec![(numbered(2), Some(vec![9]))]);
    let pushed = push(log, "board", vec![written, removed, older, later], NOW_MS).await;
    assert_eq!((pushed.count, pushed.has_lost), (4, true));
    let range = succeeds(log.range("board", None, 1 << 20).await, "range");
    let paths: Vec<_> = listed(&range.cells)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, [ender, numbered(2)]);
    assert_eq!(range.sequences, [Sequence::new(2), Sequence::new(4)]);
    let page = page(log, 0, 100)
        .await
        .map(|page| (page.upto, page.cells.len()));
    assert_eq!(page, Some((Sequence::new(4), 2)));
}

/// Otherwise the edit would be moved above the removal, which it had not seen.
pub(super) async fn an_entry_below_the_floor_and_an_ender_is_taken_and_dropped(
    log: &dyn DurableLog,
) {
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let removed = ada.write(at(40), &vec![(card().child(b""), None)]);
    let last = ada.write(at(100), &set(1));
    push(log, "board", vec![removed, last], NOW_MS + 100).await;
    succeeds(log.forget("board", at(50), NOW_MS + 100).await, "forget");
    let edit = bob.write(at(10), &vec![(card().child(b"text"), Some(vec![1]))]);
    let pushed = push(log, "board", vec![edit], NOW_MS + 100).await;
    assert_eq!((pushed.count, pushed.has_lost), (1, true));
    let range = succeeds(log.range("board", None, 1 << 20).await, "range");
    assert_eq!(range.cells.len(), 2, "the ender and the title");
    succeeds(log.forget("board", at(50), NOW_MS + 101).await, "forget");
    assert_eq!(history(log, "board", &[]).await.horizon, Sequence::new(1));
}
