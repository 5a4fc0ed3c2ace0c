//! Unique indices that are being built: no write can add a second record with a key that exists
//! already.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::BTreeMap;

use common::{
    clock,
    notes::{Note, NoteFields as _, Notes, by_title},
    now,
};
use leptos_sync_core::{
    Error,
    index::{Index, IndexedStorage, Query, Schema},
    limits::READ_RECORDS,
    storage::MemoryStorage,
};

type Emails = IndexedStorage<MemoryStorage, u32, String>;

/// The number of records. Three steps of a build do not list all of them.
const RECORDS: u32 = 3 * READ_RECORDS as u32 + 7;

fn by_email() -> Index<String, String> {
    Index::unique("email", String::clone)
}

fn email(n: u32) -> String {
    format!("{n}@example.org")
}

/// Creates records before the index is declared.
fn emails() -> (MemoryStorage, Emails) {
    let store = MemoryStorage::new();
    let old = now(Emails::open(store.clone(), "emails", Schema::new(1))).unwrap();
    now(old.insert_batch((0..RECORDS).map(|n| (n, email(n))))).unwrap();
    (store.clone(), open(&store))
}

fn open(store: &MemoryStorage) -> Emails {
    let schema = Schema::new(2).index(&by_email());
    now(Emails::open(store.clone(), "emails", schema)).unwrap()
}

fn owners(emails: &Emails, email: &str) -> Vec<u32> {
    let found = now(emails.query(by_email().equals(email))).unwrap();
    found.records.into_iter().map(|(key, _)| key).collect()
}

#[test]
fn a_duplicate_of_a_record_that_is_not_listed_yet_is_rejected() {
    // Try after zero, one and two steps, with a duplicate of a record on each side of the build's
    // progress.
    for steps in 0..3 {
        for n in [0, READ_RECORDS as u32 + 1, RECORDS - 1] {
            let (_, emails) = emails();
            for _ in 0..steps {
                now(emails.build_step()).unwrap();
            }
            let error = now(emails.insert(&RECORDS, email(n))).unwrap_err();
            assert!(error.is_conflict(), "{error}");
            let other = (n + 1) % RECORDS;
            let error = now(emails.update(&other, |value| *value = email(n))).unwrap_err();
            assert!(error.is_conflict(), "{error}");
            assert_eq!(owners(&emails, &email(n)), [n]);
            assert_eq!(now(emails.get(&RECORDS)).unwrap(), None);
        }
    }
}

#[test]
fn a_write_of_a_free_key_succeeds_while_the_index_is_being_built() {
    let (store, emails) = emails();
    now(emails.build_step()).unwrap();
    now(emails.insert(&RECORDS, email(RECORDS))).unwrap();
    assert_eq!(owners(&emails, &email(RECORDS)), [RECORDS]);
    assert_eq!(
        now(emails.build_step()).unwrap(),
        None,
        "the write has built the index"
    );
    assert_eq!(
        now(open(&store).query(by_email().all()))
            .unwrap()
            .records
            .len() as u32,
        RECORDS + 1
    );
}

#[test]
fn a_write_that_needs_no_new_key_does_not_wait_for_the_build() {
    let (_, emails) = emails();
    now(emails.update(&3, |_| ())).unwrap();
    now(emails.remove(&4)).unwrap();
    let step = now(emails.build_step()).unwrap().unwrap();
    assert!(!step.done, "the write has built nothing: {step:?}");
}

#[test]
fn a_key_released_by_an_unlisted_record_is_free_again() {
    let (_, emails) = emails();
    let last = RECORDS - 1;
    now(emails.update(&last, |value| *value = "new@example.org".to_owned())).unwrap();
    now(emails.insert(&RECORDS, email(last))).unwrap();
    assert_eq!(owners(&emails, &email(last)), [RECORDS]);
    assert_eq!(owners(&emails, "new@example.org"), [last]);
}

#[test]
fn a_second_tab_rejects_the_duplicate_too() {
    let (store, first) = emails();
    let second = open(&store);
    now(first.build_step()).unwrap();
    now(second.insert(&RECORDS, "x@example.org".to_owned())).unwrap();
    let error = now(first.insert(&(RECORDS + 1), "x@example.org".to_owned())).unwrap_err();
    assert!(error.is_conflict(), "{error}");
    now(first.rebuild("email")).unwrap();
    let error = now(second.insert(&(RECORDS + 1), email(7))).unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[test]
fn a_collection_rejects_a_title_that_an_unlisted_record_has() {
    let store = MemoryStorage::new();
    let open = |schema| now(Notes::open(store.clone(), "notes", schema, clock(1))).unwrap();
    let insert = |notes: &Notes, key: &str, title: &str| -> Result<(), Error> {
        let write = |note: &mut leptos_sync_core::Tx<'_, Note>| note.title().set(title.to_owned());
        now(notes.insert(&key.to_owned(), write)).map(drop)
    };
    let old = open(Schema::new(1));
    insert(&old, "a", "milk").unwrap();
    let new = open(Schema::new(2).index(&by_title()));
    assert!(insert(&new, "b", "milk").unwrap_err().is_conflict());
    insert(&new, "b", "tea").unwrap();
    let all = now(new.query(Query::all())).unwrap();
    assert_eq!(all.records.len(), 2);
}

/// Numbers that look random, from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as u32 % end
    }
}

#[test]
fn random_writes_in_two_tabs_during_builds_never_give_a_second_record_a_key() {
    const KEYS: u32 = 8;
    for seed in 0..200 {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ seed);
        let store = MemoryStorage::new();
        // Some of the records from before the index share a key.
        let old = now(Emails::open(store.clone(), "emails", Schema::new(1))).unwrap();
        let records = (0..6).map(|key| (key, email(numbers.below(KEYS))));
        let mut expected: BTreeMap<u32, String> = records.collect();
        now(old.insert_batch(expected.clone())).unwrap();
        let tabs = [open(&store), open(&store)];
        for _ in 0..60 {
            let tab = if numbers.below(2) == 0 {
                &tabs[0]
            } else {
                &tabs[1]
            };
            let (key, value) = (numbers.below(KEYS), email(numbers.below(KEYS)));
            let is_free = expected
                .iter()
                .all(|(other, of)| *other == key || *of != value);
            let is_same = expected.get(&key) == Some(&value);
            match numbers.below(6) {
                0 | 1 => match now(tab.insert(&key, value.clone())) {
                    Ok(()) => {
                        assert!(is_free || is_same, "seed {seed}");
                        expected.insert(key, value);
                    }
                    Err(error) => assert!(error.is_conflict() && !is_free, "seed {seed}: {error}"),
                },
                2 => assert_eq!(
                    now(tab.remove(&key)).unwrap(),
                    expected.remove(&key).is_some()
                ),
                3 => now(tab.rebuild("email")).unwrap(),
                _ => drop(now(tab.build_step()).unwrap()),
            }
        }
        now(tabs[0].build(drop)).unwrap();
        for value in (0..KEYS).map(email) {
            let keys = expected.iter().filter(|(_, of)| **of == value);
            let keys: Vec<u32> = keys.map(|(key, _)| *key).collect();
            assert_eq!(owners(&tabs[1], &value), keys, "seed {seed}");
        }
    }
}
