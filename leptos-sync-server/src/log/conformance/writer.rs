//! Replicas that write, and short forms of calls.

use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{Entry, IdHead, Page, Sequence},
};

use super::cells::{entry, path, succeeds};
use crate::{DurableLog, History, PushOutcome};

pub(super) const NOW_MS: u64 = 1_700_000_000_000;

pub(super) fn at(ms: u64) -> Time {
    Time::from_ms(NOW_MS + ms)
}

/// The cells of an entry.
pub(super) type Written = Vec<(PathBuf, Option<Vec<u8>>)>;

pub(super) fn set(of: u8) -> Written {
    vec![(path(of), Some(vec![of]))]
}

pub(super) fn removal(of: u8) -> Written {
    vec![(path(of), None)]
}

/// An id and its head, which advances with each entry.
pub(super) struct Writer {
    pub(super) id: u64,
    pub(super) head: IdHead,
}

impl Writer {
    pub(super) fn new(id: u64) -> Self {
        let head = IdHead::default();
        Self { id, head }
    }

    pub(super) fn write(&mut self, time: Time, cells: &Written) -> Entry {
        let entry = entry(self.id, self.head, time, cells);
        self.head = entry.head(self.head);
        entry
    }
}

pub(super) async fn push(
    log: &dyn DurableLog,
    document: &str,
    entries: Vec<Entry>,
    now_ms: u64,
) -> PushOutcome {
    succeeds(log.push(document, "ada", entries, now_ms).await, "push")
}

pub(super) async fn history(log: &dyn DurableLog, document: &str, ids: &[u64]) -> History {
    let ids = ids.iter().copied().map(ReplicaId::new).collect();
    succeeds(log.open(document, ids).await, "open")
}

pub(super) async fn page(log: &dyn DurableLog, after: u64, bytes: usize) -> Option<Page> {
    let page = log.page("board", Sequence::new(after), bytes).await;
    succeeds(page, "page")
}

/// Returns a path among many.
pub(super) fn numbered(at: u32) -> PathBuf {
    PathBuf::new().child(b"cards").child(&at.to_be_bytes())
}
