use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use leptos::prelude::*;
use leptos_sync_core::{
    Delta, DocStore, Error, ReplicaId, Root, Saver, Storage, StoreWrite, limits,
};
use send_wrapper::SendWrapper;

use super::backend::{Backend, Kept, Opened};
use crate::{
    indexed_db::IndexedDbStorage,
    live::{LiveDoc, StorageKind},
    provider::provisional_replica,
    task::spawn,
};

/// How long a failed write waits before it is tried again, if nothing new comes.
const RETRY: Duration = Duration::from_secs(5);

/// Saves a document for as long as the page lives, and loads it as soon as the lease is there.
pub(super) fn keep<S: Root>(backend: &Backend, name: &str, doc: LiveDoc<S>) {
    let store = backend
        .opened()
        .and_then(|opened| Ok((opened, DocStore::new(opened.storage.clone(), name)?)));
    match store {
        Ok((opened, store)) => start(opened, store, doc),
        Err(error) => in_memory(&doc, error),
    }
}

/// Nothing is kept: the document lives as long as the page.
fn in_memory<S: Root>(doc: &LiveDoc<S>, error: Error) {
    doc.outbox().close();
    doc.status().change(|facts| {
        facts.storage = StorageKind::Memory;
        facts.loading = false;
        facts.error = Some(Arc::new(error));
    });
}

/// Is ready to save from now on; the load comes when the id is known.
fn start<S: Root>(opened: &Opened, store: DocStore<IndexedDbStorage>, doc: LiveDoc<S>) {
    doc.status()
        .change(|facts| facts.storage = StorageKind::IndexedDb);
    let keeper = Rc::new(Keeper {
        doc,
        store: RefCell::new(store),
        saver: RefCell::default(),
        replica: Cell::default(),
        flushing: Cell::new(false),
        retrying: Cell::new(false),
        compacting: Cell::new(false),
    });
    opened.register(Rc::clone(&keeper) as Rc<dyn Kept>);
    let doc = keeper.doc.clone();
    let keeper = SendWrapper::new(keeper);
    doc.outbox().open(Arc::new(move |delta| keeper.save(delta)));
}

/// Saves one document, for as long as the page: the document's outbox holds it.
struct Keeper<S: 'static> {
    doc: LiveDoc<S>,
    store: RefCell<DocStore<IndexedDbStorage>>,
    saver: RefCell<Saver>,
    /// The id to go on under. It may change while the document is being read.
    replica: Cell<ReplicaId>,
    /// Whether a timer is set to flush what waits, or to try again what failed.
    flushing: Cell<bool>,
    retrying: Cell<bool>,
    compacting: Cell<bool>,
}

impl<S: Root> Keeper<S> {
    // Out of line: what it would say if it were borrowed already, which a page has once this way.
    #[inline(never)]
    fn store(&self) -> RefMut<'_, DocStore<IndexedDbStorage>> {
        self.store.borrow_mut()
    }

    #[inline(never)]
    fn saver(&self) -> RefMut<'_, Saver> {
        self.saver.borrow_mut()
    }

    /// Joins what is stored with what was edited meanwhile, and shows it.
    async fn read(self: &Rc<Self>) -> Result<(), Error> {
        // Edits are written meanwhile, so the store is not held across the wait.
        let prefix = self.store().prefix().to_vec();
        let storage = self.store().storage().clone();
        let records = storage.scan_prefix(&prefix).await?;
        let damage = self.doc.replace(|doc| {
            let damage = self.store().read(records, doc)?;
            // Operations of the leased id may be among what could not be read: it must not be used again.
            doc.set_replica(match damage.first() {
                None => self.replica.get(),
                Some(_) => provisional_replica(),
            });
            Ok::<_, Error>(damage)
        })?;
        if let Some(first) = damage.first() {
            self.doc.status().error(Error::storage(format!(
                "{} stored records are kept but unreadable: {}",
                damage.len(),
                first.error
            )));
        }
        self.doc.status().change(|facts| facts.loading = false);
        self.compact();
        Ok(())
    }

    fn save(self: &Rc<Self>, transaction: Delta) {
        self.saver().push(transaction);
        self.pump();
    }

    /// Writes what is to be written now.
    fn pump(self: &Rc<Self>) {
        let next = self.saver().next_write();
        if let Some((id, deltas)) = next {
            self.write(id, &deltas);
        }
        if self.saver().is_waiting() {
            let delay = Duration::from_millis(limits::SAVE_DELAY_MS.into());
            self.after(delay, |this| &this.flushing, Self::flush_now);
        }
    }

    fn flush_now(self: &Rc<Self>) {
        let all = self.saver().flush();
        if let Some((id, deltas)) = all {
            self.write(id, &deltas);
        }
    }

    /// Issues a write; what comes of it is told later.
    fn write(self: &Rc<Self>, id: u64, deltas: &[Delta]) {
        let StoreWrite { batch, receipt } = self.store().log(deltas);
        let committed = self.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move {
            match committed.await {
                Ok(()) => {
                    this.saver().saved(id);
                    this.store().committed(receipt);
                    this.saved();
                }
                Err(error) => {
                    this.saver().failed(id);
                    this.doc.status().error(error);
                    this.after(
                        RETRY,
                        |this| &this.retrying,
                        |this| {
                            this.saver().retry();
                            this.pump();
                        },
                    );
                }
            }
            this.pump();
            this.compact();
        });
    }

    fn saved(&self) {
        let unsaved = self.saver().unsaved();
        self.doc.status().change(|facts| {
            // What could not be loaded is kept in memory since, whatever of it was written before.
            if facts.storage == StorageKind::IndexedDb {
                facts.unsaved = unsaved;
                facts.error = None;
            }
        });
    }

    /// Replaces log and snapshots by one snapshot, when that pays and nothing else is to do.
    fn compact(self: &Rc<Self>) {
        let due = self.store().wants_compaction() && self.saver().unsaved() == 0;
        if !due || self.compacting.replace(true) {
            return;
        }
        let write = self.doc.with_doc_mut(|doc| self.store().compact(doc));
        let StoreWrite { batch, receipt } = match write {
            Ok(write) => write,
            Err(error) => return self.doc.status().error(error),
        };
        let committed = self.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move {
            let result = committed.await;
            this.compacting.set(false);
            match result {
                Ok(()) => this.store().committed(receipt),
                // Nothing is lost by it: the log stays as it is, until the next write tries again.
                Err(error) => this.doc.status().error(error),
            }
        });
    }

    /// Does `work` after a while, unless the timer that `flag` tells of is set already.
    fn after(
        self: &Rc<Self>,
        delay: Duration,
        flag: fn(&Self) -> &Cell<bool>,
        work: fn(&Rc<Self>),
    ) {
        if flag(self).replace(true) {
            return;
        }
        let this = Rc::clone(self);
        set_timeout(
            move || {
                flag(&this).set(false);
                work(&this);
            },
            delay,
        );
    }
}

impl<S: Root> Kept for Keeper<S> {
    fn load(self: Rc<Self>, replica: ReplicaId) {
        self.replica.set(replica);
        spawn(async move {
            if let Err(error) = self.read().await {
                in_memory(&self.doc, error);
            }
        });
    }

    fn flush(self: Rc<Self>) {
        self.flush_now();
    }

    fn is_saved(&self) -> bool {
        self.saver().unsaved() == 0
    }

    fn set_replica(&self, replica: ReplicaId) {
        self.replica.set(replica);
        self.doc.with_doc_mut(|doc| doc.set_replica(replica));
    }
}
