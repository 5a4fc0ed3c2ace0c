/// Writes that are applied together or not at all.
///
/// They take effect in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<Write>,
    strict: bool,
}

/// One write of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores a value at a key, in place of what was there.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key, if it is there.
    Delete(Vec<u8>),
}

/// What [`Storage::commit_if`](super::Storage::commit_if) asks for before it writes.
///
/// Meant for short values, such as a count of commits: below
/// [`limits::COMPRESS_FROM_BYTES`](crate::limits::COMPRESS_FROM_BYTES), so that a value is stored in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Where to look.
    pub key: Vec<u8>,
    /// The value that is to be there; `None` for no value.
    pub value: Option<Vec<u8>>,
}

impl Batch {
    /// A batch without writes, with the store's usual durability.
    pub const fn new() -> Self {
        Self {
            writes: Vec::new(),
            strict: false,
        }
    }

    /// Adds a write of `value` at `key`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.writes.push(Write::Put(key.into(), value.into()));
        self
    }

    /// Adds a removal of `key`.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.writes.push(Write::Delete(key.into()));
        self
    }

    /// Asks that success be reported only after the data reached the disk itself, where the store has that choice.
    pub fn strict(&mut self) -> &mut Self {
        self.strict = true;
        self
    }

    /// Whether [`strict`](Batch::strict) was asked for.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The writes, in order, to take apart.
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}
