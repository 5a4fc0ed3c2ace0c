use std::{
    fs::{self, File, OpenOptions},
    io::{Error as IoError, ErrorKind},
    path::{Path, PathBuf},
};

use fs4::TryLockError;

use crate::error::Error;

/// The lock of the process that has a log open. The lock ends when this is dropped, or with the
/// process.
///
/// The lock is on a separate file, named like the log with `-lock` at its end. SQLite locks parts
/// of the log itself, and backups and other readers need those locks. The lock file is never
/// removed, because two processes could then lock two files of the same name.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Creates the log's file if it does not exist, and locks it. Returns the path without links,
    /// so that a log that is opened by another path has the same lock.
    ///
    /// Only their owner can read new files. SQLite gives its other files the same permissions.
    pub(super) fn acquire(path: &Path) -> Result<(Self, PathBuf), Error> {
        match private().create_new(true).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unavailable("cannot create the file", &error)),
        }
        let path =
            fs::canonicalize(path).map_err(|error| unavailable("cannot find the file", &error))?;
        let mut name = path.clone().into_os_string();
        name.push("-lock");
        let file = private()
            .create(true)
            .open(&name)
            .map_err(|error| unavailable("cannot create the lock file", &error))?;
        // Name the trait, because the method of std with the same name needs a newer compiler.
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok((Self { _file: file }, path)),
            Err(TryLockError::WouldBlock) => Err(Error::unavailable(
                "another relay has it open; stop that one first, or choose another file",
            )),
            Err(TryLockError::Error(error)) => Err(unavailable("cannot lock the file", &error)),
        }
    }
}

/// Returns options that open a file for writing. If they create it, only its owner may read it.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn unavailable(what: &str, error: &IoError) -> Error {
    Error::unavailable(format!("{what}: {error}"))
}
