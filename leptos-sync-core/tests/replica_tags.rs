//! Stories of sets, and of registers with concurrent values, at replicas with a relay.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a failed test may panic, and a measurement is printed"
)]

mod common;
mod replicas;

use replicas::{
    oracle::BoardFields,
    relay::{DRIFT, RETENTION},
    steps::Scene,
    tab::Tab,
};

fn labels(tab: &Tab) -> Vec<u8> {
    tab.replica.doc().assert_invariants();
    tab.replica.doc().state().labels.iter().copied().collect()
}

fn drafts(tab: &Tab) -> Vec<u32> {
    let draft = &tab.replica.doc().state().draft;
    draft.values().copied().collect()
}

/// Bob's clock is ahead when he removes a label, but he has not seen that Ada adds it again.
#[test]
fn an_add_against_a_later_stamped_removal_wins() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.edit(&mut ada, |tx| tx.labels().insert(1));
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    bob.skew = DRIFT - 1;
    let removed = scene.edit(&mut bob, |tx| tx.labels().remove(&1));
    scene.edit(&mut ada, |tx| tx.labels().remove(&1));
    let added = scene.edit(&mut ada, |tx| tx.labels().insert(1));
    assert!(added < removed);
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    for tab in [&ada, &bob] {
        assert_eq!(labels(tab), [1], "{}", tab.name);
    }
}

/// Adding what is there writes nothing, so that a removal at the same time takes it away.
#[test]
fn adding_a_present_label_writes_nothing() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.labels().insert(1));
    let again = ada.replica.transact(|tx| {
        tx.labels().insert(1);
        tx.labels().remove(&2);
    });
    let again = again.unwrap();
    assert!(again.entry.is_none() && again.changes.is_empty());
}

/// Ada's clock is ahead by more than the relay accepts, so that her edits get earlier times.
#[test]
fn a_removal_holds_after_restamping() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    bob.skew = DRIFT - 1;
    scene.edit(&mut bob, |tx| {
        tx.labels().insert_batch([1, 2]);
        tx.draft().set(1);
    });
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    ada.skew = 500;
    let removed = scene.edit(&mut ada, |tx| {
        tx.labels().remove(&1);
        tx.draft().set(2);
    });
    scene.edit(&mut ada, |tx| tx.labels().insert(3));
    scene.edit(&mut ada, |tx| {
        tx.labels().remove(&3);
        tx.draft().set(3);
    });
    assert_eq!(labels(&ada), [2]);
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    for tab in [&ada, &bob] {
        assert_eq!(labels(tab), [2], "{}", tab.name);
        assert_eq!(drafts(tab), [3], "{}", tab.name);
    }
    let cells = scene.relay.cells();
    assert!(cells.values().all(|(stamp, _)| *stamp < removed));
}

/// The relay rejects Ada's removal.
#[test]
fn a_rejected_removal_gives_back() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| {
        tx.labels().insert_batch([1, 2]);
        tx.draft().set(1);
    });
    scene.sync(&mut ada);
    scene.edit(&mut ada, |tx| {
        tx.labels().clear();
        tx.draft().set(2);
    });
    let id = ada.replica.entries()[0].entry().id;
    ada.replica.reject(id).unwrap();
    assert_eq!(labels(&ada), [1, 2]);
    assert_eq!(drafts(&ada), [1]);
}

/// A virtual machine with an open page is copied. Both copies add a label, under the same tag.
#[test]
fn a_forked_replica_keeps_its_tags() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.labels().insert(9));
    scene.sync(&mut ada);
    let mut copy = ada.clone_running("Copy");
    scene.edit(&mut ada, |tx| {
        tx.labels().insert(1);
        tx.draft().set(1);
    });
    scene.edit(&mut copy, |tx| {
        tx.labels().insert(1);
        tx.draft().set(2);
    });
    scene.edit(&mut copy, |tx| {
        tx.labels().insert_batch([2, 3]);
        tx.labels().remove(&9);
    });
    scene.edit(&mut copy, |tx| tx.labels().remove(&3));
    scene.sync(&mut ada);
    // Ada has not seen what the copy has added.
    scene.edit(&mut ada, |tx| tx.labels().remove(&1));
    scene.sync(&mut copy);
    scene.sync(&mut ada);
    scene.sync(&mut copy);
    for tab in [&ada, &copy] {
        assert_eq!(labels(tab), [1, 2], "{}", tab.name);
        assert_eq!(drafts(tab), [2, 1], "{}", tab.name);
    }
    scene.edit(&mut copy, |tx| {
        tx.labels().clear();
        tx.draft().set(3);
    });
    scene.sync(&mut copy);
    scene.sync(&mut ada);
    assert!(labels(&ada).is_empty());
    assert_eq!(drafts(&ada), [3]);
}

/// Returns the bytes of the base, as a page stores it.
fn stored(tab: &Tab) -> usize {
    let parts = tab.replica.base_parts(1 << 20).unwrap();
    parts
        .iter()
        .map(|part| part.encode_uncompressed().len())
        .sum()
}

#[test]
fn toggling_forgets_below_the_floor() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    for count in 0..1_000 {
        scene.edit(&mut ada, |tx| tx.labels().toggle(1));
        // Within the retention.
        if count % 20 == 0 {
            scene.sync(&mut ada);
        } else {
            scene.oracle.now -= 1;
        }
    }
    scene.sync(&mut ada);
    let bytes = stored(&ada);
    eprintln!("toggled 1,000 times: {bytes} B");
    assert!(labels(&ada).is_empty());
    assert!(bytes <= 20_000, "{bytes}");
    scene.edit(&mut ada, |tx| tx.labels().toggle(1));
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut ada, |tx| tx.labels().toggle(2));
    scene.sync(&mut ada);
    scene.relay.forget(&scene.oracle);
    scene.sync(&mut ada);
    assert!(ada.replica.forget_tombstones());
    let bytes = stored(&ada);
    eprintln!("forgotten: {bytes} B");
    assert!(bytes <= 200, "{bytes}");
    assert_eq!(labels(&ada), [1, 2]);
}
