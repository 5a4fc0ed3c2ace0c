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

/// A document that a [`Client`](super::Client) exchanges with its relay.
///
/// The implementation keeps the base, the outbox and the storage consistent. No method may wait.
///
/// The client calls the methods in this order:
///
/// ```text
/// start ─▶ [epochs] ─▶ set_permission ─▶ opened ─▶ Compare: range, offered …,
///                                            │       [heads, adopted], compared
///                                            └──▶ Read
/// then page …, caught_up once; from then on page, entries, acknowledged, rejected in any order
/// ```
///
/// The connection may be lost after each of them. Then the next call is `start`. If a method
/// returns an error, the client stops the exchange and opens the document again later, unless
/// stated otherwise.
pub trait Document {
    /// Returns the request that opens the document. Ends an earlier exchange, so that all entries
    /// that are not stored count as not sent.
    fn start(&mut self) -> Opening;

    /// Returns the epochs of the history that the document has read.
    fn epochs(&self) -> Epochs;

    /// Returns the number up to which the document has read.
    fn position(&self) -> Sequence;

    /// Returns the witness of offers: the one with the latest time that a relay has reported, up to
    /// which the relay accepts offers. It may belong to another history than that of the opening,
    /// which the relay has lost too.
    fn witness(&self) -> Witness;

    /// Sets the user's permission. Called before each [`opened`](Document::opened), and whenever
    /// the relay changes the permission while the document is open. The client sends nothing of a
    /// user who may only read.
    fn set_permission(&mut self, permission: Permission);

    /// Reports that the relay has opened the document. Returns how to continue.
    ///
    /// # Errors
    ///
    /// If the answer contradicts what the document knows.
    fn opened(&mut self, opened: &Opened) -> Result<Next, Error>;

    /// Compares a range of the relay's cells with the base, and returns what the relay lacks. Each
    /// patch is sent as one offer, at most [`limits::TRANSACTION_BYTES`] with its
    /// [envelope](Patch::envelope_bytes). Patches that are collected in parts of
    /// [`limits::PAGE_BYTES`] are.
    ///
    /// [`limits::TRANSACTION_BYTES`]: crate::limits::TRANSACTION_BYTES
    /// [`limits::PAGE_BYTES`]: crate::limits::PAGE_BYTES
    ///
    /// # Errors
    ///
    /// If the range is malformed.
    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error>;

    /// Returns the path up to which the last range was compared, which may be less than the whole
    /// range. The next one is requested after it. `None` if everything was compared.
    fn compared_to(&self) -> Option<PathBuf>;

    /// Reports the answer to an offer. `all` is false if the relay did not take all cells, or if
    /// the user may not offer any. The comparison must then be repeated.
    fn offered(&mut self, all: bool, state: RelayState);

    /// Returns the last entry before the outbox of each id that this browser owns. At most
    /// [`limits::OUTBOX_IDS`](crate::limits::OUTBOX_IDS).
    fn heads(&self) -> Vec<(ReplicaId, IdHead)>;

    /// Reports the relay's answer to [`heads`](Document::heads).
    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState);

    /// Ends a successful comparison: the position becomes the relay's head at the opening.
    ///
    /// # Errors
    ///
    /// If the comparison was not complete.
    fn compared(&mut self) -> Result<(), Error>;

    /// Joins a page that starts at or before the position. A page that ends there changes nothing,
    /// but reports the relay's head.
    ///
    /// # Errors
    ///
    /// After [`Error::is_gap`], the client opens the document again at once.
    fn page(&mut self, page: &Page) -> Result<(), Error>;

    /// Reports that the document has read everything that the relay had when it opened the
    /// document, or when it adopted heads.
    ///
    /// The implementation removes the entries that the relay already has, and restamps those that
    /// it would reject. It must not remove them earlier, because the base might lack what they
    /// wrote.
    ///
    /// # Errors
    ///
    /// If restamping fails.
    fn caught_up(&mut self, window: Window) -> Result<(), Error>;

    /// Returns the next entries that are neither stored nor on their way to the relay, in order: at
    /// most `count` and about `bytes`, but at least one if there is one. From then on, they are on
    /// their way.
    ///
    /// # Errors
    ///
    /// If an entry cannot be read.
    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error>;

    /// Reports that the relay has durably stored entries, as they were sent. If nothing lies
    /// between the position and them, the position advances.
    ///
    /// # Errors
    ///
    /// If their cells cannot be joined with the base.
    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error>;

    /// Reports that the relay has rejected an entry.
    ///
    /// If the [reason concerns time](Reason::concerns_time), restamp the entry: not before the
    /// window's floor, and at the relay's time if it was ahead. Otherwise roll it back, which
    /// leaves an empty entry under its number. The entry and all later ones of its id are no longer
    /// in flight; the client sends them again.
    ///
    /// # Errors
    ///
    /// If the entry cannot be restamped or rolled back.
    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: &str,
        window: Window,
    ) -> Result<(), Error>;

    /// Sets the presence of another client.
    ///
    /// `user` is the name under which the relay admitted that client; it is empty if the relay does
    /// not distinguish users. `data` is the data that the client sent; it is empty if the client is
    /// no longer present.
    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]);

    /// Reports that the exchange of the document has ended for now.
    ///
    /// The client opens the document again. It does so soon if the
    /// [reason is temporary](Reason::is_temporary), and as soon as it leaves another document if
    /// the reason is [`Reason::TooManyDocuments`]. Otherwise it does so after up to five minutes,
    /// because the relay may have refused the document by mistake.
    fn closed(&mut self, reason: Reason, text: &str);

    /// Reports that the document was removed at the relay. The client does not open it again,
    /// unless it is asked to with [`retry`](super::Client::retry).
    fn removed(&mut self);
}
