use crate::{
    clock::Time,
    error::Error,
    history::{Entry, EntryHash},
    limits,
    sync::message::fields::{Fields, Writer},
};

/// Returns the length of the longest prefix whose entries follow each other under one id.
fn run(entries: &[Entry]) -> usize {
    let after = entries.iter().zip(entries.iter().skip(1));
    1 + after.take_while(|(one, two)| follows(one, two)).count()
}

/// Returns whether `two` is the entry after `one`.
fn follows(one: &Entry, two: &Entry) -> bool {
    one.id.replica == two.id.replica
        && one.id.number.checked_add(1) == Some(two.id.number)
        && one.hash == two.previous
}

impl Writer<'_> {
    /// Writes entries to the end of the message. The id, the number and the hash before are written
    /// once for entries that follow each other, and the time not at all, since all cells have it.
    pub(super) fn entries(&mut self, mut entries: &[Entry]) {
        while let Some(first) = entries.first() {
            let (run, rest) = entries.split_at(run(entries).min(entries.len()));
            self.entry_id(first.id);
            self.integer(first.previous.get());
            self.number(run.len() as u64);
            for entry in run {
                self.integer(entry.hash.get());
                self.patch(&entry.cells);
            }
            entries = rest;
        }
    }
}

impl Fields<'_> {
    /// Reads entries to the end of the message, at least one.
    pub(super) fn entries(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        loop {
            let starts_at = entries.len();
            self.run(&mut entries);
            if let Some([one, two]) = starts_at
                .checked_sub(1)
                .and_then(|last| entries.get(last..starts_at + 1))
                && follows(one, two)
            {
                self.malformed();
            }
            if self.is_empty() {
                return entries;
            }
        }
    }

    fn run(&mut self, entries: &mut Vec<Entry>) {
        let mut id = self.entry_id();
        let mut previous = EntryHash::new(self.integer());
        // An entry takes at least nine bytes.
        let count = self.count(limits::IN_FLIGHT, 9);
        if count == 0 || entries.len() + count > limits::IN_FLIGHT {
            return self.fail(Error::limit("a push has no entries, or too many"));
        }
        for _ in 0..count {
            let hash = EntryHash::new(self.integer());
            let cells = self.patch();
            let entry = Entry {
                id,
                previous,
                hash,
                time: match cells.is_empty() {
                    true => Time::ZERO,
                    false => cells.latest(),
                },
                cells,
                stored: None,
                user: 0,
            };
            if let Err(error) = entry.check() {
                return self.fail(error);
            }
            entries.push(entry);
            previous = hash;
            id.number = id.number.wrapping_add(1);
        }
    }
}
