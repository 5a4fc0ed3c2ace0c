use leptos_sync_core::{
    Delta,
    stream::{ChangeSender, ChangeStream},
};
#[cfg(target_arch = "wasm32")]
use leptos_sync_core::{Doc, Error, Root, VersionVector};

use crate::lock::Mutex;

/// The sender of a document's changes. It exists only while there is a reader.
pub(super) struct Feed(Mutex<Option<ChangeSender<Delta>>>);

impl Feed {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Returns a stream of all later changes.
    pub(super) fn subscribe(&self) -> ChangeStream<Delta> {
        self.0.lock().get_or_insert_default().subscribe()
    }

    /// Sends a change. The caller must hold no lock, since readers are woken.
    pub(super) fn send(&self, delta: &Delta) {
        if let Some(sender) = self.read() {
            sender.send(delta.clone());
        }
    }

    /// Returns the sender, if there is a reader.
    fn read(&self) -> Option<ChangeSender<Delta>> {
        let sender = self.0.lock().clone();
        sender.filter(|sender| sender.readers() > 0)
    }
}

#[cfg(target_arch = "wasm32")]
impl Feed {
    /// Returns the version of a document before a change that is not a delta. `None` without a
    /// reader.
    pub(super) fn before<S: Root>(&self, doc: &Doc<S>) -> Option<VersionVector> {
        self.read().map(|_| doc.version().clone())
    }

    /// Returns the changes since `before`.
    pub(super) fn since<S: Root>(
        before: Option<VersionVector>,
        doc: &Doc<S>,
    ) -> Option<Result<Delta, Error>> {
        before.map(|version| doc.delta_since(&version))
    }

    /// Sends the changes, or ends the streams if no delta can express them.
    pub(super) fn tell(&self, since: Option<Result<Delta, Error>>) {
        match since {
            None => {}
            Some(Ok(delta)) => self.send(&delta),
            Some(Err(_)) => self.end(),
        }
    }

    /// Ends the streams.
    pub(super) fn end(&self) {
        let sender = self.0.lock().take();
        // Drop the sender without the lock, since dropping wakes readers.
        drop(sender);
    }
}
