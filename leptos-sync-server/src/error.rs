use std::{borrow::Cow, fmt};

/// What went wrong, for every fallible operation of this crate.
///
/// The type is opaque: ask what matters with the predicates ([`Error::is_gap`], [`Error::is_damaged`], …) and show the
/// message to a person. An operation that returns an error has changed nothing, with one exception that
/// [`is_unavailable`](Error::is_unavailable) names.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: Kind,
    message: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Damaged,
    Gap,
    Stale,
    Limit,
    Unsupported,
    Full,
    Unavailable,
    Invalid,
}

impl Error {
    /// What is stored of a document is damaged; the message names it. Others are as they were. Remove it, or restore it from a
    /// backup.
    pub fn is_damaged(&self) -> bool {
        self.0.kind == Kind::Damaged
    }

    /// A delta starts after operations that are not here yet: its sender has to send them first.
    pub fn is_gap(&self) -> bool {
        self.0.kind == Kind::Gap
    }

    /// An operation is older than the document's floor, where tombstones may have been forgotten that would win over it: its
    /// author has to make it again, with a new stamp.
    pub fn is_stale(&self) -> bool {
        self.0.kind == Kind::Stale
    }

    /// A name, a document or a message is larger than its bound in [`limits`](crate::limits) or in those of the core.
    pub fn is_limit(&self) -> bool {
        self.0.kind == Kind::Limit
    }

    /// The database was written by a newer build, or by another program.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == Kind::Unsupported
    }

    /// The database has no room left. Also an [unavailable](Error::is_unavailable) error.
    pub fn is_full(&self) -> bool {
        self.0.kind == Kind::Full
    }

    /// The database cannot do its work now: it cannot be opened, read or written. What was asked for is not acknowledged, so
    /// ask again; after a failure of the disk it may have been done all the same, and asking again does no harm.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable | Kind::Full)
    }

    /// What was given to set the relay up cannot be used, such as a key that is none.
    pub fn is_invalid(&self) -> bool {
        self.0.kind == Kind::Invalid
    }

    /// For implementations of [`DurableLog`](crate::DurableLog): what is stored of `document` is damaged.
    pub fn damaged(document: &str, what: impl fmt::Display) -> Self {
        let message = format!(
            "what is stored of the document {document:?} is damaged ({what}); restore it from a backup or remove it"
        );
        Self::new(Kind::Damaged, message.into())
    }

    /// For implementations of [`DurableLog`](crate::DurableLog): the database cannot do its work.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, message.into())
    }

    /// For implementations of [`DurableLog`](crate::DurableLog): there is no room left.
    pub fn full(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Full, message.into())
    }

    /// Damage that belongs to no document.
    #[cfg(feature = "sqlite")]
    pub(crate) fn damaged_file(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Damaged, message.into())
    }

    /// The same error, said of the file at `path`.
    #[cfg(feature = "sqlite")]
    pub(crate) fn of_file(self, path: &std::path::Path) -> Self {
        let message = format!("the log {}: {}", path.display(), self.0.message);
        Self::new(self.0.kind, message.into())
    }

    /// The same error, said of the replica ids that are bound to users.
    #[cfg(feature = "sqlite")]
    pub(crate) fn of_bindings(self) -> Self {
        let message = format!("to whom replica ids are bound: {}", self.0.message);
        Self::new(self.0.kind, message.into())
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unsupported, message.into())
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, message.into())
    }

    pub(crate) fn gap(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Gap, message.into())
    }

    pub(crate) fn stale(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Stale, message.into())
    }

    pub(crate) fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Limit, message.into())
    }

    #[cold]
    fn new(kind: Kind, message: Cow<'static, str>) -> Self {
        Self(Box::new(Repr { kind, message }))
    }
}

impl From<leptos_sync_core::Error> for Error {
    /// The core's error by its meaning here.
    fn from(error: leptos_sync_core::Error) -> Self {
        let kind = if error.is_gap() {
            Kind::Gap
        } else if error.is_limit() {
            Kind::Limit
        } else if error.is_unsupported() {
            Kind::Unsupported
        } else if error.is_corrupt() {
            Kind::Damaged
        } else {
            Kind::Unavailable
        };
        Self::new(kind, error.to_string().into())
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
