use std::future::Future;

/// A connection that carries whole frames in order, such as a WebSocket.
pub trait Transport: Send {
    /// Receives the next frame, or `None` when the connection has ended. The method is cancel safe:
    /// a dropped future has not removed a frame.
    fn receive(&mut self) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    fn send(&mut self, frame: Vec<u8>) -> impl Future<Output = Result<(), Disconnected>> + Send;
}

/// The error of a [`Transport`] whose connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnected;
