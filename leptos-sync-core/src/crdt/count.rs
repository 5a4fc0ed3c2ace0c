use super::cell_key;
use crate::{clock::Stamp, codec, path::Path};

/// The value of a counter's cell: what its writer has added and taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    added: u64,
    /// `None` in a counter that only grows.
    taken: Option<u64>,
}

impl Count {
    /// Decodes the value of a counter's cell.
    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        if let Ok(added) = codec::decode(value) {
            return Some(Self { added, taken: None });
        }
        let (added, taken) = codec::decode(value).ok()?;
        let taken = Some(taken);
        Some(Self { added, taken })
    }

    /// Returns whether a cell of unknown type belongs to a counter, judged by its key, which is its
    /// writer's id, and by its value.
    pub(crate) fn is_likely(path: Path<'_>, stamp: Stamp, value: Option<&[u8]>) -> bool {
        let is_own = path
            .split_last()
            .is_some_and(|(_, key)| key == cell_key(stamp.replica));
        is_own && value.and_then(Self::decode).is_some()
    }

    /// Returns the encoded value.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut value = Vec::new();
        // Integers can always be encoded.
        let _ = match self.taken {
            None => codec::encode(&self.added, &mut value),
            Some(taken) => codec::encode(&(self.added, taken), &mut value),
        };
        value
    }

    /// Returns the sum, at most the limit of a counter.
    pub(crate) fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// Returns the difference, at least zero.
    pub(crate) fn minus(self, other: Self) -> Self {
        self.with(other, u64::saturating_sub)
    }

    /// Returns the greater of each part.
    pub(crate) fn max(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    fn with(self, other: Self, work: fn(u64, u64) -> u64) -> Self {
        let taken = match (self.taken, other.taken) {
            (None, None) => None,
            (ours, theirs) => Some(work(ours.unwrap_or_default(), theirs.unwrap_or_default())),
        };
        Self {
            added: work(self.added, other.added),
            taken,
        }
    }
}
