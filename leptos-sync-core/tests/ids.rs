//! The uses of unique ids: keys and values of maps, keys of records, text and JSON.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::collections::BTreeMap;

use common::{clock, doc, now};
use leptos_sync_core::{
    Collection, Crdt, Doc, Id, LwwMap, LwwRegister, Stamp,
    index::{Index, Query, Schema},
    storage::MemoryStorage,
};
use serde::{Deserialize, Serialize};

#[derive(Crdt, Clone, Default)]
struct Board {
    cards: LwwMap<Id, String>,
    columns: LwwMap<String, Id>,
    first: LwwRegister<Option<Id>>,
}

#[test]
fn two_users_who_add_items_concurrently_both_keep_theirs() {
    let (mut ada, mut bob) = (doc::<Board>(1), doc::<Board>(2));
    let eggs = ada
        .transact(|tx| tx.cards().insert(Id::new(), "eggs".to_owned()))
        .unwrap();
    bob.transact(|tx| tx.cards().insert(Id::new(), "bread".to_owned()))
        .unwrap();
    bob.apply(&eggs.delta).unwrap();
    assert_eq!(bob.state().cards.len(), 2);
}

#[test]
fn ids_work_as_keys_and_values_and_survive_a_reload() {
    let mut page = doc::<Board>(1);
    let ids: Vec<Id> = std::iter::repeat_with(Id::new).take(300).collect();
    page.transact(|tx| {
        for (n, id) in ids.iter().enumerate() {
            tx.cards().insert(*id, n.to_string());
            tx.columns().insert(n.to_string(), *id);
        }
        tx.first().set(ids.first().copied());
    })
    .unwrap();
    let reloaded = Doc::<Board>::load(&page.snapshot().unwrap(), clock(1));
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(reloaded.state().cards.get(id), Some(&n.to_string()));
        assert_eq!(reloaded.state().columns.get(&n.to_string()), Some(id));
    }
    assert_eq!(*reloaded.state().first.get(), ids.first().copied());
    assert_eq!(reloaded.quarantined().count(), 0);
}

#[test]
fn an_id_takes_ten_bytes_at_first() {
    let id: Id = "eoiufzbujzexi-1".parse().unwrap();
    let size = |id: Id| {
        let mut doc = doc::<LwwMap<Id, ()>>(1);
        doc.transact(|tx| tx.insert(id, ())).unwrap().delta.bytes()
    };
    let later: Id = "eoiufzbujzexi-128".parse().unwrap();
    assert_eq!(size(later), size(id) + 1);
    let mut doc = doc::<LwwMap<Id, ()>>(1);
    let delta = doc.transact(|tx| tx.insert(id, ())).unwrap().delta;
    let keys: Vec<usize> = delta
        .cells()
        .groups()
        .flat_map(|group| group.cells())
        .map(|cell| cell.key.len())
        .collect();
    assert_eq!(keys, [10]);
}

#[test]
fn records_of_a_collection_have_ids() {
    let by_parent = Index::new("parent", |board: &Board| *board.first.get());
    let schema = Schema::new(1).index(&by_parent);
    let boards = Collection::<_, Id, Board>::open(MemoryStorage::new(), "boards", schema, clock(1));
    let boards = now(boards).unwrap();
    let (parent, child) = (Id::new(), Id::new());
    now(boards.insert(&parent, |_| ())).unwrap();
    now(boards.insert(&child, |board| board.first().set(Some(parent)))).unwrap();
    let children = now(boards.query(by_parent.equals(&Some(parent)))).unwrap();
    assert_eq!(
        children
            .records
            .iter()
            .map(|(id, _)| *id)
            .collect::<Vec<_>>(),
        [child]
    );
    let all = now(boards.query(Query::all())).unwrap();
    assert_eq!(
        all.records.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [parent, child]
    );
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Page {
    id: Id,
    lines: BTreeMap<Id, String>,
}

#[test]
fn ids_are_text_in_json_even_as_keys() {
    let page = Page {
        id: Id::new(),
        lines: [(Id::new(), "x".to_owned())].into(),
    };
    let json = serde_json::to_string(&page).unwrap();
    assert!(json.contains(&format!("\"{}\"", page.id)), "{json}");
    assert_eq!(serde_json::from_str::<Page>(&json).unwrap(), page);
    assert!(serde_json::from_str::<Id>("\"not an id\"").is_err());
}

#[test]
fn a_transactions_stamp_has_a_text_form() {
    let stamp = doc::<Board>(1)
        .transact(|tx| tx.first().set(Some(Id::new())))
        .unwrap()
        .stamp;
    assert_eq!(stamp.to_string().parse::<Stamp>().unwrap(), stamp);
}
