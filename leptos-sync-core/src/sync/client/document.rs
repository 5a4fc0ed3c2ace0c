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

    /// Receives the user's permission: before each [`opened`](Document::opened), and whenever the relay changes it while the
    /// document is open.
    fn set_permission(&mut self, permission: Permission);

    /// The relay has opened the document. The window contains the relay's time, which the document's clock has to follow from
    /// now on. The operations that the document lacks come next.
    fn opened(&mut self, window: Window);

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

    /// Receives the presence of another client. `user` is the name under which the relay admitted that client, and empty if
    /// the relay does not tell users apart; `data` is what the client sent, and empty if it is no longer present.
    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]);

    /// The document is no longer exchanged. The client opens it again by itself if the
    /// [reason passes](Reason::is_passing), and if it is [`Reason::TooManyDocuments`] as soon as another document is left.
    fn closed(&mut self, reason: Reason, text: &str);
}

impl<D: Document + ?Sized> Document for Box<D> {
    fn version(&self) -> VersionVector {
        (**self).version()
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        (**self).pending(relay)
    }

    fn set_permission(&mut self, permission: Permission) {
        (**self).set_permission(permission);
    }

    fn opened(&mut self, window: Window) {
        (**self).opened(window);
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

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        (**self).presence(peer, user, data);
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        (**self).closed(reason, text);
    }
}
