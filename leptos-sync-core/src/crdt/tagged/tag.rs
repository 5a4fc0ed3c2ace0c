//! The keys of cells that end with a tag.
//!
//! ```text
//! key = element, origin u64 big endian, count
//! ```
//!
//! The count is a varint whose bytes are in reverse order, the most significant ones first: the
//! high bit is set on all bytes but the first. So a reader finds the start of the tag from the end
//! of the key, and the tags of a writer share their first bytes.

use crate::id::Id;

/// The number of bytes of a random number.
const ORIGIN: usize = size_of::<u64>();

/// Appends a tag to an element.
pub(super) fn push_tag(tag: Id, out: &mut Vec<u8>) {
    let (origin, count) = tag.parts();
    out.extend_from_slice(&origin.to_be_bytes());
    let groups = (u64::BITS - count.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group + 1 < groups { 0x80 } else { 0 };
        out.push((count >> (7 * group)) as u8 & 0x7f | more);
    }
}

/// Splits a key into an element and its tag. Returns `None` if it does not end with a tag.
pub(super) fn split_tag(key: &[u8]) -> Option<(&[u8], Id)> {
    let (mut count, mut shift, mut rest) = (0_u64, 0, key);
    loop {
        let (last, before) = rest.split_last()?;
        let bits = u64::from(last & 0x7f);
        if shift >= u64::BITS || bits << shift >> shift != bits {
            return None;
        }
        count |= bits << shift;
        (rest, shift) = (before, shift + 7);
        if *last < 0x80 {
            // Each tag has one encoding.
            if bits == 0 && shift > 7 {
                return None;
            }
            break;
        }
    }
    let (element, origin) = rest.split_last_chunk::<ORIGIN>()?;
    let tag = Id::of_parts((u64::from_be_bytes(*origin), count));
    Some((element, tag))
}

/// Returns the element of a set from the key of a cell, if the key ends with a tag.
pub fn element_of(key: &[u8]) -> Option<&[u8]> {
    split_tag(key).map(|(element, _)| element)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn key(element: &[u8], tag: Id) -> Vec<u8> {
        let mut key = element.to_vec();
        push_tag(tag, &mut key);
        key
    }

    fn counts() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0_u32..64).prop_map(|(count, shift)| count >> shift)
    }

    proptest! {
        #[test]
        fn a_key_is_split_into_what_it_was_made_of(
            element in vec(any::<u8>(), 0..12), origin in any::<u64>(), count in counts(),
        ) {
            let tag = Id::of_parts((origin, count));
            let key = key(&element, tag);
            prop_assert_eq!(split_tag(&key), Some((&*element, tag)));
        }

        #[test]
        fn a_key_has_one_reading(bytes in vec(any::<u8>(), 0..24)) {
            if let Some((element, tag)) = split_tag(&bytes) {
                prop_assert_eq!(key(element, tag), bytes);
            }
        }
    }

    #[test]
    fn a_tag_takes_nine_bytes_and_one_more_from_128_on() {
        for (count, length) in [(0, 9), (127, 9), (128, 10), (16_383, 10), (u64::MAX, 18)] {
            assert_eq!(key(b"", Id::of_parts((7, count))).len(), length);
        }
        assert_eq!(split_tag(&[0; 8]), None);
        assert_eq!(split_tag(&[0xff; 20]), None);
        assert_eq!(split_tag(&key(b"", Id::of_parts((7, 1)))[1..]), None);
    }
}
