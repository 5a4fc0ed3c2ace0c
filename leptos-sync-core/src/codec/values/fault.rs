use std::fmt;

use crate::error::Error;

/// An [`Error`] with the traits that serde requires, so that the public type does not need them.
pub(super) struct Fault(Error);

impl Fault {
    /// Creates the error of a value that cannot be encoded, or of bytes that do not decode.
    #[cold]
    pub(super) fn value(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self(Error::value(message))
    }

    /// Creates the error of a value beyond a limit of the format.
    #[cold]
    pub(super) fn limit(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self(Error::limit(message))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::value(message.to_string())
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::value(message.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Fault {}
