use std::{
    io::BufRead,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use storekey::{Decode, Encode, Reader, Writer};

use crate::{error::Error, id::Id};

/// A value that orders index entries. Its encoding preserves its order.
///
/// Implemented for booleans, integers, floats, `char`, strings, [`Id`], `Option` (`None` first),
/// `Duration`, `SystemTime` and tuples of up to four of these. The encoding is that of the
/// `storekey` crate. Floats are in numeric order; −0 equals 0, and NaN comes last. To index a date
/// type of another crate, convert it to a sortable form, such as milliseconds or a tuple of year,
/// month and day.
///
/// # Laws
///
/// `a < b` if and only if the bytes of `a` are less than those of `b`. The bytes of one value are
/// never a prefix of those of another value of the same type.
pub trait IndexKey {
    /// Appends the encoding.
    fn append(&self, out: &mut Vec<u8>);
}

/// A type of record keys. Records are sorted by it.
///
/// Implemented for booleans, integers, `char`, `String`, [`Id`] and tuples of up to four of these.
pub trait RecordKey: IndexKey + Clone + 'static {
    /// Reads a key from the front of `input`. Returns `None` if the bytes are not a key of this
    /// type.
    fn take(input: &mut &[u8]) -> Option<Self>;
}

/// Decodes a key from all of `bytes`.
pub(crate) fn parse<K: RecordKey>(mut bytes: &[u8]) -> Result<K, Error> {
    match K::take(&mut bytes) {
        Some(key) if bytes.is_empty() => Ok(key),
        _ => Err(Error::corrupt(
            "a record's key does not decode as the key type of this store",
        )),
    }
}

/// Encodes a key.
pub(crate) fn bytes_of(key: &(impl IndexKey + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.append(&mut bytes);
    bytes
}

/// Returns the prefix that all strings starting with `text` share: its encoding without the
/// terminator.
pub(super) fn text_prefix(text: &str) -> Vec<u8> {
    let mut bytes = bytes_of(text);
    bytes.pop();
    bytes
}

fn put(value: &(impl Encode + ?Sized), out: &mut Vec<u8>) {
    // Writing to memory never fails, and the types that use this can always be encoded.
    let _ = value.encode(&mut Writer::new(out));
}

fn get<T: Decode>(input: impl BufRead) -> Option<T> {
    T::decode(&mut Reader::new(input)).ok()
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl IndexKey for $type {
            fn append(&self, out: &mut Vec<u8>) {
                put(self, out);
            }
        }

        impl RecordKey for $type {
            fn take(input: &mut &[u8]) -> Option<Self> {
                get(input)
            }
        }
    )*};
}

plain!(bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 char String);

impl IndexKey for Id {
    fn append(&self, out: &mut Vec<u8>) {
        self.parts().append(out);
    }
}

impl RecordKey for Id {
    fn take(input: &mut &[u8]) -> Option<Self> {
        RecordKey::take(input).map(Self::of_parts)
    }
}

macro_rules! floats {
    ($($type:ty)*) => {$(
        impl IndexKey for $type {
            fn append(&self, out: &mut Vec<u8>) {
                // Equal values need equal keys, so encode all zeros alike and all NaNs alike.
                let one_of_each = if self.is_nan() { <$type>::NAN } else { self + 0.0 };
                put(&one_of_each, out);
            }
        }
    )*};
}

floats!(f32 f64);

impl IndexKey for str {
    fn append(&self, out: &mut Vec<u8>) {
        put(self, out);
    }
}

impl IndexKey for Duration {
    fn append(&self, out: &mut Vec<u8>) {
        put(self, out);
    }
}

impl IndexKey for SystemTime {
    fn append(&self, out: &mut Vec<u8>) {
        // Encode seconds and nanoseconds since the epoch. The nanoseconds always count forwards.
        let (seconds, nanos) = match self.duration_since(UNIX_EPOCH) {
            Ok(since) => (i128::from(since.as_secs()), since.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                match before.subsec_nanos() {
                    0 => (-i128::from(before.as_secs()), 0),
                    nanos => (-i128::from(before.as_secs()) - 1, 1_000_000_000 - nanos),
                }
            }
        };
        put(&(seconds, nanos), out);
    }
}

impl<T: IndexKey + ?Sized> IndexKey for &T {
    fn append(&self, out: &mut Vec<u8>) {
        (**self).append(out);
    }
}

impl<T: IndexKey> IndexKey for Option<T> {
    fn append(&self, out: &mut Vec<u8>) {
        put(&self.is_some(), out);
        if let Some(value) = self {
            value.append(out);
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))*) => {$(
        impl<$($name: IndexKey),+> IndexKey for ($($name,)+) {
            #[expect(non_snake_case, reason = "a field is named as its type")]
            fn append(&self, out: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.append(out);)+
            }
        }

        impl<$($name: RecordKey),+> RecordKey for ($($name,)+) {
            fn take(input: &mut &[u8]) -> Option<Self> {
                Some(($($name::take(input)?,)+))
            }
        }
    )*};
}

tuples!((A) (A B) (A B C) (A B C D));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agrees<T: IndexKey + PartialOrd + std::fmt::Debug>(a: &T, b: &T) {
        let (left, right) = (bytes_of(a), bytes_of(b));
        assert_eq!(a.partial_cmp(b), Some(left.cmp(&right)), "{a:?} {b:?}");
        assert!(
            a == b || !right.starts_with(&left),
            "{a:?} is a prefix of {b:?}"
        );
    }

    fn round_trips<K: RecordKey + PartialEq + std::fmt::Debug>(key: &K) {
        assert_eq!(parse::<K>(&bytes_of(key)).as_ref().ok(), Some(key));
        let longer = [&bytes_of(key)[..], b"x"].concat();
        assert!(parse::<K>(&longer).is_err());
    }

    proptest! {
        #[test]
        fn bytes_have_the_order_of_values(
            a in any::<(i64, u16, String, Option<bool>)>(),
            b in any::<(i64, u16, String, Option<bool>)>(),
            x in any::<f64>(),
            y in any::<f64>(),
        ) {
            agrees(&a, &b);
            agrees(&(a.2.clone(), a.0), &(b.2.clone(), b.0));
            agrees(&(a.0, a.2.clone()), &(a.0, b.2.clone()));
            agrees(&(a.3, a.1), &(b.3, b.1));
            if !x.is_nan() && !y.is_nan() {
                agrees(&x, &y);
                agrees(&(x as f32), &(y as f32));
            }
        }

        #[test]
        fn a_record_key_round_trips(key in any::<(i64, String, char, bool)>(), text: String) {
            round_trips(&key);
            round_trips(&text);
        }

        #[test]
        fn decoding_a_key_never_panics(bytes: Vec<u8>) {
            if let Ok(key) = parse::<(String, i32)>(&bytes) {
                round_trips(&key);
            }
            if let Ok(key) = parse::<(char, bool, u128)>(&bytes) {
                round_trips(&key);
            }
        }

        #[test]
        fn a_text_prefix_matches_exactly_the_strings_that_start_with_it(text: String, other: String) {
            let starts = bytes_of(other.as_str()).starts_with(&text_prefix(&text));
            prop_assert_eq!(starts, other.starts_with(&text));
            let longer = text.clone() + &other;
            prop_assert!(bytes_of(longer.as_str()).starts_with(&text_prefix(&text)));
        }
    }

    #[test]
    fn zeros_are_one_key_and_not_a_number_comes_last() {
        agrees(&0.0_f64, &-0.0);
        assert!(bytes_of(&f64::NAN) > bytes_of(&f64::INFINITY));
        assert_eq!(bytes_of(&f64::NAN), bytes_of(&-f64::NAN));
    }

    #[test]
    fn times_before_and_after_the_epoch_are_ordered() {
        let at = |ms: i64| {
            let far = Duration::from_millis(ms.unsigned_abs());
            if ms < 0 {
                UNIX_EPOCH - far
            } else {
                UNIX_EPOCH + far
            }
        };
        let times = [-2001, -2000, -1999, -1, 0, 1, 999, 1000, 1001];
        for pair in times.windows(2) {
            let [a, b] = pair else { unreachable!() };
            agrees(&at(*a), &at(*b));
        }
    }
}
