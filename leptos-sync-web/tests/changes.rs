//! The stream of a document's changes: edits, applied deltas and loads.
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use leptos_sync_web::{
    Clock, Doc, LiveDoc, LwwMap, ReplicaId,
    core::{Delta, limits, stream::ChangeStream, stream::Lagged},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

type Page = LwwMap<u32, String>;

fn doc(replica: u64) -> Doc<Page> {
    Doc::new(Clock::system(ReplicaId::new(replica)))
}

/// Returns the next item if it is available without waiting, or `None` if the stream has ended or
/// would wait.
fn read(changes: &mut ChangeStream<Delta>) -> Option<Result<Arc<Delta>, Lagged>> {
    match pin!(changes.next()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => item,
        Poll::Pending => None,
    }
}

fn edit(live: &LiveDoc<Page>, key: u32) {
    live.transact(|tx| tx.insert(key, "line".to_owned()))
        .unwrap();
}

#[test]
fn a_copy_that_follows_the_stream_has_all_edits_and_applied_deltas() {
    let live = LiveDoc::new(doc(1));
    let mut changes = live.changes();
    edit(&live, 1);
    let theirs = doc(2).transact(|tx| tx.insert(2, "theirs".to_owned()));
    live.apply(&theirs.unwrap().delta).unwrap();
    let mut copy = doc(3);
    while let Some(delta) = read(&mut changes) {
        copy.apply(&delta.unwrap()).unwrap();
    }
    assert_eq!(copy.version(), &live.version());
    assert_eq!(copy.state().len(), 2);
}

#[test]
fn a_slow_reader_learns_that_it_lagged_and_resumes_by_version() {
    let live = LiveDoc::new(doc(1));
    let mut changes = live.changes();
    let mut copy = doc(2);
    edit(&live, 0);
    copy.apply(&read(&mut changes).unwrap().unwrap()).unwrap();
    for key in 1..limits::STREAM_CHANGES as u32 + 11 {
        edit(&live, key);
    }
    assert!(matches!(
        read(&mut changes),
        Some(Err(Lagged { missed: 10, .. }))
    ));
    copy.apply(&live.delta_since(copy.version()).unwrap())
        .unwrap();
    while let Some(delta) = read(&mut changes) {
        copy.apply(&delta.unwrap()).unwrap();
    }
    edit(&live, 0);
    copy.apply(&read(&mut changes).unwrap().unwrap()).unwrap();
    live.with_doc(|doc| assert_eq!(copy.state(), doc.state()));
}
