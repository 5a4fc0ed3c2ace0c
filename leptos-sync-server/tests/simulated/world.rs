use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use leptos_sync_server::{Relay, RelayOptions};
use tokio::{
    task::{AbortHandle, spawn_local},
    time::{Instant, sleep},
};

use super::{
    crew::Crew,
    network::{self, End, Faults},
};

/// A relay, its replicas on a network of channels, and the current faults.
pub(crate) struct World {
    pub(crate) crew: Rc<Crew>,
    pub(crate) faults: Cell<Faults>,
    relay: RefCell<Option<Relay>>,
    connections: RefCell<Vec<(usize, Vec<AbortHandle>)>>,
    places: Vec<Place>,
}

/// The connectivity of a replica.
#[derive(Default)]
struct Place {
    offline: Cell<bool>,
    running: RefCell<Option<AbortHandle>>,
}

impl World {
    /// Creates one replica for each entry of `skews_ms`, which is the error of its clock. If
    /// `reader` is true, the last one may only read.
    pub(crate) fn new(seed: u64, reader: bool, skews_ms: &[i64]) -> Rc<Self> {
        let start = Instant::now();
        let elapsed = move || start.elapsed().as_millis() as u64;
        let world = Rc::new(Self {
            crew: Rc::new(Crew::new(seed, Arc::new(elapsed), reader, skews_ms)),
            faults: Cell::default(),
            relay: RefCell::new(None),
            connections: RefCell::default(),
            places: skews_ms.iter().map(|_| Place::default()).collect(),
        });
        world.start_relay();
        for at in 0..skews_ms.len() {
            world.begin(at);
        }
        world
    }

    pub(crate) fn start_relay(&self) {
        let relay = self.crew.relay(RelayOptions::default());
        self.relay.borrow_mut().get_or_insert(relay);
    }

    /// Kills the relay.
    pub(crate) fn kill_relay(&self) {
        self.relay.borrow_mut().take();
        for (_, tasks) in self.connections.borrow_mut().drain(..) {
            tasks.iter().for_each(AbortHandle::abort);
        }
    }

    /// Forgets tombstones if the relay is running.
    pub(crate) fn forget_tombstones(&self, older_than_ms: u64) {
        if self.relay.borrow().is_some() {
            self.crew.forget_tombstones(older_than_ms);
        }
    }

    /// Takes a replica offline or back online.
    pub(crate) fn set_offline(&self, at: usize, offline: bool) {
        self.places[at].offline.set(offline);
        if offline {
            self.cut(at);
        }
    }

    /// Cuts the connections of a replica.
    pub(crate) fn cut(&self, at: usize) {
        self.connections.borrow_mut().retain(|(of, tasks)| {
            if *of == at {
                tasks.iter().for_each(AbortHandle::abort);
            }
            *of != at
        });
    }

    /// Crashes a replica and restarts it with its saved data.
    pub(crate) fn crash(self: &Rc<Self>, at: usize) {
        if let Some(task) = self.places[at].running.borrow_mut().take() {
            task.abort();
        }
        self.cut(at);
        self.crew.crash(at);
        self.begin(at);
    }

    fn begin(self: &Rc<Self>, at: usize) {
        let world = Rc::clone(self);
        let connect = async move || world.connect(at).await;
        let task = spawn_local(self.crew.begin(at, connect));
        *self.places[at].running.borrow_mut() = Some(task.abort_handle());
    }

    async fn connect(&self, at: usize) -> Option<End> {
        let random = &self.crew.random;
        sleep(Duration::from_millis(random.below(30))).await;
        let relay = self.relay.borrow().clone()?;
        if self.places[at].offline.get() {
            return None;
        }
        let (near, mut far, pipes) = network::connect(random, self.faults.get());
        let (request, ()) = http::Request::new(()).into_parts();
        let served = spawn_local(async move { relay.serve(request, &mut far).await });
        let mut tasks = pipes.to_vec();
        tasks.push(served.abort_handle());
        self.connections.borrow_mut().push((at, tasks));
        Some(near)
    }
}
