//! Integers whose encodings sort like the integers.
//!
//! ```text
//! -48..48      1 byte     0x50 to 0xaf
//! further      1 + n      0xb0 + n - 1, the distance from 48 - big endian
//!                         0x4f - n + 1, the complement of the distance from -49
//! ```
//!
//! The distances of `n` bytes begin where those of `n - 1` bytes end, so each integer has one
//! encoding.

/// The integers of one byte are -SMALL to SMALL - 1.
const SMALL: i64 = 48;

/// The most bytes after the first one.
const MOST: u32 = 7;

/// Appends an integer. Returns `None` if it is too far from zero.
pub(super) fn write(number: i64, out: &mut Vec<u8>) -> Option<()> {
    if (-SMALL..SMALL).contains(&number) {
        out.push((0x80 + number) as u8);
        return Some(());
    }
    let is_negative = number < 0;
    let mut distance = match is_negative {
        true => (-SMALL - 1).checked_sub(number)?,
        false => number - SMALL,
    } as u64;
    for bytes in 1..=MOST {
        let count = 1 << (8 * bytes);
        if distance < count {
            let (first, rest) = match is_negative {
                true => (0x50 - bytes, count - 1 - distance),
                false => (0xaf + bytes, distance),
            };
            out.push(first as u8);
            let rest = rest.to_be_bytes();
            out.extend(rest.iter().skip(rest.len() - bytes as usize));
            return Some(());
        }
        distance -= count;
    }
    None
}

/// Reads an integer from the start of `bytes`. Returns the rest too.
pub(super) fn read(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let first = i64::from(first);
    let is_negative = first < 0x80;
    if (-SMALL..SMALL).contains(&(first - 0x80)) {
        return Some((first - 0x80, rest));
    }
    let bytes = if is_negative {
        0x50 - first
    } else {
        first - 0xaf
    };
    let bytes = u32::try_from(bytes).ok().filter(|bytes| *bytes <= MOST)?;
    let (digits, rest) = rest.split_at_checked(bytes as usize)?;
    let number = digits
        .iter()
        .fold(0, |number, byte| number << 8 | i64::from(*byte));
    let shorter: i64 = (1..bytes).map(|bytes| 1_i64 << (8 * bytes)).sum();
    let number = match is_negative {
        true => -SMALL - 1 - shorter - ((1_i64 << (8 * bytes)) - 1 - number),
        false => SMALL + shorter + number,
    };
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(number: i64) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        write(number, &mut out).map(|()| out)
    }

    fn numbers() -> impl Strategy<Value = i64> {
        let edges = prop_oneof![Just(0), Just(48), Just(48 + 256), Just(48 + 256 + 65_536)];
        prop_oneof![
            (any::<i64>(), 8_u32..64).prop_map(|(number, shift)| number >> shift),
            (edges, -3_i64..4, any::<bool>()).prop_map(|(edge, step, sign)| if sign {
                edge + step
            } else {
                -edge + step
            }),
        ]
    }

    proptest! {
        #[test]
        fn encodings_sort_like_integers(one in numbers(), two in numbers()) {
            let encoded = (written(one).unwrap(), written(two).unwrap());
            prop_assert_eq!(encoded.0.cmp(&encoded.1), one.cmp(&two));
            prop_assert_eq!(read(&encoded.0), Some((one, &[][..])));
        }

        #[test]
        fn an_integer_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..10)) {
            if let Some((number, rest)) = read(&bytes) {
                let length = bytes.len() - rest.len();
                prop_assert_eq!(written(number).unwrap(), &bytes[..length]);
            }
        }
    }

    #[test]
    fn integers_of_eight_bytes_are_refused() {
        assert_eq!(written(i64::MAX), None);
        assert_eq!(written(i64::MIN), None);
        assert_eq!(read(&[0xff; 9]), None);
        assert_eq!(read(&[0; 9]), None);
        assert_eq!(written(47).unwrap().len(), 1);
        assert_eq!(written(-49).unwrap().len(), 2);
    }
}
