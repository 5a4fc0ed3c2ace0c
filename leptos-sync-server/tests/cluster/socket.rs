use axum::serve::Listener;
use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_server::{Disconnected, Transport};
use tokio::io;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use turmoil::net::{TcpListener, TcpStream};

use super::{PORT, RELAY};

/// The listener from which the server accepts simulated connections.
pub(super) struct Accepting(pub(super) TcpListener);

impl Listener for Accepting {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // On an error, the client has already disconnected.
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A replica's end of a WebSocket.
pub(super) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(super) async fn connect() -> Option<Self> {
        let stream = TcpStream::connect((RELAY, PORT)).await.ok()?;
        let (socket, _) = client_async(format!("ws://{RELAY}/sync"), stream)
            .await
            .ok()?;
        Some(Self(socket))
    }
}

impl Transport for Socket {
    async fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Message::Binary(frame) = self.0.next().await?.ok()? {
                return Some(frame.into());
            }
        }
    }

    async fn send(&mut self, frame: Vec<u8>) -> Result<(), Disconnected> {
        let frame = Message::Binary(frame.into());
        self.0.send(frame).await.map_err(|_| Disconnected)
    }
}
