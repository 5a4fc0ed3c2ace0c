//! The client's end of the connection to a relay, for all documents that the client exchanges.

mod document;
mod exchange;
mod exchanges;
mod respond;
mod retry;
#[cfg(test)]
mod tests;

use self::{
    exchange::{Exchange, Stage},
    exchanges::Exchanges,
    retry::Retry,
};
use super::{
    frame::{Assembler, Cutter},
    message::{Channel, Message, PROTOCOL, PROTOCOL_FLOOR, Reason, Request, Response},
};
use crate::{error::Error, limits};

pub use document::Document;

/// The state machine of a client's connection: it consumes and produces frames, and decides when to
/// connect.
///
/// Its driver connects when [`next_action`](Client::next_action) returns
/// [`ConnectionAction::Connect`], passes on received frames, sends the frames from
/// [`next_frame`](Client::next_frame), and calls [`wake`](Client::wake) at the time that
/// [`wake_at`](Client::wake_at) returns. Times are milliseconds of any monotonic clock.
///
/// ```text
///            ┌──────────────── disconnected, after a delay ───────────────┐
///            ▼                                                            │
///  link: Connect ──connected──▶ Hello … Welcome ──▶ Open … Opened ⇄ Push, Ack, Delta, Reject
/// ```
pub struct Client<D> {
    exchanges: Exchanges<D>,
    /// The maximum number of open documents.
    max_documents: usize,
    next_channel: u32,
    credentials: Vec<u8>,
    /// The credentials in the hello of this connection. If the relay rejects the hello, it has
    /// rejected only these.
    shown: Vec<u8>,
    state: State,
    retry: Retry,
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
const REFUSED_FACTOR: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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
    /// [`connected`](Client::connected) or [`disconnected`](Client::disconnected).
    Connect,
    /// The driver must close the connection once all frames are sent, and report that with
    /// [`disconnected`](Client::disconnected).
    Disconnect,
}

impl<D: Document> Client<D> {
    /// Creates a client without a connection. `seed` randomizes the delays between attempts; use a
    /// different one in each page.
    pub fn new(credentials: Vec<u8>, seed: u64) -> Self {
        Self {
            exchanges: Exchanges::new(),
            max_documents: limits::EXCHANGED_DOCUMENTS,
            next_channel: 0,
            credentials,
            shown: Vec::new(),
            state: State::Waiting { until_ms: 0 },
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

    /// Sets the maximum number of open documents, at most [`limits::CHANNELS`]. The default is
    /// [`limits::EXCHANGED_DOCUMENTS`].
    pub fn set_max_documents(&mut self, max: usize) {
        self.max_documents = max.clamp(1, limits::CHANNELS);
    }

    /// Starts the exchange of a document.
    ///
    /// This client and the relay limit how many documents a connection may have open. Those beyond
    /// the limit are [closed](Document::closed) with [`Reason::TooManyDocuments`], and opened as
    /// soon as the client leaves others.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the name is empty or longer than [`limits::NAME_BYTES`].
    pub fn open(&mut self, name: &str, schema: u64, document: D) -> Result<Channel, Error> {
        // A relay would end the whole connection over such a name.
        if name.is_empty() || name.len() > limits::NAME_BYTES {
            return Err(Error::limit(
                "the document name is empty or too long; choose another name",
            ));
        }
        let channel = Channel(self.next_channel);
        self.next_channel = self.next_channel.wrapping_add(1);
        let exchange = Exchange::new(name.to_owned(), schema, document);
        self.exchanges.insert(channel, exchange);
        self.ask_for(channel);
        Ok(channel)
    }

    /// Ends the exchange of a document and returns the document.
    pub fn leave(&mut self, channel: Channel) -> Option<D> {
        let exchange = self.exchanges.remove(channel)?;
        // In other stages, the relay does not know the document.
        let is_known = !matches!(exchange.stage, Stage::NoRoom | Stage::Refused);
        if self.state == State::Welcome && is_known {
            self.say(&Request::Leave { channel });
            self.ask_for_next();
        }
        Some(exchange.document)
    }

    /// Returns the document of a channel.
    pub fn document(&mut self, channel: Channel) -> Option<&mut D> {
        let exchange = self.exchanges.get_mut(channel)?;
        Some(&mut exchange.document)
    }

    /// Reports that a document has transactions that the relay may lack.
    pub fn edited(&mut self, channel: Channel) {
        if self.state != State::Welcome {
            return;
        }
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        let mut requests = Vec::new();
        let pushed = exchange.push(channel, &mut |request| requests.push(request));
        requests.iter().for_each(|request| self.say(request));
        if let Err(error) = pushed {
            self.close(channel, Reason::Other, &error.to_string());
        }
    }

    /// Sends this replica's presence to the other clients. Empty data ends it.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] beyond [`limits::PRESENCE_BYTES`].
    pub fn set_presence(&mut self, channel: Channel, data: Vec<u8>) -> Result<(), Error> {
        if data.len() > limits::PRESENCE_BYTES {
            return Err(Error::limit("the presence data is too large"));
        }
        if let Some(exchange) = self.exchanges.get_mut(channel)
            && exchange.presence.as_ref() != Some(&data)
        {
            exchange.presence = Some(data.clone());
            if exchange.stage == Stage::Open {
                self.say(&Request::Presence { channel, data });
            }
        }
        Ok(())
    }

    /// Sets the credentials and sends them on the open connection. If the relay rejected the former
    /// ones, connects immediately.
    pub fn set_credentials(&mut self, credentials: Vec<u8>) {
        self.credentials = credentials;
        match self.state {
            State::Welcome => self.renew(),
            State::Refused => self.state = State::Waiting { until_ms: 0 },
            State::Waiting { .. } if self.is_unauthorized() => {
                self.state = State::Waiting { until_ms: 0 };
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

    /// Reopens a document that the relay has rejected.
    pub fn retry(&mut self, channel: Channel) {
        let exchange = self.exchanges.get_mut(channel);
        if exchange.is_some_and(|exchange| exchange.stage == Stage::Refused) {
            self.ask_for(channel);
        }
    }

    /// Returns the action that the driver must perform on the connection now.
    pub fn next_action(&mut self, now_ms: u64) -> ConnectionAction {
        match self.state {
            State::Waiting { until_ms } if until_ms <= now_ms && !self.exchanges.is_empty() => {
                self.state = State::Connecting;
                self.heard_ms = now_ms;
                self.ended = None;
                ConnectionAction::Connect
            }
            State::Ending => ConnectionAction::Disconnect,
            _ => ConnectionAction::Stay,
        }
    }

    /// Reports that a connection is open.
    pub fn connected(&mut self, now_ms: u64) {
        self.assembler = Assembler::default();
        self.cutter = Cutter::default();
        self.frames.clear();
        self.heard_ms = now_ms;
        self.said_ms = now_ms;
        self.silence_ms = limits::SILENCE_MS;
        self.state = State::Introduced;
        self.shown.clone_from(&self.credentials);
        self.say(&Request::Hello {
            newest: PROTOCOL,
            oldest: PROTOCOL_FLOOR,
            deflate: cfg!(feature = "deflate"),
            credentials: self.credentials.clone(),
        });
    }

    /// Reports that the connection has ended or could not be opened. The client retries after a
    /// delay.
    pub fn disconnected(&mut self, now_ms: u64) {
        self.frames.clear();
        for exchange in self.exchanges.values_mut() {
            if exchange.stage != Stage::Refused {
                exchange.reset(Stage::Closed);
            }
        }
        let mut delay_ms = self.retry.delay_ms();
        self.state = match &self.ended {
            Some((Reason::Unsupported, _)) => State::Refused,
            ended => {
                if matches!(ended, Some((Reason::Unauthorized, _))) {
                    delay_ms = match self.shown == self.credentials {
                        true => REFUSED_FACTOR * delay_ms,
                        // New credentials are set, so try them immediately.
                        false => 0,
                    };
                }
                let until_ms = now_ms.saturating_add(delay_ms);
                State::Waiting { until_ms }
            }
        };
    }

    /// Reports that the network is back. The client then retries immediately.
    pub fn hurry(&mut self) {
        if let State::Waiting { until_ms } = &mut self.state {
            *until_ms = 0;
        }
    }

    /// Handles a received frame. An invalid frame ends the connection.
    pub fn receive(&mut self, frame: &[u8], now_ms: u64) {
        if !matches!(self.state, State::Introduced | State::Welcome) {
            return;
        }
        self.heard_ms = now_ms;
        let limit = limits::FRAME_BYTES;
        match self.assembler.take(frame, limit, Response::decode) {
            Ok(Some(response)) => self.respond(response),
            Ok(None) => {}
            Err(error) => self.end(Reason::Malformed, error.to_string()),
        }
    }

    /// Returns the next frame to send.
    pub fn next_frame(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        if self.frames.is_empty() {
            return None;
        }
        // There is usually one frame, and a list takes less code in a page than a queue.
        let frame = self.frames.remove(0);
        self.said_ms = now_ms;
        Some(frame)
    }

    /// Returns the time at which to call [`wake`](Client::wake), unless another event occurs
    /// before.
    pub fn wake_at(&self) -> Option<u64> {
        match self.state {
            State::Waiting { .. } if self.exchanges.is_empty() => None,
            State::Waiting { until_ms } => Some(until_ms),
            State::Connecting | State::Introduced => Some(self.heard_ms + limits::HANDSHAKE_MS),
            State::Welcome => {
                let dead = self.heard_ms + self.silence_ms;
                let ping = self.said_ms + self.silence_ms / 3;
                let mut at = dead.min(ping);
                for exchange in self.exchanges.values() {
                    at = at.min(exchange.again_at.unwrap_or(at));
                }
                Some(at)
            }
            State::Ending | State::Refused => None,
        }
    }

    /// Performs everything that is due at `now_ms`.
    pub fn wake(&mut self, now_ms: u64) {
        let silent = now_ms.saturating_sub(self.heard_ms);
        match self.state {
            State::Connecting | State::Introduced if silent >= limits::HANDSHAKE_MS => {
                self.end(Reason::Timeout, "the relay does not answer".to_owned());
            }
            State::Welcome if silent >= self.silence_ms => {
                self.end(
                    Reason::Timeout,
                    "the relay has stopped answering".to_owned(),
                );
            }
            State::Welcome => {
                if now_ms.saturating_sub(self.said_ms) >= self.silence_ms / 3 {
                    self.said_ms = now_ms;
                    self.say(&Request::Ping);
                }
                let due = |exchange: &Exchange<D>| exchange.again_at.is_some_and(|at| at <= now_ms);
                self.ask_for_all(due);
            }
            _ => {}
        }
    }

    /// Returns whether the connection is open and the relay has admitted this client.
    pub fn is_welcome(&self) -> bool {
        self.state == State::Welcome
    }

    /// Returns why the last connection ended, if the client is not connected.
    pub fn ended(&self) -> Option<(Reason, &str)> {
        let (reason, text) = self.ended.as_ref()?;
        Some((*reason, text))
    }

    /// Closes an exchange after an error of the relay or the document.
    fn close(&mut self, channel: Channel, reason: Reason, text: &str) {
        if let Some(exchange) = self.exchanges.get_mut(channel) {
            exchange.reset(Stage::Refused);
            exchange.document.closed(reason, text);
            self.say(&Request::Leave { channel });
            self.ask_for_next();
        }
    }

    fn ask_for(&mut self, channel: Channel) {
        if self.state != State::Welcome {
            return;
        }
        let is_open =
            |exchange: &Exchange<D>| matches!(exchange.stage, Stage::Opening | Stage::Open);
        let mut open = self.exchanges.channels(is_open);
        open.retain(|known| *known != channel);
        let max = self.max_documents;
        let has_room = open.len() < max;
        if let Some(exchange) = self.exchanges.get_mut(channel) {
            if has_room {
                let open = exchange.open(channel);
                return self.say(&open);
            }
            exchange.reset(Stage::NoRoom);
            let text = format!(
                "this page exchanges {max} documents at a time; close one to exchange another"
            );
            exchange.document.closed(Reason::TooManyDocuments, &text);
        }
    }

    fn ask_for_all(&mut self, which: impl Fn(&Exchange<D>) -> bool) {
        for channel in self.exchanges.channels(which) {
            self.ask_for(channel);
        }
    }

    fn say(&mut self, request: &Request) {
        let write = |message: &mut Vec<u8>| request.encode(cfg!(feature = "deflate"), message);
        self.cutter.cut(&mut self.frames, write);
    }

    fn end(&mut self, reason: Reason, text: String) {
        self.ended = Some((reason, text));
        self.state = State::Ending;
        self.frames.clear();
    }
}
