//! Values that cannot be read back are rejected when they are written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use proptest::{collection::vec, prelude::*};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::SerializeSeq as _,
};

use super::{comes_back, refusal, spelled};
use crate::{
    clock::{Stamp, Time},
    codec::values::{check, check_key, decode, decode_exact, decode_key, encode_checked},
    error::Error,
    id::{Id, ReplicaId},
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Square { side: u32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Square(u32),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct HalfSkipped {
    kept: u8,
    #[serde(skip_serializing, default)]
    dropped: u8,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

/// A type that decodes to a different number than it encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Growing(u32);

impl Serialize for Growing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Growing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|number| Self(number + 1))
    }
}

/// A type that encodes a string and decodes a number.
#[derive(Debug, PartialEq)]
struct Crossed;

impl Serialize for Crossed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("crossed")
    }
}

impl<'de> Deserialize<'de> for Crossed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(|_| Self)
    }
}

/// A type that encodes five fields and decodes three of them.
#[derive(Debug, PartialEq)]
struct Forgetful;

impl Serialize for Forgetful {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [0_u8; 5].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Forgetful {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 3]>::deserialize(deserializer).map(|_| Self)
    }
}

/// A type that passes a hash table to the serializer, as every hashed collection does.
#[derive(PartialEq)]
struct Hashed(HashSet<u8>);

impl Serialize for Hashed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let elements = Vec::<u8>::deserialize(deserializer)?;
        Ok(Self(elements.into_iter().collect()))
    }
}

/// Checks that `value` is rejected as a value and as a key, and returns the error.
fn refused<T: Serialize + DeserializeOwned + PartialEq + 'static>(value: &T) -> Error {
    let mut kept = vec![1, 2, 3];
    let error = check(value, &mut kept).unwrap_err();
    assert!(error.is_value(), "{error}");
    assert!(check_key(value, &mut kept).unwrap_err().is_value());
    assert_eq!(kept, [1, 2, 3], "the buffer keeps what it holds");
    assert!(encode_checked(value, &mut kept).unwrap_err().is_value());
    error
}

#[test]
fn what_cannot_be_read_back_is_refused_when_it_is_written() {
    for error in [
        refused(&Untagged::Number(1)),
        refused(&Untagged::Text("1".to_owned())),
        refused(&Tagged::Square { side: 7 }),
        refused(&Adjacent::Square(7)),
        refused(&vec![Tagged::Square { side: 7 }]),
        refused(&Some(Tagged::Square { side: 7 })),
        refused(&BTreeMap::from([(1_u8, Tagged::Square { side: 7 })])),
    ] {
        let message = error.to_string();
        assert!(message.contains("agged"), "{message}");
    }
    refused(&Flattened {
        rest: BTreeMap::new(),
    });
    let half = HalfSkipped {
        kept: 1,
        dropped: 2,
    };
    refused(&half);
    refused(&Growing(1));
    refused(&(0_u8, Growing(1)));
    refused(&Crossed);
    refused(&(Crossed,));
    refused(&Forgetful);
    refused(&vec![Forgetful]);
}

#[test]
fn a_skipped_field_is_refused_by_name() {
    let error = refusal(&Skipping { note: None });
    assert!(error.is_value());
    assert!(error.to_string().contains("`note`"), "{error}");
    comes_back(&Skipping { note: Some(1) });
}

/// A type that encodes its elements in the order of a hash table, one by one.
#[derive(PartialEq)]
struct Disordered(HashSet<u8>);

impl Serialize for Disordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for element in &self.0 {
            seq.serialize_element(element)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Disordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Hashed::deserialize(deserializer).map(|hashed| Self(hashed.0))
    }
}

#[test]
fn a_value_without_an_order_is_refused() {
    let error = refused(&Disordered((0..200).collect())).to_string();
    assert!(error.contains("BTreeSet"), "{error}");
}

#[test]
fn a_hashed_collection_is_refused_whatever_it_contains() {
    for elements in 0..3 {
        let map = || HashMap::<u8, u8>::from_iter((0..elements).map(|n| (n, n)));
        for error in [
            refused(&Hashed((0..elements).collect())),
            refused(&vec![HashSet::<u8>::from_iter(0..elements)]),
            refused(&Some(map())),
        ] {
            let message = error.to_string();
            assert!(message.contains("no fixed order"), "{message}");
            assert!(message.contains("`std::collections::hash"), "{message}");
        }
    }
}

/// A key with a field that is not stored.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cached {
    id: u8,
    #[serde(skip)]
    cache: u8,
}

#[test]
fn a_key_that_differs_once_it_is_read_back_is_refused() {
    let mut scratch = Vec::new();
    check_key(&Cached { id: 1, cache: 0 }, &mut scratch).unwrap();
    let cached = Cached { id: 1, cache: 5 };
    check(&cached, &mut scratch).unwrap();
    let error = check_key(&cached, &mut scratch).unwrap_err();
    assert!(error.is_value(), "{error}");
    assert!(error.to_string().contains("Cached"), "{error}");
}

#[test]
fn what_agrees_is_written() {
    fn check_all<T: Serialize + DeserializeOwned + PartialEq + 'static>(value: &T) {
        let mut out = Vec::new();
        check(value, &mut out).unwrap();
        check_key(value, &mut out).unwrap();
        assert!(out.is_empty());
        encode_checked(value, &mut out).unwrap();
        assert_eq!(out, spelled(value));
        decode_exact::<T>(&out, &mut Vec::new()).unwrap();
    }
    check_all(&7_u8);
    check_all(&Some("text".to_owned()));
    check_all(&(1, "two".to_owned(), Some(3.0_f64)));
    check_all(&vec![(1, 2), (3, 4)]);
    check_all(&BTreeMap::from([("a".to_owned(), vec![Some(1)])]));
    check_all(&Skipping { note: Some(1) });
    check_all(&std::time::Duration::from_millis(1_500));
    check_all(&std::net::IpAddr::from([127, 0, 0, 1]));
    check_all(&std::num::NonZeroU32::MIN);
    check_all(&(1..5_u32));
    check_all(&Ok::<u8, String>(1));
}

/// Encodes a plain value, changes its bytes, and checks that what still decodes encodes to exactly
/// these bytes. Plain types are not checked when they are read.
fn changed_bytes_are_another_value<T: Serialize + DeserializeOwned>(
    value: &T,
    at: usize,
    change: &[u8],
) {
    let mut bytes = spelled(value);
    assert_eq!(bytes, spelled(&decode::<T>(&bytes).unwrap()));
    let start = at % (bytes.len() + 1);
    let end = bytes.len().min(start + at % 3);
    bytes.splice(start..end, change.iter().copied());
    if let Ok(other) = decode::<T>(&bytes) {
        assert_eq!(bytes, spelled(&other));
    }
}

proptest! {
    #[test]
    fn a_plain_type_reads_only_the_bytes_that_it_writes(
        (time, replica) in any::<(u64, u64)>(),
        few in 0_u64..300,
        text in any::<String>(),
        at in any::<usize>(),
        change in vec(any::<u8>(), 0..3),
    ) {
        macro_rules! try_all {
            ($($value:expr),+) => {$(
                let value = $value;
                changed_bytes_are_another_value(&value, at, &change);
                changed_bytes_are_another_value(&Some(value.clone()), at, &change);
                changed_bytes_are_another_value(&vec![value.clone(), value], at, &change);
            )+};
        }
        try_all!(
            text, time, few, time as i64, few as i16, u128::from(time) << 60, few as u8,
            few.is_multiple_of(2), time as f64, f32::from_bits(time as u32), f64::from_bits(time),
            (), 'ß', Id::new(), Id::of_parts((replica, time)), Id::of_parts((replica, few)),
            ReplicaId::new(few), Stamp::new(Time::new(time), ReplicaId::new(replica)),
            Stamp::new(Time::new(few), ReplicaId::new(few))
        );
    }
}

#[test]
fn other_bytes_of_a_value_are_not_taken_for_it() {
    let sorted = BTreeSet::from([1_u8, 2]);
    let mut unsorted = spelled(&sorted);
    unsorted.swap(2, 3);
    assert!(decode::<BTreeSet<u8>>(&unsorted).is_ok());
    let exact = decode_exact::<BTreeSet<u8>>(&unsorted, &mut Vec::new());
    assert!(exact.unwrap_err().is_value());
    let minus_zero = spelled(&(-0.0_f64,));
    assert!(decode_exact::<(f64,)>(&minus_zero, &mut Vec::new()).is_ok());
    assert!(decode_key::<(f64,)>(&minus_zero, &mut Vec::new()).is_err());
}
