use std::{borrow::Cow, fmt};

/// The error of all fallible operations in this crate.
///
/// The type is opaque. Use the predicates ([`Error::is_gap`], [`Error::is_quota`], …) to handle an
/// error, and its message to inform a user. An operation that returns an error has changed nothing.
///
/// It is one pointer wide, so that results stay small on hot paths.
pub struct Error(Box<Repr>);

struct Repr {
    kind: Kind,
    message: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Corrupt,
    Unsupported,
    Limit,
    Drift,
    Clock,
    Gap,
    SnapshotNeeded,
    ReplicaReused,
    Value,
    Conflict,
    Storage,
    Quota,
    Unavailable,
    Nested,
    Absent,
}

impl Error {
    /// Returns whether bytes are damaged or foreign: wrong magic, checksum, length, order or
    /// structure.
    pub fn is_corrupt(&self) -> bool {
        self.0.kind == Kind::Corrupt
    }

    /// Returns whether bytes are intact, but this build cannot read them: they have a newer format,
    /// or are compressed while the feature `deflate` is disabled.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == Kind::Unsupported
    }

    /// Returns whether a value, path, transaction or message exceeds one of the
    /// [`limits`](crate::limits).
    pub fn is_limit(&self) -> bool {
        self.0.kind == Kind::Limit
    }

    /// Returns whether a stamp is further in the future than
    /// [`limits::DRIFT_MS`](crate::limits::DRIFT_MS) allows.
    pub fn is_drift(&self) -> bool {
        self.0.kind == Kind::Drift
    }

    /// Returns whether this replica's clock cannot be used: its time source does not count
    /// milliseconds since the Unix epoch, or its clock has no time left.
    pub fn is_clock(&self) -> bool {
        self.0.kind == Kind::Clock
    }

    /// Returns whether a delta follows operations that are missing locally. Request those
    /// operations first.
    pub fn is_gap(&self) -> bool {
        self.0.kind == Kind::Gap
    }

    /// Returns whether tombstones beyond the requested version were forgotten, so that only a
    /// snapshot can bring a copy at that version up to date.
    pub fn is_snapshot_needed(&self) -> bool {
        self.0.kind == Kind::SnapshotNeeded
    }

    /// Returns whether another writer used this replica's id. Switch to a new id.
    pub fn is_replica_reused(&self) -> bool {
        self.0.kind == Kind::ReplicaReused
    }

    /// Returns whether a value cannot be encoded, or bytes do not decode as the expected type.
    pub fn is_value(&self) -> bool {
        self.0.kind == Kind::Value
    }

    /// Returns whether another record has the same key in a unique index, or concurrent writes
    /// prevented this one repeatedly.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == Kind::Conflict
    }

    /// Returns whether the storage failed; the message says how.
    pub fn is_storage(&self) -> bool {
        matches!(self.0.kind, Kind::Storage | Kind::Quota)
    }

    /// Returns whether the storage is full. Such an error is also a [storage](Error::is_storage)
    /// error.
    pub fn is_quota(&self) -> bool {
        self.0.kind == Kind::Quota
    }

    /// Returns whether the platform lacks or denies a facility: storage in private mode,
    /// randomness, a lock.
    pub fn is_unavailable(&self) -> bool {
        self.0.kind == Kind::Unavailable
    }

    /// Returns whether code inside an edit read or edited the same document other than through the
    /// edit's transaction.
    pub fn is_nested(&self) -> bool {
        self.0.kind == Kind::Nested
    }

    /// Returns whether an edit was for a record that does not exist, for example because it was
    /// removed elsewhere.
    pub fn is_absent(&self) -> bool {
        self.0.kind == Kind::Absent
    }

    /// Creates the error of a failed operation, for implementations of
    /// [`Storage`](crate::storage::Storage).
    pub fn storage(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Storage, message.into())
    }

    /// Creates the error of a full storage, for implementations of
    /// [`Storage`](crate::storage::Storage).
    pub fn quota(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Quota, message.into())
    }

    /// Creates the error of a missing or denied facility, for platform bindings.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, message.into())
    }

    /// Creates the error of an edit that accesses its own document other than through its
    /// transaction, for bindings to a user interface.
    pub fn nested(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Nested, message.into())
    }

    /// Creates the error of a value that cannot be encoded or decoded, or that the app rejects.
    pub fn value(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Value, message.into())
    }

    pub(crate) fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Corrupt, message.into())
    }

    pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unsupported, message.into())
    }

    pub(crate) fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Limit, message.into())
    }

    /// Creates the error of an item that exceeds its size limit. `advice` says what to do.
    #[cold]
    #[doc(hidden)]
    #[inline(never)]
    pub fn too_large(what: &str, bytes: u64, limit: usize, advice: &str) -> Self {
        Self::limit(format!(
            "{what} is {bytes} bytes, the limit is {limit}; {advice}"
        ))
    }

    pub(crate) fn drift(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Drift, message.into())
    }

    pub(crate) fn clock(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Clock, message.into())
    }

    pub(crate) fn gap(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Gap, message.into())
    }

    pub(crate) fn snapshot_needed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::SnapshotNeeded, message.into())
    }

    pub(crate) fn replica_reused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::ReplicaReused, message.into())
    }

    pub(crate) fn absent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Absent, message.into())
    }

    pub(crate) fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, message.into())
    }

    /// Prefixes the message with `what`, the item that the error concerns.
    #[cold]
    pub(crate) fn of(self, what: &str) -> Self {
        let message = format!("{what}: {}", self.0.message);
        Self::new(self.0.kind, message.into())
    }

    #[cold]
    fn new(kind: Kind, message: Cow<'static, str>) -> Self {
        Self(Box::new(Repr { kind, message }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}
