//! What a replica offers to a relay that was restored, at the limits of a message.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use leptos_sync_core::{
    Clock, Crdt, LwwMap, ReplicaId, Stamp, Time,
    cells::{CellRef, Path},
    history::{CellRange, Epoch, Opened, Page, Patch, Position, RelayState, Sequence, Witness},
    limits,
    replica::Replica,
};

#[derive(Crdt, Clone, Default)]
struct Canvas {
    pixels: LwwMap<String, bool>,
}

fn state(epoch: u64) -> RelayState {
    RelayState {
        witness: Witness {
            head: Position {
                epoch: Epoch::new(epoch),
                sequence: Sequence::new(1),
            },
            ..Witness::default()
        },
        epoch_start: Sequence::new(1),
    }
}

/// Returns a cell for each key, each of another replica, at times that are decades apart.
fn cells() -> Patch {
    let times = [1, 32_000_000_000_000].map(Time::from_ms);
    let cells = Patch::collect(times[0], |out| {
        out.group(Path::from_bytes(b"\x06pixels").unwrap());
        for (key, time) in (0..=u16::MAX).zip(times.into_iter().cycle()) {
            let replica = ReplicaId::new(u64::MAX - u64::from(key));
            out.copy(CellRef {
                key: &[12, 6, 0].map(|bits| b'0' + (key >> bits & 63) as u8),
                stamp: Stamp::new(time, replica),
                value: None,
            });
        }
    });
    cells.unwrap()
}

/// A relay ends the connection of a client whose offer is too large, so nothing would be restored.
#[test]
fn offers_of_a_document_with_a_writer_for_each_cell_are_small_enough() {
    let mut replica = Replica::<Canvas>::new(Clock::system(ReplicaId::new(1)));
    replica.start();
    let opened = Opened {
        state: state(1),
        tail: vec![(Epoch::new(1), Sequence::new(1))],
        ..Opened::default()
    };
    replica.opened(&opened).unwrap();
    let page = Page {
        upto: Sequence::new(1),
        cells: cells(),
        state: state(1),
        ..Page::default()
    };
    replica.page(&page).unwrap();
    // The document has packed most of its tombstones, so its map does not contain them.
    let base = replica.base_parts(usize::MAX).unwrap();
    assert_eq!(base.iter().map(Patch::len).sum::<usize>(), 1 << 16);

    replica.start();
    let opened = Opened {
        state: state(2),
        diverged: true,
        tail: vec![(Epoch::new(2), Sequence::new(1))],
        ..Opened::default()
    };
    replica.opened(&opened).unwrap();
    let nothing = CellRange {
        state: state(2),
        ..CellRange::default()
    };
    let mut offers = Vec::new();
    for step in [1, 2] {
        assert!(!replica.compared(), "before step {step}");
        let next = replica.range(&nothing).unwrap().offers;
        let count = next.iter().map(Patch::len).sum::<usize>();
        assert_eq!(count, limits::COMPARED_PATHS, "in step {step}");
        assert_eq!(replica.compared_to().is_some(), step < 2);
        offers.extend(next);
    }
    assert!(replica.compared());
    assert_eq!(offers.iter().map(Patch::len).sum::<usize>(), 1 << 16);
    let largest = offers.iter().map(Patch::envelope_bytes).max();
    assert!(largest <= Some(limits::TRANSACTION_BYTES), "{largest:?}");
}
