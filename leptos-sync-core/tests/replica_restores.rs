//! Disks that are restored or copied, and storage that lost a part. Nothing that was acknowledged
//! is lost, nothing is sent twice, and no counter shrinks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use std::cell::Cell;

use common::now;
use leptos_sync_core::{
    Clock, ReplicaId,
    clock::ManualTime,
    engine::ReplicaStore,
    history::{Sequence, Witness},
    storage::{Batch, MemoryStorage, Storage},
};
use replicas::{
    oracle::{Board, BoardFields},
    relay::{RETENTION, ms},
    steps::Scene,
    tab::{Request, Tab},
};

/// Loads a tab again from a copy of its disk.
fn restore(tab: &mut Tab, disk: &replicas::disk::Disk) {
    tab.disk = disk.copy();
    tab.disk.heal();
    tab.load();
}

fn items(tab: &Tab) -> Vec<u8> {
    let mut items: Vec<_> = tab.replica.doc().state().items.keys().copied().collect();
    items.sort_unstable();
    items
}

fn likes(tab: &Tab) -> u64 {
    tab.replica.doc().state().likes.value()
}

#[test]
fn a_restored_device_hears_of_what_it_wrote_after_the_backup() {
    let mut scene = Scene::new();
    let mut phone = scene.tab("the phone");
    scene.edit(&mut phone, |tx| tx.items().insert(0, 1));
    scene.sync(&mut phone);
    phone.save(&mut scene.oracle);
    let backup = phone.disk.copy();
    scene.edit(&mut phone, |tx| tx.items().insert(1, 1));
    scene.sync(&mut phone);

    restore(&mut phone, &backup);
    assert_eq!(items(&phone), [0]);
    scene.edit(&mut phone, |tx| tx.items().insert(8, 1));
    scene.edit(&mut phone, |tx| tx.items().insert(9, 1));
    scene.sync(&mut phone);
    assert_eq!(items(&phone), [0, 1, 8, 9]);
    let mut other = scene.tab("another device");
    scene.sync(&mut other);
    assert_eq!(items(&other), [0, 1, 8, 9]);
}

#[test]
fn a_counter_that_only_grows_does_not_shrink_when_a_device_is_restored() {
    let mut scene = Scene::new();
    let (mut phone, mut other) = (scene.tab("the phone"), scene.tab("another device"));
    scene.edit(&mut phone, |tx| tx.likes().increment(10));
    phone.save(&mut scene.oracle);
    // The backup has the first increment in its outbox, and lacks the second one.
    let backup = phone.disk.copy();
    scene.sync(&mut phone);
    scene.edit(&mut phone, |tx| tx.likes().increment(5));
    scene.sync(&mut phone);
    scene.sync(&mut other);
    assert_eq!(likes(&other), 15);

    restore(&mut phone, &backup);
    scene.edit(&mut phone, |tx| tx.likes().increment(1));
    scene.sync(&mut phone);
    scene.sync(&mut other);
    assert_eq!((likes(&phone), likes(&other)), (16, 16));
}

/// What the old machine wrote first arrives last.
#[test]
fn what_two_machines_from_one_disk_image_write_is_stored() {
    let mut scene = Scene::new();
    let mut old = scene.tab("the old machine");
    scene.edit(&mut old, |tx| tx.items().insert(0, 1));
    scene.sync(&mut old);
    scene.edit(&mut old, |tx| tx.items().insert(1, 1));
    scene.edit(&mut old, |tx| tx.likes().increment(1));
    old.save(&mut scene.oracle);
    let mut new = old.copy("the new machine");
    new.disk.heal();
    old.load();
    scene.edit(&mut old, |tx| tx.items().insert(2, 1));
    scene.edit(&mut old, |tx| tx.likes().increment(1));
    scene.edit(&mut new, |tx| tx.items().insert(3, 1));
    scene.edit(&mut new, |tx| tx.likes().increment(1));
    scene.sync(&mut new);
    scene.sync(&mut old);
    scene.sync(&mut new);
    let mut third = scene.tab("a third device");
    scene.sync(&mut third);
    for tab in [&old, &new, &third] {
        assert_eq!(items(tab), [0, 1, 2, 3], "{}", tab.name);
        assert_eq!(likes(tab), 3, "{}", tab.name);
    }
}

/// The database was deleted between two edits, and the page died before it wrote the first one
/// again.
#[test]
fn an_edit_that_is_stored_without_the_one_before_it_is_sent() {
    let mut scene = Scene::new();
    let mut page = scene.tab("the page");
    page.disk.is_off = true;
    let memory = MemoryStorage::new();
    let mut store = ReplicaStore::new(memory.clone(), "board").unwrap();
    scene.edit(&mut page, |tx| tx.items().insert(1, 1));
    let first = store.save(&mut page.replica).unwrap();
    assert!(now(memory.commit_if(first.expected, first.batch)).unwrap());
    store.committed(&mut page.replica);
    let before = now(memory.scan_prefix(store.prefix())).unwrap();
    scene.edit(&mut page, |tx| tx.items().insert(2, 1));
    let second = store.save(&mut page.replica).unwrap();
    assert!(now(memory.commit_if(second.expected, second.batch)).unwrap());
    let mut batch = Batch::new();
    for (key, _) in before
        .into_iter()
        .filter(|(key, _)| key[store.prefix().len()..].starts_with(&[0, 2]))
    {
        batch.delete(key);
    }
    now(memory.commit(batch)).unwrap();

    let clock = Clock::new(ReplicaId::new(1), ManualTime::at(ms(5_000)));
    let mut store = ReplicaStore::new(memory, "board").unwrap();
    page.replica = now(store.load::<Board>(clock)).unwrap().replica;
    assert_eq!(items(&page), [2], "it is shown");
    scene.edit(&mut page, |tx| tx.items().insert(3, 1));
    scene.sync(&mut page);
    let mut other = scene.tab("another device");
    scene.sync(&mut other);
    assert_eq!(items(&other), [2, 3]);
}

/// Ada came after the relay had forgotten a removal. The relay is restored from a backup that is
/// older than its retention, while Bob is gone.
#[test]
fn a_device_that_knows_of_forgotten_removals_can_still_send() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    scene.edit(&mut bob, |tx| tx.items().insert(1, 1));
    scene.sync(&mut bob);
    let backup = scene.relay.db.clone();
    scene.edit(&mut bob, |tx| tx.items().remove(&1));
    scene.sync(&mut bob);
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut bob, |tx| tx.title().set(2));
    scene.sync(&mut bob);
    scene.relay.forget(&scene.oracle);
    scene.sync(&mut ada);
    scene.edit(&mut bob, |tx| tx.title().set(3));
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    scene.edit(&mut ada, |tx| tx.items().insert(2, 1));
    scene.sync(&mut ada);

    scene.restart(Some(backup));
    scene.edit(&mut ada, |tx| tx.items().insert(3, 1));
    scene.sync(&mut ada);
    let mut other = scene.tab("another device");
    scene.sync(&mut other);
    assert_eq!(items(&other), [2, 3]);
    assert_eq!(other.replica.doc().state().title.get(), &3);
}

/// Ada begins to compare with a backup of the relay. Before she has offered anything, the relay has
/// its database again. Bob removes the item there, and the relay forgets the removal.
#[test]
fn a_removed_item_stays_removed_if_the_relay_had_only_lost_it_for_a_moment() {
    let mut scene = Scene::new();
    let (mut ada, mut bob) = (scene.tab("Ada"), scene.tab("Bob"));
    let backup = scene.relay.db.clone();
    scene.edit(&mut bob, |tx| tx.items().insert(1, 1));
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    let database = scene.relay.db.clone();
    scene.restart(Some(backup));
    scene.sync_until(&mut ada, |request| matches!(request, Request::Offer(..)));
    assert!(ada.replica.progress().comparing);

    scene.restart(Some(database));
    scene.edit(&mut bob, |tx| tx.items().remove(&1));
    scene.sync(&mut bob);
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut bob, |tx| tx.title().set(2));
    scene.sync(&mut bob);
    scene.relay.forget(&scene.oracle);
    scene.sync(&mut ada);
    assert_eq!(items(&ada), [0_u8; 0]);
    let mut other = scene.tab("another device");
    scene.sync(&mut other);
    assert_eq!(items(&other), [0_u8; 0]);
}

/// Ada reads Cy's item from one backup of the relay, compares with another one, which is empty, and
/// then with the database of before. She offers the item there, and proves that it was stored once.
#[test]
fn a_device_that_compared_with_two_backups_can_prove_what_the_relay_lacks() {
    let mut scene = Scene::new();
    let names = ["Ada", "Bob", "Cy"];
    let [mut ada, mut bob, mut cy] = names.map(|name| scene.tab(name));
    let empty = scene.relay.db.clone();
    // Cy's edit is older than what Ada hears of first.
    scene.edit(&mut cy, |tx| tx.items().insert(5, 1));
    scene.edit(&mut bob, |tx| tx.items().insert(1, 1));
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    let database = scene.relay.db.clone();
    let offers = |request: &Request| matches!(request, Request::Offer(..));
    scene.restart(Some(empty.clone()));
    scene.sync(&mut cy);
    scene.sync_until(&mut ada, offers);
    assert_eq!(items(&ada), [1, 5]);
    scene.restart(Some(empty));
    scene.sync_until(&mut ada, offers);

    scene.restart(Some(database.clone()));
    let proves = |witness: &Witness| {
        let head = Sequence::new(database.sequence);
        !database.epochs.contains(head, witness.head)
    };
    let offered = Cell::new(false);
    scene.sync_until(&mut ada, |request| {
        if let Request::Offer(_, witness) = request {
            assert!(offered.get() || proves(witness), "{witness:?}");
            offered.set(true);
        }
        false
    });
    assert!(offered.get() && ada.replica.is_synced());
    scene.sync(&mut bob);
    assert_eq!(items(&bob), [1, 5]);
}

/// The relay's clock is slow, so it stores the phone's increments at earlier times. Then the relay
/// loses them, with its clock right again, and gets the first one from a backup of the phone, at
/// its own time.
#[test]
fn a_count_does_not_shrink_when_a_relay_with_a_wrong_clock_is_restored() {
    let mut scene = Scene::new();
    let (mut phone, mut other) = (scene.tab("the phone"), scene.tab("another device"));
    let empty = scene.relay.db.clone();
    scene.oracle.now += 60;
    scene.relay.skew = -40;
    scene.edit(&mut phone, |tx| tx.likes().increment(10));
    phone.save(&mut scene.oracle);
    let backup = phone.disk.copy();
    scene.sync(&mut phone);
    scene.edit(&mut phone, |tx| tx.likes().increment(5));
    scene.sync(&mut phone);
    scene.sync(&mut other);
    assert_eq!(likes(&other), 15);

    scene.relay.skew = 0;
    scene.restart(Some(empty));
    restore(&mut phone, &backup);
    scene.sync(&mut phone);
    assert_eq!(likes(&phone), 10);
    scene.sync(&mut other);
    scene.sync(&mut phone);
    assert_eq!((likes(&phone), likes(&other)), (15, 15));
}
