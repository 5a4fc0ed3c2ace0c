//! Exporting, importing and watching collections.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::BTreeMap;

use common::{
    clock,
    notes::{Note, NoteFields, Notes, all, by_stars, cells, key, notes, open, sync},
    now,
};
use leptos_sync_core::{
    VersionVector,
    collection::{CollectionExport, RecordChange, Watch},
    index::{Query, Schema},
    limits,
    storage::{MemoryStorage, Storage},
};
use proptest::{collection::vec, prelude::*};

/// Writes a long note, so that a few of them fill a chunk.
fn write(notes: &Notes, n: u8, stars: u8) {
    let title = format!("{stars}").repeat(20_000);
    now(notes.insert(&key(n), |note| {
        note.title().set(title.clone());
        note.stars().set(stars);
    }))
    .unwrap();
}

/// An edit of one of the two copies.
#[derive(Clone, Debug)]
enum Edit {
    Write(u8, u8),
    Stars(u8, u8),
    Remove(u8),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        3 => (0_u8..20, 0_u8..5).prop_map(|(n, stars)| Edit::Write(n, stars)),
        2 => (0_u8..20, 0_u8..5).prop_map(|(n, stars)| Edit::Stars(n, stars)),
        2 => (0_u8..20).prop_map(Edit::Remove),
    ];
    vec(edit, 0..12)
}

fn perform(notes: &Notes, edits: &[Edit]) {
    for edit in edits {
        match *edit {
            Edit::Write(n, stars) => write(notes, n, stars),
            Edit::Stars(n, stars) => {
                now(notes.update(&key(n), |note| note.stars().set(stars))).unwrap();
            }
            Edit::Remove(n) => {
                now(notes.remove(&key(n))).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_import_in_chunks_equals_the_export(
        shared in edits(),
        apart in (edits(), edits()),
        meanwhile in vec((edits(), edits()), 0..6),
        forget: bool,
        interrupted in vec(any::<bool>(), 8),
    ) {
        let stores = [MemoryStorage::new(), MemoryStorage::new()];
        let (source, mut target) = (open(stores[0].clone(), 1), open(stores[1].clone(), 2));
        perform(&source, &shared);
        sync(&source, &target);
        perform(&source, &apart.0);
        perform(&target, &apart.1);
        if forget {
            // Forget as if every replica had seen the removals. The target may not have seen them,
            // and may still hold removed records.
            now(source.forget_tombstones(&source.version())).unwrap();
        }
        let claimed = source.version();
        let mut export = now(source.export()).unwrap();
        let (mut sent, mut meanwhile, mut interrupted) = (Vec::new(), meanwhile.into_iter(), interrupted.into_iter());
        while let Some(chunk) = now(source.export_chunk(&mut export)).unwrap() {
            let imported = now(target.import_chunk(&chunk)).unwrap();
            prop_assert_eq!((imported.chunks, imported.done), (export.chunks(), export.is_done()));
            sent.push(chunk);
            if let Some((here, there)) = meanwhile.next() {
                perform(&source, &here);
                perform(&target, &there);
            }
            if interrupted.next() == Some(true) {
                // Restart both sides from their saved state.
                export = CollectionExport::from_bytes(&export.to_bytes().unwrap()).unwrap();
                target = open(stores[1].clone(), 2);
                // The last chunk may arrive twice, since its acknowledgement can be lost.
                if !export.is_done() {
                    let again = now(target.import_chunk(sent.last().unwrap())).unwrap();
                    prop_assert_eq!(again.chunks, export.chunks());
                }
            }
        }
        prop_assert!(target.version().covers(&claimed));
        for _ in 0..2 {
            sync(&source, &target);
            sync(&target, &source);
        }
        prop_assert_eq!(all(&source), all(&target));
        prop_assert_eq!(source.version(), target.version());
    }

    #[test]
    fn a_watcher_sees_exactly_the_changes_of_its_query(
        steps in vec((0_usize..3, edits()), 1..8),
        other in edits(),
    ) {
        let store = MemoryStorage::new();
        let (tab, another, remote) = (open(store.clone(), 1), open(store, 2), notes(3));
        let query = by_stars().range(2..4);
        let mut seen = BTreeMap::new();
        let mut watch = tab.watch_query(&query).unwrap();
        let mut watch_one = tab.watch(&key(1));
        let mut one = None;
        perform(&remote, &other);
        for (who, edits) in steps {
            match who {
                0 => perform(&tab, &edits),
                1 => {
                    perform(&another, &edits);
                    now(tab.refresh()).unwrap();
                }
                _ => {
                    perform(&remote, &edits);
                    sync(&remote, &tab);
                }
            }
            for change in waiting(&mut watch) {
                match change.after {
                    Some(note) => drop(seen.insert(change.key, note)),
                    None => drop(seen.remove(&change.key)),
                }
            }
            for change in waiting(&mut watch_one) {
                prop_assert_eq!(&change.key, &key(1));
                one = change.after;
            }
            let mut asked = now(tab.query(query.clone())).unwrap().records;
            asked.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(seen.clone().into_iter().collect::<Vec<_>>(), asked);
            prop_assert_eq!(&one, &now(tab.get(&key(1))).unwrap());
        }
    }
}

/// Returns the changes that are available.
fn waiting(watch: &mut Watch<String, Note>) -> Vec<RecordChange<String, Note>> {
    let mut changes = Vec::new();
    loop {
        let next = std::pin::pin!(watch.next());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match next.poll(&mut context) {
            std::task::Poll::Ready(Some(Ok(next))) => changes.extend(next),
            std::task::Poll::Ready(Some(Err(lagged))) => panic!("{lagged}"),
            _ => return changes,
        }
    }
}

#[test]
fn a_change_reports_insertions_edits_and_removals() {
    let notes = notes(1);
    let mut watch = notes.watch_query(&by_stars().range(3..)).unwrap();
    let mut stars = |stars: u8| {
        now(notes.update(&key(1), |note| note.stars().set(stars))).unwrap();
        let changes = waiting(&mut watch);
        let of = |note: Option<Note>| note.map(|note| *note.stars.get());
        changes
            .into_iter()
            .map(|change| (of(change.before), of(change.after)))
            .collect::<Vec<_>>()
    };
    assert_eq!(stars(5), [], "no record matches");
    now(notes.insert(&key(1), |note| note.stars().set(1))).unwrap();
    assert_eq!(stars(2), []);
    assert_eq!(stars(3), [(None, Some(3))]);
    assert_eq!(stars(4), [(Some(3), Some(4))]);
    assert_eq!(stars(1), [(Some(4), None)]);
    assert!(
        notes
            .watch_query(&leptos_sync_core::index::Index::new("colour", |_: &Note| 1_u8).all())
            .unwrap_err()
            .is_value()
    );
}

#[test]
fn a_write_also_reports_earlier_writes_of_another_tab() {
    let store = MemoryStorage::new();
    let (tab, another) = (open(store.clone(), 1), open(store, 2));
    let mut watch = tab.watch_query(&Query::all()).unwrap();
    now(another.insert(&key(1), |_| {})).unwrap();
    now(another.insert(&key(2), |_| {})).unwrap();
    now(tab.insert(&key(3), |_| {})).unwrap();
    let keys: Vec<String> = waiting(&mut watch)
        .into_iter()
        .map(|change| change.key)
        .collect();
    assert_eq!(keys, [key(1), key(2), key(3)]);
    now(another.remove(&key(2))).unwrap();
    now(tab.update(&key(3), |note| note.stars().set(1))).unwrap();
    let gone: Vec<(String, bool)> = waiting(&mut watch)
        .into_iter()
        .map(|change| (change.key, change.after.is_none()))
        .collect();
    assert_eq!(gone, [(key(2), true), (key(3), false)]);
}

#[test]
fn a_slow_watcher_learns_that_it_missed_changes() {
    let notes = notes(1);
    let mut watch = notes.watch(&key(1));
    for n in 0..limits::STREAM_CHANGES as u64 + 10 {
        now(notes.insert(&key(1), |note| note.stars().set(n as u8))).unwrap();
    }
    let lagged = now(watch.next()).unwrap().unwrap_err();
    assert_eq!(lagged.missed, 10);
    assert!(now(watch.next()).unwrap().is_ok());
}

#[test]
fn chunks_must_be_in_order_intact_and_of_one_export() {
    let (source, target) = (notes(1), notes(2));
    for n in 0..20 {
        write(&source, n, 1);
    }
    let chunks = |source: &Notes| {
        let mut export = now(source.export()).unwrap();
        let mut chunks = Vec::new();
        while let Some(chunk) = now(source.export_chunk(&mut export)).unwrap() {
            chunks.push(chunk);
        }
        chunks
    };
    let (first, second) = (chunks(&source), chunks(&source));
    assert!(first.len() > 3);
    let error = now(target.import_chunk(&first[1])).unwrap_err();
    assert!(
        error.is_gap() && error.to_string().contains("before chunk 0"),
        "{error}"
    );
    now(target.import_chunk(&first[0])).unwrap();
    assert!(now(target.import_chunk(&second[1])).unwrap_err().is_gap());
    let mut damaged = first[1].clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(now(target.import_chunk(&damaged)).unwrap_err().is_corrupt());
    assert!(
        target.version().is_empty(),
        "a partial import claims nothing"
    );
    // Another export starts from its first chunk and replaces the first export.
    for chunk in &second {
        now(target.import_chunk(chunk)).unwrap();
    }
    assert_eq!(all(&target), all(&source));
    assert_eq!(target.version(), source.version());
}

#[test]
fn an_import_with_foreign_cells_under_the_own_id_is_rejected() {
    let (source, ours) = (notes(1), notes(1));
    write(&source, 1, 1);
    let mut export = now(source.export()).unwrap();
    let chunk = now(source.export_chunk(&mut export)).unwrap().unwrap();
    assert!(
        now(ours.import_chunk(&chunk))
            .unwrap_err()
            .is_replica_reused()
    );
    assert_eq!(all(&ours), []);
}

#[test]
fn an_empty_collection_is_one_chunk() {
    let (source, target) = (notes(1), notes(2));
    let mut export = now(source.export()).unwrap();
    let chunk = now(source.export_chunk(&mut export)).unwrap().unwrap();
    assert!(now(target.import_chunk(&chunk)).unwrap().done);
    assert_eq!(now(source.export_chunk(&mut export)).unwrap(), None);
    let nothing = VersionVector::new();
    let delta = now(target.delta_since(&nothing)).unwrap();
    assert!(cells(&delta).is_empty());
    let other = now(Notes::open(
        MemoryStorage::new(),
        "other",
        Schema::new(1),
        clock(1),
    ))
    .unwrap();
    assert_eq!(now(other.query(Query::all())).unwrap().records, []);
    assert!(!other.storage().is_empty() && now(other.storage().get(b"x")).unwrap().is_none());
}

#[test]
fn two_tabs_can_import_one_export_together() {
    let source = notes(1);
    for n in 0..20 {
        write(&source, n, 1);
    }
    let store = MemoryStorage::new();
    let tabs = [open(store.clone(), 2), open(store, 3)];
    let mut export = now(source.export()).unwrap();
    while let Some(chunk) = now(source.export_chunk(&mut export)).unwrap() {
        for tab in &tabs {
            let imported = now(tab.import_chunk(&chunk)).unwrap();
            assert_eq!(imported.chunks, export.chunks());
        }
    }
    now(tabs[0].refresh()).unwrap();
    assert_eq!(all(&tabs[0]), all(&source));
    assert_eq!(tabs[0].version(), source.version());
}
