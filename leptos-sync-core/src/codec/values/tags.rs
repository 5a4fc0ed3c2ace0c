//! The first byte of every value except a string.
//!
//! UTF-8 never begins with one of these bytes. Therefore a string needs none.
//!
//! ```text
//! 80 … bc   a compound: 80 and its shape
//! bd … c1   unused
//! f5        unused
//! f6 … ff   the other values, see below
//! ```

/// The first byte of a compound of shape 0.
pub(super) const COMPOUND: u8 = 0x80;
/// The greatest first byte of a compound.
pub(super) const LAST_COMPOUND: u8 = 0xbc;
/// Bytes. They follow unchanged.
pub(super) const BYTES: u8 = 0xf6;
/// An `f32`, or an `f64` that an `f32` can represent.
pub(super) const F32: u8 = 0xf7;
/// Any other `f64`.
pub(super) const F64: u8 = 0xf8;
/// `Some` of a value that begins with [`NONE`] or [`SOME`]. Any other `Some` is its content.
pub(super) const SOME: u8 = 0xf9;
/// `None`.
pub(super) const NONE: u8 = 0xfa;
/// `()`, or a unit struct.
pub(super) const UNIT: u8 = 0xfb;
/// `false`.
pub(super) const FALSE: u8 = 0xfc;
/// `true`.
pub(super) const TRUE: u8 = 0xfd;
/// An integer `n` ≥ 0. Its little-endian bytes follow, without trailing zeros.
pub(super) const NATURAL: u8 = 0xfe;
/// An integer `n` < 0. The bytes of −1 − `n` follow, without trailing zeros.
pub(super) const NEGATIVE: u8 = 0xff;

/// Returns the name of the values that begin with this byte, for error messages.
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
