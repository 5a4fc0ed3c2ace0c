//! The seals of the states that a relay reports.
//!
//! A seal is SipHash-2-4 (Aumasson and Bernstein, 2012) with a secret key over the epoch, the head,
//! the latest time and the document's name. It proves to a relay that was restored from a backup
//! that it once had the head. 64 bits suffice, because a forger can test a guess only by sending it
//! to the relay.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    hash::{BuildHasher as _, RandomState},
    io::{self, Write as _},
    path::Path,
};

use leptos_sync_core::{
    ReplicaId, Time,
    history::{Position, RelayState, Witness},
};
use siphasher::sip::SipHasher24;

use crate::error::Error;

/// The secret key with which a relay seals the states that it reports to clients.
///
/// A relay must keep the same key for as long as its clients exist, even after a restart or a
/// restore from a backup. So the key is not in the database. With another key, each client compares
/// all its cells with the relay's. Of what the relay has lost, it then accepts from a client only
/// what the client's own user wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealKey([u8; 16]);

impl SealKey {
    /// Creates a key from random bytes.
    pub const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// Draws a new key.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn random() -> Result<Self, Error> {
        let (one, two) = (ReplicaId::random()?, ReplicaId::random()?);
        let key = u128::from(one.get()) << 64 | u128::from(two.get());
        Ok(Self(key.to_le_bytes()))
    }

    /// Draws a key for the life of this process.
    pub(crate) fn of_process() -> Self {
        Self::random().unwrap_or_else(|_| {
            // The keys of hash tables are random too.
            let half = || RandomState::new().hash_one(0).to_le_bytes();
            let mut key = [0; 16];
            key.iter_mut()
                .zip([half(), half()].as_flattened())
                .for_each(|(to, from)| *to = *from);
            Self(key)
        })
    }

    /// Reads the key from a file: 32 hexadecimal digits. If the file does not exist, draws a key
    /// and creates the file, readable by its owner only.
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if the file contains something else, and [`Error::is_unavailable`] if
    /// it cannot be read or created.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let unavailable = |what: &str, error: &io::Error| {
            let path = path.display();
            Error::unavailable(format!("cannot {what} the file of the key {path}: {error}"))
        };
        match fs::read_to_string(path) {
            Ok(text) => Self::decode(text.trim_ascii_end()).ok_or_else(|| {
                Error::invalid(format!(
                    "the file {} is not a key, which has 32 hexadecimal digits; restore the file, \
                     or remove it to draw another key",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::random()?;
                key.create(path)
                    .map_err(|error| unavailable("create", &error))?;
                Ok(key)
            }
            Err(error) => Err(unavailable("read", &error)),
        }
    }

    /// Creates the file under another name first, so that it is never incomplete.
    fn create(self, path: &Path) -> io::Result<()> {
        let mut new = path.to_path_buf().into_os_string();
        new.push("-new");
        let mut file = private().open(&new)?;
        writeln!(file, "{:032x}", u128::from_be_bytes(self.0))?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        match path.parent() {
            // The new name is durable once the folder is.
            Some(folder) if !folder.as_os_str().is_empty() => sync(folder),
            _ => sync(Path::new(".")),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let key = is_hex.then(|| u128::from_str_radix(text, 16).ok());
        key.flatten().map(|key| Self(key.to_be_bytes()))
    }

    /// Seals the state of a document, in an answer of a log.
    pub fn seal(&self, document: &str, state: &mut RelayState) {
        let witness = &mut state.witness;
        witness.seal = self.code(document, witness.head, witness.latest);
    }

    /// Returns whether a relay with this key has sealed a witness for a document.
    pub fn has_sealed(&self, document: &str, witness: &Witness) -> bool {
        self.code(document, witness.head, witness.latest) == witness.seal
    }

    fn code(&self, document: &str, head: Position, latest: Time) -> [u8; 8] {
        let numbers = [head.epoch.get(), head.sequence.get(), latest.get()];
        let numbers = numbers.map(u64::to_le_bytes);
        let sealed = [numbers.as_flattened(), document.as_bytes()].concat();
        let code = SipHasher24::new_with_key(&self.0).hash(&sealed);
        code.to_le_bytes()
    }
}

impl fmt::Debug for SealKey {
    /// Does not write the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// Returns options that create a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Waits until a folder is on the disk, where the system supports it.
fn sync(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use leptos_sync_core::history::{Epoch, Sequence};

    use super::*;

    const KEY: SealKey = SealKey::new(*b"0123456789abcdef");

    fn state(epoch: u64, sequence: u64, latest: u64) -> RelayState {
        RelayState {
            witness: Witness {
                head: Position {
                    epoch: Epoch::new(epoch),
                    sequence: Sequence::new(sequence),
                },
                latest: Time::new(latest),
                seal: [0; 8],
            },
            epoch_start: Sequence::new(1),
        }
    }

    fn sealed(document: &str, mut state: RelayState) -> Witness {
        KEY.seal(document, &mut state);
        state.witness
    }

    /// Clients keep sealed witnesses for years.
    #[test]
    fn a_seal_never_changes() {
        let witness = sealed("board", state(1, 2, 3));
        assert_eq!(u64::from_le_bytes(witness.seal), 12_754_287_443_735_246_482);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn the_relay_of_a_file_has_the_same_key_after_a_restart_and_a_restore() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.db");
        let key = || {
            let log = crate::SqliteLog::open(&path).unwrap();
            crate::DurableLog::seal_key(&log).unwrap()
        };
        let first = key();
        assert!(key() == first);
        fs::remove_file(&path).unwrap();
        assert!(key() == first);
    }

    #[test]
    fn a_seal_holds_for_exactly_what_was_sealed() {
        let witness = sealed("board", state(1, 2, 3));
        assert!(KEY.has_sealed("board", &witness));
        assert!(!KEY.has_sealed("boards", &witness));
        assert!(!KEY.has_sealed("", &witness));
        assert!(!SealKey::new([0; 16]).has_sealed("board", &witness));
        for other in [
            state(2, 2, 3),
            state(1, 3, 3),
            state(1, 2, 4),
            state(2, 1, 3),
        ] {
            let other = Witness {
                seal: witness.seal,
                ..other.witness
            };
            assert!(!KEY.has_sealed("board", &other), "{other:?}");
        }
        for byte in 0..8 {
            let mut other = witness;
            other.seal[byte] ^= 1;
            assert!(!KEY.has_sealed("board", &other));
        }
    }

    #[test]
    fn a_key_is_drawn_once_and_kept_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("documents.db-key");
        let key = SealKey::of_file(&path).unwrap();
        assert_eq!(SealKey::of_file(&path).unwrap(), key);
        assert_ne!(key, SealKey::of_file(folder.path().join("other")).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap().trim_end().len(), 32);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(format!("{key:?}"), "SealKey");
    }

    #[test]
    fn a_file_that_is_not_a_key_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let sign = "+1234567890123456789012345678901";
        for text in ["", "abc", sign, "0123456789abcdef0123456789abcdeg"] {
            fs::write(&path, text).unwrap();
            let error = SealKey::of_file(&path).unwrap_err();
            assert!(
                error.is_invalid() && error.to_string().contains("32"),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let error = SealKey::of_file(folder.path()).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
    }
}
