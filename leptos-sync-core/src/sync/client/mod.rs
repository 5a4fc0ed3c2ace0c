//! The client's end of the connection to a relay, for all documents that the client exchanges.

mod boxed;
mod compare;
mod document;
mod exchange;
mod fault;
mod flight;
mod push;
mod respond;
mod session;
#[cfg(test)]
mod tests;

use self::exchange::{Exchange, Phase};
use super::message::{PROTOCOL, Request};
use crate::{
    error::Error,
    limits,
    sync::{
        exchanges::Exchanges,
        link::{ConnectionAction, Link},
        message::{Channel, Reason},
    },
};

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
///  link: Connect ──connected──▶ Hello … Welcome ──▶ Open … Opened ──▶ Read, Page ⇄ Push, Ack, Page
/// ```
pub struct Client<D> {
    link: Link,
    exchanges: Exchanges<Exchange<D>>,
    /// The maximum number of open documents.
    max_documents: usize,
    next_channel: u32,
}

impl<D: Document> Client<D> {
    /// Creates a client without a connection. `seed` randomizes the delays between attempts; use a
    /// different one in each page.
    pub fn new(credentials: Vec<u8>, seed: u64) -> Self {
        Self {
            link: Link::new(PROTOCOL, credentials, seed),
            exchanges: Exchanges::new(),
            max_documents: limits::EXCHANGED_DOCUMENTS,
            next_channel: 0,
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
        // In other phases, the relay does not know the document.
        let is_known = exchange.is_in_use() || exchange.phase == Phase::Closed;
        if self.link.is_welcome() && is_known {
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

    /// Reports that a document has entries that the relay may lack.
    pub fn edited(&mut self, channel: Channel) {
        if !self.link.is_welcome() {
            return;
        }
        if let Some(exchange) = self.exchanges.get_mut(channel) {
            let mut out = Vec::new();
            let done = exchange.push(channel, &mut out);
            self.finish(channel, out, done);
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
            if exchange.is_open() {
                self.say(&Request::Presence { channel, data });
            }
        }
        Ok(())
    }

    /// Sets the credentials and sends them on the open connection. If the relay rejected the former
    /// ones, connects immediately.
    pub fn set_credentials(&mut self, credentials: Vec<u8>) {
        self.link.set_credentials(credentials);
    }

    /// Opens a document again now that the relay has refused or removed.
    pub fn retry(&mut self, channel: Channel) {
        let exchange = self.exchanges.get_mut(channel);
        let ended = |phase| matches!(phase, Phase::Refused | Phase::Removed);
        if exchange.is_some_and(|exchange| ended(exchange.phase)) {
            self.ask_for(channel);
        }
    }

    /// Returns the action that the driver must perform on the connection now.
    pub fn next_action(&mut self, now_ms: u64) -> ConnectionAction {
        self.link.next_action(now_ms, !self.exchanges.is_empty())
    }

    /// Reports that a connection is open.
    pub fn connected(&mut self, now_ms: u64) {
        self.link.connected(now_ms);
    }

    /// Reports that the connection has ended or could not be opened. The client retries after a
    /// delay.
    pub fn disconnected(&mut self, now_ms: u64) {
        self.link.disconnected(now_ms);
        for exchange in self.exchanges.values_mut() {
            if !matches!(exchange.phase, Phase::Refused | Phase::Removed) {
                exchange.reset(Phase::Closed);
            }
        }
    }

    /// Reports that the network is back. The client then retries immediately.
    pub fn hurry(&mut self) {
        self.link.hurry();
    }

    /// Handles a received frame. An invalid frame ends the connection.
    pub fn receive(&mut self, frame: &[u8], now_ms: u64) {
        if let Some(response) = self.link.receive(frame, now_ms) {
            self.respond(response);
        }
    }

    /// Returns the next frame to send.
    pub fn next_frame(&mut self, now_ms: u64) -> Option<Vec<u8>> {
        self.link.next_frame(now_ms)
    }

    /// Returns the time at which to call [`wake`](Client::wake), unless another event occurs
    /// before.
    pub fn wake_at(&self) -> Option<u64> {
        let mut at = self.link.wake_at(!self.exchanges.is_empty())?;
        if self.link.is_welcome() {
            for exchange in self.exchanges.values() {
                at = at.min(exchange.again_at.unwrap_or(at));
            }
        }
        Some(at)
    }

    /// Performs everything that is due at `now_ms`.
    pub fn wake(&mut self, now_ms: u64) {
        self.link.wake(now_ms);
        let due = |exchange: &Exchange<D>| exchange.again_at.is_some_and(|at| at <= now_ms);
        self.ask_for_all(due);
    }

    /// Returns whether the connection is open and the relay has admitted this client.
    pub fn is_welcome(&self) -> bool {
        self.link.is_welcome()
    }

    /// Returns why the last connection ended, if the client is not connected.
    pub fn ended(&self) -> Option<(Reason, &str)> {
        self.link.ended()
    }

    fn ask_for(&mut self, channel: Channel) {
        if !self.link.is_welcome() {
            return;
        }
        let mut open = self.exchanges.channels(Exchange::is_in_use);
        open.retain(|known| *known != channel);
        let max = self.max_documents;
        let has_room = open.len() < max;
        if let Some(exchange) = self.exchanges.get_mut(channel) {
            if has_room {
                let open = exchange.open(channel);
                return self.say(&open);
            }
            exchange.reset(Phase::NoRoom);
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
        self.link.say(request);
    }
}
