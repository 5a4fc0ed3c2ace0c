//! Stories of the tabs of a browser, which share an outbox.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use leptos_sync_core::{Tx, clock::Window, history::EntryId};
use replicas::{
    oracle::{Board, BoardFields},
    relay::ms,
    siblings::Siblings,
    steps::Scene,
    tab::{Request, Tab},
};

/// Two tabs of one browser.
fn two_tabs(scene: &mut Scene) -> (Tab, Tab) {
    let mut one = scene.tab("a tab");
    one.siblings = Some(Siblings::new());
    assert!(one.save(&mut scene.oracle));
    let other = one.open("the other tab");
    (one, other)
}

/// Edits a document, stores the edit and sends it to the other tabs.
fn edit(scene: &mut Scene, tab: &mut Tab, edit: impl FnOnce(&mut Tx<'_, Board>)) -> EntryId {
    scene.edit(tab, edit);
    let id = tab.replica.entries().last().unwrap().entry().id;
    tab.send_entry(id);
    assert!(tab.save(&mut scene.oracle));
    id
}

/// Lets one tab receive what the other one has sent.
fn hear(scene: &mut Scene, from: &mut Tab, to: &mut Tab) {
    let sent = std::mem::take(&mut from.siblings.as_mut().unwrap().outgoing);
    to.siblings.as_mut().unwrap().inbox.extend(sent);
    to.hear(&mut scene.oracle);
}

/// Loses what a tab has sent to another one, which is asleep.
fn lose(from: &mut Tab) {
    from.siblings.as_mut().unwrap().outgoing.clear();
}

/// Sets a tab's clock right. The tab restamps its outbox.
fn restamp(scene: &mut Scene, tab: &mut Tab) {
    tab.skew = 0;
    tab.set_time(&scene.oracle);
    let window = Window {
        now_ms: ms(scene.oracle.now),
        ..Window::default()
    };
    let restamped = tab.change(&mut scene.oracle, |replica| replica.restamp_ahead(window));
    restamped.unwrap();
}

fn items(tab: &Tab) -> Vec<(u8, u32)> {
    let items = tab.replica.doc().state().items.iter();
    let mut items: Vec<_> = items.map(|(key, value)| (*key, *value)).collect();
    items.sort_unstable();
    items
}

#[test]
fn the_relay_gets_the_edits_of_two_tabs_once_although_one_was_closed() {
    let mut scene = Scene::new();
    let (mut closed, mut other) = two_tabs(&mut scene);
    edit(&mut scene, &mut closed, |tx| tx.items().insert(1, 1));
    edit(&mut scene, &mut other, |tx| tx.items().insert(2, 2));
    hear(&mut scene, &mut closed, &mut other);
    drop(closed);
    other.adopt_entries();
    scene.sync(&mut other);
    assert_eq!(scene.relay.db.sequence, 2);
    assert!(other.save(&mut scene.oracle));
    let mut next = other.open("the next tab");
    assert!(next.replica.entries().is_empty());
    assert_eq!(items(&next), [(1, 1), (2, 2)]);
    next.adopt_entries();
    scene.sync(&mut next);
    assert_eq!(scene.relay.db.sequence, 2);
}

/// The closed tab's edit reached no other tab, only the storage.
#[test]
fn a_tab_sends_the_edit_of_a_closed_one_that_it_finds_in_the_storage() {
    let mut scene = Scene::new();
    let (mut closed, other) = two_tabs(&mut scene);
    edit(&mut scene, &mut closed, |tx| tx.items().insert(1, 1));
    drop(closed);
    let mut next = other.open("the next tab");
    next.adopt_entries();
    scene.sync(&mut next);
    assert_eq!(scene.relay.db.sequence, 1);
    assert_eq!(items(&next), [(1, 1)]);
}

/// A tab's clock was ahead. While the other tab sleeps, the relay gets the edit with another stamp,
/// and a later one.
#[test]
fn a_tab_that_slept_while_an_edit_was_restamped_neither_sends_nor_shows_the_old_one() {
    for is_stored in [false, true] {
        let mut scene = Scene::new();
        let (mut one, mut asleep) = two_tabs(&mut scene);
        one.skew = 200;
        edit(&mut scene, &mut one, |tx| tx.items().insert(1, 1));
        hear(&mut scene, &mut one, &mut asleep);
        one.skew = 0;
        scene.sync(&mut one);
        edit(&mut scene, &mut one, |tx| tx.items().insert(1, 2));
        scene.sync(&mut one);
        if is_stored {
            assert!(one.save(&mut scene.oracle));
        }
        lose(&mut one);
        assert_eq!(scene.relay.db.sequence, 2);
        // It wakes, edits, and sends all that it has.
        edit(&mut scene, &mut asleep, |tx| tx.items().insert(2, 3));
        asleep.adopt_entries();
        scene.sync(&mut asleep);
        assert_eq!(items(&asleep), [(1, 2), (2, 3)]);
        assert_eq!(scene.relay.db.sequence, 3);
        scene.sync(&mut one);
        assert_eq!(items(&one), items(&asleep));
    }
}

/// The relay has rejected an edit while another tab slept. That tab has edited after it.
#[test]
fn a_tab_that_slept_while_an_edit_was_rejected_takes_it_back() {
    let mut scene = Scene::new();
    let (mut one, mut asleep) = two_tabs(&mut scene);
    let id = edit(&mut scene, &mut one, |tx| {
        tx.items().insert(1, 1);
        tx.likes().increment(1);
    });
    hear(&mut scene, &mut one, &mut asleep);
    one.reject(id, &mut scene.oracle);
    scene.sync(&mut one);
    lose(&mut one);
    assert!(one.save(&mut scene.oracle));
    assert_eq!(items(&asleep), [(1, 1)]);
    edit(&mut scene, &mut asleep, |tx| tx.likes().increment(2));
    asleep.adopt_entries();
    scene.sync(&mut asleep);
    assert!(items(&asleep).is_empty());
    scene.sync(&mut one);
    for tab in [&one, &asleep] {
        assert_eq!(tab.replica.doc().state().likes.value(), 2);
    }
}

/// The database vanishes under two tabs. One writes it again before the other one notices.
#[test]
fn edits_of_both_tabs_are_in_a_storage_that_was_written_again() {
    let mut scene = Scene::new();
    let (mut one, mut other) = two_tabs(&mut scene);
    edit(&mut scene, &mut one, |tx| tx.items().insert(1, 1));
    edit(&mut scene, &mut other, |tx| tx.items().insert(2, 2));
    one.disk.clear();
    edit(&mut scene, &mut other, |tx| tx.items().insert(3, 3));
    edit(&mut scene, &mut one, |tx| tx.items().insert(4, 4));
    let next = other.open("the next tab");
    assert_eq!(items(&next), [(1, 1), (2, 2), (3, 3), (4, 4)]);
}

/// Both tabs restamp an edit. The relay has it with the stamp of the second tab, when that tab
/// receives what the first tab has restamped: also the later edit that replaced it.
#[test]
fn an_edit_stays_later_than_what_the_relay_has_although_a_late_message_restamps_it() {
    let mut scene = Scene::new();
    let (mut one, mut other) = two_tabs(&mut scene);
    (one.skew, other.skew) = (200, 200);
    edit(&mut scene, &mut one, |tx| tx.items().insert(1, 1));
    hear(&mut scene, &mut one, &mut other);
    let later = edit(&mut scene, &mut other, |tx| tx.items().insert(1, 2));
    hear(&mut scene, &mut other, &mut one);
    restamp(&mut scene, &mut one);
    scene.oracle.now += 1;
    other.skew = 0;
    other.adopt_entries();
    scene.sync_until(
        &mut other,
        |request| matches!(request, Request::Push(entries) if entries[0].id == later),
    );
    assert_eq!(scene.relay.db.sequence, 1);
    hear(&mut scene, &mut one, &mut other);
    scene.sync(&mut other);
    assert_eq!(items(&other), [(1, 2)]);
    assert_eq!(scene.relay.db.sequence, 2);
}

/// A tab that does not know the second edit restamps the first one, and the author of the second
/// one restamps that one too. A tab that has later stamps of both hears only of the second one.
#[test]
fn an_edit_stays_later_than_what_it_replaced_although_two_tabs_have_restamped_that() {
    let mut scene = Scene::new();
    let (mut one, mut other) = two_tabs(&mut scene);
    (one.skew, other.skew) = (200, 200);
    edit(&mut scene, &mut one, |tx| tx.items().insert(1, 1));
    hear(&mut scene, &mut one, &mut other);
    let mut third = one.open("a third tab");
    lose(&mut third);
    edit(&mut scene, &mut other, |tx| tx.items().insert(1, 2));
    hear(&mut scene, &mut other, &mut one);
    restamp(&mut scene, &mut other);
    lose(&mut other);
    scene.oracle.now += 1;
    restamp(&mut scene, &mut third);
    hear(&mut scene, &mut third, &mut other);
    scene.oracle.now += 1;
    restamp(&mut scene, &mut one);
    hear(&mut scene, &mut other, &mut one);
    one.adopt_entries();
    scene.sync(&mut one);
    assert_eq!(items(&one), [(1, 2)]);
    assert_eq!(scene.relay.db.sequence, 2);
}

/// The tab that sends the first count does not know the second one, which is stored, when the relay
/// rejects the first one.
#[test]
fn a_stored_count_does_not_contain_an_earlier_one_that_was_rejected() {
    let mut scene = Scene::new();
    let (mut closed, mut other) = two_tabs(&mut scene);
    let id = edit(&mut scene, &mut closed, |tx| tx.likes().increment(1));
    hear(&mut scene, &mut closed, &mut other);
    edit(&mut scene, &mut closed, |tx| tx.likes().increment(2));
    edit(&mut scene, &mut closed, |tx| tx.likes().increment(4));
    drop(closed);
    other.adopt_entries();
    other.reject(id, &mut scene.oracle);
    scene.sync(&mut other);
    assert!(other.save(&mut scene.oracle));
    let mut next = other.open("the next tab");
    next.adopt_entries();
    scene.sync(&mut next);
    scene.sync(&mut other);
    for tab in [&next, &other] {
        assert_eq!(tab.replica.doc().state().likes.value(), 6);
    }
}

/// The entry has left the outbox, because the stored base has it. Then a tab that has not read it
/// rewrites the base, and the relay loses it.
#[test]
fn a_tab_that_has_read_less_keeps_the_stored_base_when_it_compacts() {
    let mut scene = Scene::new();
    let empty = scene.relay.db.clone();
    let (mut one, mut asleep) = two_tabs(&mut scene);
    edit(&mut scene, &mut one, |tx| tx.likes().increment(5));
    scene.sync(&mut one);
    assert!(one.save(&mut scene.oracle));
    assert!(asleep.disk.save(&mut asleep.replica, true));
    scene.restart(Some(empty));
    drop(one);
    let mut next = asleep.open("the next tab");
    scene.sync(&mut next);
    let mut device = scene.tab("another device");
    scene.sync(&mut device);
    assert_eq!(device.replica.doc().state().likes.value(), 5);
}
