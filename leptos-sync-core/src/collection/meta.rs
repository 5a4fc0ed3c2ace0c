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
}

impl Meta {
    pub(super) fn decode(bytes: Option<&[u8]>) -> Result<Self, Error> {
        let Some(bytes) = bytes else {
            return Ok(Self::default());
        };
        let mut input = Reader::new(bytes);
        let length = input.len()?;
        let contained = Snapshot::decode(input.take(length)?)?;
        let present = Snapshot::decode(input.take(input.remaining())?)?;
        Ok(Self {
            version: contained.version().clone(),
            horizon: contained.horizon().clone(),
            present: present.version().clone(),
        })
    }

    /// Two envelopes of snapshots without cells, the first behind its length.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let without_cells = |version: &VersionVector, horizon: &VersionVector| {
            Snapshot::write(version.clone(), horizon.clone(), |_| {})
        };
        let contained = without_cells(&self.version, &self.horizon)?.encode();
        let mut bytes = Vec::new();
        varint::put(&mut bytes, contained.len() as u64);
        bytes.extend_from_slice(&contained);
        without_cells(&self.present, &VersionVector::new())?.encode_into(&mut bytes);
        Ok(bytes)
    }
}
