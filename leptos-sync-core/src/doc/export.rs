use std::fmt;

use super::Doc;
use crate::{
    crdt::Root,
    delta::{Chunk, ChunkName, Snapshot},
    error::Error,
    limits,
};

/// A whole document as it was at one moment, to be given away in chunks: to a file, to a server, to another document.
///
/// Each chunk stands for itself, so they may be made and sent in any order, one at a time, with other work in between, and
/// again. Dropping it at any time changes nothing. Further edits of the document are not in it.
///
/// Chunks are numbered from 0. Documents with equal bytes give equal chunks: an export of an unchanged document goes on
/// where an earlier one was broken off.
pub struct Export {
    id: u64,
    parts: Vec<Snapshot>,
    /// Bytes of the cells before each part, and of all.
    before: Vec<usize>,
}

impl<S: Root> Doc<S> {
    /// The document as it is now, to give away in chunks of about [`limits::CHUNK_BYTES`] each; the counterpart is
    /// [`import`](Doc::import).
    ///
    /// O(cells), in one go, which is the one step that does not give way to others: the cells are encoded here, part by
    /// part, and are kept so, without compression, in about a quarter of what a document of short texts takes (the test
    /// `export_memory` prints the figures). In a browser they are held twice for that moment. Making a chunk then costs its
    /// bytes.
    ///
    /// # Errors
    ///
    /// None that what was accepted once could cause again.
    pub fn export(&self) -> Result<Export, Error> {
        self.export_in(limits::CHUNK_BYTES)
    }

    /// As [`export`](Doc::export), in chunks of about `bytes` each: of at most [`limits::CHUNK_BYTES`], whatever is asked
    /// for, and of at least one cell.
    ///
    /// # Errors
    ///
    /// As for [`export`](Doc::export).
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
    /// How many chunks there are, at least one.
    pub fn chunks(&self) -> u32 {
        // 4 billion chunks do not fit into any memory.
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// Chunk number `index`, as an envelope; `None` behind the last. O(its bytes).
    ///
    /// Before compression its cells are at most [`limits::CHUNK_BYTES`] and one cell.
    pub fn chunk(&self, index: u32) -> Option<Vec<u8>> {
        let part = self.parts.get(index as usize)?;
        let name = ChunkName {
            export: self.id,
            count: self.chunks(),
            index,
        };
        Some(Chunk::encode(name, part))
    }

    /// Bytes of the cells of all chunks, before compression: with [`bytes_before`](Export::bytes_before), how far one is.
    pub fn bytes(&self) -> usize {
        self.bytes_before(self.chunks())
    }

    /// Bytes of the cells of the chunks before `index`, before compression.
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
