use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// The device and the number of a file. While the file is open, no other file has the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::log::database) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Returns the identity of the file to which a path refers.
    pub(in crate::log::database) fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self::from(&found))
    }

    /// Returns the identity of an open file.
    pub(in crate::log::database) fn of_open(file: &File) -> io::Result<Self> {
        file.metadata().map(|found| Self::from(&found))
    }

    /// Returns the number of the file on its device.
    pub(in crate::log::database) fn number(self) -> Option<u64> {
        Some(self.inode)
    }
}

impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
        }
    }
}

/// Returns the number of names of a file.
pub(in crate::log::database) fn links(path: &Path) -> io::Result<u64> {
    fs::metadata(path).map(|found| found.nlink())
}
