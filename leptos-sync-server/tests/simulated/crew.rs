use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use futures::{FutureExt as _, future::BoxFuture};
use http::request::Parts;
use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId, Time, VersionVector,
    cells::{CellMap, PathBuf},
    clock::TimeSource as _,
    sync::Permission,
};
use leptos_sync_server::{
    Authorizer, Denied, DurableLog as _, Relay, RelayOptions, Since, Transport, User,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    Elapsed, Random, WallClock, drive,
    journal::{self, Journal, cells},
    log::SlowLog,
    replica::{Handle, State},
};

/// The document that all replicas edit.
pub(crate) const DOCUMENT: &str = "board";

/// The replicas of one document, the relay's log, and a journal of all edits. It does not know the
/// connections between them.
pub(crate) struct Crew {
    pub(crate) random: Rc<Random>,
    pub(crate) journal: Rc<RefCell<Journal>>,
    pub(crate) replicas: Vec<Replica>,
    /// The number of frames that replicas sent and received.
    pub(crate) frames: Cell<usize>,
    log: SlowLog,
    elapsed: Elapsed,
    clock: WallClock,
    forgot: Cell<bool>,
    next_replica: Cell<u64>,
}

pub(crate) struct Replica {
    pub(crate) state: Handle,
    /// The sender that notifies the replica's task of edits. `None` while the replica is not
    /// running.
    edited: RefCell<Option<UnboundedSender<()>>>,
}

/// An authorizer that lets users whose names start with "reader" only read.
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

impl Crew {
    /// Creates one replica for each entry of `skews_ms`, which is the error of its clock. If
    /// `reader` is true, the last one may only read.
    pub(crate) fn new(seed: u64, elapsed: Elapsed, reader: bool, skews_ms: &[i64]) -> Self {
        let journal = Rc::new(RefCell::new(Journal::default()));
        let replicas = skews_ms.iter().enumerate().map(|(at, &skew_ms)| {
            let writes = !(reader && at + 1 == skews_ms.len());
            let name = format!("{}-{at}", if writes { "writer" } else { "reader" });
            let state = State::new(
                name,
                ReplicaId::new(at as u64 + 1),
                WallClock::new(Elapsed::clone(&elapsed), skew_ms),
                skew_ms,
                writes,
                Rc::clone(&journal),
            );
            Replica {
                state: Handle(Rc::new(RefCell::new(state))),
                edited: RefCell::new(None),
            }
        });
        Self {
            replicas: replicas.collect(),
            random: Rc::new(Random::new(seed)),
            journal,
            frames: Cell::new(0),
            log: SlowLog::new(seed ^ 0x5eed),
            clock: WallClock::new(Elapsed::clone(&elapsed), 0),
            elapsed,
            forgot: Cell::new(false),
            next_replica: Cell::new(skews_ms.len() as u64 + 1),
        }
    }

    /// Starts a relay on the log of its predecessors.
    pub(crate) fn relay(&self, options: RelayOptions) -> Relay {
        let options = options.time(self.clock.clone());
        Relay::with_options(self.log.clone(), ByName, options)
    }

    /// Runs a replica until it is stopped. Calls `connect` whenever it has no connection.
    pub(crate) fn begin<T: Transport, C: AsyncFn() -> Option<T>>(
        self: &Rc<Self>,
        at: usize,
        connect: C,
    ) -> impl Future<Output = ()> + use<T, C> {
        let (edited, edits) = unbounded_channel();
        *self.replicas[at].edited.borrow_mut() = Some(edited);
        drive::drive(Rc::clone(self), at, edits, connect)
    }

    pub(crate) fn edit(&self, at: usize) {
        let replica = &self.replicas[at];
        let (key, value) = (self.random.below(6) as u32, self.random.next());
        replica.state.0.borrow_mut().edit(key, value);
        if let Some(edited) = &*replica.edited.borrow() {
            let _ = edited.send(());
        }
    }

    /// Restarts a replica under a new id, with its saved data.
    pub(crate) fn crash(&self, at: usize) {
        let id = self.next_replica.get();
        self.next_replica.set(id + 1);
        let replica = &self.replicas[at];
        replica.edited.borrow_mut().take();
        replica.state.0.borrow_mut().crash(ReplicaId::new(id));
    }

    pub(crate) fn forget_tombstones(&self, older_than_ms: u64) {
        let before = Time::from_ms(self.clock.now_ms() - older_than_ms);
        let forgotten = self.log.forget_tombstones(DOCUMENT, before);
        forgotten.now_or_never().unwrap().unwrap();
        self.forgot.set(true);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.elapsed)()
    }

    /// Checks the invariants that hold at any moment.
    pub(crate) fn check(&self) {
        for replica in &self.replicas {
            let state = replica.state.0.borrow();
            if state.name.starts_with("writer") {
                self.journal.borrow().check(&state.doc, &state.name);
            }
        }
    }

    /// Checks that the relay has every acknowledged edit, that all replicas equal the relay, and
    /// that none waits for an answer.
    pub(crate) fn check_quiet(&self) {
        self.check();
        let relay = self.at_relay();
        self.journal.borrow().check_acknowledged(&relay, "relay");
        let at_relay = self.live(&relay);
        for replica in &self.replicas {
            let state = replica.state.0.borrow();
            let name = &state.name;
            assert_eq!(
                state.outbox.len(),
                0,
                "{name}: every transaction has an answer"
            );
            let here = self.live(&state.doc);
            assert_eq!(
                beyond(&here, &at_relay),
                beyond(&at_relay, &here),
                "{name} does not equal the relay"
            );
        }
    }

    /// Returns whether all replicas are equal and none waits for an answer.
    pub(crate) fn is_quiet(&self) -> bool {
        let at_relay = self.live(&self.at_relay());
        self.replicas.iter().all(|replica| {
            let state = replica.state.0.borrow();
            state.outbox.is_empty() && self.live(&state.doc) == at_relay
        })
    }

    /// Returns the document that the relay has stored.
    fn at_relay(&self) -> Doc<CellMap> {
        let nothing = VersionVector::new();
        let since = self.log.kept().since(DOCUMENT, &nothing, 1_000);
        let clock = Clock::new(ReplicaId::new(u64::MAX), self.clock.clone());
        let mut relay = Doc::<CellMap>::new(clock);
        match since.now_or_never().unwrap().unwrap() {
            Since::Delta(parts) => {
                relay.apply(&Delta::of_parts(&parts).unwrap()).unwrap();
            }
            Since::Snapshot(parts) => {
                relay.merge_snapshot_parts(&parts).unwrap();
            }
        }
        relay
    }

    /// Returns the cells of a document, without tombstones if replicas may have forgotten them.
    fn live<S: leptos_sync_core::Root>(&self, doc: &Doc<S>) -> BTreeMap<PathBuf, journal::Cell> {
        let mut cells = cells(doc);
        cells.retain(|_, cell| !self.forgot.get() || cell.1.is_some());
        cells
    }
}

/// Returns the cells that the other documents lack.
fn beyond(
    these: &BTreeMap<PathBuf, journal::Cell>,
    those: &BTreeMap<PathBuf, journal::Cell>,
) -> Vec<(PathBuf, journal::Cell)> {
    let these = these
        .iter()
        .filter(|(path, cell)| those.get(path) != Some(cell));
    these
        .map(|(path, cell)| (path.clone(), cell.clone()))
        .collect()
}
