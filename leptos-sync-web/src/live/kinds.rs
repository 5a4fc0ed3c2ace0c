use std::fmt;

use leptos_sync_core::sync::Reason;

/// Where a document is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// Nowhere yet: the storage is being opened. Edits are queued.
    Opening,
    /// In the browser's IndexedDB.
    IndexedDb,
    /// In memory only, until the page is closed: there is no storage here, or the browser refused it.
    Memory,
}

/// How a document stands to its relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// There is none: [`SyncOptions::relay`](crate::SyncOptions::relay) names one.
    Absent,
    /// The relay cannot be reached, or has closed the document for a while. It is tried again; edits wait.
    Offline,
    /// The relay is being connected, or asked for the document.
    Connecting,
    /// The document is exchanged: others' edits come as they are made.
    Online,
    /// The relay does not exchange it with this user. Other credentials are tried at once.
    Refused,
}

/// Why a relay has refused something, or why it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason.
    pub reason: Reason,
    /// What the relay says of it; a sentence for a person who looks for the cause.
    pub text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.text)
    }
}
