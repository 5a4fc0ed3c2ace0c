//! The browser's objects, and their events as promises.

use js_sys::{Error, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;
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
    #[derive(Clone)]
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
        let opened = promise(|opened, failed| {
            request.set_onupgradeneeded(Some(&opened));
            request.set_onsuccess(Some(&opened));
            request.set_onerror(Some(&failed));
        });
        // What awaits an event runs within it, while the transaction that upgrades is active.
        JsFuture::from(opened).await?;
        let database: Self = request.result()?.unchecked_into();
        if request.transaction().is_some() {
            let created = finished(&request);
            database.create_object_store(STORE)?;
            JsFuture::from(created).await?;
        }
        // One that is being closed says something else, and is for its user to find out.
        if let Err(error) = database.transaction_with_str(STORE)
            && fault::is(&error, "NotFoundError")
        {
            database.close();
            return Err(Error::new(
                "the database of this name was made by something else than leptos-sync: choose another name",
            )
            .into());
        }
        Ok(database)
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self, strict: bool) -> Result<Transaction, JsValue> {
        let options = Object::new();
        let durability = if strict { "strict" } else { "relaxed" };
        Reflect::set(&options, &"durability".into(), &durability.into())?;
        self.transaction_with_options(STORE, IdbTransactionMode::Readwrite, &options)
    }
}

/// A promise that somebody is to resolve or reject.
pub(super) fn promise(listen: impl FnOnce(Function, Function)) -> Promise {
    let mut listen = Some(listen);
    // The browser calls it once, before this returns.
    Promise::new(&mut |resolve, reject| {
        if let Some(listen) = listen.take() {
            listen(resolve, reject);
        }
    })
}

/// The end of a request, with its event.
pub(super) fn finished(request: &IdbRequest) -> Promise {
    promise(|succeeded, failed| {
        request.set_onsuccess(Some(&succeeded));
        request.set_onerror(Some(&failed));
    })
}

/// The end of a transaction, with its event.
///
/// A request's failure aborts its transaction, so two events say it all, and the reason is the transaction's own: for a
/// lack of room it may be the only one.
pub(super) fn completed(transaction: &Transaction) -> Promise {
    promise(|completed, aborted| {
        transaction.set_oncomplete(Some(&completed));
        transaction.set_onabort(Some(&aborted));
    })
}

/// The result of the request whose success an event tells.
pub(super) fn result(event: &JsValue) -> Result<JsValue, JsValue> {
    match event.unchecked_ref::<Event>().target() {
        Some(request) => request.unchecked_into::<IdbRequest>().result(),
        None => Ok(JsValue::UNDEFINED),
    }
}
