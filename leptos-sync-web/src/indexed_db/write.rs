//! The writing operations. Each batch is one transaction.
//!
//! When a page ends, the browser drops requests that it has not received. So a batch is issued at
//! once, with all its requests and an explicit `commit()`.

use js_sys::{Promise, Uint8Array};
use leptos_sync_core::storage::{Batch, Expected, Write};
use wasm_bindgen::JsValue;

use super::{
    read::value,
    sys::{self, Database, Transaction, completed, finished, result},
};
use crate::{js, task::settled};

/// Issues a batch, which is committed as a whole or not at all. It is rolled back if the storage
/// does not contain what is expected.
pub(super) fn issue(
    database: &Database,
    expected: Option<&Expected>,
    batch: &Batch,
) -> Result<Promise, JsValue> {
    let transaction = database.begin(batch.is_strict())?;
    let end = completed(&transaction);
    // The browser runs requests in order, so issue all of them together.
    let issued = match expected {
        // The browser commits a transaction that is not aborted.
        Some(expected) => {
            expect(&transaction, expected).and_then(|()| request(&transaction, batch))
        }
        None => request(&transaction, batch)
            .and_then(|()| js::run(&transaction, "commit"))
            .map(drop),
    };
    issued.map_err(|error| take_back(&transaction, error))?;
    Ok(end)
}

/// Aborts the transaction if something else than expected turns out to be stored.
fn expect(transaction: &Transaction, expected: &Expected) -> Result<(), JsValue> {
    let store = sys::store(transaction)?;
    let found = js::call(&store, "get", &Uint8Array::from(expected.key.as_slice()))?;
    let (transaction, expected) = (transaction.clone(), expected.value.clone());
    // The function runs during the event, while the transaction is active.
    settled(finished(&found), move |event| {
        // If the request fails, the browser aborts the transaction.
        let Ok(event) = event else {
            return;
        };
        if !result(&event).is_ok_and(|found| value(&found) == expected) {
            // It fails only if the transaction has already ended.
            let _ = js::run(&transaction, "abort");
        }
    });
    Ok(())
}

/// Aborts a transaction if not all of its requests could be made.
fn take_back(transaction: &Transaction, error: JsValue) -> JsValue {
    // It fails only if the transaction has already ended.
    let _ = js::run(transaction, "abort");
    // The error is known, so the event is not needed.
    js::set(transaction, "onabort", &JsValue::NULL);
    error
}

/// Issues the requests of a batch, in order. Their results are not awaited, since the result of the
/// transaction suffices.
fn request(transaction: &Transaction, batch: &Batch) -> Result<(), JsValue> {
    let store = sys::store(transaction)?;
    for write in batch.writes() {
        match write {
            Write::Put(key, value) => {
                let (key, value) = (
                    Uint8Array::from(key.as_slice()),
                    Uint8Array::from(value.as_slice()),
                );
                js::call2(&store, "put", &value, &key)?;
            }
            Write::Delete(key) => {
                js::call(&store, "delete", &Uint8Array::from(key.as_slice()))?;
            }
        }
    }
    Ok(())
}
