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

/// Checks that `value` comes back from its own bytes, and not from longer ones.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
    let bytes = spelled(value);
    assert_eq!(&decode::<T>(&bytes).unwrap(), value);
    let longer = [&bytes[..], &[0]].concat();
    assert_ne!(decode::<T>(&longer).ok().as_ref(), Some(value));
}

/// [`comes_back`], and the bytes are bincode's own: all but strings and bytes at the top.
fn is_bincode<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) {
    comes_back(value);
    assert_eq!(
        spelled(value),
        ::bincode::serde::encode_to_vec(value, CONFIG).unwrap()
    );
}

fn refusal<T: Serialize>(value: &T) -> Error {
    encode(value, &mut Vec::new()).unwrap_err()
}

fn misread<T: DeserializeOwned>(bytes: &[u8]) -> Error {
    decode::<T>(bytes).map(drop).unwrap_err()
}

/// Whatever the bytes are: read as bincode reads them, where it would spell the number so.
fn is_read_as_by_bincode<T>(bytes: &[u8])
where
    T: DeserializeOwned + Serialize + PartialEq + fmt::Debug,
{
    let theirs = ::bincode::serde::decode_from_slice::<T, _>(bytes, CONFIG);
    let theirs = theirs.ok().map(|(value, _)| value);
    let theirs = theirs.filter(|value| {
        ::bincode::serde::encode_to_vec(value, CONFIG).is_ok_and(|spelled| spelled == bytes)
    });
    assert_eq!(decode::<T>(bytes).ok(), theirs, "{bytes:?}");
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
        is_bincode(&zoo.signed.4);
        is_bincode(&zoo.unsigned.3);
        is_bincode(&zoo.letter);
        is_bincode(&Some(zoo.text.clone()));
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
            spelled(&Blob(text.clone().into_bytes())),
        ] {
            prop_assert_eq!(&bytes, text.as_bytes());
            prop_assert_eq!(&*decode::<Cow<'static, str>>(&bytes).unwrap(), &*text);
            prop_assert_eq!(&*decode::<Box<str>>(&bytes).unwrap(), &*text);
            prop_assert_eq!(decode::<Blob>(&bytes).unwrap().0, bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_a_value_of_one_spelling_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
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
        let _ = decode::<Zoo>(&bytes);
        let _ = decode::<Tree>(&bytes);
        let _ = decode::<BTreeMap<u8, Vec<Tree>>>(&bytes);
    }
}

#[test]
fn containers_of_strings_keep_the_lengths() {
    assert_eq!(spelled(&Some("hi")), [1, 2, b'h', b'i']);
    assert_eq!(spelled(&("hi",)), [2, b'h', b'i']);
    assert_eq!(spelled(&Shape::Newtype("hi".into())), [1, 2, b'h', b'i']);
    assert_eq!(spelled(&Name("hi".into())), *b"hi");
    assert_eq!(spelled(&vec![Blob(vec![7])]), [1, 1, 7]);
    comes_back(&vec![Blob(vec![7])]);
}

#[test]
fn the_examples_of_the_format_page_hold() {
    let todo = ("milk", false, 300_u32);
    assert_eq!(spelled(&todo), *b"\x04milk\x00\xfb\x2c\x01");
    assert_eq!(spelled(&Some("milk")), *b"\x01\x04milk");
    assert_eq!(spelled(&-2_i32), [3]);
    assert_eq!(spelled(&'\u{e9}'), [0xc3, 0xa9]);
}

#[test]
fn bytes_that_are_left_over_or_missing_are_an_error() {
    assert!(misread::<u8>(&[1, 2]).is_value());
    assert!(misread::<()>(&[0]).is_value());
    assert!(misread::<u32>(&[251, 1]).is_value());
    assert!(misread::<Pair>(&[0, 3, b'a']).is_value());
    assert!(misread::<bool>(&[2]).is_value());
    assert!(misread::<Option<u8>>(&[2, 0]).is_value());
    assert!(misread::<Shape>(&[4]).is_value());
    assert!(misread::<String>(&[0xff]).is_value());
    assert_eq!(
        misread::<u8>(&[]).to_string(),
        "value of 0 bytes, at byte 0: it ends too early"
    );
}

#[test]
fn a_number_has_one_spelling() {
    assert!(misread::<u64>(&[251, 250, 0]).is_value());
    assert!(misread::<i64>(&[252, 1, 1, 0, 0]).is_value());
    assert!(misread::<u128>(&[253, 0, 0, 0, 0, 0, 0, 0, 0]).is_value());
    assert!(misread::<Vec<u8>>(&[251, 1, 0, 7]).is_value());
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
        is_bincode(&edge);
        is_bincode(&u128::from(edge));
        is_bincode(&(u128::from(edge) << 64));
        is_bincode(&edge.cast_signed());
        is_bincode(&(edge >> 1).cast_signed());
        is_bincode(&-i128::from(edge));
    }
}

#[test]
fn a_length_beyond_the_bytes_is_refused_before_anything_is_read() {
    let absurd = spelled(&(1_u64 << 60));
    for error in [
        misread::<Vec<u64>>(&absurd),
        misread::<Vec<()>>(&absurd),
        misread::<BTreeMap<u8, u8>>(&absurd),
        misread::<(String,)>(&absurd),
        misread::<Option<Blob>>(&[&[1][..], &absurd].concat()),
    ] {
        assert!(error.is_value(), "{error}");
    }
}

#[test]
fn elements_without_bytes_are_limited_for_both_sides_over_the_whole_value() {
    comes_back(&vec![(); FREE_ELEMENTS]);
    assert!(refusal(&vec![(); FREE_ELEMENTS + 1]).is_limit());
    assert!(misread::<Vec<()>>(&spelled(&(FREE_ELEMENTS as u64 + 1))).is_value());

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
    assert!(misread::<Chain>(&[1; limits::DEPTH]).is_value());

    let onion = (1..limits::DEPTH).fold(Onion(None), |onion, _| Onion(Some(Box::new(onion))));
    comes_back(&onion);
    assert!(refusal(&Some(onion)).is_limit());
    assert!(misread::<Onion>(&vec![1; 1 << 20]).is_value());

    let tree = (1..limits::DEPTH / 2).fold(Tree::default(), |tree, _| Tree {
        children: vec![tree],
    });
    comes_back(&tree);
    assert!(refusal(&vec![tree]).is_limit());
    assert!(misread::<Tree>(&vec![1; 1 << 20]).is_value());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Skipping {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[test]
fn types_that_ask_the_bytes_what_they_are_get_an_error_that_says_so() {
    let error = misread::<Untagged>(&[1]);
    assert!(error.is_value());
    assert!(error.to_string().contains("untagged"), "{error}");
    assert!(
        refusal(&Flattened {
            rest: BTreeMap::new()
        })
        .is_value()
    );
}

#[test]
fn a_skipped_field_is_refused_by_name() {
    let error = refusal(&Skipping { note: None });
    assert!(error.is_value());
    assert!(error.to_string().contains("`note`"), "{error}");
    comes_back(&Skipping { note: Some(1) });
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

    assert_eq!(spelled(&Announces(Some(1))), [1, 1]);
    for length in [None, Some(0), Some(2)] {
        assert!(refusal(&Announces(length)).is_value());
    }
}
