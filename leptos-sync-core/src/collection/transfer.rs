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
    storage::{Cursor, Origin, Query, RecordKey, Storage},
    version::VersionVector,
};

/// How far the export of a [`Collection`] has come. It may be kept, as bytes, and gone on with on another day.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectionExport {
    id: u64,
    /// What the collection contained when it began: all that the export claims, though it has what was written since.
    version: VersionVector,
    horizon: VersionVector,
    chunks: u32,
    records: u64,
    bytes: u64,
    /// The last record that was given.
    after: Option<Vec<u8>>,
    done: bool,
}

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectionImport {
    /// How many chunks were imported: the number of the next.
    pub chunks: u32,
    /// Whether that was all, and the export's version is claimed.
    pub done: bool,
}

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Begins to export the collection as it is, to go on with by [`export_chunk`](Collection::export_chunk). One read.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] where the platform has no randomness, or the store's.
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

    /// The next chunk of an export: an envelope with some records, about [`limits::CHUNK_BYTES`] of their cells; `None`
    /// behind the last. Reads those records and holds no others, however large the collection is.
    ///
    /// The collection may be written meanwhile. Where this fails or is dropped, `export` is as before, and the same chunk is
    /// asked for once more.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] where a record is damaged, or the store's.
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
            // How many there will be is known with the last.
            count: if next.done { next.chunks } else { u32::MAX },
            index: export.chunks,
        };
        *export = next;
        Ok(Some(Chunk::encode(name, &part)))
    }

    /// Joins the next chunk of an export of this collection or a copy of it; one that was imported before changes nothing.
    /// How far it is is kept in the storage with the records, so it goes on where it was broken off.
    ///
    /// With the last chunk the collection claims to have seen what the export does. It may be read and written meanwhile,
    /// and shows what came by then. Reads the chunk's records, and commits once; where the export has forgotten tombstones,
    /// it reads all records that lie between them.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] for a chunk that is damaged, or of another export and not its first; [`Error::is_gap`] where a
    /// chunk before it is missing; [`Error::is_drift`], [`Error::is_replica_reused`] and [`Error::is_limit`] as for
    /// [`Doc::merge`](crate::Doc::merge); or the store's. Nothing has changed then.
    pub async fn import_chunk(&self, chunk: &[u8]) -> Result<CollectionImport, Error> {
        let Chunk { name, part } = Chunk::decode(chunk)?;
        let mut attempts = limits::WRITE_ATTEMPTS;
        loop {
            attempts -= 1;
            match self.import_part(name, &part).await {
                // Another tab imports too: what it has done is seen now.
                Err(error) if error.is_conflict() && attempts > 0 => {}
                done => return done,
            }
        }
    }

    /// One attempt, which is a conflict where another tab has imported meanwhile.
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
                "chunk {} of an export came, and chunk {next} is not there yet: import them in their order",
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

    /// Lets go of what an export has seen and no longer has, in the records between two keys that it has nothing of.
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
    /// How many chunks were given.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// How many records they have, those included that were removed and not forgotten.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Bytes of their cells, before compression.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the last chunk was given.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// How many records to read for a chunk, by the size of those before.
    fn records_at_once(&self) -> usize {
        let Some(average) = self.bytes.checked_div(self.records) else {
            return 16;
        };
        let average = usize::try_from(average).unwrap_or(usize::MAX).max(1);
        (limits::CHUNK_BYTES / average).clamp(1, limits::READ_RECORDS)
    }

    /// The export as bytes, to be gone on with later.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] where more replicas have written than a message may name.
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

    /// The export that `bytes` spell.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] or [`Error::is_unsupported`] where they do not.
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
