use std::{fmt, ops::Bound};

use super::{
    Collection, Meta,
    meta::{Advance, Importing},
    open::META,
};
use crate::{
    codec::varint::{self, Reader},
    crdt::{Quarantine, Records, Root, keys_of},
    delta::{Chunk, ChunkName, Snapshot},
    error::Error,
    id::ReplicaId,
    limits,
    path::PathBuf,
    storage::{
        Storage,
        index::{Cursor, Origin, Query, RecordKey},
    },
    version::VersionVector,
};

/// The progress of exporting a [`Collection`]. It can be stored as bytes and continued at any later
/// time.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectionExport {
    id: u64,
    /// The version of the collection at the start. It is the version of the export, although the
    /// export may contain later operations.
    version: VersionVector,
    horizon: VersionVector,
    chunks: u32,
    records: u64,
    bytes: u64,
    /// The key of the last exported record.
    after: Option<Vec<u8>>,
    done: bool,
}

/// The progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectionImport {
    /// The number of imported chunks, which is the index of the next one.
    pub chunks: u32,
    /// Whether the import is complete, so that the collection's version includes the export's
    /// version.
    pub done: bool,
}

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Starts an export. Call [`export_chunk`](Collection::export_chunk) to continue it. Costs one
    /// read.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the platform has no randomness, or an error of the storage.
    pub async fn export(&self) -> Result<CollectionExport, Error> {
        let meta = self.records.extra(META).await?;
        let meta = Meta::decode(meta.as_deref())?;
        Ok(CollectionExport {
            id: ReplicaId::random()?.get(),
            version: meta.version,
            horizon: meta.horizon,
            chunks: 0,
            records: 0,
            bytes: 0,
            after: None,
            done: false,
        })
    }

    /// Returns the next chunk of an export, or `None` after the last one.
    ///
    /// A chunk is an envelope with records of about [`limits::CHUNK_BYTES`]. Only its records are
    /// held in memory, however large the collection is. Edits may continue during the export. After
    /// an error, or if the future is dropped, `export` is unchanged and the next call returns the
    /// same chunk.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if a record is damaged, or an error of the storage.
    pub async fn export_chunk(
        &self,
        export: &mut CollectionExport,
    ) -> Result<Option<Vec<u8>>, Error> {
        if export.done {
            return Ok(None);
        }
        let mut query = Query::all().limit(export.records_at_once());
        if let Some(record) = export.after.clone() {
            let key = Vec::new();
            query = query.after(Cursor { key, record });
        }
        let found = self.records.find(query, |_| true).await?;
        if let Some(damage) = found.damage.into_iter().next() {
            return Err(damage.error);
        }
        let mut next = export.clone();
        let (mut state, mut quarantine) = (Records::default(), Quarantine::default());
        let (mut bytes, mut left) = (0, found.records.len());
        for (key, kept) in found.records {
            if bytes >= limits::CHUNK_BYTES {
                break;
            }
            bytes += kept.bytes();
            left -= 1;
            kept.join_into(&key, &mut state, &mut quarantine);
            next.records += 1;
            next.after = Some(key);
        }
        next.done = left == 0 && found.next.is_none();
        next.bytes += bytes as u64;
        next.chunks += 1;
        let nothing = VersionVector::new();
        let (version, horizon) = (export.version.clone(), export.horizon.clone());
        let part = Snapshot::write(version, horizon, |out| {
            crate::crdt::Crdt::write_cells(&state, &mut PathBuf::new(), &nothing, out);
            quarantine.write_cells(&nothing, out);
        })?;
        let name = ChunkName {
            export: export.id,
            // The number of chunks is known only with the last one.
            count: if next.done { next.chunks } else { u32::MAX },
            index: export.chunks,
        };
        *export = next;
        Ok(Some(Chunk::encode(name, &part)))
    }

    /// Joins the next chunk of an export of this collection or of a copy of it.
    ///
    /// A chunk that was imported before changes nothing. The progress is stored with the records,
    /// so an interrupted import continues where it stopped. The last chunk adds the export's
    /// version to the collection's version. Reads and edits may continue during the import, and see
    /// everything imported so far.
    ///
    /// Reads the chunk's records and commits once. If the export has forgotten tombstones, reads
    /// all records in the chunk's range.
    ///
    /// # Errors
    ///
    /// - [`Error::is_corrupt`] if the chunk is damaged, or a later chunk of another export.
    /// - [`Error::is_gap`] if an earlier chunk is missing.
    /// - [`Error::is_drift`], [`Error::is_replica_reused`] and [`Error::is_limit`] as for
    ///   [`Doc::merge`](crate::Doc::merge).
    /// - An error of the storage.
    ///
    /// An error changes nothing.
    pub async fn import_chunk(&self, chunk: &[u8]) -> Result<CollectionImport, Error> {
        let Chunk { name, part } = Chunk::decode(chunk)?;
        let mut attempts = limits::WRITE_ATTEMPTS;
        loop {
            attempts -= 1;
            match self.import_part(name, &part).await {
                // Another tab is importing the same export. The next attempt sees its progress.
                Err(error) if error.is_conflict() && attempts > 0 => {}
                done => return done,
            }
        }
    }

    /// Attempts to join a chunk. Fails with a conflict if another tab has imported at the same
    /// time.
    async fn import_part(
        &self,
        name: ChunkName,
        part: &Snapshot,
    ) -> Result<CollectionImport, Error> {
        let meta = self.records.extra(META).await?;
        let meta = Meta::decode(meta.as_deref())?;
        let before = match &meta.import {
            Some(import) if import.export == name.export => Some(import.clone()),
            _ => None,
        };
        let next = before.as_ref().map_or(0, |import| import.chunks);
        let last = name.index.saturating_add(1) == name.count;
        if name.index < next {
            return Ok(CollectionImport {
                chunks: next,
                done: before.is_some_and(|import| import.done),
            });
        }
        if name.index > next {
            return Err(Error::gap(format!(
                "chunk {} cannot be imported before chunk {next}; import the chunks in order",
                name.index
            )));
        }
        let keys = keys_of(part.cells());
        let after = before.map(|import| import.last);
        if !meta.horizon.covers(part.horizon()) {
            let end = keys.last().filter(|_| !last);
            self.drop_between(after.as_deref(), end, &keys, part)
                .await?;
        }
        let import = Importing {
            export: name.export,
            chunks: next + 1,
            done: last,
            last: keys.last().cloned().or(after).unwrap_or_default(),
        };
        let done = CollectionImport {
            chunks: import.chunks,
            done: last,
        };
        let import = Advance {
            from: meta.import,
            to: import,
        };
        self.write_importing(keys, import, |doc, _| {
            doc.import_range(part, last).map(drop)
        })
        .await?;
        Ok(done)
    }

    /// Removes cells that the export's version covers and the export lacks, from the records
    /// between two keys.
    async fn drop_between(
        &self,
        after: Option<&[u8]>,
        end: Option<&Vec<u8>>,
        theirs: &[Vec<u8>],
        part: &Snapshot,
    ) -> Result<(), Error> {
        let empty = Snapshot::write(part.version().clone(), part.horizon().clone(), |_| {})?;
        let owned = |key: &[u8]| Bound::Excluded(key.to_vec());
        let start = after.map_or(Bound::Unbounded, owned);
        let end = end.map_or(Bound::Unbounded, |key| owned(key));
        let mut query = Query::between(start, end).limit(limits::READ_RECORDS);
        loop {
            let found = self.records.find(query.clone(), |_| true).await?;
            let keys = found.records.into_iter().map(|(key, _)| key);
            let keys = keys
                .filter(|key| theirs.binary_search(key).is_err())
                .collect();
            self.write(keys, Origin::Elsewhere, |doc, _| {
                doc.import_range(&empty, false).map(drop)
            })
            .await?;
            match found.next {
                Some(next) => query = query.after(next),
                None => return Ok(()),
            }
        }
    }
}

impl CollectionExport {
    /// Returns the number of exported chunks.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Returns the number of exported records, including removed ones whose tombstones are not
    /// forgotten.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Returns the size of the exported cells in bytes, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns whether the last chunk was exported.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Estimates the number of records in a chunk from the average size so far.
    fn records_at_once(&self) -> usize {
        let Some(average) = self.bytes.checked_div(self.records) else {
            return 16;
        };
        let average = usize::try_from(average).unwrap_or(usize::MAX).max(1);
        (limits::CHUNK_BYTES / average).clamp(1, limits::READ_RECORDS)
    }

    /// Encodes the progress, so that the export can continue later.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if more replicas have written than a message may name.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = self.id.to_le_bytes().to_vec();
        let numbers = [
            self.chunks.into(),
            self.records,
            self.bytes,
            self.done.into(),
        ];
        numbers
            .iter()
            .for_each(|number| varint::put(&mut bytes, *number));
        let versions =
            Snapshot::write(self.version.clone(), self.horizon.clone(), |_| {})?.encode();
        varint::put(&mut bytes, versions.len() as u64);
        bytes.extend_from_slice(&versions);
        if let Some(after) = &self.after {
            bytes.push(1);
            bytes.extend_from_slice(after);
        }
        Ok(bytes)
    }

    /// Decodes the progress from `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] or [`Error::is_unsupported`] if the bytes are not the progress of an
    /// export.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let id = input.u64_le()?;
        let chunks = u32::try_from(input.varint()?);
        let chunks = chunks.map_err(|_| Error::corrupt("an export has too many chunks"))?;
        let (records, bytes, done) = (input.varint()?, input.varint()?, input.varint()? != 0);
        let length = input.len()?;
        let versions = Snapshot::decode(input.take(length)?)?;
        let after = match input.is_empty() {
            true => None,
            false => {
                input.u8()?;
                Some(input.take(input.remaining())?.to_vec())
            }
        };
        Ok(Self {
            id,
            version: versions.version().clone(),
            horizon: versions.horizon().clone(),
            chunks,
            records,
            bytes,
            after,
            done,
        })
    }
}

impl fmt::Debug for CollectionExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectionExport")
            .field("chunks", &self.chunks)
            .field("records", &self.records)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
