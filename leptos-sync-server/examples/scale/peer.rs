//! A client on a real socket, which counts what it sends and receives.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_core::{
    engine::ReplicaStore,
    storage::MemoryStorage,
    sync::{Channel, Client, ConnectionAction},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Failure, handle::Handle};

pub(crate) const DOCUMENT: &str = "board";

/// A delay in milliseconds that exceeds any pause of a client between attempts to connect.
const PAUSE_MS: u64 = 60_000;

/// The number of received frames after which the replica is stored.
const SAVED_FRAMES: usize = 8;

pub(crate) struct Peer {
    client: Client<Handle>,
    channel: Channel,
    pub(crate) handle: Handle,
    address: SocketAddr,
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    start: Instant,
    /// The time in milliseconds by which the clock of the client is ahead.
    ahead_ms: u64,
    /// The store of the replica, whose batches are dropped instead of written. A replica keeps what
    /// it has read until it is stored.
    store: ReplicaStore<MemoryStorage>,
    /// The bytes of all frames, in both directions.
    pub(crate) bytes: usize,
    /// The time for which the client handled the frames that it received.
    pub(crate) handled: Vec<Duration>,
}

impl Peer {
    pub(crate) async fn open(address: SocketAddr, handle: &Handle) -> Result<Self, Failure> {
        let mut client = Client::new(Vec::new(), 1);
        let channel = client.open(DOCUMENT, 0, handle.clone())?;
        let mut peer = Self {
            client,
            channel,
            handle: handle.clone(),
            address,
            socket: None,
            start: Instant::now(),
            ahead_ms: 0,
            store: ReplicaStore::new(MemoryStorage::new(), DOCUMENT)?,
            bytes: 0,
            handled: Vec::new(),
        };
        peer.connect().await?;
        Ok(peer)
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64 + self.ahead_ms
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        while self.client.next_action(self.now()) != ConnectionAction::Connect {
            // Do not wait for the pause after a lost connection.
            self.ahead_ms += PAUSE_MS;
            self.client.wake(self.now());
        }
        let (socket, _) = connect_async(format!("ws://{}/", self.address)).await?;
        self.socket = Some(socket);
        self.client.connected(self.now());
        Ok(())
    }

    /// Drops the connection without a close message, and connects again.
    pub(crate) async fn cut(&mut self) -> Result<(), Failure> {
        self.socket = None;
        self.client.disconnected(self.now());
        // What the relay told before does not count until it has answered again.
        self.handle.state().replica.end_session();
        self.connect().await
    }

    fn save(&mut self) -> Result<(), Failure> {
        let replica = &mut self.handle.state().replica;
        self.store.save(replica)?;
        self.store.committed(replica);
        Ok(())
    }

    /// Reports an edit of the document to the client.
    pub(crate) fn edited(&mut self) {
        self.client.edited(self.channel);
    }

    /// Sends and receives until `is_done`.
    pub(crate) async fn until(&mut self, is_done: impl Fn(&Handle) -> bool) -> Result<(), Failure> {
        loop {
            let now = self.now();
            let socket = self.socket.as_mut().ok_or("not connected")?;
            while let Some(frame) = self.client.next_frame(now) {
                self.bytes += frame.len();
                socket.send(Message::Binary(frame.into())).await?;
            }
            if is_done(&self.handle) {
                return Ok(());
            }
            match socket.next().await {
                Some(Ok(Message::Binary(frame))) => {
                    self.bytes += frame.len();
                    let start = Instant::now();
                    self.client.receive(&frame, now);
                    self.handled.push(start.elapsed());
                    if self.handled.len().is_multiple_of(SAVED_FRAMES) {
                        self.save()?;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => {
                    self.client.disconnected(now);
                    return Err(format!("the relay ended it: {:?}", self.client.ended()).into());
                }
            }
        }
    }

    /// Sends and receives until the document is that of the relay.
    pub(crate) async fn caught_up(&mut self) -> Result<(), Failure> {
        self.until(|handle| handle.state().replica.is_synced())
            .await
    }
}
