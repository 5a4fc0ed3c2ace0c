use std::{fmt, sync::Arc};

use tokio::sync::broadcast;

use super::ChangeStream;
use crate::limits;

/// Where changes go into their streams. `Clone` gives another handle to the same.
///
/// It knows nothing of documents: `T` is a [`Delta`](crate::Delta), a list of keys, or whatever tells of a change. It has
/// no task and needs no runtime.
pub struct ChangeSender<T>(broadcast::Sender<Arc<T>>);

impl<T> ChangeSender<T> {
    /// One whose readers may lie [`limits::STREAM_CHANGES`] behind.
    pub fn new() -> Self {
        Self::with_room(limits::STREAM_CHANGES)
    }

    /// One whose readers may lie `changes` behind: at least 1, at most [`limits::STREAM_CHANGES`], and rounded up to a
    /// power of two. The room for them is taken at once, a few words for each.
    pub fn with_room(changes: usize) -> Self {
        Self(broadcast::Sender::new(
            changes.clamp(1, limits::STREAM_CHANGES),
        ))
    }

    /// Gives a change to everybody who reads, without waiting for anybody: where there is no room, the oldest one goes,
    /// and whoever has not read it is told so.
    ///
    /// O(1), and waking those who wait; nothing is kept where nobody reads.
    pub fn send(&self, change: T) {
        if self.readers() > 0 {
            // An error says that the last reader has gone meanwhile.
            let _ = self.0.send(Arc::new(change));
        }
    }

    /// How many read. A writer for whom a change costs something need not make it for nobody.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl<T: Send + Sync + 'static> ChangeSender<T> {
    /// The changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> ChangeStream<T> {
        ChangeStream::new(self.0.subscribe())
    }
}

impl<T> Default for ChangeSender<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for ChangeSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for ChangeSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSender")
            .field("readers", &self.readers())
            .finish_non_exhaustive()
    }
}
