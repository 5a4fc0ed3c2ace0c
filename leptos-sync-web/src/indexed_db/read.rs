//! Reads, each in one transaction, so that it sees one state of the store.

use std::ops::Bound;

use js_sys::{Array, Promise, Uint8Array};
use leptos_sync_core::{Record, Scan};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::{
    STORE,
    sys::{Database, finished, promise, result},
};

/// The events of the requests for the values at `keys`, in their order.
pub(super) fn get_many(database: &Database, keys: &[Uint8Array]) -> Result<Promise, JsValue> {
    let store = store(database)?;
    let requests = Array::new();
    for key in keys {
        requests.push(&finished(&store.get(key)?));
    }
    Ok(Promise::all(&requests))
}

/// The value that a request found, as its event tells.
pub(super) fn value(event: &JsValue) -> Result<Option<Vec<u8>>, JsValue> {
    let value = result(event)?;
    Ok((!value.is_undefined()).then(|| bytes(&value)))
}

/// The keys and the values of a range that is not empty, with a limit that is not zero: two arrays.
pub(super) fn scan(database: &Database, scan: &Scan) -> Result<Promise, JsValue> {
    let store = store(database)?;
    let range = range(scan)?;
    let limit = scan.limit.unwrap_or(usize::MAX).min(u32::MAX as usize) as u32;
    if scan.reverse && scan.limit.is_some() {
        let direction = IdbCursorDirection::Prev;
        let cursor = store.open_cursor_with_range_and_direction(&range, direction)?;
        return Ok(backwards(cursor, limit));
    }
    // Two requests, however many records there are: a cursor would take an event each.
    Ok(Promise::all(&Array::of2(
        &finished(&store.get_all_keys_with_key_and_limit(&range, limit)?),
        &finished(&store.get_all_with_key_and_limit(&range, limit)?),
    )))
}

/// The records in the two arrays that a [`scan`] resolves with: of a cursor as they are, of requests in their events.
pub(super) fn records(found: &JsValue, scan: &Scan) -> Result<Vec<Record>, JsValue> {
    let found: &Array = found.unchecked_ref();
    let column = |at| {
        let column = found.get(at);
        if Array::is_array(&column) {
            Ok(column)
        } else {
            result(&column)
        }
    };
    let (keys, values): (Array, Array) = (column(0)?.unchecked_into(), column(1)?.unchecked_into());
    let record = |at| (bytes(&keys.get(at)), bytes(&values.get(at)));
    let mut records: Vec<Record> = (0..keys.length()).map(record).collect();
    if scan.reverse && scan.limit.is_none() {
        records.reverse();
    }
    Ok(records)
}

/// Up to `limit` records of a cursor, in its order: an array of keys and one of values.
fn backwards(request: IdbRequest, limit: u32) -> Promise {
    promise(|resolve, reject| {
        request.set_onerror(Some(&reject));
        let (keys, values) = (Array::new(), Array::new());
        let cursor = request.clone();
        let listener = Closure::<dyn FnMut() -> Result<(), JsValue>>::new(move || {
            let found = cursor.result()?;
            if !found.is_null() {
                let cursor: IdbCursorWithValue = found.unchecked_into();
                keys.push(&cursor.key()?);
                if values.push(&cursor.value()?) < limit {
                    return cursor.continue_();
                }
            }
            resolve
                .call1(&JsValue::UNDEFINED, &Array::of2(&keys, &values))
                .map(drop)
        });
        request.set_onsuccess(Some(listener.into_js_value().unchecked_ref()));
    })
}

fn store(database: &Database) -> Result<IdbObjectStore, JsValue> {
    database.transaction_with_str(STORE)?.object_store(STORE)
}

/// IndexedDB gives binary keys back as `ArrayBuffer`s, and values as the `Uint8Array`s that they were.
fn bytes(js: &JsValue) -> Vec<u8> {
    Uint8Array::new(js).to_vec()
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
