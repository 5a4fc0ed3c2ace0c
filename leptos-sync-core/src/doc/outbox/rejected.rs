use std::{fmt, sync::Arc};

use crate::{crdt::Changes, delta::Delta};

/// The effect of a message from the relay.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Received<S> {
    /// The changes of the document.
    pub changes: Changes,
    /// The transactions that turned out to be rejected. They were rolled back.
    pub rejected: Vec<Delta>,
    /// The state that contained the rejected transactions, before they were rolled back. `None` if
    /// there are none.
    pub before: Option<Arc<S>>,
}

/// A transaction that the relay rejected and that was rolled back.
#[derive(Clone)]
#[non_exhaustive]
pub struct Rejected<S> {
    /// The transaction.
    pub delta: Delta,
    /// The changes of the document that the rollback made.
    pub changes: Changes,
    /// The state that contained the transaction, before it was rolled back.
    ///
    /// It is detached: later edits and merges do not change it. So an app can offer the rejected
    /// edit to the user again.
    pub before: Arc<S>,
}

impl<S> fmt::Debug for Received<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("changes", &self.changes)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Rejected<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("delta", &self.delta)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}
