//! Stories of replicas, each about one rule of the exchange that protects data.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use leptos_sync_core::history::Sequence;
use replicas::{oracle::BoardFields, relay::RETENTION, steps::Scene, tab::Request};

/// While Ada's page compares with a restored relay, a copy of her disk sends her last edit.
#[test]
fn an_edit_that_a_copy_of_the_disk_sends_during_a_comparison_stays_visible() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    let empty = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    scene.restart(Some(empty));
    scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
    assert!(ada.save(&mut scene.oracle));
    let mut copy = ada.copy("Ada's copy");
    copy.disk.heal();
    let mut next = Some(ada.start());
    while let Some(request) = next {
        if matches!(request, Request::Adopt(_)) {
            scene.sync(&mut copy);
        }
        let response = ada.send(&mut scene.relay, request, &mut scene.oracle);
        next = ada.on(response, &mut scene.oracle);
        assert_eq!(ada.replica.doc().state().items.len(), 2);
    }
    scene.sync(&mut ada);
    assert_eq!(ada.replica.doc().state().items.len(), 2);
}

/// A copy of Ada's disk sends her edits, and the relay rejects the first of them.
#[test]
fn a_count_that_was_rejected_when_a_copy_of_the_disk_sent_it_is_not_counted() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    for count in [1, 2, 4] {
        scene.edit(&mut ada, |tx| tx.likes().increment(count));
    }
    assert!(ada.save(&mut scene.oracle));
    let mut copy = ada.copy("Ada's copy");
    copy.disk.heal();
    let first = copy.replica.entries()[0].entry().id;
    copy.reject(first, &mut scene.oracle);
    scene.sync(&mut copy);
    scene.edit(&mut ada, |tx| tx.likes().increment(8));
    scene.sync(&mut ada);
    scene.sync(&mut copy);
    assert_eq!(ada.replica.doc().state().likes.value(), 14);
    assert_eq!(copy.replica.doc().state().likes.value(), 14);
}

/// Ada's first tab edits. Her second one compares with the restored relay, without that edit. A
/// third one reads only what the relay has since then.
#[test]
fn a_tab_that_did_not_see_a_restore_sends_its_edits_nevertheless() {
    let mut scene = Scene::new();
    let mut first = scene.tab("Ada's first tab");
    let empty = scene.relay.db.clone();
    scene.edit(&mut first, |tx| tx.items().insert(1, 1));
    scene.sync(&mut first);
    assert!(first.save(&mut scene.oracle));
    let mut second = first.open("Ada's second tab");
    scene.edit(&mut first, |tx| tx.items().insert(2, 2));
    assert!(first.save(&mut scene.oracle));
    scene.restart(Some(empty));
    scene.sync(&mut second);
    while !second.save(&mut scene.oracle) {}
    let mut third = first.open("Ada's third tab");
    assert!(!third.replica.progress().comparing);
    scene.sync(&mut third);
    scene.sync(&mut second);
    assert_eq!(second.replica.doc().state().items.len(), 2);
}

/// The relay starts again, and Ada's edit is the first change in its new epoch.
#[test]
fn an_edit_in_an_epoch_that_it_begins_is_synced() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    for key in 0..2 {
        scene.restart(None);
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
        scene.sync(&mut ada);
    }
    let epochs = scene.relay.db.epochs.list();
    assert_eq!(ada.replica.progress().epochs.list(), epochs);
}

#[test]
fn a_page_that_leaves_a_gap_is_refused_and_changes_nothing() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.sync(&mut bob);
    for key in 0..2 {
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
    }
    scene.sync(&mut ada);
    let page = scene.relay.read(Sequence::new(1)).unwrap();
    assert!(bob.replica.page(&page).unwrap_err().is_gap());
    assert!(bob.replica.doc().state().items.is_empty());
    assert!(bob.replica.progress().cursor.position.sequence == Sequence::ZERO);
    scene.sync(&mut bob);
    assert_eq!(bob.replica.doc().state().items.len(), 2);
}

/// Ada's edit was stored, but she has not read on. Bob removes what she wrote. When she is back,
/// the relay has forgotten the removal.
#[test]
fn an_acknowledged_edit_that_was_removed_does_not_return_after_the_retention() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.edit(&mut bob, |tx| tx.title().set(1));
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    let opened = ada.start();
    let opened = ada.send(&mut scene.relay, opened, &mut scene.oracle);
    let push = ada.on(opened, &mut scene.oracle).unwrap();
    scene.sync(&mut bob);
    let acknowledged = ada.send(&mut scene.relay, push, &mut scene.oracle);
    ada.on(acknowledged, &mut scene.oracle);
    assert!(ada.replica.entries()[0].entry().stored.is_some());
    scene.sync(&mut bob);
    scene.edit(&mut bob, |tx| tx.items().remove(&1));
    scene.sync(&mut bob);
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut bob, |tx| tx.title().set(2));
    scene.sync(&mut bob);
    scene.relay.forget(&scene.oracle);
    scene.sync(&mut ada);
    assert!(ada.replica.doc().state().items.is_empty());
    assert_eq!(ada.base(), scene.relay.cells());
    assert!(ada.replica.is_synced());
}

/// Ada's edit was stored, but she has not read on. Then the relay is restored without it, and Bob
/// writes as much as there was before.
#[test]
fn an_acknowledged_edit_that_a_restored_relay_has_lost_is_sent_again() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    let empty = scene.relay.db.clone();
    scene.edit(&mut bob, |tx| tx.title().set(1));
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    let opened = ada.start();
    let opened = ada.send(&mut scene.relay, opened, &mut scene.oracle);
    let push = ada.on(opened, &mut scene.oracle).unwrap();
    scene.sync(&mut bob);
    let acknowledged = ada.send(&mut scene.relay, push, &mut scene.oracle);
    ada.on(acknowledged, &mut scene.oracle);
    assert!(ada.replica.entries()[0].entry().stored.is_some());
    scene.restart(Some(empty));
    let mut carol = scene.tab("Carol");
    for title in 2..5 {
        scene.edit(&mut carol, |tx| tx.title().set(title));
        scene.sync(&mut carol);
    }
    scene.sync(&mut ada);
    scene.sync(&mut carol);
    assert_eq!(carol.replica.doc().state().items.len(), 1);
    assert!(ada.replica.is_synced());
}
