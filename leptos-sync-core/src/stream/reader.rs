use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::broadcast;
use tokio_stream::{
    Stream,
    wrappers::{BroadcastStream, errors::BroadcastStreamRecvError},
};

use super::Lagged;

/// Changes in the order in which they were sent, from when it was made.
///
/// A reader that has fallen behind by more than there is room for gets [`Lagged`] once, with how many it has missed, and
/// then the oldest that are still there. It ends when no [`ChangeSender`](super::ChangeSender) is left and everything
/// was read. Readers do not know of each other.
///
/// A copy of a document that follows another, and loses nothing however slow it is:
///
/// ```
/// use leptos_sync_core::{ChangeStream, Delta, Doc, Error, LwwMap};
///
/// async fn follow(
///     mut changes: ChangeStream<Delta>, // subscribed before the copy was made, so that nothing lies between
///     copy: &mut Doc<LwwMap<u32, String>>,
///     original: impl Fn() -> Doc<LwwMap<u32, String>>,
/// ) -> Result<(), Error> {
///     while let Some(change) = changes.next().await {
///         match change {
///             Ok(delta) => copy.apply(&delta)?,
///             Err(_lagged) => copy.apply(&original().delta_since(copy.version())?)?,
///         };
///     }
///     Ok(())
/// }
/// ```
pub struct ChangeStream<T>(BroadcastStream<Arc<T>>);

impl<T: Send + Sync + 'static> ChangeStream<T> {
    pub(super) fn new(receiver: broadcast::Receiver<Arc<T>>) -> Self {
        Self(BroadcastStream::new(receiver))
    }

    /// The next change, as soon as there is one; `None` at the end. Where the future is dropped, nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Lagged`] where changes were missed. The stream goes on behind it.
    pub async fn next(&mut self) -> Option<Result<Arc<T>, Lagged>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<T: Send + Sync + 'static> Stream for ChangeStream<T> {
    type Item = Result<Arc<T>, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.0).poll_next(context);
        next.map_err(|BroadcastStreamRecvError::Lagged(missed)| Lagged { missed })
    }
}

impl<T> fmt::Debug for ChangeStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeStream").finish_non_exhaustive()
    }
}
