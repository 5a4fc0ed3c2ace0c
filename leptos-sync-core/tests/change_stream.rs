//! Streams of changes: every reader, even a slow one, ends with the writer's state.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use common::{bytes, doc};
use leptos_sync_core::{
    Delta, Doc, LwwMap, limits,
    stream::{ChangeSender, ChangeStream, Lagged},
};
use proptest::{collection::vec, prelude::*};

type Page = LwwMap<u32, u32>;

/// Returns the next item of a reader, or `None` if the reader would have to wait.
fn read<T: Send + Sync + 'static>(
    stream: &mut ChangeStream<T>,
) -> Option<Option<Result<Arc<T>, Lagged>>> {
    match pin!(stream.next()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => Some(item),
        Poll::Pending => None,
    }
}

fn value(stream: &mut ChangeStream<u32>) -> u32 {
    *read(stream).unwrap().unwrap().unwrap()
}

#[test]
fn every_reader_gets_all_changes_since_it_subscribed_in_order() {
    let sender = ChangeSender::new();
    sender.send(0);
    let mut first = sender.subscribe();
    sender.send(1);
    let mut second = sender.subscribe();
    sender.send(2);
    assert_eq!((value(&mut first), value(&mut first)), (1, 2));
    assert_eq!(value(&mut second), 2);
    assert!(read(&mut first).is_none() && read(&mut second).is_none());
}

#[test]
fn a_slow_reader_learns_once_how_many_changes_it_missed_and_continues() {
    let sender = ChangeSender::with_room(4);
    let (mut slow, mut fast) = (sender.subscribe(), sender.subscribe());
    for change in 0..10_u32 {
        sender.send(change);
        assert_eq!(value(&mut fast), change);
    }
    assert!(matches!(
        read(&mut slow),
        Some(Some(Err(Lagged { missed: 6, .. })))
    ));
    for change in 6..10 {
        assert_eq!(value(&mut slow), change);
    }
    assert!(read(&mut slow).is_none());
}

#[test]
fn the_buffer_is_bounded_by_the_limit() {
    let sender = ChangeSender::with_room(usize::MAX);
    let mut slow = sender.subscribe();
    let held = Arc::new(());
    for _ in 0..3 * limits::STREAM_CHANGES {
        sender.send(Arc::clone(&held));
    }
    assert_eq!(Arc::strong_count(&held), 1 + limits::STREAM_CHANGES);
    let missed = 2 * limits::STREAM_CHANGES as u64;
    assert!(matches!(read(&mut slow), Some(Some(Err(lagged))) if lagged.missed == missed));
}

#[test]
fn changes_without_readers_are_not_stored() {
    let sender = ChangeSender::new();
    let held = Arc::new(());
    sender.send(Arc::clone(&held));
    let reader = sender.subscribe();
    sender.send(Arc::clone(&held));
    assert_eq!((sender.readers(), Arc::strong_count(&held)), (1, 2));
    drop(reader);
    assert_eq!((sender.readers(), Arc::strong_count(&held)), (0, 1));
}

#[test]
fn a_stream_ends_after_the_last_change_when_all_senders_are_dropped() {
    let sender = ChangeSender::new();
    let mut reader = sender.subscribe();
    let other = sender.clone();
    drop(sender);
    other.send(1);
    drop(other);
    assert_eq!(value(&mut reader), 1);
    assert_eq!(read(&mut reader), Some(None));
    assert_eq!(read(&mut reader), Some(None));
}

/// A waker that counts its calls.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_waiting_reader_is_woken_and_a_cancelled_wait_loses_nothing() {
    let sender = ChangeSender::new();
    let mut reader = sender.subscribe();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    {
        let waiting = pin!(reader.next());
        assert!(waiting.poll(&mut Context::from_waker(&waker)).is_pending());
    }
    sender.send(7);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(value(&mut reader), 7);
}

#[test]
fn it_implements_the_stream_trait() {
    let sender = ChangeSender::with_room(1);
    let mut reader = sender.subscribe();
    (0..3_u32).for_each(|change| sender.send(change));
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = || tokio_stream::Stream::poll_next(Pin::new(&mut reader), &mut context);
    assert!(matches!(
        poll(),
        Poll::Ready(Some(Err(Lagged { missed: 2, .. })))
    ));
    assert_eq!(poll(), Poll::Ready(Some(Ok(Arc::new(2)))));
    assert_eq!(poll(), Poll::Pending);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The writer edits a key.
    Edit(u32),
    /// A reader takes one item, if there is one.
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..8_u32).prop_map(Step::Edit),
        2 => (0..3_usize).prop_map(Step::Read),
    ]
}

/// A copy that follows the writer through the stream.
struct Follower {
    stream: ChangeStream<Delta>,
    copy: Doc<Page>,
    /// The number of changes that it has read or missed.
    counted: u64,
    missed: u64,
}

impl Follower {
    /// Takes one item. Returns whether there was one.
    fn follow(&mut self, writer: &Doc<Page>) -> bool {
        match read(&mut self.stream) {
            None | Some(None) => return false,
            Some(Some(Ok(delta))) => {
                self.counted += 1;
                // A gap here would mean that a change was dropped silently.
                self.copy.apply(&delta).unwrap();
            }
            Some(Some(Err(lagged))) => {
                assert!(lagged.missed > 0);
                self.counted += lagged.missed;
                self.missed += lagged.missed;
                let lacking = writer.delta_since(self.copy.version()).unwrap();
                self.copy.apply(&lacking).unwrap();
            }
        }
        true
    }
}

proptest! {
    #[test]
    fn readers_of_any_speed_end_equal_to_the_writer(
        room in 1..9_usize,
        steps in vec(step(), 0..200),
    ) {
        let sender = ChangeSender::with_room(room);
        let mut writer = doc::<Page>(1);
        let mut followers: Vec<_> = (2..5)
            .map(|replica| Follower { stream: sender.subscribe(), copy: doc(replica), counted: 0, missed: 0 })
            .collect();
        let mut sent = 0;
        for step in steps {
            match step {
                Step::Edit(key) => {
                    sent += 1;
                    let edit = writer.transact(|tx| tx.insert(key, sent as u32)).unwrap();
                    sender.send(edit.delta);
                }
                Step::Read(reader) => {
                    followers[reader].follow(&writer);
                }
            }
        }
        for follower in &mut followers {
            while follower.follow(&writer) {}
            prop_assert_eq!(follower.counted, sent, "each change is either read or reported as missed");
            prop_assert!(follower.missed == 0 || sent > room as u64);
            prop_assert_eq!(bytes(&follower.copy), bytes(&writer));
        }
    }
}
