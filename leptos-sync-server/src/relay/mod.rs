//! The relay: connections, permissions, and the exchange between clients.

mod admit;
mod authorizer;
mod budget;
mod clock;
mod connection;
mod deadlines;
mod health;
mod intake;
mod metrics;
mod open;
mod options;
mod origin;
mod push;
mod queue;
mod rates;
mod read;
mod readings;
mod request;
mod restore;
mod retention;
mod room;
mod router;
mod socket;
pub(crate) mod stored;
mod transport;
mod users;
mod writes;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::request::Parts;
use leptos_sync_core::{ReplicaId, Time};
use tokio::sync::watch;
use tracing::Instrument as _;

use self::{
    connection::Connection, metrics::Metrics, queue::Event, readings::Readings,
    retention::Retention, room::Rooms, users::Users, writes::Writes,
};
use crate::{
    error::Error,
    log::{DurableLog, SealKey},
};

pub use authorizer::{AllowAnyone, Authorizer, Denied, User};
#[cfg(feature = "serve")]
pub(crate) use budget::ReadBudget;
pub use options::RelayOptions;
pub use rates::{Rate, Rates};
pub use router::router;
pub use stored::{EntryAnswer, PushAnswer, StoredDocument};
pub use transport::{Disconnected, Transport};

/// A relay: it stores documents in a [`DurableLog`] and exchanges them between clients.
///
/// The relay stores an edit durably, then acknowledges it, then sends it to the other clients.
/// `Clone` returns another handle to the same relay.
///
/// # Metrics and traces
///
/// The relay reports metrics through the `metrics` crate to the recorder that was installed before
/// the relay was created:
///
/// | Metric | Kind | Meaning |
/// |---|---|---|
/// | `relay_sockets` | gauge | connections |
/// | `relay_documents` | gauge | documents that at least one connection has open |
/// | `relay_queued_events` | gauge | events that wait to be sent to connections |
/// | `relay_transactions_total` | counter | acknowledged transactions |
/// | `relay_operations_total` | counter | cells of acknowledged transactions |
/// | `relay_acknowledge_seconds` | histogram | time from the receipt of a push to its acknowledgement |
/// | `relay_clock_trusted` | gauge | 1, or 0 while the relay distrusts the machine's clock after a jump |
/// | `relay_refused_total` | counter | rejections, by `what` (`connection`, `document`, `transaction`) and `reason` |
///
/// The relay reports traces through the `tracing` crate. A span `connection` has the user's name,
/// and contains a span `document` with the name of each document. There is an event for each
/// admission, opened document, rejection and end of a connection.
///
/// # Example
///
/// ```
/// use axum::Router;
/// use leptos_sync_server::{AllowAnyone, MemoryLog, Relay, router};
///
/// let relay = Relay::new(MemoryLog::new()?, AllowAnyone);
/// let app: Router = Router::new().nest("/sync", router(relay.clone()));
///
/// // Later, after the user's permissions have changed:
/// relay.recheck(Some("ada"));
/// # drop(app);
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    log: Arc<dyn DurableLog>,
    authorizer: Box<dyn Authorizer>,
    key: SealKey,
    options: RelayOptions,
    metrics: Metrics,
    rooms: Rooms,
    users: Users,
    /// The number of jumps of the clock that have begun an epoch of the log.
    jumps: AtomicU64,
    next_peer: AtomicU64,
    writes: Writes,
    readings: Readings,
    retention: Retention,
    /// Whether the relay is shutting down. Each connection holds a receiver, so that the relay
    /// knows when all have ended.
    closing: watch::Sender<bool>,
}

impl Inner {
    /// Returns the relay's time in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64 {
        self.options.clock.now_ms()
    }

    /// Returns a document of the log.
    fn stored(&self, document: &str) -> StoredDocument {
        StoredDocument::new(Arc::clone(&self.log), self.key, document)
            .accept_unproven(self.options.accepts_unproven)
    }

    /// Begins an epoch if the relay has adopted a jump of the clock since the last call.
    fn begin_epoch(&self) -> Result<(), Error> {
        let jumps = self.options.clock.jumps();
        match self.jumps.swap(jumps, Ordering::Relaxed) == jumps {
            true => Ok(()),
            false => self.log.new_epoch(),
        }
    }
}

impl Relay {
    /// Creates a relay for the documents of `log`, with default options.
    pub fn new(log: impl DurableLog, authorizer: impl Authorizer) -> Self {
        Self::with_options(log, authorizer, RelayOptions::default())
    }

    /// Creates a relay with options.
    pub fn with_options(
        log: impl DurableLog,
        authorizer: impl Authorizer,
        options: RelayOptions,
    ) -> Self {
        let metrics = Metrics::new();
        let key = options.seal_key.or_else(|| log.seal_key());
        let key = key.unwrap_or_else(SealKey::of_process);
        let inner = Arc::new(Inner {
            log: Arc::new(log),
            authorizer: Box::new(authorizer),
            key,
            jumps: AtomicU64::new(options.clock.jumps()),
            options,
            rooms: Rooms::new(metrics.documents.clone()),
            metrics,
            users: Users::default(),
            next_peer: AtomicU64::new(1),
            writes: Writes::default(),
            readings: Readings::default(),
            retention: Retention::default(),
            closing: watch::Sender::new(false),
        });
        Retention::start(&inner);
        Self(inner)
    }

    /// Serves one connection until it ends. `request` is the request that opened it.
    ///
    /// If the future is dropped, the connection ends as if the network had failed.
    pub async fn serve(&self, request: Parts, transport: &mut impl Transport) {
        Retention::start(&self.0);
        let peer = ReplicaId::new(self.0.next_peer.fetch_add(1, Ordering::Relaxed));
        let span = tracing::info_span!("connection", %peer, user = tracing::field::Empty);
        let connection = Connection::new(Arc::clone(&self.0), peer, request);
        connection.run(transport).instrument(span).await;
    }

    /// Asks the authorizer again for the permissions of a user, or of all users, for all documents
    /// that they have open. Notifies clients of changes immediately.
    pub fn recheck(&self, user: Option<&str>) {
        let users = &self.0.users;
        users.each(user, |queue| queue.push(Event::Recheck));
    }

    /// Removes the tombstones of a document that are older than `before`. Clients that were offline
    /// longer compare all their cells with the relay's, and restamp their unsent edits. The relay
    /// does this automatically after its [retention](RelayOptions::retention); call this to do it
    /// sooner.
    ///
    /// The latest possible time is [`DRIFT_MS`](leptos_sync_core::limits::DRIFT_MS) before the
    /// relay's time; a later `before` is reduced to it. A later floor would make the relay reject
    /// new edits, and a floor can never be lowered.
    ///
    /// Forgets nothing while the relay distrusts the machine's clock after a jump.
    ///
    /// # Errors
    ///
    /// The errors of the log.
    pub async fn forget_tombstones(&self, document: &str, before: Time) -> Result<(), Error> {
        let before = before.min(self.0.latest_floor());
        self.0.log.forget(document, before, before.ms()).await
    }

    /// Removes a document for good, and closes it for all clients. Nobody can create a document of
    /// this name again: clients learn that it was removed.
    ///
    /// # Errors
    ///
    /// The errors of the log.
    pub async fn remove(&self, document: &str) -> Result<(), Error> {
        self.0.log.remove(document).await?;
        if let Some(room) = self.0.rooms.occupied(document) {
            room.announce(|channel| Event::Removed { channel });
        }
        Ok(())
    }

    /// Stops accepting connections, notifies all clients, and returns when all connections have
    /// ended.
    pub async fn shut_down(&self) {
        self.0.closing.send_replace(true);
        self.0.closing.closed().await;
    }
}
