use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
};

use super::stall::Stall;
use crate::relay::ReadBudget;

/// A TCP connection with its permit, which is returned when the connection is closed. A WebSocket
/// keeps the permit.
///
/// A write fails if the client has accepted nothing for [`STALL_MS`](crate::limits::STALL_MS).
/// Otherwise, a client that requests and does not read would keep its permit: the HTTP server waits
/// for room in the socket before it reads the next request, so its limit for requests never starts.
pub(super) struct Stream {
    stream: TcpStream,
    peer: SocketAddr,
    budget: ReadBudget,
    stall: Stall,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// Sets `TCP_NODELAY`. Otherwise, the second of two frames would wait until the first is
    /// confirmed.
    pub(super) fn new(stream: TcpStream, permit: OwnedSemaphorePermit) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        Ok(Self {
            stream,
            peer,
            budget: ReadBudget::new(),
            stall: Stall::default(),
            _permit: permit,
        })
    }

    /// Returns the bytes that may be read, to pass with each request.
    pub(super) fn budget(&self) -> ReadBudget {
        self.budget.clone()
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.budget.is_spent() {
            return Poll::Ready(Err(io::Error::other(
                "the client sent too much before it was admitted",
            )));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.budget.spend(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.stall.check(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.stall.check(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
