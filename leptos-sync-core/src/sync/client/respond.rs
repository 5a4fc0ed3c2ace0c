use super::{
    Client, Document,
    exchange::{Exchange, Stage},
};
use crate::sync::{
    link::LinkState,
    message::{Channel, Reason, Request, Response},
};

impl<D: Document> Client<D> {
    /// Handles a message from the relay.
    pub(super) fn respond(&mut self, response: Response) {
        match (self.link.state(), response) {
            (_, Response::Bye { reason, text }) => self.link.end(reason, text),
            (LinkState::Introduced, Response::Welcome { silence_ms, .. }) => {
                self.link.welcomed(silence_ms);
                self.ask_for_all(|_| true);
            }
            (LinkState::Welcome, response) => self.respond_welcome(response),
            _ => self.link.end(
                Reason::Malformed,
                "the relay's first message is not a welcome".to_owned(),
            ),
        }
    }

    fn respond_welcome(&mut self, response: Response) {
        match response {
            Response::Welcome { .. } | Response::Bye { .. } => self.link.end(
                Reason::Malformed,
                "the relay sent a message out of order".to_owned(),
            ),
            Response::Renewed => {
                let refused = |exchange: &Exchange<D>| exchange.stage == Stage::Refused;
                self.ask_for_all(refused);
            }
            Response::Pong { .. } => {}
            Response::Opened { channel, .. }
            | Response::Delta { channel, .. }
            | Response::Snapshot { channel, .. }
            | Response::Ack { channel, .. }
            | Response::Reject { channel, .. }
            | Response::Presence { channel, .. }
            | Response::Permission { channel, .. }
            | Response::Closed { channel, .. } => self.exchange(channel, response),
        }
    }

    /// Handles a message about one document.
    fn exchange(&mut self, channel: Channel, response: Response) {
        // The relay sent this before it received the leave request.
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        let opening = exchange.stage == Stage::Opening;
        let done = match response {
            Response::Opened {
                permission,
                version,
                floor,
                now_ms,
                ..
            } if opening => {
                let opened = exchange.opened(permission, version, floor, now_ms);
                let presence = exchange.presence.clone();
                if let (Ok(()), Some(data)) = (&opened, presence) {
                    self.say(&Request::Presence { channel, data });
                }
                opened
            }
            Response::Closed { reason, text, .. } => return self.closed(channel, reason, &text),
            // The relay sent this before it received the new open request.
            _ if opening => return,
            Response::Delta { more, delta, .. } => exchange.receive(more, delta),
            Response::Snapshot { more, part, .. } => exchange.receive_snapshot(more, part),
            Response::Ack { upto, .. } => {
                exchange.acknowledged(&upto);
                // Only an acknowledgement proves that the relay can store transactions; an open
                // document does not.
                self.link.retry.succeeded();
                Ok(())
            }
            Response::Reject {
                upto, reason, text, ..
            } => {
                if exchange.rejected(&upto, reason, &text) {
                    return self.restart(channel);
                }
                Ok(())
            }
            Response::Presence {
                peer, user, data, ..
            } => {
                exchange.document.presence(peer, &user, &data);
                Ok(())
            }
            Response::Permission { permission, .. } => {
                exchange.document.set_permission(permission);
                Ok(())
            }
            _ => Ok(()),
        };
        match done {
            Ok(()) => self.edited(channel),
            // After a new open request, the relay sends the missing operations.
            Err(error) if error.is_gap() => self.restart(channel),
            Err(error) => self.close(channel, Reason::Other, &error.to_string()),
        }
    }

    /// Handles a closed document, or one that the relay did not open.
    fn closed(&mut self, channel: Channel, reason: Reason, text: &str) {
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        let stage = match reason {
            Reason::TooManyDocuments => Stage::NoRoom,
            reason if reason.is_temporary() => Stage::Closed,
            _ => Stage::Refused,
        };
        exchange.reset(stage);
        if stage == Stage::Closed {
            exchange.again_at = Some(self.link.heard_ms() + self.link.retry.delay_ms());
        }
        exchange.document.closed(reason, text);
        if stage == Stage::Refused {
            // Let the relay forget the channel, so that a rejected document does not count against
            // the relay's limits.
            self.say(&Request::Leave { channel });
        }
        if stage != Stage::NoRoom {
            self.ask_for_next();
        }
    }

    /// Opens the first document that exceeded the limit of the connection, now that there is room.
    pub(super) fn ask_for_next(&mut self) {
        let waits = |exchange: &Exchange<D>| exchange.stage == Stage::NoRoom;
        if let Some(channel) = self.exchanges.channels(waits).first() {
            self.ask_for(*channel);
        }
    }

    /// Restarts an exchange: immediately, or after a delay if earlier restarts did not help.
    fn restart(&mut self, channel: Channel) {
        let Some(exchange) = self.exchanges.get_mut(channel) else {
            return;
        };
        if exchange.begins_at_once() {
            return self.ask_for(channel);
        }
        exchange.reset(Stage::Closed);
        exchange.again_at = Some(self.link.heard_ms() + self.link.retry.delay_ms());
        self.say(&Request::Leave { channel });
    }
}
