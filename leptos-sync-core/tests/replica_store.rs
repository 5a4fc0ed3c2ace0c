//! The storage of a replica: whatever interrupts a write, and whichever tab writes, the stored base
//! fits the stored position, and no entry is lost.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod replicas;

use common::now;
use leptos_sync_core::{
    Clock, ReplicaId, Time,
    clock::ManualTime,
    engine::{RefreshOutcome, ReplicaStore, ReplicaWrite, has_unacknowledged},
    history::Sequence,
    limits,
    replica::Replica,
    storage::{Batch, Fault, FaultyStorage, MemoryStorage, Scan, Storage},
};
use replicas::{
    oracle::{Board, BoardFields, cells_of},
    relay::{RETENTION, ms},
    steps::Scene,
    tab::Tab,
};

type Store = ReplicaStore<FaultyStorage<MemoryStorage>>;

fn store(memory: &MemoryStorage) -> Store {
    ReplicaStore::new(FaultyStorage::new(memory.clone()), "board").unwrap()
}

/// Returns a tab whose replica the test stores.
fn tab(scene: &Scene, name: &str) -> Tab {
    let mut tab = scene.tab(name);
    tab.disk.is_off = true;
    tab
}

fn clock() -> Clock {
    Clock::new(ReplicaId::new(1), ManualTime::at(ms(5_000)))
}

fn load(store: &mut Store) -> Replica<Board> {
    let loaded = now(store.load::<Board>(clock())).unwrap();
    assert!(loaded.damage.is_empty(), "{:?}", loaded.damage);
    loaded.replica
}

/// Commits a write. Returns whether its condition held.
fn commit(store: &mut Store, tab: &mut Tab, write: ReplicaWrite) -> bool {
    let done = now(store.storage().commit_if(write.expected, write.batch)).unwrap();
    if done {
        store.committed(&mut tab.replica);
    }
    done
}

/// Saves, and refreshes as often as another tab has written. Returns what the last refresh said.
fn save(store: &mut Store, tab: &mut Tab) -> Option<RefreshOutcome> {
    let mut refreshed = None;
    for _ in 0..5 {
        let write = store.save(&mut tab.replica).unwrap();
        if commit(store, tab, write) {
            return refreshed;
        }
        refreshed = Some(now(store.refresh(&mut tab.replica)).unwrap());
        if refreshed == Some(RefreshOutcome::Reload) {
            return refreshed;
        }
    }
    panic!("the store is always behind");
}

fn same(loaded: &Replica<Board>, tab: &Tab) {
    assert_eq!(loaded.progress(), tab.replica.progress());
    assert_eq!(loaded.doc().state(), tab.replica.doc().state());
    let base = cells_of(&loaded.base_parts(1 << 16).unwrap());
    assert_eq!(base, tab.base());
    let entries = |replica: &Replica<Board>| -> Vec<_> {
        replica
            .entries()
            .iter()
            .map(|one| one.entry().clone())
            .collect()
    };
    assert_eq!(entries(loaded), entries(&tab.replica));
}

#[test]
fn a_new_page_continues_where_the_last_one_ended() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    save(&mut disk, &mut ada);
    same(&load(&mut store(&memory)), &ada);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 2));
    scene.edit(&mut ada, |tx| tx.likes().increment(1));
    save(&mut disk, &mut ada);
    same(&load(&mut store(&memory)), &ada);
    let compacted = disk.compact(&mut ada.replica).unwrap();
    assert!(commit(&mut disk, &mut ada, compacted));
    same(&load(&mut store(&memory)), &ada);
}

/// Each commit of a life fails once, in each way, and the page is killed then.
#[test]
fn after_a_crash_at_any_commit_nothing_is_lost_and_nothing_is_told_that_is_not_there() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        for failing in 0..12 {
            let mut scene = Scene::new();
            let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
            let mut bob = tab(&scene, "Bob");
            let mut disk = store(&memory);
            disk.storage().fail_commit(failing, fault);
            let mut saved = true;
            for round in 0..4_u8 {
                scene.edit(&mut bob, |tx| tx.items().insert(9, u32::from(round)));
                scene.sync(&mut bob);
                scene.edit(&mut ada, |tx| {
                    tx.items().insert(round, 1);
                    tx.likes().increment(1);
                });
                for _ in 0..2 {
                    let write = match round {
                        2 => disk.compact(&mut ada.replica).unwrap(),
                        _ => disk.save(&mut ada.replica).unwrap(),
                    };
                    let done = now(disk.storage().commit_if(write.expected, write.batch));
                    saved = matches!(done, Ok(true));
                    if !saved {
                        break;
                    }
                    disk.committed(&mut ada.replica);
                    scene.sync(&mut ada);
                }
                if !saved {
                    break;
                }
            }
            let before = ada.replica.doc().state().likes.value();
            let mut again = tab(&scene, "Ada again");
            again.replica = load(&mut store(&memory));
            again.replica.doc().assert_invariants();
            scene.sync(&mut again);
            let after = again.replica.doc().state().likes.value();
            // The last edit was not sent. It is there if its write was applied.
            let least = before - u64::from(!saved && fault == Fault::Refused);
            assert!(
                (least..=before).contains(&after),
                "{failing}: {after} of {before}"
            );
            assert_eq!(again.base(), scene.relay.cells());
        }
    }
}

#[test]
fn a_write_whose_answer_was_lost_is_recognized() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    disk.storage().fail_commit(0, Fault::AnswerLost);
    let write = disk.save(&mut ada.replica).unwrap();
    assert!(now(disk.storage().commit_if(write.expected, write.batch)).is_err());
    assert_eq!(
        now(disk.refresh(&mut ada.replica)).unwrap(),
        RefreshOutcome::Retry
    );
    assert_eq!(save(&mut disk, &mut ada), None);
    same(&load(&mut store(&memory)), &ada);
}

/// The first edit was made with a clock that was an hour ahead.
#[test]
fn edits_after_a_restamped_one_follow_it_on_the_next_page() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    ada.skew = 60;
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    ada.skew = 0;
    ada.set_time(&scene.oracle);
    let id = ada.replica.entries()[0].entry().id;
    let now = Time::from_ms(ms(scene.oracle.now));
    ada.replica.restamp(id, now).unwrap();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 2));
    save(&mut disk, &mut ada);
    same(&load(&mut store(&memory)), &ada);
}

/// Two tabs share a database. One sleeps while the other syncs everything.
#[test]
fn a_tab_that_slept_neither_moves_the_position_back_nor_brings_entries_back() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut asleep) = (tab(&scene, "Ada"), tab(&scene, "Asleep"));
    let (mut disk, mut other) = (store(&memory), store(&memory));
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    save(&mut disk, &mut ada);
    asleep.replica = load(&mut other);
    assert_eq!(asleep.replica.entries().len(), 1);
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    // The tab wakes and edits, without knowing that its other entry was stored.
    scene.edit(&mut asleep, |tx| tx.items().insert(2, 2));
    assert_eq!(save(&mut other, &mut asleep), Some(RefreshOutcome::Retry));
    let loaded = load(&mut store(&memory));
    assert_eq!(loaded.entries().len(), 1, "only the new entry");
    assert_eq!(loaded.progress(), ada.replica.progress());
    // The other tab notices in turn.
    scene.edit(&mut ada, |tx| tx.title().set(3));
    save(&mut disk, &mut ada);
    assert_eq!(load(&mut store(&memory)).entries().len(), 2);
    scene.sync(&mut asleep);
    save(&mut other, &mut asleep);
    assert_eq!(load(&mut store(&memory)).entries().len(), 1);
}

/// Both tabs write the same changes, and one of them writes another edit, too.
#[test]
fn an_edit_is_stored_although_another_tab_has_made_the_same_write_without_it() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut other) = (tab(&scene, "Ada"), tab(&scene, "Ada's other tab"));
    let (mut disk, mut other_disk) = (store(&memory), store(&memory));
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    save(&mut disk, &mut ada);
    other.replica = load(&mut other_disk);
    scene.sync(&mut ada);
    scene.sync(&mut other);
    scene.edit(&mut other, |tx| tx.items().insert(2, 2));
    save(&mut disk, &mut ada);
    save(&mut other_disk, &mut other);
    assert_eq!(load(&mut store(&memory)).entries().len(), 1);
    assert!(other.replica.entries()[0].is_saved());
}

/// A compaction is applied, but the page only learns that the disk fails. The next look fails, too.
#[test]
fn a_page_recognizes_its_compaction_after_a_failed_look_at_the_disk() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    save(&mut disk, &mut ada);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    disk.storage().fail_commit(1, Fault::AnswerLost);
    let write = disk.compact(&mut ada.replica).unwrap();
    assert!(now(disk.storage().commit_if(write.expected, write.batch)).is_err());
    let records = now(memory.scan(Scan::all())).unwrap();
    let (marker, record) = records[0].clone();
    let damage = |record: Vec<u8>| {
        let mut batch = Batch::new();
        batch.put(marker.clone(), record);
        now(memory.commit(batch)).unwrap();
    };
    damage(vec![0]);
    assert!(now(disk.refresh(&mut ada.replica)).is_err());
    damage(record.to_vec());
    now(disk.refresh(&mut ada.replica)).unwrap();
    assert!(ada.replica.entries()[0].is_saved());
}

#[test]
fn a_tab_whose_base_was_replaced_by_another_history_loads_again_and_keeps_its_edits() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut asleep) = (tab(&scene, "Ada"), tab(&scene, "Asleep"));
    let (mut disk, mut other) = (store(&memory), store(&memory));
    let backup = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    asleep.replica = load(&mut other);
    scene.restart(Some(backup));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    scene.edit(&mut asleep, |tx| tx.items().insert(2, 2));
    let own = asleep.replica.own_id();
    assert_eq!(save(&mut other, &mut asleep), Some(RefreshOutcome::Reload));
    let before = std::mem::replace(&mut asleep.replica, load(&mut other));
    asleep.replica.take_over(&before);
    assert_eq!(asleep.replica.own_id(), own);
    scene.edit(&mut asleep, |tx| tx.likes().increment(1));
    assert_eq!(save(&mut other, &mut asleep), None);
    scene.sync(&mut asleep);
    assert_eq!(asleep.replica.doc().state().items.len(), 2);
    assert_eq!(asleep.replica.doc().state().likes.value(), 1);
}

/// The other tabs have heard of the new stamps, and their later edits follow these.
#[test]
fn a_tab_that_loads_again_keeps_the_stamps_that_it_has_not_stored() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut other) = (tab(&scene, "Ada"), tab(&scene, "Ada's other tab"));
    let (mut disk, mut other_disk) = (store(&memory), store(&memory));
    let backup = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.title().set(1));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    other.replica = load(&mut other_disk);
    let ahead = scene.edit(&mut other, |tx| tx.items().insert(2, 2));
    save(&mut other_disk, &mut other);
    scene.restart(Some(backup));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    let id = other.replica.entries()[0].entry().id;
    let from = Time::try_from_ms(ms(100)).unwrap();
    assert!(from < ahead.time);
    other.replica.restamp(id, from).unwrap();
    assert_eq!(
        save(&mut other_disk, &mut other),
        Some(RefreshOutcome::Reload)
    );
    let before = std::mem::replace(&mut other.replica, load(&mut other_disk));
    assert_eq!(other.replica.entries()[0].entry().stamp(), ahead);
    other.replica.take_over(&before);
    assert_eq!(other.replica.outbox(), before.outbox());
    assert_eq!(cells_of([&other.replica.outbox()[0].0.cells]).len(), 1);
    other.replica.doc().assert_invariants();
    save(&mut other_disk, &mut other);
    let stored = load(&mut store(&memory));
    assert_eq!(stored.outbox(), before.outbox());
    assert_eq!(stored.doc().state().items.get(&2), Some(&2));
}

/// The relay goes back twice while writes fail, so the page looks at the storage again.
#[test]
fn a_base_that_was_compared_twice_replaces_the_stored_one() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    let backup = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    for key in 2..4 {
        scene.restart(Some(backup.clone()));
        scene.sync(&mut ada);
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
        scene.sync(&mut ada);
    }
    let refreshed = now(disk.refresh(&mut ada.replica)).unwrap();
    assert_eq!(refreshed, RefreshOutcome::Retry);
    assert_eq!(save(&mut disk, &mut ada), None);
    let loaded = load(&mut store(&memory));
    same(&loaded, &ada);
    assert_eq!(loaded.doc().state().items.len(), 3);
}

/// A page edits before its storage is open. The stored document becomes the base of these edits.
#[test]
fn rejecting_an_edit_from_before_the_load_restores_the_stored_value() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    scene.edit(&mut ada, |tx| tx.title().set(1));
    scene.sync(&mut ada);
    save(&mut store(&memory), &mut ada);

    let mut next = tab(&scene, "Ada's next page");
    scene.edit(&mut next, |tx| tx.title().set(2));
    let early = next.replica.entries()[0].entry().id;
    let before = std::mem::replace(&mut next.replica, load(&mut store(&memory)));
    next.replica.take_over(&before);
    assert_eq!(next.replica.doc().state().title.get(), &2);
    let rejected = next.replica.reject(early).unwrap().unwrap();
    assert_eq!(rejected.before.title.get(), &2);
    assert_eq!(next.replica.doc().state().title.get(), &1);
}

/// Ada's other tab has not heard of the relay before it was restored, and reads what it has then.
#[test]
fn cells_of_a_lost_history_are_not_stored_with_those_of_another_one() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut other) = (tab(&scene, "Ada"), tab(&scene, "Ada's other tab"));
    let (mut disk, mut other_disk) = (store(&memory), store(&memory));
    save(&mut disk, &mut ada);
    other.replica = load(&mut other_disk);
    let empty = scene.relay.db.clone();
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    scene.restart(Some(empty));
    for value in 0..2 {
        scene.edit(&mut other, |tx| tx.title().set(value));
    }
    scene.sync(&mut other);
    // Each of the two bases has cells that the other one lacks. The relay is offered both.
    assert_eq!(
        save(&mut other_disk, &mut other),
        Some(RefreshOutcome::Retry)
    );
    assert!(save(&mut other_disk, &mut other).is_none());
    assert_eq!(load(&mut store(&memory)).doc().state().items.len(), 1);
    scene.sync(&mut other);
    assert_eq!(
        save(&mut other_disk, &mut other),
        Some(RefreshOutcome::Reload)
    );
    other.replica = load(&mut other_disk);
    scene.sync(&mut other);
    assert!(save(&mut other_disk, &mut other).is_none());
    assert_eq!(other.base(), scene.relay.cells());
    assert_eq!(other.replica.doc().state().items.len(), 1);
}

/// The user clears the site's data while the page is open.
#[test]
fn a_page_writes_everything_again_when_its_storage_has_vanished() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
    save(&mut disk, &mut ada);
    clear(&memory);
    scene.edit(&mut ada, |tx| tx.items().insert(3, 3));
    assert_eq!(save(&mut disk, &mut ada), Some(RefreshOutcome::Retry));
    same(&load(&mut store(&memory)), &ada);
}

/// Another tab is the first to notice. What it writes lacks what only this tab knows.
#[test]
fn a_page_writes_its_edits_again_when_another_tab_has_replaced_a_vanished_storage() {
    for writes_base in [false, true] {
        let mut scene = Scene::new();
        let memory = MemoryStorage::new();
        let (mut ada, mut other) = (tab(&scene, "Ada"), tab(&scene, "Ada's other tab"));
        let (mut disk, mut other_disk) = (store(&memory), store(&memory));
        save(&mut disk, &mut ada);
        other.replica = load(&mut other_disk);
        scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
        save(&mut disk, &mut ada);
        assert!(ada.replica.entries()[0].is_saved());
        clear(&memory);
        scene.edit(&mut other, |tx| tx.items().insert(2, 2));
        if writes_base {
            scene.sync(&mut other);
        }
        save(&mut other_disk, &mut other);
        // No edit of this tab follows.
        now(disk.refresh(&mut ada.replica)).unwrap();
        assert_eq!(ada.replica.unsaved_entries(), 1);
        save(&mut disk, &mut ada);
        let loaded = load(&mut store(&memory));
        assert_eq!(loaded.doc().state().items.len(), 2);
    }
}

/// Without a relay, both tabs move their outboxes to the base, which only one of them writes.
#[test]
fn an_edit_is_kept_if_another_tab_was_the_first_to_replace_the_base() {
    let mut scene = Scene::new();
    let memory = MemoryStorage::new();
    let (mut ada, mut other) = (tab(&scene, "Ada"), tab(&scene, "Ada's other tab"));
    let (mut disk, mut other_disk) = (store(&memory), store(&memory));
    save(&mut disk, &mut ada);
    other.replica = load(&mut other_disk);
    scene.edit(&mut other, |tx| tx.items().insert(2, 2));
    save(&mut other_disk, &mut other);
    other.replica.absorb_entries();
    let write = other_disk.compact(&mut other.replica).unwrap();
    assert!(commit(&mut other_disk, &mut other, write));
    // This tab has not received that edit, and has not stored its own one.
    scene.edit(&mut ada, |tx| {
        tx.items().insert(1, 1);
        tx.likes().increment(1);
    });
    ada.replica.absorb_entries();
    let write = disk.compact(&mut ada.replica).unwrap();
    assert!(!commit(&mut disk, &mut ada, write));
    let refreshed = now(disk.refresh(&mut ada.replica)).unwrap();
    assert_eq!(refreshed, RefreshOutcome::Reload);
    let before = std::mem::replace(&mut ada.replica, load(&mut disk));
    ada.replica.take_over(&before);
    assert_eq!(save(&mut disk, &mut ada), None);
    let loaded = load(&mut store(&memory));
    assert_eq!(loaded.doc().state().items.len(), 2);
    assert_eq!(loaded.doc().state().likes.value(), 1);
}

/// Deletes everything that is stored.
fn clear(memory: &MemoryStorage) {
    let mut batch = Batch::new();
    for (key, _) in now(memory.scan(Scan::all())).unwrap() {
        batch.delete(key);
    }
    now(memory.commit(batch)).unwrap();
}

#[test]
fn damage_costs_a_new_download_and_never_an_entry() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    for key in 0..3 {
        scene.edit(&mut ada, |tx| tx.items().insert(key, 1));
        scene.sync(&mut ada);
        save(&mut disk, &mut ada);
    }
    scene.edit(&mut ada, |tx| tx.items().insert(4, 4));
    save(&mut disk, &mut ada);
    let records = now(memory.scan(Scan::all())).unwrap();
    for (at, (key, record)) in records.iter().enumerate() {
        for cut in [0, 1, record.len() / 2, record.len() - 1] {
            let damaged = MemoryStorage::new();
            let mut batch = Batch::new();
            for (key, record) in &records {
                batch.put(key.clone(), record.clone());
            }
            batch.put(key.clone(), record[..cut].to_vec());
            now(damaged.commit(batch)).unwrap();
            let mut again = tab(&scene, "Ada again");
            let mut disk = store(&damaged);
            let loaded = now(disk.load::<Board>(clock())).unwrap();
            assert!(!loaded.damage.is_empty(), "record {at}, {cut} bytes");
            again.replica = loaded.replica;
            let kept = again.replica.entries().len();
            // The bytes after the prefix name the kind of a record; these are those of an entry.
            let is_entry = key[disk.prefix().len()..].starts_with(&[0, 2]);
            assert_eq!(kept, usize::from(!is_entry));
            let mut relay = scene.relay.db.clone();
            std::mem::swap(&mut relay, &mut scene.relay.db);
            scene.sync(&mut again);
            assert_eq!(again.base(), scene.relay.cells());
            scene.relay.db = relay;
            save(&mut disk, &mut again);
            // Nobody else has a damaged entry, so its record stays.
            if !is_entry {
                same(&load(&mut disk), &again);
            }
        }
    }
}

#[test]
fn a_compaction_pays_off_after_many_pages_and_removes_their_records() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let (mut disk, mut bob) = (store(&memory), tab(&scene, "Bob"));
    let mut records = 0;
    while !disk.wants_compaction() {
        scene.edit(&mut bob, |tx| tx.title().set(records));
        scene.sync(&mut bob);
        scene.sync(&mut ada);
        save(&mut disk, &mut ada);
        records += 1;
        assert!(records as usize <= 2 * limits::LOG_RECORDS);
    }
    assert!(memory.len() > limits::LOG_RECORDS);
    let compacted = disk.compact(&mut ada.replica).unwrap();
    assert!(commit(&mut disk, &mut ada, compacted));
    assert!(!disk.wants_compaction());
    assert_eq!(memory.len(), 3, "marker, progress and one chunk");
    same(&load(&mut store(&memory)), &ada);
}

/// A document without a relay keeps its log in the outbox.
#[test]
fn an_outbox_that_takes_more_room_than_the_base_moves_to_the_base() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    for round in 0..3 {
        let mut edits = 0;
        while !disk.wants_absorption(&ada.replica) {
            scene.edit(&mut ada, |tx| {
                (0..=u8::MAX).for_each(|key| tx.items().insert(key, round));
            });
            save(&mut disk, &mut ada);
            edits += 1;
            assert!(edits < limits::LOG_RECORDS, "the outbox is large");
        }
        // An entry that is not stored stays in the outbox, so that a page that ends can store it.
        scene.edit(&mut ada, |tx| tx.items().insert(0, round));
        assert!(!disk.wants_absorption(&ada.replica));
        save(&mut disk, &mut ada);
        assert!(disk.wants_absorption(&ada.replica));
        ada.replica.absorb_entries();
        let compacted = disk.compact(&mut ada.replica).unwrap();
        assert!(commit(&mut disk, &mut ada, compacted));
        assert!(ada.replica.entries().is_empty());
        assert!(!disk.wants_absorption(&ada.replica));
    }
    same(&load(&mut store(&memory)), &ada);
}

/// After a comparison, the base may lack cells that the stored records have.
#[test]
fn a_base_that_was_compared_replaces_the_stored_one() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let (mut disk, mut bob) = (store(&memory), tab(&scene, "Bob"));
    scene.edit(&mut bob, |tx| tx.items().insert(1, 1));
    scene.sync(&mut bob);
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    scene.edit(&mut bob, |tx| tx.items().remove(&1));
    scene.sync(&mut bob);
    scene.oracle.now += 3 * RETENTION;
    scene.edit(&mut bob, |tx| tx.title().set(2));
    scene.sync(&mut bob);
    scene.relay.forget(&scene.oracle);
    assert!(scene.relay.db.horizon > 0);
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    let loaded = load(&mut store(&memory));
    same(&loaded, &ada);
    assert!(loaded.doc().state().items.is_empty());
    assert!(loaded.progress().cursor.position.sequence > Sequence::ZERO);
}

#[test]
fn edits_count_as_unacknowledged_until_the_relay_has_them() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    let has = || has_unacknowledged(&now(memory.scan(Scan::all())).unwrap());
    save(&mut disk, &mut ada);
    assert!(!has());
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    save(&mut disk, &mut ada);
    assert!(has());
    scene.sync(&mut ada);
    save(&mut disk, &mut ada);
    assert!(!has());

    // A document without a relay.
    scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
    save(&mut disk, &mut ada);
    ada.replica.absorb_entries();
    save(&mut disk, &mut ada);
    assert!(has());

    // Data of something else, and a damaged entry.
    let other = [(b"D\0\x05board\0\x02".to_vec(), Vec::new())];
    assert!(!has_unacknowledged(&other));
    let mut key = disk.prefix().to_vec();
    key.extend_from_slice(&[0, 2]);
    key.extend_from_slice(&[0; 16]);
    assert!(has_unacknowledged(&[(key, b"?".to_vec())]));
}

#[test]
fn a_discarded_replica_is_written_again_by_no_tab_even_if_that_tab_slept() {
    let mut scene = Scene::new();
    let (memory, mut ada) = (MemoryStorage::new(), tab(&scene, "Ada"));
    let mut disk = store(&memory);
    scene.edit(&mut ada, |tx| tx.items().insert(1, 1));
    scene.sync(&mut ada);
    scene.edit(&mut ada, |tx| tx.items().insert(2, 2));
    save(&mut disk, &mut ada);
    let mut asleep = tab(&scene, "Ada, in another tab");
    let mut other = store(&memory);
    asleep.replica = load(&mut other);

    let records = now(memory.scan(Scan::all())).unwrap();
    let write = disk.discard(records).unwrap();
    assert!(now(memory.commit_if(write.expected, write.batch)).unwrap());
    assert!(!has_unacknowledged(&now(memory.scan(Scan::all())).unwrap()));
    ada.replica = load(&mut disk);
    assert!(ada.replica.doc().state().items.is_empty());
    // The name can be used again.
    scene.edit(&mut ada, |tx| tx.items().insert(3, 3));
    save(&mut disk, &mut ada);

    scene.edit(&mut asleep, |tx| tx.items().insert(4, 4));
    let write = other.save(&mut asleep.replica).unwrap();
    assert!(!commit(&mut other, &mut asleep, write));
    let refreshed = now(other.refresh(&mut asleep.replica)).unwrap();
    assert_eq!(refreshed, RefreshOutcome::Discarded);
    let mut again = load(&mut other);
    assert_eq!(again.doc().state().items.len(), 1);
    // The tab goes on with the new document.
    again.transact(|tx| tx.items().insert(5, 5)).unwrap();
    asleep.replica = again;
    assert_eq!(save(&mut other, &mut asleep), None);
    assert_eq!(load(&mut store(&memory)).doc().state().items.len(), 2);
}
