//! With a time source in another unit, every edit fails with an error that names the unit, and no
//! data is lost.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{NOW_MS, doc, now};
use leptos_sync_core::{
    Clock, Collection, Crdt, Doc, LwwMap, LwwRegister, ReplicaId, Time,
    clock::{ManualTime, Window},
    index::Schema,
    replica::Replica,
    storage::MemoryStorage,
};

type Cards = LwwMap<u32, String>;

#[derive(Crdt, Clone, Default)]
struct Note {
    title: LwwRegister<String>,
}

/// The time in seconds, microseconds and nanoseconds.
const OTHER_UNITS: [u64; 3] = [NOW_MS / 1000, NOW_MS * 1000, NOW_MS * 1_000_000];

fn clock(ms: u64) -> (ManualTime, Clock) {
    let time = ManualTime::at(ms);
    (time.clone(), Clock::new(ReplicaId::new(1), time))
}

#[test]
fn no_edit_is_accepted_while_the_time_source_has_another_unit() {
    for wrong in OTHER_UNITS {
        let (time, clock) = clock(wrong);
        let mut doc = Doc::<Cards>::new(clock);
        let error = doc.transact(|tx| tx.insert(1, "lost".into())).unwrap_err();
        assert!(
            error.is_clock() && error.to_string().contains("milliseconds"),
            "{error}"
        );
        assert!(doc.state().is_empty());

        time.set(NOW_MS);
        for n in 0..3 {
            doc.transact(|tx| tx.insert(1, n.to_string())).unwrap();
        }
        assert_eq!(doc.state().get(&1).map(String::as_str), Some("2"));
    }
}

#[test]
fn a_collection_rejects_edits_with_such_a_clock() {
    for wrong in OTHER_UNITS {
        let (_, clock) = clock(wrong);
        let notes =
            Collection::<_, u32, Note>::open(MemoryStorage::new(), "notes", Schema::new(1), clock);
        let notes = now(notes).unwrap();
        let error = now(notes.insert(&1, |note| note.title().set("x".into()))).unwrap_err();
        assert!(error.is_clock(), "{error}");
        assert_eq!(
            now(notes.get(&1))
                .unwrap()
                .map(|note| note.title.get().clone()),
            None
        );
    }
}

#[test]
fn a_clock_in_seconds_does_not_report_others_edits_as_too_early() {
    let mut other = doc::<Cards>(2);
    let delta = other
        .transact(|tx| tx.insert(1, "theirs".into()))
        .unwrap()
        .delta;
    let (_, clock) = clock(NOW_MS / 1000);
    let error = Doc::<Cards>::new(clock).apply(&delta).unwrap_err();
    assert!(error.is_clock() && !error.is_drift(), "{error}");
}

/// Stamps of the year 8000 would be the last ones of a document.
#[test]
fn a_relay_time_with_another_unit_restamps_nothing() {
    let mut page = Replica::<Cards>::new(clock(NOW_MS).1);
    for n in 0..3 {
        page.transact(|tx| tx.insert(n, "mine".into())).unwrap();
    }
    let first = page.entries()[0].entry().clone();
    for now_ms in OTHER_UNITS {
        let window = Window {
            floor: Time::ZERO,
            now_ms,
            latest: Time::ZERO,
        };
        let error = page.restamp_ahead(window).unwrap_err();
        assert!(error.is_clock(), "{error}");
        let error = page.restamp(first.id, Time::from_ms(now_ms)).unwrap_err();
        assert!(error.is_clock(), "{error}");
        assert_eq!(*page.entries()[0].entry(), first);
    }
    page.transact(|tx| tx.insert(1, "later".into())).unwrap();
}
