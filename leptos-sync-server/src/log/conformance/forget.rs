//! Laws about forgetting tombstones.

use leptos_sync_core::{Time, history::Sequence};

use super::{
    cells::{listed, succeeds},
    writer::{NOW_MS, Writer, at, history, numbered, page, push, removal, set},
};
use crate::{DurableLog, Refusal, limits::STEP_CELLS};

pub(super) async fn an_entry_below_the_floor_needs_a_cell_at_each_path(log: &dyn DurableLog) {
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let first = ada.write(at(100), &set(1));
    push(log, "board", vec![first], NOW_MS + 100).await;
    succeeds(log.forget("board", at(50), NOW_MS).await, "forget");
    let both = [set(1), set(2)].concat();
    let refused = push(log, "board", vec![bob.write(at(10), &both)], NOW_MS).await;
    assert_eq!(refused.refusal, Some(Refusal::TooOld(at(50))));
    bob = Writer::new(2);
    let pushed = push(log, "board", vec![bob.write(at(10), &set(1))], NOW_MS).await;
    assert_eq!((pushed.count, pushed.floor), (1, at(50)));
    succeeds(log.forget("board", at(900), NOW_MS).await, "forget");
    let floor = history(log, "board", &[]).await.floor;
    assert_eq!(
        floor,
        Time::new(at(100).get() + 1),
        "the floor stays near the cells"
    );
}

pub(super) async fn every_tombstone_is_forgotten_even_beyond_one_step(log: &dyn DurableLog) {
    let count = STEP_CELLS as u32 * 2 + 10;
    let mut ada = Writer::new(1);
    let cells = |value: Option<Vec<u8>>| (0..count).map(move |at| (numbered(at), value.clone()));
    let live = ada.write(at(1), &cells(Some(b"x".to_vec())).collect());
    let gone = ada.write(at(2), &cells(None).collect());
    let last = ada.write(at(3), &set(1));
    push(log, "board", vec![live, gone, last], NOW_MS).await;
    succeeds(log.forget("board", at(3), NOW_MS + 1).await, "forget");
    let history = history(log, "board", &[]).await;
    assert_eq!((history.horizon, history.floor), (Sequence::new(2), at(3)));
    let range = succeeds(log.range("board", None, 1 << 20).await, "range");
    assert_eq!(listed(&range.cells).len(), 1);
    assert_eq!(page(log, 1, 100).await, None);
    assert!(
        page(log, 2, 100)
            .await
            .is_some_and(|page| page.cells.len() == 1)
    );
}

pub(super) async fn a_tombstone_that_was_received_late_is_kept(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    let gone = ada.write(at(1), &removal(1));
    let last = ada.write(at(100), &set(2));
    push(log, "board", vec![gone, last], NOW_MS + 100).await;
    succeeds(log.forget("board", at(50), NOW_MS + 100).await, "forget");
    let range = succeeds(log.range("board", None, 1 << 20).await, "range");
    assert_eq!(range.cells.len(), 2, "the tombstone was received just now");
    assert_eq!(history(log, "board", &[]).await.horizon, Sequence::ZERO);
    succeeds(log.forget("board", at(50), NOW_MS + 101).await, "forget");
    let range = succeeds(log.range("board", None, 1 << 20).await, "range");
    assert_eq!(range.cells.len(), 1, "the floor need not rise again");
    assert_eq!(history(log, "board", &[]).await.horizon, Sequence::new(1));
}
