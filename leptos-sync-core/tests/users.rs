//! Each entry of an outbox remembers its user, whatever happens to it until the relay has it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::now;
use leptos_sync_core::{
    Clock, LwwMap, ReplicaId, Time,
    engine::ReplicaStore,
    history::user_checksum,
    replica::Replica,
    storage::{MemoryStorage, Storage as _},
    sync::{TabMessage, TabMessageKind},
};

type Board = LwwMap<u32, u32>;

fn clock() -> Clock {
    Clock::system(ReplicaId::default())
}

fn edit(replica: &mut Replica<Board>, key: u32) {
    replica.transact(|tx| tx.insert(key, 1)).unwrap();
}

/// Returns the users of the outbox.
fn users(replica: &Replica<Board>) -> Vec<u64> {
    let entries = replica.entries().iter();
    entries.map(|one| one.entry().user).collect()
}

#[test]
fn entries_of_two_users_have_different_ids_and_are_stored_and_sent_to_tabs_with_their_user() {
    let [ada, eve] = ["ada", "eve"].map(user_checksum);
    assert!(ada != eve && ada != 0 && user_checksum("") == 0);
    let mut replica = Replica::<Board>::new(clock());
    replica.set_user(ada);
    edit(&mut replica, 1);
    replica.set_user(ada);
    edit(&mut replica, 2);
    replica.set_user(eve);
    edit(&mut replica, 3);
    assert_eq!(users(&replica), [ada, ada, eve]);
    let ids: Vec<_> = replica.entries().iter().map(|one| one.entry().id).collect();
    assert_eq!(ids[0].replica, ids[1].replica);
    assert_ne!(ids[1].replica, ids[2].replica);

    let storage = MemoryStorage::new();
    let mut store = ReplicaStore::new(storage.clone(), "board").unwrap();
    let write = store.save(&mut replica).unwrap();
    assert!(now(storage.commit_if(write.expected, write.batch)).unwrap());
    let stored = now(store.load::<Board>(clock())).unwrap().replica;
    assert_eq!(users(&stored), [ada, ada, eve]);

    let mut tab = Replica::<Board>::new(clock());
    for one in replica.outbox() {
        let (document, kind) = ("board".to_owned(), TabMessageKind::Edit(one));
        let message = TabMessage { document, kind };
        let message = TabMessage::decode(&message.encode()).unwrap();
        let TabMessageKind::Edit((entry, seen)) = message.kind else {
            panic!("the message has another kind");
        };
        tab.join_outbox(&[(entry, seen)], &[]);
    }
    assert_eq!(users(&tab), [ada, ada, eve]);

    replica.restamp(ids[0], Time::new(1 << 40)).unwrap();
    replica.move_to_derived_id(ids[0].replica).unwrap();
    let mut moved = users(&replica);
    moved.sort_unstable();
    let mut expected = [ada, ada, eve];
    expected.sort_unstable();
    assert_eq!(moved, expected);
}

#[test]
fn the_entries_of_a_guest_become_those_of_one_user_only() {
    let [ada, eve] = ["ada", "eve"].map(user_checksum);
    let mut replica = Replica::<Board>::new(clock());
    edit(&mut replica, 1);
    assert!(!replica.take_guest_entries(), "there is no user");
    replica.set_user(ada);
    assert!(replica.take_guest_entries());
    edit(&mut replica, 2);
    replica.set_user(eve);
    assert!(!replica.take_guest_entries());
    assert_eq!(users(&replica), [ada, ada]);
}
