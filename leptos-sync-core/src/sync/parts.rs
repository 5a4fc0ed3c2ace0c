use std::mem;

use crate::{delta::Delta, error::Error, limits};

/// The parts of one delta that have come so far.
#[derive(Default)]
pub(super) struct Parts {
    deltas: Vec<Delta>,
    bytes: usize,
}

impl Parts {
    /// Bytes of the parts that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a part, where `others` bytes of other deltas wait.
    pub(super) fn add(&mut self, part: Delta, others: usize) -> Result<(), Error> {
        if others + self.bytes + part.bytes() > limits::PARTS_BYTES {
            return Err(Error::limit("the parts of a delta are too large together"));
        }
        self.check(&part)?;
        self.bytes += part.bytes();
        self.deltas.push(part);
        Ok(())
    }

    /// The delta, of which this is the last part.
    pub(super) fn end(&mut self, last: Delta) -> Result<Delta, Error> {
        if self.deltas.is_empty() {
            return Ok(last);
        }
        self.check(&last)?;
        let Self { mut deltas, .. } = mem::take(self);
        deltas.push(last);
        Delta::of_parts(&deltas)
    }

    fn check(&self, part: &Delta) -> Result<(), Error> {
        match self.deltas.first() {
            Some(first) if first.after() != part.after() || first.upto() != part.upto() => {
                Err(Error::corrupt("parts of different deltas"))
            }
            _ => Ok(()),
        }
    }
}
