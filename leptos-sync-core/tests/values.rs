//! Values that are written can be read, and are never read as other values.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
};

use common::{bytes, clock, doc, now};
use leptos_sync_core::{
    Collection, Crdt, Doc, Error, Key, LwwMap, LwwRegister, Root, Tx, Value,
    index::{IndexedStorage, Schema},
    storage::MemoryStorage,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(tag = "kind")]
enum Tagged {
    Square { side: u32 },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Untagged {
    Number(u32),
    Text(String),
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
struct Flattened {
    title: String,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Skipping {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
}

/// The type [`Skipping`] in another build.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Whole {
    title: String,
    note: Option<String>,
}

const SQUARE: Tagged = Tagged::Square { side: 7 };

fn skipping() -> Skipping {
    Skipping {
        title: "milk".to_owned(),
        note: None,
    }
}

fn flattened() -> Flattened {
    Flattened {
        title: "milk".to_owned(),
        rest: BTreeMap::from([("color".to_owned(), "white".to_owned())]),
    }
}

#[derive(Crdt, Clone)]
struct Register<T: Value + Default> {
    content: LwwRegister<T>,
}

impl<T: Value + Default> Default for Register<T> {
    fn default() -> Self {
        Self {
            content: LwwRegister::default(),
        }
    }
}

/// Checks that an edit is rejected with a value error, and that nothing has changed.
fn is_refused<S: Root>(edit: impl Fn(&mut Tx<'_, S>)) -> Error {
    let mut page = doc::<S>(1);
    let before = bytes(&page);
    let error = page.transact(|tx| edit(tx)).unwrap_err();
    assert!(error.is_value(), "{error}");
    assert_eq!(bytes(&page), before);
    error
}

fn is_no_value<V: Value + Key>(value: V) {
    let in_map = is_refused::<LwwMap<u32, V>>(|tx| tx.insert(1, value.clone()));
    is_refused::<LwwMap<V, u32>>(|tx| tx.insert(value.clone(), 1));
    is_refused::<LwwMap<u32, Vec<V>>>(|tx| tx.insert(1, vec![value.clone()]));
    is_refused::<LwwMap<u32, (u8, Option<V>)>>(|tx| tx.insert(1, (2, Some(value.clone()))));
    is_refused::<Register<Option<V>>>(|tx| tx.content().set(Some(value.clone())));
    let name = std::any::type_name::<V>().rsplit("::").next().unwrap();
    let message = in_map.to_string();
    assert!(
        message.contains(name)
            || message.contains("skip_serializing_if")
            || message.contains("flatten"),
        "{message}"
    );
}

#[test]
fn what_could_not_be_read_after_a_reload_is_refused_when_it_is_written() {
    is_no_value(SQUARE);
    is_no_value(Untagged::Number(7));
    is_no_value(Untagged::Text("7".to_owned()));
    is_no_value(flattened());
    is_no_value(skipping());
}

#[test]
fn a_record_that_could_not_be_read_is_refused_by_collections_and_indexed_storages() {
    now(async {
        let store = MemoryStorage::new();
        let records = IndexedStorage::<_, u32, Tagged>::open(store, "shapes", Schema::new(1));
        let records = records.await.unwrap();
        let error = records.insert(&1, SQUARE).await.unwrap_err();
        assert!(error.is_value(), "{error}");
        assert_eq!(records.get(&1).await.unwrap(), None);

        let store = MemoryStorage::new();
        let shapes = Collection::<_, u32, Register<Option<Tagged>>>::open(
            store,
            "shapes",
            Schema::new(1),
            clock(1),
        );
        let shapes = shapes.await.unwrap();
        let inserted = shapes.insert(&1, |tx| tx.content().set(Some(SQUARE)));
        assert!(inserted.await.unwrap_err().is_value());
        assert!(shapes.get(&1).await.unwrap().is_none());
    });
}

/// Writes a map with values of type `V` and reads it with type `W`. Returns the value that it
/// shows, and the number of quarantined entries.
fn reread<V: Value, W: Value>(value: V) -> (Option<W>, usize) {
    let mut old = doc::<LwwMap<u32, V>>(1);
    old.transact(|tx| tx.insert(1, value)).unwrap();
    let new = Doc::<LwwMap<u32, W>>::load(&old.snapshot().unwrap(), clock(1));
    new.assert_invariants();
    // The cells are forwarded unchanged, whether they are shown or not.
    assert_eq!(bytes(&new), bytes(&old));
    let quarantined = new.quarantined().count();
    (new.state().get(&1).cloned(), quarantined)
}

fn converts<V: Value, W: Value + PartialEq + std::fmt::Debug>(value: V, expected: W) {
    assert_eq!(reread::<V, W>(value), (Some(expected), 0));
}

fn is_quarantined<V: Value, W: Value + PartialEq + std::fmt::Debug>(value: V) {
    assert_eq!(reread::<V, W>(value), (None, 1));
}

#[test]
fn a_field_whose_type_changed_shows_the_same_number_or_none() {
    converts::<u32, i64>(300, 300);
    converts::<u8, u128>(7, 7);
    converts::<i64, u8>(255, 255);
    converts::<i8, i32>(-7, -7);
    converts::<u32, Option<u32>>(300, Some(300));
    converts::<Option<String>, String>(Some("milk".to_owned()), "milk".to_owned());
    converts::<(u16, bool), (u64, bool)>((300, true), (300, true));
    converts::<Vec<i16>, Vec<i64>>(vec![-300, 300], vec![-300, 300]);
    converts::<f32, f64>(0.5, 0.5);

    is_quarantined::<String, u32>("7".to_owned());
    is_quarantined::<u32, String>(55);
    is_quarantined::<u64, u32>(1 << 40);
    is_quarantined::<i32, u32>(-1);
    is_quarantined::<u8, bool>(1);
    is_quarantined::<f64, u64>(1.0);
    is_quarantined::<u32, (u32,)>(7);
    is_quarantined::<(u32,), (i64,)>((300,));
    is_quarantined::<(u8, u32), (u8, i32)>((1, 300));
    is_quarantined::<Option<(u32,)>, Option<(i32,)>>(Some((300,)));
    is_quarantined::<Vec<u32>, Vec<i64>>(vec![300; 61]);
    is_quarantined::<Vec<Option<u32>>, Vec<Option<i32>>>(vec![None, Some(300)]);
    is_quarantined::<[u8; 32], [i8; 32]>([200; 32]);
    is_quarantined::<BTreeMap<u32, u32>, BTreeMap<u32, i32>>(BTreeMap::from([(1, 300)]));
    is_quarantined::<BTreeMap<u32, u32>, BTreeMap<i32, u32>>(BTreeMap::from([(300, 1)]));
    is_quarantined::<(String, u32), (u32, String)>(("7".to_owned(), 7));
}

#[test]
fn the_keys_of_a_map_whose_type_changed_are_the_same_or_are_quarantined() {
    fn reread<K: Key, L: Key>(key: K) -> (Vec<L>, usize) {
        let mut old = doc::<LwwMap<K, u32>>(1);
        old.transact(|tx| tx.insert(key, 1)).unwrap();
        let new = Doc::<LwwMap<L, u32>>::load(&old.snapshot().unwrap(), clock(1));
        assert_eq!(bytes(&new), bytes(&old));
        (
            new.state().keys().cloned().collect(),
            new.quarantined().count(),
        )
    }
    assert_eq!(reread::<u32, i64>(300), (vec![300], 0));
    assert_eq!(reread::<u32, u8>(300), (vec![], 1));
    assert_eq!(reread::<String, u32>("7".to_owned()), (vec![], 1));
    assert_eq!(reread::<u32, String>(55), (vec![], 1));
    assert_eq!(reread::<(u32, u8), (i32, u8)>((300, 1)), (vec![], 1));
    assert_eq!(
        reread::<(u32, u8), (u64, u8)>((300, 1)),
        (vec![(300, 1)], 0)
    );
}

/// A key type that contains a float.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
struct Degrees(f64);

impl PartialEq for Degrees {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Degrees {}

impl Hash for Degrees {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0 + 0.0).to_bits().hash(state);
    }
}

#[test]
fn equal_keys_are_one_entry_everywhere() {
    let mut here = doc::<LwwMap<Degrees, String>>(1);
    here.transact(|tx| tx.insert(Degrees(0.0), "first".to_owned()))
        .unwrap();
    let edit = here.transact(|tx| tx.insert(Degrees(-0.0), "second".to_owned()));
    let edit = edit.unwrap();
    let mut there = doc::<LwwMap<Degrees, String>>(2);
    there
        .transact(|tx| tx.insert(Degrees(-0.0), "third".to_owned()))
        .unwrap();
    there.merge(&here).unwrap();
    there.apply(&edit.delta).unwrap();
    assert_eq!(there.state().len(), 1);
    assert_eq!(there.quarantined().count(), 0);
    here.merge(&there).unwrap();
    assert_eq!(bytes(&here), bytes(&there));
    let loaded = Doc::<LwwMap<Degrees, String>>::load(&here.snapshot().unwrap(), clock(3));
    assert_eq!(loaded.state(), here.state());
}

#[test]
fn a_value_that_this_build_would_write_otherwise_is_kept_and_not_shown() {
    let mut other_build = doc::<LwwMap<u32, Whole>>(1);
    let milk = Whole {
        title: "milk".to_owned(),
        note: None,
    };
    other_build.transact(|tx| tx.insert(1, milk)).unwrap();
    let snapshot = other_build.snapshot().unwrap();
    let mut here = Doc::<LwwMap<u32, Skipping>>::load(&snapshot, clock(2));
    assert_eq!(here.quarantined().count(), 1);
    assert_eq!(bytes(&here), bytes(&other_build));
    let noted = Skipping {
        title: "milk".to_owned(),
        note: Some("two bottles".to_owned()),
    };
    here.transact(|tx| tx.insert(1, noted.clone())).unwrap();
    assert_eq!(here.quarantined().count(), 0);
    other_build
        .merge_snapshot(&here.snapshot().unwrap())
        .unwrap();
    let shown = other_build.state().get(&1).unwrap();
    assert_eq!(shown.note, noted.note);
}

#[test]
fn a_cancelled_transaction_leaves_every_value_as_it_was() {
    let mut old = doc::<LwwMap<u32, Whole>>(1);
    let whole = |note: Option<&str>| Whole {
        title: "milk".to_owned(),
        note: note.map(str::to_owned),
    };
    old.transact(|tx| tx.insert_batch([(1, whole(None)), (2, whole(Some("two")))]))
        .unwrap();
    let mut here = Doc::<LwwMap<u32, Skipping>>::load(&old.snapshot().unwrap(), clock(2));
    let before = (bytes(&here), here.state().clone());
    let cancelled = here.transact(|tx| {
        for key in 1..4 {
            let title = format!("bread {key}");
            let note = Some("fresh".to_owned());
            tx.insert(key, Skipping { title, note });
        }
        tx.cancel(Error::value("no"));
    });
    assert!(cancelled.unwrap_err().is_value());
    assert_eq!((bytes(&here), here.state().clone()), before);
    here.assert_invariants();
}
