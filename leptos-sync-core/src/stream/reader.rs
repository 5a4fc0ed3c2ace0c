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

/// A stream of all changes sent since it was created, in order.
///
/// A reader that falls too far behind receives [`Lagged`] once, with the number of missed changes,
/// and then the oldest remaining ones. The stream ends when all
/// [`ChangeSender`](super::ChangeSender)s are dropped and all changes are read. Readers are
/// independent of each other.
///
/// A copy that follows a document and loses nothing, even if it is slow:
///
/// ```
/// use leptos_sync_core::{Delta, Doc, Error, Id, LwwMap, stream::ChangeStream};
///
/// async fn follow(
///     mut changes: ChangeStream<Delta>, // subscribed before the copy was made, so there is no gap
///     copy: &mut Doc<LwwMap<Id, String>>,
///     original: impl Fn() -> Doc<LwwMap<Id, String>>,
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

    /// Waits for the next change. Returns `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if changes were missed. The stream continues after it.
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
