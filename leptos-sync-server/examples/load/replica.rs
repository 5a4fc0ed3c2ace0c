use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Snapshot, VersionVector,
    clock::Window,
    sync::{Document, Permission, Reason},
};

use crate::{figures::Figures, handle::Handle};

/// The card to which the writer of a document writes each time.
const CARD: u32 = 1;

/// A document in memory that records the latency of remote edits and of acknowledgements.
pub(crate) struct Replica {
    handle: Handle,
    figures: Arc<Figures>,
    /// The due times of the edits that are not yet acknowledged.
    unanswered: VecDeque<Duration>,
    /// Whether the document is up to date.
    pub(crate) is_open: bool,
}

impl Replica {
    pub(crate) fn new(id: u64, figures: &Arc<Figures>) -> Self {
        Self {
            handle: Handle::new(id),
            figures: Arc::clone(figures),
            unanswered: VecDeque::new(),
            is_open: false,
        }
    }

    /// Makes an edit that was due at `meant`, of about forty bytes, like a short line of text.
    pub(crate) fn edit(&mut self, meant: Duration) {
        self.unanswered.push_back(meant);
        self.handle
            .insert(CARD, &format!("{:040}", meant.as_nanos()));
    }

    /// Handles the loss of the connection.
    pub(crate) fn lost(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.figures.open.fetch_sub(1, Ordering::Relaxed);
            self.figures.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Document for Replica {
    fn version(&self) -> VersionVector {
        self.handle.version()
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        self.handle.pending(relay)
    }

    fn set_permission(&mut self, permission: Permission) {
        self.handle.set_permission(permission);
    }

    fn opened(&mut self, window: Window) {
        self.handle.opened(window);
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        if !std::mem::replace(&mut self.is_open, true) {
            self.figures.open.fetch_add(1, Ordering::Relaxed);
        }
        self.handle.caught_up(window)
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        self.handle.receive(delta)?;
        let written = self.handle.card(CARD).unwrap_or_default();
        let meant = Duration::from_nanos(written.parse().unwrap_or_default());
        self.figures.note(&self.figures.delivered, meant);
        Ok(())
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        self.handle.receive_snapshot(parts)
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.handle.acknowledged(upto);
        while self.unanswered.len() > self.handle.unanswered() {
            let meant = self.unanswered.pop_front().unwrap_or_default();
            self.figures.note(&self.figures.acknowledged, meant);
        }
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        self.handle.rejected(upto, reason, text);
        self.figures
            .went_wrong(format!("an edit was refused ({reason}): {text}"));
    }

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        self.handle.presence(peer, user, data);
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        self.handle.closed(reason, text);
        self.figures
            .went_wrong(format!("a document was closed ({reason}): {text}"));
    }
}
