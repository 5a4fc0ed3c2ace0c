use std::{
    fs::{self, File, OpenOptions},
    io::{Error as IoError, ErrorKind},
    path::{Path, PathBuf},
};

use fs4::TryLockError;

use super::{
    identity::{Identities, Identity, links},
    stale,
};
use crate::error::Error;

/// The lock of the process that has a log open. The lock ends when this is dropped, or with the
/// process.
///
/// The lock is on a separate file, named like the log with `-lock` at its end. SQLite locks parts
/// of the log itself, and backups and other readers need those locks. The lock file is never
/// removed, because two processes could then lock two files of the same name.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Creates the log's file if it does not exist, and locks it. Returns the path without symbolic
    /// links and the identities of both files. Because links are resolved, a log that is opened by
    /// another path has the same lock.
    ///
    /// Only their owner can read new files. SQLite gives its other files the same permissions.
    pub(super) fn acquire(path: &Path) -> Result<(Self, PathBuf, Identities), Error> {
        check_name(path)?;
        match private().create_new(true).open(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unavailable("cannot create the file", &error)),
        }
        let path =
            fs::canonicalize(path).map_err(|error| unavailable("cannot find the file", &error))?;
        let mut name = path.clone().into_os_string();
        name.push("-lock");
        let (mut file, lock) = lock(name.into())?;
        let identities = Identities::of(&path, lock)?;
        check_links(&path)?;
        stale::check(&mut file, &path, &wal_of(&path))?;
        let lock = Self {
            file,
            path: path.clone(),
        };
        Ok((lock, path, identities))
    }

    /// Records the files that SQLite has opened.
    pub(super) fn record_files(&mut self) -> Result<(), Error> {
        stale::record(&mut self.file, &self.path, &wal_of(&self.path))
            .map_err(|error| unavailable("cannot write the lock file", &error))
    }
}

/// Returns the name of SQLite's write-ahead log.
fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Opens and locks the file with a name, and checks that it has the name afterwards.
fn lock(name: PathBuf) -> Result<(File, (PathBuf, Identity)), Error> {
    for _ in 0..ATTEMPTS {
        let file = private()
            .create(true)
            .open(&name)
            .map_err(|error| unavailable("cannot create the lock file", &error))?;
        // Name the trait, because the method of std with the same name needs a newer compiler.
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::unavailable(
                    "another relay has it open; stop that one first, or choose another file",
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(unavailable("cannot lock the file", &error));
            }
        }
        let locked = Identity::of_open(&file)
            .map_err(|error| unavailable("cannot read the lock file", &error))?;
        if Identity::of(&name).is_ok_and(|found| found == locked) {
            return Ok((file, (name, locked)));
        }
    }
    Err(Error::unavailable(format!(
        "another program keeps replacing {}; stop that program",
        name.display()
    )))
}

/// The number of attempts to lock a file that is removed or replaced meanwhile.
const ATTEMPTS: usize = 8;

/// Rejects names that mean something else to SQLite than to the file system.
fn check_name(path: &Path) -> Result<(), Error> {
    let is_special = path
        .to_str()
        .is_some_and(|name| name == ":memory:" || name.starts_with("file:"));
    match is_special {
        true => Err(Error::invalid(
            "it is not the name of a file, and a log is always in a file; name one, such as \
             documents.db",
        )),
        false => Ok(()),
    }
}

/// Rejects a file with several names. A relay that opens it by another name would use another lock
/// file, and SQLite would use another write-ahead log.
fn check_links(path: &Path) -> Result<(), Error> {
    match links(path).map_err(|error| unavailable("cannot find the file", &error))? {
        0 | 1 => Ok(()),
        links => Err(Error::unavailable(format!(
            "the file has {links} names (hard links), and a relay that opens it by another name \
             would damage it; remove the other names, or use a copy of the file"
        ))),
    }
}

/// Returns options that open a file for reading and writing. If they create it, only its owner may
/// read it.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn unavailable(what: &str, error: &IoError) -> Error {
    Error::unavailable(format!("{what}: {error}"))
}
