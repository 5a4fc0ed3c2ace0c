use ::bincode::{
    enc::{Encode, EncoderImpl, write::Writer},
    error::EncodeError,
};

use super::{CONFIG, FREE_ELEMENTS, fault::Fault};
use crate::limits;

/// Where the bytes of one value go, and what the value may still spend.
pub(super) struct Output<'o> {
    bytes: &'o mut Vec<u8>,
    /// Elements without bytes that may still follow.
    free: usize,
}

impl<'o> Output<'o> {
    #[inline]
    pub(super) const fn new(bytes: &'o mut Vec<u8>) -> Self {
        Self {
            bytes,
            free: FREE_ELEMENTS,
        }
    }

    /// Appends as bincode does.
    #[inline]
    pub(super) fn put(&mut self, value: impl Encode) -> Result<(), Fault> {
        value
            .encode(&mut EncoderImpl::new(self, CONFIG))
            .map_err(refused)
    }

    /// Appends as it is.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes so far, to compare with.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Accounts for an element of a sequence or map that began at length `start`.
    #[inline]
    pub(super) fn spend(&mut self, start: usize) -> Result<(), Fault> {
        if self.len() == start {
            self.free = self.free.checked_sub(1).ok_or_else(too_many)?;
        }
        Ok(())
    }
}

impl Writer for Output<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// The depth inside a compound at `depth`.
#[inline]
pub(super) fn enter(depth: usize) -> Result<usize, Fault> {
    if depth < limits::DEPTH {
        Ok(depth + 1)
    } else {
        Err(too_deep())
    }
}

#[cold]
fn too_deep() -> Fault {
    Fault::limit(format!(
        "value is nested deeper than {} levels; flatten it, or store its parts as values of their own",
        limits::DEPTH
    ))
}

#[cold]
fn too_many() -> Fault {
    Fault::limit(format!(
        "value holds more than {FREE_ELEMENTS} elements that take no bytes; store their number instead"
    ))
}

#[cold]
fn refused(_: EncodeError) -> Fault {
    Fault::value("bincode cannot express the value")
}
