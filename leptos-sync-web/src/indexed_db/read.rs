//! Reads, each in one transaction, so that it sees one state of the store.

use std::{cell::RefCell, ops::Bound, rc::Rc};

use futures::channel::oneshot;
use js_sys::{Array, Uint8Array};
use leptos_sync_core::{Record, Scan};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::{
    STORE,
    sys::{Database, finished, result},
};

/// The values at `keys`, in their order. All requests are under way before the first is awaited.
pub(super) async fn get_many(
    database: &Database,
    keys: &[&[u8]],
) -> Result<Vec<Option<Vec<u8>>>, JsValue> {
    let store = store(database)?;
    let mut requests = Vec::with_capacity(keys.len());
    for key in keys {
        requests.push(finished(&store.get(&Uint8Array::from(*key))?));
    }
    let mut values = Vec::with_capacity(keys.len());
    for request in requests {
        let value = request.await?;
        values.push(if value.is_undefined() {
            None
        } else {
            Some(bytes(&value))
        });
    }
    Ok(values)
}

/// The records of a range that is not empty, with a limit that is not zero.
pub(super) async fn scan(database: &Database, scan: &Scan) -> Result<Vec<Record>, JsValue> {
    let store = store(database)?;
    let range = range(scan)?;
    match scan.limit {
        Some(limit) if scan.reverse => {
            let direction = IdbCursorDirection::Prev;
            last(
                &store.open_cursor_with_range_and_direction(&range, direction)?,
                limit,
            )
            .await
        }
        limit => {
            let mut records = all(&store, &range, limit).await?;
            if scan.reverse {
                records.reverse();
            }
            Ok(records)
        }
    }
}

fn store(database: &Database) -> Result<IdbObjectStore, JsValue> {
    database.transaction_with_str(STORE)?.object_store(STORE)
}

/// IndexedDB gives binary keys back as `ArrayBuffer`s, and values as the `Uint8Array`s that they were.
fn bytes(js: &JsValue) -> Vec<u8> {
    Uint8Array::new(js).to_vec()
}

/// Two requests, however many records there are: a cursor would take an event each.
async fn all(
    store: &IdbObjectStore,
    range: &JsValue,
    limit: Option<usize>,
) -> Result<Vec<Record>, JsValue> {
    let limit = limit.map_or(u32::MAX, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let keys = finished(&store.get_all_keys_with_key_and_limit(range, limit)?);
    let values = finished(&store.get_all_with_key_and_limit(range, limit)?);
    let (keys, values): (Array, Array) =
        (keys.await?.unchecked_into(), values.await?.unchecked_into());
    Ok(keys
        .iter()
        .zip(values.iter())
        .map(|(key, value)| (bytes(&key), bytes(&value)))
        .collect())
}

/// Up to `limit` records of a cursor, in its order.
async fn last(cursor: &IdbRequest, limit: usize) -> Result<Vec<Record>, JsValue> {
    let records = Rc::new(RefCell::new(Vec::new()));
    let (done, outcome) = oneshot::channel();
    let listener = Closure::<dyn FnMut()>::new({
        let (cursor, records, mut done) = (cursor.clone(), Rc::clone(&records), Some(done));
        move || match step(&cursor, &mut records.borrow_mut(), limit) {
            Ok(true) => {}
            end => {
                // Whoever asked may be gone.
                let _ = done.take().map(|done| done.send(end));
            }
        }
    });
    cursor.set_onsuccess(Some(listener.as_ref().unchecked_ref()));
    cursor.set_onerror(Some(listener.as_ref().unchecked_ref()));
    let end = outcome.await.unwrap_or(Err(JsValue::UNDEFINED));
    cursor.set_onsuccess(None);
    cursor.set_onerror(None);
    end.map(|_| records.take())
}

/// Takes the record at a cursor and moves it on; whether there is more to come.
fn step(cursor: &IdbRequest, records: &mut Vec<Record>, limit: usize) -> Result<bool, JsValue> {
    let cursor = result(cursor)?;
    if cursor.is_null() {
        return Ok(false);
    }
    let cursor: IdbCursorWithValue = cursor.unchecked_into();
    records.push((bytes(&cursor.key()?), bytes(&cursor.value()?)));
    if records.len() >= limit {
        return Ok(false);
    }
    cursor.continue_()?;
    Ok(true)
}

/// The range of a scan, as IndexedDB spells it.
fn range(scan: &Scan) -> Result<JsValue, JsValue> {
    let range = match (bound(&scan.start), bound(&scan.end)) {
        // IndexedDB reads `undefined` as everything.
        (None, None) => return Ok(JsValue::UNDEFINED),
        (Some((start, open)), None) => IdbKeyRange::lower_bound_with_open(&start, open),
        (None, Some((end, open))) => IdbKeyRange::upper_bound_with_open(&end, open),
        (Some((start, start_open)), Some((end, end_open))) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, start_open, end_open)
        }
    };
    range.map(JsValue::from)
}

fn bound(bound: &Bound<Vec<u8>>) -> Option<(JsValue, bool)> {
    let (key, open) = match bound {
        Bound::Unbounded => return None,
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
    };
    Some((Uint8Array::from(key.as_slice()).into(), open))
}
