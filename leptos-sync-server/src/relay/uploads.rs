use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use leptos_sync_core::sync::Channel;
use tokio::time::Instant;

use crate::limits;

/// The deltas that a connection is receiving in parts. The parts of a delta stay in memory until
/// the last one arrives. So each delta has a time limit, and the size of all parts is bounded per
/// user and in total.
pub(super) struct Uploads {
    begun: BTreeMap<Channel, Upload>,
    user: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
}

struct Upload {
    since: Instant,
    bytes: usize,
}

/// The error that the uploads of the user, or of all users, already take the permitted memory.
pub(super) struct Full(pub(super) &'static str);

impl Uploads {
    /// Creates the uploads of a new connection. `all` counts the bytes of all connections.
    pub(super) fn new(all: Arc<AtomicUsize>) -> Self {
        Self {
            begun: BTreeMap::new(),
            user: Arc::default(),
            all,
        }
    }

    /// Sets the counter that all connections of the user share, before the first upload.
    pub(super) fn set_user(&mut self, user: Arc<AtomicUsize>) {
        self.user = user;
    }

    /// Records the size of the parts of a document's delta.
    pub(super) fn add(&mut self, channel: Channel, bytes: usize) -> Result<(), Full> {
        let upload = self.begun.entry(channel).or_insert_with(|| Upload {
            since: Instant::now(),
            bytes: 0,
        });
        let more = bytes.saturating_sub(upload.bytes);
        upload.bytes += more;
        let user = self.user.fetch_add(more, Ordering::Relaxed) + more;
        let all = self.all.fetch_add(more, Ordering::Relaxed) + more;
        if user > limits::USER_PARTS_BYTES {
            return Err(Full(
                "this user's uploads take as much memory as the relay allows; try again later",
            ));
        }
        if all > limits::ALL_PARTS_BYTES {
            return Err(Full(
                "the uploads of all users take as much memory as the relay allows; try again later",
            ));
        }
        Ok(())
    }

    /// Records that the parts of a document's delta are no longer in memory.
    pub(super) fn end(&mut self, channel: Channel) {
        if let Some(Upload { bytes, .. }) = self.begun.remove(&channel) {
            self.user.fetch_sub(bytes, Ordering::Relaxed);
            self.all.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Returns the time by which the first upload must have ended.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let first = self.begun.values().map(|upload| upload.since).min();
        first.map(|since| since + Duration::from_millis(limits::PARTS_MS))
    }

    /// Returns a document whose upload has taken too long.
    pub(super) fn expired(&self) -> Option<Channel> {
        let limit = Duration::from_millis(limits::PARTS_MS);
        let mut begun = self.begun.iter();
        let expired = begun.find(|(_, upload)| upload.since.elapsed() >= limit);
        expired.map(|(&channel, _)| channel)
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        let channels: Vec<_> = self.begun.keys().copied().collect();
        channels.into_iter().for_each(|channel| self.end(channel));
    }
}
