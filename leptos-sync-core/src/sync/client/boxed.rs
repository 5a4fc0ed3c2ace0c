use super::Document;
use crate::{
    clock::Window,
    error::Error,
    history::{
        Ack, CellRange, Entry, EntryId, Epochs, IdHead, Next, Opened, Opening, Page, Patch,
        RelayState, Sequence, Witness,
    },
    id::ReplicaId,
    path::PathBuf,
    sync::message::{Permission, Reason},
};

/// A client with documents of several types boxes them, so that a page has its code once.
impl<D: Document + ?Sized> Document for Box<D> {
    fn start(&mut self) -> Opening {
        (**self).start()
    }

    fn epochs(&self) -> Epochs {
        (**self).epochs()
    }

    fn position(&self) -> Sequence {
        (**self).position()
    }

    fn witness(&self) -> Witness {
        (**self).witness()
    }

    fn set_permission(&mut self, permission: Permission) {
        (**self).set_permission(permission);
    }

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        (**self).opened(opened)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        (**self).range(range)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        (**self).compared_to()
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        (**self).offered(all, state);
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        (**self).heads()
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        (**self).adopted(heads, state);
    }

    fn compared(&mut self) -> Result<(), Error> {
        (**self).compared()
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        (**self).page(page)
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        (**self).caught_up(window)
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        (**self).entries(bytes, count)
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        (**self).acknowledged(ack)
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: &str,
        window: Window,
    ) -> Result<(), Error> {
        (**self).rejected(id, reason, text, window)
    }

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        (**self).presence(peer, user, data);
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        (**self).closed(reason, text);
    }

    fn removed(&mut self) {
        (**self).removed();
    }
}
