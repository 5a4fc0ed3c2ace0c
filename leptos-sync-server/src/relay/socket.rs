use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use leptos_sync_core::sync::Reason;
use tokio::time::{sleep_until, timeout};

use super::{
    Disconnected, Transport,
    budget::ReadBudget,
    metrics::{Metrics, Refused},
    rates::{Limiter, Rate},
};
use crate::limits;

/// A WebSocket whose binary messages are frames of the protocol.
///
/// The rates of a connection do not count pings, pongs and fragments, because they are not frames.
/// `Socket` counts them: too many pings and pongs end the connection, and too many fragments slow
/// it down.
pub(super) struct Socket {
    socket: WebSocket,
    /// The bytes of the connection, if [`serve`](crate::serve) reads them.
    budget: Option<ReadBudget>,
    control: Limiter,
    fragments: Limiter,
    overhead: Overhead,
    /// The number of fragments that are not counted yet.
    uncounted: usize,
    /// The reason why the relay ends the connection.
    violation: Option<&'static str>,
}

impl Socket {
    pub(super) fn new(socket: WebSocket, budget: Option<ReadBudget>) -> Self {
        let control = Rate::new(limits::CONTROL_FRAMES_PER_S, limits::CONTROL_FRAMES_BURST);
        let fragments = Rate::new(limits::FRAMES_PER_S, limits::FRAMES_BURST);
        let read = budget.as_ref().map_or(0, ReadBudget::read);
        Self {
            socket,
            budget,
            control: Limiter::new(control),
            fragments: Limiter::new(fragments),
            overhead: Overhead::new(read),
            uncounted: 0,
            violation: None,
        }
    }

    /// Sends a close message and waits for the answer. Closing the TCP connection with unread input
    /// would discard the last message.
    pub(super) async fn close(&mut self) {
        let frame = self.violation.map(|reason| CloseFrame {
            code: close_code::POLICY,
            reason: reason.into(),
        });
        if let Some(budget) = &self.budget {
            budget.limit(limits::UNFINISHED_BYTES);
        }
        let end = async {
            if self.socket.send(Message::Close(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        // A client that keeps sending has had time to read the message.
        let _ = timeout(Duration::from_millis(limits::LINGER_MS), end).await;
    }

    /// Waits until the rate of fragments permits further reads. Cancel safe.
    async fn wait(&mut self) {
        while let Err(until) = self.fragments.take(self.uncounted) {
            sleep_until(until).await;
        }
        self.uncounted = 0;
    }

    /// Counts the bytes of a message that are not payload, such as the headers of its fragments.
    fn count(&mut self, payload: usize) {
        if let Some(budget) = &self.budget {
            budget.renew();
            let more = self.overhead.after(budget.read(), payload);
            self.uncounted = more / limits::SOCKET_HEADER_BYTES;
        }
    }

    fn violate(&mut self, reason: &'static str) {
        tracing::info!(reason, "ended the connection");
        Metrics::refused(Refused::Connection, Reason::Limit);
        self.violation = Some(reason);
    }
}

impl Transport for Socket {
    async fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            self.wait().await;
            let message = match self.socket.recv().await? {
                Ok(message) => message,
                Err(_) => {
                    if self.budget.as_ref().is_some_and(ReadBudget::is_spent) {
                        self.violate(UNFINISHED);
                    }
                    return None;
                }
            };
            match message {
                Message::Binary(frame) => {
                    self.count(frame.len());
                    return Some(frame.into());
                }
                // A text is not a frame. An empty frame makes the host end the connection with a
                // reason.
                Message::Text(_) => return Some(Vec::new()),
                Message::Ping(data) | Message::Pong(data) => {
                    self.count(data.len());
                    if self.control.take(1).is_err() {
                        self.violate(CONTROL);
                        return None;
                    }
                }
                Message::Close(_) => return None,
            }
        }
    }

    async fn send(&mut self, frame: Vec<u8>) -> Result<(), Disconnected> {
        let frame = Message::Binary(frame.into());
        self.socket.send(frame).await.map_err(|_| Disconnected)
    }
}

const CONTROL: &str =
    "the client sends WebSocket pings or pongs far more often than this relay allows";

const UNFINISHED: &str = "the client sends too much before the end of a WebSocket message";

/// The bytes of a connection that are neither payload nor the header of a message in one fragment:
/// the headers of further fragments.
struct Overhead {
    /// The number of bytes read when the WebSocket was opened, plus those of all messages since.
    explained: usize,
    /// The greatest number of other bytes so far. It begins with those that may be read ahead.
    greatest: usize,
}

impl Overhead {
    fn new(read: usize) -> Self {
        Self {
            explained: read,
            greatest: limits::UNFINISHED_BYTES,
        }
    }

    /// Counts a message, after `read` bytes of the connection. Returns the bytes of overhead that
    /// were not returned before. Bytes that were read ahead belong to later messages, so only the
    /// growth of the maximum counts as overhead.
    fn after(&mut self, read: usize, payload: usize) -> usize {
        let message = payload.saturating_add(limits::SOCKET_HEADER_BYTES);
        self.explained = self.explained.wrapping_add(message);
        // A message with a short header makes the difference negative.
        let other = read.wrapping_sub(self.explained).cast_signed();
        let other = usize::try_from(other).unwrap_or_default();
        let more = other.saturating_sub(self.greatest);
        self.greatest += more;
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_read_ahead_are_no_overhead() {
        let mut overhead = Overhead::new(0);
        // Each message is read in full before the one before it is counted.
        for at in 1..10_000 {
            let read = (at + 1) * (limits::SOCKET_MESSAGE_BYTES + 14);
            assert_eq!(overhead.after(read, limits::SOCKET_MESSAGE_BYTES), 0);
        }
    }

    #[test]
    fn fragments_are_counted_once() {
        let mut overhead = Overhead::new(1_000);
        let (mut read, mut counted) = (1_000, 0);
        for _ in 0..1_000 {
            // A message of 1 byte in 5,000 fragments.
            read += 6 * 5_000 + 1;
            counted += overhead.after(read, 1);
        }
        let all = 1_000 * (6 * 5_000 - limits::SOCKET_HEADER_BYTES);
        assert_eq!(counted, all - limits::UNFINISHED_BYTES);
        assert_eq!(overhead.after(read + 15, 1), 0);
    }
}
