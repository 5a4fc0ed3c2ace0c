//! Calls in odd places and orders: each has a defined result, and the document stays usable.
#![allow(clippy::unwrap_used, reason = "a panic here is a failed test")]

#[cfg(target_arch = "wasm32")]
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use leptos::prelude::*;
use leptos_sync_web::{
    Clock, Crdt, Doc, GCounter, LiveDoc, LwwMap, LwwRegister, Node, ReplicaId, SyncOptions,
    provide_sync, status::Reason, use_doc, use_presence,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<String, String>,
    moves: GCounter,
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn board() -> (Owner, LiveDoc<Board>, Node<Board>) {
    let owner = Owner::new();
    owner.set();
    let live = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(1))));
    let node = live.node();
    (owner, live, node)
}

#[cfg(target_arch = "wasm32")]
#[test]
fn a_rejection_that_is_dismissed_twice_notifies_once() {
    let owner = Owner::new();
    owner.set();
    provide_sync(SyncOptions::default());
    let page = use_doc::<Board>("twice");
    page.doc.title().set("x".repeat(300_000));
    let first = page.rejected.get_untracked().first().unwrap().clone();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let _effect = ImmediateEffect::new(move || {
        page.rejected.track();
        counter.fetch_add(1, Ordering::Relaxed);
    });
    first.dismiss();
    first.dismiss();
    first.dismiss();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[cfg(target_arch = "wasm32")]
#[test]
fn an_effect_that_always_dismisses_a_rejection_ends() {
    let owner = Owner::new();
    owner.set();
    provide_sync(SyncOptions::default());
    let page = use_doc::<Board>("loop");
    page.doc.title().set("x".repeat(300_000));
    let first = page.rejected.get_untracked().first().unwrap().clone();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let _effect = ImmediateEffect::new(move || {
        page.rejected.track();
        if counter.fetch_add(1, Ordering::Relaxed) < 50 {
            first.dismiss();
        }
    });
    assert!(runs.load(Ordering::Relaxed) < 5);
}

#[test]
fn an_owner_dropped_inside_an_edit_leaves_the_edit_intact() {
    let (_outer, live, _) = board();
    let owner = Owner::new();
    let node = owner.with(|| live.node());
    let entry = owner.with(|| node.cards().entry(text("a")));
    node.transact(|tx| {
        let _ = entry.get_untracked();
        owner.cleanup();
        drop(owner);
        tx.title().set(text("done"));
        tx.cards().insert(text("a"), text("b"));
    })
    .unwrap();
    assert!(node.is_disposed() && entry.is_disposed());
    assert!(node.transact(|_| ()).unwrap_err().is_unavailable());
    node.edit(|tx| tx.title().set(text("never")));
    assert_eq!(live.node().title().get_untracked(), "done");
}

#[cfg(target_arch = "wasm32")]
#[test]
fn an_edit_in_a_cleanup_or_an_immediate_effect_succeeds() {
    let (_outer, live, board) = board();
    let owner = Owner::new();
    let other = live.clone();
    owner.with(|| on_cleanup(move || other.edit(|tx| tx.moves().increment(1))));
    board.edit(|tx| tx.title().set(text("x")));
    owner.cleanup();
    assert_eq!(board.moves().get_untracked(), 1);
    let effect = ImmediateEffect::new(move || {
        if board.title().get() == "count" {
            board.moves().increment(10);
            assert_eq!(board.moves().get_untracked(), 11);
        }
    });
    board.title().set(text("count"));
    assert_eq!(board.moves().get_untracked(), 11);
    drop(effect);
}

#[test]
fn documents_and_presence_are_used_inside_an_edit() {
    let owner = Owner::new();
    owner.set();
    provide_sync(SyncOptions::default().relay("/sync"));
    let page = use_doc::<Board>("first");
    let presence = use_presence::<String>(&page.live);
    page.doc
        .transact(|tx| {
            let again = use_doc::<Board>("first");
            let other = use_doc::<Board>("second");
            presence.own.set(Some(text("here")));
            let _ = presence.peers.get_untracked();
            other.doc.title().set(again.doc.title().get_untracked());
            tx.title().set(text("x"));
            assert!(page.rejected.get_untracked().is_empty());
            presence.own.set(Some("x".repeat(100_000)));
        })
        .unwrap();
    assert_eq!(page.doc.title().get_untracked(), "x");
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected.first().unwrap().reason(), Reason::Limit);
}

#[test]
fn one_name_with_two_types_is_one_document_with_two_views() {
    #[derive(Crdt, Clone, Default)]
    struct Other {
        title: LwwRegister<u32>,
        more: LwwRegister<String>,
    }
    let owner = Owner::new();
    owner.set();
    provide_sync(SyncOptions::default());
    let first = use_doc::<Board>("two types");
    let second = use_doc::<Other>("two types");
    first.doc.title().set(text("text"));
    second.doc.title().set(5);
    second.doc.more().set(text("more"));
    assert_eq!(first.doc.title().get_untracked(), "text");
    assert_eq!(second.doc.title().get_untracked(), 5);
}

#[test]
fn keys_that_are_empty_too_long_or_odd_are_entries_or_rejected() {
    let owner = Owner::new();
    owner.set();
    provide_sync(SyncOptions::default());
    let page = use_doc::<Board>("keys");
    let cards = page.doc.cards();
    cards.entry(text("")).set(Some(text("nothing")));
    assert_eq!(cards.entry(text("")).get_untracked(), None);
    for key in ["\0", "\u{202e}", "a/b", "\u{1f600}"] {
        cards.entry(text(key)).set(Some(text(key)));
        assert_eq!(cards.entry(text(key)).get_untracked().as_deref(), Some(key));
    }
    assert_eq!(cards.keys().get_untracked().len(), 4);
    for (length, is_stored) in [(1_000, true), (1_024, false), (100_000, false)] {
        let (one, two) = ("a".repeat(length), "b".repeat(length));
        cards.entry(one.clone()).set(Some(text("1")));
        assert_eq!(cards.entry(two).get_untracked(), None);
        assert_eq!(cards.entry(one).get_untracked().is_some(), is_stored);
    }
    cards.entry("x".repeat(5_000)).remove();
    assert_eq!(page.rejected.get_untracked().len(), 3);
    cards.entry(text("after")).set(Some(text("fine")));
    assert_eq!(cards.with_untracked(LwwMap::len), 4 + 1 + 1);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn panics_inside_nested_edits_leave_both_documents_usable() {
    let (_owner, _live, board) = board();
    let other = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(2)))).node();
    let edit = std::panic::AssertUnwindSafe(|| {
        board.edit(|tx| {
            tx.title().set(text("half"));
            other.edit(|tx| {
                tx.cards()
                    .insert_batch((0..5).map(|n| (n.to_string(), text("x"))));
                tx.cards().update(&text("3"), |_| panic!("in an update"));
            });
        });
    });
    assert!(std::panic::catch_unwind(edit).is_err());
    board.title().set(text("on"));
    other.title().set(text("on"));
    assert_eq!(board.title().get_untracked(), "on");
    assert_eq!(other.cards().with_untracked(LwwMap::len), 0);
}
