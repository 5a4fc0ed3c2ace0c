use leptos_sync_core::sync::Reason;

use super::{authorizer::Denied, connection::Connection};
impl Connection {
    /// Lets the replica in, or lets it stay with other credentials.
    pub(super) async fn admit(&mut self, protocol: u16, credentials: &[u8], again: bool) {
        let admitted = self.relay.authorizer.admit(&self.request, credentials);
        let user = match admitted.await {
            Ok(user) => user,
            Err(denied) => return self.bye(reason(&denied), &denied.text),
        };
        let now_ms = self.relay.now_ms();
        if user.expires_ms().is_some_and(|expires| expires <= now_ms) {
            return self.bye(Reason::Unauthorized, "the credentials have expired");
        }
        let known = self.user.as_ref().map(|known| known.name() == user.name());
        match known {
            Some(false) => {
                return self.bye(
                    Reason::Unauthorized,
                    "the credentials are another user's; open a new connection",
                );
            }
            Some(true) => {}
            None if self.register(user.name()) => {}
            None => {
                return self.bye(Reason::Limit, "too many connections of this user");
            }
        }
        tracing::Span::current().record("user", user.name());
        tracing::info!(again, "let in");
        self.user = Some(user);
        self.host
            .welcome(protocol, now_ms, self.relay.options.silence_ms);
        if again {
            self.recheck().await;
        }
    }

    /// Counts this connection as the user's, if there is room for another.
    fn register(&mut self, name: &str) -> bool {
        let (users, rates) = (&self.relay.users, self.relay.options.user_rates);
        let limiters = users.enter(name, &self.queue, rates);
        limiters
            .map(|limiters| self.intake.of_user(limiters))
            .is_some()
    }
}

/// Why somebody was denied something, in a message.
pub(super) fn reason(denied: &Denied) -> Reason {
    match denied.passing {
        true => Reason::Unavailable,
        false => Reason::Unauthorized,
    }
}
