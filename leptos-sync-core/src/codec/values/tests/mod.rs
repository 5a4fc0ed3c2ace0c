mod exact;
mod model;
mod shapes;
mod types;
mod zoo;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::SerializeSeq};

use self::zoo::{Blob, Name, Pair, Shape, Unit, Zoo, zoos};
use super::*;
use crate::limits;

fn spelled<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out).unwrap();
    out
}

/// Checks that `value` decodes from its own bytes, and not from longer ones.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
    let bytes = spelled(value);
    assert_eq!(&decode::<T>(&bytes).unwrap(), value);
    let longer = [&bytes[..], &[0]].concat();
    assert_ne!(decode::<T>(&longer).ok().as_ref(), Some(value));
}

/// Checks [`comes_back`], and that the bytes of a compound after the first are bincode's own.
fn is_bincode<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
    comes_back(value);
    assert_eq!(
        spelled(value)[1..],
        ::bincode::serde::encode_to_vec(value, CONFIG).unwrap()
    );
}

fn refusal<T: Serialize>(value: &T) -> Error {
    encode(value, &mut Vec::new()).unwrap_err()
}

fn misread<T: DeserializeOwned>(bytes: &[u8]) -> Error {
    decode::<T>(bytes).map(drop).unwrap_err()
}

/// Checks that arbitrary bytes of a number in a tuple decode as bincode decodes them, provided that
/// bincode would encode the number to the same bytes.
fn is_read_as_by_bincode<T>(bytes: &[u8])
where
    T: DeserializeOwned + Serialize + PartialEq + fmt::Debug + Default,
{
    let theirs = ::bincode::serde::decode_from_slice::<(T,), _>(bytes, CONFIG);
    let theirs = theirs.ok().map(|(value, _)| value);
    let theirs = theirs.filter(|value| {
        ::bincode::serde::encode_to_vec(value, CONFIG).is_ok_and(|spelled| spelled == bytes)
    });
    let tag = spelled(&(T::default(),))[0];
    let ours = decode::<(T,)>(&[&[tag][..], bytes].concat());
    assert_eq!(ours.ok(), theirs, "{bytes:?}");
}

/// Returns the bytes of a compound with the first byte of `like`.
fn compound<T: Serialize>(like: &T, rest: &[u8]) -> Vec<u8> {
    [&spelled(like)[..1], rest].concat()
}

proptest! {
    #[test]
    fn numbers_are_read_as_by_bincode_in_their_shortest_spelling(
        first in prop_oneof![any::<u8>(), 248_u8..],
        rest in proptest::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], 0..18),
    ) {
        let bytes = [&[first][..], &rest].concat();
        for len in [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 17, 18] {
            let bytes = bytes.get(..len).unwrap_or(&bytes);
            is_read_as_by_bincode::<u8>(bytes);
            is_read_as_by_bincode::<u16>(bytes);
            is_read_as_by_bincode::<u32>(bytes);
            is_read_as_by_bincode::<u64>(bytes);
            is_read_as_by_bincode::<u128>(bytes);
            is_read_as_by_bincode::<i16>(bytes);
            is_read_as_by_bincode::<i32>(bytes);
            is_read_as_by_bincode::<i64>(bytes);
            is_read_as_by_bincode::<i128>(bytes);
        }
    }

    #[test]
    fn every_animal_of_the_zoo_is_spelled_as_bincode_does_and_comes_back(zoo in zoos()) {
        is_bincode(&zoo);
        is_bincode(&zoo.shapes);
        is_bincode(&zoo.map);
        is_bincode(&zoo.unsigned);
        comes_back(&zoo.signed.4);
        is_bincode(&(zoo.unsigned.3, zoo.letter, Some(&zoo.text).cloned()));
        comes_back(&zoo.unsigned.3);
        comes_back(&zoo.signed.2);
        comes_back(&zoo.floats.0);
        comes_back(&zoo.floats.1);
        comes_back(&zoo.letter);
        comes_back(&zoo.flag);
        comes_back(&Some(zoo.text.clone()));
        is_bincode(&zoo.text.as_bytes().to_vec());
    }

    #[test]
    fn a_string_at_the_top_is_its_own_bytes(text: String) {
        comes_back(&text);
        comes_back(&Name(text.clone()));
        comes_back(&Some(Name(text.clone())));
        for bytes in [
            spelled(&text),
            spelled(text.as_str()),
            spelled(&Name(text.clone())),
            spelled(&Cow::Borrowed(text.as_str())),
            spelled(&text.clone().into_boxed_str()),
            spelled(&Some(&text)),
        ] {
            prop_assert_eq!(&bytes, text.as_bytes());
            prop_assert_eq!(&*decode::<Cow<'static, str>>(&bytes).unwrap(), &*text);
            prop_assert_eq!(&*decode::<Box<str>>(&bytes).unwrap(), &*text);
            prop_assert!(decode::<Blob>(&bytes).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_are_a_value_of_one_spelling_or_an_error(
        first in any::<u8>(),
        rest in proptest::collection::vec(prop_oneof![any::<u8>(), 0..4_u8], 0..200),
    ) {
        let bytes = [&[first][..], &rest].concat();
        fn check<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
            if let Ok(value) = decode::<T>(bytes) {
                assert_eq!(spelled(&value), bytes);
            }
        }
        check::<u64>(&bytes);
        check::<i128>(&bytes);
        check::<char>(&bytes);
        check::<String>(&bytes);
        check::<Blob>(&bytes);
        check::<Option<Vec<i32>>>(&bytes);
        check::<Vec<Shape>>(&bytes);
        check::<Vec<()>>(&bytes);
        check::<(bool, Pair)>(&bytes);
        check::<Zoo>(&bytes);
        check::<Tree>(&bytes);
        // The decoded value may hold its keys in a different order.
        if let Ok(map) = decode::<BTreeMap<u8, Vec<Tree>>>(&bytes) {
            comes_back(&map);
        }
    }
}

#[test]
fn strings_within_a_value_have_a_length() {
    assert_eq!(spelled(&("hi",))[1..], [2, b'h', b'i']);
    assert_eq!(spelled(&Shape::Newtype("hi".into()))[1..], *b"\x01\x02hi");
    assert_eq!(spelled(&vec![Blob(vec![7])])[1..], [1, 1, 7]);
    comes_back(&vec![Blob(vec![7])]);
    for whole in [spelled(&Some("hi")), spelled(&Name("hi".into()))] {
        assert_eq!(whole, *b"hi");
    }
}

#[test]
fn a_string_is_never_taken_for_another_value() {
    for first in 0..=u8::MAX {
        let is_text = decode::<String>(&[first, b'a']).is_ok() || (0xc2..0xf5).contains(&first);
        assert_eq!(is_text, tags::name(Some(first)) == "a string", "{first:x}");
    }
    let tags = [
        spelled(&Blob(Vec::new())),
        spelled(&1_u8),
        spelled(&-1_i8),
        spelled(&0.5_f32),
        spelled(&0.1_f64),
        spelled(&None::<u8>),
        spelled(&Some(None::<u8>)),
        spelled(&()),
        spelled(&true),
        spelled(&false),
        spelled(&vec![1]),
    ];
    assert!(tags.iter().all(|value| decode::<String>(value).is_err()));
}

#[test]
fn the_examples_of_the_format_page_hold() {
    let todo = ("milk", false, 300_u32);
    assert_eq!(spelled(&todo), *b"\x99\x04milk\x00\xfb\x2c\x01");
    assert_eq!(spelled(&Some("milk")), *b"milk");
    assert_eq!(spelled(&Some(Some("milk"))), *b"milk");
    assert_eq!(spelled(&None::<u8>), [0xfa]);
    assert_eq!(spelled(&Some(None::<u8>)), [0xf9, 0xfa]);
    assert_eq!(spelled(&0_u8), [0xfe]);
    assert_eq!(spelled(&300_u32), [0xfe, 0x2c, 0x01]);
    assert_eq!(spelled(&300_i64), [0xfe, 0x2c, 0x01]);
    assert_eq!(spelled(&-2_i32), [0xff, 0x01]);
    assert_eq!(spelled(&'\u{e9}'), [0xc3, 0xa9]);
    assert_eq!(spelled(&1.5_f64), [0xf7, 0, 0, 0xc0, 0x3f]);
    assert_eq!(spelled(&Blob(vec![7])), [0xf6, 7]);
    assert_eq!(spelled(&vec![1_u8, 2]), [0xb8, 2, 1, 2]);
}

#[test]
fn bytes_that_are_left_over_or_missing_are_an_error() {
    assert!(misread::<()>(&[0xfb, 0]).is_value());
    assert!(misread::<bool>(&[0xfd, 0]).is_value());
    assert!(misread::<f32>(&[0xf7, 0, 0, 0]).is_value());
    assert!(misread::<Option<u8>>(&[0xfa, 0]).is_value());
    assert!(misread::<char>(b"ab").is_value());
    assert!(misread::<String>(&[0xff]).is_value());
    let pair = Pair(0, "a".to_owned());
    for rest in [&[][..], &[0], &[0, 3, b'a'], &[0, 1, b'a', 0]] {
        assert!(misread::<Pair>(&compound(&pair, rest)).is_value());
    }
    assert!(misread::<(bool,)>(&compound(&(true,), &[2])).is_value());
    assert!(misread::<(Option<u8>,)>(&compound(&(Some(0_u8),), &[2, 0])).is_value());
    assert!(misread::<Shape>(&compound(&Shape::Unit, &[4])).is_value());
    assert_eq!(
        misread::<(u8,)>(&compound(&(0_u8,), &[])).to_string(),
        "value of 1 bytes, at byte 1: it ends too early"
    );
}

#[test]
fn the_error_says_what_was_written() {
    let message = |bytes: &[u8]| misread::<u32>(bytes).to_string();
    assert!(message(b"7").contains("as a string"));
    assert!(message(&[]).contains("as a string"));
    assert!(message(&spelled(&true)).contains("as a boolean"));
    assert!(message(&spelled(&(1,))).contains("as a compound"));
    let message = misread::<String>(&spelled(&7_u8)).to_string();
    assert!(message.contains("as an integer"), "{message}");
}

#[test]
fn an_integer_is_read_as_any_type_that_can_hold_it() {
    assert_eq!(decode::<i64>(&spelled(&300_u32)).ok(), Some(300));
    assert_eq!(decode::<u128>(&spelled(&7_i8)).ok(), Some(7));
    assert_eq!(decode::<i8>(&spelled(&-128_i128)).ok(), Some(-128));
    assert_eq!(decode::<u8>(&spelled(&255_i16)).ok(), Some(255));
    assert!(misread::<u8>(&spelled(&256_u16)).is_value());
    assert!(misread::<u64>(&spelled(&-1_i8)).is_value());
    assert!(misread::<i128>(&spelled(&u128::MAX)).is_value());
    assert_eq!(decode::<(u64,)>(&spelled(&(300_u16,))).ok(), Some((300,)));
    assert!(misread::<(u16,)>(&spelled(&(70_000_u64,))).is_value());
    assert!(misread::<(i64,)>(&spelled(&(300_u32,))).is_value());
}

#[test]
fn a_number_has_one_spelling() {
    assert!(misread::<u64>(&[0xfe, 1, 0]).is_value());
    assert!(misread::<u64>(&[0xfe, 0]).is_value());
    assert!(misread::<i64>(&[0xff, 0]).is_value());
    assert!(misread::<u128>(&[&[0xfe][..], &[1; 17]].concat()).is_value());
    assert!(misread::<f64>(&[&[0xf8][..], &1.5_f64.to_le_bytes()].concat()).is_value());
    assert!(misread::<f64>(&spelled(&f32::NAN)).is_value());
    assert!(misread::<f32>(&spelled(&0.1_f64)).is_value());
    assert!(misread::<Option<u8>>(&[0xf9, 0xfe, 7]).is_value());

    let number = compound(&(0_u64,), &[251, 250, 0]);
    assert!(misread::<(u64,)>(&number).is_value());
    let number = compound(&(0_i64,), &[252, 1, 1, 0, 0]);
    assert!(misread::<(i64,)>(&number).is_value());
    let number = compound(&(0_u128,), &[253, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(misread::<(u128,)>(&number).is_value());
    let list = compound(&vec![0_u8], &[251, 1, 0, 7]);
    assert!(misread::<Vec<u8>>(&list).is_value());
    for edge in [
        0,
        250,
        251,
        0xffff,
        0x1_0000,
        u64::from(u32::MAX),
        1 << 32,
        u64::MAX,
    ] {
        let wide = u128::from(edge);
        comes_back(&edge);
        comes_back(&wide);
        comes_back(&(wide << 64));
        comes_back(&edge.cast_signed());
        comes_back(&-i128::from(edge));
        is_bincode(&(edge, wide, wide << 64, edge.cast_signed()));
        is_bincode(&((edge >> 1).cast_signed(), -i128::from(edge)));
    }
}

#[test]
fn floats_come_back_bit_by_bit_and_in_keys_equal_ones_are_one() {
    let key = |value: f64| {
        let mut out = Vec::new();
        encode_key(&value, &mut out).unwrap();
        out
    };
    for value in [
        0.0,
        -0.0,
        1.5,
        0.1,
        f64::MAX,
        f64::INFINITY,
        f64::MIN_POSITIVE,
    ] {
        let read = decode::<f64>(&spelled(&value)).unwrap();
        assert_eq!(read.to_bits(), value.to_bits());
        assert_eq!(decode::<f64>(&key(value)).ok(), Some(value));
    }
    let nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
    assert!(decode::<f64>(&spelled(&nan)).unwrap().is_nan());
    assert_eq!(key(-0.0), key(0.0));
    assert_eq!(key(nan), key(f64::NAN));
    assert_ne!(spelled(&-0.0_f64), spelled(&0.0_f64));
    assert_eq!(decode::<f64>(&spelled(&1.5_f32)).ok(), Some(1.5));
    assert_eq!(decode::<f32>(&spelled(&1.5_f64)).ok(), Some(1.5));
}

#[test]
fn a_length_beyond_the_bytes_is_refused_before_anything_is_read() {
    let absurd = &spelled(&(1_u64 << 60,))[1..];
    for error in [
        misread::<Vec<u64>>(&compound(&vec![0_u64], absurd)),
        misread::<Vec<()>>(&compound(&vec![()], absurd)),
        misread::<BTreeMap<u8, u8>>(&compound(&BTreeMap::from([(0_u8, 0_u8)]), absurd)),
        misread::<(String,)>(&compound(&("",), absurd)),
        misread::<(Option<Blob>,)>(&compound(
            &(Some(Blob(Vec::new())),),
            &[&[1][..], absurd].concat(),
        )),
    ] {
        assert!(error.to_string().contains("a length of"), "{error}");
    }
}

#[test]
fn elements_without_bytes_are_limited_for_both_sides_over_the_whole_value() {
    comes_back(&vec![(); FREE_ELEMENTS]);
    assert!(refusal(&vec![(); FREE_ELEMENTS + 1]).is_limit());
    let more = spelled(&(FREE_ELEMENTS as u64 + 1,));
    assert!(misread::<Vec<()>>(&compound(&vec![()], &more[1..])).is_value());

    let half = vec![(); FREE_ELEMENTS / 2];
    comes_back(&vec![half.clone(); 2]);
    assert!(refusal(&vec![half; 3]).is_limit());

    comes_back(&BTreeMap::from([((), Unit)]));
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tree {
    children: Vec<Tree>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Chain {
    End,
    Link(Box<Chain>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Onion(Option<Box<Onion>>);

#[test]
fn both_sides_refuse_the_same_depth() {
    fn chain(links: usize) -> Chain {
        (0..links).fold(Chain::End, |chain, _| Chain::Link(Box::new(chain)))
    }
    comes_back(&chain(limits::DEPTH - 1));
    assert!(refusal(&chain(limits::DEPTH)).is_limit());
    let deep = compound(&Chain::End, &[1; limits::DEPTH]);
    assert!(misread::<Chain>(&deep).is_value());

    let onion = (1..limits::DEPTH).fold(Onion(None), |onion, _| Onion(Some(Box::new(onion))));
    comes_back(&onion);
    assert!(refusal(&Some(onion)).is_limit());
    assert!(misread::<Onion>(&vec![0xf9; 1 << 20]).is_value());

    let tree = (1..limits::DEPTH / 2).fold(Tree::default(), |tree, _| Tree {
        children: vec![tree],
    });
    comes_back(&tree);
    assert!(refusal(&vec![tree]).is_limit());
    let deep = compound(&Tree::default(), &vec![1; 1 << 20]);
    assert!(misread::<Tree>(&deep).is_value());
}

#[test]
fn a_sequence_must_announce_its_length_truly() {
    struct Announces(Option<usize>);

    impl Serialize for Announces {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut seq = serializer.serialize_seq(self.0)?;
            seq.serialize_element(&1_u8)?;
            seq.end()
        }
    }

    assert_eq!(spelled(&Announces(Some(1)))[1..], [1, 1]);
    for length in [None, Some(0), Some(2)] {
        assert!(refusal(&Announces(length)).is_value());
    }
}
