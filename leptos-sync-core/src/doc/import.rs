use std::{collections::BTreeSet, fmt};

use super::Doc;
use crate::{
    crdt::{Changes, Quarantine, Root},
    delta::{Chunk, ChunkName, Snapshot},
    error::Error,
    version::VersionVector,
};

/// How far the import of one [`Export`](super::Export) has come.
///
/// Chunks come in any order, and any of them again. Where it is dropped before the last one came, what was imported stays,
/// and the document does not claim to have seen the rest; importing all of it anew is always right.
///
/// ```
/// use leptos_sync_core::{Clock, Doc, Id, Import, LwwMap, ReplicaId};
///
/// let mut ada = Doc::<LwwMap<Id, String>>::new(Clock::system(ReplicaId::new(1)));
/// ada.transact(|tx| tx.insert(Id::new(), "Milk".to_owned()))?;
/// let export = ada.export()?;
///
/// let mut bob = Doc::<LwwMap<Id, String>>::new(Clock::system(ReplicaId::new(2)));
/// let mut import = Import::new();
/// for index in 0..export.chunks() {
///     // Between two chunks a page lets its event loop run, and shows how far it is.
///     if let Some(chunk) = export.chunk(index) {
///         bob.import(&mut import, &chunk)?;
///     }
/// }
/// assert!(import.is_complete());
/// assert_eq!(ada.version(), bob.version());
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Default)]
pub struct Import {
    of: Option<Whole>,
    taken: BTreeSet<u32>,
    bytes: usize,
    /// The greatest times of the cells that were joined.
    joined: VersionVector,
    /// The paths of what was joined, where the export has forgotten tombstones that the document has not.
    paths: Option<Quarantine>,
}

/// What all chunks of an export have in common.
#[derive(PartialEq, Eq)]
struct Whole {
    export: u64,
    count: u32,
    version: VersionVector,
    horizon: VersionVector,
}

impl Whole {
    fn of(chunk: &Chunk) -> Self {
        Self {
            export: chunk.name.export,
            count: chunk.name.count,
            version: chunk.part.version().clone(),
            horizon: chunk.part.horizon().clone(),
        }
    }
}

impl Import {
    /// Nothing yet. The first chunk says of which export it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many chunks the export has; `None` before the first came.
    pub fn chunks(&self) -> Option<u32> {
        self.of.as_ref().map(|of| of.count)
    }

    /// How many different chunks were imported.
    pub fn taken(&self) -> u32 {
        // No more than there are numbers.
        self.taken.len() as u32
    }

    /// Bytes of the cells that were imported, before compression, as [`Export::bytes`](super::Export::bytes) counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The numbers of the chunks that are missing, in order; none before the first chunk came.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        let all = 0..self.chunks().unwrap_or_default();
        all.filter(|index| !self.taken.contains(index))
    }

    /// Whether all chunks were imported: the document claims the export's version.
    pub fn is_complete(&self) -> bool {
        self.chunks() == Some(self.taken())
    }

    /// Refuses a chunk of another export.
    fn check(&self, chunk: &Chunk) -> Result<(), Error> {
        if self.of.as_ref().is_none_or(|of| *of == Whole::of(chunk)) {
            return Ok(());
        }
        Err(foreign(chunk.name))
    }

    /// Takes note of a chunk that was joined.
    fn note(&mut self, chunk: &Chunk) {
        self.of.get_or_insert_with(|| Whole::of(chunk));
        self.taken.insert(chunk.name.index);
        self.bytes += chunk.part.bytes();
        self.joined.join(chunk.part.body().upto());
    }
}

impl<S: Root> Doc<S> {
    /// Joins a chunk of an [`Export`](super::Export), as [`merge`](Doc::merge) would; one that was imported before changes
    /// nothing. `import` belongs to this one document. Returns what changed.
    ///
    /// O(cells of the chunk); and, where the export has forgotten tombstones that this document has not, a path of memory
    /// for each cell, and O(cells of the document) with the last chunk. Between chunks the document may be edited and
    /// joined with others. With the last chunk it claims to have seen what the export contains.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] for a chunk that is damaged or of another export than those before, and
    /// [`Error::is_unsupported`] as everywhere; the message says which chunk. [`Error::is_drift`],
    /// [`Error::is_replica_reused`] and [`Error::is_limit`], as for [`merge`](Doc::merge); [`Error::is_gap`] where
    /// earlier chunks went into another document. Nothing has changed then.
    pub fn import(&mut self, import: &mut Import, chunk: &[u8]) -> Result<Changes, Error> {
        let chunk = Chunk::decode(chunk)?;
        import.check(&chunk)?;
        if import.taken.contains(&chunk.name.index) {
            return Ok(Changes::new());
        }
        let part = &chunk.part;
        self.check_part(import, part)
            .map_err(|error| error.of(&chunk.name.to_string()))?;
        if import.of.is_none() && !self.horizon.covers(part.horizon()) {
            import.paths = Some(Quarantine::default());
        }
        if let Some(paths) = &mut import.paths {
            paths.note_paths(part.cells());
        }
        let mut changes = self.absorb(part.body());
        import.note(&chunk);
        if import.is_complete() {
            if let Some(paths) = import.paths.take()
                && !self.horizon.covers(part.horizon())
            {
                self.drop_forgotten(&paths, part.version(), &mut changes)?;
            }
            self.claim(part.version(), part.horizon());
        }
        Ok(changes)
    }

    /// Joins a part of a snapshot that holds all the snapshot has of what this document is about, which is a part of a
    /// whole too. The snapshot's version is claimed with its `last` part.
    pub(crate) fn import_range(&mut self, part: &Snapshot, last: bool) -> Result<Changes, Error> {
        self.check_part(&Import::new(), part)?;
        let mut changes = self.absorb(part.body());
        if !self.horizon.covers(part.horizon()) {
            let mut paths = Quarantine::default();
            paths.note_paths(part.cells());
            self.drop_forgotten(&paths, part.version(), &mut changes)?;
        }
        if last {
            self.claim(part.version(), part.horizon());
        }
        Ok(changes)
    }

    /// What [`merge`](Doc::merge) asks of another copy.
    fn check_part(&self, import: &Import, part: &Snapshot) -> Result<(), Error> {
        self.clock.check(part.body().latest())?;
        if !self.present.covers(&import.joined) {
            return Err(Error::gap(
                "the chunks before were imported into another document; import all of them into one",
            ));
        }
        self.check_own(part.version(), part.body().upto())?;
        self.check_replicas(part.version(), part.body().upto())
    }
}

#[cold]
fn foreign(name: ChunkName) -> Error {
    Error::corrupt(format!(
        "{name} is of another export than the chunks before; import each export by itself"
    ))
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("chunks", &self.chunks())
            .field("taken", &self.taken())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
