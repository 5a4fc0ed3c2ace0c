use leptos_sync_core::{Doc, Outbox};

/// A document, and what its relay has not acknowledged: two things that change together.
pub(crate) struct DocState<S> {
    pub(crate) doc: Doc<S>,
    pub(crate) outbox: Outbox,
}
