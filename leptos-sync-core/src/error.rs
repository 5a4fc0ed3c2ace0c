use std::{borrow::Cow, fmt};

/// What went wrong, for every fallible operation of this crate.
///
/// The type is opaque: ask what matters with the predicates ([`Error::is_gap`], [`Error::is_quota`], …) and show the
/// message to a person. An operation that returns an error has changed nothing.
///
/// One pointer wide, so that results stay small on hot paths.
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
}

impl Error {
    /// Bytes are damaged or were never ours: wrong magic, checksum, length, order or structure.
    pub fn is_corrupt(&self) -> bool {
        self.0.kind == Kind::Corrupt
    }

    /// Bytes are intact, but this build cannot read them: they are in a newer format, or compressed where the feature
    /// `deflate` is off.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == Kind::Unsupported
    }

    /// A value, path, transaction or message is larger than its bound in [`limits`](crate::limits).
    pub fn is_limit(&self) -> bool {
        self.0.kind == Kind::Limit
    }

    /// A stamp lies further in the future than [`limits::DRIFT_MS`](crate::limits::DRIFT_MS) allows.
    pub fn is_drift(&self) -> bool {
        self.0.kind == Kind::Drift
    }

    /// This replica's time source returns no milliseconds since the Unix epoch, or its clock has no time left.
    pub fn is_clock(&self) -> bool {
        self.0.kind == Kind::Clock
    }

    /// A delta starts after operations that are not here yet; ask for what lies between.
    pub fn is_gap(&self) -> bool {
        self.0.kind == Kind::Gap
    }

    /// The asked-for version is older than the forgotten tombstones: only a snapshot can bring it up to date.
    pub fn is_snapshot_needed(&self) -> bool {
        self.0.kind == Kind::SnapshotNeeded
    }

    /// Somebody else wrote under this replica's id; take a new id.
    pub fn is_replica_reused(&self) -> bool {
        self.0.kind == Kind::ReplicaReused
    }

    /// A value cannot be encoded, or bytes do not decode as the expected type.
    pub fn is_value(&self) -> bool {
        self.0.kind == Kind::Value
    }

    /// Another record has this key in a unique index, or others wrote so often that this write never got its turn.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == Kind::Conflict
    }

    /// The storage failed: its message says how.
    pub fn is_storage(&self) -> bool {
        matches!(self.0.kind, Kind::Storage | Kind::Quota)
    }

    /// The storage is full. Also a [storage](Error::is_storage) error.
    pub fn is_quota(&self) -> bool {
        self.0.kind == Kind::Quota
    }

    /// Something the platform should offer is missing or refused: storage in private mode, randomness, a lock.
    pub fn is_unavailable(&self) -> bool {
        self.0.kind == Kind::Unavailable
    }

    /// For implementations of [`Storage`](crate::Storage): an operation failed.
    pub fn storage(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Storage, message.into())
    }

    /// For implementations of [`Storage`](crate::Storage): there is no room left.
    pub fn quota(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Quota, message.into())
    }

    /// For platform bindings: a facility is missing or was refused.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, message.into())
    }

    /// A value that cannot be encoded or decoded, or that the app refuses.
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

    /// Something has more bytes than it may have; `advice` says what to do about it.
    #[cold]
    #[inline(never)]
    pub(crate) fn too_large(what: &str, bytes: u64, limit: usize, advice: &str) -> Self {
        Self::limit(format!(
            "a {what} of {bytes} bytes is larger than the {limit} allowed; {advice}"
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

    pub(crate) fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, message.into())
    }

    /// The same error, said of something: `what` stands before its message.
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
