use super::{Pending, Progress, comparison::Comparison, exchange::Exchange};
use crate::{
    clock::Time,
    doc::cells::DocCells,
    error::Error,
    history::{
        EntryId, Epoch, Epochs, IdHead, IdHeads, Next, Opened, Opening, Position, RelayState,
        Sequence, Witness,
    },
    id::ReplicaId,
    limits,
};

/// The state of a replica's exchange with its relay while the document is open.
#[derive(Clone)]
pub(super) struct Session {
    /// The relay's head at the opening.
    pub(super) head: Position,
    /// The time below which the relay takes no new cells.
    pub(super) floor: Time,
    pub(super) point: Sequence,
    pub(super) diverged: bool,
    pub(super) heads: IdHeads,
    /// The relay's head when it reported `heads`. Once the position has reached it, the base has
    /// everything that these heads cover.
    pub(super) settles_at: Sequence,
    /// The latest state that the relay has reported.
    pub(super) state: RelayState,
    /// The relay's epochs, until the comparison of a diverged replica ends.
    pub(super) epochs: Option<Epochs>,
    pub(super) comparison: Option<Comparison>,
}

impl Session {
    /// Returns whether the relay of a diverged replica lacks what it once reported at `position`.
    fn has_lost(&self, position: &Position) -> bool {
        let is_lost = |epochs: &Epochs| !epochs.contains(self.state.head(), *position);
        self.epochs.as_ref().is_some_and(is_lost)
    }
}

impl Exchange {
    /// Returns the request that opens the document. Ends an earlier session.
    pub(super) fn start(&mut self) -> Opening {
        self.end_session();
        self.is_opening = true;
        Opening {
            cursor: self.progress.cursor,
            comparing: self.progress.comparing,
            ids: self.ids(),
        }
    }

    /// Returns the ids that have entries in the outbox, and the page's own, each once.
    pub(super) fn ids(&self) -> Vec<ReplicaId> {
        let mut ids = IdHeads::default();
        let own = self.own.map(|(own, _)| own);
        for id in self.entries.iter().map(Pending::id).chain(own) {
            ids.put_new(id.replica, IdHead::default());
        }
        ids.list().iter().map(|(id, _)| *id).collect()
    }

    /// Returns the head of an id that the relay has reported since the opening.
    pub(super) fn reported_head(&self, id: ReplicaId) -> IdHead {
        let session = self.session.as_ref();
        session.map_or_else(IdHead::default, |session| session.heads.get(id))
    }

    /// Forgets what is on its way to the relay, and what the relay has reported since the opening.
    pub(super) fn end_session(&mut self) {
        self.session = None;
        self.is_opening = false;
        for one in &mut self.entries {
            one.flight = Default::default();
        }
    }

    /// Handles the relay's answer to the opening.
    pub(super) fn opened(&mut self, doc: &dyn DocCells, opened: &Opened) -> Result<Next, Error> {
        if !std::mem::take(&mut self.is_opening) {
            return Err(Error::gap(
                "this replica did not ask the relay to open the document; open it again",
            ));
        }
        let epochs = joined(&self.progress.epochs, &opened.tail)?;
        let head = opened.state.head();
        for one in &mut self.entries {
            // The relay has lost the entry that it had stored.
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
        let mut heads = IdHeads::default();
        heads.put_all(&opened.heads);
        self.session = Some(Session {
            head: opened.state.witness.head,
            floor: opened.floor,
            point: opened.point,
            diverged: false,
            settles_at: head,
            heads,
            state: opened.state,
            epochs: None,
            comparison: None,
        });
        let diverged = opened.diverged && !self.has_returned(&epochs, head);
        let next = match diverged || is_behind {
            true => Next::Compare,
            false => Next::Read,
        };
        let comparison = match next {
            Next::Compare => Some(Comparison::new(doc, self.compared_paths)?),
            Next::Read => None,
        };
        self.progress.comparing = diverged;
        if let Some(session) = &mut self.session {
            session.comparison = comparison;
            session.diverged = diverged;
            match diverged {
                true => session.epochs = Some(epochs),
                false => self.progress.epochs = epochs,
            }
        }
        self.note(&opened.state);
        Ok(next)
    }

    /// Returns whether the history that a relay had lost is back, so that no comparison is needed.
    ///
    /// The relay was replaced by a backup and back again. It has everything that it once reported
    /// to this replica, so it lacks nothing that the replica holds except its outbox. What the
    /// replica has alone was removed at the relay meanwhile.
    fn has_returned(&self, epochs: &Epochs, head: Sequence) -> bool {
        let Progress { cursor, latest, .. } = &self.progress;
        self.progress.comparing
            && !self.progress.must_compare
            && [cursor.position, cursor.witness.head, latest.head]
                .into_iter()
                .all(|position| epochs.contains(head, position))
    }

    /// Records the state of the history that an answer reports.
    pub(super) fn note(&mut self, state: &RelayState) {
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
            session.state = *state;
        }
        // The next relay may be another backup: one that has what this replica was told last, but
        // lacks what this relay reports. Then only `latest` can prove that. A part of what this
        // replica was told would prove nothing there.
        let told = &progress.cursor.witness;
        let is_lost = session.has_lost(&told.head);
        let known = &progress.epochs;
        let is_apart = || !known.contains(told.head.sequence, state.witness.head);
        let is_later = state.witness.latest >= progress.latest.latest;
        let is_safe = told.latest >= progress.latest.latest;
        if is_later && !is_diverged || is_lost && (is_later || is_safe) && is_apart() {
            progress.latest = state.witness;
        }
        // Until the comparison ends, the witness proves that the relay has lost history.
        let witness = &mut progress.cursor.witness;
        if !is_diverged && state.head() >= witness.head.sequence {
            *witness = state.witness;
        }
    }

    /// Returns the witness of offers. Together with that of the opening, it proves that the relay
    /// has lost history, and allows the latest times.
    pub(super) fn witness(&self) -> Witness {
        let (told, latest) = (&self.progress.cursor.witness, &self.progress.latest);
        let session = self.session.as_ref();
        let is_lost = session.is_some_and(|session| session.has_lost(&told.head));
        match is_lost && told.latest > latest.latest {
            true => *told,
            false => *latest,
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

    /// Returns whether everything was stored and read when the relay last answered.
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
        let mut heads = IdHeads::default();
        let mut add = |EntryId { replica, number }, hash| {
            let head = IdHead {
                number,
                hash,
                emptied: self.settled.get(replica).emptied_before(number),
                ..IdHead::default()
            };
            heads.put_new(replica, head);
        };
        for one in &self.entries {
            let EntryId { replica, number } = one.id();
            let number = number.saturating_sub(1);
            add(EntryId { replica, number }, one.entry.previous);
        }
        if let Some((own, hash)) = self.own {
            add(own, hash);
        }
        for &(replica, IdHead { number, hash, .. }) in self.settled.list() {
            add(EntryId { replica, number }, hash);
        }
        let heads = heads.list();
        heads.get(..limits::OUTBOX_IDS).unwrap_or(heads).to_vec()
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
