use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use futures::future::{BoxFuture, pending};
use http::request::Parts;
use leptos_sync_core::{
    CellMap, Clock, Doc, ReplicaId, Time, TimeSource as _, VersionVector,
    sync::{Client, Link, Permission},
};
use leptos_sync_server::{Authorizer, Denied, DurableLog as _, Relay, RelayOptions, Since, User};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{AbortHandle, spawn_local},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Random, WallClock,
    journal::{Journal, cells},
    log::SlowLog,
    network::{self, End, Faults},
    replica::{Handle, State},
};

/// The document that all edit.
const DOCUMENT: &str = "board";

/// A relay, those who use it, and what has gone wrong.
pub(crate) struct World {
    pub(crate) random: Rc<Random>,
    pub(crate) journal: Rc<RefCell<Journal>>,
    pub(crate) replicas: Vec<Replica>,
    start: Instant,
    log: SlowLog,
    relay: RefCell<Option<Relay>>,
    clock: WallClock,
    connections: RefCell<Vec<(usize, Vec<AbortHandle>)>>,
    pub(crate) faults: Cell<Faults>,
    pub(crate) forgot: Cell<bool>,
    next_replica: Cell<u64>,
}

pub(crate) struct Replica {
    pub(crate) state: Handle,
    pub(crate) away: Cell<bool>,
    /// Tells the task of edits; none while the replica is not there.
    running: RefCell<Option<(UnboundedSender<()>, AbortHandle)>>,
}

/// Whoever says that they are a reader may only read.
struct ByName;

impl Authorizer for ByName {
    fn admit<'a>(
        &'a self,
        _: &'a Parts,
        credentials: &'a [u8],
    ) -> BoxFuture<'a, Result<User, Denied>> {
        let name = String::from_utf8_lossy(credentials).into_owned();
        Box::pin(async move { Ok(User::new(name)) })
    }

    fn permission<'a>(
        &'a self,
        user: &'a User,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Option<Permission>, Denied>> {
        let permission = match user.name().starts_with("reader") {
            true => Permission::Read,
            false => Permission::Write,
        };
        Box::pin(async move { Ok(Some(permission)) })
    }
}

impl World {
    /// So many replicas, of which the last may be a reader.
    pub(crate) fn new(seed: u64, replicas: usize, reader: bool, skews_ms: &[i64]) -> Rc<Self> {
        let start = Instant::now();
        let journal = Rc::new(RefCell::new(Journal::default()));
        let replicas: Vec<_> = (0..replicas)
            .map(|at| {
                let writes = !(reader && at + 1 == replicas);
                let name = format!("{}-{at}", if writes { "writer" } else { "reader" });
                let skew_ms = skews_ms.get(at).copied().unwrap_or(0);
                let state = State::new(
                    name,
                    ReplicaId::new(at as u64 + 1),
                    WallClock::new(start, skew_ms),
                    skew_ms,
                    writes,
                    Rc::clone(&journal),
                );
                Replica {
                    state: Handle(Rc::new(RefCell::new(state))),
                    away: Cell::new(false),
                    running: RefCell::new(None),
                }
            })
            .collect();
        let world = Rc::new(Self {
            random: Rc::new(Random::new(seed)),
            journal,
            next_replica: Cell::new(replicas.len() as u64 + 1),
            replicas,
            start,
            log: SlowLog::new(seed ^ 0x5eed),
            relay: RefCell::new(None),
            clock: WallClock::new(start, 0),
            connections: RefCell::default(),
            faults: Cell::default(),
            forgot: Cell::new(false),
        });
        world.start_relay();
        for at in 0..world.replicas.len() {
            world.begin(at);
        }
        world
    }

    pub(crate) fn start_relay(&self) {
        let relay = Relay::with_options(
            self.log.clone(),
            ByName,
            RelayOptions::default().time(self.clock.clone()),
        );
        self.relay.borrow_mut().get_or_insert(relay);
    }

    /// Ends the relay at once, whatever it was doing.
    pub(crate) fn kill_relay(&self) {
        self.relay.borrow_mut().take();
        for (_, tasks) in self.connections.borrow_mut().drain(..) {
            tasks.iter().for_each(AbortHandle::abort);
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

    pub(crate) async fn forget_tombstones(&self, older_than_ms: u64) {
        let relay = self.relay.borrow().clone();
        if let Some(relay) = relay {
            let before = Time::from_ms(self.clock.now_ms() - older_than_ms);
            relay.forget_tombstones(DOCUMENT, before).await.unwrap();
            self.forgot.set(true);
        }
    }

    pub(crate) fn edit(&self, at: usize) {
        let replica = &self.replicas[at];
        let (key, value) = (self.random.below(6) as u32, self.random.next());
        replica.state.0.borrow_mut().edit(key, value);
        if let Some((edited, _)) = &*replica.running.borrow() {
            let _ = edited.send(());
        }
    }

    /// Ends a replica without a word, and begins again with what it had saved.
    pub(crate) fn crash(self: &Rc<Self>, at: usize) {
        if let Some((_, task)) = self.replicas[at].running.borrow_mut().take() {
            task.abort();
        }
        self.cut(at);
        let id = self.next_replica.get();
        self.next_replica.set(id + 1);
        self.replicas[at]
            .state
            .0
            .borrow_mut()
            .crash(ReplicaId::new(id));
        self.begin(at);
    }

    fn begin(self: &Rc<Self>, at: usize) {
        let (edited, edits) = unbounded_channel();
        let task = spawn_local(drive(Rc::clone(self), at, edits));
        *self.replicas[at].running.borrow_mut() = Some((edited, task.abort_handle()));
    }

    async fn connect(&self, at: usize) -> Option<End> {
        sleep(Duration::from_millis(self.random.below(30))).await;
        let relay = self.relay.borrow().clone()?;
        if self.replicas[at].away.get() {
            return None;
        }
        let (near, mut far, pipes) = network::connect(&self.random, self.faults.get());
        let (request, ()) = http::Request::new(()).into_parts();
        let served = spawn_local(async move { relay.serve(request, &mut far).await });
        let mut tasks = pipes.to_vec();
        tasks.push(served.abort_handle());
        self.connections.borrow_mut().push((at, tasks));
        Some(near)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// Checks what must hold at any moment.
    pub(crate) fn check(&self) {
        for replica in &self.replicas {
            let state = replica.state.0.borrow();
            if state.name.starts_with("writer") {
                self.journal.borrow().check(&state.doc, &state.name);
            }
        }
    }

    /// Checks what must hold when all is quiet.
    pub(crate) async fn check_quiet(&self) {
        self.check();
        let since = self.log.since(DOCUMENT, &VersionVector::new(), 1_000).await;
        let clock = Clock::new(ReplicaId::new(u64::MAX), self.clock.clone());
        let mut relay = Doc::<CellMap>::new(clock);
        match since.unwrap() {
            Since::Delta(parts) => {
                relay
                    .apply(&leptos_sync_core::Delta::of_parts(&parts).unwrap())
                    .unwrap();
            }
            Since::Snapshot(parts) => {
                relay.merge_snapshot_parts(&parts).unwrap();
            }
        }
        let live = |cells: std::collections::BTreeMap<_, super::journal::Cell>| {
            let forgot = self.forgot.get();
            let kept = move |cell: &super::journal::Cell| !forgot || cell.1.is_some();
            let cells = cells.into_iter().filter(move |(_, cell)| kept(cell));
            cells.collect::<Vec<_>>()
        };
        let at_relay = live(cells(&relay));
        self.journal.borrow().check_acknowledged(&relay, "relay");
        for replica in &self.replicas {
            let state = replica.state.0.borrow();
            let name = &state.name;
            assert_eq!(state.outbox.len(), 0, "{name}: all has an answer");
            let here = live(cells(&state.doc));
            let other = |these: &Vec<(_, _)>, those: &Vec<(_, _)>| -> Vec<_> {
                let these = these.iter().cloned();
                these.filter(|cell| !those.contains(cell)).collect()
            };
            assert_eq!(
                other(&here, &at_relay),
                other(&at_relay, &here),
                "{name}: equal to the relay"
            );
        }
    }
}

/// Drives the client of a replica.
async fn drive(world: Rc<World>, at: usize, mut edits: UnboundedReceiver<()>) {
    let state = world.replicas[at].state.clone();
    let name = state.0.borrow().name.clone().into_bytes();
    let mut client = Client::new(name, world.random.next());
    let channel = client.open(DOCUMENT, 0, state).unwrap();
    client.set_presence(channel, vec![at as u8]).unwrap();
    let mut link: Option<End> = None;
    loop {
        match client.link(world.now_ms()) {
            Link::Connect => {
                link = world.connect(at).await;
                match link {
                    Some(_) => client.connected(world.now_ms()),
                    None => client.disconnected(world.now_ms()),
                }
                continue;
            }
            Link::Disconnect => {
                link = None;
                client.disconnected(world.now_ms());
                continue;
            }
            Link::Stay => {}
        }
        let mut gone = false;
        if let Some(link) = &mut link {
            while let Some(frame) = client.next_frame(world.now_ms()) {
                gone |= link.send(frame).await.is_err();
            }
        }
        let wake = async {
            match client.wake_at() {
                Some(ms) => sleep_until(world.start + Duration::from_millis(ms)).await,
                None => pending().await,
            }
        };
        let heard = async {
            match &mut link {
                Some(link) if !gone => link.receive().await,
                Some(_) => None,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            edit = edits.recv() => match edit {
                Some(()) => client.edited(channel),
                None => return,
            },
            frame = heard => match frame {
                Some(frame) => client.receive(&frame, world.now_ms()),
                None => {
                    link = None;
                    client.disconnected(world.now_ms());
                }
            },
            () = wake => client.wake(world.now_ms()),
        }
    }
}
