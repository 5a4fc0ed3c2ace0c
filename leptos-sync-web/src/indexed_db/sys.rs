//! The browser's objects, as futures.

use futures::channel::oneshot;
use js_sys::{Object, Reflect};
use leptos_sync_core::Error;
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use web_sys::{Event, IdbDatabase, IdbFactory, IdbRequest, IdbTransaction, IdbTransactionMode};

use super::{STORE, fault};

// web-sys has the options of `transaction` only behind `--cfg=web_sys_unstable_apis`, and calls `commit` deprecated.
#[wasm_bindgen]
extern "C" {
    /// An open database.
    #[wasm_bindgen(extends = IdbDatabase)]
    #[derive(Clone)]
    pub(super) type Database;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction_with_options(
        this: &Database,
        store: &str,
        mode: IdbTransactionMode,
        options: &JsValue,
    ) -> Result<Transaction, JsValue>;

    /// A transaction, which ends in `complete` or `abort`.
    #[wasm_bindgen(extends = IdbTransaction)]
    pub(super) type Transaction;

    /// Asks the browser to commit without waiting for the end of the requests.
    #[wasm_bindgen(method, catch)]
    pub(super) fn commit(this: &Transaction) -> Result<(), JsValue>;
}

impl Database {
    /// Opens a database at whatever version it has; one that is new gets its store.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        // Where it is missing, the call is what throws.
        let factory: IdbFactory =
            Reflect::get(&js_sys::global(), &"indexedDB".into())?.unchecked_into();
        let request = factory.open(name)?;
        let on_upgrade = Closure::once_into_js({
            let request = request.clone();
            move || {
                let database: IdbDatabase = request.result()?.unchecked_into();
                database.create_object_store(STORE).map(drop)
            }
        });
        request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
        Ok(finished(&request).await?.unchecked_into())
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self, strict: bool) -> Result<Transaction, JsValue> {
        let options = Object::new();
        let durability = if strict { "strict" } else { "relaxed" };
        Reflect::set(&options, &"durability".into(), &durability.into())?;
        self.transaction_with_options(STORE, IdbTransactionMode::Readwrite, &options)
    }
}

/// The result of a request; it is listened for from now on, not from the first poll.
pub(super) fn finished(
    request: &IdbRequest,
) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let (done, outcome) = oneshot::channel();
    let listener = Closure::once_into_js({
        let request = request.clone();
        move || {
            // Whoever asked may be gone.
            let _ = done.send(result(&request));
        }
    });
    request.set_onsuccess(Some(listener.unchecked_ref()));
    request.set_onerror(Some(listener.unchecked_ref()));
    async { outcome.await.unwrap_or(Err(JsValue::UNDEFINED)) }
}

/// What a request that is done came to.
pub(super) fn result(request: &IdbRequest) -> Result<JsValue, JsValue> {
    match request.error()? {
        Some(error) => Err(error.into()),
        None => request.result(),
    }
}

/// The end of a transaction; it is listened for from now on, not from the first poll.
///
/// A request's failure aborts its transaction, so two events say it all, and the reason is the transaction's own: for a
/// lack of room it may be the only one.
pub(super) fn completed(
    transaction: &Transaction,
) -> impl Future<Output = Result<(), Error>> + use<> {
    let (done, outcome) = oneshot::channel();
    let listener = Closure::once_into_js({
        let transaction: IdbTransaction = transaction.unchecked_ref::<IdbTransaction>().clone();
        move |event: Event| {
            let end = if event.type_() == "complete" {
                Ok(())
            } else {
                Err(fault::aborted(transaction.error()))
            };
            let _ = done.send(end);
        }
    });
    transaction.set_oncomplete(Some(listener.unchecked_ref()));
    transaction.set_onabort(Some(listener.unchecked_ref()));
    async { outcome.await.unwrap_or_else(|_| Err(fault::aborted(None))) }
}
