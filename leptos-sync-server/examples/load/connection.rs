use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _, future::pending};
use leptos_sync_core::{
    limits,
    sync::{Channel, Client, ConnectionAction},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::{Failure, figures::Figures, replica::Replica};

type Socket = WebSocketStream<TcpStream>;

/// A connection that reconnects after every loss, with the delays of the core's client.
pub(crate) struct Connection {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client<Replica>,
    pub(crate) channel: Channel,
    pub(crate) figures: Arc<Figures>,
    /// The times of this connection's edits.
    pub(crate) turns: Turns,
    socket: Option<Socket>,
}

/// The schedule of all writers together: a steady rate, independent of the relay.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    pub(crate) start: Duration,
    pub(crate) end: Duration,
    /// The time between two edits. The writers take turns.
    pub(crate) interval: Duration,
}

/// The turns of one writer.
pub(crate) struct Turns {
    pace: watch::Receiver<Pace>,
    /// The writer's position among `writers`.
    place: u32,
    writers: u32,
    made: u32,
}

impl Turns {
    pub(crate) fn new(pace: watch::Receiver<Pace>, place: u32, writers: u32) -> Self {
        Self {
            pace,
            place,
            writers,
            made: 0,
        }
    }

    /// Returns the time at which the next edit is due.
    fn next(&self) -> Option<Duration> {
        let pace = *self.pace.borrow();
        let turn = self.made.saturating_mul(self.writers) + self.place;
        let at = pace.start + pace.interval.saturating_mul(turn);
        (at < pace.end).then_some(at)
    }

    /// Waits until the pace changes.
    async fn changed(&mut self) {
        match self.pace.changed().await {
            Ok(()) => self.made = 0,
            // The sender was dropped, so the pace never changes again.
            Err(_) => pending().await,
        }
    }
}

/// The size of a socket's read buffer in bytes.
const BUFFER_BYTES: usize = 4 * 1024;

impl Connection {
    pub(crate) fn new(
        address: SocketAddr,
        token: String,
        document: &str,
        id: u64,
        figures: &Arc<Figures>,
        turns: Turns,
    ) -> Result<Self, Failure> {
        let mut client = Client::new(token.into_bytes(), id);
        let channel = client.open(document, 0, Replica::new(figures))?;
        Ok(Self {
            address,
            client,
            channel,
            figures: Arc::clone(figures),
            turns,
            socket: None,
        })
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            match self.client.next_action(self.now_ms()) {
                ConnectionAction::Connect => match connect(self.address).await {
                    Some(socket) => {
                        self.socket = Some(socket);
                        self.client.connected(self.now_ms());
                    }
                    None => self.disconnected(),
                },
                ConnectionAction::Disconnect => {
                    if let Some((reason, text)) = self.client.ended() {
                        let what = format!("a connection was ended ({reason}): {text}");
                        self.figures.went_wrong(what);
                    }
                    self.disconnected();
                }
                ConnectionAction::Stay => {}
            }
            if self.flush().await.is_none() {
                self.disconnected();
            }
            let wake = self.client.wake_at().map(Duration::from_millis);
            let turn = self.turns.next().filter(|_| self.is_open());
            let heard = async {
                match &mut self.socket {
                    Some(socket) => socket.next().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                message = heard => match message {
                    Some(Ok(Message::Binary(frame))) => {
                        let now_ms = self.now_ms();
                        self.client.receive(&frame, now_ms);
                    }
                    Some(Ok(_)) => {}
                    _ => self.disconnected(),
                },
                () = reach(&self.figures, turn) => self.edit(),
                () = reach(&self.figures, wake) => self.client.wake(self.now_ms()),
                () = self.turns.changed() => {}
            }
        }
    }

    fn now_ms(&self) -> u64 {
        self.figures.now().as_millis() as u64
    }

    fn is_open(&mut self) -> bool {
        let replica = self.client.document(self.channel);
        replica.is_some_and(|replica| replica.is_open)
    }

    /// Makes all edits that are due, even if they are late.
    fn edit(&mut self) {
        let now = self.figures.now();
        while let Some(meant) = self.turns.next().filter(|&meant| meant <= now) {
            self.turns.made += 1;
            if let Some(replica) = self.client.document(self.channel) {
                replica.edit(meant);
            }
        }
        self.client.edited(self.channel);
    }

    /// Sends the waiting messages. Returns `None` if the connection has ended.
    async fn flush(&mut self) -> Option<()> {
        let now_ms = self.now_ms();
        if let Some(socket) = &mut self.socket {
            while let Some(frame) = self.client.next_frame(now_ms) {
                socket.send(Message::Binary(frame.into())).await.ok()?;
            }
        }
        Some(())
    }

    fn disconnected(&mut self) {
        self.socket = None;
        if let Some(replica) = self.client.document(self.channel) {
            replica.lost();
        }
        self.client.disconnected(self.now_ms());
    }
}

async fn connect(address: SocketAddr) -> Option<Socket> {
    let opening = async {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0);
        let url = format!("ws://{address}/");
        let opened = client_async_with_config(url, stream, Some(config)).await;
        opened.ok().map(|(socket, _)| socket)
    };
    let limit = Duration::from_millis(limits::HANDSHAKE_MS);
    timeout(limit, opening).await.ok().flatten()
}

/// Waits until the given time, or forever for `None`.
async fn reach(figures: &Figures, at: Option<Duration>) {
    match at {
        Some(at) => sleep_until(figures.instant(at)).await,
        None => pending().await,
    }
}
