use super::Snapshot;
use crate::{
    codec::{
        envelope::{self, Kind},
        varint::{self, Reader},
    },
    error::Error,
};

/// A part of an exported snapshot, with the export's id and its index.
///
/// ```text
/// Chunk = export u64, count varint, index varint, envelope of the part
/// ```
pub(crate) struct Chunk {
    pub(crate) name: ChunkName,
    pub(crate) part: Snapshot,
}

/// The export and index of a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkName {
    /// A checksum of the parts, so equal exports have equal ids.
    pub(crate) export: u64,
    /// The number of chunks, at least one.
    pub(crate) count: u32,
    pub(crate) index: u32,
}

impl Chunk {
    /// Encodes a chunk in an envelope. O(bytes).
    pub(crate) fn encode(name: ChunkName, part: &Snapshot) -> Vec<u8> {
        let mut head = name.export.to_le_bytes().to_vec();
        varint::put(&mut head, name.count.into());
        varint::put(&mut head, name.index.into());
        let mut out = Vec::new();
        // The part is compressed on its own.
        envelope::seal_uncompressed(Kind::Chunk, [&head, &part.encode()], &mut out);
        out
    }

    /// Decodes and checks a chunk. An error names the chunk if its index can be read.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes).map_err(|error| {
            // The index of a damaged chunk is only shown in the message, so it need not be
            // verified.
            let claimed = envelope::unchecked_body(bytes)
                .and_then(|body| ChunkName::read(&mut Reader::new(body)).ok());
            match claimed {
                Some(name) => error.of(&name.to_string()),
                None => error.of("a chunk with an unreadable index"),
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
            u32::try_from(number)
                .map_err(|_| Error::corrupt("the index of a chunk is out of range"))
        };
        let (count, index) = (number()?, number()?);
        if index >= count {
            return Err(Error::corrupt("the index of a chunk is out of range"));
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
