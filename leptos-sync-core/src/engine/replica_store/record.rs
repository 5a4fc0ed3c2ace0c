//! The content of records. Numbers are variable-length integers, or 8 bytes little endian where
//! they are random.

use crate::{
    clock::Time,
    codec::varint::{self, Reader},
    delta::Patch,
    error::Error,
    history::{Cursor, Entry, EntryHash, EntryId, Epoch, Epochs, Position, Sequence, Witness},
    limits,
    replica::{Pending, Progress},
};

/// The version of all records.
const VERSION: u8 = 2;

/// What a tab must know of the stored records before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The generation of the base.
    pub(super) generation: u64,
    /// The changes to the outbox other than by new entries.
    pub(super) outbox: u64,
    /// The stored position.
    pub(super) position: Position,
    /// The number of parts of the base.
    pub(super) chunks: u64,
    /// A random number of the last time that the replica was discarded, or 0.
    pub(super) discarded: u64,
}

impl Marker {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut record = vec![VERSION];
        put_u64(&mut record, self.generation);
        put_u64(&mut record, self.outbox);
        put_position(&mut record, self.position);
        varint::put(&mut record, self.chunks);
        put_u64(&mut record, self.discarded);
        record
    }

    pub(super) fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut input = open(record)?;
        let marker = Self {
            generation: input.u64_le()?,
            outbox: input.u64_le()?,
            position: read_position(&mut input)?,
            chunks: input.varint()?,
            discarded: input.u64_le()?,
        };
        close(&input, marker)
    }
}

pub(super) fn encode_progress(progress: &Progress) -> Vec<u8> {
    let mut record = vec![VERSION];
    put_position(&mut record, progress.cursor.position);
    put_witness(&mut record, &progress.cursor.witness);
    put_witness(&mut record, &progress.latest);
    varint::put(&mut record, progress.complete.get());
    let dropped = progress.epochs.has_dropped();
    record.push(u8::from(progress.comparing) | u8::from(dropped) << 1);
    varint::put(&mut record, progress.generation);
    for (epoch, first) in progress.epochs.list() {
        put_u64(&mut record, epoch.get());
        varint::put(&mut record, first.get());
    }
    record
}

pub(super) fn decode_progress(record: &[u8]) -> Result<Progress, Error> {
    let mut input = open(record)?;
    let position = read_position(&mut input)?;
    let witness = read_witness(&mut input)?;
    let latest = read_witness(&mut input)?;
    let complete = Sequence::new(input.varint()?);
    let flags = input.u8()?;
    let generation = input.varint()?;
    let mut list = Vec::new();
    while !input.is_empty() && list.len() <= limits::EPOCHS {
        let epoch = Epoch::new(input.u64_le()?);
        list.push((epoch, Sequence::new(input.varint()?)));
    }
    let progress = Progress {
        cursor: Cursor { position, witness },
        latest,
        epochs: Epochs::from_list(list, flags & 2 != 0)?,
        complete,
        comparing: flags & 1 != 0,
        generation,
    };
    close(&input, progress)
}

/// An entry of the outbox, as it is stored.
pub(super) struct StoredEntry {
    pub(super) entry: Entry,
    pub(super) seen: Patch,
    /// The entry's place in the order of the outbox.
    pub(super) order: Time,
}

pub(super) fn encode_entry(one: &Pending) -> Result<Vec<u8>, Error> {
    let entry = one.entry();
    let mut record = vec![VERSION];
    put_u64(&mut record, entry.previous.get());
    put_u64(&mut record, entry.hash.get());
    varint::put(&mut record, entry.time.get());
    varint::put(&mut record, one.order().get());
    put_u64(&mut record, entry.user);
    record.push(u8::from(entry.stored.is_some()));
    if let Some(stored) = entry.stored {
        put_position(&mut record, stored);
    }
    put_patch(&mut record, &entry.cells);
    put_patch(&mut record, &one.seen()?);
    Ok(record)
}

pub(super) fn decode_entry(id: EntryId, record: &[u8]) -> Result<StoredEntry, Error> {
    let mut input = open(record)?;
    let previous = EntryHash::new(input.u64_le()?);
    let hash = EntryHash::new(input.u64_le()?);
    let time = Time::new(input.varint()?);
    let order = Time::new(input.varint()?);
    let user = input.u64_le()?;
    let stored = match input.u8()? {
        0 => None,
        _ => Some(read_position(&mut input)?),
    };
    let entry = Entry {
        id,
        previous,
        hash,
        time,
        cells: read_patch(&mut input)?,
        stored,
        user,
    };
    entry.check()?;
    let seen = read_patch(&mut input)?;
    close(&input, StoredEntry { entry, seen, order })
}

/// Encodes the number of patches that were joined one after the other, and the patches.
pub(super) fn encode_log<'a>(patches: impl ExactSizeIterator<Item = &'a Patch>) -> Vec<u8> {
    let mut record = vec![VERSION];
    varint::put(&mut record, patches.len() as u64);
    patches.for_each(|patch| put_patch(&mut record, patch));
    record
}

/// Passes each patch of a log record to `take`.
pub(super) fn decode_log(record: &[u8], take: &mut dyn FnMut(&Patch)) -> Result<(), Error> {
    let mut input = open(record)?;
    let count = input.varint()?;
    for _ in 0..count {
        take(&read_patch(&mut input)?);
    }
    close(&input, ())
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_position(out: &mut Vec<u8>, position: Position) {
    put_u64(out, position.epoch.get());
    varint::put(out, position.sequence.get());
}

fn read_position(input: &mut Reader<'_>) -> Result<Position, Error> {
    Ok(Position {
        epoch: Epoch::new(input.u64_le()?),
        sequence: Sequence::new(input.varint()?),
    })
}

fn put_witness(out: &mut Vec<u8>, witness: &Witness) {
    put_position(out, witness.head);
    varint::put(out, witness.latest.get());
    out.extend_from_slice(&witness.seal);
}

fn read_witness(input: &mut Reader<'_>) -> Result<Witness, Error> {
    Ok(Witness {
        head: read_position(input)?,
        latest: Time::new(input.varint()?),
        seal: input.u64_le()?.to_le_bytes(),
    })
}

fn put_patch(out: &mut Vec<u8>, patch: &Patch) {
    let envelope = patch.encode();
    varint::put(out, envelope.len() as u64);
    out.extend_from_slice(&envelope);
}

fn read_patch(input: &mut Reader<'_>) -> Result<Patch, Error> {
    let length = input.len()?;
    Patch::decode(input.take(length)?)
}

fn open(record: &[u8]) -> Result<Reader<'_>, Error> {
    let mut input = Reader::new(record);
    match input.u8()? {
        VERSION => Ok(input),
        other => Err(Error::unsupported(format!(
            "a record of a replica has version {other}, this build reads version {VERSION}; update the app"
        ))),
    }
}

fn close<T>(input: &Reader<'_>, content: T) -> Result<T, Error> {
    match input.is_empty() {
        true => Ok(content),
        false => Err(Error::corrupt(
            "a record of a replica is longer than its content",
        )),
    }
}
