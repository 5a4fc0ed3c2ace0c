//! Tests that a value read as another type is the same value or an error.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    prelude::*,
    strategy::{Union, ValueTree},
    test_runner::TestRunner,
};
use serde::{Deserialize, Serialize};

use super::{
    model::{Model, model},
    spelled,
    zoo::{Blob, Name, Pair, Unit, shapes},
};
use crate::codec::values::{decode_exact, tags};

/// The type [`Shape`] in another build, with a different number type in one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum OtherShape {
    Unit,
    Newtype(String),
    Tuple(i8, Option<i32>),
    Struct { wide: u128, name: Name },
}

/// A record as declared by two builds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Todo {
    title: String,
    done: bool,
    order: u32,
    due: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OtherTodo {
    title: String,
    done: bool,
    order: i32,
    due: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LongerTodo {
    title: String,
    done: bool,
    order: u32,
    due: Option<u64>,
    urgent: bool,
}

struct Type {
    name: &'static str,
    values: BoxedStrategy<(Vec<u8>, Model)>,
    read: fn(&[u8]) -> Option<Model>,
}

fn of<T, S>(name: &'static str, values: S) -> Type
where
    T: Serialize + for<'de> Deserialize<'de> + 'static,
    S: Strategy<Value = T> + 'static,
{
    Type {
        name,
        values: values
            .prop_map(|value| (spelled(&value), model(&value)))
            .boxed(),
        read: |bytes| Some(model(&decode_exact::<T>(bytes, &mut Vec::new()).ok()?)),
    }
}

macro_rules! any_of {
    ($($type:ty),+ $(,)?) => {
        vec![$(of::<$type, _>(stringify!($type), any::<$type>())),+]
    };
}

/// Generates small numbers and short sequences, since most of their bytes are also valid for
/// another type.
macro_rules! small {
    ($($type:ty),+ $(,)?) => {
        vec![$(
            of::<$type, _>(stringify!($type), (0..120_u8).prop_map(|n| <$type>::try_from(n).unwrap())),
            of::<($type,), _>(stringify!(($type,)), (0..120_u8).prop_map(|n| (<$type>::try_from(n).unwrap(),))),
            of::<Option<$type>, _>(stringify!(Option<$type>), (0..120_u8).prop_map(|n| <$type>::try_from(n).ok())),
            of::<Vec<$type>, _>(
                stringify!(Vec<$type>),
                vec((0..120_u8).prop_map(|n| <$type>::try_from(n).unwrap()), 0..4),
            )
        ),+]
    };
}

fn types() -> Vec<Type> {
    let todo = any::<(String, bool, u32, Option<u64>)>();
    let mut types = any_of![
        u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64, bool, char, String, (),
        Option<u8>, Option<i64>, Option<String>, Option<bool>, Option<Option<u8>>, Option<()>,
        Option<Option<Option<i32>>>, Option<f64>,
        (u8, u8), (u16, u16), (u32, i32), (i32, u32), (i8, u8), (u8, bool), (bool, u8), (i64, i64),
        (f32, f32), (f64,), (String,), (String, String), (String, u32), (u32, String), (char, char),
        (char, u8), ((u8, u8), u8), (u8, (u8, u8)), (u8, u8, u8), (u8, i8, u8), (u8, u8, i8),
        (Option<u32>, u32), (Option<i32>, u32), (Option<u32>, i32), (Option<u8>, u8),
        [u8; 2], [i8; 2], [u32; 2], [u8; 4], [u8; 32], [i8; 32], (i64, String),
        Vec<u8>, Vec<bool>, Vec<i32>, Vec<String>, Vec<char>, Vec<Option<u8>>, Vec<Option<i8>>,
        Vec<(u8, u8)>, Vec<Vec<u8>>, Vec<f32>, BTreeSet<i16>,
        BTreeMap<u8, u8>, BTreeMap<u8, i8>, BTreeMap<i8, u8>, BTreeMap<u32, u32>, BTreeMap<u32, i32>,
        BTreeMap<String, u8>, BTreeMap<String, String>, BTreeMap<String, bool>,
        Result<u8, u8>, Result<u8, i8>, Result<String, u8>, Option<(u8,)>, Option<Vec<u8>>,
    ];
    types.extend(small![u8, u16, u32, u64, i8, i16, i32, i64, u128, i128]);
    types.extend([
        of("Unit", Just(Unit)),
        of("Name", any::<String>().prop_map(Name)),
        of("Pair", any::<(i64, String)>().prop_map(|(a, b)| Pair(a, b))),
        of("Blob", vec(any::<u8>(), 0..9).prop_map(Blob)),
        of(
            "(Blob,)",
            vec(any::<u8>(), 0..9).prop_map(|bytes| (Blob(bytes),)),
        ),
        of(
            "Vec<Blob>",
            vec(vec(any::<u8>(), 0..3).prop_map(Blob), 0..3),
        ),
        of("Shape", shapes()),
        of("Vec<Shape>", vec(shapes(), 0..3)),
        of(
            "OtherShape",
            any::<(i8, Option<i32>)>().prop_map(|(a, b)| OtherShape::Tuple(a, b)),
        ),
        of(
            "Todo",
            todo.clone().prop_map(|(title, done, order, due)| Todo {
                title,
                done,
                order,
                due,
            }),
        ),
        of(
            "OtherTodo",
            todo.clone().prop_map(|(title, done, order, due)| {
                let order = order.cast_signed();
                OtherTodo {
                    title,
                    done,
                    order,
                    due,
                }
            }),
        ),
        of(
            "LongerTodo",
            todo.prop_map(|(title, done, order, due)| LongerTodo {
                title,
                done,
                order,
                due,
                urgent: true,
            }),
        ),
    ]);
    types
}

/// Generates one value of each type, with its type.
fn values(types: &[Type]) -> impl Strategy<Value = (usize, (Vec<u8>, Model))> + use<> {
    let values = types.iter().enumerate();
    let values = values.map(|(at, kind)| kind.values.clone().prop_map(move |value| (at, value)));
    Union::new(values.map(Strategy::boxed))
}

#[test]
fn a_value_that_is_read_as_another_type_is_the_same_value_or_an_error() {
    let types = types();
    // Only a compound of the same shape can be mistaken for another: one pair of types in 61, and
    // only if the bytes fit too.
    let mut mistaken = BTreeSet::new();
    let mut compounds = BTreeSet::new();
    let mut runner = TestRunner::new(ProptestConfig::default());
    for _ in 0..2_000 {
        let tree = values(&types).new_tree(&mut runner).unwrap();
        let (written, (bytes, model)) = tree.current();
        let is_compound = tags::name(bytes.first().copied()) == "a compound";
        if is_compound {
            compounds.insert(written);
        }
        for (at, kind) in types.iter().enumerate() {
            let read = (kind.read)(&bytes);
            if read.is_some() && read.as_ref() != Some(&model) {
                let name = types[written].name;
                let what = format!(
                    "{name} as {}: {model:?} from {bytes:x?}: {read:?}",
                    kind.name
                );
                assert!(is_compound, "{what}");
                mistaken.insert((written, at));
            }
        }
    }
    let names = |(written, read): &(usize, usize)| (types[*written].name, types[*read].name);
    let names: Vec<_> = mistaken.iter().map(names).collect();
    let pairs = compounds.len() * compounds.len();
    assert!(
        names.len() * 100 < pairs,
        "{} of {pairs}: {names:?}",
        names.len()
    );
}
