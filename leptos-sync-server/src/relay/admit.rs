use std::time::Duration;

use leptos_sync_core::{clock::Time, limits::HANDSHAKE_MS, sync::Reason};
use tokio::time::timeout;

use super::{
    authorizer::{Denied, User},
    budget::ReadBudget,
    connection::Connection,
};
use crate::limits;

impl Connection {
    /// Admits the client, or renews its admission with new credentials.
    pub(super) async fn admit(&mut self, protocol: u16, credentials: &[u8], again: bool) {
        if let Err(error) = Time::try_from_ms(self.relay.now_ms()) {
            tracing::error!(%error, "rejecting all connections");
            return self.bye(
                Reason::Unavailable,
                "the relay's clock is wrong; try again later",
            );
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
                "the user's name is {length} bytes, it must be 1 to {}; the authorizer has to \
                 shorten it",
                limits::USER_BYTES
            );
            return self.bye(Reason::Unauthorized, &text);
        }
        let known = self.user.as_ref().map(|known| known.name() == user.name());
        match known {
            Some(false) => {
                return self.bye(
                    Reason::Unauthorized,
                    "the credentials are those of another user; open a new connection for them",
                );
            }
            // Clients can cause any number of these, and each recorded name makes the lines longer.
            Some(true) => tracing::debug!("renewed the admission"),
            None if self.register(&user) => {
                tracing::Span::current().record("user", user.name());
                tracing::info!("admitted the client");
            }
            None => {
                let text = format!(
                    "the user has {} connections, which is the limit; close one of them",
                    limits::USER_SOCKETS
                );
                return self.bye(Reason::Limit, &text);
            }
        }
        if let Some(budget) = self.request.extensions.get::<ReadBudget>() {
            budget.admit();
        }
        self.user = Some(user);
        self.host
            .welcome(protocol, now_ms, self.relay.options.silence_ms);
        if again {
            self.recheck().await;
        }
    }

    /// Counts this connection as one of its user. Returns whether the user may have another one.
    fn register(&mut self, user: &User) -> bool {
        let (users, rates) = (&self.relay.users, self.relay.options.user_rates);
        let Some(shares) = users.enter(user, &self.queue, rates) else {
            return false;
        };
        if !user.is_shared() {
            self.intake.set_user(shares.limiters);
            self.readings = shares.readings;
        }
        true
    }
}

/// Waits for the answer of an authorizer, but no longer than a handshake may take.
pub(super) async fn in_time<T>(
    asked: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let answered = timeout(Duration::from_millis(HANDSHAKE_MS), asked).await;
    answered.unwrap_or_else(|_| {
        Err(Denied::unavailable(format!(
            "the authorizer did not answer within {HANDSHAKE_MS} ms; try again later"
        )))
    })
}

/// Returns the reason to send for a denial.
pub(super) fn reason(denied: &Denied) -> Reason {
    match denied.is_temporary {
        true => Reason::Unavailable,
        false => Reason::Unauthorized,
    }
}
