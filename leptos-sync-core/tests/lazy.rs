//! Values that are loaded on first use, and pools that keep some of them open.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use common::clock;
use leptos_sync_core::{
    Error, LwwMap,
    engine::DocStore,
    lazy::{Evictable, Lazy, LazyPool},
    limits,
    storage::{Fault, FaultyStorage, MemoryStorage, Storage},
};
use proptest::{collection::vec, prelude::*};

/// Polls a future once.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns the output of a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match poll(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// A gate for which loads wait.
#[derive(Clone, Default)]
struct Door(Arc<AtomicBool>);

impl Door {
    fn open(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    async fn pass(&self) {
        poll_fn(|_| {
            if self.0.load(Ordering::Relaxed) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// A loader that counts its loads, waits for a door, and fails a given number of times.
#[derive(Default)]
struct Loads {
    door: Door,
    begun: AtomicU32,
    failing: AtomicU32,
}

impl Loads {
    async fn load(&self) -> Result<u32, Error> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        self.door.pass().await;
        let fails = |left: u32| left.checked_sub(1);
        let failing = self
            .failing
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails);
        match failing {
            Ok(_) => Err(Error::storage(format!("load {number} failed"))),
            Err(_) => Ok(number),
        }
    }

    fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }
}

#[test]
fn a_value_is_loaded_on_first_use_and_only_once() {
    let loads = Loads::default();
    let lazy = Lazy::new(async || loads.load().await);
    assert_eq!((lazy.get_if_loaded(), loads.begun()), (None, 0));
    {
        let (mut first, mut second) = (pin!(lazy.get()), pin!(lazy.get()));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        assert_eq!(loads.begun(), 1);
        loads.door.open();
        assert!(poll(second.as_mut()).is_pending(), "the first caller loads");
        assert!(matches!(poll(first), Poll::Ready(Ok(1))));
        assert!(matches!(poll(second), Poll::Ready(Ok(1))));
    }
    assert_eq!(now(lazy.get()).unwrap(), &1);
    assert_eq!((lazy.get_if_loaded(), loads.begun()), (Some(&1), 1));
}

#[test]
fn a_failed_load_is_an_error_for_all_waiting_callers_and_the_next_retries() {
    let loads = Loads::default();
    loads.failing.store(1, Ordering::Relaxed);
    let lazy = Lazy::new(async || loads.load().await);
    {
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(lazy.get())).collect();
        for one in &mut waiting {
            assert!(poll(one.as_mut()).is_pending());
        }
        loads.door.open();
        for one in &mut waiting {
            match poll(one.as_mut()) {
                Poll::Ready(Err(error)) => assert_eq!(error.to_string(), "load 1 failed"),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((lazy.get_if_loaded(), loads.begun()), (None, 1));
    assert_eq!(now(lazy.get()).unwrap(), &2);
}

#[test]
fn if_the_loading_caller_is_dropped_the_next_one_loads() {
    let loads = Loads::default();
    let lazy = Lazy::new(async || loads.load().await);
    let mut second = pin!(lazy.get());
    {
        let mut first = pin!(lazy.get());
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
    }
    loads.door.open();
    assert!(matches!(poll(second), Poll::Ready(Ok(2))));
}

/// A value of a pool, saved to a table on request.
struct Note {
    text: RefCell<u32>,
    saved: Cell<u32>,
}

impl Evictable for Note {
    fn is_saved(&self) -> bool {
        *self.text.borrow() == self.saved.get()
    }
}

impl Note {
    fn loaded(text: u32) -> Self {
        Self {
            text: RefCell::new(text),
            saved: Cell::new(text),
        }
    }
}

#[test]
fn concurrent_opens_share_one_load_and_a_failed_one_leaves_nothing() {
    let loads = Loads::default();
    loads.failing.store(1, Ordering::Relaxed);
    let pool = LazyPool::new(async |_: &u8| loads.load().await.map(Note::loaded));
    {
        let (mut first, mut second) = (pin!(pool.open(&1)), pin!(pool.open(&1)));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        assert_eq!(pool.len(), 1);
        loads.door.open();
        assert!(matches!(poll(first), Poll::Ready(Err(_))));
        assert!(matches!(poll(second), Poll::Ready(Err(_))));
    }
    assert_eq!((loads.begun(), pool.len()), (1, 0));
    let (first, second) = (now(pool.open(&1)).unwrap(), now(pool.open(&1)).unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(loads.begun(), 2);
}

#[test]
fn a_value_being_opened_is_not_evicted_but_an_abandoned_load_is() {
    let loads = Loads::default();
    let pool = LazyPool::with_room(0, async |_: &u8| loads.load().await.map(Note::loaded));
    {
        let mut opening = pin!(pool.open(&1));
        assert!(poll(opening.as_mut()).is_pending());
        pool.trim();
        assert_eq!(pool.len(), 1);
    }
    pool.trim();
    assert!(pool.is_empty());
}

#[test]
fn opening_may_move_between_threads() {
    struct Shared;
    impl Evictable for Shared {
        fn is_saved(&self) -> bool {
            true
        }
    }
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let pool = LazyPool::new(async |_: &String| Ok(Shared));
    let name = "page".to_owned();
    assert!(now(is_send(pool.open(&name))).is_ok());
    let lazy = Lazy::new(async || Ok(1));
    assert_eq!(now(is_send(lazy.get())).unwrap(), &1);
}

/// A document and its storage.
struct OpenDoc {
    doc: Mutex<leptos_sync_core::Doc<LwwMap<u32, String>>>,
    store: Mutex<DocStore<FaultyStorage<MemoryStorage>>>,
    saved: AtomicBool,
}

impl Evictable for OpenDoc {
    fn is_saved(&self) -> bool {
        self.saved.load(Ordering::Relaxed)
    }
}

impl OpenDoc {
    /// Writes a line, and saves it unless the storage fails.
    fn write(&self, line: u32) {
        let edit = self
            .doc
            .lock()
            .unwrap()
            .transact(|tx| tx.insert(line, format!("line {line}")))
            .unwrap();
        let mut store = self.store.lock().unwrap();
        let write = store.log(&[edit.delta]);
        let saved = now(store.storage().commit(write.batch)).is_ok();
        if saved {
            store.committed(write.receipt);
        }
        self.saved.store(saved, Ordering::Relaxed);
    }
}

#[test]
fn opening_a_thousand_documents_keeps_few_open_and_loses_no_edit() {
    let storage = FaultyStorage::new(MemoryStorage::new());
    let below = storage.clone();
    let writers = AtomicU32::new(1);
    let pool = LazyPool::new(async |name: &String| {
        // A reloaded copy uses a new id.
        let clock = clock(writers.fetch_add(1, Ordering::Relaxed).into());
        let mut store = DocStore::new(below.clone(), name)?;
        let doc = store.load(clock).await?.doc;
        Ok(OpenDoc {
            doc: Mutex::new(doc),
            store: Mutex::new(store),
            saved: AtomicBool::new(true),
        })
    });
    let name = |number: u32| format!("note {number}");
    for number in 0..1000 {
        now(pool.open(&name(number))).unwrap().write(number);
        assert!(pool.len() <= limits::OPEN_DOCUMENTS);
    }
    for number in 0..1000 {
        let note = now(pool.open(&name(number))).unwrap();
        assert_eq!(note.doc.lock().unwrap().state().len(), 1);
    }

    // Documents that could not be saved stay open, even if many others are opened.
    let unsaved = now(pool.open(&name(0))).unwrap();
    storage.fail_commit(storage.commits(), Fault::Refused);
    unsaved.write(5000);
    drop(unsaved);
    (1..1000).for_each(|number| drop(now(pool.open(&name(number))).unwrap()));
    assert!(
        pool.get_if_open(&name(0))
            .is_some_and(|note| !note.is_saved())
    );
    let note = now(pool.open(&name(0))).unwrap();
    assert_eq!(note.doc.lock().unwrap().state().len(), 2);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Open(u8),
    /// Opens the value and keeps it in use.
    Hold(u8),
    Release(u8),
    Edit(u8),
    Save(u8),
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..10_u8;
    prop_oneof![
        4 => name.clone().prop_map(Step::Open),
        2 => name.clone().prop_map(Step::Hold),
        2 => name.clone().prop_map(Step::Release),
        2 => name.clone().prop_map(Step::Edit),
        2 => name.prop_map(Step::Save),
        1 => Just(Step::Trim),
    ]
}

/// The expected open values, the least recently opened first.
#[derive(Default)]
struct Model {
    open: Vec<u8>,
    held: BTreeMap<u8, Arc<Note>>,
    unsaved: BTreeMap<u8, u32>,
    saved: BTreeMap<u8, u32>,
}

impl Model {
    fn touch(&mut self, name: u8) {
        self.open.retain(|open| *open != name);
        self.open.push(name);
    }

    fn trim(&mut self, room: usize) {
        while self.open.len() > room {
            let may_go =
                |name: &u8| !self.held.contains_key(name) && !self.unsaved.contains_key(name);
            match self.open.iter().position(may_go) {
                Some(at) => drop(self.open.remove(at)),
                None => return,
            }
        }
    }

    /// Returns the expected content of the value with this name.
    fn text(&self, name: u8) -> u32 {
        let of = |table: &BTreeMap<u8, u32>| table.get(&name).copied();
        of(&self.unsaved).or_else(|| of(&self.saved)).unwrap_or(0)
    }
}

proptest! {
    #[test]
    fn a_pool_keeps_used_and_unsaved_values_and_the_most_recent_others(
        room in 0..6_usize,
        steps in vec(step(), 0..120),
    ) {
        let disk = RefCell::new(BTreeMap::<u8, u32>::new());
        let pool = LazyPool::with_room(room, async |name: &u8| {
            Ok(Note::loaded(disk.borrow().get(name).copied().unwrap_or(0)))
        });
        let mut model = Model::default();
        let mut edits = 0;
        for step in steps {
            match step {
                Step::Open(name) => {
                    let note = now(pool.open(&name)).unwrap();
                    prop_assert_eq!(*note.text.borrow(), model.text(name));
                    model.touch(name);
                    // The value is in use during this eviction; the next eviction finds it unused.
                    drop(note);
                    pool.trim();
                }
                Step::Hold(name) => {
                    let note = now(pool.open(&name)).unwrap();
                    if let Some(held) = model.held.get(&name) {
                        prop_assert!(Arc::ptr_eq(held, &note), "a value in use is open once");
                    }
                    model.touch(name);
                    model.held.insert(name, note);
                }
                Step::Release(name) => drop(model.held.remove(&name)),
                Step::Edit(name) => {
                    if let Some(note) = pool.get_if_open(&name) {
                        edits += 1;
                        *note.text.borrow_mut() = edits;
                        model.unsaved.insert(name, edits);
                    }
                }
                Step::Save(name) => {
                    if let Some(note) = pool.get_if_open(&name) {
                        let text = *note.text.borrow();
                        disk.borrow_mut().insert(name, text);
                        note.saved.set(text);
                        model.unsaved.remove(&name);
                        model.saved.insert(name, text);
                    }
                }
                Step::Trim => pool.trim(),
            }
            if matches!(step, Step::Open(_) | Step::Hold(_) | Step::Trim) {
                model.trim(room);
            }
            let open: Vec<_> = (0..10).filter(|name| pool.get_if_open(name).is_some()).collect();
            let mut expected = model.open.clone();
            expected.sort_unstable();
            prop_assert_eq!(open, expected);
            prop_assert_eq!(pool.len(), model.open.len());
        }
    }
}
