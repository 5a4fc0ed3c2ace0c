//! With a time source in another unit, every edit fails with an error that names the unit, and no
//! data is lost.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{NOW_MS, doc, now};
use leptos_sync_core::{
    Clock, Collection, Crdt, Doc, LwwMap, LwwRegister, Outbox, ReplicaId, Time,
    clock::{ManualTime, Window},
    index::Schema,
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

#[test]
fn a_relay_time_with_another_unit_restamps_nothing() {
    let (mut page, mut outbox) = (doc::<Cards>(1), Outbox::new());
    for n in 0..3 {
        outbox
            .transact(&mut page, |tx| tx.insert(n, "mine".into()))
            .unwrap();
    }
    for now_ms in OTHER_UNITS {
        let window = Window {
            floor: Time::from_ms(NOW_MS + 1),
            now_ms,
            latest: Time::ZERO,
        };
        let error = outbox.restamp(&mut page, window, |_| true).unwrap_err();
        assert!(error.is_clock(), "{error}");
    }
    assert_eq!(outbox.transactions().len(), 3);
}
