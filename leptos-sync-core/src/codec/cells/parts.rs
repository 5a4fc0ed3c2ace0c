use super::{CellWriter, writer::Written};
use crate::{clock::Time, error::Error};

/// The finished parts of a message that is too large to hold twice.
#[derive(Default)]
pub(super) struct Parts {
    /// The size of a part in bytes; `None` if the message has one part.
    bytes: Option<usize>,
    done: Vec<Written>,
}

impl Parts {
    pub(super) const fn of(bytes: usize) -> Self {
        Self {
            bytes: Some(bytes),
            done: Vec::new(),
        }
    }

    /// Returns whether a part of this size is complete.
    #[inline]
    pub(super) fn is_due(&self, written: impl FnOnce() -> usize) -> bool {
        self.bytes.is_some_and(|bytes| written() >= bytes)
    }

    /// Limits a capacity to the size of a part.
    pub(super) fn at_most(&self, bytes: usize) -> usize {
        self.bytes.map_or(bytes, |part| bytes.min(part))
    }

    pub(super) fn keep(&mut self, part: Written) {
        self.done.push(part);
    }

    pub(super) fn take(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.done)
    }
}

impl CellWriter {
    /// Creates a writer like [`new`](CellWriter::new), with parts of about `bytes` each.
    pub(crate) fn in_parts(base: Time, bytes: usize) -> Self {
        let mut writer = Self::new(base);
        writer.parts = Parts::of(bytes);
        writer
    }

    /// Returns all parts. The last one is omitted if it is empty and there are others.
    pub(crate) fn finish_parts(&mut self) -> Result<Vec<Written>, Error> {
        let mut parts = self.parts.take();
        let rest = self.finish()?;
        if parts.is_empty() || rest.2.cells > 0 {
            parts.push(rest);
        }
        Ok(parts)
    }
}
