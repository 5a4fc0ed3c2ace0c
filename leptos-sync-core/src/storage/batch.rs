/// A list of writes that are applied in order, all or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<Write>,
    strict: bool,
}

/// One write of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores a value at a key and replaces the previous value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key, if it exists.
    Delete(Vec<u8>),
}

/// A condition for [`Storage::commit_if`](super::Storage::commit_if): the value that a key must
/// have.
///
/// It is meant for short values, such as a count of commits. Keep the value below
/// [`limits::COMPRESS_FROM_BYTES`](crate::limits::COMPRESS_FROM_BYTES), so that it has only one
/// stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The key to compare.
    pub key: Vec<u8>,
    /// The expected value; `None` if the key must not exist.
    pub value: Option<Vec<u8>>,
}

impl Batch {
    /// Returns an empty batch with the storage's default durability.
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

    /// Requests that the commit succeeds only once the data is on disk, if the storage offers this
    /// choice.
    pub fn strict(&mut self) -> &mut Self {
        self.strict = true;
        self
    }

    /// Returns whether [`strict`](Batch::strict) durability is requested.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns whether the batch has no writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Returns the writes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Converts the batch into its writes, in order.
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}
