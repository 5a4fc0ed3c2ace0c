//! A cache is transparent to its callers and saves reads of the storage below.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::{
    cell::Cell,
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use common::now;
use leptos_sync_core::{
    Error,
    clock::ManualTime,
    storage::{
        Batch, CacheLimits, CachedStorage, Expected, Fault, FaultyStorage, MemoryStorage, Record,
        Scan, Storage, conformance,
    },
};
use proptest::{collection::vec, prelude::*};

const LIMITS: CacheLimits = CacheLimits {
    bytes: 64 * 1024,
    ttl_ms: 1000,
};

type Below = FaultyStorage<MemoryStorage>;

/// Polls a future once.
fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn put(store: &impl Storage, key: &[u8], value: &[u8]) {
    now(store.commit(putting(key, value))).unwrap();
}

fn putting(key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, value);
    batch
}

fn got(store: &impl Storage, key: &[u8]) -> Option<Vec<u8>> {
    now(store.get(key)).unwrap()
}

fn fresh() -> (Below, CachedStorage<Below>, ManualTime) {
    let below = FaultyStorage::new(MemoryStorage::new());
    let time = ManualTime::at(5000);
    (
        below.clone(),
        CachedStorage::new(below, LIMITS, time.clone()),
        time,
    )
}

fn cached<S: Storage>(store: S) -> CachedStorage<S> {
    CachedStorage::new(store, LIMITS, ManualTime::at(0))
}

/// A memory storage with a door. A get reads immediately but answers only when the door is open. A
/// commit waits for the door too.
#[derive(Clone, Default)]
struct Slow {
    memory: MemoryStorage,
    open: Rc<Cell<bool>>,
    gets: Rc<Cell<u32>>,
}

impl Slow {
    fn door(&self) -> impl Future<Output = ()> + 'static {
        let open = Rc::clone(&self.open);
        poll_fn(move |_| {
            if open.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}

impl Storage for Slow {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.gets.set(self.gets.get() + 1);
        let value = self.memory.get(key).await;
        self.door().await;
        value
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let values = self.memory.get_many(keys).await;
        self.door().await;
        values
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        self.memory.scan(scan).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let (door, memory) = (self.door(), self.memory.clone());
        async move {
            door.await;
            memory.commit(batch).await
        }
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let (door, memory) = (self.door(), self.memory.clone());
        async move {
            door.await;
            memory.commit_if(expected, batch).await
        }
    }
}

#[test]
fn it_obeys_the_laws_alone_and_composed() {
    let memory = MemoryStorage::new;
    now(conformance::run(async || cached(memory())));
    now(conformance::run(async || cached(cached(memory()))));
    now(conformance::run(async || {
        cached(FaultyStorage::new(memory()))
    }));
    now(conformance::run(async || {
        FaultyStorage::new(cached(memory()))
    }));
}

#[cfg(feature = "deflate")]
#[test]
fn it_composes_with_compression_in_both_orders() {
    use leptos_sync_core::storage::CompressedStorage;
    let memory = MemoryStorage::new;
    now(conformance::run(async || {
        cached(CompressedStorage::new(memory()))
    }));
    now(conformance::run(async || {
        CompressedStorage::new(cached(memory()))
    }));
}

#[test]
fn a_cached_value_is_not_read_again_until_it_expires() {
    let (below, store, time) = fresh();
    put(&store, b"key", b"milk");
    let before = below.operations();
    for _ in 0..3 {
        assert_eq!(got(&store, b"key").as_deref(), Some(&b"milk"[..]));
        assert_eq!(got(&store, b"none"), None);
        now(store.get_many(&[b"key", b"none"])).unwrap();
    }
    assert_eq!(below.operations(), before + 2);
    time.advance(LIMITS.ttl_ms);
    got(&store, b"key");
    assert_eq!(below.operations(), before + 3);
    time.set(0);
    got(&store, b"key");
    assert_eq!(
        below.operations(),
        before + 4,
        "after the clock was set back, the age is unknown"
    );
}

#[test]
fn a_change_elsewhere_is_visible_once_invalidated() {
    let (below, store, _) = fresh();
    for key in [b"a1", b"a2", b"b1"] {
        assert_eq!(got(&store, key), None);
        put(&below, key, b"new");
        assert_eq!(got(&store, key), None);
    }
    store.invalidate(b"a1");
    assert!(got(&store, b"a1").is_some() && got(&store, b"a2").is_none());
    store.invalidate_prefix(b"a");
    assert!(got(&store, b"a2").is_some() && got(&store, b"b1").is_none());
}

#[test]
fn it_stays_within_its_size() {
    let (_, store, _) = fresh();
    for n in 0..1000_u32 {
        put(&store, &n.to_be_bytes(), &vec![1; 500 * (n % 7) as usize]);
        got(&store, &n.to_be_bytes());
        assert!(store.cached_bytes() <= LIMITS.bytes as u64);
    }
    assert!(
        store.cached_bytes() > LIMITS.bytes as u64 / 2,
        "the cache uses its size"
    );
    put(&store, b"huge", &vec![1; LIMITS.bytes]);
    assert_eq!(
        got(&store, b"huge").map(|value| value.len()),
        Some(LIMITS.bytes)
    );
    assert!(store.cached_bytes() <= LIMITS.bytes as u64);
}

#[test]
fn concurrent_loads_of_one_key_share_one_read() {
    let slow = Slow::default();
    now(slow.memory.commit(putting(b"key", b"milk"))).unwrap();
    let store = cached(slow.clone());
    let mut gets: Vec<_> = (0..5).map(|_| Box::pin(store.get(b"key"))).collect();
    assert!(gets.iter_mut().all(|get| poll(get.as_mut()).is_pending()));
    slow.open.set(true);
    for get in gets {
        assert_eq!(now(get).unwrap().as_deref(), Some(&b"milk"[..]));
    }
    assert_eq!(slow.gets.get(), 1);
}

/// A waker that counts its calls.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_waiting_caller_is_woken_once_when_the_load_ends_or_is_dropped() {
    for dropped in [false, true] {
        let slow = Slow::default();
        let store = cached(slow.clone());
        let mut first = Box::pin(store.get(b"key"));
        let mut second = Box::pin(store.get(b"key"));
        assert!(poll(first.as_mut()).is_pending());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        for _ in 0..2 {
            let polled = second.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        slow.open.set(true);
        if dropped {
            drop(first);
        } else {
            now(first).unwrap();
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        now(second).unwrap();
    }
}

#[test]
fn a_dropped_or_failed_load_blocks_no_caller() {
    let slow = Slow::default();
    let faulty = FaultyStorage::new(slow.clone());
    let store = cached(faulty.clone());
    let mut first = Box::pin(store.get(b"key"));
    let mut second = Box::pin(store.get(b"key"));
    assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
    drop(first);
    assert!(
        poll(second.as_mut()).is_pending(),
        "the second caller loads now"
    );
    assert_eq!(slow.gets.get(), 2);
    slow.open.set(true);
    assert_eq!(now(second).unwrap(), None);

    faulty.fail_operation(faulty.operations(), Fault::Refused);
    assert!(now(store.get(b"other")).is_err());
    assert_eq!(
        now(store.get(b"other")).unwrap(),
        None,
        "an error is not cached"
    );
}

#[test]
fn a_commit_during_a_load_leaves_no_old_value() {
    let slow = Slow::default();
    let store = cached(slow.clone());
    let mut early = Box::pin(store.get(b"key"));
    assert!(
        poll(early.as_mut()).is_pending(),
        "the load has read the old value"
    );
    let mut commit = Box::pin(store.commit(putting(b"key", b"new")));
    let mut during = Box::pin(store.get(b"key"));
    assert!(
        poll(during.as_mut()).is_pending(),
        "the second load has read the old value too"
    );
    assert!(poll(commit.as_mut()).is_pending());
    slow.open.set(true);
    now(commit).unwrap();
    // A get neither joins an old load nor finds its value.
    assert_eq!(got(&store, b"key").as_deref(), Some(&b"new"[..]));
    assert_eq!((now(early).unwrap(), now(during).unwrap()), (None, None));
    assert_eq!(got(&store, b"key").as_deref(), Some(&b"new"[..]));
}

#[test]
fn reads_during_a_commit_are_not_cached() {
    let (below, store, _) = fresh();
    drop(store.commit(putting(b"a", b"1")));
    let before = below.operations();
    got(&store, b"b");
    got(&store, b"b");
    assert_eq!(
        below.operations(),
        before + 2,
        "the dropped commit may still be in progress"
    );
    put(&store, b"c", b"1");
    got(&store, b"b");
    got(&store, b"b");
    assert_eq!(
        below.operations(),
        before + 4,
        "a later success proves that it has ended"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(u8, Option<u8>)>, Option<Fault>, bool),
    /// Another tab writes and reports it, by key or by prefix.
    Elsewhere(u8, u8, bool),
    Get(u8, bool),
    GetMany(Vec<u8>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Refused)),
        1 => Just(Some(Fault::Quota)),
        1 => Just(Some(Fault::AnswerLost)),
    ];
    let writes = vec((0_u8..6, any::<Option<u8>>()), 0..4);
    prop_oneof![
        (writes, fault, any::<bool>())
            .prop_map(|(writes, fault, wait)| Step::Commit(writes, fault, wait)),
        (0_u8..6, any::<u8>(), any::<bool>())
            .prop_map(|(key, value, whole)| Step::Elsewhere(key, value, whole)),
        (0_u8..6, proptest::bool::weighted(0.1)).prop_map(|(key, fails)| Step::Get(key, fails)),
        vec(0_u8..6, 0..5).prop_map(Step::GetMany),
        (0_u64..800).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn random_histories_agree_with_a_model(steps in vec(step(), 1..80), bytes in 0_usize..700) {
        let below = FaultyStorage::new(MemoryStorage::new());
        let time = ManualTime::at(0);
        let limits = CacheLimits { bytes, ttl_ms: 1000 };
        let store = CachedStorage::new(below.clone(), limits, time.clone());
        let mut model: BTreeMap<u8, u8> = BTreeMap::new();
        let of = |model: &BTreeMap<u8, u8>, key| model.get(&key).map(|&value| vec![value; 40]);
        for step in steps {
            match step {
                Step::Commit(writes, fault, awaited) => {
                    let mut batch = Batch::new();
                    let mut after = model.clone();
                    for (key, value) in writes {
                        match value {
                            Some(value) => { batch.put([key], [value; 40]); after.insert(key, value); }
                            None => { batch.delete([key]); after.remove(&key); }
                        }
                    }
                    if let Some(fault) = fault {
                        below.fail_commit(below.commits(), fault);
                    }
                    let commit = store.commit(batch);
                    if awaited {
                        prop_assert_eq!(now(commit).is_err(), fault.is_some());
                    }
                    if matches!(fault, None | Some(Fault::AnswerLost)) {
                        model = after;
                    }
                }
                Step::Elsewhere(key, value, whole) => {
                    put(below.store(), &[key], &[value; 40]);
                    model.insert(key, value);
                    if whole { store.invalidate_prefix(b"") } else { store.invalidate(&[key]) }
                }
                Step::Get(key, fails) => {
                    if fails {
                        below.fail_operation(below.operations(), Fault::Refused);
                    }
                    let value = now(store.get(&[key]));
                    below.heal();
                    prop_assert!(value.is_ok() || fails);
                    if let Ok(value) = value {
                        prop_assert_eq!(value, of(&model, key));
                    }
                }
                Step::GetMany(keys) => {
                    let asked: Vec<&[u8]> = keys.iter().map(std::slice::from_ref).collect();
                    let expected: Vec<_> = keys.iter().map(|&key| of(&model, key)).collect();
                    prop_assert_eq!(now(store.get_many(&asked)).unwrap(), expected);
                }
                Step::Wait(ms) => time.advance(ms),
            }
            prop_assert!(store.cached_bytes() <= bytes as u64);
        }
    }
}

#[test]
fn a_conditional_commit_that_does_not_apply_clears_the_cache() {
    let memory = MemoryStorage::new();
    let (ours, theirs) = (cached(memory.clone()), cached(memory));
    put(&ours, b"count", b"1");
    put(&ours, b"a", b"1");
    assert_eq!(now(ours.get(b"a")).unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(now(ours.get(b"count")).unwrap().as_deref(), Some(&b"1"[..]));
    put(&theirs, b"count", b"2");
    put(&theirs, b"a", b"2");
    let expected = Expected {
        key: b"count".to_vec(),
        value: Some(b"1".to_vec()),
    };
    assert!(!now(ours.commit_if(expected, putting(b"b", b"1"))).unwrap());
    assert_eq!(now(ours.get(b"a")).unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(now(ours.get(b"count")).unwrap().as_deref(), Some(&b"2"[..]));
}
