/// The place where a document is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageKind {
    /// The storage is being opened. Edits are queued.
    Opening,
    /// The browser's IndexedDB.
    IndexedDb,
    /// Memory only: the browser has no storage for this page, or the storage cannot be read.
    /// Closing the page loses unsent edits. The page retries periodically, and stores everything as
    /// soon as it can.
    Memory,
}
