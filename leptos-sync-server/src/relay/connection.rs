use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use http::request::Parts;
use leptos_sync_core::{
    Error, ReplicaId,
    sync::{Channel, ClientRequest, Host, Reason, Response},
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument as _;

use super::{
    Inner,
    authorizer::User,
    check::READ_ONLY,
    intake::{Flood, Intake},
    metrics::{Metrics, Refused},
    open::{OpenDocument, closed},
    queue::{Event, Queue},
    readings::Readings,
    transport::{Disconnected, Transport},
    uploads::{Full, Uploads},
};

/// One connection, from its first frame to its last.
pub(super) struct Connection {
    pub(super) relay: Arc<Inner>,
    pub(super) host: Host,
    pub(super) peer: ReplicaId,
    pub(super) request: Parts,
    pub(super) user: Option<User>,
    pub(super) open: BTreeMap<Channel, OpenDocument>,
    /// The replica ids that are known to be bound to the user.
    pub(super) own_replicas: HashSet<ReplicaId>,
    pub(super) queue: Queue,
    pub(super) intake: Intake,
    pub(super) uploads: Uploads,
    /// The permits of the user for reads of documents.
    pub(super) readings: Arc<Semaphore>,
    /// The time when the last frame was received.
    pub(super) received_at: Instant,
    /// Whether the transport accepts no more frames.
    is_disconnected: bool,
    closing: watch::Receiver<bool>,
}

/// The next step of a connection.
enum Next {
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
            uploads: Uploads::new(Arc::clone(&relay.uploads)),
            queue: Queue::new(relay.metrics.queued.clone()),
            received_at: Instant::now(),
            is_disconnected: false,
            relay,
            host: Host::new(),
            peer,
            request,
            user: None,
            open: BTreeMap::new(),
            own_replicas: HashSet::new(),
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
                _ = self.closing.wait_for(|closing| *closing) => Next::Closing,
                () = sleep_until(deadline) => Next::Deadline,
                event = self.queue.next() => Next::Event(event),
                () = sleep_until(wake.unwrap_or(deadline)), if wake.is_some() => Next::Intake,
                frame = transport.receive(), if self.intake.is_open() => Next::Frame(frame),
            };
            let busy = Instant::now();
            match next {
                Next::Frame(Some(frame)) => {
                    last_frame = busy;
                    self.received_at = busy;
                    self.intake.put(frame);
                    self.process_intake(transport).await;
                }
                Next::Intake => self.process_intake(transport).await,
                Next::Frame(None) => break,
                Next::Event(Some(event)) => self.handle_event(event).await,
                Next::Event(None) => self.bye(
                    Reason::Slow,
                    "this client is too far behind; it has to connect again",
                ),
                Next::Deadline => match self.uploads.expired() {
                    Some(channel) => self.time_out_upload(channel),
                    None => self.time_out(),
                },
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
    async fn process_intake(&mut self, transport: &mut impl Transport) {
        if let Some(frame) = self.intake.next_frame() {
            self.handle_frame(&frame, transport).await;
        }
        while let Some((channel, data)) = self.intake.next_presence() {
            if let Some(open) = self.open.get(&channel) {
                open.room.set_presence(self.peer, channel, data.into());
            }
        }
    }

    async fn handle_frame(&mut self, frame: &[u8], transport: &mut impl Transport) {
        let ask = match self.host.receive(frame) {
            Ok(Some(ask)) => ask,
            Ok(None) => return,
            // The host has already answered.
            Err(error) => return record_malformed(&error),
        };
        match ask {
            ClientRequest::Admission {
                protocol,
                credentials,
                again,
            } => self.admit(protocol, &credentials, again).await,
            ClientRequest::Open {
                channel,
                document,
                schema,
                version,
            } => {
                let span = tracing::debug_span!("document", name = document);
                let opened = self.open(channel, document, schema, &version, transport);
                if let Err(closed) = opened.instrument(span.clone()).await {
                    span.in_scope(|| self.close(closed));
                }
            }
            ClientRequest::Push {
                channel,
                deltas,
                in_parts,
            } => {
                let name = self.open.get(&channel).map(|open| &*open.document);
                let span = tracing::debug_span!("document", name);
                self.push(channel, deltas, in_parts).instrument(span).await;
                self.uploads.end(channel);
            }
            ClientRequest::Part { channel, bytes } => {
                if let Err(Full(text)) = self.uploads.add(channel, bytes) {
                    self.close(closed(channel, Reason::Unavailable, text));
                }
            }
            ClientRequest::RefusedParts { channel, upto } => {
                self.uploads.end(channel);
                self.answer_reject(channel, upto, Reason::Forbidden, READ_ONLY);
            }
            ClientRequest::Presence { channel, data } => {
                if self.open.contains_key(&channel)
                    && let Err(Flood) = self.intake.put_presence(channel, data)
                {
                    self.bye(
                        Reason::Limit,
                        "the client sends presence far more often than this relay allows",
                    );
                }
            }
            ClientRequest::Leave { channel } => self.leave(channel),
            ClientRequest::Ping => self.host.send(&Response::Pong {
                now_ms: self.relay.now_ms(),
            }),
        }
    }

    async fn handle_event(&mut self, event: Event) {
        match event {
            Event::Deltas { channel, deltas } => {
                if self.open.contains_key(&channel) {
                    let send = |delta| self.host.broadcast(channel, delta);
                    deltas.iter().for_each(send);
                }
            }
            Event::Presence {
                channel,
                peer,
                presence,
            } => {
                if self.open.contains_key(&channel) {
                    self.host.send(&Response::Presence {
                        channel,
                        peer,
                        user: presence.user.as_ref().to_owned(),
                        data: presence.data.to_vec(),
                    });
                }
            }
            Event::Closed {
                channel,
                reason,
                text,
            } => self.close(closed(channel, reason, text)),
            Event::Recheck => self.recheck().await,
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
