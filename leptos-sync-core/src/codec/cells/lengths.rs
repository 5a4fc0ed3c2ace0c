use crate::{
    codec::varint::{self, Reader},
    error::Error,
};

/// All lengths of the column are equal; the length follows.
const CONSTANT: u8 = 0;
/// The lengths of the column follow, one by one.
const EACH: u8 = 1;

/// A writer of length columns. It writes one number if all lengths are equal, and one number per
/// cell otherwise.
#[derive(Default)]
pub(super) struct LengthWriter {
    first: u64,
    count: usize,
    each: Vec<u8>,
    differ: bool,
}

impl LengthWriter {
    #[inline]
    pub(super) fn push(&mut self, length: u64) {
        if self.count == 0 {
            self.first = length;
        } else if !self.differ && length != self.first {
            self.differ = true;
            for _ in 0..self.count {
                varint::put(&mut self.each, self.first);
            }
        }
        if self.differ {
            varint::put(&mut self.each, length);
        }
        self.count += 1;
    }

    /// Appends the column and starts a new one.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.differ {
            out.push(EACH);
            out.extend_from_slice(&self.each);
        } else {
            out.push(CONSTANT);
            varint::put(out, self.first);
        }
        self.each.clear();
        self.count = 0;
        self.differ = false;
    }
}

/// A reader of a length column that [`LengthReader::read`] has validated.
#[derive(Clone)]
pub(super) enum LengthReader<'a> {
    Constant(u64),
    Each(Reader<'a>),
}

impl<'a> LengthReader<'a> {
    /// Reads a column of `count` lengths, and returns it with the number of bytes that the lengths
    /// span in total.
    ///
    /// `span` maps a stored length to the number of bytes that it represents.
    pub(super) fn read(
        input: &mut Reader<'a>,
        count: usize,
        mut span: impl FnMut(u64) -> Result<usize, Error>,
    ) -> Result<(Self, usize), Error> {
        match input.u8()? {
            CONSTANT => {
                let length = input.varint()?;
                let total = span(length)?
                    .checked_mul(count)
                    .ok_or_else(|| Error::corrupt("a column of lengths overflows"))?;
                Ok((Self::Constant(length), total))
            }
            EACH => {
                let start = input.clone();
                let mut total = 0_usize;
                for _ in 0..count {
                    total = total.saturating_add(span(input.varint()?)?);
                }
                Ok((Self::Each(start), total))
            }
            _ => Err(Error::corrupt("a column of lengths has an unknown form")),
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u64> {
        match self {
            Self::Constant(length) => Some(*length),
            Self::Each(input) => input.varint().ok(),
        }
    }
}
