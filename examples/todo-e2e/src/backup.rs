//! Copies of folders, as a backup program makes them.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A copy of a browser's profile or of a relay's database.
pub struct Backup {
    folder: TempDir,
}

impl Backup {
    /// Copies a folder.
    #[track_caller]
    pub(crate) fn of(folder: &Path) -> Self {
        let copy = tempfile::Builder::new().prefix("todo-e2e-").tempdir();
        let copy = copy.unwrap_or_else(|error| panic!("no folder for a backup: {error}"));
        copy_all(folder, copy.path())
            .unwrap_or_else(|error| panic!("cannot copy {}: {error}", folder.display()));
        Self { folder: copy }
    }

    /// Replaces the content of a folder by the copy.
    #[track_caller]
    pub(crate) fn restore_to(&self, folder: &Path) {
        let restored = fs::remove_dir_all(folder)
            .and_then(|()| fs::create_dir(folder))
            .and_then(|()| copy_all(self.folder.path(), folder));
        restored.unwrap_or_else(|error| panic!("cannot restore {}: {error}", folder.display()));
    }
}

/// Copies the files and folders in `from`. Skips links and sockets, with which a browser marks that
/// it is running.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_all(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
