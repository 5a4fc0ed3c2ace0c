use std::{fmt, sync::Arc};

use super::Once;
use crate::error::Error;

/// A value that is loaded once, on first use.
///
/// Concurrent callers share one load, which runs in the task of the first one. If that task is
/// dropped, the next waiting caller loads. No task is spawned and no runtime is needed.
///
/// ```
/// use leptos_sync_core::{
///     Clock, Doc, Id, LwwMap, ReplicaId, engine::DocStore, lazy::Lazy, storage::MemoryStorage,
/// };
///
/// let storage = MemoryStorage::new();
/// let notes = Lazy::new(async move || {
///     let clock = Clock::system(ReplicaId::new(1));
///     let mut store = DocStore::new(storage.clone(), "notes")?;
///     Ok(store.load::<LwwMap<Id, String>>(clock).await?.doc)
/// });
/// assert!(notes.get_if_loaded().is_none());
/// # std::pin::pin!(async {
/// let count = notes.get().await?.state().len();
/// # assert!(count == 0 && notes.get_if_loaded().is_some());
/// # Ok::<(), std::sync::Arc<leptos_sync_core::Error>>(())
/// # }).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).map(Result::unwrap);
/// # use std::future::Future;
/// ```
pub struct Lazy<T, F> {
    once: Once<T>,
    load: F,
}

impl<T, F> Lazy<T, F> {
    /// Creates a value that `load` loads. Nothing is loaded yet.
    pub fn new(load: F) -> Self {
        Self {
            once: Once::new(),
            load,
        }
    }

    /// Returns the value if it is loaded. Never waits.
    pub fn get_if_loaded(&self) -> Option<&T> {
        self.once.get()
    }
}

impl<T, F: AsyncFn() -> Result<T, Error>> Lazy<T, F> {
    /// Returns the value and loads it if necessary.
    ///
    /// # Errors
    ///
    /// The error of the load, for all callers that waited for it. The next call tries again.
    pub async fn get(&self) -> Result<&T, Arc<Error>> {
        self.once.get_or_load(|| (self.load)()).await
    }
}

impl<T: fmt::Debug, F> fmt::Debug for Lazy<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lazy").field(&self.get_if_loaded()).finish()
    }
}
