use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_core::sync::{Channel, Client, Reason};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::Handle;

/// The time limit of a wait. A machine that does other work at the same time takes a while.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client's connection, driven by the test.
pub(crate) struct Session {
    pub(crate) client: Client<Handle>,
    pub(crate) channel: Channel,
    pub(crate) handle: Handle,
    pub(crate) socket: Socket,
    pub(crate) start: Instant,
}

impl Session {
    pub(crate) async fn open(
        address: SocketAddr,
        user: &str,
        document: &str,
        handle: &Handle,
    ) -> Self {
        Self::open_at(
            &format!("ws://{address}/sync"),
            user.as_bytes(),
            document,
            handle,
        )
        .await
    }

    pub(crate) async fn open_at(
        url: &str,
        credentials: &[u8],
        document: &str,
        handle: &Handle,
    ) -> Self {
        let (socket, _) = connect_async(url).await.unwrap();
        Self::open_on(socket, credentials, document, handle)
    }

    /// Opens a document on an established socket.
    pub(crate) fn open_on(
        socket: Socket,
        credentials: &[u8],
        document: &str,
        handle: &Handle,
    ) -> Self {
        let start = Instant::now();
        let mut client = Client::new(credentials.to_vec(), 1);
        let channel = client.open(document, 0, handle.clone()).unwrap();
        client.next_action(0);
        client.connected(0);
        Self {
            client,
            channel,
            handle: handle.clone(),
            socket,
            start,
        }
    }

    pub(crate) fn insert(&mut self, key: u32, text: &str) {
        self.handle.insert(key, text);
        self.client.edited(self.channel);
    }

    pub(crate) fn remove(&mut self, key: u32) {
        self.handle.remove(key);
        self.client.edited(self.channel);
    }

    /// Sends and receives until all transactions so far have an answer.
    pub(crate) async fn acknowledged(&mut self) {
        self.until("the answers", |handle| handle.unanswered() == 0)
            .await;
    }

    /// Sends and receives until the relay ends the connection. Returns its reason.
    pub(crate) async fn ended(&mut self) -> (Reason, String) {
        let until = timeout(PATIENCE, async {
            loop {
                let now = self.start.elapsed().as_millis() as u64;
                while let Some(frame) = self.client.next_frame(now) {
                    let _ = self.socket.send(Message::Binary(frame.into())).await;
                }
                match self.socket.next().await {
                    Some(Ok(Message::Binary(frame))) => self.client.receive(&frame, now),
                    Some(Ok(_)) => {}
                    _ => return,
                }
            }
        });
        until.await.unwrap();
        let (reason, text) = self.client.ended().unwrap();
        (reason, text.to_owned())
    }

    /// Sends and receives until `done` holds. `what` names the condition.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Handle) -> bool) {
        let until = timeout(PATIENCE, async {
            loop {
                let now = self.start.elapsed().as_millis() as u64;
                while let Some(frame) = self.client.next_frame(now) {
                    self.socket
                        .send(Message::Binary(frame.into()))
                        .await
                        .unwrap();
                }
                if done(&self.handle) {
                    return;
                }
                match self.socket.next().await {
                    Some(Ok(Message::Binary(frame))) => self.client.receive(&frame, now),
                    Some(Ok(_)) => {}
                    _ => {
                        self.client.disconnected(now);
                        assert!(
                            done(&self.handle),
                            "the connection ended while waiting for {what}"
                        );
                        return;
                    }
                }
            }
        });
        until
            .await
            .unwrap_or_else(|_| panic!("timed out waiting for {what}"));
    }
}

/// Returns the reason with which the relay ends a connection.
pub(crate) async fn bye(socket: &mut Socket) -> Option<u8> {
    let answer = timeout(PATIENCE, async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Binary(frame) = message
                && frame[1] == 10
            {
                return Some(frame[2]);
            }
        }
        None
    });
    answer.await.unwrap()
}
