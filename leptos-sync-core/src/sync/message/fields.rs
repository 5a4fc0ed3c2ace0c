use crate::{
    clock::Time,
    codec::varint::{self, Reader},
    delta::{Delta, Snapshot},
    error::Error,
    id::ReplicaId,
    limits,
    version::VersionVector,
};

/// Writes the fields of a message.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// Whether envelopes may be compressed.
    pub(super) deflate: bool,
}

impl Writer<'_> {
    pub(super) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(super) fn number(&mut self, number: u64) {
        varint::put(self.out, number);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    pub(super) fn version(&mut self, version: &VersionVector) {
        self.number(version.len() as u64);
        for (replica, time) in version.iter() {
            self.out.extend_from_slice(&replica.get().to_le_bytes());
            self.number(time.get());
        }
    }

    pub(super) fn delta(&mut self, delta: &Delta) {
        let envelope = match self.deflate {
            true => delta.encode(),
            false => delta.encode_uncompressed(),
        };
        self.bytes(&envelope);
    }

    pub(super) fn snapshot(&mut self, snapshot: &Snapshot) {
        let envelope = match self.deflate {
            true => snapshot.encode(),
            false => snapshot.encode_uncompressed(),
        };
        self.bytes(&envelope);
    }
}

/// Reads the fields of a message, each checked against its bound.
pub(super) struct Fields<'a>(Reader<'a>);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        self.0.u8()
    }

    pub(super) fn number(&mut self) -> Result<u64, Error> {
        self.0.varint()
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Error> {
        T::try_from(self.number()?)
            .map_err(|_| Error::corrupt("a number in a message is out of range"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, Error> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::corrupt("a flag in a message is neither 0 nor 1")),
        }
    }

    pub(super) fn bytes(&mut self, limit: usize) -> Result<&'a [u8], Error> {
        let length = self.0.len()?;
        if length > limit {
            return Err(Error::limit("a field of a message is larger than allowed"));
        }
        self.0.take(length)
    }

    pub(super) fn text(&mut self, limit: usize) -> Result<String, Error> {
        let text = str::from_utf8(self.bytes(limit)?);
        text.map(str::to_owned)
            .map_err(|_| Error::corrupt("a text in a message is not UTF-8"))
    }

    pub(super) fn version(&mut self) -> Result<VersionVector, Error> {
        let count = self.small::<usize>()?;
        // An entry is nine bytes at least.
        if count > limits::REPLICAS || count > self.0.remaining() / 9 {
            return Err(Error::corrupt(
                "a version claims more replicas than it has bytes for, or than are allowed",
            ));
        }
        let mut version = VersionVector::new();
        let mut last = None;
        for _ in 0..count {
            let replica = ReplicaId::new(self.0.u64_le()?);
            let time = Time::new(self.number()?);
            if last.is_some_and(|last| last >= replica) || time == Time::ZERO {
                return Err(Error::corrupt(
                    "a version names its replicas out of order, or a time of zero",
                ));
            }
            last = Some(replica);
            version.include(replica, time);
        }
        Ok(version)
    }

    pub(super) fn delta(&mut self) -> Result<Delta, Error> {
        Delta::decode(self.bytes(limits::MESSAGE_BYTES)?)
    }

    pub(super) fn snapshot(&mut self) -> Result<Snapshot, Error> {
        Snapshot::decode(self.bytes(limits::MESSAGE_BYTES)?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message, if nothing follows it.
    pub(super) fn end<T>(self, message: T) -> Result<T, Error> {
        if self.is_empty() {
            Ok(message)
        } else {
            Err(Error::corrupt("a message goes on behind its end"))
        }
    }
}
