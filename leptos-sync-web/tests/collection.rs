//! Collections on IndexedDB, with two tabs that write to one database concurrently.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use std::collections::BTreeMap;

use common::Scratch;
use futures::future::join_all;
use leptos_sync_web::{
    Crdt, LwwRegister, PnCounter,
    core::{
        Clock, Collection, ReplicaId,
        clock::SystemTime,
        index::{Index, Query, Schema},
        storage::{CacheLimits, CachedStorage, CompressedStorage, Storage},
    },
    storage::IndexedDbStorage,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default, Debug, PartialEq)]
struct Item {
    name: LwwRegister<String>,
    price: LwwRegister<i64>,
    stock: PnCounter,
}

type Items<S = IndexedDbStorage> = Collection<S, u32, Item>;

fn by_price() -> Index<Item, i64> {
    Index::new("price", |item: &Item| *item.price.get())
}

fn by_name() -> Index<Item, String> {
    Index::new("name", |item: &Item| item.name.get().clone())
}

async fn items<S: Storage>(storage: S, version: u32, replica: u64) -> Items<S> {
    let schema = match version {
        1 => Schema::new(1).index(&by_price()),
        _ => Schema::new(version).index(&by_price()).index(&by_name()),
    };
    let clock = Clock::system(ReplicaId::new(replica));
    Collection::open(storage, "items", schema, clock)
        .await
        .unwrap()
}

async fn fill<S: Storage>(items: &Items<S>, count: u32) {
    let rows = (0..count).map(|n| (n, i64::from(n % 10)));
    let write = |item: &mut leptos_sync_web::core::Tx<'_, Item>, price: &i64| {
        item.price().set(*price);
        item.name().set(format!("item of {price}"));
    };
    items.insert_batch(rows, write).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_collection_survives_a_reload() {
    let scratch = Scratch::new("collection");
    let items = self::items(scratch.open().await, 1, 1).await;
    fill(&items, 1000).await;
    items.update(&7, |item| item.price().set(-5)).await.unwrap();
    assert!(items.remove(&8).await.unwrap());

    let again = self::items(scratch.open().await, 1, 1).await;
    assert_eq!(again.version(), items.version());
    let cheap = again.query(by_price().range(..=0).limit(5)).await.unwrap();
    let keys: Vec<u32> = cheap.records.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, [7, 0, 10, 20, 30]);
    // All pages, in both directions, contain all records.
    for reverse in [false, true] {
        let (mut query, mut found) = (by_price().all().limit(70), BTreeMap::new());
        if reverse {
            query = query.reverse();
        }
        loop {
            let page = again.query(query.clone()).await.unwrap();
            assert!(page.damage.is_empty());
            found.extend(page.records);
            match page.next {
                Some(next) => query = query.after(next),
                None => break,
            }
        }
        assert_eq!(found.len(), 999);
    }
    let last = again.query(Query::all().reverse().limit(1)).await.unwrap();
    assert_eq!(last.records[0].0, 999);
    drop((items, again));
    scratch.delete().await;
}

/// Runs both tabs concurrently. Each increments a counter in the same record and writes records of
/// its own, as fast as it can.
async fn writes_at_once<S: Storage>(tabs: [Items<S>; 2]) {
    fill(&tabs[0], 3).await;
    let counting = tabs.iter().enumerate().map(|(tab, items)| async move {
        for n in 0..25_u32 {
            items
                .update(&1, |item| item.stock().increment(1))
                .await
                .unwrap();
            let own = 100 + n * 2 + tab as u32;
            items
                .insert(&own, |item| item.price().set(i64::from(own)))
                .await
                .unwrap();
        }
    });
    join_all(counting).await;
    for items in &tabs {
        items.refresh().await.unwrap();
        let shared = items.get(&1).await.unwrap().unwrap();
        assert_eq!(shared.stock.value(), 50, "no increment is lost");
        let own = items.query(by_price().range(100..)).await.unwrap();
        let prices = own.records.iter().map(|(_, item)| *item.price.get());
        assert!(prices.eq(100..150), "the index lists every record once");
        assert!(own.damage.is_empty());
    }
    // A third copy receives everything.
    let copy = items(leptos_sync_web::core::storage::MemoryStorage::new(), 1, 3).await;
    let delta = tabs[0].delta_since(&copy.version()).await.unwrap();
    copy.apply(&delta).await.unwrap();
    assert_eq!(copy.get(&1).await.unwrap().unwrap().stock.value(), 50);
}

#[wasm_bindgen_test]
async fn two_tabs_that_write_concurrently_lose_nothing() {
    let scratch = Scratch::new("two-tabs");
    let tab = async |replica| items(scratch.open().await, 1, replica).await;
    writes_at_once([tab(1).await, tab(2).await]).await;
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn two_tabs_lose_nothing_through_a_cache_and_compression() {
    let scratch = Scratch::new("two-caches");
    let tab = async |replica| {
        let limits = CacheLimits {
            bytes: 1024 * 1024,
            ttl_ms: 60_000,
        };
        let storage = CompressedStorage::new(scratch.open().await);
        let storage = CachedStorage::new(storage, limits, SystemTime);
        items(storage, 1, replica).await
    };
    let [a, b] = [tab(1).await, tab(2).await];
    fill(&a, 3).await;
    for _ in 0..10 {
        a.update(&1, |item| item.stock().increment(1))
            .await
            .unwrap();
        b.update(&1, |item| item.stock().increment(1))
            .await
            .unwrap();
    }
    b.storage().invalidate_prefix(&[]);
    assert_eq!(b.get(&1).await.unwrap().unwrap().stock.value(), 20);
    drop((a, b));
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn two_tabs_can_build_one_index_together() {
    let scratch = Scratch::new("two-builders");
    let old = items(scratch.open().await, 1, 1).await;
    fill(&old, 3000).await;
    let tab = async |replica| items(scratch.open().await, 2, replica).await;
    let tabs = [tab(2).await, tab(3).await];
    assert!(
        tabs[0]
            .query(by_name().all())
            .await
            .unwrap_err()
            .is_unavailable()
    );
    let steps = std::cell::Cell::new(0);
    let build = tabs
        .iter()
        .map(|tab| tab.build(|_| steps.set(steps.get() + 1)));
    for built in join_all(build).await {
        built.unwrap();
    }
    assert!(
        steps.get() <= 7,
        "the tabs share the steps: {}",
        steps.get()
    );
    for tab in &tabs {
        let found = tab.query(by_name().equals("item of 3")).await.unwrap();
        assert_eq!(found.records.len(), 300);
    }
    // The tab with the older app can still read, and learns why it cannot write.
    assert_eq!(
        old.get(&1).await.unwrap().map(|item| *item.price.get()),
        Some(1)
    );
    let refused = old.remove(&1).await.unwrap_err();
    assert!(
        refused.is_unsupported() && refused.to_string().contains("reload the page"),
        "{refused}"
    );
    drop((old, tabs));
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_watcher_sees_changes_of_another_tab() {
    let scratch = Scratch::new("watch");
    let tab = async |replica| items(scratch.open().await, 1, replica).await;
    let (here, there) = (tab(1).await, tab(2).await);
    let mut watch = here.watch_query(&by_price().range(5..)).unwrap();
    there.insert(&1, |item| item.price().set(7)).await.unwrap();
    there.insert(&2, |item| item.price().set(3)).await.unwrap();
    here.refresh().await.unwrap();
    let changes = watch.next().await.unwrap().unwrap();
    let seen = changes
        .iter()
        .filter_map(|change| Some((change.key, *change.after.as_ref()?.price.get())));
    assert_eq!(seen.collect::<Vec<_>>(), [(1, 7)]);
    drop((here, there));
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_collection_is_exported_and_imported_in_chunks() {
    let (from, to) = (Scratch::new("export"), Scratch::new("import"));
    let source = items(from.open().await, 1, 1).await;
    fill(&source, 5000).await;
    let target = items(to.open().await, 1, 2).await;
    let mut export = source.export().await.unwrap();
    let mut shown = Vec::new();
    while let Some(chunk) = source.export_chunk(&mut export).await.unwrap() {
        let imported = target.import_chunk(&chunk).await.unwrap();
        shown.push((imported.chunks, export.records(), imported.done));
    }
    assert!(shown.len() > 3 && shown.is_sorted(), "{shown:?}");
    assert_eq!(
        shown.last().map(|last| (last.1, last.2)),
        Some((5000, true))
    );
    assert_eq!(target.version(), source.version());
    assert_eq!(
        target.get(&4999).await.unwrap(),
        source.get(&4999).await.unwrap()
    );
    drop((source, target));
    from.delete().await;
    to.delete().await;
}
