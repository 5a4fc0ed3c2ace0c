use leptos_sync_core::history::{Cursor, Epoch, Epochs, Opened, Opening, Sequence, Witness};

use super::StoredDocument;
use crate::{error::Error, log::History};

/// How a replica's history relates to the relay's.
enum Relation {
    /// The relay needs the replica's epochs to decide.
    Unknown,
    /// The relay has everything that it once reported to the replica. This is the replica's
    /// position.
    Contains(Sequence),
    /// The relay has dropped all epochs of the replica. The replica compares as if removals had
    /// been forgotten.
    Dropped,
    /// The relay lacks something after this number that it once reported to the replica.
    Diverged(Sequence),
}

impl StoredDocument {
    /// Opens the document for a client. Returns `None` if the client has to send its epochs first;
    /// `epochs` are those that it has sent.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::open`](crate::DurableLog::open).
    pub async fn open(
        &self,
        opening: &Opening,
        epochs: Option<&Epochs>,
        now_ms: u64,
    ) -> Result<Option<Opened>, Error> {
        let mut history = self.log.open(&self.name, opening.ids.clone()).await?;
        self.seal(&mut history.state);
        let mut horizon = history.horizon;
        let (point, has_diverged) = match self.relation(&opening.cursor, epochs, &history) {
            Relation::Unknown => return Ok(None),
            Relation::Contains(point) => (point, false),
            Relation::Diverged(point) => (point, true),
            Relation::Dropped => {
                horizon = horizon.max(first(&history.epochs));
                (Sequence::ZERO, false)
            }
        };
        Ok(Some(Opened {
            now_ms,
            floor: history.floor,
            horizon,
            point,
            diverged: has_diverged || opening.comparing,
            tail: tail(&history.epochs, point, &opening.cursor),
            state: history.state,
            heads: history.heads,
        }))
    }

    /// Returns whether a witness proves that the document has lost something that a relay has once
    /// reported.
    pub(super) fn has_lost(&self, witness: &Witness, history: &History) -> bool {
        let (ours, told) = (&history.epochs, witness.head);
        if told.sequence == Sequence::ZERO || !self.key.has_sealed(&self.name, witness) {
            return false;
        }
        match ours.common(history.state.head(), told) {
            Some(common) => common < told.sequence,
            // The witness may be of an epoch that was dropped, which proves nothing.
            None => !ours.has_dropped() || told.sequence >= first(ours),
        }
    }

    fn relation(&self, cursor: &Cursor, epochs: Option<&Epochs>, history: &History) -> Relation {
        let (position, witness) = (cursor.position, &cursor.witness);
        let told = witness.head;
        if position.sequence == Sequence::ZERO && told.sequence == Sequence::ZERO {
            return Relation::Contains(Sequence::ZERO);
        }
        if !self.key.has_sealed(&self.name, witness) {
            return Relation::Diverged(Sequence::ZERO);
        }
        let (ours, head) = (&history.epochs, history.state.head());
        if let (Some(read), Some(heard)) = (ours.common(head, position), ours.common(head, told)) {
            return match read == position.sequence && heard == told.sequence {
                true => Relation::Contains(read),
                false => Relation::Diverged(read.min(heard)),
            };
        }
        let Some(theirs) = epochs else {
            return match ours.list().is_empty() {
                true => Relation::Diverged(Sequence::ZERO),
                false => Relation::Unknown,
            };
        };
        let point = ours.common_with(head, theirs, told.sequence);
        let is_older = told.sequence < first(ours);
        match point == Sequence::ZERO && ours.has_dropped() && is_older {
            true => Relation::Dropped,
            false => Relation::Diverged(point.min(position.sequence)),
        }
    }
}

/// Returns the first number of the first epoch that is known.
fn first(epochs: &Epochs) -> Sequence {
    epochs
        .list()
        .first()
        .map_or(Sequence::ZERO, |(_, first)| *first)
}

/// Returns the epochs from that of a number on. Returns none if the client knows the last one.
fn tail(epochs: &Epochs, point: Sequence, cursor: &Cursor) -> Vec<(Epoch, Sequence)> {
    let list = epochs.list();
    let heard = cursor.witness.head.epoch;
    if epochs.last().is_none_or(|(last, _)| last == heard) {
        return Vec::new();
    }
    let at = list.iter().rposition(|(_, first)| *first <= point);
    list.get(at.unwrap_or_default()..)
        .unwrap_or_default()
        .to_vec()
}
