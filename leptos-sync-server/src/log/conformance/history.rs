//! Random histories. After each step, the log must agree with a [`Model`].

use std::{collections::BTreeMap, sync::Arc};

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::PathBuf,
    history::{Entry, EntryHash, Epoch, IdHead, RelayState, Sequence},
    limits::DRIFT_MS,
};

use super::{
    Place,
    cells::{Cell, CellsByPath, any_path, entry, fails, patch, record_of, succeeds},
    model::Model,
    plan::{CellPlan, EntryPlan, Follows, Step, TimePlan},
};
use crate::{DurableLog, PushOutcome};

/// The relay's time at the start of a history.
const NOW_MS: u64 = 1_700_000_000_000;

const DOCUMENTS: [&str; 2] = ["board", "list"];
const USERS: [&str; 2] = ["ada", "bob"];

/// Runs all steps and compares the log with the model after each.
pub(super) async fn follow(place: &impl Place, steps: Vec<Step>) {
    let mut world = World::new(place.open());
    for step in steps {
        world.take(place, step).await;
        for document in 0..DOCUMENTS.len() {
            world.check(document).await;
        }
    }
    for document in 0..DOCUMENTS.len() {
        world.ranges(document, 100).await;
        world.pages(document, 100).await;
    }
}

pub(super) struct World {
    pub(super) log: Arc<dyn DurableLog>,
    now: u64,
    /// The number of epochs that the log has started.
    period: u64,
    /// The epoch of each period in which a document was written.
    pub(super) epochs: BTreeMap<u64, Epoch>,
    models: [Model; 2],
}

pub(super) fn name(document: usize) -> &'static str {
    DOCUMENTS.get(document).copied().unwrap_or_default()
}

fn user(at: u8) -> &'static str {
    USERS.get(usize::from(at)).copied().unwrap_or_default()
}

fn id(at: u8) -> ReplicaId {
    ReplicaId::new(u64::from(at) + 1)
}

impl World {
    fn new(log: Arc<dyn DurableLog>) -> Self {
        Self {
            log,
            now: NOW_MS,
            period: 0,
            epochs: BTreeMap::new(),
            models: Default::default(),
        }
    }

    pub(super) fn model(&mut self, document: usize) -> &mut Model {
        let model = self.models.get_mut(document);
        model.expect("there are two documents")
    }

    async fn take(&mut self, place: &impl Place, step: Step) {
        match step {
            Step::Push(document, of, entries) => {
                self.push(document.into(), user(of), &entries).await;
            }
            Step::Offer(of, cells, latest) => self.offer(of.map(user), &cells, latest).await,
            Step::Adopt(document, of, heads) => self.adopt(document.into(), user(of), heads).await,
            Step::Page(document, after, bytes) => {
                let document = usize::from(document);
                let after = self.model(document).sequence * u64::from(after) / 256;
                self.page(document, after, bytes).await;
            }
            Step::Pages(document, bytes) => self.pages(document.into(), bytes).await,
            Step::Ranges(document, bytes) => self.ranges(document.into(), bytes).await,
            Step::Forget(document, age, received) => {
                self.forget(document.into(), age, received).await;
            }
            Step::Wait(ms) => self.now += ms,
            Step::Epoch => {
                succeeds(self.log.new_epoch(), "new_epoch");
                self.period += 1;
            }
            Step::Reopen => {
                // Drop the old log before opening it again.
                let other = crate::MemoryLog::new();
                self.log = Arc::new(succeeds(other, "a log in memory"));
                self.log = place.reopen();
                self.period += 1;
            }
            Step::Remove(document) => {
                let document = usize::from(document);
                succeeds(self.log.remove(name(document)).await, "remove");
                self.model(document).remove();
            }
        }
    }

    fn time(&self, document: usize, plan: TimePlan, id: ReplicaId) -> Time {
        let model = self.models.get(document).expect("there are two documents");
        let of_id = model.head(id).time;
        let after = |time: Time, steps: u64| Time::new(time.get() + steps);
        match plan {
            TimePlan::Ago(ms) => Time::from_ms(self.now - ms),
            TimePlan::AfterLatest => after(model.latest, 1),
            TimePlan::TwoAfterLatest => after(model.latest, 2),
            TimePlan::AtDrift => Time::from_ms(self.now + DRIFT_MS),
            TimePlan::BeyondDrift => Time::from_ms(self.now + DRIFT_MS + 1),
            TimePlan::AtFloor => after(model.floor, 0).max(Time::new(1)),
            TimePlan::BelowFloor => Time::new(model.floor.get().saturating_sub(1).max(1)),
            TimePlan::OfId => of_id.max(Time::new(1)),
            TimePlan::AfterId => after(of_id, 1),
            TimePlan::End => Time::from_ms(1 << 47),
        }
    }

    async fn push(&mut self, document: usize, user: &str, plans: &[EntryPlan]) {
        let (period, now) = (self.period, self.now);
        let mut entries = Vec::new();
        // The entries follow each other as if all were stored.
        let mut model = self.model(document).clone();
        for plan in plans {
            let entry = self.plan(document, &model, plan);
            let _ = model.push(period, user, &entry, now);
            entries.push(entry);
        }
        let log = Arc::clone(&self.log);
        let pushed = log.push(name(document), user, entries.clone(), now).await;
        let model = self.model(document);
        if model.is_removed {
            assert!(fails(pushed, "a push").is_removed());
            return;
        }
        let mut expected = PushOutcome {
            first: Sequence::new(model.sequence + 1),
            ..PushOutcome::default()
        };
        for entry in &entries {
            match model.push(period, user, entry, now) {
                Ok(has_lost) => {
                    expected.count += 1;
                    expected.has_lost |= has_lost;
                }
                Err(refusal) => {
                    expected.refusal = Some(refusal);
                    break;
                }
            }
        }
        let pushed = succeeds(pushed, "push");
        let model = self.model(document);
        expected.floor = model.floor;
        expected.state = pushed.state;
        assert_eq!(pushed, expected, "the push matches the model");
        self.state(document, &pushed.state);
    }

    fn plan(&self, document: usize, model: &Model, plan: &EntryPlan) -> Entry {
        let replica = id(plan.id);
        let time = self.time(document, plan.time, replica);
        let cells: Vec<_> = plan.cells.iter().map(|cell| planned(*cell)).collect();
        let mut entry = entry(replica.get(), model.head(replica), time, &cells);
        match plan.follows {
            Follows::Directly => {}
            Follows::WithOtherHash => entry.previous = Model::other_hash(entry.previous),
            Follows::WithGap => entry.id.number += 1,
            Follows::Again => entry.id.number = (entry.id.number - 1).max(1),
        }
        entry
    }

    async fn offer(
        &mut self,
        user: Option<&str>,
        plans: &[(CellPlan, u8, TimePlan)],
        latest: TimePlan,
    ) {
        let (document, period, now) = (0, self.period, self.now);
        let mut cells = CellsByPath::new();
        for (plan, of, time) in plans {
            let (path, value) = planned(*plan);
            let stamp = Stamp::new(self.time(document, *time, id(*of)), id(*of));
            cells.insert(path, Cell { stamp, value });
        }
        let latest = self.time(document, latest, id(0));
        let log = Arc::clone(&self.log);
        let offered = log.join_cells(name(document), user, patch(&cells), now, latest);
        let offered = offered.await;
        let model = self.model(document);
        if model.is_removed {
            assert!(fails(offered, "an offer").is_removed());
            return;
        }
        let offered = succeeds(offered, "offer");
        let before = model.sequence;
        let all = model.join_cells(period, user, &cells, now, latest);
        assert_eq!(offered.all, all, "the offer matches the model");
        assert_eq!(offered.taken, taken(before, model));
        self.state(document, &offered.state);
    }

    async fn adopt(&mut self, document: usize, user: &str, plans: Vec<(u8, u64, TimePlan)>) {
        let period = self.period;
        let mut heads = Vec::new();
        for (of, ahead, time) in plans {
            let head = IdHead {
                number: self.model(document).head(id(of)).number + ahead,
                hash: EntryHash::new(7 << 32 | ahead),
                time: self.time(document, time, id(of)),
                emptied: ahead % 4,
            };
            heads.push((id(of), head));
        }
        let log = Arc::clone(&self.log);
        let adopted = log.raise_heads(name(document), user, heads.clone()).await;
        let model = self.model(document);
        if model.is_removed {
            assert!(fails(adopted, "an adoption").is_removed());
            return;
        }
        let adopted = succeeds(adopted, "adopt");
        let before = model.sequence;
        model.raise_heads(period, user, &heads);
        assert_eq!(adopted.taken, taken(before, model));
        let expected: Vec<_> = heads.iter().map(|(id, _)| (*id, model.head(*id))).collect();
        assert_eq!(adopted.heads, expected, "the heads match the model");
        self.state(document, &adopted.state);
    }

    async fn forget(&mut self, document: usize, age: u64, received: u64) {
        let before = Time::from_ms(self.now - age);
        let received_before = self.now - received;
        let log = Arc::clone(&self.log);
        let forgotten = log.forget(name(document), before, received_before).await;
        let model = self.model(document);
        if model.is_removed {
            assert!(fails(forgotten, "forgetting").is_removed());
            return;
        }
        succeeds(forgotten, "forget");
        model.forget(before, received_before);
    }

    /// Checks the end of a history, and learns the epoch of its last change.
    pub(super) fn state(&mut self, document: usize, state: &RelayState) {
        let model = self.model(document).clone();
        let (period, first) = model.periods.last().copied().unwrap_or_default();
        assert_eq!(state.head().get(), model.sequence, "the head");
        assert_eq!(state.witness.latest, model.latest, "the latest time");
        assert_eq!(state.epoch_start.get(), first, "the start of the epoch");
        if model.periods.is_empty() {
            assert_eq!(state.epoch(), Epoch::NONE);
            return;
        }
        let known = self.epochs.entry(period).or_insert(state.epoch());
        assert_eq!(state.epoch(), *known, "an epoch changed");
        let same = self
            .epochs
            .values()
            .filter(|epoch| **epoch == state.epoch());
        assert_eq!(same.count(), 1, "two epochs are equal");
    }
}

/// Returns the number that the last operation took.
fn taken(before: u64, model: &Model) -> Option<Sequence> {
    (model.sequence > before).then(|| Sequence::new(model.sequence))
}

fn planned((at, value): CellPlan) -> (PathBuf, Option<Vec<u8>>) {
    let (path, value) = (any_path(at), value.checked_sub(1));
    // An ender has no value.
    let value = value.filter(|_| record_of(&path).is_none());
    (path, value.map(|value| vec![value; usize::from(value)]))
}
