//! Tests that nodes and subscriptions of removed rows cost nothing.

use leptos::prelude::*;
use leptos_sync_core::{Clock, Doc, LwwMap, LwwRegister, ReplicaId};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

use super::{Node, NodeDocument};
use crate::{Crdt, live::LiveDoc};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
}

/// Creates a board under a reactive owner.
fn board() -> (Owner, LiveDoc<Board>, Node<Board>) {
    let owner = Owner::new();
    let live = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(1))));
    let board = owner.with(|| live.node());
    (owner, live, board)
}

fn cards(keys: std::ops::Range<u32>) -> impl Iterator<Item = (u32, String)> {
    keys.map(|key| (key, key.to_string()))
}

/// Returns the number of entries with a node and the number of paths with a trigger.
fn alive(live: &LiveDoc<Board>) -> (usize, usize) {
    live.table().len()
}

/// Reads an entry in a memo under the owner of a row. The memo subscribes to the entry.
fn row(parent: &Owner, board: Node<Board>, key: u32) -> (Owner, Memo<Option<String>>) {
    let owner = parent.with(Owner::new);
    let shown = owner.with(|| {
        let entry = board.cards().entry(key);
        Memo::new(move |_| entry.get())
    });
    shown.get_untracked();
    (owner, shown)
}

#[test]
fn ten_thousand_rows_that_came_and_went_leave_no_node_and_no_trigger() {
    let (owner, live, board) = board();
    board.cards().insert_batch(cards(0..10_000));
    let rows: Vec<_> = (0..10_000).map(|key| row(&owner, board, key)).collect();
    assert_eq!(alive(&live), (10_000, 10_000));
    board.cards().insert(7, "seven".to_owned());
    assert_eq!(rows[7].1.get_untracked().as_deref(), Some("seven"));
    let even: Vec<_> = (0..10_000).step_by(2).collect();
    board.cards().remove_batch(&even);
    assert_eq!(rows[4].1.get_untracked(), None);
    drop(rows);
    assert_eq!(alive(&live), (0, 0));
}

#[test]
fn a_node_does_not_keep_its_owner_alive() {
    let (owner, live, board) = board();
    let (row, shown) = row(&owner, board, 1);
    let (owner_left, row_left) = (owner.downgrade(), row.downgrade());
    drop(row);
    assert!(row_left.upgrade().is_none() && shown.try_get().is_none());
    let title = board.title();
    drop(owner);
    assert!(owner_left.upgrade().is_none());
    assert!(title.is_disposed() && board.is_disposed() && board.title().is_disposed());
    assert_eq!(alive(&live), (0, 0));
}

#[test]
fn an_owner_has_one_node_for_a_key_however_often_it_asks() {
    let (owner, live, board) = board();
    let (first, second, below, other) = owner.with(|| {
        let row = Owner::new();
        let (first, second) = row.with(|| (board.cards().entry(1), board.cards().entry(1)));
        let below = row.with(|| Owner::new().with(|| board.cards().entry(1)));
        let other = Owner::new().with(|| board.cards().entry(1));
        (first, second, below, other)
    });
    assert_eq!(first, second);
    assert_eq!(
        first, below,
        "what the row holds lives long enough for its effects"
    );
    assert_ne!(first, other, "the row may go before the other owner does");
    assert_eq!(alive(&live).0, 0, "all of these owners are gone");
    assert!(first.is_disposed());
}

#[test]
fn an_entry_that_two_rows_show_is_shown_by_the_one_that_stays() {
    let (owner, live, board) = board();
    let (first, second) = (row(&owner, board, 1), row(&owner, board, 1));
    assert_eq!(alive(&live), (2, 1));
    drop(first);
    board.cards().insert(1, "one".to_owned());
    assert_eq!(second.1.get_untracked().as_deref(), Some("one"));
    assert_eq!(alive(&live), (1, 1));
    drop(second);
    assert_eq!(alive(&live), (0, 0));
}

#[test]
fn ten_thousand_rows_may_show_one_entry() {
    let (owner, live, board) = board();
    let rows: Vec<_> = (0..10_000).map(|_| row(&owner, board, 1)).collect();
    assert_eq!(alive(&live), (10_000, 1));
    board.cards().insert(1, "one".to_owned());
    assert!(rows.iter().all(|row| row.1.get_untracked().is_some()));
    drop(rows);
    assert_eq!(alive(&live), (0, 0));
}

#[test]
fn a_row_that_runs_again_holds_one_node() {
    let (owner, live, board) = board();
    let shown = owner.with(|| Memo::new(move |_| board.cards().entry(1).get()));
    for value in ["one", "two", "three"] {
        board.cards().insert(1, value.to_owned());
        assert_eq!(shown.get_untracked().as_deref(), Some(value));
        assert_eq!(alive(&live), (1, 1));
    }
}

#[test]
fn a_node_without_an_owner_belongs_to_its_maps() {
    let (owner, live, board) = board();
    let entry = board.cards().entry(1);
    assert_eq!(entry, board.cards().entry(1));
    drop(owner);
    assert!(entry.is_disposed());
    assert_eq!(alive(&live), (0, 0));
}

#[cfg(target_arch = "wasm32")]
mod in_a_page {
    use leptos::{mount::mount_to, task::tick};
    use wasm_bindgen::JsCast;

    use super::*;

    #[wasm_bindgen_test::wasm_bindgen_test]
    async fn ten_thousand_rows_of_a_list_that_came_and_went_leave_nothing() {
        let live = LiveDoc::<Board>::new(Doc::new(Clock::system(ReplicaId::new(1))));
        let host = document().create_element("ul").unwrap();
        document().body().unwrap().append_child(&host).unwrap();
        let shown = live.clone();
        let mounted = mount_to(host.clone().unchecked_into(), move || {
            let board = shown.node();
            view! {
                <For each=move || board.cards().keys().get() key=|key| *key let:key>
                    <li on:click=move |_| board.cards().entry(key).remove()>
                        {move || board.cards().entry(key).get()}
                    </li>
                </For>
            }
        });
        let owner = Owner::new();
        let board = owner.with(|| live.node());
        board.cards().insert_batch(cards(0..10_000));
        tick().await;
        assert_eq!(host.child_element_count(), 10_000);
        // There is one trigger for the text of each row, and one for the set of keys.
        assert_eq!(alive(&live).1, 10_001);
        board.cards().insert(9_999, "changed".to_owned());
        tick().await;
        let last = host.last_element_child().unwrap();
        assert_eq!(last.text_content().as_deref(), Some("changed"));

        board.cards().edit(|tx| tx.clear());
        tick().await;
        // The owners of the rows are dropped one task later than their views.
        tick().await;
        assert_eq!(host.child_element_count(), 0);
        assert_eq!(alive(&live), (0, 1), "the set of keys");
        drop(mounted);
        tick().await;
        assert_eq!(alive(&live), (0, 0));
    }
}
