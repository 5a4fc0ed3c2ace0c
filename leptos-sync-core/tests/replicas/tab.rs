//! A replica with its disk, and the order of its requests.

use leptos_sync_core::{
    Clock, ReplicaId,
    clock::{ManualTime, Window},
    history::{
        CellRange, Entry, EntryId, IdHead, Next, Opened, Opening, Page, Patch, RelayState,
        Sequence, Witness,
    },
    replica::Replica,
    sync::{Reason, TabMessageKind},
};

use super::{
    disk::Disk,
    oracle::{Board, CellsByPath, Oracle, cells_of, join, new_replica, random_id},
    push::Pushed,
    relay::{Relay, ms},
    siblings::Siblings,
};

/// A message to the relay.
pub(crate) enum Request {
    Open(Opening),
    Range,
    Offer(Patch, Witness),
    Adopt(Vec<(ReplicaId, IdHead)>),
    Read(Sequence),
    Push(Vec<Entry>),
}

/// The relay's answer.
#[derive(Debug)]
pub(crate) enum Response {
    Opened(Opened),
    Cells(CellRange),
    Offered(bool, RelayState),
    Adopted(Vec<(ReplicaId, IdHead)>, RelayState),
    Page(Page),
    Behind,
    Pushed(Vec<Pushed>),
}

pub(crate) struct Tab {
    pub(crate) name: String,
    /// The first tab of a profile names it.
    pub(crate) profile: u64,
    pub(crate) replica: Replica<Board>,
    pub(crate) disk: Disk,
    time: ManualTime,
    pub(crate) skew: i64,
    pub(crate) flight: Option<Request>,
    offers: Vec<Patch>,
    range_is_last: bool,
    pushes: u32,
    /// The other tabs of the browser, if there may be some.
    pub(crate) siblings: Option<Siblings>,
    window: Option<Window>,
    /// Whether the last answer ended the exchange, with everything read.
    pub(crate) rests: bool,
}

impl Tab {
    pub(crate) fn new(name: &str) -> Self {
        let time = ManualTime::at(ms(0));
        let clock = Clock::new(ReplicaId::new(1), time.clone());
        Self {
            name: name.to_owned(),
            profile: random_id().unwrap(),
            replica: new_replica(clock),
            disk: Disk::new(),
            time,
            skew: 0,
            flight: None,
            offers: Vec::new(),
            range_is_last: false,
            pushes: 0,
            siblings: None,
            window: None,
            rests: false,
        }
    }

    /// Stores what is not stored yet. Returns whether that was successful.
    pub(crate) fn save(&mut self, oracle: &mut Oracle) -> bool {
        let compacts = oracle.rng.chance(10);
        let saved = self.disk.save(&mut self.replica, compacts);
        oracle.log(|| {
            let progress = self.replica.progress();
            let (at, epochs) = (progress.cursor.position, progress.epochs.list());
            let comparing = progress.comparing;
            format!(
                "{} saves at {at:?} of {epochs:?}, comparing: {comparing}, saved: {saved}",
                self.name
            )
        });
        if std::mem::take(&mut self.disk.has_reloaded) {
            oracle.log(|| format!("{} loads again", self.name));
            self.cut();
        }
        saved
    }

    /// Starts a new page life from the disk.
    pub(crate) fn load(&mut self) {
        let clock = Clock::new(ReplicaId::new(1), self.time.clone());
        self.replica = new_replica(clock);
        self.disk.load(&mut self.replica);
        self.cut();
        self.meet_siblings();
    }

    /// Opens another tab of the same browser.
    pub(crate) fn open(&self, name: &str) -> Self {
        let mut tab = Self::new(name);
        tab.profile = self.profile;
        tab.disk = self.disk.share();
        tab.siblings = self.siblings.as_ref().map(|_| Siblings::new());
        tab.load();
        tab
    }

    pub(crate) fn copy(&self, name: &str) -> Self {
        let mut copy = Self::new(name);
        copy.disk = self.disk.copy();
        copy.siblings = self.siblings.as_ref().map(|_| Siblings::new());
        copy.load();
        copy
    }

    /// Copies the running page with its memory.
    pub(crate) fn clone_running(&self, name: &str) -> Self {
        let mut copy = Self::new(name);
        copy.disk = self.disk.copy();
        copy.replica = self
            .replica
            .clone_running(Clock::new(ReplicaId::new(1), copy.time.clone()));
        copy.cut();
        copy
    }

    pub(crate) fn cut(&mut self) {
        self.flight = None;
        self.rests = false;
        self.replica.end_session();
    }

    pub(crate) fn set_time(&self, oracle: &Oracle) {
        self.time.set(ms(oracle.now + self.skew));
    }

    pub(crate) fn base(&self) -> CellsByPath {
        cells_of(&self.replica.base_parts(1 << 16).unwrap())
    }

    /// Returns the base and the outbox, joined.
    pub(crate) fn joined(&self) -> CellsByPath {
        let mut all = self.base();
        for one in self.replica.entries() {
            for (path, cell) in cells_of([&one.entry().cells]) {
                join(&mut all, path, cell);
            }
        }
        all
    }

    /// Returns the next request, if the tab is idle.
    pub(crate) fn start(&mut self) -> Request {
        self.pushes = 0;
        self.rests = false;
        Request::Open(self.replica.start())
    }

    /// Lets the relay handle a request.
    pub(crate) fn send(
        &self,
        relay: &mut Relay,
        request: Request,
        oracle: &mut Oracle,
    ) -> Response {
        match request {
            Request::Open(opening) => {
                let epochs = &self.replica.progress().epochs;
                Response::Opened(relay.open(&opening, epochs, oracle))
            }
            Request::Range => Response::Cells(relay.range(self.replica.compared_to())),
            Request::Offer(offers, witness) => {
                let (all, state) = relay.offer(&offers, witness, oracle);
                Response::Offered(all, state)
            }
            Request::Adopt(heads) => {
                let (heads, state) = relay.adopt(&heads);
                Response::Adopted(heads, state)
            }
            Request::Read(after) => match relay.read(after) {
                Some(page) => Response::Page(page),
                None => Response::Behind,
            },
            Request::Push(entries) => Response::Pushed(relay.push(&entries, oracle)),
        }
    }

    /// Handles an answer. Returns the next request.
    pub(crate) fn on(&mut self, response: Response, oracle: &mut Oracle) -> Option<Request> {
        match response {
            Response::Opened(opened) => {
                self.window = Some(opened.window());
                oracle.floor = oracle.floor.max(opened.floor);
                match self.replica.opened(&opened).unwrap() {
                    Next::Compare => {
                        oracle.log(|| format!("{} compares: {opened:?}", self.name));
                        Some(Request::Range)
                    }
                    Next::Read => self.read(oracle),
                }
            }
            Response::Cells(range) => {
                let compared = self.replica.range(&range).unwrap();
                self.note_inferred(&compared.offers, &range, oracle);
                self.range_is_last = self.replica.compared_to().is_none();
                self.offers = compared.offers;
                self.next_range(oracle)
            }
            Response::Offered(all, state) => {
                self.replica.offered(all, state);
                self.next_range(oracle)
            }
            Response::Adopted(heads, state) => {
                self.replica.adopted(&heads, state);
                self.end_comparison(oracle)
            }
            Response::Page(page) => {
                let upto = page.upto;
                self.replica.page(&page).unwrap();
                if self.pushes == 0 {
                    return self.read(oracle);
                }
                if upto < page.state.head() {
                    return Some(Request::Read(upto));
                }
                self.rests = true;
                None
            }
            Response::Behind => self.stop(),
            Response::Pushed(answers) => {
                for answer in answers {
                    oracle.log(|| format!("{} gets {answer:?}", self.name));
                    if !self.answered(answer, oracle) {
                        return self.stop();
                    }
                }
                self.push(oracle)
            }
        }
    }

    fn stop(&mut self) -> Option<Request> {
        self.cut();
        None
    }

    fn next_range(&mut self, oracle: &mut Oracle) -> Option<Request> {
        if let Some(offers) = self.offers.pop() {
            oracle.log(|| format!("{} offers {:?}", self.name, cells_of([&offers])));
            return Some(Request::Offer(offers, self.replica.witness()));
        }
        if !self.range_is_last {
            return Some(Request::Range);
        }
        if self.replica.progress().comparing {
            return Some(Request::Adopt(self.replica.heads()));
        }
        self.end_comparison(oracle)
    }

    fn end_comparison(&mut self, oracle: &mut Oracle) -> Option<Request> {
        match self.replica.compared() {
            true => self.read(oracle),
            false => self.stop(),
        }
    }

    fn read(&mut self, oracle: &mut Oracle) -> Option<Request> {
        if !self.replica.is_read() {
            return Some(Request::Read(
                self.replica.progress().cursor.position.sequence,
            ));
        }
        if let Err(error) = self.change(oracle, |replica| replica.settle()) {
            assert!(error.is_gap(), "{error}");
            return self.stop();
        }
        if let Some(window) = self.window.filter(|_| oracle.rng.chance(50)) {
            let restamped = self.change(oracle, |replica| replica.restamp_ahead(window));
            restamped.unwrap();
        }
        self.push(oracle)
    }

    /// Sends the next entries, or reads what others wrote meanwhile.
    pub(crate) fn push(&mut self, oracle: &mut Oracle) -> Option<Request> {
        self.pushes += 1;
        self.rests = false;
        let room = oracle.rng.pick(&[1, 1, 200]);
        // Entries are stored before they are sent.
        if self.siblings.is_some() && !self.save(oracle) {
            return self.stop();
        }
        let entries = match self.pushes < 60 {
            true => self.next_entries(room),
            false => Vec::new(),
        };
        if entries.is_empty() {
            return Some(Request::Read(
                self.replica.progress().cursor.position.sequence,
            ));
        }
        if self.siblings.is_none() && !self.save(oracle) {
            return self.stop();
        }
        Some(Request::Push(entries))
    }

    /// Handles the answer to one entry. Returns whether the exchange goes on.
    fn answered(&mut self, answer: Pushed, oracle: &mut Oracle) -> bool {
        self.set_time(oracle);
        match answer {
            Pushed::Ack(ack) => {
                self.replica.acknowledged(&ack).unwrap();
                self.send_to_siblings(TabMessageKind::Ack(ack));
            }
            Pushed::Gap => return false,
            Pushed::Time(id, from) => {
                let restamped = self.change(oracle, |replica| replica.restamp(id, from));
                restamped.unwrap();
            }
            Pushed::Rejected(id) => {
                self.reject(id, oracle);
                let (reason, text) = (Reason::Limit, String::new());
                self.send_to_siblings(TabMessageKind::Reject { id, reason, text });
            }
        }
        true
    }

    pub(crate) fn reject(&mut self, id: EntryId, oracle: &mut Oracle) {
        let rejected = self.note_change(oracle, |replica| {
            let rejected = replica.reject(id)?;
            Ok(rejected.map(|one| one.changes).unwrap_or_default())
        });
        rejected.unwrap();
    }

    fn note_inferred(&self, offers: &[Patch], range: &CellRange, oracle: &mut Oracle) {
        let theirs = cells_of([&range.cells]);
        for (path, cell) in cells_of(offers) {
            if let Some(known) = theirs.get(&path)
                && cell.1.is_none()
                && cell.0.replica == known.0.replica
                && cell.0.time.get() == known.0.time.get() + 1
                && known.1.is_some()
            {
                oracle.log(|| format!("{} infers a removal at {path:?} of {known:?}", self.name));
                oracle.note_inferred(&path, cell.0, known);
            }
        }
    }

    /// Returns the entries of the outbox that have cells.
    pub(crate) fn outbox(&self) -> Vec<EntryId> {
        let entries = self.replica.entries().iter().map(|one| one.entry());
        let entries = entries.filter(|entry| !entry.cells.is_empty());
        entries.map(|entry| entry.id).collect()
    }
}
