use std::{borrow::Cow, fmt};

/// The error of all fallible operations in this crate.
///
/// The type is opaque: use the predicates ([`Error::is_damaged`], [`Error::is_unavailable`], …) to
/// handle it, and show its message to a user. An operation that returns an error has changed
/// nothing, with one exception that [`is_unavailable`](Error::is_unavailable) describes.
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
    Limit,
    Unsupported,
    Full,
    Unavailable,
    Invalid,
    Removed,
}

impl Error {
    /// Returns whether the stored data of a document is damaged. The message names the document.
    /// Other documents are not affected. Remove the document, or restore it from a backup.
    pub fn is_damaged(&self) -> bool {
        self.0.kind == Kind::Damaged
    }

    /// Returns whether a name, a document or a message exceeds a limit of [`limits`](crate::limits)
    /// or of the core.
    pub fn is_limit(&self) -> bool {
        self.0.kind == Kind::Limit
    }

    /// Returns whether the database was written by a newer version or by another program.
    pub fn is_unsupported(&self) -> bool {
        self.0.kind == Kind::Unsupported
    }

    /// Returns whether the disk or the database is full. Such an error is also
    /// [unavailable](Error::is_unavailable).
    pub fn is_full(&self) -> bool {
        self.0.kind == Kind::Full
    }

    /// Returns whether the database currently cannot be opened, read or written. Retry the
    /// operation later. After a disk failure, the operation may have taken effect nevertheless;
    /// repeating it is harmless.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable | Kind::Full)
    }

    /// Returns whether a configuration value is invalid, such as a key or an origin.
    pub fn is_invalid(&self) -> bool {
        self.0.kind == Kind::Invalid
    }

    /// Returns whether the document was removed. Nothing can be stored under its name again.
    pub fn is_removed(&self) -> bool {
        self.0.kind == Kind::Removed
    }

    /// Creates the error of a document that was removed, for implementations of
    /// [`DurableLog`](crate::DurableLog).
    #[doc(hidden)]
    pub fn removed(document: &str) -> Self {
        let message = format!(
            "the document {document:?} was removed; copy its content to a document with another name"
        );
        Self::new(Kind::Removed, message.into())
    }

    /// Creates the error of damaged data of `document`, for implementations of
    /// [`DurableLog`](crate::DurableLog).
    pub fn damaged(document: &str, what: impl fmt::Display) -> Self {
        let message = format!(
            "the stored data of the document {document:?} is damaged ({what}); restore it from a \
             backup or remove it"
        );
        Self::new(Kind::Damaged, message.into())
    }

    /// Creates the error of a database that cannot be used at the moment, for implementations of
    /// [`DurableLog`](crate::DurableLog).
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, message.into())
    }

    /// Creates the error of a full disk or database, for implementations of
    /// [`DurableLog`](crate::DurableLog).
    pub fn full(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Full, message.into())
    }

    /// Creates the error of damage that belongs to no document.
    #[cfg(feature = "sqlite")]
    pub(crate) fn damaged_file(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Damaged, message.into())
    }

    /// Adds the path of the file to the message.
    #[cfg(feature = "sqlite")]
    pub(crate) fn of_file(self, path: &std::path::Path) -> Self {
        let message = format!("the log {}: {}", path.display(), self.0.message);
        Self::new(self.0.kind, message.into())
    }

    /// Adds to the message that the error concerns the bindings of replica ids to users.
    #[cfg(feature = "sqlite")]
    pub(crate) fn of_bindings(self) -> Self {
        let message = format!("the users of replica ids: {}", self.0.message);
        Self::new(self.0.kind, message.into())
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unsupported, message.into())
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, message.into())
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
    /// Converts an error of the core to the kind with the same meaning.
    fn from(error: leptos_sync_core::Error) -> Self {
        let kind = if error.is_limit() {
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
