use super::{
    frame::{Assembler, Cutter},
    message::{Message, Reason, Request},
    retry::Retry,
};
use crate::limits;

/// A client's connection to a relay: when to connect, the handshake, frames, and silence. It knows
/// no documents.
pub(super) struct Link {
    /// The only protocol that the client speaks.
    protocol: u16,
    credentials: Vec<u8>,
    /// The credentials in the hello of this connection. If the relay rejects the hello, it has
    /// rejected only these.
    shown: Vec<u8>,
    state: LinkState,
    pub(super) retry: Retry,
    assembler: Assembler,
    cutter: Cutter,
    frames: Vec<Vec<u8>>,
    /// The times at which the last frame was received and the last one was sent.
    heard_ms: u64,
    said_ms: u64,
    /// The silence in milliseconds after which the connection is considered dead.
    silence_ms: u64,
    /// The reason why the last connection ended or failed.
    ended: Option<(Reason, String)>,
}

/// The factor by which delays grow after the relay rejected the credentials, up to five minutes.
pub(super) const REFUSED_FACTOR: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    /// There is no connection. The next attempt is due at `until_ms`.
    Waiting {
        until_ms: u64,
    },
    /// The connection is being opened.
    Connecting,
    /// The hello is sent; the relay has not answered.
    Introduced,
    Welcome,
    /// The driver must close the connection.
    Ending,
    /// The relay and this build have no protocol in common. The client does not retry.
    Refused,
}

/// An action that the driver must perform on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionAction {
    /// Nothing needs to be done.
    Stay,
    /// The driver must open a connection and report the result with
    /// [`connected`](super::Client::connected) or [`disconnected`](super::Client::disconnected).
    Connect,
    /// The driver must close the connection once all frames are sent, and report that with
    /// [`disconnected`](super::Client::disconnected).
    Disconnect,
}

impl Link {
    pub(super) fn new(protocol: u16, credentials: Vec<u8>, seed: u64) -> Self {
        Self {
            protocol,
            credentials,
            shown: Vec::new(),
            state: LinkState::Waiting { until_ms: 0 },
            retry: Retry::new(seed),
            assembler: Assembler::default(),
            cutter: Cutter::default(),
            frames: Vec::new(),
            heard_ms: 0,
            said_ms: 0,
            silence_ms: limits::SILENCE_MS,
            ended: None,
        }
    }

    /// Sets the credentials and sends them on the open connection. If the relay rejected the former
    /// ones, connects immediately.
    pub(super) fn set_credentials(&mut self, credentials: Vec<u8>) {
        self.credentials = credentials;
        match self.state {
            LinkState::Welcome => self.renew(),
            LinkState::Refused => self.state = LinkState::Waiting { until_ms: 0 },
            LinkState::Waiting { .. } if self.is_unauthorized() => {
                self.state = LinkState::Waiting { until_ms: 0 };
            }
            _ => {}
        }
    }

    /// Returns whether the relay rejected the credentials, possibly by mistake.
    fn is_unauthorized(&self) -> bool {
        matches!(self.ended, Some((Reason::Unauthorized, _)))
    }

    /// Sends the new credentials. Rejected documents are opened again after the answer, since
    /// earlier rejections concern the old credentials.
    fn renew(&mut self) {
        self.say(&Request::Renew {
            credentials: self.credentials.clone(),
        });
    }

    /// Returns the action that the driver must perform on the connection now. A client without
    /// documents does not connect.
    pub(super) fn next_action(&mut self, now_ms: u64, has_documents: bool) -> ConnectionAction {
        match self.state {
            LinkState::Waiting { until_ms } if until_ms <= now_ms && has_documents => {
                self.state = LinkState::Connecting;
                self.heard_ms = now_ms;
                self.ended = None;
                ConnectionAction::Connect
            }
            LinkState::Ending => ConnectionAction::Disconnect,
            _ => ConnectionAction::Stay,
        }
    }

    /// Starts the handshake on a new connection.
    pub(super) fn connected(&mut self, now_ms: u64) {
        self.assembler = Assembler::default();
        self.cutter = Cutter::default();
        self.frames.clear();
        self.heard_ms = now_ms;
        self.said_ms = now_ms;
        self.silence_ms = limits::SILENCE_MS;
        self.state = LinkState::Introduced;
        self.shown.clone_from(&self.credentials);
        self.say(&Request::Hello {
            newest: self.protocol,
            oldest: self.protocol,
            deflate: cfg!(feature = "deflate"),
            credentials: self.credentials.clone(),
        });
    }

    /// Ends the handshake.
    pub(super) fn welcomed(&mut self, silence_ms: u32) {
        self.state = LinkState::Welcome;
        self.silence_ms = u64::from(silence_ms).clamp(1_000, 10 * limits::SILENCE_MS);
        self.retry.succeeded();
        if self.shown != self.credentials {
            self.renew();
        }
    }

    /// Handles the end of a connection, or an attempt that failed.
    pub(super) fn disconnected(&mut self, now_ms: u64) {
        self.frames.clear();
        let mut delay_ms = self.retry.delay_ms();
        self.state = match &self.ended {
            Some((Reason::Unsupported, _)) => LinkState::Refused,
            ended => {
                if matches!(ended, Some((Reason::Unauthorized, _))) {
                    delay_ms = match self.shown == self.credentials {
                        true => REFUSED_FACTOR * delay_ms,
                        // New credentials are set, so try them immediately.
                        false => 0,
                    };
                }
                let until_ms = now_ms.saturating_add(delay_ms);
                LinkState::Waiting { until_ms }
            }
        };
    }

    /// Makes the next attempt due.
    pub(super) fn hurry(&mut self) {
        if let LinkState::Waiting { until_ms } = &mut self.state {
            *until_ms = 0;
        }
    }

    /// Handles a received frame. Returns a message once it is complete. An invalid frame ends the
    /// connection.
    pub(super) fn receive<M: Message>(&mut self, frame: &[u8], now_ms: u64) -> Option<M> {
        if !matches!(self.state, LinkState::Introduced | LinkState::Welcome) {
            return None;
        }
        self.heard_ms = now_ms;
        let limits = (limits::FRAME_BYTES, limits::RESPONSE_BYTES);
        let taken = self.assembler.take(frame, limits, M::decode);
        taken.unwrap_or_else(|error| {
            self.end(Reason::Malformed, error.to_string());
            None
        })
    }

    /// Returns the next frame to send.
    pub(super) fn next_frame(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        if self.frames.is_empty() {
            return None;
        }
        // There is usually one frame, and a list takes less code in a page than a queue.
        let frame = self.frames.remove(0);
        self.said_ms = now_ms;
        Some(frame)
    }

    /// Returns the time at which to call [`wake`](Link::wake), unless another event occurs before.
    pub(super) fn wake_at(&self, has_documents: bool) -> Option<u64> {
        match self.state {
            LinkState::Waiting { .. } if !has_documents => None,
            LinkState::Waiting { until_ms } => Some(until_ms),
            LinkState::Connecting | LinkState::Introduced => {
                Some(self.heard_ms + limits::HANDSHAKE_MS)
            }
            LinkState::Welcome => {
                let dead = self.heard_ms + self.silence_ms;
                let ping = self.said_ms + self.silence_ms / 3;
                Some(dead.min(ping))
            }
            LinkState::Ending | LinkState::Refused => None,
        }
    }

    /// Ends a silent connection, or keeps it alive.
    pub(super) fn wake(&mut self, now_ms: u64) {
        let silent = now_ms.saturating_sub(self.heard_ms);
        match self.state {
            LinkState::Connecting | LinkState::Introduced if silent >= limits::HANDSHAKE_MS => {
                self.end(Reason::Timeout, "the relay does not answer".to_owned());
            }
            LinkState::Welcome if silent >= self.silence_ms => {
                self.end(
                    Reason::Timeout,
                    "the relay has stopped answering".to_owned(),
                );
            }
            LinkState::Welcome if now_ms.saturating_sub(self.said_ms) >= self.silence_ms / 3 => {
                self.said_ms = now_ms;
                self.say(&Request::Ping);
            }
            _ => {}
        }
    }

    pub(super) fn state(&self) -> LinkState {
        self.state
    }

    /// Returns whether the connection is open and the relay has admitted this client.
    pub(super) fn is_welcome(&self) -> bool {
        self.state == LinkState::Welcome
    }

    /// Returns the time at which the last frame was received.
    pub(super) fn heard_ms(&self) -> u64 {
        self.heard_ms
    }

    /// Returns why the last connection ended, if the client is not connected.
    pub(super) fn ended(&self) -> Option<(Reason, &str)> {
        let (reason, text) = self.ended.as_ref()?;
        Some((*reason, text))
    }

    /// Queues the frames of a message.
    pub(super) fn say(&mut self, message: &impl Message) {
        let write = |out: &mut Vec<u8>| message.encode(cfg!(feature = "deflate"), out);
        self.cutter.cut(&mut self.frames, write);
    }

    /// Ends the connection.
    pub(super) fn end(&mut self, reason: Reason, text: String) {
        self.ended = Some((reason, text));
        self.state = LinkState::Ending;
        self.frames.clear();
    }
}
