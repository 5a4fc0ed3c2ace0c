//! A document costs its cells, however many replicas wrote them.
//!
//! This file has a single test, since the allocator counts the memory of all threads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a measurement is printed"
)]

mod common;

use std::time::{Duration, Instant};

use common::clock;
use leptos_sync_core::{
    LwwMap, ReplicaId, Stamp, Time,
    cells::{CellRef, Path},
    history::{Epoch, Next, Opened, Page, Patch, Position, RelayState, Sequence, Witness},
    internal::{encode, encode_key},
    replica::Replica,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

type Numbers = LwwMap<u32, u32>;

const ENTRIES: u32 = 100_000;

/// Returns the id of a writer. Ids are random, so they are not in order.
fn writer(number: u32) -> ReplicaId {
    ReplicaId::new(u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Returns a patch of entries that were written in turn by `writers` replicas.
fn entries(keys: std::ops::Range<u32>, writers: u32) -> Patch {
    let patch = Patch::collect(Time::new(1 << 40), |out| {
        out.group(Path::ROOT);
        for entry in keys {
            let (mut key, mut value) = (Vec::new(), Vec::new());
            encode_key(&(entry % ENTRIES), &mut key).unwrap();
            encode(&entry, &mut value).unwrap();
            let time = Time::new((1 << 40) + u64::from(entry));
            out.copy(CellRef {
                key: &key,
                stamp: Stamp::new(time, writer(entry % writers)),
                value: Some(&value),
            });
        }
    });
    patch.unwrap()
}

fn state(head: u64) -> RelayState {
    let head = Position {
        epoch: Epoch::new(7),
        sequence: Sequence::new(head),
    };
    let witness = Witness {
        head,
        ..Witness::default()
    };
    let epoch_start = Sequence::new(1);
    RelayState {
        witness,
        epoch_start,
    }
}

/// Returns a document of entries by `writers` replicas, and its bytes on the heap.
fn document(writers: u32) -> (Replica<Numbers>, usize) {
    let before = MEMORY.current_usage();
    let mut replica = Replica::<Numbers>::new(clock(1));
    for start in (0..ENTRIES).step_by(10_000) {
        replica.load_base(&entries(start..start + 10_000, writers));
    }
    assert_eq!(replica.doc().state().len(), ENTRIES as usize);
    (replica, MEMORY.current_usage() - before)
}

/// Returns the median time of a page with one cell, each by another writer.
fn update(replica: &mut Replica<Numbers>, writers: u32) -> Duration {
    replica.start();
    let opened = Opened {
        tail: vec![(Epoch::new(7), Sequence::new(1))],
        ..Opened::default()
    };
    assert_eq!(replica.opened(&opened).unwrap(), Next::Read);
    let mut times: Vec<_> = (1..1_000_u32)
        .map(|number| {
            let entry = number.wrapping_mul(7_919) % ENTRIES + ENTRIES;
            let page = Page {
                after: Sequence::new(u64::from(number) - 1),
                upto: Sequence::new(u64::from(number)),
                cells: entries(entry..entry + 1, writers),
                state: state(u64::from(number)),
                ..Page::default()
            };
            let start = Instant::now();
            assert_eq!(replica.page(&page).unwrap().len(), 1);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[test]
fn a_document_of_100_000_writers_costs_no_more_than_one_of_10() {
    let (mut few, few_bytes) = document(10);
    let (mut many, many_bytes) = document(ENTRIES);
    let (few_time, many_time) = (update(&mut few, 10), update(&mut many, ENTRIES));
    eprintln!("{ENTRIES} entries by 10 writers: {few_bytes} bytes, {few_time:?} per update");
    eprintln!(
        "{ENTRIES} entries by {ENTRIES} writers: {many_bytes} bytes, {many_time:?} per update"
    );
    assert!(
        many_bytes <= few_bytes + few_bytes / 50,
        "{many_bytes} of {few_bytes}"
    );
    // Times vary on a loaded machine. Lists by writer would take more than a hundred times as long.
    assert!(many_time < 10 * few_time, "{many_time:?} of {few_time:?}");
}
