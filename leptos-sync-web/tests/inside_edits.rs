//! Code inside an edit that accesses the document which is being edited, in a browser and natively.
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

use leptos::prelude::*;
use leptos_sync_web::{
    Clock, Crdt, Doc, GCounter, LiveDoc, LwwMap, LwwRegister, Node, PnCounter, ReplicaId,
    SyncOptions, provide_sync, use_doc,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
    balance: PnCounter,
    settings: Settings,
}

#[derive(Crdt, Clone, Default)]
struct Settings {
    dark: LwwRegister<bool>,
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// Creates a board with one card, and the reactive owner that keeps it alive.
fn board() -> (Owner, LiveDoc<Board>, Node<Board>) {
    let owner = Owner::new();
    owner.set();
    let live = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(1))));
    let node = live.node();
    node.transact(|tx| {
        tx.title().set(text("Groceries"));
        tx.cards().insert(1, text("Milk"));
        tx.moves().increment(2);
        tx.balance().decrement(3);
    })
    .unwrap();
    (owner, live, node)
}

#[test]
fn a_node_read_inside_an_edit_shows_the_state_before_the_edit() {
    let (_owner, _live, board) = board();
    board.edit(|tx| {
        let keys = board.cards().keys().get_untracked();
        assert_eq!(keys, [1]);
        assert_eq!(board.title().get_untracked(), "Groceries");
        assert_eq!(
            board.cards().entry(1).get_untracked().as_deref(),
            Some("Milk")
        );
        assert_eq!(board.cards().with_untracked(LwwMap::len), 1);
        assert_eq!(board.moves().get_untracked(), 2);
        assert_eq!(board.balance().get_untracked(), -3);
        assert!(!board.settings().dark().get_untracked());
        assert_eq!(board.read_state().cards.len(), 1);
        tx.cards().insert(keys.len() as u32 + 1, text("Eggs"));
    });
    assert_eq!(board.cards().keys().get_untracked(), [1, 2]);
}

#[test]
fn an_edit_of_a_field_reads_nodes_until_it_writes() {
    let (_owner, _live, board) = board();
    board.cards().edit(|tx| {
        assert_eq!(tx.len(), 1);
        assert!(tx.contains(&1));
        for key in board.cards().keys().get_untracked() {
            let title = board.title().get_untracked();
            tx.insert(key + 6, title);
        }
        assert_eq!(tx.get(&7).map(String::as_str), Some("Groceries"));
    });
    assert_eq!(board.cards().keys().get_untracked(), [1, 7]);
    board.settings().dark().edit(|tx| {
        tx.set(!board.settings().dark().get_untracked());
        assert!(*tx.get());
    });
    assert!(board.settings().dark().get_untracked());
}

#[test]
fn a_handle_read_inside_an_edit_shows_the_state_before_the_edit() {
    let (_owner, live, board) = board();
    let (version, snapshot) = (live.version(), live.snapshot().unwrap().encode());
    board
        .transact(|tx| {
            assert_eq!(live.version(), version);
            assert_eq!(live.snapshot().unwrap().encode(), snapshot);
            assert!(live.delta_since(&version).unwrap().is_empty());
            live.with_doc(|doc| assert_eq!(doc.state().title.get(), "Groceries"));
            tx.title().set(text("Shopping"));
        })
        .unwrap();
    assert_eq!(board.title().get_untracked(), "Shopping");
}

#[test]
fn a_node_read_after_the_edit_wrote_cancels_the_edit_with_an_error() {
    let (_owner, live, board) = board();
    let before = live.snapshot().unwrap().encode();
    let edit = board.transact(|tx| {
        tx.title().set(text("Shopping"));
        assert_eq!(board.title().get_untracked(), "");
        assert_eq!(board.cards().keys().get_untracked(), [0; 0]);
        tx.cards().insert(2, text("Eggs"));
    });
    let error = edit.unwrap_err();
    assert!(error.is_nested(), "{error:?}");
    assert!(error.to_string().contains("`tx`"), "{error}");
    assert_eq!(live.snapshot().unwrap().encode(), before);
    board.title().set(text("The document goes on"));
    assert_eq!(board.title().get_untracked(), "The document goes on");
}

#[test]
fn a_handle_read_after_the_edit_wrote_cancels_the_edit_with_an_error() {
    let (_owner, live, board) = board();
    let before = live.snapshot().unwrap().encode();
    let version = live.version();
    let reads: [&dyn Fn(); 4] = [
        &|| assert!(live.version().is_empty()),
        &|| assert!(live.with_doc(|doc| doc.state().cards.is_empty())),
        &|| assert!(live.snapshot().unwrap_err().is_nested()),
        &|| assert!(live.delta_since(&version).unwrap_err().is_nested()),
    ];
    for read in reads {
        let edit = board.transact(|tx| {
            tx.title().set(text("Shopping"));
            read();
        });
        assert!(edit.unwrap_err().is_nested());
        assert_eq!(live.snapshot().unwrap().encode(), before);
    }
}

#[test]
fn an_edit_inside_an_edit_is_an_error_and_the_outer_edit_continues() {
    let (_owner, live, board) = board();
    let other = Doc::<Board>::new(Clock::system(ReplicaId::new(2)));
    let mut fork = live.with_doc(|doc| doc.fork(other.replica()));
    let delta = fork.transact(|tx| tx.title().set(text("Theirs"))).unwrap();
    board
        .transact(|tx| {
            let inner = board.transact(|tx| tx.moves().increment(5));
            assert!(inner.unwrap_err().is_nested());
            tx.title().set(text("Shopping"));
            // The status reports the nested write.
            board.title().set(text("Nothing"));
            board.title().update(|title| title.push('!'));
            board.cards().entry(1).set(None);
            board.cards().remove(&1);
            board.moves().increment(5);
            assert!(live.apply(&delta.delta).unwrap_err().is_nested());
            assert_eq!(tx.title().get(), "Shopping");
        })
        .unwrap();
    assert_eq!(board.title().get_untracked(), "Shopping");
    assert_eq!(board.moves().get_untracked(), 2);
    assert_eq!(board.cards().keys().get_untracked(), [1]);
    live.apply(&delta.delta).unwrap();
}

#[test]
fn an_edit_while_the_document_is_borrowed_succeeds() {
    let (_owner, live, board) = board();
    live.with_doc(|doc| {
        board.title().set(text("Shopping"));
        assert_eq!(doc.state().title.get(), "Groceries");
    });
    assert_eq!(board.title().get_untracked(), "Shopping");
}

#[test]
fn an_edit_of_another_document_inside_an_edit_succeeds() {
    let (_owner, _live, board) = board();
    let other = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(2)))).node();
    board.edit(|tx| {
        other.title().set(board.title().get_untracked());
        tx.title().set(text("Shopping"));
        tx.cards().insert(2, other.title().get_untracked());
    });
    assert_eq!(board.title().get_untracked(), "Shopping");
    assert_eq!(
        board.cards().entry(2).get_untracked().as_deref(),
        Some("Groceries")
    );
}

#[test]
fn a_guard_held_across_an_edit_keeps_the_state_before_it() {
    let (_owner, _live, board) = board();
    let held = board.title().read_untracked();
    board.edit(|tx| {
        let inside = board.cards().read_untracked();
        tx.title().set(text("Shopping"));
        tx.cards().clear();
        assert_eq!(inside.len(), 1);
    });
    assert_eq!(*held, "Groceries");
    assert_eq!(board.title().get_untracked(), "Shopping");
}

#[test]
fn a_rejected_edit_is_listed_with_a_copy_of_the_state_that_held_it() {
    let (_owner, _live, _board) = board();
    provide_sync(SyncOptions::default());
    let page = use_doc::<Board>("rejected");
    page.doc.title().set(text("Groceries"));
    page.doc.edit(|tx| {
        tx.cards().insert(1, text("typed for an hour"));
        tx.title().set("x".repeat(300_000));
    });
    // The status also lists an edit inside an edit.
    page.doc.edit(|tx| {
        page.doc.moves().increment(1);
        tx.cards().insert(2, text("Eggs"));
    });
    let rejected = page.rejected.get_untracked();
    let [too_large, nested] = &rejected[..] else {
        panic!("{rejected:?}");
    };
    let kept = too_large.state::<Board>().unwrap();
    assert_eq!(kept.title.get().len(), 300_000);
    assert_eq!(
        kept.cards.get(&1).map(String::as_str),
        Some("typed for an hour")
    );
    assert!(nested.message().contains("outer edit"), "{nested}");
    assert_eq!(page.doc.title().get_untracked(), "Groceries");
    assert_eq!(page.doc.cards().keys().get_untracked(), [2]);
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn another_thread_waits_for_an_edit_and_reads_the_state_after_it() {
    let (_owner, live, _board) = board();
    let reader = live.clone();
    let (begun, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        wait.recv().unwrap();
        reader.with_doc(|doc| doc.state().title.get().clone())
    });
    live.transact(|tx| {
        tx.title().set(text("half"));
        begun.send(()).unwrap();
        tx.title().set(text("done"));
    })
    .unwrap();
    assert_eq!(thread.join().unwrap(), "done");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_panic_inside_an_edit_leaves_the_document_as_it_was() {
    let (_owner, live, board) = board();
    let edit = std::panic::AssertUnwindSafe(|| {
        live.transact(|tx| {
            tx.title().set(text("half"));
            panic!("in an edit");
        })
    });
    assert!(std::panic::catch_unwind(edit).is_err());
    assert_eq!(board.title().get_untracked(), "Groceries");
    board.title().set(text("The document goes on"));
    assert_eq!(board.title().get_untracked(), "The document goes on");
}
