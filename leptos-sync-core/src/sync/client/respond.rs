use super::{
    Client, Document,
    exchange::{Exchange, Phase},
    fault::Fault,
};
use crate::sync::{
    link::{LinkState, REFUSED_FACTOR},
    message::{Channel, Reason, Request, Response},
};

/// The number of consecutive restarts without a delay. Clock jumps and lost frames cause one or
/// two.
const RESTARTS: u32 = 8;

impl<D: Document> Client<D> {
    /// Handles a message from the relay.
    pub(super) fn respond(&mut self, response: Response) {
        match (self.link.state(), response) {
            (_, Response::Bye { reason, text }) => self.link.end(reason, text),
            (LinkState::Introduced, Response::Welcome { silence_ms, .. }) => {
                self.link.welcomed(silence_ms);
                self.ask_for_all(|exchange| exchange.phase != Phase::Removed);
            }
            (LinkState::Welcome, Response::Welcome { .. }) => {
                self.violation("the relay sent a message out of order");
            }
            (LinkState::Welcome, Response::Renewed) => {
                self.ask_for_all(|exchange| exchange.phase == Phase::Refused);
            }
            (LinkState::Welcome, response) => {
                if let Some(channel) = response.channel() {
                    self.exchange(channel, response);
                }
            }
            _ => self.violation("the relay's first message is not a welcome"),
        }
    }

    fn violation(&mut self, text: &str) {
        self.link.end(Reason::Malformed, text.to_owned());
    }

    /// Handles a message about one document.
    fn exchange(&mut self, channel: Channel, response: Response) {
        let now_ms = self.link.heard_ms();
        // Otherwise, the relay sent this before it received the leave request.
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        if !exchange.is_in_use() {
            return;
        }
        let mut out = Vec::new();
        let done = match response {
            Response::Closed { reason, text, .. } => {
                return self.suspend(channel, reason, &text, false);
            }
            Response::Removed { .. } => return self.removed(channel),
            response => exchange.respond(channel, response, now_ms, &mut out),
        };
        self.finish(channel, out, done);
    }

    /// Sends requests, unless the exchange that made them has ended.
    pub(super) fn finish(&mut self, channel: Channel, out: Vec<Request>, done: Result<(), Fault>) {
        match done {
            Ok(()) => out.iter().for_each(|request| self.link.say(request)),
            Err(Fault::Restart) => self.restart(channel),
            Err(Fault::Later(reason, text)) => self.suspend(channel, reason, &text, true),
            Err(Fault::Violation(text)) => self.violation(text),
            Err(Fault::Document(error)) => {
                self.suspend(channel, Reason::Other, &error.to_string(), true);
            }
        }
    }

    /// Stops the exchange of a document, and opens it again later. `leaves` is true if the relay
    /// does not know that.
    fn suspend(&mut self, channel: Channel, reason: Reason, text: &str, leaves: bool) {
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        let phase = match reason {
            Reason::TooManyDocuments => Phase::NoRoom,
            reason if reason.is_temporary() => Phase::Closed,
            _ => Phase::Refused,
        };
        exchange.reset(phase);
        if phase != Phase::NoRoom {
            let factor = if phase == Phase::Refused {
                REFUSED_FACTOR
            } else {
                1
            };
            let delay_ms = factor * self.link.retry.delay_after(exchange.failures);
            exchange.failures = exchange.failures.saturating_add(1);
            exchange.again_at = Some(self.link.heard_ms().saturating_add(delay_ms));
        }
        exchange.document.closed(reason, text);
        if leaves || phase == Phase::Refused {
            // Let the relay forget the channel, so that a rejected document does not count against
            // the relay's limits.
            self.say(&Request::Leave { channel });
        }
        if phase != Phase::NoRoom {
            self.ask_for_next();
        }
    }

    fn removed(&mut self, channel: Channel) {
        if let Some(exchange) = self.exchanges.get_mut(channel) {
            exchange.reset(Phase::Removed);
            exchange.document.removed();
            self.say(&Request::Leave { channel });
            self.ask_for_next();
        }
    }

    /// Opens the first document that exceeded the limit of the connection, now that there is room.
    pub(super) fn ask_for_next(&mut self) {
        let waits = |exchange: &Exchange<D>| exchange.phase == Phase::NoRoom;
        if let Some(channel) = self.exchanges.channels(waits).first() {
            self.ask_for(*channel);
        }
    }

    /// Restarts an exchange: immediately, or after a delay if earlier restarts did not help.
    fn restart(&mut self, channel: Channel) {
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        exchange.failures = exchange.failures.saturating_add(1);
        if exchange.failures <= RESTARTS {
            return self.ask_for(channel);
        }
        exchange.reset(Phase::Closed);
        let delay_ms = self.link.retry.delay_after(exchange.failures - RESTARTS);
        exchange.again_at = Some(self.link.heard_ms().saturating_add(delay_ms));
        self.say(&Request::Leave { channel });
    }
}
