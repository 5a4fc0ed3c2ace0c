use leptos_sync_core::sync::Reason;

use super::{authorizer::Denied, connection::Connection};
use crate::limits;

impl Connection {
    /// Lets the replica in, or lets it stay with other credentials.
    pub(super) async fn admit(&mut self, protocol: u16, credentials: &[u8], again: bool) {
        let admitted = self.relay.authorizer.admit(&self.request, credentials);
        let user = match admitted.await {
            Ok(user) => user,
            Err(denied) => return self.host.bye(reason(&denied), &denied.text),
        };
        let now_ms = self.relay.now_ms();
        if user.expires_ms().is_some_and(|expires| expires <= now_ms) {
            return self
                .host
                .bye(Reason::Unauthorized, "the credentials have expired");
        }
        match &self.user {
            Some(known) if known.name() != user.name() => {
                return self.host.bye(
                    Reason::Unauthorized,
                    "the credentials are another user's; open a new connection",
                );
            }
            Some(_) => {}
            None if self.register(user.name()) => {}
            None => {
                return self
                    .host
                    .bye(Reason::Limit, "too many connections of this user");
            }
        }
        self.user = Some(user);
        self.host
            .welcome(protocol, now_ms, self.relay.options.silence_ms);
        if again {
            self.recheck().await;
        }
    }

    /// Counts this connection as the user's, if there is room for another.
    fn register(&self, name: &str) -> bool {
        let mut users = self.relay.users.lock();
        let queues = users.entry(name.to_owned()).or_default();
        let room = queues.len() < limits::USER_SOCKETS;
        if room {
            queues.push(self.queue.clone());
        }
        room
    }
}

/// Why somebody was denied something, in a message.
pub(super) fn reason(denied: &Denied) -> Reason {
    match denied.passing {
        true => Reason::Unavailable,
        false => Reason::Unauthorized,
    }
}
