//! Collections: guarantees for a single user, for replicas that merge, and on a failing storage.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::BTreeMap;

use common::{
    cells_of, clock,
    notes::{Note, NoteFields, Notes, all, by_stars, by_title, cells, key, notes, open, sync},
    now,
};
use leptos_sync_core::{
    Collection, Crdt, Error, LwwRegister, ReplicaId, Stamp, VersionVector,
    index::{Query, Schema},
    limits,
    storage::{Batch, FaultyStorage, MemoryStorage, Scan, Storage},
};
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, String, u8),
    Many(Vec<(u8, u8)>),
    SetTitle(u8, String),
    Vote(u8, i8),
    Mark(u8, u8, String),
    Remove(u8),
    RemoveMany(Vec<u8>),
    /// A replica sends the operations that another one lacks.
    Send(usize),
    /// Reopens the collection, like a page after a reload.
    Reopen,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let name = 0_u8..5;
    let step = prop_oneof![
        3 => (name.clone(), "[a-c]{0,2}", 0_u8..4).prop_map(|(key, title, stars)| Step::Insert(key, title, stars)),
        1 => vec((name.clone(), 0_u8..4), 1..4).prop_map(Step::Many),
        3 => (name.clone(), "[a-c]{0,2}").prop_map(|(key, title)| Step::SetTitle(key, title)),
        2 => (name.clone(), -3_i8..4).prop_map(|(key, by)| Step::Vote(key, by)),
        2 => (name.clone(), 0_u8..3, "[a-c]{0,2}").prop_map(|(key, mark, text)| Step::Mark(key, mark, text)),
        2 => name.clone().prop_map(Step::Remove),
        1 => vec(name, 1..4).prop_map(Step::RemoveMany),
        5 => (0_usize..3).prop_map(Step::Send),
        1 => Just(Step::Reopen),
    ];
    (0_usize..3, step)
}

/// A log of every write of every replica, which computes the expected state independently. A later
/// insertion or removal ends all earlier writes to the record.
#[derive(Default)]
struct Written {
    presence: Vec<(u8, Stamp, bool)>,
    titles: Vec<(u8, Stamp, String)>,
}

impl Written {
    /// Returns the state that a copy at `version` must show.
    fn shown(&self, version: &VersionVector) -> BTreeMap<String, String> {
        let mut shown = BTreeMap::new();
        for key_of in 0..5 {
            let presence = self.presence.iter();
            let last = presence
                .filter(|(key, stamp, _)| *key == key_of && version.contains(*stamp))
                .max_by_key(|(_, stamp, _)| *stamp);
            let Some((_, since, true)) = last else {
                continue;
            };
            let titles = self.titles.iter();
            let title = titles
                .filter(|(key, stamp, _)| {
                    *key == key_of && stamp >= since && version.contains(*stamp)
                })
                .max_by_key(|(_, stamp, _)| *stamp);
            shown.insert(
                key(key_of),
                title.map(|(_, _, title)| title.clone()).unwrap_or_default(),
            );
        }
        shown
    }
}

fn perform(notes: &Notes, step: Step, written: &mut Written) {
    match step {
        Step::Insert(n, title, stars) => {
            let done = now(notes.insert(&key(n), |note| {
                note.title().set(title.clone());
                note.stars().set(stars);
            }));
            let stamp = done.unwrap().stamp;
            written.presence.push((n, stamp, true));
            written.titles.push((n, stamp, title));
        }
        Step::Many(rows) => {
            let records = rows.iter().map(|&(n, stars)| (key(n), stars));
            let done = now(notes.insert_batch(records, |note, stars| note.stars().set(*stars)));
            let stamp = done.unwrap().stamp;
            for (n, _) in rows {
                written.presence.push((n, stamp, true));
            }
        }
        Step::SetTitle(n, title) => {
            let there = now(notes.get(&key(n))).unwrap().is_some();
            let done = now(notes.update(&key(n), |note| note.title().set(title.clone()))).unwrap();
            assert_eq!(done.is_some(), there);
            if let Some(done) = done {
                written.titles.push((n, done.stamp, title));
            }
        }
        Step::Vote(n, by) => {
            let vote = now(notes.update(&key(n), |note| match by {
                0.. => note.votes().increment(by.unsigned_abs().into()),
                _ => note.votes().decrement(by.unsigned_abs().into()),
            }));
            vote.unwrap();
        }
        Step::Mark(n, mark, text) => {
            let marked = now(notes.transact([&key(n)], |tx| {
                if let Some(note) = tx.update(&key(n)) {
                    note.marks().insert(mark, text.clone());
                }
            }));
            marked.unwrap();
        }
        Step::Remove(n) => {
            let key = key(n);
            let mut removed = false;
            let done = now(notes.transact([&key], |tx| removed = tx.remove(&key))).unwrap();
            if removed {
                written.presence.push((n, done.stamp, false));
            }
        }
        Step::RemoveMany(numbers) => {
            let mut keys: Vec<String> = numbers.iter().map(|&n| key(n)).collect();
            keys.sort();
            keys.dedup();
            let there: Vec<bool> = keys
                .iter()
                .map(|key| now(notes.get(key)).unwrap().is_some())
                .collect();
            let mut removed = Vec::new();
            let done = now(notes.transact(&keys, |tx| {
                removed = keys.iter().map(|key| tx.remove(key)).collect();
            }));
            let stamp = done.unwrap().stamp;
            assert_eq!(removed, there);
            for n in 0..5 {
                if keys
                    .iter()
                    .zip(&there)
                    .any(|(k, there)| *k == key(n) && *there)
                {
                    written.presence.push((n, stamp, false));
                }
            }
        }
        Step::Send(_) | Step::Reopen => {}
    }
}

fn assert_shown(notes: &Notes, written: &Written) {
    let shown = all(notes);
    let titles: BTreeMap<String, String> = shown
        .iter()
        .map(|(key, note)| (key.clone(), note.title.get().clone()))
        .collect();
    assert_eq!(titles, written.shown(&notes.version()));
    // The index and single reads return the same.
    let mut by_index = now(notes.query(by_stars().all())).unwrap().records;
    assert!(by_index.is_sorted_by_key(|(_, note)| *note.stars.get()));
    by_index.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(by_index, shown);
    for (key, note) in &shown {
        assert_eq!(now(notes.get(key)).unwrap().as_ref(), Some(note));
    }
}

proptest! {
    #[test]
    fn copies_that_saw_the_same_operations_are_equal(steps in vec(step(), 1..40)) {
        let stores: Vec<MemoryStorage> = (0..3).map(|_| MemoryStorage::new()).collect();
        let mut tabs: Vec<Notes> = (0..3).map(|n| open(stores[n].clone(), n as u64 + 1)).collect();
        let mut written = Written::default();
        for (who, step) in steps {
            match step {
                Step::Send(to) if to != who => sync(&tabs[who], &tabs[to]),
                // A closed tab has saved everything, so it reopens under the same id.
                Step::Reopen => tabs[who] = open(stores[who].clone(), who as u64 + 1),
                step => perform(&tabs[who], step, &mut written),
            }
            assert_shown(&tabs[who], &written);
        }
        for _ in 0..2 {
            for from in 0..3 {
                for to in 0..3 {
                    if from != to {
                        sync(&tabs[from], &tabs[to]);
                    }
                }
            }
        }
        let nothing = VersionVector::new();
        for tab in &tabs {
            assert_shown(tab, &written);
            prop_assert_eq!(all(tab), all(&tabs[0]));
            prop_assert_eq!(tab.version(), tabs[0].version());
            // Hidden cells are equal too.
            let (ours, first) = (now(tab.delta_since(&nothing)).unwrap(), now(tabs[0].delta_since(&nothing)).unwrap());
            prop_assert_eq!(cells(&ours), cells(&first));
        }
        // After every replica has seen the removals, their tombstones can be forgotten.
        let stable = tabs[0].version();
        for (tab, store) in tabs.iter().zip(&stores) {
            let before = all(tab);
            now(tab.forget_tombstones(&stable)).unwrap();
            prop_assert_eq!(all(tab), before);
            prop_assert!(now(tab.delta_since(&VersionVector::new())).is_err() || stable.is_empty());
            let records = now(store.scan(Scan::all())).unwrap();
            prop_assert!(records.len() < 64);
        }
    }

    #[test]
    fn two_tabs_can_share_one_store(steps in vec((0_usize..2, step()), 1..30)) {
        let store = MemoryStorage::new();
        let tabs = [open(store.clone(), 1), open(store.clone(), 2)];
        let mut written = Written::default();
        for (who, (_, step)) in steps {
            perform(&tabs[who], step, &mut written);
            for tab in &tabs {
                now(tab.refresh()).unwrap();
                assert_shown(tab, &written);
            }
        }
        // A third copy receives everything.
        let copy = notes(3);
        sync(&tabs[0], &copy);
        assert_shown(&copy, &written);
    }

    #[test]
    fn a_failing_store_loses_nothing_and_shows_no_partial_write(
        seed: u64,
        steps in vec(step(), 1..20),
    ) {
        let faulty = FaultyStorage::new(common::compressed());
        let notes = open(faulty.clone(), 1);
        for (_, step) in steps {
            let before = all(&notes);
            let Step::Insert(n, title, _) = step else { continue };
            faulty.fail_at_random(seed, 3);
            // Change two records together or not at all.
            let keys = [key(n), key(n + 1)];
            let done = now(notes.transact(&keys, |tx| {
                for key in &keys {
                    tx.insert(key).title().set(title.clone());
                }
            }));
            faulty.heal();
            let after = all(&notes);
            let mut written: BTreeMap<String, Note> = before.iter().cloned().collect();
            for key in &keys {
                written.remove(key);
            }
            let others = after.iter().filter(|(key, _)| !keys.contains(key)).cloned();
            prop_assert!(others.eq(written));
            let ours: Vec<&String> = after
                .iter()
                .filter(|(key, _)| keys.contains(key))
                .map(|(_, note)| note.title.get())
                .collect();
            match done {
                Ok(_) => prop_assert_eq!(ours, [&title, &title]),
                // After an error, the commit may or may not have taken effect, but never in part.
                Err(error) => {
                    prop_assert!(error.is_storage(), "{}", error);
                    prop_assert!(after == before || ours == [&title, &title]);
                }
            }
        }
        // The known version equals the stored one.
        let again = open(faulty, 1);
        let copy = self::notes(2);
        sync(&again, &copy);
        prop_assert_eq!(all(&copy), all(&again));
    }
}

#[test]
fn concurrent_edits_of_different_fields_are_both_kept() {
    let (ada, bob) = (notes(1), notes(2));
    now(ada.insert(&key(1), |note| note.title().set("milk".to_owned()))).unwrap();
    sync(&ada, &bob);
    now(ada.update(&key(1), |note| note.stars().set(3))).unwrap();
    now(bob.update(&key(1), |note| note.title().set("oat milk".to_owned()))).unwrap();
    now(bob.update(&key(1), |note| note.votes().increment(2))).unwrap();
    sync(&ada, &bob);
    sync(&bob, &ada);
    for notes in [ada, bob] {
        let note = now(notes.get(&key(1))).unwrap().unwrap();
        assert_eq!(
            (
                note.title.get().as_str(),
                *note.stars.get(),
                note.votes.value()
            ),
            ("oat milk", 3, 2)
        );
    }
}

#[test]
fn a_removal_wins_over_a_concurrent_edit() {
    let (ada, bob) = (notes(1), notes(2));
    now(ada.insert(&key(1), |note| note.title().set("milk".to_owned()))).unwrap();
    sync(&ada, &bob);
    assert!(now(ada.remove(&key(1))).unwrap());
    assert!(!now(ada.remove(&key(1))).unwrap());
    for votes in 0..3 {
        now(bob.update(&key(1), |note| note.votes().increment(votes))).unwrap();
    }
    sync(&ada, &bob);
    sync(&bob, &ada);
    assert_eq!((all(&ada), all(&bob)), (vec![], vec![]));
    // A second insertion starts with default content.
    now(bob.insert(&key(1), |note| note.stars().set(1))).unwrap();
    sync(&bob, &ada);
    let note = now(ada.get(&key(1))).unwrap().unwrap();
    assert_eq!(
        (
            note.title.get().as_str(),
            *note.stars.get(),
            note.votes.value()
        ),
        ("", 1, 0)
    );
}

#[test]
fn a_duplicate_title_is_rejected_locally_and_accepted_in_a_merge() {
    let open = |replica| {
        let schema = Schema::new(1).index(&by_title());
        now(Notes::open(
            MemoryStorage::new(),
            "notes",
            schema,
            clock(replica),
        ))
        .unwrap()
    };
    let (ada, bob) = (open(1), open(2));
    let titled = |notes: &Notes, n, title: &str| {
        now(notes.insert(&key(n), |note| note.title().set(title.to_owned())))
    };
    titled(&ada, 1, "milk").unwrap();
    let error = titled(&ada, 2, "milk").unwrap_err();
    assert!(
        error.is_conflict() && error.to_string().contains("\"title\""),
        "{error}"
    );
    assert_eq!(all(&ada).len(), 1);

    titled(&bob, 3, "milk").unwrap();
    sync(&bob, &ada);
    let both = now(ada.query(by_title().equals("milk"))).unwrap().records;
    assert_eq!(
        both.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
        ["note 1", "note 3"]
    );
    now(ada.update(&key(3), |note| note.title().set("tea".to_owned()))).unwrap();
    titled(&ada, 1, "milk").unwrap();
}

#[test]
fn an_oversized_index_key_is_rejected_locally_and_accepted_in_a_merge() {
    let by_title = || Schema::new(1).index(&by_title());
    let indexed = now(Notes::open(
        MemoryStorage::new(),
        "notes",
        by_title(),
        clock(1),
    ))
    .unwrap();
    let long = "x".repeat(limits::INDEX_KEY_BYTES);
    let refused = now(indexed.insert(&key(1), |note| note.title().set(long.clone())));
    assert!(refused.unwrap_err().is_limit());

    let other = notes(2);
    now(other.insert(&key(1), |note| note.title().set(long.clone()))).unwrap();
    now(other.insert(&key(2), |note| note.title().set("short".to_owned()))).unwrap();
    sync(&other, &indexed);
    assert_eq!(all(&indexed), all(&other));
    let listed = now(indexed.query(common::notes::by_title().all())).unwrap();
    assert_eq!((listed.records.len(), listed.damage.len()), (1, 0));
    now(indexed.update(&key(1), |note| note.title().set("shorter".to_owned()))).unwrap();
    assert_eq!(
        now(indexed.query(common::notes::by_title().all()))
            .unwrap()
            .records
            .len(),
        2
    );
}

#[test]
fn a_record_may_have_the_maximum_number_of_writers() {
    let (first, copy) = (notes(1), notes(2));
    now(first.insert(&key(1), |_| {})).unwrap();
    for replica in 3..400 {
        first.set_replica(ReplicaId::new(replica));
        now(first.update(&key(1), |note| note.votes().increment(1))).unwrap();
    }
    sync(&first, &copy);
    assert_eq!(now(copy.get(&key(1))).unwrap().unwrap().votes.value(), 397);
    first.set_replica(ReplicaId::new(5));
    now(first.update(&key(1), |note| note.votes().increment(1))).unwrap();
    let delta = now(first.delta_since(&copy.version())).unwrap();
    assert_eq!(cells(&delta).len(), 1, "the delta has only new cells");
    now(copy.apply(&delta)).unwrap();
    assert_eq!(all(&copy), all(&first));
}

#[test]
fn opening_costs_the_same_whatever_the_size() {
    let mut reads = Vec::new();
    for count in [10_u32, 20_000] {
        let memory = MemoryStorage::new();
        let notes = open(memory.clone(), 1);
        for chunk in 0..count.div_ceil(5000) {
            let rows = (chunk * 5000..count.min((chunk + 1) * 5000)).map(|n| (n.to_string(), n));
            now(notes.insert_batch(rows, |note, n| note.stars().set(*n as u8))).unwrap();
        }
        let faulty = FaultyStorage::new(memory);
        open(faulty.clone(), 1);
        reads.push(faulty.operations());
    }
    assert_eq!(reads[0], reads[1]);
    assert!(reads[0] < 6, "{reads:?}");
}

#[test]
fn a_record_that_a_transaction_removes_and_inserts_again_is_written_once() {
    let notes = notes(1);
    let (first, second) = (key(1), key(2));
    let done = now(notes.transact([&first, &second], |tx| {
        for round in 0..3 {
            for key in [&second, &first] {
                tx.remove(key);
                let note = &mut tx.insert(key);
                note.title().set(format!("{key} {round}"));
                note.stars().set(round);
                note.votes().increment(1);
                note.marks().insert(round, "mark".to_owned());
            }
        }
    }))
    .unwrap();
    // The record, title, stars and votes, and three marks.
    assert_eq!(cells_of(&done.delta).len(), 2 * 7);
    let copy = self::notes(2);
    sync(&notes, &copy);
    assert_eq!(all(&copy), all(&notes));
}

#[test]
fn a_transaction_is_limited_to_its_keys() {
    let notes = notes(1);
    now(notes.insert(&key(1), |_| {})).unwrap();
    let error = now(notes.transact([&key(1)], |tx| {
        tx.insert(&key(2)).title().set("x".to_owned())
    }))
    .unwrap_err();
    assert!(
        error.is_value() && error.to_string().contains("pass all keys"),
        "{error}"
    );
    let cancelled = now(notes.transact([&key(1)], |tx| {
        tx.remove(&key(1));
        tx.cancel(Error::value("no"));
    }));
    assert!(cancelled.is_err());
    assert_eq!(all(&notes).len(), 1);
}

#[test]
fn a_delta_from_the_future_or_under_the_own_id_is_rejected() {
    let (ada, other) = (notes(1), notes(1));
    now(other.insert(&key(1), |_| {})).unwrap();
    let delta = now(other.delta_since(&VersionVector::new())).unwrap();
    assert!(now(ada.apply(&delta)).unwrap_err().is_replica_reused());
    let bob = notes(2);
    now(bob.insert(&key(1), |_| {})).unwrap();
    let second = now(bob.insert(&key(2), |_| {})).unwrap().delta;
    assert!(now(ada.apply(&second)).unwrap_err().is_gap());
    assert_eq!(all(&ada), []);
    ada.set_replica(ReplicaId::new(9));
    now(ada.apply(&delta)).unwrap();
    assert_eq!((all(&ada).len(), ada.replica()), (1, ReplicaId::new(9)));
}

/// A newer build of the app has an additional field.
#[derive(Crdt, Clone, Default)]
struct NewerNote {
    title: LwwRegister<String>,
    colour: LwwRegister<String>,
}

#[test]
fn an_older_build_preserves_and_forwards_an_unknown_field() {
    let newer = |replica| {
        let schema = Schema::new(1);
        now(Collection::<_, String, NewerNote>::open(
            MemoryStorage::new(),
            "notes",
            schema,
            clock(replica),
        ))
        .unwrap()
    };
    let (new, old, another) = (newer(1), notes(2), newer(3));
    now(new.insert(&key(1), |note| note.colour().set("red".to_owned()))).unwrap();
    now(old.apply(&now(new.delta_since(&old.version())).unwrap())).unwrap();
    now(old.update(&key(1), |note| note.stars().set(3))).unwrap();
    now(another.apply(&now(old.delta_since(&another.version())).unwrap())).unwrap();
    let note = now(another.get(&key(1))).unwrap().unwrap();
    assert_eq!(note.colour.get(), "red");
    // Removing the record removes the field too.
    now(old.remove(&key(1))).unwrap();
    now(old.insert(&key(1), |_| {})).unwrap();
    let all = now(old.delta_since(&VersionVector::new())).unwrap();
    assert_eq!(cells(&all).len(), 1, "{:?}", cells(&all));
    now(another.apply(&now(old.delta_since(&another.version())).unwrap())).unwrap();
    assert_eq!(now(another.get(&key(1))).unwrap().unwrap().colour.get(), "");
}

#[test]
fn a_damaged_record_is_reported_and_can_be_replaced() {
    let store = MemoryStorage::new();
    let notes = open(store.clone(), 1);
    for n in 0..3 {
        now(notes.insert(&key(n), |note| note.stars().set(n))).unwrap();
    }
    let records = now(store.scan(Scan::all())).unwrap();
    let (place, bytes) = records
        .iter()
        .find(|(place, _)| place.ends_with(b"note 1\0"))
        .unwrap();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut batch = Batch::new();
    batch.put(place.clone(), damaged.clone());
    now(store.commit(batch)).unwrap();

    assert!(now(notes.get(&key(1))).unwrap_err().is_corrupt());
    let page = now(notes.query(Query::all())).unwrap();
    assert_eq!((page.records.len(), page.damage.len()), (2, 1));
    assert_eq!(page.damage[0].key, *place);
    assert!(
        now(notes.update(&key(1), |note| note.stars().set(3)))
            .unwrap_err()
            .is_corrupt()
    );
    now(notes.update(&key(2), |note| note.stars().set(3))).unwrap();
    now(notes.insert(&key(1), |note| note.stars().set(9))).unwrap();
    assert_eq!(all(&notes).len(), 3);
    let kept = now(store.scan(Scan::all())).unwrap();
    assert!(kept.iter().any(|(_, bytes)| *bytes == damaged));
}
