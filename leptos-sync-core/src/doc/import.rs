use std::{collections::BTreeSet, fmt};

use super::Doc;
use crate::{
    crdt::{Changes, Quarantine, Root},
    delta::{Chunk, ChunkName, Snapshot},
    error::Error,
    version::VersionVector,
};

/// The progress of importing one [`Export`](super::Export).
///
/// Chunks may arrive in any order and repeatedly. If the import is dropped before the last chunk,
/// the imported cells stay, and the document's version does not include the rest. Importing
/// everything again is always correct.
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
///     // Between chunks, a page can yield to its event loop and show its progress.
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
    imported: BTreeSet<u32>,
    bytes: usize,
    /// The greatest time of each replica's joined cells.
    joined: VersionVector,
    /// The paths of the joined cells, if the export has forgotten tombstones that the document
    /// still has.
    paths: Option<Quarantine>,
}

/// The properties that all chunks of an export share.
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
    /// Creates an import without chunks. The first chunk determines the export.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of chunks of the export, or `None` before the first chunk.
    pub fn chunks(&self) -> Option<u32> {
        self.of.as_ref().map(|of| of.count)
    }

    /// Returns the number of different chunks imported.
    pub fn imported(&self) -> u32 {
        // There are at most as many as 32-bit indices.
        self.imported.len() as u32
    }

    /// Returns the size of the imported cells in bytes, before compression, as
    /// [`Export::bytes`](super::Export::bytes) counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Iterates over the indices of missing chunks, in order. Empty before the first chunk.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        let all = 0..self.chunks().unwrap_or_default();
        all.filter(|index| !self.imported.contains(index))
    }

    /// Returns whether all chunks are imported, so that the document's version includes the
    /// export's version.
    pub fn is_complete(&self) -> bool {
        self.chunks() == Some(self.imported())
    }

    /// Rejects a chunk of another export.
    fn check(&self, chunk: &Chunk) -> Result<(), Error> {
        if self.of.as_ref().is_none_or(|of| *of == Whole::of(chunk)) {
            return Ok(());
        }
        Err(foreign(chunk.name))
    }

    /// Records a joined chunk.
    fn note(&mut self, chunk: &Chunk) {
        self.of.get_or_insert_with(|| Whole::of(chunk));
        self.imported.insert(chunk.name.index);
        self.bytes += chunk.part.bytes();
        self.joined.join(chunk.part.body().upto());
    }
}

impl<S: Root> Doc<S> {
    /// Joins a chunk of an [`Export`](super::Export), like [`merge`](Doc::merge). Returns what
    /// changed.
    ///
    /// A chunk that was imported before changes nothing. `import` must be used with this document
    /// only. The document may be edited and merged between chunks. The last chunk adds the export's
    /// version to the document's version.
    ///
    /// O(cells of the chunk). If the export has forgotten tombstones that this document still has,
    /// it also takes memory for the path of each cell, and O(cells of the document) with the last
    /// chunk.
    ///
    /// # Errors
    ///
    /// - [`Error::is_corrupt`] if a chunk is damaged or belongs to another export, and
    ///   [`Error::is_unsupported`]. The message names the chunk.
    /// - [`Error::is_drift`], [`Error::is_replica_reused`] and [`Error::is_limit`] as for
    ///   [`merge`](Doc::merge).
    /// - [`Error::is_gap`] if earlier chunks were imported into another document.
    ///
    /// An error changes nothing.
    pub fn import(&mut self, import: &mut Import, chunk: &[u8]) -> Result<Changes, Error> {
        let chunk = Chunk::decode(chunk)?;
        import.check(&chunk)?;
        if import.imported.contains(&chunk.name.index) {
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
        let mut changes = self.absorb_body(part.body());
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

    /// Joins a part of a snapshot to a document of one range of records. The part contains all
    /// cells of the snapshot in that range. The `last` part adds the snapshot's version.
    pub(crate) fn import_range(&mut self, part: &Snapshot, last: bool) -> Result<Changes, Error> {
        self.check_part(&Import::new(), part)?;
        let mut changes = self.absorb_body(part.body());
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

    /// Checks a part as [`merge`](Doc::merge) does.
    fn check_part(&self, import: &Import, part: &Snapshot) -> Result<(), Error> {
        self.clock.check(part.body().latest())?;
        if !self.present.covers(&import.joined) {
            return Err(Error::gap(
                "earlier chunks were imported into another document; import all chunks into one document",
            ));
        }
        self.check_own(part.version(), part.body().upto())?;
        self.check_replicas(part.version(), part.body().upto())
    }
}

#[cold]
fn foreign(name: ChunkName) -> Error {
    Error::corrupt(format!(
        "{name} belongs to another export than the earlier chunks; use one import per export"
    ))
}

impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("chunks", &self.chunks())
            .field("imported", &self.imported())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
