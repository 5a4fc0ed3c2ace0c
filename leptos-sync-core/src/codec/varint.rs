//! Variable-length numbers, and a reader that validates them.
//!
//! A varint is LEB128: seven bits per byte, least significant first, with the high bit set on all
//! bytes but the last. Only the shortest form of a number is accepted, so that equal data has equal
//! bytes.

use crate::error::Error;

/// The number of bytes of the greatest `u64`.
const MAX_BYTES: usize = 10;

/// Appends `value`: 1 byte below 128, at most 10 bytes.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, value: u64) {
    match u8::try_from(value) {
        Ok(byte) if byte < 0x80 => out.push(byte),
        _ => put_long(out, value),
    }
}

fn put_long(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

#[inline]
const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Maps small signed differences to small unsigned numbers.
pub(crate) fn zigzag(step: u64) -> u64 {
    (step << 1) ^ (((step as i64) >> 63) as u64)
}

/// Undoes [`zigzag`].
pub(crate) fn unzigzag(packed: u64) -> u64 {
    (packed >> 1) ^ (packed & 1).wrapping_neg()
}

/// A reader of bytes from front to back. Every read is checked against the remaining length. Never
/// allocates.
///
/// It does not know the meaning of what it reads, so its errors state only the position.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// The total length, to compute positions.
    total: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader at the start of `bytes`.
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
        }
    }

    /// Returns the number of remaining bytes.
    #[inline]
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Returns whether no bytes are left.
    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the number of bytes read.
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.total - self.rest.len()
    }

    /// Reads a byte.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] at the end of the input.
    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return Err(self.truncated(1));
        };
        self.rest = rest;
        Ok(byte)
    }

    /// Reads a varint.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] at the end of the input, beyond 64 bits, or if a shorter form exists.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.varint_long(),
        }
    }

    /// Reads a varint that is the length of the following item, at most the number of remaining
    /// bytes.
    ///
    /// # Errors
    ///
    /// Those of [`varint`](Reader::varint), and [`Error::is_corrupt`] if fewer bytes are left.
    #[inline]
    pub(crate) fn len(&mut self) -> Result<usize, Error> {
        let claimed = self.varint()?;
        match usize::try_from(claimed) {
            Ok(len) if len <= self.remaining() => Ok(len),
            _ => Err(self.truncated(claimed)),
        }
    }

    /// Reads `n` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if fewer are left.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(n) else {
            return Err(self.truncated(n as u64));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a little-endian u64.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if fewer than eight bytes are left.
    #[inline]
    pub(crate) fn u64_le(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a little-endian u32.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if fewer than four bytes are left.
    #[inline]
    pub(crate) fn u32_le(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((&taken, rest)) = self.rest.split_first_chunk() else {
            return Err(self.truncated(N as u64));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn varint_long(&mut self) -> Result<u64, Error> {
        let (mut value, mut shift) = (0_u64, 0);
        let mut rest = self.rest;
        while let Some((&byte, after)) = rest.split_first()
            && shift < u64::BITS
        {
            rest = after;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    return Err(self.malformed("a number is not in its shortest form"));
                }
                if byte > 1 && shift == 7 * (MAX_BYTES as u32 - 1) {
                    break;
                }
                self.rest = rest;
                return Ok(value);
            }
            shift += 7;
        }
        if self.remaining() < MAX_BYTES {
            return Err(self.truncated(self.remaining() as u64 + 1));
        }
        Err(self.malformed("a number exceeds 64 bits"))
    }

    #[cold]
    fn malformed(&self, fault: &str) -> Error {
        Error::corrupt(format!("{fault}, at byte {}", self.position()))
    }

    #[cold]
    fn truncated(&self, wanted: u64) -> Error {
        Error::corrupt(format!(
            "truncated: {wanted} bytes expected at byte {}, {} left",
            self.position(),
            self.remaining()
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, value);
        out
    }

    #[test]
    fn numbers_take_seven_bits_per_byte() {
        assert_eq!(spelled(0), [0]);
        assert_eq!(spelled(127), [127]);
        assert_eq!(spelled(128), [0x80, 1]);
        assert_eq!(spelled(300), [0xac, 2]);
        assert_eq!(spelled(u64::MAX).len(), MAX_BYTES);
    }

    #[test]
    fn a_longer_form_than_needed_is_rejected() {
        for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0]] {
            assert!(Reader::new(bytes).varint().unwrap_err().is_corrupt());
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_rejected() {
        let mut bytes = [0xff; MAX_BYTES];
        bytes[MAX_BYTES - 1] = 2;
        assert!(Reader::new(&bytes).varint().unwrap_err().is_corrupt());
        assert!(Reader::new(&[0xff; 32]).varint().unwrap_err().is_corrupt());
    }

    #[test]
    fn a_length_beyond_the_input_is_rejected() {
        assert_eq!(Reader::new(&[2, 0, 0]).len().unwrap(), 2);
        assert!(Reader::new(&[3, 0, 0]).len().unwrap_err().is_corrupt());
        assert!(
            Reader::new(&spelled(u64::MAX))
                .len()
                .unwrap_err()
                .is_corrupt()
        );
    }

    #[test]
    fn fixed_numbers_are_little_endian() {
        let mut reader = Reader::new(&[1, 0, 0, 0, 0, 0, 0, 2, 3, 0, 0, 0, 9]);
        assert_eq!(reader.u64_le().unwrap(), (2 << 56) + 1);
        assert_eq!(reader.u32_le().unwrap(), 3);
        assert_eq!(reader.position(), 12);
        assert!(reader.u32_le().is_err());
        assert_eq!(reader.u8().unwrap(), 9);
        assert!(reader.is_empty());
    }

    proptest! {
        #[test]
        fn every_number_round_trips(values in proptest::collection::vec(any::<u64>().prop_flat_map(|v| (0_u32..64).prop_map(move |s| v >> s)), 0..40)) {
            let mut out = Vec::new();
            for &value in &values {
                put(&mut out, value);
            }
            let mut reader = Reader::new(&out);
            for &value in &values {
                prop_assert_eq!(reader.varint().unwrap(), value);
            }
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn accepted_numbers_encode_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.varint() {
                prop_assert_eq!(&spelled(value), &bytes[..reader.position()]);
            }
        }
    }
}
