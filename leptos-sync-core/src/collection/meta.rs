use crate::{
    codec::varint::{self, Reader},
    delta::Snapshot,
    error::Error,
    version::VersionVector,
};

/// The stored metadata of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meta {
    /// The operations that the collection contains.
    pub(super) version: VersionVector,
    /// The operations up to which tombstones were forgotten.
    pub(super) horizon: VersionVector,
    /// The greatest time of each replica's cells. It exceeds the version during an import.
    pub(super) present: VersionVector,
    /// The current or latest import.
    pub(super) import: Option<Importing>,
}

/// The progress of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Importing {
    /// The id of the export.
    pub(super) export: u64,
    /// The number of joined chunks, which is the index of the next one.
    pub(super) chunks: u32,
    /// Whether the import is complete.
    pub(super) done: bool,
    /// The greatest record key in the joined chunks.
    pub(super) last: Vec<u8>,
}

/// A step of an import: the progress before and after it.
#[derive(Clone, Debug)]
pub(super) struct Advance {
    pub(super) from: Option<Importing>,
    pub(super) to: Importing,
}

impl Meta {
    pub(super) fn decode(bytes: Option<&[u8]>) -> Result<Self, Error> {
        let Some(bytes) = bytes else {
            return Ok(Self::default());
        };
        let mut input = Reader::new(bytes);
        let length = input.len()?;
        let contained = Snapshot::decode(input.take(length)?)?;
        let length = input.len()?;
        let present = Snapshot::decode(input.take(length)?)?;
        let import = match input.is_empty() {
            true => None,
            false => Some(Importing {
                export: input.u64_le()?,
                chunks: u32::try_from(input.varint()?).unwrap_or(u32::MAX),
                done: input.u8()? != 0,
                last: input.take(input.remaining())?.to_vec(),
            }),
        };
        Ok(Self {
            version: contained.version().clone(),
            horizon: contained.horizon().clone(),
            present: present.version().clone(),
            import,
        })
    }

    /// Encodes the metadata as two envelopes of empty snapshots, each after its length, followed by
    /// the import if there is one.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let nothing = VersionVector::new();
        for (version, horizon) in [(&self.version, &self.horizon), (&self.present, &nothing)] {
            let envelope = Snapshot::write(version.clone(), horizon.clone(), |_| {})?.encode();
            varint::put(&mut bytes, envelope.len() as u64);
            bytes.extend_from_slice(&envelope);
        }
        if let Some(import) = &self.import {
            bytes.extend_from_slice(&import.export.to_le_bytes());
            varint::put(&mut bytes, import.chunks.into());
            bytes.push(import.done.into());
            bytes.extend_from_slice(&import.last);
        }
        Ok(bytes)
    }
}
