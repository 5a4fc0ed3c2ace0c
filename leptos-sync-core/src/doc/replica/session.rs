use std::collections::BTreeMap;

use super::{comparison::Comparison, exchange::Exchange};
use crate::{
    clock::Time,
    doc::exchanged::DocCells,
    error::Error,
    history::{
        EntryId, Epoch, Epochs, IdHead, Next, Opened, Opening, Position, RelayState, Sequence,
    },
    id::ReplicaId,
    limits,
};

/// What a replica knows of its relay while the document is open.
#[derive(Clone)]
pub(super) struct Session {
    /// The relay's head at the opening.
    pub(super) head: Position,
    /// The time below which the relay takes no new cells.
    pub(super) floor: Time,
    pub(super) point: Sequence,
    pub(super) diverged: bool,
    pub(super) heads: BTreeMap<ReplicaId, IdHead>,
    /// The relay's head when it told the heads. What these contain was read once the position is
    /// there.
    pub(super) settles_at: Sequence,
    /// The latest state that the relay has told.
    pub(super) state: RelayState,
    /// The relay's epochs, until the comparison of a diverged replica ends.
    pub(super) epochs: Option<Epochs>,
    pub(super) comparison: Option<Comparison>,
}

impl Exchange {
    /// Returns what opens the document. A session before ends.
    pub(super) fn start(&mut self) -> Opening {
        self.end_session();
        let mut ids: Vec<_> = self.entries.iter().map(|one| one.id().replica).collect();
        ids.extend(self.own.map(|(own, _)| own.replica));
        ids.sort_unstable();
        ids.dedup();
        Opening {
            cursor: self.progress.cursor,
            comparing: self.progress.comparing,
            ids,
        }
    }

    /// Forgets what is on its way to the relay, and what was told since the opening.
    pub(super) fn end_session(&mut self) {
        self.session = None;
        for one in &mut self.entries {
            one.flight = Default::default();
        }
    }

    /// Handles the relay's answer to the opening.
    pub(super) fn opened(&mut self, doc: &dyn DocCells, opened: &Opened) -> Result<Next, Error> {
        let epochs = joined(&self.progress.epochs, &opened.tail)?;
        let head = opened.state.head();
        for one in &mut self.entries {
            // The relay went back to before it stored the entry.
            if one
                .entry
                .stored
                .is_some_and(|at| !epochs.contains(head, at))
            {
                one.entry.stored = None;
                one.revision += 1;
            }
        }
        let is_behind = self.progress.cursor.position.sequence < opened.horizon;
        let mut session = Session {
            head: opened.state.witness.head,
            floor: opened.floor,
            point: opened.point,
            diverged: opened.diverged,
            heads: opened.heads.iter().copied().collect(),
            settles_at: head,
            state: opened.state,
            epochs: None,
            comparison: None,
        };
        match opened.diverged {
            true => session.epochs = Some(epochs),
            false => self.progress.epochs = epochs,
        }
        let next = match opened.diverged || is_behind {
            true => Next::Compare,
            false => Next::Read,
        };
        if next == Next::Compare {
            self.progress.comparing = opened.diverged;
            session.comparison = Some(Comparison::new(doc)?);
        }
        self.session = Some(session);
        self.note(opened.state);
        Ok(next)
    }

    /// Notes what an answer says about the history.
    pub(super) fn note(&mut self, state: RelayState) {
        let Some(session) = &mut self.session else {
            return;
        };
        let progress = &mut self.progress;
        let is_diverged = session.epochs.is_some();
        let epochs = session.epochs.as_mut().unwrap_or(&mut progress.epochs);
        if state.epoch() != Epoch::NONE {
            epochs.begin(state.epoch(), state.epoch_start);
        }
        if state.head() >= session.state.head() {
            session.state = state;
        }
        if state.witness.latest >= progress.latest.latest {
            progress.latest = state.witness;
        }
        // Until the comparison ends, the witness proves that the relay went back.
        let witness = &mut progress.cursor.witness;
        if !is_diverged && state.head() >= witness.head.sequence {
            *witness = state.witness;
        }
    }

    /// Returns whether everything is stored and read: the document shows what the relay has.
    pub(super) fn is_synced(&self) -> bool {
        let at = self.progress.cursor.position.sequence;
        let is_read = |session: &Session| {
            session.comparison.is_none() && at >= session.state.head().max(session.head.sequence)
        };
        self.session.as_ref().is_some_and(is_read)
            && !self.progress.comparing
            && self.entries.is_empty()
    }

    /// Returns whether everything was stored and read when the relay was last heard.
    pub(super) fn is_current(&self) -> bool {
        let cursor = &self.progress.cursor;
        match self.session {
            Some(_) => self.is_synced(),
            None => {
                cursor.position.epoch != Epoch::NONE
                    && cursor.position.sequence >= cursor.witness.head.sequence
                    && !self.progress.comparing
                    && self.entries.is_empty()
            }
        }
    }

    /// Returns the last entry of each id that the relay certainly had, to send after a comparison.
    pub(super) fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        let mut heads = BTreeMap::new();
        let mut add = |id: EntryId, hash| {
            heads.entry(id.replica).or_insert(IdHead {
                number: id.number,
                hash,
                ..IdHead::default()
            });
        };
        for one in &self.entries {
            let EntryId { replica, number } = one.id();
            let number = number.saturating_sub(1);
            add(EntryId { replica, number }, one.entry.previous);
        }
        if let Some((own, hash)) = self.own {
            add(own, hash);
        }
        for (&replica, head) in &self.settled {
            let number = head.number;
            add(EntryId { replica, number }, head.hash);
        }
        for (replica, head) in &mut heads {
            let settled = self.settled.get(replica).copied().unwrap_or_default();
            head.emptied = settled.emptied_before(head.number);
        }
        heads.into_iter().take(limits::OUTBOX_IDS).collect()
    }
}

/// Returns the relay's epochs: those that both sides know, followed by `tail`, which is empty if
/// the relay has no others.
fn joined(ours: &Epochs, tail: &[(Epoch, Sequence)]) -> Result<Epochs, Error> {
    let Some(first) = tail.first() else {
        return Ok(ours.clone());
    };
    let shared = ours.list().iter().position(|known| known == first);
    let mut list = ours
        .list()
        .get(..shared.unwrap_or(0))
        .unwrap_or_default()
        .to_vec();
    list.extend_from_slice(tail);
    let excess = list.len().saturating_sub(limits::EPOCHS);
    list.drain(..excess);
    let dropped = excess > 0 || (shared.is_some() && ours.has_dropped());
    Epochs::from_list(list, dropped)
}
