//! The times at which a connection or a frame must have ended.

use std::time::Duration;

use leptos_sync_core::{limits::HANDSHAKE_MS, sync::Reason};
use tokio::time::Instant;

use super::{authorizer::User, connection::Connection};
use crate::limits;

impl Connection {
    /// Returns the time at which the connection times out.
    pub(super) fn deadline(&self, start: Instant, last_frame: Instant) -> Instant {
        if !self.host.is_welcome() {
            return start + Duration::from_millis(HANDSHAKE_MS);
        }
        let silence = last_frame + Duration::from_millis(self.relay.options.silence_ms.into());
        let expires = self.user.as_ref().and_then(User::expires_ms);
        match expires {
            Some(ms) => {
                let left = ms.saturating_sub(self.relay.now_ms());
                silence.min(Instant::now() + Duration::from_millis(left))
            }
            None => silence,
        }
    }

    /// Ends the connection because its deadline has passed.
    pub(super) fn time_out(&mut self) {
        let now_ms = self.relay.now_ms();
        let expires = self.user.as_ref().and_then(User::expires_ms);
        if !self.host.is_welcome() {
            let limit = HANDSHAKE_MS;
            let text = format!("the client sent no valid hello within {limit} ms");
            self.bye(Reason::Timeout, &text);
        } else if expires.is_some_and(|expires| expires <= now_ms) {
            self.bye(Reason::Unauthorized, "the credentials have expired");
        } else {
            let limit = self.relay.options.silence_ms;
            let text = format!("the client sent nothing for {limit} ms");
            self.bye(Reason::Timeout, &text);
        }
    }

    /// Returns how long the transport may take to accept a frame: until the credentials expire or,
    /// after the end of the connection, until the linger time is over.
    pub(super) fn send_timeout(&self) -> Duration {
        if self.host.is_over() {
            return Duration::from_millis(limits::LINGER_MS);
        }
        let expires = self.user.as_ref().and_then(User::expires_ms);
        let left = expires.map(|expires| expires.saturating_sub(self.relay.now_ms()));
        // Wait a little longer, so that the client can still receive the reason.
        let left = left.map_or(limits::SEND_MS, |ms| {
            ms.saturating_add(limits::LINGER_MS / 2)
        });
        Duration::from_millis(left.min(limits::SEND_MS))
    }
}
