use leptos_sync_core::{
    Delta,
    history::Patch,
    stream::{ChangeSender, ChangeStream},
};

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

    /// Sends cells without versions, like [`send`](Feed::send).
    pub(super) fn send_cells(&self, cells: &Patch) {
        if let Some(sender) = self.read() {
            sender.send(cells.to_delta());
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
    /// Ends the streams.
    pub(super) fn end(&self) {
        let sender = self.0.lock().take();
        // Drop the sender without the lock, since dropping wakes readers.
        drop(sender);
    }
}
