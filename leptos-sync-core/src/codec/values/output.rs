use ::bincode::{
    enc::{Encode, EncoderImpl, write::Writer},
    error::EncodeError,
};

use super::{CONFIG, FREE_ELEMENTS, fault::Fault, shape::Shape, tags};
use crate::limits;

/// The output of one value, with its remaining budget.
pub(super) struct Output<'o> {
    bytes: &'o mut Vec<u8>,
    /// The number of elements without bytes that may still follow.
    free: usize,
    /// Whether equal floats must have equal bytes.
    is_key: bool,
}

impl<'o> Output<'o> {
    #[inline]
    pub(super) const fn new(bytes: &'o mut Vec<u8>, is_key: bool) -> Self {
        Self {
            bytes,
            free: FREE_ELEMENTS,
            is_key,
        }
    }

    /// Appends a value as bincode does.
    #[inline]
    pub(super) fn put(&mut self, value: impl Encode) -> Result<(), Fault> {
        value
            .encode(&mut EncoderImpl::new(self, CONFIG))
            .map_err(refused)
    }

    /// Appends bytes.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends an integer that is a whole value: its tag, and its bytes without trailing zeros.
    #[inline]
    pub(super) fn integer(&mut self, tag: u8, value: u64) {
        let size = 8 - value.leading_zeros() as usize / 8;
        self.bytes.push(tag);
        let bytes = value.to_le_bytes();
        self.raw(bytes.get(..size).unwrap_or_default());
    }

    /// Appends an integer of 16 bytes like [`integer`](Output::integer).
    pub(super) fn wide_integer(&mut self, tag: u8, value: u128) {
        let size = 16 - value.leading_zeros() as usize / 8;
        self.bytes.push(tag);
        let bytes = value.to_le_bytes();
        self.raw(bytes.get(..size).unwrap_or_default());
    }

    /// Returns the float to write. In a key, 0 and −0 become equal, and all NaNs become equal.
    pub(super) fn f32(&self, value: f32) -> f32 {
        match self.is_key {
            true if value == 0.0 => 0.0,
            true if value.is_nan() => f32::NAN,
            _ => value,
        }
    }

    /// Returns the float to write, like [`f32`](Output::f32).
    pub(super) fn f64(&self, value: f64) -> f64 {
        match self.is_key {
            true if value == 0.0 => 0.0,
            true if value.is_nan() => f64::NAN,
            _ => value,
        }
    }

    /// Reserves the first byte of a compound that is a whole value. Returns its position.
    #[inline]
    pub(super) fn begin(&mut self) -> usize {
        self.bytes.push(tags::COMPOUND);
        self.len() - 1
    }

    /// Writes the first byte, at the position that [`begin`](Output::begin) returned.
    #[inline]
    pub(super) fn end(&mut self, begin: Option<usize>, shape: Shape) {
        if let Some(first) = begin.and_then(|begin| self.bytes.get_mut(begin)) {
            *first = shape.tag();
        }
    }

    /// Inserts a mark before the content of an option, at `start`, if the content begins like an
    /// option.
    pub(super) fn mark_some(&mut self, start: usize) {
        if let Some(&(tags::NONE | tags::SOME)) = self.bytes.get(start) {
            self.bytes.insert(start, tags::SOME);
        }
    }

    /// Returns the length of the output.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Deducts an element of a sequence or map, which began at length `start`, from the budget.
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

/// Returns the depth inside a compound at `depth`.
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
        "value has more than {} nested levels; flatten it, or store its parts as values of their own",
        limits::DEPTH
    ))
}

#[cold]
fn too_many() -> Fault {
    Fault::limit(format!(
        "value has more than {FREE_ELEMENTS} elements without content; store their number instead"
    ))
}

#[cold]
fn refused(_: EncodeError) -> Fault {
    Fault::value("the format cannot express the value")
}
