use std::{collections::BTreeMap, future::ready, sync::Arc};

use http::request::Parts;
use leptos_sync_core::{
    Error, ReplicaId,
    sync::{Channel, Host, Reason},
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    Inner,
    authorizer::User,
    intake::Intake,
    metrics::{Metrics, Refused},
    open::OpenDocument,
    push::Push,
    queue::{Event, Queue},
    readings::Readings,
    transport::{Disconnected, Transport},
};

/// One connection, from its first frame to its last.
pub(super) struct Connection {
    pub(super) relay: Arc<Inner>,
    pub(super) host: Host,
    pub(super) peer: ReplicaId,
    pub(super) request: Parts,
    pub(super) user: Option<User>,
    pub(super) open: BTreeMap<Channel, OpenDocument>,
    pub(super) queue: Queue,
    pub(super) intake: Intake,
    /// The push whose entries are being stored. Further frames wait.
    pub(super) push: Option<Push>,
    /// The permits of the user for reads of documents.
    pub(super) readings: Arc<Semaphore>,
    /// The time when the last frame was received.
    pub(super) received_at: Instant,
    /// Whether the transport accepts no more frames.
    is_disconnected: bool,
    pub(super) closing: watch::Receiver<bool>,
}

/// The next step of a connection.
enum Next {
    /// The next entries of a push.
    Push,
    Frame(Option<Vec<u8>>),
    Event(Option<Event>),
    /// The rates may now permit a frame or a presence that was received too soon.
    Intake,
    Deadline,
    Closing,
}

impl Connection {
    pub(super) fn new(relay: Arc<Inner>, peer: ReplicaId, request: Parts) -> Self {
        relay.metrics.sockets.increment(1.0);
        Self {
            closing: relay.closing.subscribe(),
            intake: Intake::new(relay.options.connection_rates),
            readings: Readings::of_user(),
            push: None,
            queue: Queue::new(relay.metrics.queued.clone()),
            received_at: Instant::now(),
            is_disconnected: false,
            relay,
            host: Host::new(),
            peer,
            request,
            user: None,
            open: BTreeMap::new(),
        }
    }

    /// Serves the connection until either side ends it.
    pub(super) async fn run(mut self, transport: &mut impl Transport) {
        let start = Instant::now();
        let mut last_frame = start;
        while !self.host.is_over() {
            if !self.intake.is_open() {
                // The relay does not read at the moment, so this is not silence of the client.
                last_frame = Instant::now();
            }
            let deadline = self.deadline(start, last_frame);
            let wake = self.intake.wake_at();
            let next = tokio::select! {
                biased;
                // What was received is stored even if the relay shuts down.
                () = ready(()), if self.push.is_some() => Next::Push,
                _ = self.closing.wait_for(|closing| *closing) => Next::Closing,
                () = sleep_until(deadline) => Next::Deadline,
                event = self.queue.next() => Next::Event(event),
                () = sleep_until(wake.unwrap_or(deadline)), if wake.is_some() => Next::Intake,
                frame = transport.receive(), if self.intake.is_open() => Next::Frame(frame),
            };
            let busy = Instant::now();
            match next {
                Next::Push => self.store_next().await,
                Next::Frame(Some(frame)) => {
                    last_frame = busy;
                    self.received_at = busy;
                    self.intake.put(frame);
                    self.process_intake().await;
                }
                Next::Intake => self.process_intake().await,
                Next::Frame(None) => break,
                Next::Event(Some(event)) => self.handle_event(event).await,
                Next::Event(None) => self.bye(
                    Reason::Slow,
                    "this client is too far behind; it has to connect again",
                ),
                Next::Deadline => self.time_out(),
                Next::Closing => self.go_away(),
            }
            if self.flush(transport).await.is_err() {
                break;
            }
            // Frames that arrived meanwhile are still unread, so do not count this time as silence.
            last_frame += busy.elapsed();
        }
    }

    /// Ends the connection if its credentials have expired. Long operations call this between their
    /// steps. Returns whether the connection has ended.
    pub(super) fn ends_by_expiry(&mut self) -> bool {
        let now_ms = self.relay.now_ms();
        let expires = self.user.as_ref().and_then(User::expires_ms);
        if expires.is_some_and(|expires| expires <= now_ms) {
            self.time_out();
        }
        self.is_disconnected || self.host.is_over()
    }

    /// Ends the connection if its credentials have expired or the relay shuts down. Only operations
    /// that can be repeated later call this. Returns whether the connection has ended.
    pub(super) fn ends(&mut self) -> bool {
        if *self.closing.borrow() {
            self.go_away();
        }
        self.ends_by_expiry()
    }

    /// Waits for a turn, at most until the relay shuts down. Returns `None` if the connection has
    /// ended.
    pub(super) async fn turn<T>(&mut self, wait: impl Future<Output = T>) -> Option<T> {
        let turn = tokio::select! {
            turn = wait => Some(turn),
            _ = self.closing.wait_for(|closing| *closing) => None,
        };
        if self.ends() { None } else { turn }
    }

    fn go_away(&mut self) {
        self.bye(Reason::GoingAway, "the relay is shutting down");
    }

    /// Handles the received frames and presences that the rates permit.
    async fn process_intake(&mut self) {
        if let Some(frame) = self.intake.next_frame() {
            self.handle_frame(&frame).await;
        }
        while let Some((channel, data)) = self.intake.next_presence() {
            if let Some(open) = self.open.get(&channel) {
                open.room.set_presence(self.peer, channel, data.into());
            }
        }
    }

    async fn handle_frame(&mut self, frame: &[u8]) {
        match self.host.receive(frame) {
            Ok(Some(request)) => self.handle_request(request).await,
            Ok(None) => {}
            // The host has already answered.
            Err(error) => record_malformed(&error),
        }
    }

    /// Ends the connection with a reason.
    pub(super) fn bye(&mut self, reason: Reason, text: &str) {
        record_end(reason, text);
        self.host.bye(reason, text);
    }

    /// Sends all waiting frames.
    pub(super) async fn flush(
        &mut self,
        transport: &mut impl Transport,
    ) -> Result<(), Disconnected> {
        while !self.is_disconnected
            && let Some(frame) = self.host.next_frame()
        {
            let sent = timeout(self.send_timeout(), transport.send(frame)).await;
            self.is_disconnected = !matches!(sent, Ok(Ok(())));
        }
        match self.is_disconnected {
            false => Ok(()),
            true => Err(Disconnected),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.relay.metrics.sockets.decrement(1.0);
        let channels: Vec<_> = self.open.keys().copied().collect();
        channels.into_iter().for_each(|channel| self.leave(channel));
        if let Some(user) = &self.user {
            self.relay.users.leave(user.name(), &self.queue);
        }
    }
}

/// Records that a malformed frame has ended the connection.
fn record_malformed(error: &Error) {
    let reason = if error.is_limit() {
        Reason::Limit
    } else if error.is_unsupported() {
        Reason::Unsupported
    } else {
        Reason::Malformed
    };
    record_end(reason, &error.to_string());
}

fn record_end(reason: Reason, text: &str) {
    tracing::info!(%reason, text, "ended the connection");
    Metrics::refused(Refused::Connection, reason);
}
