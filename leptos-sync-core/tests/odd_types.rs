//! Values and keys of types that a transaction must either store for every replica or reject.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{Hash, Hasher},
};

use common::{bytes, clock, doc};
use leptos_sync_core::{Crdt, Doc, Key, LwwMap, LwwRegister, Value};
use serde::{Deserialize, Serialize};

/// Returns whether a transaction accepts the value.
fn is_accepted<V: Value>(value: V) -> bool {
    let mut page = doc::<LwwMap<u32, V>>(1);
    let edit = page.transact(|tx| tx.insert(1, value));
    if let Err(error) = &edit {
        assert!(error.is_value() || error.is_limit(), "{error}");
    }
    edit.is_ok()
}

#[test]
fn a_hashed_collection_is_rejected_every_time_and_not_only_if_its_order_changes() {
    let accepted = (0..100).filter(|_| is_accepted(HashSet::from([1_u8, 2])));
    assert_eq!(accepted.count(), 0);
    let accepted = (0..100).filter(|_| is_accepted(vec![HashMap::from([(1_u8, 1_u8), (2, 2)])]));
    assert_eq!(accepted.count(), 0);
}

#[test]
fn a_document_with_a_hashed_collection_is_read_in_full_by_every_replica() {
    for _ in 0..100 {
        let mut here = doc::<LwwMap<u32, HashMap<String, u32>>>(1);
        let tags = HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        if here.transact(|tx| tx.insert(1, tags)).is_ok() {
            let there =
                Doc::<LwwMap<u32, HashMap<String, u32>>>::load(&here.snapshot().unwrap(), clock(2));
            assert_eq!(there.quarantined().count(), 0, "what was written is read");
        }
    }
}

/// A key with a field that is not stored.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
struct Cached {
    id: u32,
    #[serde(skip)]
    cache: u32,
}

#[test]
fn two_keys_that_are_stored_alike_are_never_two_entries() {
    let mut page = doc::<LwwMap<Cached, u32>>(1);
    let key = |cache| Cached { id: 1, cache };
    let _ = page.transact(|tx| {
        tx.insert(key(0), 1);
        tx.insert(key(5), 2);
    });
    let _ = page.transact(|tx| tx.insert(key(7), 3));
    let loaded = Doc::<LwwMap<Cached, u32>>::load(&page.snapshot().unwrap(), clock(2));
    assert_eq!(loaded.state().len(), page.state().len());
    assert_eq!(bytes(&loaded), bytes(&page));
}

/// Text in which case makes no difference.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Caseless(String);

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Caseless {}

impl Hash for Caseless {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

#[test]
fn keys_that_are_equal_and_stored_differently_do_not_make_replicas_diverge() {
    let key = |text: &str| Caseless(text.to_owned());
    let mut here = doc::<LwwMap<Caseless, u32>>(1);
    let mut there = doc::<LwwMap<Caseless, u32>>(2);
    let first = here.transact(|tx| tx.insert(key("milk"), 1)).unwrap();
    there.apply(&first.delta).unwrap();
    if let Ok(edit) = here.transact(|tx| tx.insert(key("MILK"), 2)) {
        there.apply(&edit.delta).unwrap();
    }
    assert_eq!(bytes(&here), bytes(&there));
    let loaded = Doc::<LwwMap<Caseless, u32>>::load(&here.snapshot().unwrap(), clock(3));
    assert_eq!(bytes(&here), bytes(&loaded));
}

#[test]
fn a_value_beyond_a_bound_is_rejected_and_the_document_goes_on() {
    assert!(!is_accepted(vec![(); 2_000]));
    assert!(!is_accepted("x".repeat(300_000)));
    assert!(!is_accepted(vec![vec![(); 1_000], vec![(); 1_000]]));
    let mut page = doc::<LwwMap<u32, Vec<()>>>(1);
    assert!(page.transact(|tx| tx.insert(1, vec![(); 5_000])).is_err());
    page.transact(|tx| tx.insert(1, vec![(); 5])).unwrap();
    assert_eq!(page.state().get(&1), Some(&vec![(); 5]));
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Default)]
struct Deep(Option<Box<Deep>>);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash, Default)]
enum Odd {
    #[default]
    Unit,
    #[serde(skip)]
    Never,
    Newtype(Option<Option<u8>>),
    Empty(),
    Braces {},
    Tuple(i128, char),
}

fn comes_back<V: Value + PartialEq + std::fmt::Debug>(value: V) {
    let mut page = doc::<LwwMap<u32, V>>(1);
    page.transact(|tx| tx.insert(1, value.clone())).unwrap();
    let loaded = Doc::<LwwMap<u32, V>>::load(&page.snapshot().unwrap(), clock(2));
    assert_eq!(loaded.state().get(&1), Some(&value));
    assert_eq!(loaded.quarantined().count(), 0);
}

fn comes_back_as_key<K: Key + std::fmt::Debug>(key: K) {
    let mut page = doc::<LwwMap<K, u32>>(1);
    page.transact(|tx| tx.insert(key.clone(), 1)).unwrap();
    let loaded = Doc::<LwwMap<K, u32>>::load(&page.snapshot().unwrap(), clock(2));
    assert_eq!(loaded.state().keys().collect::<Vec<_>>(), [&key]);
}

#[test]
fn values_of_odd_types_come_back() {
    comes_back(Some(Some(None::<u8>)));
    comes_back(Some(None::<Option<u8>>));
    comes_back(None::<Option<Option<u8>>>);
    comes_back(Some(Some(Some(String::new()))));
    comes_back(Some(()));
    comes_back(Vec::<()>::new());
    comes_back([0_u8; 0]);
    comes_back(i128::MIN);
    comes_back(i128::MAX);
    comes_back(u128::MAX);
    comes_back(Some(u128::MAX));
    comes_back(vec![i128::MIN, 0, i128::MAX]);
    comes_back('\0');
    comes_back('\u{10ffff}');
    comes_back(f64::MIN_POSITIVE);
    comes_back(f32::NEG_INFINITY);
    comes_back(BTreeMap::from([((1_u8, 'x'), Some(())), ((2, 'y'), None)]));
    comes_back(BTreeMap::from([(String::new(), String::new())]));
    comes_back(Odd::Unit);
    comes_back(std::time::Duration::MAX);
    comes_back(Ok::<Option<()>, ()>(None));
    comes_back((1..=3_u8, std::ops::Bound::Excluded(3_u64)));
    comes_back(std::borrow::Cow::<'static, str>::from("x"));
    comes_back(std::num::Wrapping(-1_i8));
    comes_back_as_key(());
    comes_back_as_key(None::<String>);
    comes_back_as_key(Some(Some(None::<u8>)));
    comes_back_as_key(BTreeMap::from([(vec![1_u8], "x".to_owned())]));
    comes_back_as_key("\u{0}\u{10ffff}".to_owned());
    comes_back_as_key(Odd::Unit);
}

#[test]
fn variants_behind_a_skipped_one_are_stored_correctly_or_rejected() {
    for odd in [
        Odd::Newtype(Some(None)),
        Odd::Newtype(None),
        Odd::Empty(),
        Odd::Braces {},
        Odd::Tuple(-1, 'x'),
        Odd::Never,
    ] {
        let mut page = doc::<LwwMap<u32, Odd>>(1);
        if page.transact(|tx| tx.insert(1, odd.clone())).is_ok() {
            let loaded = Doc::<LwwMap<u32, Odd>>::load(&page.snapshot().unwrap(), clock(2));
            assert_eq!(loaded.state().get(&1), Some(&odd));
        }
    }
}

#[test]
fn a_value_nested_to_any_depth_is_stored_or_rejected() {
    for depth in [1, 31, 32, 33, 100, 10_000] {
        let mut deep = Deep(None);
        for _ in 0..depth {
            deep = Deep(Some(Box::new(deep)));
        }
        let mut page = doc::<LwwRegisterOf<Deep>>(1);
        match page.transact(|tx| tx.content().set(deep.clone())) {
            Ok(_) => {
                let loaded = Doc::<LwwRegisterOf<Deep>>::load(&page.snapshot().unwrap(), clock(2));
                assert_eq!(loaded.state().content.get(), &deep);
            }
            Err(error) => assert!(depth > 30 && error.is_limit(), "{depth}: {error}"),
        }
    }
}

#[derive(Crdt, Clone, Default)]
struct LwwRegisterOf<T: Value + Default> {
    content: LwwRegister<T>,
}

#[test]
fn not_a_number_with_any_payload_comes_back() {
    for bits in [
        0x7ff8_0000_0000_0001,
        0x7ff0_0000_0000_0001,
        0xfff8_dead_beef_0001_u64,
    ] {
        let mut page = doc::<LwwMap<u32, f64>>(1);
        page.transact(|tx| tx.insert(1, f64::from_bits(bits)))
            .unwrap();
        let loaded = Doc::<LwwMap<u32, f64>>::load(&page.snapshot().unwrap(), clock(2));
        assert_eq!(loaded.quarantined().count(), 0);
        assert_eq!(loaded.state().get(&1).map(|v| v.to_bits()), Some(bits));
        assert_eq!(bytes(&loaded), bytes(&page));
    }
}
