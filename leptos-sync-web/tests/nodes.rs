//! Reactive nodes in a real browser: which effects run after a change, and which do not.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use any_spawner::Executor;
use leptos::{prelude::*, task::tick};
use leptos_sync_web::{
    Clock, Crdt, Doc, GCounter, LiveDoc, LwwMap, LwwRegister, MvRegister, Node, OrSet, PnCounter,
    ReplicaId,
};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
    balance: PnCounter,
    labels: OrSet<u32>,
    draft: MvRegister<String>,
    settings: Settings,
}

#[derive(Crdt, Clone, Default)]
struct Settings {
    dark: LwwRegister<bool>,
}

fn doc(replica: u64) -> Doc<Board> {
    Doc::new(Clock::system(ReplicaId::new(replica)))
}

/// Creates a board and the reactive owner that keeps it alive.
fn board() -> (Owner, LiveDoc<Board>, Node<Board>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    owner.set();
    let live = LiveDoc::new(doc(1));
    let node = live.node();
    (owner, live, node)
}

/// Counts the runs of an effect.
fn count_runs(mut read: impl FnMut() + 'static) -> impl Fn() -> usize {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    Effect::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        read();
    });
    move || runs.load(Ordering::Relaxed)
}

#[wasm_bindgen_test]
async fn a_delta_that_touches_3_of_10_000_entries_runs_exactly_the_effects_that_read_those_3() {
    let (_owner, live, board) = board();
    let mut other = doc(2);
    let cards = (0..10_000).map(|key| (key, format!("card {key}")));
    let written = other.transact(|tx| tx.cards().insert_batch(cards)).unwrap();
    live.apply(&written.delta).unwrap();

    let runs: Vec<_> = (0..10_000)
        .map(|key| {
            let entry = board.cards().entry(key);
            count_runs(move || drop(entry.get()))
        })
        .collect();
    let keys = count_runs(move || drop(board.cards().keys().get()));
    let whole = count_runs(move || board.cards().with(|_| ()));
    let title = count_runs(move || drop(board.title().get()));
    tick().await;
    assert!(runs.iter().all(|runs| runs() == 1));

    let changed = [17, 4_711, 9_999];
    let written = other.transact(|tx| {
        tx.cards()
            .insert_batch(changed.map(|key| (key, "changed".to_owned())));
    });
    live.apply(&written.unwrap().delta).unwrap();
    tick().await;
    for (key, runs) in runs.iter().enumerate() {
        let expected = 1 + usize::from(changed.contains(&(key as u32)));
        assert_eq!(runs(), expected, "the effect of entry {key}");
    }
    assert_eq!(keys(), 1, "no key was added or removed");
    assert_eq!(whole(), 2, "an effect on the whole map runs once");
    assert_eq!(title(), 1, "the title is unaffected");
    assert_eq!(
        board.cards().entry(17).get_untracked().as_deref(),
        Some("changed")
    );
}

#[wasm_bindgen_test]
async fn keys_are_sorted_and_notify_when_one_is_added_or_removed() {
    let (_owner, _live, board) = board();
    let runs = count_runs(move || drop(board.cards().keys().get()));
    tick().await;
    board
        .cards()
        .insert_batch([(3, "c".to_owned()), (1, "a".to_owned())]);
    tick().await;
    assert_eq!(
        (runs(), board.cards().keys().get_untracked()),
        (2, vec![1, 3])
    );
    board.cards().insert(3, "C".to_owned());
    tick().await;
    assert_eq!(runs(), 2);
    board.cards().remove(&1);
    tick().await;
    assert_eq!((runs(), board.cards().keys().get_untracked()), (3, vec![3]));
}

#[wasm_bindgen_test]
async fn an_entry_notifies_when_it_is_added_changed_removed_and_added_again() {
    let (_owner, _live, board) = board();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let entry = board.cards().entry(7);
    Effect::new(move || log.lock().unwrap().push(entry.get()));
    tick().await;
    for value in [Some("one"), Some("two"), None, Some("three")] {
        entry.set(value.map(str::to_owned));
        tick().await;
    }
    let expected = [None, Some("one"), Some("two"), None, Some("three")];
    assert_eq!(
        *seen.lock().unwrap(),
        expected.map(|value| value.map(str::to_owned))
    );
    entry.update(|value| *value = value.take().map(|value| value + "!"));
    assert_eq!(entry.get_untracked().as_deref(), Some("three!"));
    entry.remove();
    assert_eq!(entry.get_untracked(), None);
}

#[wasm_bindgen_test]
async fn registers_are_signals() {
    let (_owner, live, board) = board();
    let title = board.title();
    let lengths = Memo::new(move |_| title.with(String::len));
    let runs = count_runs(move || {
        lengths.get();
    });
    tick().await;
    title.set("Groceries".to_owned());
    tick().await;
    assert_eq!((lengths.get_untracked(), runs()), (9, 2));
    title.update(|title| title.push('!'));
    assert_eq!(*title.read_untracked(), "Groceries!");
    assert_eq!(
        live.with_doc(|doc| doc.state().title.get().clone()),
        "Groceries!"
    );
    assert!(!board.settings().dark().get_untracked());
    board.settings().dark().set(true);
    assert!(board.settings().dark().get_untracked());
}

#[wasm_bindgen_test]
async fn counters_read_as_numbers() {
    let (_owner, _live, board) = board();
    let runs = count_runs(move || {
        board.moves().get();
        board.balance().get();
    });
    tick().await;
    board.moves().increment(2);
    board.balance().decrement(5);
    tick().await;
    assert_eq!(runs(), 2, "two changes cause one run of the effect");
    assert_eq!(
        (
            board.moves().get_untracked(),
            board.balance().get_untracked()
        ),
        (2, -5)
    );
}

#[wasm_bindgen_test]
async fn a_transaction_notifies_once_and_is_atomic() {
    let (_owner, live, board) = board();
    let runs = count_runs(move || {
        board.title().get();
        board.cards().keys().get();
        board.moves().get();
    });
    tick().await;
    board.edit(|tx| {
        tx.title().set("One".to_owned());
        tx.cards().insert(1, "card".to_owned());
        tx.moves().increment(1);
    });
    tick().await;
    assert_eq!(runs(), 2);

    let before = live.snapshot().unwrap().encode();
    let refused = board.transact(|tx| {
        tx.title().set("Two".to_owned());
        tx.cards().insert(2, "x".repeat(1 << 20));
    });
    assert!(refused.unwrap_err().is_limit());
    tick().await;
    assert_eq!(live.snapshot().unwrap().encode(), before);
    assert_eq!((runs(), board.title().get_untracked().as_str()), (2, "One"));
}

#[wasm_bindgen_test]
async fn writing_while_a_value_is_borrowed_does_not_deadlock() {
    let (_owner, _live, board) = board();
    board.cards().insert(1, "before".to_owned());
    board.cards().with_untracked(|map| {
        board.cards().insert(1, "after".to_owned());
        assert_eq!(map.get(&1).map(String::as_str), Some("before"));
    });
    assert_eq!(
        board.cards().entry(1).get_untracked().as_deref(),
        Some("after")
    );
}

#[wasm_bindgen_test]
async fn a_field_is_one_node_however_often_it_is_requested_and_ends_with_its_owner() {
    let (owner, _live, board) = board();
    assert_eq!(board.title(), board.title());
    let title = board.title();
    owner.cleanup();
    assert!(title.is_disposed() && board.title().is_disposed());
    assert_eq!(title.try_get(), None);
    title.try_set("nobody is there".to_owned());
}

#[wasm_bindgen_test]
async fn an_input_is_bound_to_a_register() {
    let (_owner, _live, board) = board();
    let title = board.title();
    title.set("shown".to_owned());
    let host = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&host).unwrap();
    let handle = leptos::mount::mount_to(host.clone().unchecked_into(), move || {
        view! { <input bind:value=title /> }
    });
    tick().await;
    let input: web_sys::HtmlInputElement = host
        .query_selector("input")
        .unwrap()
        .unwrap()
        .unchecked_into();
    assert_eq!(input.value(), "shown");
    input.set_value("typed");
    input
        .dispatch_event(&web_sys::Event::new("input").unwrap())
        .unwrap();
    assert_eq!(title.get_untracked(), "typed");
    drop(handle);
}

#[wasm_bindgen_test]
async fn a_delta_that_adds_1_of_1_000_elements_runs_exactly_the_effects_that_read_it() {
    let (_owner, live, board) = board();
    let mut other = doc(2);
    let runs: Vec<_> = (0..1_000)
        .map(|element| count_runs(move || _ = board.labels().contains(&element)))
        .collect();
    let elements = count_runs(move || drop(board.labels().elements().get()));
    let whole = count_runs(move || board.labels().with(|_| ()));
    tick().await;

    let written = other.transact(|tx| tx.labels().insert(7)).unwrap();
    live.apply(&written.delta).unwrap();
    tick().await;
    for (element, runs) in runs.iter().enumerate() {
        let expected = 1 + usize::from(element == 7);
        assert_eq!(runs(), expected, "the effect of element {element}");
    }
    assert_eq!((elements(), whole()), (2, 2));
    assert_eq!(board.labels().elements().get_untracked(), [7]);
}

#[wasm_bindgen_test]
async fn a_set_is_edited_through_its_node_and_through_its_members() {
    let (_owner, live, board) = board();
    let labels = board.labels();
    labels.insert_batch([3, 1]);
    labels.toggle(2);
    labels.toggle(1);
    assert_eq!(labels.elements().get_untracked(), [2, 3]);
    let (two, five) = (labels.member(2), labels.member(5));
    let runs = count_runs(move || _ = two.get());
    tick().await;
    assert!(two.get_untracked() && !five.get_untracked());
    five.set(true);
    two.update(|is_present| *is_present = false);
    tick().await;
    assert_eq!(runs(), 2);
    assert_eq!(labels.elements().get_untracked(), [3, 5]);
    let before = live.version();
    five.set(true);
    labels.insert(5);
    labels.remove(&2);
    assert_eq!(live.version(), before, "nothing was written");
    labels.remove_batch(&[3, 5]);
    assert!(labels.with_untracked(OrSet::is_empty));
}

#[wasm_bindgen_test]
async fn values_that_were_written_at_the_same_time_are_shown_until_one_is_chosen() {
    let (_owner, live, board) = board();
    let draft = board.draft();
    let runs = count_runs(move || drop(draft.values()));
    tick().await;
    assert_eq!(draft.get_untracked(), "");
    let mut other = doc(2);
    let theirs = other.transact(|tx| tx.draft().set("theirs".to_owned()));
    draft.set("ours".to_owned());
    live.apply(&theirs.unwrap().delta).unwrap();
    tick().await;
    assert!(draft.is_conflicted());
    let mut both = draft.values();
    assert_eq!(both.first(), Some(&draft.get_untracked()));
    both.sort();
    assert_eq!(both, ["ours", "theirs"]);
    draft.update(|text| text.push('!'));
    tick().await;
    assert!(!draft.is_conflicted());
    assert_eq!(draft.values(), [draft.get_untracked()]);
    assert!(runs() >= 3);
}
