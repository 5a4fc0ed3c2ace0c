use crate::{
    clock::Window,
    delta::{Delta, Snapshot},
    error::Error,
    id::ReplicaId,
    sync::message::{Permission, Reason},
    version::VersionVector,
};

/// A document as a [`Client`](super::Client) exchanges it: what it asks of it, and tells it.
///
/// Its implementation keeps the document, the outbox and the storage in step. Nothing here may wait.
pub trait Document {
    /// Which operations are contained, but for the transactions that the relay has not acknowledged.
    fn version(&self) -> VersionVector;

    /// The transactions that a relay which contains `relay` lacks, each a delta, in their order; some of the first are
    /// enough. Where they cannot be told apart any more, one delta of all.
    ///
    /// # Errors
    ///
    /// Where there is no such delta; the exchange is closed then.
    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error>;

    /// The relay has opened the document: what the user may do, and by the window what time it is at the relay. The
    /// document's clock is to follow that now. What the document lacks comes next.
    fn opened(&mut self, permission: Permission, window: Window);

    /// What the document lacked has come, if there was anything. Transactions whose stamps the relay would refuse are to be
    /// stamped anew now, and not before: of a replica that had forgotten something, the relay may have had later ones.
    ///
    /// # Errors
    ///
    /// Where that fails; the exchange is closed then.
    fn caught_up(&mut self, window: Window) -> Result<(), Error>;

    /// Joins what others did.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] and [`Error::is_drift`] make the client ask anew; any other closes the exchange.
    fn receive(&mut self, delta: &Delta) -> Result<(), Error>;

    /// Joins the relay's state: the parts of one snapshot, all or none.
    ///
    /// # Errors
    ///
    /// Any closes the exchange.
    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error>;

    /// The relay has stored everything up to there durably.
    fn acknowledged(&mut self, upto: &VersionVector);

    /// The relay has refused the transaction that leads to `upto`: for good, unless the [reason is of
    /// time](Reason::is_of_time). Then it could not be stamped anew and stays here, not acknowledged; it is sent again when the
    /// document is opened again.
    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str);

    /// Somebody else is present with this, or, if it is empty, no longer.
    fn presence(&mut self, peer: ReplicaId, data: &[u8]);

    /// The document is no longer exchanged; the client comes back to it where the [reason passes](Reason::is_passing).
    fn closed(&mut self, reason: Reason, text: &str);
}

impl<D: Document + ?Sized> Document for Box<D> {
    fn version(&self) -> VersionVector {
        (**self).version()
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        (**self).pending(relay)
    }

    fn opened(&mut self, permission: Permission, window: Window) {
        (**self).opened(permission, window);
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        (**self).caught_up(window)
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        (**self).receive(delta)
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        (**self).receive_snapshot(parts)
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        (**self).acknowledged(upto);
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        (**self).rejected(upto, reason, text);
    }

    fn presence(&mut self, peer: ReplicaId, data: &[u8]) {
        (**self).presence(peer, data);
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        (**self).closed(reason, text);
    }
}
