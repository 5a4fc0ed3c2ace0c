use std::{cell::RefCell, sync::Mutex, time::Duration};

use leptos_sync_server::{Disconnected, Relay, Transport};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, spawn_local},
    time::sleep,
};

use crate::boards::Random;

/// The number of frames on their way to a client. A relay waits for a client that receives none.
const FRAMES: usize = 4;

/// The longest time that a frame takes, in milliseconds.
const LATENCY_MS: u64 = 40;

/// The network between the clients and the relay.
#[derive(Default)]
pub(crate) struct Network(RefCell<State>);

#[derive(Default)]
struct State {
    relay: Option<(Relay, Random)>,
    connections: Vec<AbortHandle>,
}

/// A client's end of a connection.
pub(crate) struct Pipe {
    pub(crate) to_relay: mpsc::UnboundedSender<Vec<u8>>,
    pub(crate) from_relay: mpsc::Receiver<Vec<u8>>,
}

/// The relay's end of a connection.
struct Served {
    from_client: mpsc::UnboundedReceiver<Vec<u8>>,
    to_client: mpsc::Sender<Vec<u8>>,
    random: Mutex<Random>,
}

impl Network {
    pub(crate) fn start(&self, relay: Relay, seed: u64) {
        self.0.borrow_mut().relay = Some((relay, Random(seed | 1)));
    }

    /// Kills the relay with all its connections.
    pub(crate) fn stop(&self) {
        let mut state = self.0.borrow_mut();
        state.relay = None;
        state.connections.drain(..).for_each(|one| one.abort());
    }

    pub(crate) fn connect(&self) -> Option<Pipe> {
        let mut state = self.0.borrow_mut();
        let (relay, random) = state.relay.as_mut()?;
        let relay = relay.clone();
        let (to_relay, from_client) = mpsc::unbounded_channel();
        let (to_client, from_relay) = mpsc::channel(FRAMES);
        let mut served = Served {
            from_client,
            to_client,
            random: Mutex::new(Random(random.below(1 << 32) | 1)),
        };
        let (request, ()) = http::Request::new(()).into_parts();
        let serving = spawn_local(async move { relay.serve(request, &mut served).await });
        state.connections.push(serving.abort_handle());
        Some(Pipe {
            to_relay,
            from_relay,
        })
    }
}

impl Served {
    async fn delay(&self) {
        let ms = self.random.lock().unwrap().below(LATENCY_MS);
        sleep(Duration::from_millis(ms)).await;
    }
}

impl Transport for Served {
    async fn receive(&mut self) -> Option<Vec<u8>> {
        self.from_client.recv().await
    }

    async fn send(&mut self, frame: Vec<u8>) -> Result<(), Disconnected> {
        self.delay().await;
        self.to_client.send(frame).await.map_err(|_| Disconnected)
    }
}
