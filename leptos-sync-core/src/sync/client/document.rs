use crate::{
    clock::Window,
    delta::{Delta, Snapshot},
    error::Error,
    id::ReplicaId,
    sync::message::{Permission, Reason},
    version::VersionVector,
};

/// A document that a [`Client`](super::Client) exchanges with its relay.
///
/// The implementation keeps the document, the outbox and the storage consistent. No method may
/// wait.
pub trait Document {
    /// Returns the version of the document without unacknowledged transactions.
    fn version(&self) -> VersionVector;

    /// Returns the transactions that a relay with the version `relay` lacks, one delta each, in
    /// order.
    ///
    /// It suffices to return the first few. If the transactions can no longer be separated, returns
    /// one delta with all of them. The client does not send a delta without cells, and
    /// [acknowledges](Document::acknowledged) it.
    ///
    /// # Errors
    ///
    /// If such a delta cannot be created. The client then closes the exchange.
    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error>;

    /// Sets the user's permission. Called before each [`opened`](Document::opened), and whenever
    /// the relay changes the permission while the document is open.
    fn set_permission(&mut self, permission: Permission);

    /// Reports that the relay has opened the document. From now on, the document's clock must
    /// follow the relay's time in `window`. Next, the relay sends the operations that the document
    /// lacks.
    fn opened(&mut self, window: Window);

    /// Reports that the document has received all operations that it lacked.
    ///
    /// Restamp now the transactions whose stamps the relay would reject. It would be too early
    /// before: if this replica has lost data, the relay may still send later operations of it.
    ///
    /// # Errors
    ///
    /// If restamping fails. The client then closes the exchange.
    fn caught_up(&mut self, window: Window) -> Result<(), Error>;

    /// Joins operations of other replicas.
    ///
    /// # Errors
    ///
    /// On [`Error::is_gap`], the client opens the document again. Any other error closes the
    /// exchange.
    fn receive(&mut self, delta: &Delta) -> Result<(), Error>;

    /// Joins the relay's state: all parts of one snapshot, or none.
    ///
    /// # Errors
    ///
    /// Any error closes the exchange.
    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error>;

    /// Reports that the relay has durably stored everything up to `upto`, or needs none of it.
    fn acknowledged(&mut self, upto: &VersionVector);

    /// Reports that the relay has rejected the transaction that leads to `upto`.
    ///
    /// The rejection is final, unless the [reason concerns time](Reason::concerns_time). In that case
    /// restamping failed; the transaction stays unacknowledged, and the client sends it again when
    /// the document is opened again.
    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str);

    /// Sets the presence of another client.
    ///
    /// `user` is the name under which the relay admitted that client; it is empty if the relay does
    /// not distinguish users. `data` is the data that the client sent; it is empty if the client is
    /// no longer present.
    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]);

    /// Reports that the exchange of the document has ended.
    ///
    /// The client opens the document again if the [reason is temporary](Reason::is_temporary). If the
    /// reason is [`Reason::TooManyDocuments`], the client opens it as soon as it leaves another
    /// document.
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
