use leptos_sync_core::replica::Replica;

/// A document with its outbox.
pub(crate) struct DocState<S> {
    pub(crate) replica: Replica<S>,
    /// Whether a relay exchanges the document. Without one, no edit is pending.
    pub(crate) has_relay: bool,
}
