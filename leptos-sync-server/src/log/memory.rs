use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use futures::{FutureExt, future::BoxFuture};
use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId, Time, VersionVector, cells::CellMap, clock::TimeSource,
};
use parking_lot::Mutex;

use super::{
    DocumentState, DurableLog, Head, Reach, Since, check_name, check_user, listed, replicas,
};
use crate::error::Error;

/// A log in memory, for tests and for relays whose documents need not survive a restart.
///
/// Here, "durable" means until the log is dropped. Each document is a `Doc<CellMap>` behind its own
/// lock.
#[derive(Default)]
pub struct MemoryLog {
    documents: Mutex<BTreeMap<String, Arc<Mutex<Document>>>>,
    bindings: Mutex<HashMap<ReplicaId, String>>,
}

struct Document {
    head: Head,
    cells: Doc<CellMap>,
}

impl MemoryLog {
    /// Returns an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, document: &str) -> Result<Option<Arc<Mutex<Document>>>, Error> {
        check_name(document)?;
        Ok(self.documents.lock().get(document).map(Arc::clone))
    }

    fn find_or_make(&self, document: &str) -> Result<Arc<Mutex<Document>>, Error> {
        if let Some(found) = self.find(document)? {
            return Ok(found);
        }
        // The document makes no edits under this id. But if a client used the same id, the document
        // would mistake the client's operations for its own.
        let clock = Clock::new(ReplicaId::random()?, EndOfTime);
        let made = Document {
            head: Head::default(),
            cells: Doc::new(clock),
        };
        let mut documents = self.documents.lock();
        let entry = documents.entry(document.to_owned());
        let made = entry.or_insert_with(|| Arc::new(Mutex::new(made)));
        Ok(Arc::clone(made))
    }

    fn append_now(&self, document: &str, deltas: &[Delta]) -> Result<(), Error> {
        check_name(document)?;
        let Some(found) = self.find(document)? else {
            // Check first, so that a rejected append does not create the document.
            checked(&Head::default(), deltas)?;
            return match deltas {
                [] => Ok(()),
                _ => self.find_or_make(document)?.lock().append(deltas),
            };
        };
        found.lock().append(deltas)
    }

    fn append_as_now(
        &self,
        document: &str,
        deltas: &[Delta],
        user: &str,
    ) -> Result<Vec<ReplicaId>, Error> {
        check_user(user)?;
        let replicas = replicas(deltas);
        let mut bindings = self.bindings.lock();
        let taken = taken(&bindings, &replicas, user);
        if taken.is_empty() {
            self.append_now(document, deltas)?;
            bindings.extend(
                replicas
                    .into_iter()
                    .map(|replica| (replica, user.to_owned())),
            );
        }
        Ok(taken)
    }

    fn bind_now(&self, replicas: &[ReplicaId], user: &str) -> Result<Vec<ReplicaId>, Error> {
        check_user(user)?;
        let mut bindings = self.bindings.lock();
        let taken = taken(&bindings, replicas, user);
        if taken.is_empty() {
            bindings.extend(replicas.iter().map(|&replica| (replica, user.to_owned())));
        }
        Ok(taken)
    }
}

/// Returns the ids that are bound to another user.
fn taken(
    bindings: &HashMap<ReplicaId, String>,
    replicas: &[ReplicaId],
    user: &str,
) -> Vec<ReplicaId> {
    let taken = |replica: &&ReplicaId| bindings.get(replica).is_some_and(|of| of != user);
    replicas.iter().filter(taken).copied().collect()
}

impl Document {
    fn append(&mut self, deltas: &[Delta]) -> Result<(), Error> {
        let head = checked(&self.head, deltas)?;
        for delta in deltas {
            self.cells.apply(delta)?;
        }
        self.head = head;
        Ok(())
    }

    fn claim(&mut self, upto: VersionVector) -> Result<(), Error> {
        self.head.claim(&upto)?;
        let nothing = Delta::collect(VersionVector::new(), upto, |_| {})?;
        self.cells.apply(&nothing)?;
        Ok(())
    }

    fn since(&self, version: &VersionVector, bytes: usize) -> Result<Since, Error> {
        let Reach::Delta { after, upto } = self.head.reach(version) else {
            let parts = self.cells.snapshot()?.split(bytes.max(1))?;
            return Ok(Since::Snapshot(parts));
        };
        let whole = self.cells.delta_since(version)?;
        let parts = Delta::collect_parts(after, upto, bytes, |out| {
            for group in whole.cells().groups() {
                out.group(group.parent());
                group.cells().for_each(|cell| out.copy(cell));
            }
        })?;
        Ok(Since::Delta(parts))
    }

    fn forget(&mut self, before: Time) {
        self.head.forget(before);
        self.cells.forget_tombstones(&self.head.horizon);
    }
}

/// Returns the head after all deltas were joined, or an error if one of them cannot be joined.
fn checked(head: &Head, deltas: &[Delta]) -> Result<Head, Error> {
    let mut head = head.clone();
    for delta in deltas {
        head.check(delta)?;
        head.take(delta);
    }
    Ok(head)
}

/// A time source that returns the greatest time, since the relay checks the drift before a delta
/// reaches the log.
struct EndOfTime;

impl TimeSource for EndOfTime {
    fn now_ms(&self) -> u64 {
        u64::MAX
    }
}

/// Wraps a result in a future. Each call of this log does its work immediately and waits only for
/// locks.
fn ready<T: Send + 'static>(done: Result<T, Error>) -> BoxFuture<'static, Result<T, Error>> {
    futures::future::ready(done).boxed()
}

impl DurableLog for MemoryLog {
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>> {
        ready(self.find(document).map(|found| {
            found.map_or_else(DocumentState::default, |found| found.lock().head.state())
        }))
    }

    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.append_now(document, &deltas))
    }

    fn append_as(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        ready(self.append_as_now(document, &deltas, user))
    }

    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>> {
        if upto.is_empty() {
            return ready(check_name(document));
        }
        let checked = Head::default().claim(&upto);
        ready(checked.and_then(|()| self.find_or_make(document)?.lock().claim(upto)))
    }

    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>> {
        ready(self.find(document).and_then(|found| match found {
            Some(found) => found.lock().since(version, bytes),
            None => Ok(Since::Delta(vec![Delta::default()])),
        }))
    }

    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.find(document).map(|found| {
            if let Some(found) = found {
                found.lock().forget(before);
            }
        }))
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let documents = self.documents.lock();
        let names = documents.range::<str, _>((from, Bound::Unbounded));
        let names = names.map(|(name, _)| name.clone());
        ready(Ok(names.take(listed(most)).collect()))
    }

    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        ready(self.bind_now(replicas, user))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        ready(check_name(document).map(|()| {
            self.documents.lock().remove(document);
        }))
    }
}
