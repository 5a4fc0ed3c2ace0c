//! Deflate in little code, for browsers, where every byte of code is downloaded.
//!
//! Reading knows all of the format; a symbol costs one look-up, for each Huffman code becomes a table that the next 15
//! bits index. Writing looks for matches at the last few places with the same four bytes, and uses the format's fixed
//! codes: what repeats becomes short, what does not stays as it is.

mod reader;
mod writer;

pub(crate) use reader::inflate;
pub(crate) use writer::deflate;

/// The symbol that ends a block.
const END: u16 = 256;
/// The longest match.
const LONGEST: usize = 258;

/// The least length that a symbol stands for, and how many bits more follow.
fn length_of(symbol: u32) -> Option<(u32, u32)> {
    match symbol {
        0..4 => Some((symbol + 3, 0)),
        4..28 => {
            let extra = symbol / 4 - 1;
            Some((((4 + symbol % 4) << extra) + 3, extra))
        }
        28 => Some((LONGEST as u32, 0)),
        _ => None,
    }
}

/// The least distance that a symbol stands for, and how many bits more follow.
fn distance_of(symbol: u32) -> Option<(u32, u32)> {
    match symbol {
        0..2 => Some((symbol + 1, 0)),
        2..30 => {
            let extra = symbol / 2 - 1;
            Some((((2 + symbol % 2) << extra) + 1, extra))
        }
        _ => None,
    }
}
