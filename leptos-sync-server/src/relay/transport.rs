use std::future::Future;

/// What carries frames, whole and in order: a WebSocket, or anything else that does.
pub trait Transport: Send {
    /// The next frame, `None` when the connection is gone. A future that is dropped has taken nothing.
    fn receive(&mut self) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn send(&mut self, frame: Vec<u8>) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// A connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;
