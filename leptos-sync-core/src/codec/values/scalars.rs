//! The encoding of scalars that have several forms.

use super::{fault::Fault, serializer::Serializer, shape::Shape, tags};

impl Serializer<'_, '_> {
    /// Encodes a scalar whose value is its tag.
    #[inline]
    pub(super) fn tag(self, tag: u8) {
        self.output.raw(&[tag]);
    }

    #[inline]
    pub(super) fn unsigned(self, value: u64) -> Result<Shape, Fault> {
        match self.is_whole {
            true => self.output.integer(tags::NATURAL, value),
            false => self.output.put(value)?,
        }
        Ok(Shape::UNSIGNED)
    }

    #[inline]
    pub(super) fn signed(self, value: i64) -> Result<Shape, Fault> {
        match self.is_whole {
            true if value < 0 => self
                .output
                .integer(tags::NEGATIVE, (!value).cast_unsigned()),
            true => self.output.integer(tags::NATURAL, value.cast_unsigned()),
            false => self.output.put(value)?,
        }
        Ok(Shape::SIGNED)
    }
}

/// Returns the `f32` that represents this float exactly. Returns `None` for NaN, since platforms
/// convert its bits differently.
pub(super) fn short(value: f64) -> Option<f32> {
    let short = value as f32;
    (f64::from(short).to_bits() == value.to_bits() && !value.is_nan()).then_some(short)
}
