//! Secondary indices, compared with full scans of the same records.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{collections::BTreeMap, ops::Bound};

use common::now;
use leptos_sync_core::{
    Error,
    index::{Cursor, Index, IndexedStorage, Query, Schema},
    storage::{Batch, Fault, FaultyStorage, MemoryStorage, Scan, Storage, Write},
};
use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    age: i32,
    height: f64,
    name: (String, String),
    email: u8,
    tags: Vec<String>,
}

struct By {
    age: Index<Person, i32>,
    height: Index<Person, f64>,
    name: Index<Person, (String, String)>,
    email: Index<Person, u8>,
    tag: Index<Person, String>,
}

impl By {
    fn new() -> Self {
        Self {
            age: Index::new("age", |person: &Person| person.age),
            height: Index::new("height", |person: &Person| person.height),
            name: Index::new("name", |person: &Person| person.name.clone()),
            email: Index::unique("email", |person: &Person| person.email),
            tag: Index::multi("tag", |person: &Person| person.tags.clone()),
        }
    }

    /// Returns the schema with all indices of a version. Each version above 1 adds one.
    fn schema(&self, version: u32) -> Schema<Person> {
        let schema = Schema::new(version).index(&self.age).index(&self.email);
        let schema = if version > 1 {
            schema.index(&self.tag)
        } else {
            schema
        };
        let schema = if version > 2 {
            schema.index(&self.name)
        } else {
            schema
        };
        if version > 3 {
            schema.index(&self.height)
        } else {
            schema
        }
    }
}

const LATEST: u32 = 4;

type People<S> = IndexedStorage<S, (u8, String), Person>;

fn people<S: Storage>(store: S, version: u32) -> Result<People<S>, Error> {
    now(People::open(store, "people", By::new().schema(version)))
}

fn text() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "",
        "a",
        "ab",
        "abc",
        "b",
        "a\0",
        "a\u{1}",
        "é",
        "\u{10ffff}",
    ])
    .prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = (u8, String)> + Clone {
    (0_u8..4, text())
}

fn person() -> impl Strategy<Value = Person> {
    let height = prop::sample::select(vec![-0.0, 0.0, 1.5, -1.5, f64::INFINITY, 1e-300]);
    (-2..3, height, (text(), text()), 0_u8..60, vec(text(), 0..4)).prop_map(
        |(age, height, name, email, tags)| Person {
            age,
            height,
            name,
            email,
            tags,
        },
    )
}

/// An operation on the records.
#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<((u8, String), Person)>),
    SetAge((u8, String), i32),
    Remove(Vec<(u8, String)>),
    /// Reopens the storage, with a newer build if there is one.
    Reopen,
    Build,
    Rebuild(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec((key(), person()), 1..6).prop_map(Step::Insert),
        2 => (key(), -2..3).prop_map(|(key, age)| Step::SetAge(key, age)),
        2 => vec(key(), 1..3).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
        1 => Just(Step::Build),
        1 => prop::sample::select(vec!["age", "email"]).prop_map(Step::Rebuild),
    ]
}

/// The keys under which a record is listed.
type KeysOf = dyn Fn(&(u8, String), &Person) -> Vec<Sorted>;

/// A record with its key.
type Found = ((u8, String), Person);

/// A query, and the keys under which the model expects a person to match.
struct Asked {
    query: Query,
    keys: Box<KeysOf>,
}

/// A sort key, which the model orders independently.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Sorted {
    Nothing,
    Number(f64),
    Texts(String, String),
}

fn within<T: PartialOrd>(value: &T, (start, end): &(Bound<T>, Bound<T>)) -> bool {
    let after = match start {
        Bound::Included(start) => value >= start,
        Bound::Excluded(start) => value > start,
        Bound::Unbounded => true,
    };
    after
        && match end {
            Bound::Included(end) => value <= end,
            Bound::Excluded(end) => value < end,
            Bound::Unbounded => true,
        }
}

fn bounds<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = (Bound<T>, Bound<T>)> {
    let bound = (value, 0..3).prop_map(|(value, kind)| match kind {
        0 => Bound::Included(value),
        1 => Bound::Excluded(value),
        _ => Bound::Unbounded,
    });
    let bound = bound.boxed();
    (bound.clone(), bound)
}

/// The parameters of a query.
type Question = (
    usize,
    (Bound<i32>, Bound<i32>),
    (Bound<(u8, String)>, Bound<(u8, String)>),
    (Bound<f64>, Bound<f64>),
    String,
    u8,
);

fn question() -> impl Strategy<Value = Question> {
    let height = prop::sample::select(vec![-1.5, -0.0, 0.0, 1.0, 2.0]);
    (
        0_usize..10,
        bounds(-3..4),
        bounds(key()),
        bounds(height),
        text(),
        0_u8..60,
    )
}

fn asked((which, ages, keys, heights, text, email): Question) -> Asked {
    let by = By::new();
    let nothing = |yes: bool| if yes { vec![Sorted::Nothing] } else { vec![] };
    let (query, keys): (Query, Box<KeysOf>) = match which {
        0 => (Query::all(), Box::new(move |_, _| nothing(true))),
        1 => (
            Query::range(keys.clone()),
            Box::new(move |key, _| nothing(within(key, &keys))),
        ),
        2 => (
            Query::leading(&(email % 4,)),
            Box::new(move |key, _| nothing(key.0 == email % 4)),
        ),
        3 => (
            by.age.range(ages),
            Box::new(move |_, person| {
                let age = Sorted::Number(person.age.into());
                Some(age)
                    .filter(|_| within(&person.age, &ages))
                    .into_iter()
                    .collect()
            }),
        ),
        4 => (
            by.email.equals(&email),
            Box::new(move |_, person| nothing(person.email == email)),
        ),
        5 => (
            by.email.all(),
            Box::new(|_, person| vec![Sorted::Number(person.email.into())]),
        ),
        6 => (
            by.tag.prefix(&text),
            Box::new(move |_, person| {
                let mut tags = person.tags.clone();
                tags.sort();
                tags.dedup();
                let tags = tags.into_iter().filter(|tag| tag.starts_with(&text));
                tags.map(|tag| Sorted::Texts(tag, String::new())).collect()
            }),
        ),
        7 => (
            by.name.leading(&(text.clone(),)),
            Box::new(move |_, person| {
                let name = Sorted::Texts(person.name.0.clone(), person.name.1.clone());
                Some(name)
                    .filter(|_| person.name.0 == text)
                    .into_iter()
                    .collect()
            }),
        ),
        8 => (
            by.height.range(heights),
            Box::new(move |_, person| {
                let height = Some(person.height).filter(|height| within(height, &heights));
                height.map(Sorted::Number).into_iter().collect()
            }),
        ),
        _ => (
            by.age.equals(&(i32::from(email) % 3)),
            Box::new(move |_, person| nothing(person.age == i32::from(email) % 3)),
        ),
    };
    Asked { query, keys }
}

type Model = BTreeMap<(u8, String), Person>;

/// Returns the records that a query must find, by sort key and then by record key.
fn scanned(model: &Model, asked: &Asked, reverse: bool) -> Vec<((u8, String), Person)> {
    let mut found = Vec::new();
    for (key, person) in model {
        for sorted in (asked.keys)(key, person) {
            found.push((sorted, key.clone(), person.clone()));
        }
    }
    found.sort_by(|a, b| (&a.0, &a.1).partial_cmp(&(&b.0, &b.1)).unwrap());
    if reverse {
        found.reverse();
    }
    found
        .into_iter()
        .map(|(_, key, person)| (key, person))
        .collect()
}

/// Returns all pages of a query, of `limit` records each.
fn paged<S: Storage>(people: &People<S>, query: &Query, limit: usize) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let mut next = query.clone().limit(limit);
    loop {
        let page = now(people.query(next))?;
        assert!(page.damage.is_empty(), "{:?}", page.damage);
        assert!(page.records.len() <= limit);
        found.extend(page.records);
        let Some(cursor) = page.next else {
            return Ok(found);
        };
        let cursor = Cursor::from_bytes(&cursor.to_bytes()).unwrap();
        next = query.clone().limit(limit).after(cursor);
    }
}

/// Applies a step to the storage and the model, which must agree on the result.
fn perform<S: Storage>(people: &People<S>, model: &mut Model, step: Step) {
    match step {
        Step::Insert(records) => {
            let mut next = model.clone();
            next.extend(records.clone());
            let mut emails: Vec<u8> = next.values().map(|person| person.email).collect();
            emails.sort_unstable();
            let unique = emails.windows(2).all(|pair| pair[0] != pair[1]);
            match now(people.insert_batch(records)) {
                Ok(()) => {
                    assert!(unique, "no two records share an email");
                    *model = next;
                }
                Err(error) => assert!(error.is_conflict() && !unique, "{error}"),
            }
        }
        Step::SetAge(key, age) => {
            let found = now(people.update(&key, |person| person.age = age)).unwrap();
            assert_eq!(found, model.contains_key(&key));
            model.entry(key).and_modify(|person| person.age = age);
        }
        Step::Remove(keys) => {
            let removed = now(people.remove_batch(&keys)).unwrap();
            let before = model.len();
            keys.iter().for_each(|key| drop(model.remove(key)));
            assert_eq!(removed, before - model.len());
        }
        Step::Build => {
            now(people.build_step()).unwrap();
        }
        Step::Rebuild(name) => {
            now(people.rebuild(name)).unwrap();
            // Build the indices first: a unique index that is not built yet cannot reject
            // duplicates, but the model does.
            now(people.build(|_| {})).unwrap();
        }
        Step::Reopen => {}
    }
}

proptest! {
    #[test]
    fn every_query_equals_a_full_scan(
        steps in vec(step(), 1..24),
        questions in vec((question(), 1_usize..6, any::<bool>()), 8),
    ) {
        let store = common::compressed();
        let mut version = 1;
        let mut handle = people(store.clone(), version).unwrap();
        let mut model = Model::new();
        for step in steps {
            if matches!(step, Step::Reopen) {
                version = (version + 1).min(LATEST);
                handle = people(store.clone(), version).unwrap();
            }
            perform(&handle, &mut model, step);
        }
        now(handle.build(|_| {})).unwrap();
        for (question, limit, reverse) in questions {
            let asked = asked(question);
            let query = if reverse { asked.query.clone().reverse() } else { asked.query.clone() };
            match paged(&handle, &query, limit) {
                Ok(found) => prop_assert_eq!(found, scanned(&model, &asked, reverse), "{:?}", query),
                Err(error) => prop_assert!(error.is_value() && version < LATEST, "{}", error),
            }
        }
        for (key, person) in &model {
            prop_assert_eq!(now(handle.get(key)).unwrap(), Some(person.clone()));
        }
        assert_no_more_entries(&store, &handle);
    }

    #[test]
    fn two_handles_can_write_one_store(steps in vec((any::<bool>(), step()), 1..20)) {
        let store = MemoryStorage::new();
        let handles = [people(store.clone(), LATEST).unwrap(), people(store.clone(), LATEST).unwrap()];
        let mut model = Model::new();
        for (which, step) in steps {
            perform(&handles[usize::from(which)], &mut model, step);
        }
        for handle in &handles {
            now(handle.build(|_| {})).unwrap();
            for which in 0..10 {
                let unbounded = (Bound::Unbounded, Bound::Unbounded);
                let asked = asked((which, unbounded, (Bound::Unbounded, Bound::Unbounded), (Bound::Unbounded, Bound::Unbounded), String::new(), 1));
                prop_assert_eq!(paged(handle, &asked.query, 3).unwrap(), scanned(&model, &asked, false));
            }
        }
    }

    #[test]
    fn a_batch_that_fails_at_any_step_changes_nothing(
        before in vec((key(), person()), 0..6),
        batch in vec((key(), person()), 1..6),
    ) {
        let distinct = |people: Vec<((u8, String), Person)>, first: u8| {
            (first..).zip(people).map(|(email, (key, person))| (key, Person { email, ..person }))
        };
        for operation in 0..8 {
            for fault in [Fault::Refused, Fault::Quota] {
                let memory = MemoryStorage::new();
                let handle = people(memory.clone(), LATEST).unwrap();
                now(handle.insert_batch(distinct(before.clone(), 0))).unwrap();
                let stored = now(memory.scan(Scan::all())).unwrap();

                let faulty = FaultyStorage::new(memory.clone());
                let handle = people(faulty.clone(), LATEST).unwrap();
                faulty.fail_operation(faulty.operations() + operation, fault);
                match now(handle.insert_batch(distinct(batch.clone(), 100))) {
                    Ok(()) => continue,
                    Err(error) => prop_assert!(error.is_storage()),
                }
                prop_assert_eq!(&now(memory.scan(Scan::all())).unwrap(), &stored);
                now(handle.insert_batch(distinct(batch.clone(), 100))).unwrap();
            }
        }
    }
}

/// Checks that the storage has no entries except those that a new build of the indices would
/// create.
fn assert_no_more_entries<S: Storage + Clone>(store: &S, handle: &People<S>) {
    let entries = || {
        let all = now(store.scan(Scan::all())).unwrap();
        all.into_iter()
            .filter(|(key, _)| key.get(9) == Some(&3))
            .count()
    };
    let before = entries();
    let known = ["age", "email", "tag", "name", "height"];
    for name in known {
        match now(handle.rebuild(name)) {
            Ok(()) => {}
            Err(error) => assert!(error.is_value()),
        }
    }
    now(handle.build(|_| {})).unwrap();
    assert_eq!(
        entries(),
        before,
        "the entries are exactly those of the records"
    );
}

fn one(email: u8) -> Person {
    Person {
        age: 30,
        height: 1.8,
        name: ("Lovelace".to_owned(), "Ada".to_owned()),
        email,
        tags: vec!["x".to_owned()],
    }
}

fn many(count: u16) -> impl Iterator<Item = ((u8, String), Person)> {
    (0..count).map(|n| {
        let person = Person {
            age: i32::from(n),
            ..one(n as u8)
        };
        ((0, format!("{n:05}")), person)
    })
}

/// Returns a schema without the unique index, for more people than there are emails.
fn by_age(version: u32) -> Schema<Person> {
    let by = By::new();
    if version == 1 {
        Schema::new(1)
    } else {
        Schema::new(version).index(&by.age)
    }
}

#[test]
fn an_interrupted_build_continues_where_it_stopped() {
    let store = MemoryStorage::new();
    let open = |version| now(People::open(store.clone(), "people", by_age(version))).unwrap();
    now(open(1).insert_batch(many(2000))).unwrap();

    let newer = open(2);
    let error = now(newer.query(By::new().age.all())).unwrap_err();
    assert!(
        error.is_unavailable() && error.to_string().contains("not built yet"),
        "{error}"
    );
    let step = now(newer.build_step()).unwrap().unwrap();
    assert!(!step.done && step.records > 0 && step.records < 2000);
    // Change a record that the build has listed, and one that it has not.
    for key in ["00000", "01999"] {
        now(newer.update(&(0, key.to_owned()), |person| person.age = -1)).unwrap();
    }
    drop(newer);

    let again = open(2);
    let mut steps = Vec::new();
    now(again.build(|step| steps.push(step.records))).unwrap();
    assert!(steps[0] > step.records, "the build started over: {steps:?}");
    assert_eq!(steps.last(), Some(&2000));
    let found = now(again.query(By::new().age.all())).unwrap();
    assert_eq!(found.records.len(), 2000);
    let first: Vec<&str> = found
        .records
        .iter()
        .take(2)
        .map(|(key, _)| key.1.as_str())
        .collect();
    assert_eq!(first, ["00000", "01999"]);
}

#[test]
fn two_tabs_can_build_one_index_together() {
    let store = MemoryStorage::new();
    let open = |version| now(People::open(store.clone(), "people", by_age(version))).unwrap();
    now(open(1).insert_batch(many(3000))).unwrap();
    let (a, b) = (open(2), open(2));
    let mut steps = 0;
    loop {
        let (left, right) = (now(a.build_step()).unwrap(), now(b.build_step()).unwrap());
        steps += usize::from(left.is_some()) + usize::from(right.is_some());
        if left.is_none() && right.is_none() {
            break;
        }
    }
    assert!(steps <= 7, "the tabs share the steps: {steps}");
    for handle in [a, b] {
        let found = now(handle.query(By::new().age.all())).unwrap().records;
        assert!(found.iter().map(|(_, person)| person.age).eq(0..3000));
    }
}

#[test]
fn an_older_build_reads_but_does_not_write() {
    let store = MemoryStorage::new();
    let old = people(store.clone(), 1).unwrap();
    now(old.insert(&(1, "a".to_owned()), one(1))).unwrap();
    let new = people(store.clone(), 2).unwrap();

    // A tab that was already open learns of the new schema with its next write.
    for old in [old, people(store, 1).unwrap()] {
        let error = now(old.insert(&(1, "b".to_owned()), one(2))).unwrap_err();
        assert!(
            error.is_unsupported() && error.to_string().contains("newer"),
            "{error}"
        );
        assert!(old.is_read_only());
        let error = now(old.build(|_| {})).unwrap_err();
        assert!(error.is_unsupported());
        assert_eq!(now(old.get(&(1, "a".to_owned()))).unwrap(), Some(one(1)));
        assert_eq!(
            now(old.query(By::new().age.all())).unwrap().records.len(),
            1
        );
    }
    assert!(!new.is_read_only());
}

#[test]
fn different_indices_under_one_version_are_an_error() {
    let store = MemoryStorage::new();
    people(store.clone(), 2).unwrap();
    let by = By::new();
    let other = Schema::new(2).index(&by.age);
    let error = now(People::open(store, "people", other)).unwrap_err();
    assert!(
        error.is_value() && error.to_string().contains("raise the version"),
        "{error}"
    );
}

#[test]
fn the_entries_of_a_removed_index_are_deleted() {
    let store = MemoryStorage::new();
    let handle = people(store.clone(), LATEST).unwrap();
    now(handle.insert_batch(many(200))).unwrap();
    let records_only = now(People::open(store.clone(), "people", Schema::new(9))).unwrap();
    // The old handle returns an error, not an incomplete result.
    let error = now(handle.query(By::new().age.all())).unwrap_err();
    assert!(error.is_unsupported(), "{error}");
    now(records_only.build(|_| {})).unwrap();
    assert_eq!(
        store.len(),
        200 + 2,
        "only the records, the catalog and the count are left"
    );
}

/// Damages every byte of a small storage, one at a time. Nothing panics, intact records are
/// returned, and the damage is reported with its key.
#[test]
fn damaged_records_and_entries_are_reported_and_the_rest_is_read() {
    let store = MemoryStorage::new();
    let handle = people(store.clone(), LATEST).unwrap();
    now(handle.insert_batch(many(5))).unwrap();
    let sound = now(store.scan(Scan::all())).unwrap();
    let by = By::new();
    for (key, value) in &sound {
        for at in 0..value.len() {
            let mut damaged = value.clone();
            damaged[at] ^= 0x41;
            let mut batch = Batch::new();
            batch.put(key.clone(), damaged);
            now(store.commit(batch)).unwrap();
            let handle = match people(store.clone(), LATEST) {
                Ok(handle) => handle,
                Err(error) => {
                    // A catalog in a later format must not be overwritten.
                    assert!(error.is_unsupported() && key.get(9) == Some(&1), "{error}");
                    continue;
                }
            };
            let catalog = !handle.damage().is_empty();
            assert_eq!(
                catalog,
                key.get(9) == Some(&1),
                "a damaged catalog is reported"
            );
            now(handle.build(|_| {})).unwrap();
            for query in [
                Query::all(),
                by.age.all(),
                by.tag.all(),
                by.email.all(),
                by.name.all(),
            ] {
                let page = now(handle.query(query)).unwrap();
                for (key, person) in &page.records {
                    let expected = many(5).find(|(other, _)| other == key).unwrap().1;
                    assert_eq!(person, &expected, "a wrong record was returned");
                }
                assert!(page.records.len() >= 4, "{key:02x?}: {page:?}");
                assert_eq!(
                    page.records.len() + page.damage.len(),
                    5,
                    "{key:02x?}: {page:?}"
                );
            }
            // An index can be rebuilt from the records; a record cannot.
            for name in ["age", "tag", "email", "name"] {
                now(handle.rebuild(name)).unwrap();
            }
            now(handle.build(|_| {})).unwrap();
            if key.get(9) != Some(&2) {
                let page = now(handle.query(by.tag.all())).unwrap();
                assert_eq!((page.records.len(), page.damage.len()), (5, 0));
            }
            restore(&store, &sound);
        }
    }
}

fn restore(store: &MemoryStorage, records: &[(Vec<u8>, Vec<u8>)]) {
    let mut batch = Batch::new();
    for (key, _) in now(store.scan(Scan::all())).unwrap() {
        batch.delete(key);
    }
    for (key, value) in records {
        batch.put(key.clone(), value.clone());
    }
    assert!(
        batch
            .writes()
            .iter()
            .any(|write| matches!(write, Write::Put(..)))
    );
    now(store.commit(batch)).unwrap();
}

#[test]
fn overwriting_a_damaged_record_preserves_its_bytes() {
    let store = MemoryStorage::new();
    let handle = people(store.clone(), LATEST).unwrap();
    let key = (7, "k".to_owned());
    now(handle.insert(&key, one(1))).unwrap();
    let records = now(store.scan(Scan::all())).unwrap();
    let (place, bytes) = records
        .iter()
        .find(|(key, _)| key.get(9) == Some(&2))
        .unwrap();
    let mut damaged = bytes.clone();
    damaged[20] ^= 1;
    let mut batch = Batch::new();
    batch.put(place.clone(), damaged.clone());
    now(store.commit(batch)).unwrap();

    let error = now(handle.get(&key)).unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("the record at"),
        "{error}"
    );
    assert!(now(handle.update(&key, |_| {})).unwrap_err().is_corrupt());
    now(handle.insert(&key, Person { age: 1, ..one(1) })).unwrap();
    assert_eq!(now(handle.get(&key)).unwrap().unwrap().age, 1);
    let kept = now(store.scan(Scan::all())).unwrap();
    assert!(
        kept.iter().any(|(_, value)| *value == damaged),
        "its bytes are quarantined"
    );
    // The email belongs to the restored record again, and the entry of its old age is reported.
    let page = now(handle.query(By::new().age.all())).unwrap();
    assert_eq!((page.records.len(), page.damage.len()), (1, 1));
}

#[test]
fn oversized_input_is_rejected_and_changes_nothing() {
    let store = MemoryStorage::new();
    let handle = people(store.clone(), LATEST).unwrap();
    let before = store.len();
    let long = Person {
        tags: vec!["x".repeat(2000)],
        ..one(1)
    };
    let crowded = Person {
        tags: (0..300).map(|n| n.to_string()).collect(),
        ..one(1)
    };
    for (key, person) in [("a", long), ("b", crowded), (&"k".repeat(2000), one(1))] {
        let error = now(handle.insert(&(1, key.to_owned()), person)).unwrap_err();
        assert!(error.is_limit(), "{error}");
    }
    assert_eq!(store.len(), before);
}
