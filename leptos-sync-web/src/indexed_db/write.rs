//! Batches as transactions.
//!
//! A page that is being closed gets no second chance: whatever was not handed to the browser by then is lost. So a
//! batch is issued with all its requests and the transaction's explicit `commit()` at once.

use js_sys::{Promise, Uint8Array};
use leptos_sync_core::storage::{Batch, Write};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

use super::{
    STORE,
    read::value,
    sys::{Database, Transaction, completed},
};

/// Hands a batch to the browser, whole or not at all.
pub(super) fn issue(database: &Database, batch: &Batch) -> Result<Promise, JsValue> {
    let transaction = database.begin(batch.is_strict())?;
    let end = completed(&transaction);
    let issued = request(&transaction, batch).and_then(|()| transaction.commit());
    issued.map_err(|error| take_back(&transaction, error))?;
    Ok(end)
}

/// Hands a batch to the browser that is taken back where `key` has not the `expected` value by then.
pub(super) fn issue_if(
    database: &Database,
    key: &[u8],
    expected: Option<Vec<u8>>,
    batch: &Batch,
) -> Result<Promise, JsValue> {
    let transaction = database.begin(batch.is_strict())?;
    let end = completed(&transaction);
    // Requests are carried out in their order, so all are made at once; what does not end in an abort is committed.
    let issued = expect(&transaction, key, expected).and_then(|()| request(&transaction, batch));
    issued.map_err(|error| take_back(&transaction, error))?;
    Ok(end)
}

/// Aborts the transaction as soon as it is seen that `key` has another value than `expected`.
fn expect(transaction: &Transaction, key: &[u8], expected: Option<Vec<u8>>) -> Result<(), JsValue> {
    let found = transaction
        .object_store(STORE)?
        .get(&Uint8Array::from(key))?;
    let (asked, transaction) = (found.clone(), transaction.clone());
    let look = Closure::once_into_js(move || {
        if value(&asked.result()?) != expected {
            transaction.abort()?;
        }
        Ok::<_, JsValue>(())
    });
    found.set_onsuccess(Some(look.unchecked_ref()));
    Ok(())
}

/// Ends a transaction whose requests could not all be made.
fn take_back(transaction: &Transaction, error: JsValue) -> JsValue {
    // It can only be finished already.
    let _ = transaction.abort();
    // Nobody asks for an end that is known.
    transaction.set_onabort(None);
    error
}

/// Makes the requests of a batch, in order. Their ends are not awaited one by one: the transaction's says it all.
fn request(transaction: &Transaction, batch: &Batch) -> Result<(), JsValue> {
    let store = transaction.object_store(STORE)?;
    for write in batch.writes() {
        match write {
            Write::Put(key, value) => {
                let (key, value) = (
                    Uint8Array::from(key.as_slice()),
                    Uint8Array::from(value.as_slice()),
                );
                store.put_with_key(&value, &key)?
            }
            Write::Delete(key) => store.delete(&Uint8Array::from(key.as_slice()))?,
        };
    }
    Ok(())
}
