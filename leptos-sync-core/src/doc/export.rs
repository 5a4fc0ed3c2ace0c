use std::fmt;

use super::Doc;
use crate::{
    crdt::Root,
    delta::{Chunk, ChunkName, Snapshot},
    error::Error,
    limits,
};

/// A copy of a whole document at one moment, in chunks: for a file, a server, or another document.
///
/// Chunks are independent. They can be created and sent in any order, one at a time, and
/// repeatedly. The export does not contain later edits, and dropping it changes nothing.
///
/// Chunks are numbered from 0. Documents with equal bytes have equal chunks, so a new export of an
/// unchanged document can continue an interrupted one.
pub struct Export {
    id: u64,
    parts: Vec<Snapshot>,
    /// The size of the cells before each part, followed by the size of all cells.
    before: Vec<usize>,
}

impl<S: Root> Doc<S> {
    /// Exports the current document in chunks of about [`limits::CHUNK_BYTES`]. To read them, see
    /// [`import`](Doc::import).
    ///
    /// O(cells) in one uninterrupted step: the cells are encoded part by part and held
    /// uncompressed. That takes about a quarter of the memory of a document of short texts (the
    /// test `export_memory` prints measurements), and in a browser briefly twice that. Creating a
    /// chunk is O(bytes of the chunk).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for data that was accepted before.
    pub fn export(&self) -> Result<Export, Error> {
        self.export_in(limits::CHUNK_BYTES)
    }

    /// Exports the document like [`export`](Doc::export), in chunks of about `bytes`, at most
    /// [`limits::CHUNK_BYTES`]. A chunk has at least one cell.
    ///
    /// # Errors
    ///
    /// Those of [`export`](Doc::export).
    pub fn export_in(&self, bytes: usize) -> Result<Export, Error> {
        let parts = self.snapshot_parts(bytes.min(limits::CHUNK_BYTES))?;
        let (mut id, mut total, mut before) = (0, 0, vec![0]);
        for part in &parts {
            id = part.body().checksum(id);
            total += part.bytes();
            before.push(total);
        }
        Ok(Export { id, parts, before })
    }
}

impl Export {
    /// Returns the number of chunks, at least one.
    pub fn chunks(&self) -> u32 {
        // 4 billion chunks do not fit into memory.
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// Returns the chunk `index` as an envelope, or `None` after the last one. O(bytes of the
    /// chunk).
    ///
    /// Its cells take at most [`limits::CHUNK_BYTES`] before compression, plus one cell.
    pub fn chunk(&self, index: u32) -> Option<Vec<u8>> {
        let part = self.parts.get(index as usize)?;
        let name = ChunkName {
            export: self.id,
            count: self.chunks(),
            index,
        };
        Some(Chunk::encode(name, part))
    }

    /// Returns the size of all cells in bytes, before compression. Together with
    /// [`bytes_before`](Export::bytes_before), it measures progress.
    pub fn bytes(&self) -> usize {
        self.bytes_before(self.chunks())
    }

    /// Returns the size of the cells before chunk `index` in bytes, before compression.
    pub fn bytes_before(&self, index: u32) -> usize {
        let last = self.parts.len();
        let before = self.before.get(last.min(index as usize));
        before.copied().unwrap_or_default()
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("chunks", &self.chunks())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}
