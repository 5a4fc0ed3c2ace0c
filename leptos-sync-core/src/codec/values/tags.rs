//! The first byte of a value that is not a string.
//!
//! No string begins with one of these bytes, since no UTF-8 does: that is why a string needs none.
//!
//! ```text
//! 80 … bc   a compound, by its shape
//! bd … bf   free
//! c0 c1     free
//! f5        free
//! f6 … ff   everything else, below
//! ```

/// A compound: this, and its shape.
pub(super) const COMPOUND: u8 = 0x80;
/// The greatest first byte of a compound.
pub(super) const LAST_COMPOUND: u8 = 0xbc;
/// Bytes follow, as they are.
pub(super) const BYTES: u8 = 0xf6;
/// `f32`, or an `f64` that an `f32` holds exactly.
pub(super) const F32: u8 = 0xf7;
/// Any other `f64`.
pub(super) const F64: u8 = 0xf8;
/// An option within an option: `Some` around what begins with [`NONE`] or with this.
pub(super) const SOME: u8 = 0xf9;
/// `None`.
pub(super) const NONE: u8 = 0xfa;
/// `()`, or a unit struct.
pub(super) const UNIT: u8 = 0xfb;
/// `false`.
pub(super) const FALSE: u8 = 0xfc;
/// `true`.
pub(super) const TRUE: u8 = 0xfd;
/// An integer `n` ≥ 0: the bytes of `n`, little endian, without zeros at the end.
pub(super) const NATURAL: u8 = 0xfe;
/// An integer `n` < 0: the bytes of −1 − `n`, likewise.
pub(super) const NEGATIVE: u8 = 0xff;

/// Names what a value is that begins with this byte, for messages.
pub(super) fn name(first: Option<u8>) -> &'static str {
    match first {
        Some(COMPOUND..=LAST_COMPOUND) => "a compound",
        Some(BYTES) => "bytes",
        Some(F32 | F64) => "a float",
        Some(SOME | NONE) => "an option",
        Some(UNIT) => "a unit",
        Some(FALSE | TRUE) => "a boolean",
        Some(NATURAL | NEGATIVE) => "an integer",
        Some(0xbd..=0xc1 | 0xf5) => "an unknown kind",
        _ => "a string",
    }
}
