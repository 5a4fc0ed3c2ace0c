use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::limits;

/// A limit on the time for which an operation waits for the client. Any progress restarts the time,
/// so a slow client is not affected.
#[derive(Default)]
pub(super) struct Stall {
    /// The time at which the wait ends, or `None` if the last operation made progress.
    end: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    /// Passes on the result of an operation that makes progress when it is ready.
    ///
    /// # Errors
    ///
    /// If the operation has been pending for [`limits::STALL_MS`].
    pub(super) fn check<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let limit = limits::STALL_MS;
        let end = self
            .end
            .get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(limit))));
        ready!(end.as_mut().poll(context));
        let text = format!("the client has neither sent nor accepted a byte for {limit} ms");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}
