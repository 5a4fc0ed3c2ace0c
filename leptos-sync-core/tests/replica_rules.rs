//! Stories of replicas, each about one rule of the exchange that protects data.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use replicas::{oracle::BoardFields, steps::Scene, tab::Request};

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
