//! The data of the benchmarks in types of this library.

use leptos_sync_core::{
    Clock, Doc, GCounter, Id, LwwMap, LwwRegister, OrSet, ReplicaId, Stamp, Time, clock::TimeSource,
};

use crate::{entries, key, newer, values};

/// The measured map.
pub type Map = LwwMap<String, String>;

/// The measured set.
pub type Set = OrSet<String>;

/// Returns the stamp with number `at` of the replica with id `replica`.
pub const fn stamp(at: u64, replica: u64) -> Stamp {
    Stamp::new(
        Time::new(Time::from_ms(1_700_000_000_000).get() + at),
        ReplicaId::new(replica),
    )
}

/// Returns a clock for inputs, which always starts at the same time.
pub fn clock(replica: u64) -> Clock {
    Clock::new(ReplicaId::new(replica), Fixed)
}

/// Returns the next stamp of a clock.
///
/// # Panics
///
/// If the machine's clock is not set.
#[inline]
#[expect(clippy::expect_used, reason = "a machine without a clock ends the run")]
pub fn tick(clock: &mut Clock) -> Stamp {
    clock.tick().expect("the machine's clock is set")
}

/// Returns registers, each of which wins over all previous ones.
pub fn registers(count: usize) -> Vec<LwwRegister<String>> {
    (1..)
        .zip(values(count))
        .map(|(at, value)| LwwRegister::new(value, stamp(at, 2)))
        .collect()
}

/// Returns a map written in one batch.
pub fn map(count: usize) -> Map {
    let mut map = Map::new();
    map.insert_batch(entries(count), stamp(0, 1));
    map
}

/// Returns a set whose elements were added in order.
pub fn set(count: usize) -> Set {
    let mut set = Set::new();
    for at in 0..count {
        set.insert(key(at), Id::new(), stamp(0, 1));
    }
    set
}

/// Returns a copy of `base` with `count` entries, a tenth of them rewritten by another replica, one
/// at a time.
pub fn newer_map(base: &Map, count: usize) -> Map {
    let mut map = base.clone();
    for (at, (key, value)) in (1..).zip(newer(count)) {
        map.insert(key, value, stamp(at, 2));
    }
    map
}

/// Returns a counter in which each of `replicas` has incremented once, and every second one `more`
/// additional times.
pub fn counter(replicas: usize, more: u64) -> GCounter {
    let mut counter = GCounter::new();
    for replica in 0..replicas as u64 {
        let by = 1 + more * (replica % 2);
        // Such small counts cannot overflow.
        let _ = counter.increment(by, stamp(by, replica));
    }
    counter
}

/// Returns a document whose map was written in transactions of maximum size.
///
/// # Panics
///
/// If the library rejects data within its documented limits.
#[expect(clippy::expect_used, reason = "inputs that cannot be made end the run")]
pub fn doc(count: usize) -> Doc<Map> {
    let mut doc = Doc::<Map>::new(clock(1));
    let entries = entries(count);
    for part in entries.chunks(20_000) {
        doc.transact(|tx| tx.insert_batch(part.iter().cloned()))
            .expect("the batch is within the limits");
    }
    doc
}

/// Returns a copy of a document that another replica holds, and that shares no memory with the
/// original.
///
/// # Panics
///
/// If the library rejects data within its documented limits.
#[expect(clippy::expect_used, reason = "inputs that cannot be made end the run")]
pub fn copy(doc: &Doc<Map>, replica: u64) -> Doc<Map> {
    let state = doc.snapshot().expect("a document can be written");
    Doc::load(&state, clock(replica))
}

struct Fixed;

impl TimeSource for Fixed {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000
    }
}
