//! The content of records. It consists of the fields of messages, so that a page contains their
//! code once.

use crate::{
    clock::Time,
    delta::Patch,
    error::Error,
    history::{Entry, EntryHash, EntryId, Position},
    replica::{Pending, Progress},
    sync::{Fields, Writer},
};

/// The version of all records.
const VERSION: u8 = 2;

/// What a tab must know of the stored records before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The generation of the base.
    pub(super) generation: u64,
    /// The changes to the outbox other than by new entries. The first marker of a storage has a
    /// random number.
    pub(super) outbox: u64,
    /// The stored position.
    pub(super) position: Position,
    /// The number of parts of the base.
    pub(super) chunks: u64,
    /// A random number of the last time that the replica was discarded, or 0.
    pub(super) discarded: u64,
}

/// The number of changes to the outbox between two markers of one storage, at most.
const OUTBOX_CHANGES: u64 = 1 << 32;

impl Marker {
    /// Returns whether `later` is this marker or a later one of the same storage. Otherwise, the
    /// storage has vanished in between, or was replaced by another one.
    pub(super) fn precedes(&self, later: &Self) -> bool {
        later.outbox.wrapping_sub(self.outbox) < OUTBOX_CHANGES
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        write(&mut |out| {
            out.integer(self.generation);
            out.integer(self.outbox);
            out.position(self.position);
            out.number(self.chunks);
            out.integer(self.discarded);
        })
    }

    pub(super) fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut fields = open(record);
        let marker = Self {
            generation: fields.integer(),
            outbox: fields.integer(),
            position: fields.position(),
            chunks: fields.number(),
            discarded: fields.integer(),
        };
        fields.end(marker)
    }
}

pub(super) fn encode_progress(progress: &Progress) -> Vec<u8> {
    write(&mut |out| {
        out.cursor(&progress.cursor);
        out.witness(&progress.latest);
        out.sequence(progress.complete);
        let dropped = progress.epochs.has_dropped();
        let flags = [progress.comparing, dropped, progress.must_compare];
        out.byte(
            flags
                .iter()
                .rfold(0, |bits, flag| bits << 1 | u8::from(*flag)),
        );
        out.number(progress.generation);
        out.epoch_list(progress.epochs.list());
    })
}

pub(super) fn decode_progress(record: &[u8]) -> Result<Progress, Error> {
    let mut fields = open(record);
    let (cursor, latest) = (fields.cursor(), fields.witness());
    let (complete, flags) = (fields.sequence(), fields.byte());
    let progress = Progress {
        cursor,
        latest,
        complete,
        comparing: flags & 1 != 0,
        must_compare: flags & 4 != 0,
        generation: fields.number(),
        epochs: fields.epochs(flags & 2 != 0),
    };
    fields.end(progress)
}

/// An entry of the outbox, as it is stored.
pub(super) struct StoredEntry {
    pub(super) entry: Entry,
    pub(super) seen: Patch,
    /// The entry's place in the order of the outbox.
    pub(super) order: Time,
}

pub(super) fn encode_entry(one: &Pending) -> Result<Vec<u8>, Error> {
    let (entry, seen) = (one.entry(), one.seen()?);
    Ok(write(&mut |out| {
        out.integer(entry.previous.get());
        out.integer(entry.hash.get());
        out.number(entry.time.get());
        out.number(one.order().get());
        out.integer(entry.user);
        out.byte(entry.stored.is_some().into());
        if let Some(stored) = entry.stored {
            out.position(stored);
        }
        out.patch(&entry.cells);
        out.patch(&seen);
    }))
}

pub(super) fn decode_entry(id: EntryId, record: &[u8]) -> Result<StoredEntry, Error> {
    let mut fields = open(record);
    let previous = EntryHash::new(fields.integer());
    let hash = EntryHash::new(fields.integer());
    let (time, order) = (fields.time(), fields.time());
    let user = fields.integer();
    let stored = fields.flag().then(|| fields.position());
    let entry = Entry {
        id,
        previous,
        hash,
        time,
        cells: fields.patch(),
        stored,
        user,
    };
    fields.known(entry.check());
    let seen = fields.patch();
    fields.end(StoredEntry { entry, seen, order })
}

/// Encodes the number of patches that were joined one after the other, and the patches.
pub(super) fn encode_log<'a>(patches: impl ExactSizeIterator<Item = &'a Patch> + Clone) -> Vec<u8> {
    write(&mut |out| {
        out.number(patches.len() as u64);
        patches.clone().for_each(|patch| out.patch(patch));
    })
}

/// Passes each patch of a log record to `take`.
pub(super) fn decode_log(record: &[u8], take: &mut dyn FnMut(&Patch)) -> Result<(), Error> {
    let mut fields = open(record);
    for _ in 0..fields.count(usize::MAX, 1) {
        take(&fields.patch());
    }
    fields.end(())
}

fn write(content: &mut dyn FnMut(&mut Writer<'_>)) -> Vec<u8> {
    let mut record = vec![VERSION];
    content(&mut Writer {
        out: &mut record,
        deflate: true,
    });
    record
}

fn open(record: &[u8]) -> Fields<'_> {
    let mut fields = Fields::new(record);
    let version = fields.byte();
    if version != VERSION {
        fields.fail(Error::unsupported(format!(
            "a record of a replica has version {version}, this build reads version {VERSION}; update the app"
        )));
    }
    fields
}
