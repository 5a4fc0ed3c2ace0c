//! One type of every kind in serde's data model.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use proptest::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Name(pub(super) String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair(pub(super) i64, pub(super) String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Shape {
    Unit,
    Newtype(String),
    Tuple(u8, Option<i32>),
    Struct { wide: u128, name: Name },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Zoo {
    pub(super) unsigned: (u8, u16, u32, u64, u128),
    pub(super) signed: (i8, i16, i32, i64, i128),
    pub(super) floats: (f32, f64),
    pub(super) flag: bool,
    pub(super) letter: char,
    pub(super) text: String,
    pub(super) name: Name,
    pub(super) shapes: Vec<Shape>,
    pub(super) map: BTreeMap<String, Vec<u32>>,
    pub(super) set: BTreeSet<i16>,
    pub(super) nested: Option<Box<Zoo>>,
    #[serde(skip)]
    pub(super) forgotten: Option<u8>,
    pub(super) bits: [bool; 3],
    pub(super) result: Result<u8, String>,
    pub(super) unit: (Unit, ()),
}

/// Bytes that use `serialize_bytes` and `deserialize_byte_buf`, as `serde_bytes` does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

pub(super) fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Unit),
        any::<String>().prop_map(Shape::Newtype),
        any::<(u8, Option<i32>)>().prop_map(|(a, b)| Shape::Tuple(a, b)),
        any::<(u128, String)>().prop_map(|(wide, name)| Shape::Struct {
            wide,
            name: Name(name)
        }),
    ]
}

pub(super) fn zoos() -> impl Strategy<Value = Zoo> {
    let one = (
        (
            any::<(u8, u16, u32, u64, u128)>(),
            any::<(i8, i16, i32, i64, i128)>(),
        ),
        (
            any::<bool>(),
            any::<char>(),
            any::<String>(),
            any::<String>(),
        ),
        (-1e30_f32..1e30, -1e300_f64..1e300),
        proptest::collection::vec(shapes(), 0..5),
        proptest::collection::btree_map(
            any::<String>(),
            proptest::collection::vec(any::<u32>(), 0..4),
            0..4,
        ),
        (
            any::<BTreeSet<i16>>(),
            any::<[bool; 3]>(),
            any::<Result<u8, String>>(),
        ),
    );
    let leaf = one
        .prop_map(|(numbers, scalars, floats, shapes, map, rest)| Zoo {
            unsigned: numbers.0,
            signed: numbers.1,
            floats,
            flag: scalars.0,
            letter: scalars.1,
            text: scalars.2,
            name: Name(scalars.3),
            shapes,
            map,
            set: rest.0,
            nested: None,
            forgotten: None,
            bits: rest.1,
            result: rest.2,
            unit: (Unit, ()),
        })
        .boxed();
    (leaf.clone(), proptest::option::of(leaf)).prop_map(|(outer, inner)| Zoo {
        nested: inner.map(Box::new),
        ..outer
    })
}
