//! Laws about joining cells and reading them back.

use futures::future::{join, join_all};
use leptos_sync_core::{
    Delta, ReplicaId, Stamp, Time, VersionVector,
    cells::{CellRef, Path, PathBuf},
    limits,
};

use super::{
    ask::{append, cells, cells_of, since, state, succeeds},
    board::{Op, still, write},
};
use crate::{DurableLog, Since};

/// Returns a delta with one cell at `key`.
fn one(key: &[u8], stamp: Stamp, upto: Time, value: Option<&[u8]>) -> Delta {
    let upto = VersionVector::of(stamp.replica, upto);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(Path::ROOT);
        out.copy(CellRef { key, stamp, value });
    });
    delta.expect("a small cell is within the limits")
}

/// Equal stamps arise if a replica id was used twice. The greater bytes win in either order, and a
/// tombstone loses to any value.
pub(super) async fn equal_stamps_are_joined_by_bytes(log: &dyn DurableLog) {
    let stamp = Stamp::new(Time::new(5), ReplicaId::new(1));
    let values: [Option<&[u8]>; 5] = [None, Some(b""), Some(b"\0"), Some(b"a"), Some(b"\xff")];
    // The version stays below the stamp, so that no cell is skipped as known.
    let version = Time::new(4);
    for (at, lesser) in values.iter().enumerate() {
        for greater in values.iter().skip(at) {
            for (name, order) in [("up", [lesser, greater]), ("down", [greater, lesser])] {
                for value in order {
                    append(log, name, &[&one(b"key", stamp, version, *value)]).await;
                }
                let here = cells(log, name).await;
                let expected = (stamp, greater.map(<[u8]>::to_vec));
                assert_eq!(here.get(&PathBuf::new().child(b"key")), Some(&expected));
                succeeds(log.remove(name).await, "remove");
            }
        }
    }
}

/// A replica that lost a part of its saved data sends cells beyond its version.
pub(super) async fn cells_beyond_a_deltas_version_are_kept(log: &dyn DurableLog) {
    let stamp = Stamp::new(Time::new(9), ReplicaId::new(1));
    let claimed = Time::new(3);
    append(log, "board", &[&one(b"a", stamp, claimed, Some(b"x"))]).await;
    let version = state(log, "board").await.version;
    assert_eq!(
        version.get(stamp.replica),
        claimed,
        "the version covers only what the delta claims"
    );
    let lacking = since(log, "board", &version, 100).await;
    assert_eq!(
        lacking.cells().len(),
        1,
        "the log returns the cell to others"
    );
}

pub(super) async fn reassembled_parts_equal_the_whole(log: &dyn DurableLog) {
    let mut ada = still(1);
    let mut deltas = Vec::new();
    for round in 0..6_u8 {
        let cards = (0..40).map(|key| Op::Card(key, key.wrapping_mul(round + 1)));
        deltas.push(write(&mut ada, &cards.collect::<Vec<_>>()));
        let notes = (0..20).map(|key| Op::Note(key, u64::from(round)));
        deltas.push(write(&mut ada, &notes.collect::<Vec<_>>()));
    }
    let all: Vec<_> = deltas.iter().collect();
    append(log, "board", &all).await;
    let expected = cells_of(
        ada.snapshot()
            .expect("the document is within the limits")
            .cells(),
    );
    // The version before the last two transactions, which have overwritten every cell.
    let behind = deltas
        .iter()
        .rev()
        .nth(2)
        .expect("there are twelve transactions")
        .upto();
    let lately = since(log, "board", behind, usize::MAX).await.cells();
    assert_eq!(lately.len(), 60);
    for bytes in [0, 1, 10, 100, 1_000, 10_000, usize::MAX] {
        let nothing = VersionVector::new();
        assert_eq!(since(log, "board", &nothing, bytes).await.cells(), expected);
        let changed = since(log, "board", behind, bytes).await;
        assert_eq!(changed.cells(), lately, "the parts hold what changed");
        let Since::Delta(parts) = succeeds(log.since("board", &nothing, bytes).await, "since")
        else {
            panic!("no tombstone was forgotten, so a delta suffices");
        };
        let largest = parts.iter().map(Delta::bytes).max();
        // A part exceeds `bytes` by at most one cell and the header of a group.
        assert!(
            largest <= Some(bytes.saturating_add(600)),
            "parts are about as large as requested"
        );
        assert_eq!(
            parts.len() == 1,
            bytes >= 10_000,
            "{bytes} bytes: {}",
            parts.len()
        );
    }
}

/// A log may join a delta of more cells than a transaction may have in steps.
pub(super) async fn a_large_delta_is_joined_whole_beside_others(log: &dyn DurableLog) {
    let count = limits::TRANSACTION_CELLS as u32 + 5_000;
    let stamp = Stamp::new(Time::new(5), ReplicaId::new(1000));
    let upto = VersionVector::of(stamp.replica, stamp.time);
    let large = Delta::collect(VersionVector::new(), upto.clone(), |out| {
        out.group(Path::ROOT);
        for key in 0..count {
            let (key, value) = (&key.to_be_bytes(), Some(&b"large"[..]));
            out.copy(CellRef { key, stamp, value });
        }
    });
    let large = large.expect("the cells are within the limits");
    let others = (1..40_u64).map(|id| {
        let stamp = Stamp::new(Time::new(9), ReplicaId::new(id));
        let delta = one(&(id as u32 * 1_000).to_be_bytes(), stamp, stamp.time, None);
        log.append("board", vec![delta])
    });
    let (large, others) = join(log.append("board", vec![large]), join_all(others)).await;
    succeeds(large, "append");
    others.into_iter().for_each(|done| succeeds(done, "append"));
    let contained = state(log, "board").await.version;
    assert_eq!(contained.get(stamp.replica), stamp.time);
    assert_eq!(contained.len(), 40);
    let cells = cells(log, "board").await;
    assert_eq!(cells.len(), count as usize);
    assert_eq!(
        cells.values().filter(|(_, value)| value.is_none()).count(),
        39
    );
}

/// Many replicas append concurrently, to shared and separate documents, and with gaps.
pub(super) async fn concurrent_appends_are_all_joined(log: &dyn DurableLog) {
    let mut all = Vec::new();
    let mut expected = VersionVector::new();
    let mut ahead = still(1000);
    write(&mut ahead, &[Op::Like]);
    let gap = write(&mut ahead, &[Op::Like]);
    for id in 1..60_u64 {
        let mut doc = still(id);
        let deltas = vec![
            write(&mut doc, &[Op::Card((id % 7) as u8, id as u8), Op::Like]),
            write(&mut doc, &[Op::Uncard((id % 5) as u8), Op::Title(id as u8)]),
        ];
        expected.join(doc.version());
        let name = if id % 2 == 0 { "even" } else { "odd" };
        all.push(log.append(name, deltas.clone()));
        all.push(log.append("all", deltas));
        all.push(log.append("all", vec![gap.clone()]));
    }
    for (at, done) in join_all(all).await.into_iter().enumerate() {
        match done {
            Ok(()) => assert_ne!(at % 3, 2, "the log accepted a gap"),
            Err(error) => assert!(at % 3 == 2 && error.is_gap(), "{error:?}"),
        }
    }
    assert_eq!(state(log, "all").await.version, expected);
    let mut halves = state(log, "even").await.version;
    halves.join(&state(log, "odd").await.version);
    assert_eq!(halves, expected);
    let likes = cells(log, "all").await.into_iter();
    let likes = likes.filter(|(path, _)| path.to_string().starts_with("/likes"));
    assert_eq!(
        likes.count(),
        59,
        "each replica has one cell of the counter"
    );
}
