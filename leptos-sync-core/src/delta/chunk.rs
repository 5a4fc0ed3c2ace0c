use super::Snapshot;
use crate::{
    codec::{
        envelope::{self, Kind},
        varint::{self, Reader},
    },
    error::Error,
};

/// A part of an exported snapshot that says which part it is, of which export.
///
/// ```text
/// Chunk = export u64, count varint, index varint, envelope of the part
/// ```
pub(crate) struct Chunk {
    pub(crate) name: ChunkName,
    pub(crate) part: Snapshot,
}

/// Which part of which export.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkName {
    /// Equal where the parts are: made of their bytes.
    pub(crate) export: u64,
    /// How many chunks there are, at least one.
    pub(crate) count: u32,
    pub(crate) index: u32,
}

impl Chunk {
    /// The envelope of a chunk. O(bytes).
    pub(crate) fn encode(name: ChunkName, part: &Snapshot) -> Vec<u8> {
        let mut head = name.export.to_le_bytes().to_vec();
        varint::put(&mut head, name.count.into());
        varint::put(&mut head, name.index.into());
        let mut out = Vec::new();
        // The part compresses itself.
        envelope::seal_uncompressed(Kind::Chunk, [&head, &part.encode()], &mut out);
        out
    }

    /// Reads and checks a chunk. An error says which it is, as far as it can be told.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).map_err(|error| {
            // Which one a damaged chunk was is only to be shown, so its checksum need not be right.
            let claimed = envelope::unchecked_body(bytes)
                .and_then(|body| ChunkName::read(&mut Reader::new(body)).ok());
            match claimed {
                Some(name) => error.of(&name.to_string()),
                None => error.of("a chunk that does not tell its number"),
            }
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let body = envelope::open(Kind::Chunk, bytes)?;
        let mut input = Reader::new(&body);
        let name = ChunkName::read(&mut input)?;
        let part = Snapshot::decode(input.take(input.remaining())?)?;
        Ok(Self { name, part })
    }
}

impl ChunkName {
    fn read(input: &mut Reader<'_>) -> Result<Self, Error> {
        let export = input.u64_le()?;
        let mut number = || {
            let number = input.varint()?;
            u32::try_from(number).map_err(|_| Error::corrupt("a chunk's number is out of range"))
        };
        let (count, index) = (number()?, number()?);
        if index >= count {
            return Err(Error::corrupt("a chunk's number is out of range"));
        }
        Ok(Self {
            export,
            count,
            index,
        })
    }
}

impl std::fmt::Display for ChunkName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chunk {} of {} (from 0)", self.index, self.count)
    }
}
