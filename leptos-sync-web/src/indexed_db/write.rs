//! Batches as transactions.
//!
//! A page that is being closed gets no second chance: whatever was not handed to the browser by then is lost. So a
//! batch is issued, with all its requests and the transaction's explicit `commit()`, before [`commit`] returns, and the
//! task that waits for its end belongs to nobody who could drop it.

use std::rc::Rc;

use futures::channel::oneshot;
use js_sys::Uint8Array;
use leptos_sync_core::{Batch, Error, Write};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    STORE, fault,
    link::Link,
    sys::{Database, Transaction, completed},
};

/// Where a batch's end is reported, if anybody still listens.
pub(super) type Done = oneshot::Sender<Result<(), Error>>;

/// How often a batch may meet a connection that turns out to be closing.
const ATTEMPTS: u8 = 2;

/// Issues a batch: at once on an open connection, else in its turn when the connection was opened again.
pub(super) fn commit(link: &Rc<Link>, batch: Batch, done: Done) {
    attempt(link, batch, done, ATTEMPTS);
}

fn attempt(link: &Rc<Link>, batch: Batch, done: Done, attempts: u8) {
    let again = Rc::clone(link);
    link.when_open(move |opened| {
        let connection = match opened {
            Ok(connection) => connection,
            Err(error) => return report(done, Err(error)),
        };
        match issue(connection.database(), &batch) {
            Ok(transaction) => {
                let end = completed(&transaction);
                spawn_local(async move {
                    report(done, end.await);
                    // Closed now at the earliest.
                    drop(connection);
                });
            }
            Err(error) if attempts > 1 && fault::is_closed(&error) => {
                connection.close();
                attempt(&again, batch, done, attempts - 1);
            }
            Err(error) => report(done, Err(fault::failed(error))),
        }
    });
}

fn report(done: Done, outcome: Result<(), Error>) {
    // The future that listens may have been dropped.
    let _ = done.send(outcome);
}

/// Hands a batch to the browser, whole or not at all.
fn issue(database: &Database, batch: &Batch) -> Result<Transaction, JsValue> {
    let transaction = database.begin(batch.is_strict())?;
    match request(&transaction, batch) {
        Ok(()) => Ok(transaction),
        Err(error) => {
            // It can only be finished already.
            let _ = transaction.abort();
            Err(error)
        }
    }
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
