//! The relay: connections, who may do what, and telling the others.

mod admit;
mod authorizer;
mod connection;
mod health;
mod intake;
mod meters;
mod open;
mod options;
mod origin;
mod push;
mod queue;
mod rates;
mod retention;
mod room;
mod router;
mod transport;
mod users;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use http::request::Parts;
use leptos_sync_core::{ReplicaId, Time, sync::Reason};
use tokio::sync::watch;
use tracing::Instrument as _;

use self::{
    connection::Connection, meters::Meters, queue::Event, retention::Retention, room::Rooms,
    users::Users,
};
use crate::{error::Error, log::DurableLog};

pub use authorizer::{AllowAnyone, Authorizer, Denied, User};
pub use options::RelayOptions;
pub use rates::{Rate, Rates};
pub use router::router;
pub use transport::{Gone, Transport};

/// A relay: keeps documents in a [`DurableLog`] and exchanges them with all who have them open.
///
/// `Clone` gives another handle to the same relay. It answers what is durable, and tells the others of it only then.
///
/// # What it tells of itself
///
/// Figures, through the façade of the `metrics` crate, to the recorder that was installed before the relay was made:
///
/// | Metric | Kind | Meaning |
/// |---|---|---|
/// | `relay_sockets` | gauge | connections |
/// | `relay_documents` | gauge | documents that somebody has open |
/// | `relay_queued_events` | gauge | events that wait to be told to connections |
/// | `relay_transactions_total` | counter | transactions acknowledged |
/// | `relay_operations_total` | counter | cells of these transactions |
/// | `relay_acknowledge_seconds` | histogram | time from the arrival of a push to its acknowledgement |
/// | `relay_refused_total` | counter | what was refused, by `what` (`connection`, `document`, `transaction`) and `reason` |
///
/// And through `tracing`: a span `connection` with the user's name, within it spans `document` with the document's name, and an
/// event for whatever was let in, opened, refused or ended.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    log: Arc<dyn DurableLog>,
    authorizer: Box<dyn Authorizer>,
    options: RelayOptions,
    meters: Meters,
    rooms: Rooms,
    users: Users,
    next_peer: AtomicU64,
    /// Whether the log has failed somebody since it was last seen to take writes.
    log_failed: AtomicBool,
    retention: Retention,
    /// Whether the relay goes down. Each connection holds a receiver, so that all are known to be gone.
    closing: watch::Sender<bool>,
}

impl Inner {
    /// The wall clock, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64 {
        self.options.time.now_ms()
    }
}

impl Relay {
    /// A relay of the documents of `log` for those whom `authorizer` lets in.
    pub fn new(log: impl DurableLog, authorizer: impl Authorizer) -> Self {
        Self::with_options(log, authorizer, RelayOptions::default())
    }

    /// The same with options.
    pub fn with_options(
        log: impl DurableLog,
        authorizer: impl Authorizer,
        options: RelayOptions,
    ) -> Self {
        let meters = Meters::new();
        let inner = Arc::new(Inner {
            log: Arc::new(log),
            authorizer: Box::new(authorizer),
            options,
            rooms: Rooms::new(meters.documents.clone()),
            meters,
            users: Users::default(),
            next_peer: AtomicU64::new(1),
            log_failed: AtomicBool::new(false),
            retention: Retention::default(),
            closing: watch::Sender::new(false),
        });
        Retention::start(&inner);
        Self(inner)
    }

    /// Serves one connection until it ends. `request` is the one that opened it.
    ///
    /// When the future is dropped, the connection ends there, as if the network had failed.
    pub async fn serve(&self, request: Parts, transport: &mut impl Transport) {
        Retention::start(&self.0);
        let peer = ReplicaId::new(self.0.next_peer.fetch_add(1, Ordering::Relaxed));
        let span = tracing::info_span!("connection", %peer, user = tracing::field::Empty);
        let connection = Connection::new(Arc::clone(&self.0), peer, request);
        connection.run(transport).instrument(span).await;
    }

    /// Asks the authorizer again what the user may do to the documents that they have open; of all users, if none is named.
    /// Who may no longer see a document is told so at once.
    pub fn recheck(&self, user: Option<&str>) {
        let users = &self.0.users;
        users.each(user, |queue| queue.push(Event::Recheck));
    }

    /// Forgets the tombstones of a document that are older than `before`: who was away for longer gets the whole state, and
    /// operations below it that were never acknowledged are stamped anew by their authors. The relay does so by itself to those
    /// that are older than its [retention](RelayOptions::retention); this is for whoever wants it sooner.
    ///
    /// A `before` that is later than [`DRIFT_MS`](leptos_sync_core::limits::DRIFT_MS) before the relay's time counts as that: a
    /// time in the future would refuse whatever is written until then, since what was forgotten once stays so.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub async fn forget_tombstones(&self, document: &str, before: Time) -> Result<(), Error> {
        let before = before.min(self.0.latest_floor());
        self.0.log.forget_tombstones(document, before).await
    }

    /// Removes a document, and closes it for all who have it open. A replica that opens it again brings back what it has written
    /// itself: who is not to do so may not open it, which the authorizer decides.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub async fn remove(&self, document: &str) -> Result<(), Error> {
        self.0.log.remove(document).await?;
        if let Some(room) = self.0.rooms.occupied(document) {
            room.announce(|channel| Event::Closed {
                channel,
                reason: Reason::Other,
                text: "the document was removed",
            });
        }
        Ok(())
    }

    /// Takes no more connections, tells all that the relay goes down, and returns when they are gone.
    pub async fn shut_down(&self) {
        self.0.closing.send_replace(true);
        self.0.closing.closed().await;
    }
}
