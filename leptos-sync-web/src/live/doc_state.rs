use leptos_sync_core::{Doc, Outbox};

/// A document with its outbox. The two change together.
pub(crate) struct DocState<S> {
    pub(crate) doc: Doc<S>,
    pub(crate) outbox: Outbox,
}
