//! The reading operations. Each is one transaction, so that it sees one state of the storage.

use std::ops::Bound;

use js_sys::{Array, Promise, Uint8Array};
use leptos_sync_core::storage::{Record, Scan};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::sys::{self, Database, finished, result};
use crate::js;

/// Requests the value at `key`. Resolves to the event of the request.
pub(super) fn get(database: &Database, key: &Uint8Array) -> Result<Promise, JsValue> {
    let store = store(database)?;
    Ok(finished(&js::call(&store, "get", key)?))
}

/// Requests the values at `keys`. Resolves to the events of the requests, in order.
pub(super) fn get_many(database: &Database, keys: &[Uint8Array]) -> Result<Promise, JsValue> {
    let store = store(database)?;
    let requests = Array::new();
    for key in keys {
        requests.push(&finished(&js::call(&store, "get", key)?));
    }
    Ok(Promise::all(&requests))
}

/// Returns the value that a request found, from its event.
pub(super) fn found(event: &JsValue) -> Result<Option<Vec<u8>>, JsValue> {
    Ok(value(&result(event)?))
}

/// Returns the value of a request's result, if there is one.
pub(super) fn value(result: &JsValue) -> Option<Vec<u8>> {
    (!result.is_undefined()).then(|| bytes(result))
}

/// Requests the keys and the values of a range that is not empty, in order. Resolves to the events
/// of the two requests.
pub(super) fn forwards(database: &Database, scan: &Scan) -> Result<Promise, JsValue> {
    let store = store(database)?;
    let range = range(scan)?;
    let limit = scan.limit.map_or(u32::MAX, within_u32).into();
    // Make two requests for any number of records. A cursor would take one event per record.
    let keys = js::call2(&store, "getAllKeys", &range, &limit)?;
    let values = js::call2(&store, "getAll", &range, &limit)?;
    Ok(Promise::all(&Array::of2(
        &finished(&keys),
        &finished(&values),
    )))
}

/// Returns the records that [`forwards`] found.
pub(super) fn records(found: &JsValue) -> Result<Vec<Record>, JsValue> {
    let found: &Array = found.unchecked_ref();
    Ok(zipped(&result(&found.get(0))?, &result(&found.get(1))?))
}

/// Requests up to `limit` records from the end of a range that is not empty. Resolves to an array
/// of keys and one of values.
pub(super) fn backwards(
    database: &Database,
    scan: &Scan,
    limit: usize,
) -> Result<Promise, JsValue> {
    let direction = IdbCursorDirection::Prev;
    let request =
        store(database)?.open_cursor_with_range_and_direction(&range(scan)?, direction)?;
    Ok(walked(request, within_u32(limit)))
}

/// Returns the records that [`backwards`] found.
pub(super) fn walked_records(found: &JsValue) -> Vec<Record> {
    let found: &Array = found.unchecked_ref();
    zipped(&found.get(0), &found.get(1))
}

fn zipped(keys: &JsValue, values: &JsValue) -> Vec<Record> {
    let (keys, values): (&Array, &Array) = (keys.unchecked_ref(), values.unchecked_ref());
    let record = |at| (bytes(&keys.get(at)), bytes(&values.get(at)));
    (0..keys.length()).map(record).collect()
}

/// Reads up to `limit` records through a cursor, in order. Resolves to an array of keys and one of
/// values.
fn walked(request: IdbRequest, limit: u32) -> Promise {
    Promise::new(&mut |resolve, reject| {
        js::set(&request, "onerror", &reject);
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
        js::set(&request, "onsuccess", &listener.into_js_value());
    })
}

fn store(database: &Database) -> Result<IdbObjectStore, JsValue> {
    sys::store(&database.transaction()?)
}

/// Converts a key, which IndexedDB returns as an `ArrayBuffer`, or a value, which is a
/// `Uint8Array`.
fn bytes(js: &JsValue) -> Vec<u8> {
    Uint8Array::new(js).to_vec()
}

/// Converts the range of a scan.
fn range(scan: &Scan) -> Result<JsValue, JsValue> {
    // The least binary key is the empty one. An array is greater than all binary keys.
    let (start, start_open) =
        bound(&scan.start).unwrap_or((Uint8Array::new_with_length(0).into(), false));
    let (end, end_open) = bound(&scan.end).unwrap_or((Array::new().into(), true));
    IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, start_open, end_open)
        .map(JsValue::from)
}

fn bound(bound: &Bound<Vec<u8>>) -> Option<(JsValue, bool)> {
    let (key, open) = match bound {
        Bound::Unbounded => return None,
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
    };
    Some((Uint8Array::from(key.as_slice()).into(), open))
}

fn within_u32(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}
