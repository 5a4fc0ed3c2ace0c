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
    /// Which operations are contained.
    fn version(&self) -> VersionVector;

    /// The transactions that a relay which contains `relay` lacks, each a delta, in their order; some of the first are
    /// enough. Where they cannot be told apart any more, one delta of all.
    ///
    /// # Errors
    ///
    /// Where there is no such delta; the exchange is closed then.
    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error>;

    /// The relay has opened the document: what the user may do, what the relay contains, and which stamps it accepts.
    /// Transactions with others are to be stamped anew now.
    ///
    /// # Errors
    ///
    /// Where that fails; the exchange is closed then.
    fn opened(
        &mut self,
        permission: Permission,
        relay: &VersionVector,
        window: Window,
    ) -> Result<(), Error>;

    /// Joins what others did.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] makes the client ask anew; any other closes the exchange.
    fn receive(&mut self, delta: &Delta) -> Result<(), Error>;

    /// Joins the relay's state: the parts of one snapshot, all or none.
    ///
    /// # Errors
    ///
    /// Any closes the exchange.
    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error>;

    /// The relay has stored everything up to there durably.
    fn acknowledged(&mut self, upto: &VersionVector);

    /// The relay has refused the transaction that leads to `upto`, for good.
    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str);

    /// Somebody else is present with this, or, if it is empty, no longer.
    fn presence(&mut self, peer: ReplicaId, data: &[u8]);

    /// The document is no longer exchanged; the client comes back to it where the [reason passes](Reason::is_passing).
    fn closed(&mut self, reason: Reason, text: &str);
}
