//! Batches as transactions.
//!
//! A page that is being closed gets no second chance: whatever was not handed to the browser by then is lost. So a
//! batch is issued with all its requests and the transaction's explicit `commit()` at once.

use js_sys::{Promise, Uint8Array};
use leptos_sync_core::{Batch, Write};
use wasm_bindgen::JsValue;

use super::{
    STORE,
    sys::{Database, Transaction, completed},
};

/// Hands a batch to the browser, whole or not at all.
pub(super) fn issue(database: &Database, batch: &Batch) -> Result<Promise, JsValue> {
    let transaction = database.begin(batch.is_strict())?;
    let end = completed(&transaction);
    if let Err(error) = request(&transaction, batch) {
        // It can only be finished already.
        let _ = transaction.abort();
        // Nobody asks for an end that is known.
        transaction.set_onabort(None);
        return Err(error);
    }
    Ok(end)
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
    transaction.commit()
}
