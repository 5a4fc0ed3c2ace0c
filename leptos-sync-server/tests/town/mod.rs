//! A relay, its clients, and everything that can happen to them.

mod client;
mod delayed_log;
mod pipe;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ops::Range,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use leptos_sync_core::{Time, clock::TimeSource};
use leptos_sync_server::{
    AllowAnyone, DurableLog as _, MemoryLog, Rate, Rates, Relay, RelayOptions, SealKey,
};
use tokio::time::{Instant, sleep};

use crate::boards;
pub(crate) use client::Member;
use delayed_log::DelayedLog;
use pipe::Network;

/// The time in which everything settles once all is well: the longest delay of a client is five
/// minutes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// The keys that all clients write and remove. Greater keys are written once.
const SHARED: Range<u64> = 0..10;

const DOCUMENT: &str = "board";
const START_MS: u64 = 1_700_000_000_000;
const KEY: SealKey = SealKey::new([7; 16]);

/// The wall clock, which follows the virtual time.
#[derive(Clone)]
struct Wall {
    start: Instant,
}

impl TimeSource for Wall {
    fn now_ms(&self) -> u64 {
        START_MS + self.start.elapsed().as_millis() as u64
    }
}

/// A source of random numbers that a seed determines.
pub(crate) struct Random(RefCell<boards::Random>);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = boards::Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            random.below(2);
        });
        Self(RefCell::new(random))
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.0.borrow_mut().below(bound)
    }

    pub(crate) fn within(&self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }
}

pub(crate) struct Town {
    pub(crate) random: Random,
    pub(crate) clients: Vec<Member>,
    network: Rc<Network>,
    wall: Wall,
    log: Arc<MemoryLog>,
    backup: Option<Arc<MemoryLog>>,
    /// Whether edits of clients that are gone may be lost, because the relay was restored.
    was_restored: bool,
    next_key: Cell<u32>,
    /// The keys that must be there in the end, apart from those of present clients.
    kept: BTreeSet<u32>,
}

impl Town {
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        let wall = Wall {
            start: Instant::now(),
        };
        let mut town = Self {
            clients: Vec::new(),
            network: Rc::default(),
            log: Arc::new(MemoryLog::new().unwrap()),
            backup: None,
            was_restored: false,
            next_key: Cell::new(SHARED.end as u32),
            kept: BTreeSet::new(),
            wall,
            random,
        };
        town.start();
        for _ in 0..town.random.within(2..6) {
            town.add();
        }
        town
    }

    /// Starts a relay with the present log.
    fn start(&self) {
        let log = DelayedLog::with_seed(Arc::clone(&self.log), self.random.below(1 << 32));
        let much = Rate::new(1 << 20, 1 << 20);
        let options = RelayOptions::default()
            .time(self.wall.clone())
            .seal_key(KEY)
            .connection_rates(Rates::CONNECTION.frames(much));
        let relay = Relay::with_options(log, AllowAnyone, options);
        self.network.start(relay, self.random.below(1 << 32));
    }

    fn add(&mut self) {
        let seed = self.random.below(1 << 32);
        let member = Member::start(Rc::clone(&self.network), self.wall.clone(), seed);
        self.clients.push(member);
    }

    pub(crate) fn insert_unique(&self, at: usize) {
        let key = self.next_key.get();
        self.next_key.set(key + 1);
        // Some exceed what a queue holds.
        let text = match self.random.below(20) {
            0 => "x".repeat(90_000),
            _ => format!("card {key}"),
        };
        self.clients[at].insert(key, &text);
    }

    pub(crate) fn insert_shared(&self, at: usize) {
        let key = self.random.within(SHARED) as u32;
        let text = format!("shared {}", self.random.below(1 << 20));
        self.clients[at].write(key, &text);
    }

    pub(crate) fn remove_shared(&self, at: usize) {
        let key = self.random.within(SHARED) as u32;
        self.clients[at].remove(key);
    }

    /// Kills the relay, and starts it again.
    pub(crate) fn restart(&self) {
        self.network.stop();
        self.log.new_epoch().unwrap();
        self.start();
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some(Arc::new(self.log.fork().unwrap()));
    }

    /// Kills the relay, and starts it with the last backup.
    pub(crate) fn restore(&mut self) {
        if let Some(backup) = &self.backup {
            self.network.stop();
            self.log = Arc::new(backup.fork().unwrap());
            self.was_restored = true;
            self.start();
        }
    }

    /// Forgets all removals so far, like a sweep of a relay with a short retention.
    pub(crate) fn forget(&self) {
        // A client that is behind a forgotten removal and also has to restore what was lost cannot
        // tell these apart, and keeps both.
        if self.backup.is_none() {
            let now_ms = self.wall.now_ms();
            let forgotten = self.log.forget(DOCUMENT, Time::from_ms(now_ms), now_ms);
            futures::executor::block_on(forgotten).unwrap();
        }
    }

    /// Replaces a client by a new one. What the relay has not acknowledged is lost with it.
    pub(crate) fn replace(&mut self, at: usize) {
        if !self.was_restored {
            self.kept.extend(self.clients[at].acknowledged());
            self.clients.remove(at);
            self.add();
        }
    }

    /// Ends all troubles.
    pub(crate) fn heal(&mut self) {
        for client in &self.clients {
            client.sleep(false);
            client.go_offline(false);
        }
    }

    /// Returns whether all clients have the same content and no edit waits.
    pub(crate) fn is_settled(&self) -> bool {
        let first = self.clients[0].handle.cards();
        self.clients
            .iter()
            .all(|client| client.is_synced() && client.handle.cards() == first)
    }

    pub(crate) async fn until(&self, what: &str, patience: Duration, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            if start.elapsed() > patience {
                self.print();
                panic!("timed out waiting for {what}");
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Prints the state of all clients, and the cards on which they disagree.
    fn print(&self) {
        let boards: Vec<_> = self.clients.iter().map(|one| one.handle.cards()).collect();
        for (at, client) in self.clients.iter().enumerate() {
            println!("client {at}, synced: {}: {client:?}", client.is_synced());
        }
        for key in 0..self.next_key.get() {
            let cards = boards.iter().map(|board| board.get(&key));
            let cards: Vec<_> = cards
                .map(|card| card.map(|text| text.get(..20).unwrap_or(text)))
                .collect();
            if cards.iter().any(|card| *card != cards[0]) {
                println!("card {key}: {cards:?}");
            }
        }
    }

    /// Checks that no edit is missing, and that nobody violated the protocol.
    pub(crate) fn check(&self) {
        let cards = self.clients[0].handle.cards();
        let own = self.clients.iter().flat_map(Member::inserted);
        for key in own.chain(self.kept.iter().copied()) {
            assert!(cards.contains_key(&key), "card {key} is missing");
        }
        let ended = self.clients.iter().flat_map(Member::ended);
        let ended: Vec<_> = ended.filter(|(reason, _)| !reason.is_temporary()).collect();
        assert!(ended.is_empty(), "{ended:?}");
    }
}
