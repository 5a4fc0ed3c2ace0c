use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::stall::Stall;

/// The body of a request. Reading it fails if the client has sent nothing for
/// [`STALL_MS`](crate::limits::STALL_MS).
pub(super) struct RequestBody {
    body: Incoming,
    stall: Stall,
}

impl RequestBody {
    pub(super) fn new(body: Incoming) -> Self {
        Self {
            body,
            stall: Stall::default(),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let polled = polled.map(|frame| frame.transpose().map_err(io::Error::other));
        Poll::Ready(ready!(self.stall.check(context, polled)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
