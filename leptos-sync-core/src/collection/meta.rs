use crate::{
    codec::varint::{self, Reader},
    delta::Snapshot,
    error::Error,
    version::VersionVector,
};

/// What a collection knows of its history, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meta {
    /// Which operations are contained.
    pub(super) version: VersionVector,
    /// Up to where tombstones were forgotten.
    pub(super) horizon: VersionVector,
    /// The greatest time of each replica's cells: more than the version where an import is not done.
    pub(super) present: VersionVector,
    /// The import that is under way, or was the last one.
    pub(super) import: Option<Importing>,
}

/// How far an import has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Importing {
    /// Which export it is of.
    pub(super) export: u64,
    /// How many chunks were joined: the number of the next.
    pub(super) chunks: u32,
    /// Whether those were all.
    pub(super) done: bool,
    /// The greatest key of a record in them.
    pub(super) last: Vec<u8>,
}

/// A step of an import: how far one was before, and how far it then is.
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

    /// Two envelopes of snapshots without cells, each behind its length, and the import, if there is one.
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
