//! The identities of files, to notice that a name stands for another file than before.

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
/// A process writes on to a file that was removed or replaced. Then what it acknowledges is lost,
/// and another process can lock and open what now has the name. So the writer checks the names
/// within each transaction, before it commits. A process that opens the log begins with a
/// transaction too. So if it has locked another lock file, this one commits before it reads
/// anything, or not at all.
///
/// A check takes a few microseconds, and a commit waits for the disk much longer.
pub(super) struct Identities(Vec<(PathBuf, Identity)>);

impl Identities {
    /// Returns those of the log at `path` and of its lock file, which must exist.
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
