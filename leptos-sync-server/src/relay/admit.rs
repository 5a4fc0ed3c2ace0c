use std::time::Duration;

use leptos_sync_core::{Time, limits::HANDSHAKE_MS, sync::Reason};
use tokio::time::timeout;

use super::{
    authorizer::{Denied, User},
    connection::Connection,
};
use crate::limits;

impl Connection {
    /// Lets the replica in, or lets it stay with other credentials.
    pub(super) async fn admit(&mut self, protocol: u16, credentials: &[u8], again: bool) {
        if let Err(error) = Time::try_from_ms(self.relay.now_ms()) {
            tracing::error!(%error, "rejecting all connections");
            return self.bye(Reason::Unavailable, "the relay's clock is wrong");
        }
        let admitted = self.relay.authorizer.admit(&self.request, credentials);
        let user = match in_time(admitted).await {
            Ok(user) => user,
            Err(denied) => return self.bye(reason(&denied), &denied.text),
        };
        let now_ms = self.relay.now_ms();
        if user.expires_ms().is_some_and(|expires| expires <= now_ms) {
            return self.bye(Reason::Unauthorized, "the credentials have expired");
        }
        let length = user.name().len();
        if length == 0 || length > limits::USER_BYTES {
            let text = format!(
                "the user's name is {length} bytes, it must be 1 to {}; the authorizer has to shorten it",
                limits::USER_BYTES
            );
            return self.bye(Reason::Unauthorized, &text);
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
            None if self.register(&user) => {}
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
    fn register(&mut self, user: &User) -> bool {
        let (users, rates) = (&self.relay.users, self.relay.options.user_rates);
        let Some(limiters) = users.enter(user, &self.queue, rates) else {
            return false;
        };
        if !user.is_shared() {
            self.intake.of_user(limiters);
        }
        true
    }
}

/// What an authorizer answers, if it does so in time.
pub(super) async fn in_time<T>(
    asked: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let answered = timeout(Duration::from_millis(HANDSHAKE_MS), asked).await;
    answered.unwrap_or_else(|_| Err(Denied::unavailable("who decides takes too long; come back")))
}

/// Why somebody was denied something, in a message.
pub(super) fn reason(denied: &Denied) -> Reason {
    match denied.passing {
        true => Reason::Unavailable,
        false => Reason::Unauthorized,
    }
}
