use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use http::request::Parts;
use leptos_sync_core::{
    Error, ReplicaId,
    sync::{Ask, Channel, Host, Reason, Response},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tracing::Instrument as _;

use super::{
    Inner,
    authorizer::User,
    intake::{Flood, Intake},
    meters::{Meters, Refused},
    open::{Open, closed},
    queue::{Event, Queue},
    transport::{Gone, Transport},
};
use crate::limits;

/// One connection, from the first frame to the last.
pub(super) struct Connection {
    pub(super) relay: Arc<Inner>,
    pub(super) host: Host,
    pub(super) peer: ReplicaId,
    pub(super) request: Parts,
    pub(super) user: Option<User>,
    pub(super) open: BTreeMap<Channel, Open>,
    /// Replica ids that are known to be the user's.
    pub(super) bound: HashSet<ReplicaId>,
    pub(super) queue: Queue,
    pub(super) intake: Intake,
    /// When the last frame came.
    pub(super) came: Instant,
    /// Whether the transport takes no more.
    gone: bool,
    closing: watch::Receiver<bool>,
}

/// What happens next on a connection.
enum Next {
    Frame(Option<Vec<u8>>),
    Event(Option<Event>),
    /// It may be time for what has come too soon.
    Intake,
    Deadline,
    Closing,
}

impl Connection {
    pub(super) fn new(relay: Arc<Inner>, peer: ReplicaId, request: Parts) -> Self {
        relay.meters.sockets.increment(1.0);
        Self {
            closing: relay.closing.subscribe(),
            intake: Intake::new(relay.options.connection_rates),
            queue: Queue::new(relay.meters.queued.clone()),
            came: Instant::now(),
            gone: false,
            relay,
            host: Host::new(),
            peer,
            request,
            user: None,
            open: BTreeMap::new(),
            bound: HashSet::new(),
        }
    }

    /// Serves until either side ends it.
    pub(super) async fn run(mut self, transport: &mut impl Transport) {
        let start = Instant::now();
        let mut heard = start;
        while !self.host.is_over() {
            if !self.intake.is_open() {
                // It is not the replica that keeps silent.
                heard = Instant::now();
            }
            let deadline = self.deadline(start, heard);
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
                    heard = busy;
                    self.came = busy;
                    self.intake.put(frame);
                    self.take_in(transport).await;
                }
                Next::Intake => self.take_in(transport).await,
                Next::Frame(None) => break,
                Next::Event(Some(event)) => self.event(event).await,
                Next::Event(None) => self.bye(Reason::Slow, "too far behind; come back"),
                Next::Deadline => self.overdue(),
                Next::Closing => self.go_away(),
            }
            if self.flush(transport).await.is_err() {
                break;
            }
            // What the replica has said meanwhile waits to be read: it was not silent.
            heard += busy.elapsed();
        }
    }

    /// Ends the connection of somebody who is let in no longer: also while much is sent or stored. Returns whether it has ended.
    pub(super) fn expires(&mut self) -> bool {
        let now_ms = self.relay.now_ms();
        let expires = self.user.as_ref().and_then(User::expires_ms);
        if expires.is_some_and(|expires| expires <= now_ms) {
            self.overdue();
        }
        self.gone || self.host.is_over()
    }

    /// As [`expires`](Connection::expires), and where the relay goes down: what has come is stored by then, and what is sent can
    /// be had later.
    pub(super) fn ends(&mut self) -> bool {
        if *self.closing.borrow() {
            self.go_away();
        }
        self.expires()
    }

    fn go_away(&mut self) {
        self.bye(Reason::GoingAway, "the relay goes down");
    }

    /// Until when something has to happen.
    fn deadline(&self, start: Instant, heard: Instant) -> Instant {
        if !self.host.is_welcome() {
            return start + Duration::from_millis(leptos_sync_core::limits::HANDSHAKE_MS);
        }
        let silence = heard + Duration::from_millis(self.relay.options.silence_ms.into());
        let expires = self.user.as_ref().and_then(User::expires_ms);
        match expires {
            Some(ms) => {
                let left = ms.saturating_sub(self.relay.now_ms());
                silence.min(Instant::now() + Duration::from_millis(left))
            }
            None => silence,
        }
    }

    fn overdue(&mut self) {
        let now_ms = self.relay.now_ms();
        let expires = self.user.as_ref().and_then(User::expires_ms);
        if !self.host.is_welcome() {
            self.bye(Reason::Timeout, "no hello came in time");
        } else if expires.is_some_and(|expires| expires <= now_ms) {
            self.bye(Reason::Unauthorized, "the credentials have expired");
        } else {
            self.bye(Reason::Timeout, "nothing was heard for too long");
        }
    }

    /// Goes on with what has come, as far as it is time.
    async fn take_in(&mut self, transport: &mut impl Transport) {
        if let Some(frame) = self.intake.next_frame() {
            self.hear(&frame, transport).await;
        }
        while let Some((channel, data)) = self.intake.next_presence() {
            if let Some(open) = self.open.get(&channel) {
                open.room.tell(self.peer, channel, data.into());
            }
        }
    }

    async fn hear(&mut self, frame: &[u8], transport: &mut impl Transport) {
        let ask = match self.host.receive(frame) {
            Ok(Some(ask)) => ask,
            Ok(None) => return,
            // The host has told the replica.
            Err(error) => return Self::misunderstood(&error),
        };
        match ask {
            Ask::Admission {
                protocol,
                credentials,
                again,
            } => self.admit(protocol, &credentials, again).await,
            Ask::Open {
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
            Ask::Push { channel, deltas } => {
                let name = self.open.get(&channel).map(|open| &*open.document);
                let span = tracing::debug_span!("document", name);
                self.push(channel, deltas).instrument(span).await;
            }
            Ask::Presence { channel, data } => {
                if self.open.contains_key(&channel)
                    && let Err(Flood) = self.intake.put_presence(channel, data)
                {
                    self.bye(Reason::Limit, "presence is told far too often");
                }
            }
            Ask::Leave { channel } => self.leave(channel),
            Ask::Ping => self.host.send(&Response::Pong {
                now_ms: self.relay.now_ms(),
            }),
        }
    }

    async fn event(&mut self, event: Event) {
        match event {
            Event::Deltas { channel, deltas } => {
                if self.open.contains_key(&channel) {
                    let tell = |delta| self.host.broadcast(channel, delta);
                    deltas.iter().for_each(tell);
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

    /// Ends the connection, and says why.
    pub(super) fn bye(&mut self, reason: Reason, text: &str) {
        ended(reason, text);
        self.host.bye(reason, text);
    }

    /// A frame that was not as the protocol says has ended the connection.
    fn misunderstood(error: &Error) {
        let reason = if error.is_limit() {
            Reason::Limit
        } else if error.is_unsupported() {
            Reason::Unsupported
        } else {
            Reason::Malformed
        };
        ended(reason, &error.to_string());
    }

    /// Sends what waits.
    pub(super) async fn flush(&mut self, transport: &mut impl Transport) -> Result<(), Gone> {
        while !self.gone
            && let Some(frame) = self.host.next_frame()
        {
            let sent = timeout(self.patience(), transport.send(frame)).await;
            self.gone = !matches!(sent, Ok(Ok(())));
        }
        match self.gone {
            false => Ok(()),
            true => Err(Gone),
        }
    }

    /// How long the transport may take for a frame: no longer than the user is let in, or, once the connection has ended, than it
    /// may linger.
    fn patience(&self) -> Duration {
        if self.host.is_over() {
            return Duration::from_millis(limits::LINGER_MS);
        }
        let expires = self.user.as_ref().and_then(User::expires_ms);
        let left = expires.map(|expires| expires.saturating_sub(self.relay.now_ms()));
        // A moment is left to those who are about to be told so.
        let left = left.map_or(limits::SEND_MS, |ms| {
            ms.saturating_add(limits::LINGER_MS / 2)
        });
        Duration::from_millis(left.min(limits::SEND_MS))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.relay.meters.sockets.decrement(1.0);
        let channels: Vec<_> = self.open.keys().copied().collect();
        channels.into_iter().for_each(|channel| self.leave(channel));
        if let Some(user) = &self.user {
            self.relay.users.leave(user.name(), &self.queue);
        }
    }
}

fn ended(reason: Reason, text: &str) {
    tracing::info!(%reason, text, "ended");
    Meters::refused(Refused::Connection, reason);
}
