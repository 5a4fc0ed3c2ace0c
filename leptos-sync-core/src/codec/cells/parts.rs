use super::{CellWriter, writer::Written};
use crate::{clock::Time, error::Error};

/// Parts of a message that is too large to be held twice.
#[derive(Default)]
pub(super) struct Parts {
    /// Bytes of a part; `None` where all is one.
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

    /// Whether a part of so many bytes is to be ended.
    #[inline]
    pub(super) fn is_due(&self, written: impl FnOnce() -> usize) -> bool {
        self.bytes.is_some_and(|bytes| written() >= bytes)
    }

    /// Room for so many bytes, no more than a part takes.
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
    /// As [`new`](CellWriter::new), of parts of about so many bytes each.
    pub(crate) fn in_parts(base: Time, bytes: usize) -> Self {
        let mut writer = Self::new(base);
        writer.parts = Parts::of(bytes);
        writer
    }

    /// What was written, in parts: those that were cut off, and the rest, if there is any or nothing else.
    pub(crate) fn finish_parts(&mut self) -> Result<Vec<Written>, Error> {
        let mut parts = self.parts.take();
        let rest = self.finish()?;
        if parts.is_empty() || rest.2.cells > 0 {
            parts.push(rest);
        }
        Ok(parts)
    }
}
