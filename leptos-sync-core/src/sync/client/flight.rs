use crate::{
    history::{Ack, Entry, EntryId},
    id::ReplicaId,
    limits,
};

/// The entries that are on their way to the relay, or whose answers are.
///
/// The relay answers the entries of an id within a push in order: acknowledgements, then possibly a
/// rejection or a gap, after which it takes no more of them.
#[derive(Default)]
pub(super) struct Flight {
    runs: Vec<Run>,
}

/// The unanswered entries of an id within a push.
struct Run {
    push: u32,
    replica: ReplicaId,
    /// The number of the first entry. The others follow it.
    number: u64,
    /// The size of each entry.
    bytes: Vec<usize>,
    /// Whether an earlier run of the id has ended early. The relay will report a gap for this one.
    follows_gap: bool,
}

/// What an answer about an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was awaited.
    Valid,
    /// It only repeats an earlier rejection or gap.
    Repetition,
    /// The answer concerns an entry that was not sent, or that is not the next one of its id.
    Invalid,
}

impl Flight {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns the number and the size of the entries that may be sent now. The number is zero as
    /// long as entries of an id follow a gap, since the relay would refuse further ones too.
    pub(super) fn room(&self) -> (usize, usize) {
        let (mut count, mut bytes) = (limits::IN_FLIGHT, limits::IN_FLIGHT_BYTES);
        for run in &self.runs {
            if run.follows_gap {
                return (0, 0);
            }
            count = count.saturating_sub(run.bytes.len());
            bytes = bytes.saturating_sub(run.bytes.iter().sum());
        }
        match bytes {
            0 => (0, 0),
            _ => (count, bytes),
        }
    }

    /// Records the entries of a push.
    pub(super) fn send(&mut self, entries: &[Entry]) {
        let push = self.runs.last().map_or(0, |last| last.push.wrapping_add(1));
        for entry in entries {
            let bytes = size(entry);
            let known = self.runs.iter_mut().find(|run| {
                run.push == push
                    && run.replica == entry.id.replica
                    && run.number + run.bytes.len() as u64 == entry.id.number
            });
            match known {
                Some(run) => run.bytes.push(bytes),
                None => self.runs.push(Run {
                    push,
                    replica: entry.id.replica,
                    number: entry.id.number,
                    bytes: vec![bytes],
                    follows_gap: false,
                }),
            }
        }
    }

    /// Handles an acknowledgement.
    pub(super) fn acknowledge(&mut self, ack: &Ack) -> Answer {
        let Some((at, run)) = self.first(ack.id.replica) else {
            return Answer::Invalid;
        };
        let count = usize::try_from(ack.count).unwrap_or(usize::MAX);
        if run.number != ack.id.number || count > run.bytes.len() {
            return Answer::Invalid;
        }
        run.bytes.drain(..count);
        run.number = run.number.saturating_add(ack.count);
        let answer = run.answer();
        if run.bytes.is_empty() {
            self.runs.remove(at);
        }
        answer
    }

    /// Handles a rejection.
    pub(super) fn reject(&mut self, id: EntryId) -> Answer {
        match self.first(id.replica) {
            Some((_, run)) if run.number == id.number => self.end_run(id.replica),
            _ => Answer::Invalid,
        }
    }

    /// Ends the first run of an id, since the relay takes no more of it.
    pub(super) fn end_run(&mut self, replica: ReplicaId) -> Answer {
        let Some((_, run)) = self.first(replica) else {
            return Answer::Invalid;
        };
        let (answer, push) = (run.answer(), run.push);
        self.runs
            .retain(|run| run.replica != replica || run.push != push);
        for run in &mut self.runs {
            run.follows_gap |= run.replica == replica;
        }
        answer
    }

    fn first(&mut self, replica: ReplicaId) -> Option<(usize, &mut Run)> {
        let mut runs = self.runs.iter_mut().enumerate();
        runs.find(|(_, run)| run.replica == replica)
    }
}

impl Run {
    fn answer(&self) -> Answer {
        match self.follows_gap {
            true => Answer::Repetition,
            false => Answer::Valid,
        }
    }
}

/// Returns about the size of an entry in a message. Even one without cells takes some bytes.
pub(super) fn size(entry: &Entry) -> usize {
    entry.cells.bytes() + ENTRY_BYTES
}

/// The approximate size in bytes of an entry without its cells.
const ENTRY_BYTES: usize = 64;
