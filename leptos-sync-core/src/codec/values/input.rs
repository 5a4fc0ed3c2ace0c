use ::bincode::{
    de::{Decode, DecoderImpl, read::Reader},
    error::DecodeError,
};

use super::{CONFIG, FREE_ELEMENTS, fault::Fault, shape::Shape};
use crate::limits;

/// The remaining bytes of one value, with its remaining budget.
pub(super) struct Input<'de> {
    rest: &'de [u8],
    /// The length of the whole value, for positions in errors.
    total: usize,
    /// The number of elements without bytes that may still follow.
    free: usize,
    /// The number of elements for which memory may still be reserved.
    reserve: usize,
    /// The shape of the part that was decoded last.
    pub(super) shape: Shape,
}

const TOO_SHORT: &str = "it ends too early";
const OUT_OF_RANGE: &str = "a number is out of its type's range";
const NOT_SHORTEST: &str = "a number is not in its shortest encoding";

impl<'de> Input<'de> {
    #[inline]
    pub(super) const fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
            free: FREE_ELEMENTS,
            reserve: bytes.len(),
            shape: Shape::UNIT,
        }
    }

    /// Returns the number of bytes left.
    #[inline]
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Decodes a value as bincode does.
    #[inline]
    pub(super) fn get<T: Decode<()>>(&mut self) -> Result<T, Fault> {
        let decoded = T::decode(&mut DecoderImpl::new(&mut *self, CONFIG, ()));
        decoded.map_err(|error| self.malformed(&error))
    }

    /// Decodes an unsigned number of up to 8 bytes in its shortest encoding.
    #[inline]
    pub(super) fn unsigned<T: TryFrom<u64>>(&mut self) -> Result<T, Fault> {
        let value = self.number()?;
        T::try_from(value).map_err(|_| self.out_of_range())
    }

    /// Decodes a signed number of up to 8 bytes in its shortest encoding.
    #[inline]
    pub(super) fn signed<T: TryFrom<i64>>(&mut self) -> Result<T, Fault> {
        let zigzag = self.number()?;
        let value = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        T::try_from(value).map_err(|_| self.out_of_range())
    }

    /// Decodes an unsigned number of 16 bytes.
    pub(super) fn unsigned_wide<T: From<u128>>(&mut self) -> Result<T, Fault> {
        let before = self.remaining();
        let value = self.get::<u128>()?;
        self.check_shortest(before, value)?;
        Ok(value.into())
    }

    /// Decodes a signed number of 16 bytes.
    pub(super) fn signed_wide<T: From<i128>>(&mut self) -> Result<T, Fault> {
        let before = self.remaining();
        let value = self.get::<i128>()?;
        self.check_shortest(before, ((value << 1) ^ (value >> 127)).cast_unsigned())?;
        Ok(value.into())
    }

    fn check_shortest(&self, before: usize, value: u128) -> Result<(), Fault> {
        let shortest = match value {
            0..=250 => 1,
            251..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            0x1_0000_0000..=0xffff_ffff_ffff_ffff => 9,
            _ => 17,
        };
        if before - self.remaining() == shortest {
            Ok(())
        } else {
            Err(self.not_shortest())
        }
    }

    /// Decodes a number as bincode does: one byte up to 250, otherwise a marker and 2, 4 or 8
    /// bytes. All types share this function to save code.
    #[inline]
    fn number(&mut self) -> Result<u64, Fault> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte <= 250 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_number(),
        }
    }

    #[inline]
    fn long_number(&mut self) -> Result<u64, Fault> {
        let Some((marker, rest)) = self.rest.split_first() else {
            return Err(self.fault(TOO_SHORT));
        };
        let (value, least, size) = match marker {
            251 => (
                rest.first_chunk().map(|b| u16::from_le_bytes(*b).into()),
                251,
                2,
            ),
            252 => (
                rest.first_chunk().map(|b| u32::from_le_bytes(*b).into()),
                0x1_0000,
                4,
            ),
            253 => (
                rest.first_chunk().map(|b| u64::from_le_bytes(*b)),
                0x1_0000_0000,
                8,
            ),
            _ => return Err(self.out_of_range()),
        };
        match value {
            Some(value) if value >= least => {
                self.rest = rest.get(size..).unwrap_or_default();
                Ok(value)
            }
            Some(_) => Err(self.not_shortest()),
            None => Err(self.fault(TOO_SHORT)),
        }
    }

    /// Returns the bytes that are left.
    #[inline]
    pub(super) const fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// Skips `count` bytes, or all remaining ones.
    #[inline]
    pub(super) fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Consumes and returns all bytes that are left.
    #[inline]
    pub(super) fn take_all(&mut self) -> &'de [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Decodes a length, and consumes that many bytes.
    #[inline]
    pub(super) fn take_prefixed(&mut self) -> Result<&'de [u8], Fault> {
        let claimed = self.unsigned::<u64>()?;
        let split = usize::try_from(claimed)
            .ok()
            .and_then(|len| self.rest.split_at_checked(len));
        let Some((taken, rest)) = split else {
            return Err(self.overlong(claimed));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Decodes the length of a sequence or map. Rejects a length whose elements cannot all follow.
    #[inline]
    pub(super) fn count(&mut self) -> Result<usize, Fault> {
        let claimed = self.unsigned::<u64>()?;
        match usize::try_from(claimed) {
            Ok(count) if count <= self.remaining().saturating_add(self.free) => Ok(count),
            _ => Err(self.overlong(claimed)),
        }
    }

    /// Returns the number of elements, at most `count`, for which memory may be reserved.
    #[inline]
    pub(super) fn reserve(&mut self, count: usize) -> usize {
        let granted = count.min(self.reserve);
        self.reserve -= granted;
        granted
    }

    /// Deducts an element of a sequence or map from the budget. `before` is the number of bytes
    /// that were left before it.
    #[inline]
    pub(super) fn spend(&mut self, before: usize) -> Result<(), Fault> {
        if self.remaining() == before {
            let Some(free) = self.free.checked_sub(1) else {
                return Err(self.fault("there are too many elements without content"));
            };
            self.free = free;
        }
        Ok(())
    }

    /// Returns the depth inside a compound at `depth`.
    #[inline]
    pub(super) fn enter(&self, depth: usize) -> Result<usize, Fault> {
        if depth < limits::DEPTH {
            Ok(depth + 1)
        } else {
            Err(self.fault("the value is nested too deep"))
        }
    }

    /// Fails if bytes are left.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.fault("bytes are left over; it was written as another type"))
        }
    }

    /// Creates an error at the current position.
    #[cold]
    pub(super) fn fault(&self, what: &str) -> Fault {
        let position = self.total - self.remaining();
        Fault::value(format!(
            "value of {} bytes, at byte {position}: {what}",
            self.total
        ))
    }

    #[cold]
    pub(super) fn out_of_range(&self) -> Fault {
        self.fault(OUT_OF_RANGE)
    }

    #[cold]
    pub(super) fn not_shortest(&self) -> Fault {
        self.fault(NOT_SHORTEST)
    }

    #[cold]
    fn overlong(&self, claimed: u64) -> Fault {
        self.fault(&format!("a length of {claimed} exceeds what is left"))
    }

    #[cold]
    fn malformed(&self, error: &DecodeError) -> Fault {
        self.fault(match error {
            DecodeError::UnexpectedEnd { .. } => TOO_SHORT,
            DecodeError::InvalidIntegerType { .. } => OUT_OF_RANGE,
            DecodeError::InvalidBooleanValue(_) => "a boolean is neither 0 nor 1",
            DecodeError::InvalidCharEncoding(_) => "a character is not UTF-8",
            _ => "it is malformed",
        })
    }
}

impl Reader for Input<'_> {
    #[inline]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes.len()) else {
            let additional = bytes.len() - self.rest.len();
            return Err(DecodeError::UnexpectedEnd { additional });
        };
        bytes.copy_from_slice(taken);
        self.rest = rest;
        Ok(())
    }

    #[inline]
    fn peek_read(&mut self, n: usize) -> Option<&[u8]> {
        self.rest.get(..n)
    }

    #[inline]
    fn consume(&mut self, n: usize) {
        self.advance(n);
    }
}
