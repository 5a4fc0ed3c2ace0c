//! The identities of files, by which a process notices that a name refers to another file.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::path::{Path, PathBuf};

use crate::error::Error;

#[cfg(not(unix))]
pub(super) use self::other::{Identity, links};
#[cfg(unix)]
pub(super) use self::unix::{Identity, links};

/// The names of the files of an open log, with the file of each.
///
/// If the file of an open log is removed or replaced, the process still writes to the old file.
/// Its acknowledged edits would be lost, and another process could lock and open the new file. So
/// the writer checks the names within each transaction, before it commits. A process that opens the
/// log begins with a transaction too. So even if it has locked a new lock file, the first process
/// commits before the second one reads anything, or not at all.
///
/// A check takes a few microseconds, much less than a commit.
pub(super) struct Identities(Vec<(PathBuf, Identity)>);

impl Identities {
    /// Returns the identities of the log at `path` and of its lock file, which must exist.
    pub(super) fn of(path: &Path, lock: (PathBuf, Identity)) -> Result<Self, Error> {
        let file = Identity::of(path)
            .map_err(|error| Error::unavailable(format!("cannot find the file: {error}")))?;
        Ok(Self(vec![(path.to_owned(), file), lock]))
    }

    /// Adds the files that SQLite keeps beside an open log.
    pub(super) fn add_files_of_sqlite(&mut self, path: &Path) {
        for end in ["-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            if let Ok(identity) = Identity::of(name.as_ref()) {
                self.0.push((name.into(), identity));
            }
        }
    }

    /// Checks that each name still stands for the same file.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] with the name that does not.
    pub(super) fn check(&self) -> Result<(), Error> {
        let is_same = |(name, file): &&(PathBuf, Identity)| {
            Identity::of(name).is_ok_and(|identity| identity == *file)
        };
        match self.0.iter().find(|named| !is_same(named)) {
            // Users see this error, and the folder does not concern them.
            Some((name, _)) => Err(Error::unavailable(format!(
                "{} was removed or replaced while the log was open, so another process may use it; \
                 nothing more is written until the relay is started again",
                name.file_name().unwrap_or_default().display()
            ))),
            None => Ok(()),
        }
    }
}
