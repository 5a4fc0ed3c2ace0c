use std::{fmt, sync::Arc};

use tokio::sync::broadcast;

use super::ChangeStream;
use crate::limits;

/// The sending end of change streams. A clone sends to the same streams.
///
/// It does not know documents: `T` is a [`Delta`](crate::Delta), a list of keys, or any other
/// description of a change. It spawns no task and needs no runtime.
pub struct ChangeSender<T>(broadcast::Sender<Arc<T>>);

impl<T> ChangeSender<T> {
    /// Creates a sender whose readers may lag by [`limits::STREAM_CHANGES`].
    pub fn new() -> Self {
        Self::with_room(limits::STREAM_CHANGES)
    }

    /// Creates a sender whose readers may lag by `changes`, which is clamped to 1 ..=
    /// [`limits::STREAM_CHANGES`] and rounded up to a power of two. Allocates a few words per
    /// change immediately.
    pub fn with_room(changes: usize) -> Self {
        Self(broadcast::Sender::new(
            changes.clamp(1, limits::STREAM_CHANGES),
        ))
    }

    /// Sends a change to all readers without waiting.
    ///
    /// If the buffer is full, the oldest change is dropped, and readers that have not read it
    /// receive [`Lagged`](super::Lagged). O(1) plus waking the waiting readers. Without readers,
    /// nothing is stored.
    pub fn send(&self, change: T) {
        if self.readers() > 0 {
            // An error means that the last reader was dropped.
            let _ = self.0.send(Arc::new(change));
        }
    }

    /// Returns the number of readers. Use it to avoid creating changes that no one reads.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl<T: Send + Sync + 'static> ChangeSender<T> {
    /// Returns a stream of all later changes.
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
