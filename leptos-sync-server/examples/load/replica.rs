use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use leptos_sync_core::{
    Error, ReplicaId,
    cells::PathBuf,
    clock::Window,
    history::{
        Ack, CellRange, Entry, EntryId, Epochs, IdHead, Next, Opened, Opening, Page, Patch,
        RelayState, Sequence, Witness,
    },
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
    pub(crate) fn new(figures: &Arc<Figures>) -> Self {
        Self {
            handle: Handle::new(),
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
    fn start(&mut self) -> Opening {
        self.handle.start()
    }

    fn epochs(&self) -> Epochs {
        self.handle.epochs()
    }

    fn position(&self) -> Sequence {
        self.handle.position()
    }

    fn witness(&self) -> Witness {
        self.handle.witness()
    }

    fn set_permission(&mut self, permission: Permission) {
        self.handle.set_permission(permission);
    }

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.handle.opened(opened)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        self.handle.range(range)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.handle.compared_to()
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        self.handle.offered(all, state);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.handle.heads()
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.handle.adopted(heads, state);
    }

    fn compared(&mut self) -> Result<(), Error> {
        self.handle.compared()
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        self.handle.page(page)?;
        if !page.cells.is_empty() {
            let written = self.handle.card(CARD).unwrap_or_default();
            let meant = Duration::from_nanos(written.parse().unwrap_or_default());
            self.figures.note(&self.figures.delivered, meant);
        }
        Ok(())
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        if !std::mem::replace(&mut self.is_open, true) {
            self.figures.open.fetch_add(1, Ordering::Relaxed);
        }
        self.handle.caught_up(window)
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        self.handle.entries(bytes, count)
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        self.handle.acknowledged(ack)?;
        while self.unanswered.len() > self.handle.unanswered() {
            let meant = self.unanswered.pop_front().unwrap_or_default();
            self.figures.note(&self.figures.acknowledged, meant);
        }
        Ok(())
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: &str,
        window: Window,
    ) -> Result<(), Error> {
        self.figures
            .went_wrong(format!("an edit was rejected ({reason}): {text}"));
        self.handle.rejected(id, reason, text, window)
    }

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        self.handle.presence(peer, user, data);
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        self.handle.closed(reason, text);
        self.figures
            .went_wrong(format!("a document was closed ({reason}): {text}"));
    }

    fn removed(&mut self) {
        self.figures.went_wrong("a document was removed".to_owned());
    }
}
