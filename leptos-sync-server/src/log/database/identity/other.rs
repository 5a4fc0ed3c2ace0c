use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// The identity of a file that exists. Elsewhere than on Unix, a file that is open cannot be
/// removed or replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::log::database) struct Identity;

impl Identity {
    /// Returns the identity of the file at `path`.
    pub(in crate::log::database) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|_| Self)
    }

    /// Returns the identity of an open file.
    pub(in crate::log::database) fn of_open(_: &File) -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns `None`, because this system does not report the number.
    pub(in crate::log::database) fn number(self) -> Option<u64> {
        None
    }
}

/// Returns one name for every file, because this system does not report the number.
pub(in crate::log::database) fn links(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|_| 1)
}
