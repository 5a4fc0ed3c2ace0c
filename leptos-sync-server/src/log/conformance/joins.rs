//! What becomes of cells that meet, and how they come out.

use futures::future::join_all;
use leptos_sync_core::{CellRef, Delta, Path, PathBuf, ReplicaId, Stamp, Time, VersionVector};

use super::{
    ask::{append, cells, cells_of, since, state, succeeds},
    board::{Op, still, write},
};
use crate::{DurableLog, Since};

/// A delta of one cell at `key`.
fn one(key: &[u8], stamp: Stamp, upto: Time, value: Option<&[u8]>) -> Delta {
    let upto = VersionVector::of(stamp.replica, upto);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(Path::ROOT);
        out.copy(CellRef { key, stamp, value });
    });
    delta.expect("a small cell is within all limits")
}

/// As where a replica id was used twice: whatever comes first, the greater bytes stay, and a tombstone is least.
pub(super) async fn equal_stamps_are_joined_by_bytes(log: &dyn DurableLog) {
    let stamp = Stamp::new(Time::new(5), ReplicaId::new(1));
    let values: [Option<&[u8]>; 5] = [None, Some(b""), Some(b"\0"), Some(b"a"), Some(b"\xff")];
    // The version stays below, so that none is passed over.
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

/// Whoever lost a part of what was saved sends cells that it does not claim to have in full.
pub(super) async fn cells_beyond_what_a_delta_claims_are_kept(log: &dyn DurableLog) {
    let stamp = Stamp::new(Time::new(9), ReplicaId::new(1));
    let claimed = Time::new(3);
    append(log, "board", &[&one(b"a", stamp, claimed, Some(b"x"))]).await;
    let version = state(log, "board").await.version;
    assert_eq!(version.get(stamp.replica), claimed, "no more is claimed");
    let lacking = since(log, "board", &version, 100).await;
    assert_eq!(lacking.cells().len(), 1, "and what is here is passed on");
}

pub(super) async fn parts_put_together_are_the_whole(log: &dyn DurableLog) {
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
    let expected = cells_of(ada.snapshot().expect("it is small").cells());
    // Where the last two transactions are missing, which have written all cells last.
    let behind = deltas.iter().rev().nth(2).expect("there are more").upto();
    let lately = since(log, "board", behind, usize::MAX).await.cells();
    assert_eq!(lately.len(), 60);
    for bytes in [0, 1, 10, 100, 1_000, 10_000, usize::MAX] {
        let nothing = VersionVector::new();
        assert_eq!(since(log, "board", &nothing, bytes).await.cells(), expected);
        let changed = since(log, "board", behind, bytes).await;
        assert_eq!(changed.cells(), lately, "parts of what changed");
        let Since::Delta(parts) = succeeds(log.since("board", &nothing, bytes).await, "since")
        else {
            panic!("nothing was forgotten");
        };
        let largest = parts.iter().map(Delta::bytes).max();
        // A cell more than asked for, and what stands around a group.
        assert!(
            largest <= Some(bytes.saturating_add(600)),
            "parts are about so large"
        );
        assert_eq!(
            parts.len() == 1,
            bytes >= 10_000,
            "{bytes} bytes: {}",
            parts.len()
        );
    }
}

/// Of many replicas at once, in one document and others, with one in between that is refused.
pub(super) async fn appends_at_once_are_joined_like_any(log: &dyn DurableLog) {
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
            Ok(()) => assert_ne!(at % 3, 2, "a gap was taken"),
            Err(error) => assert!(at % 3 == 2 && error.is_gap(), "{error:?}"),
        }
    }
    assert_eq!(state(log, "all").await.version, expected);
    let mut halves = state(log, "even").await.version;
    halves.join(&state(log, "odd").await.version);
    assert_eq!(halves, expected);
    let likes = cells(log, "all").await.into_iter();
    let likes = likes.filter(|(path, _)| path.to_string().starts_with("/likes"));
    assert_eq!(likes.count(), 59, "a count a replica");
}
