//! Stories of replicas whose relay or disk went back in time, or whose edits were rejected.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use leptos_sync_core::{
    Time,
    history::{Ack, Sequence},
};
use replicas::{
    oracle::BoardFields,
    push::Pushed,
    relay::{RETENTION, ms},
    steps::{Scene, outbox},
    tab::Request,
};

/// Ada removes an item. After the retention, the relay and Ada's page forget the removal. Then the
/// relay is restored from a backup that still has the item.
#[test]
fn a_removal_that_everybody_has_forgotten_does_not_return_with_an_old_backup() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.edit(&mut ada, |tx| tx.title().set(2));
    scene.sync(&mut ada);
    let backup = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().remove(&1));
    scene.sync(&mut ada);
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut ada, |tx| tx.title().set(3));
    scene.sync(&mut ada);
    scene.relay.forget(&scene.oracle);
    scene.sync(&mut ada);
    assert!(ada.replica.forget_tombstones());
    assert_eq!(ada.replica.doc().state().items.tombstones(), 0);

    scene.restart(Some(backup));
    scene.sync(&mut ada);
    assert!(!ada.replica.doc().state().items.contains(&1));
    let mut bob = scene.tab("Bob");
    scene.sync(&mut bob);
    assert!(!bob.replica.doc().state().items.contains(&1));
    assert_eq!(bob.replica.doc().state().title.get(), &3);
}

/// Bob's page reads a part of the history. A cell of that part is missing, because it was written
/// again later, and the backup has it as it was.
#[test]
fn a_replica_that_has_not_read_everything_removes_nothing_when_the_relay_was_restored() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    for key in 0..4 {
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
        scene.sync(&mut ada);
    }
    let backup = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().insert(0, 2));
    scene.sync(&mut ada);
    scene.sync_until(&mut bob, |request| match *request {
        Request::Read(after) => after > Sequence::ZERO,
        _ => false,
    });
    assert_eq!(bob.replica.doc().state().items.len(), 2);
    scene.restart(Some(backup));
    scene.sync(&mut bob);
    assert_eq!(bob.replica.doc().state().items.len(), 4);
}

#[test]
fn a_comparison_that_was_interrupted_starts_again() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    let empty = scene.relay.db.clone();
    for key in 0..6 {
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
    }
    scene.sync(&mut ada);
    scene.restart(Some(empty));
    scene.sync_until(&mut ada, |request| matches!(request, Request::Adopt(_)));
    assert!(ada.replica.progress().comparing && !ada.replica.is_synced());
    ada.save(&mut scene.oracle);
    ada.load();
    // Others write until the relay has as many changes as before.
    let mut bob = scene.tab("Bob");
    for _ in 0..9 {
        scene.edit(&mut bob, |tx| tx.title().set(2));
        scene.sync(&mut bob);
    }
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    assert_eq!(bob.replica.doc().state(), ada.replica.doc().state());
    assert_eq!(bob.replica.doc().state().items.len(), 6);
}

/// Ada's clock is far ahead, so the relay wants another time. Bob has meanwhile written the title.
#[test]
fn an_edit_that_is_restamped_follows_what_it_replaced_and_nothing_else() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.edit(&mut bob, |tx| tx.title().set(1));
    scene.relay.skew = 300;
    bob.skew = 300;
    scene.edit(&mut bob, |tx| tx.items().insert(1, 1));
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    // The item that Ada replaces has a time in the future. She has not seen Bob's next title.
    ada.skew = 9_000;
    scene.edit(&mut ada, |tx| tx.items().insert(1, 2));
    scene.edit(&mut ada, |tx| tx.title().set(2));
    scene.edit(&mut bob, |tx| tx.title().set(3));
    scene.sync(&mut bob);
    scene.relay.skew = 0;
    (ada.skew, bob.skew) = (0, 0);
    scene.restart(None);
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    for tab in [&ada, &bob] {
        assert_eq!(tab.replica.doc().state().items.get(&1), Some(&2));
        assert_eq!(tab.replica.doc().state().title.get(), &3);
    }
}

#[test]
fn edits_after_a_restamped_one_stay_later_and_counts_stay_whole() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    ada.skew = 500;
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    ada.save(&mut scene.oracle);
    // A new page life has another id.
    ada.load();
    scene.edit(&mut ada, |tx| {
        tx.items().insert(1, 2);
        tx.likes().increment(1);
    });
    scene.edit(&mut ada, |tx| tx.likes().increment(2));
    ada.skew = 0;
    let first = ada.replica.entries()[0].entry().id;
    ada.replica
        .restamp(first, Time::from_ms(ms(2_000)))
        .unwrap();
    let times: Vec<_> = ada
        .replica
        .entries()
        .iter()
        .map(|one| one.entry().time)
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert_eq!(ada.replica.doc().state().items.get(&1), Some(&2));
    ada.replica.doc().assert_invariants();
    scene.oracle.now = 2_000;
    scene.sync(&mut ada);
    assert_eq!(ada.replica.doc().state().likes.value(), 3);
}

#[test]
fn a_rejected_edit_is_rolled_back_and_later_counts_lose_its_share() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.stock().increment(1));
    scene.sync(&mut ada);
    scene.edit(&mut ada, |tx| {
        tx.stock().increment(10);
        tx.stock().decrement(4);
        tx.title().set(1);
    });
    scene.edit(&mut ada, |tx| tx.stock().increment(100));
    let id = ada.replica.entries()[0].entry().id;
    let rejected = ada.replica.reject(id).unwrap().unwrap();
    assert_eq!(rejected.before.title.get(), &1);
    assert_eq!(rejected.entry.cells.len(), 2);
    assert_eq!(ada.replica.doc().state().title.get(), &0);
    assert_eq!(ada.replica.doc().state().stock.value(), 101);
    assert!(ada.replica.reject(id).unwrap().is_none());
    scene.sync(&mut ada);
    assert_eq!(ada.replica.doc().state().stock.value(), 101);
}

/// A user who may only read has edited, and nobody has seen it.
#[test]
fn a_withdrawn_edit_leaves_nothing_behind() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    for sent in [false, true] {
        if sent {
            scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
            scene.sync(&mut ada);
        }
        let cells = ada.joined();
        scene.edit(&mut ada, |tx| tx.likes().increment(3));
        scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
        let ids: Vec<_> = ada.outbox();
        for id in ids {
            let withdrawn = ada.replica.withdraw(id).unwrap().unwrap();
            assert_eq!(withdrawn.entry.id, id);
        }
        assert!(ada.replica.entries().is_empty());
        assert_eq!(ada.joined(), cells);
        assert_eq!(ada.replica.doc().state().likes.value(), 0);
    }
    // The numbers go on without a gap.
    scene.edit(&mut ada, |tx| tx.items().insert(3, 3));
    scene.sync(&mut ada);
    let mut bob = scene.tab("Bob");
    scene.sync(&mut bob);
    assert_eq!(bob.base(), ada.base());
    assert_eq!(bob.replica.doc().state().items.len(), 2);
}

/// The relay stores an entry, and another tab restamps it before the answer arrives.
#[test]
fn an_entry_that_changes_on_its_way_is_stored_as_it_was_sent() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    let mut other = scene.tab("Ada's other tab");
    let stamp = scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    other.replica.join_outbox(&ada.replica.outbox(), &[]);
    let Request::Open(opening) = ada.start() else {
        unreachable!();
    };
    let opened = scene
        .relay
        .open(&opening, &ada.replica.progress().epochs, &scene.oracle);
    ada.replica.opened(&opened).unwrap();
    ada.replica.settle().unwrap();
    let sent = ada.replica.next_entries(1_000, 9);
    // The other tab restamps the entry.
    let restamped = other.replica.restamp(sent[0].id, Time::from_ms(ms(1_500)));
    restamped.unwrap();
    let restamped = other.replica.outbox();
    ada.replica.replace_entries(&restamped).unwrap();
    assert_ne!(outbox(&ada), replicas::oracle::cells_of([&sent[0].cells]));
    assert!(ada.replica.next_entries(1_000, 9).is_empty());
    let ack = Ack {
        id: sent[0].id,
        count: 1,
        first: Sequence::new(1),
        state: opened.state,
    };
    ada.replica.acknowledged(&ack).unwrap();
    let stored = replicas::oracle::cells_of([&sent[0].cells]);
    assert_eq!(ada.base(), stored);
    assert_eq!(stored.values().next().unwrap().0, stamp);
}

/// A virtual machine with an open page is copied. Both copies go on.
#[test]
fn two_copies_of_a_running_page_both_keep_their_edits() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    let mut copy = ada.clone_running("Copy");
    scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
    scene.edit(&mut copy, |tx| {
        tx.items().insert(3, 3);
        tx.likes().increment(1);
    });
    scene.edit(&mut copy, |tx| tx.likes().increment(2));
    scene.sync(&mut ada);
    scene.sync(&mut copy);
    scene.edit(&mut copy, |tx| tx.likes().increment(4));
    scene.sync(&mut copy);
    scene.sync(&mut ada);
    for tab in [&ada, &copy] {
        assert_eq!(tab.replica.doc().state().items.len(), 3, "{}", tab.name);
        assert_eq!(tab.replica.doc().state().likes.value(), 7, "{}", tab.name);
    }
}

/// A disk was copied while Ada's increment was in the outbox. Later, the relay and the disk are
/// restored, and clocks run behind: the old entry gets a later time than the later count.
#[test]
fn an_old_increment_from_a_restored_disk_does_not_replace_a_later_count() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    let empty = scene.relay.db.clone();
    ada.skew = 200;
    scene.edit(&mut ada, |tx| tx.likes().increment(1));
    ada.save(&mut scene.oracle);
    let disk = ada.disk.copy();
    scene.edit(&mut ada, |tx| tx.likes().increment(4));
    // The relay wants other times for both.
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    scene.restart(Some(empty));
    scene.sync(&mut bob);
    ada.disk = disk;
    ada.disk.heal();
    ada.load();
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    for tab in [&ada, &bob] {
        assert_eq!(tab.replica.doc().state().likes.value(), 5, "{}", tab.name);
    }
}

/// The relay lost an item, and everybody has seen its removal. A removal that is younger than the
/// retention is offered, an older one is not.
#[test]
fn a_comparison_offers_removals_that_the_relay_would_still_keep() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    let empty = scene.relay.db.clone();
    for key in [1, 2] {
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
        scene.edit(&mut ada, |tx| tx.items().remove(&key));
        scene.sync(&mut ada);
        scene.oracle.now += RETENTION - 10;
    }
    let floor = Time::from_ms(ms(scene.oracle.now - RETENTION));
    scene.restart(Some(empty));
    scene.relay.db.floor = floor;
    scene.sync(&mut ada);
    let cells = scene.relay.cells();
    assert_eq!(cells.len(), 1, "{cells:?}");
    assert!(
        cells
            .values()
            .all(|(stamp, value)| stamp.time > floor && value.is_none())
    );
    assert_eq!(ada.base(), cells);
}

/// Two pages write one item: the second one sees the first one's entry on the shared disk. A copy
/// of that disk restamps and sends the first entry.
#[test]
fn an_edit_follows_an_entry_that_a_copy_of_its_disk_has_restamped() {
    let mut scene = Scene::new();
    let mut ada = scene.tab("Ada");
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    ada.save(&mut scene.oracle);
    let mut copy = ada.copy("Copy");
    copy.disk.heal();
    ada.load();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 2));
    let first = copy.replica.entries()[0].entry().id;
    copy.replica
        .restamp(first, Time::from_ms(ms(1_003)))
        .unwrap();
    scene.sync(&mut copy);
    scene.sync(&mut ada);
    scene.sync(&mut copy);
    for tab in [&ada, &copy] {
        assert_eq!(
            tab.replica.doc().state().items.get(&1),
            Some(&2),
            "{}",
            tab.name
        );
    }
}

/// Ada worked offline for a day while her clock was an hour ahead.
#[test]
fn edits_ahead_of_the_relay_are_restamped_together() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.edit(&mut ada, |tx| tx.items().insert(0, 7));
    scene.sync(&mut ada);
    ada.skew = 2_000;
    for edit in 1..50 {
        scene.edit(&mut ada, |tx| {
            tx.items().insert(u8::from(edit % 2 == 0), edit);
            tx.likes().increment(1);
        });
    }
    ada.skew = 0;
    let Request::Open(opening) = ada.start() else {
        unreachable!();
    };
    let epochs = ada.replica.progress().epochs.clone();
    let opened = scene.relay.open(&opening, &epochs, &scene.oracle);
    ada.set_time(&scene.oracle);
    ada.replica.opened(&opened).unwrap();
    ada.replica.settle().unwrap();
    ada.replica.restamp_ahead(opened.window()).unwrap();
    ada.replica.doc().assert_invariants();
    let entries: Vec<_> = ada
        .replica
        .entries()
        .iter()
        .map(|one| one.entry().clone())
        .collect();
    assert!(entries.is_sorted_by(|a, b| a.time < b.time));
    let answers = scene.relay.push(&entries, &mut scene.oracle);
    let taken = answers
        .iter()
        .filter(|answer| matches!(answer, Pushed::Ack(_)));
    assert_eq!(taken.count(), entries.len(), "{answers:?}");
    scene.sync(&mut ada);
    scene.sync(&mut bob);
    assert_eq!(bob.replica.doc().state().items.get(&1), Some(&48));
    assert_eq!(bob.replica.doc().state().likes.value(), 49);
    assert_eq!(bob.replica.doc().state(), ada.replica.doc().state());
}
