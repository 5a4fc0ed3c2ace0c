use ::bincode::{
    de::{Decode, DecoderImpl, read::Reader},
    error::DecodeError,
};

use super::{CONFIG, FREE_ELEMENTS, fault::Fault};
use crate::limits;

/// What is left of the bytes of one value, and what the value may still spend.
pub(super) struct Input<'de> {
    rest: &'de [u8],
    /// Length of everything, from which positions are counted.
    total: usize,
    /// Elements without bytes that may still follow.
    free: usize,
    /// Elements for which memory may still be reserved ahead.
    reserve: usize,
}

impl<'de> Input<'de> {
    #[inline]
    pub(super) const fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            total: bytes.len(),
            free: FREE_ELEMENTS,
            reserve: bytes.len(),
        }
    }

    /// How many bytes are left.
    #[inline]
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads as bincode does.
    #[inline]
    pub(super) fn get<T: Decode<()>>(&mut self) -> Result<T, Fault> {
        let decoded = T::decode(&mut DecoderImpl::new(&mut *self, CONFIG, ()));
        decoded.map_err(|error| self.malformed(&error))
    }

    /// Reads an unsigned number in its shortest spelling.
    #[inline]
    pub(super) fn unsigned<T: Decode<()> + Copy + Into<u128>>(&mut self) -> Result<T, Fault> {
        let before = self.remaining();
        let value: T = self.get()?;
        match before - self.remaining() {
            1 => Ok(value),
            taken if taken == width(value.into()) => Ok(value),
            _ => Err(self.fault("a number is not in its shortest spelling")),
        }
    }

    /// Reads a signed number in its shortest spelling.
    #[inline]
    pub(super) fn signed<T: Decode<()> + Copy + Into<i128>>(&mut self) -> Result<T, Fault> {
        let before = self.remaining();
        let value: T = self.get()?;
        match before - self.remaining() {
            1 => Ok(value),
            taken if taken == width(zigzag(value.into())) => Ok(value),
            _ => Err(self.fault("a number is not in its shortest spelling")),
        }
    }

    /// Everything that is left.
    #[inline]
    pub(super) fn take_all(&mut self) -> &'de [u8] {
        std::mem::take(&mut self.rest)
    }

    /// A length, and so many bytes.
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

    /// The length of a sequence or map whose elements can all follow.
    #[inline]
    pub(super) fn count(&mut self) -> Result<usize, Fault> {
        let claimed = self.unsigned::<u64>()?;
        match usize::try_from(claimed) {
            Ok(count) if count <= self.remaining().saturating_add(self.free) => Ok(count),
            _ => Err(self.overlong(claimed)),
        }
    }

    /// For how many of `count` elements to reserve memory ahead.
    #[inline]
    pub(super) fn reserve(&mut self, count: usize) -> usize {
        let granted = count.min(self.reserve);
        self.reserve -= granted;
        granted
    }

    /// Accounts for an element of a sequence or map before which `before` bytes were left.
    #[inline]
    pub(super) fn spend(&mut self, before: usize) -> Result<(), Fault> {
        if self.remaining() == before {
            let Some(free) = self.free.checked_sub(1) else {
                return Err(self.fault("there are too many elements that take no bytes"));
            };
            self.free = free;
        }
        Ok(())
    }

    /// The depth inside a compound at `depth`.
    #[inline]
    pub(super) fn enter(&self, depth: usize) -> Result<usize, Fault> {
        if depth < limits::DEPTH {
            Ok(depth + 1)
        } else {
            Err(self.fault("the value is nested too deep"))
        }
    }

    /// Whether the value took everything.
    #[inline]
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.fault("bytes are left over; was it written as another type?"))
        }
    }

    /// An error at the place where reading stopped.
    #[cold]
    pub(super) fn fault(&self, what: &str) -> Fault {
        let position = self.total - self.remaining();
        Fault::value(format!(
            "value of {} bytes, at byte {position}: {what}",
            self.total
        ))
    }

    #[cold]
    fn overlong(&self, claimed: u64) -> Fault {
        self.fault(&format!("a length of {claimed} exceeds what is left"))
    }

    #[cold]
    fn malformed(&self, error: &DecodeError) -> Fault {
        self.fault(match error {
            DecodeError::UnexpectedEnd { .. } => "it ends too early",
            DecodeError::InvalidIntegerType { .. } => "a number is out of its type's range",
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
        self.rest = self.rest.get(n..).unwrap_or_default();
    }
}

/// Bytes of `value` in its shortest spelling: one up to 250, else a marker and 2, 4, 8 or 16 bytes.
const fn width(value: u128) -> usize {
    match value {
        0..=250 => 1,
        251..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        0x1_0000_0000..=0xffff_ffff_ffff_ffff => 9,
        _ => 17,
    }
}

/// Small numbers of either sign as small numbers without one: 0, -1, 1, -2, …
const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}
