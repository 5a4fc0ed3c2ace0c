//! Records that a merge, or another build of the app, made larger than the limits can still be
//! edited.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{clock, now};
use leptos_sync_core::{
    Collection, Crdt, Error, LwwMap, LwwRegister,
    index::{Index, IndexedStorage, Schema},
    limits::{INDEX_KEY_BYTES, INDEX_KEYS},
    storage::MemoryStorage,
};

#[derive(Crdt, Clone, Default)]
struct Page {
    lines: LwwMap<u32, String>,
    title: LwwRegister<String>,
    tags: LwwMap<u32, String>,
    done: LwwRegister<bool>,
}

type Pages = Collection<MemoryStorage, u32, Page>;

fn open(replica: u64, schema: Schema<Page>) -> Pages {
    now(Pages::open(
        MemoryStorage::new(),
        "pages",
        schema,
        clock(replica),
    ))
    .unwrap()
}

fn send(from: &Pages, to: &Pages) {
    now(to.apply(&now(from.delta_since(&to.version())).unwrap())).unwrap();
}

/// Creates a record by merging two halves, each of which is within the limit.
fn oversized() -> Pages {
    let (ada, bob) = (open(1, Schema::new(1)), open(2, Schema::new(1)));
    now(bob.insert(&1, |page| {
        page.title().set("t".into());
        page.tags().insert(0, "x".into());
    }))
    .unwrap();
    send(&bob, &ada);
    for n in 0..5 {
        let line = "a".repeat(200_000);
        now(ada.update(&1, |page| page.lines().insert(n, line.clone()))).unwrap();
        now(bob.update(&1, |page| page.lines().insert(10 + n, line.clone()))).unwrap();
    }
    send(&bob, &ada);
    ada
}

#[test]
fn an_oversized_record_from_a_merge_can_be_made_smaller() {
    let pages = oversized();
    now(pages.update(&1, |page| page.lines().remove(&0))).unwrap();
    now(pages.update(&1, |page| page.lines().insert(1, "short".into()))).unwrap();
    // The tombstone of a short value takes more bytes than the value.
    now(pages.update(&1, |page| page.tags().remove(&0))).unwrap();
    let smaller = now(pages.get(&1)).unwrap().unwrap();
    assert!(!smaller.lines.contains(&0) && smaller.tags.is_empty());
}

#[test]
fn an_oversized_record_from_a_merge_cannot_be_made_larger() {
    let pages = oversized();
    let error = now(pages.update(&1, |page| page.lines().insert(20, "one more".into())));
    assert!(error.as_ref().is_err_and(Error::is_limit), "{error:?}");
    assert_eq!(now(pages.get(&1)).unwrap().unwrap().lines.len(), 10);
    assert!(now(pages.remove(&1)).unwrap());
}

fn by_title() -> Index<Page, String> {
    Index::new("title", |page: &Page| page.title.get().clone())
}

fn by_tag() -> Index<Page, String> {
    Index::multi("tag", |page: &Page| {
        page.tags
            .iter()
            .map(|(_, tag)| tag.clone())
            .collect::<Vec<_>>()
    })
}

/// Returns pages that merged a page from a build of the app without indices.
fn received(schema: Schema<Page>, title: &str, tags: u32) -> Pages {
    let (here, old) = (open(1, schema), open(2, Schema::new(1)));
    now(old.insert(&1, |page| {
        page.title().set(title.to_owned());
        (0..tags).for_each(|n| page.tags().insert(n, format!("tag {n}")));
    }))
    .unwrap();
    send(&old, &here);
    here
}

#[test]
fn a_record_with_a_long_indexed_title_can_be_ticked() {
    let unique = Index::unique("title", |page: &Page| page.title.get().clone());
    let long = "x".repeat(2 * INDEX_KEY_BYTES);
    for schema in [
        Schema::new(1).index(&by_title()),
        Schema::new(1).index(&unique),
    ] {
        let pages = received(schema, &long, 0);
        now(pages.update(&1, |page| page.done().set(true))).unwrap();
        assert!(*now(pages.get(&1)).unwrap().unwrap().done.get());
    }
}

#[test]
fn a_long_indexed_title_can_become_shorter_but_not_longer() {
    let long = "x".repeat(2 * INDEX_KEY_BYTES);
    let pages = received(Schema::new(1).index(&by_title()), &long, 0);
    let set = |title: String| now(pages.update(&1, |page| page.title().set(title.clone())));
    assert!(set(long.clone() + "x").unwrap_err().is_limit());
    set(long.split_at(INDEX_KEY_BYTES + 7).0.to_owned()).unwrap();
    assert!(set(long).unwrap_err().is_limit());
    set("short".to_owned()).unwrap();
    let found = now(pages.query(by_title().equals("short"))).unwrap();
    assert_eq!(found.records.len(), 1);
}

#[test]
fn a_unique_index_rejects_a_title_that_it_cannot_compare() {
    let unique = Index::unique("title", |page: &Page| page.title.get().clone());
    let long = "x".repeat(2 * INDEX_KEY_BYTES);
    let pages = received(Schema::new(1).index(&unique), &long, 0);
    let set = |title: String| now(pages.update(&1, |page| page.title().set(title.clone())));
    let error = set(long.split_at(INDEX_KEY_BYTES + 7).0.to_owned()).unwrap_err();
    assert!(error.is_limit(), "{error}");
    set("short".to_owned()).unwrap();
}

#[test]
fn a_record_with_too_many_keys_can_be_ticked_and_can_lose_keys() {
    let most = INDEX_KEYS as u32;
    let pages = received(Schema::new(1).index(&by_tag()), "t", most + 10);
    now(pages.update(&1, |page| page.done().set(true))).unwrap();
    let more = now(pages.update(&1, |page| page.tags().insert(most + 20, "more".into())));
    assert!(more.unwrap_err().is_limit());
    now(pages.update(&1, |page| page.tags().remove(&0))).unwrap();
    now(pages.update(&1, |page| (0..20).for_each(|n| page.tags().remove(&n)))).unwrap();
    let found = now(pages.query(by_tag().equals(&format!("tag {most}")))).unwrap();
    assert_eq!(found.records.len(), 1, "all keys are listed again");
}

#[test]
fn plain_records_of_another_build_can_be_edited_too() {
    let store = MemoryStorage::new();
    let long = "x".repeat(2 * INDEX_KEY_BYTES);
    type Words = IndexedStorage<MemoryStorage, u32, (String, bool)>;
    let old = now(Words::open(store.clone(), "words", Schema::new(1))).unwrap();
    now(old.insert(&1, (long.clone(), false))).unwrap();
    let by_word = Index::new("word", |record: &(String, bool)| record.0.clone());
    let new = now(Words::open(store, "words", Schema::new(2).index(&by_word))).unwrap();
    assert!(now(new.update(&1, |record| record.1 = true)).unwrap());
    assert!(now(new.insert(&2, (long, false))).unwrap_err().is_limit());
}
