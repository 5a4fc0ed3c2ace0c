//! Reads, each in one transaction, so that it sees one state of the store.

use std::ops::Bound;

use indexed_db_futures::{
    Build, KeyRange, Result, cursor::CursorDirection, database::Database,
    object_store::ObjectStore, query_source::QuerySource,
};
use js_sys::Uint8Array;
use leptos_sync_core::{Record, Scan};
use wasm_bindgen::JsValue;

use super::{
    STORE,
    bytes::{Bytes, Stored},
};

/// The values at `keys`, in their order. All requests are under way before the first is awaited.
pub(super) async fn get_many(database: &Database, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
    let transaction = database.transaction(STORE).build()?;
    let store = transaction.object_store(STORE)?;
    let mut requests = Vec::with_capacity(keys.len());
    for key in keys {
        requests.push(store.get::<Stored, Bytes<'_>, _>(Bytes(key)).build()?);
    }
    let mut values = Vec::with_capacity(keys.len());
    for request in requests {
        values.push(request.await?.map(|stored| stored.0));
    }
    Ok(values)
}

/// The records of a range that is not empty, with a limit that is not zero.
pub(super) async fn scan(database: &Database, scan: &Scan) -> Result<Vec<Record>> {
    let transaction = database.transaction(STORE).build()?;
    let store = transaction.object_store(STORE)?;
    match scan.limit {
        Some(limit) if scan.reverse => last(&store, range(scan), limit).await,
        limit => {
            let mut records = all(&store, range(scan), limit).await?;
            if scan.reverse {
                records.reverse();
            }
            Ok(records)
        }
    }
}

/// Two requests, however many records there are: a cursor would take an event each.
async fn all(
    store: &ObjectStore<'_>,
    range: KeyRange<JsValue>,
    limit: Option<usize>,
) -> Result<Vec<Record>> {
    let limit = limit.map_or(u32::MAX, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let keys = store
        .get_all_keys::<Stored>()
        .with_query::<JsValue, _>(range.clone())
        .with_limit(limit)
        .build()?;
    let values = store
        .get_all::<Stored>()
        .with_query::<JsValue, _>(range)
        .with_limit(limit)
        .build()?;
    let (keys, values) = (keys.await?, values.await?);
    keys.zip(values)
        .map(|(key, value)| Ok((key?.0, value?.0)))
        .collect()
}

/// The last records of a range, greatest key first.
async fn last(
    store: &ObjectStore<'_>,
    range: KeyRange<JsValue>,
    limit: usize,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let cursor = store
        .open_cursor()
        .with_query::<JsValue, _>(range)
        .with_direction(CursorDirection::Prev)
        .await?;
    let Some(mut cursor) = cursor else {
        return Ok(records);
    };
    while records.len() < limit {
        let Some(Stored(value)) = cursor.next_record().await? else {
            break;
        };
        let Some(Stored(key)) = cursor.key()? else {
            break;
        };
        records.push((key, value));
    }
    Ok(records)
}

/// The range of a scan, as IndexedDB spells it. (The library's own conversions invert `..x` and `..=x` in 0.6.4.)
fn range(scan: &Scan) -> KeyRange<JsValue> {
    match (bound(&scan.start), bound(&scan.end)) {
        // IndexedDB reads `undefined` as everything.
        (None, None) => KeyRange::Only(JsValue::UNDEFINED),
        (Some((start, open)), None) => KeyRange::LowerBound(start, open),
        (None, Some((end, open))) => KeyRange::UpperBound(end, open),
        (Some((start, start_open)), Some((end, end_open))) => {
            KeyRange::Bound(start, start_open, end, end_open)
        }
    }
}

fn bound(bound: &Bound<Vec<u8>>) -> Option<(JsValue, bool)> {
    let (key, open) = match bound {
        Bound::Unbounded => return None,
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
    };
    Some((Uint8Array::from(key.as_slice()).into(), open))
}
