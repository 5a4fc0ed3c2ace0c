//! The objects of the browser, with promises for their events.

use js_sys::{Error, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, IdbDatabase, IdbFactory, IdbRequest, IdbTransaction, IdbTransactionMode};

use super::{STORE, fault};

// web-sys provides the options of `transaction` only behind `--cfg=web_sys_unstable_apis`, and has
// deprecated `commit`.
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

    /// A transaction, which ends with the event `complete` or `abort`.
    #[wasm_bindgen(extends = IdbTransaction)]
    #[derive(Clone)]
    pub(super) type Transaction;

    /// Asks the browser to commit without waiting for the requests to complete.
    #[wasm_bindgen(method, catch)]
    pub(super) fn commit(this: &Transaction) -> Result<(), JsValue>;
}

impl Database {
    /// Opens a database at its current version. Creates the object store of a new one.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        // If the browser has no IndexedDB, the call below throws.
        let factory: IdbFactory =
            Reflect::get(&js_sys::global(), &"indexedDB".into())?.unchecked_into();
        let request = factory.open(name)?;
        let opened = promise(|opened, failed| {
            request.set_onupgradeneeded(Some(&opened));
            request.set_onsuccess(Some(&opened));
            request.set_onerror(Some(&failed));
        });
        // The code after the wait runs during the event, while the upgrade transaction is active.
        JsFuture::from(opened).await?;
        let database: Self = request.result()?.unchecked_into();
        if request.transaction().is_some() {
            let created = finished(&request);
            database.create_object_store(STORE)?;
            JsFuture::from(created).await?;
        }
        // A database that is closing causes another error, which the caller receives.
        if let Err(error) = database.transaction_with_str(STORE)
            && fault::is(&error, "NotFoundError")
        {
            database.close();
            return Err(Error::new(
                "another program made the database of this name; choose another name",
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

/// Creates a promise and passes its resolve and reject functions to `listen`.
pub(super) fn promise(listen: impl FnOnce(Function, Function)) -> Promise {
    let mut listen = Some(listen);
    // The browser calls it once, before this returns.
    Promise::new(&mut |resolve, reject| {
        if let Some(listen) = listen.take() {
            listen(resolve, reject);
        }
    })
}

/// Resolves to the event that ends a request.
pub(super) fn finished(request: &IdbRequest) -> Promise {
    promise(|succeeded, failed| {
        request.set_onsuccess(Some(&succeeded));
        request.set_onerror(Some(&failed));
    })
}

/// Resolves to the event that ends a transaction.
///
/// A request that fails aborts its transaction, so these two events suffice. The cause is the error
/// of the transaction: if space runs short, there may be no other.
pub(super) fn completed(transaction: &Transaction) -> Promise {
    promise(|completed, aborted| {
        transaction.set_oncomplete(Some(&completed));
        transaction.set_onabort(Some(&aborted));
    })
}

/// Returns the result of a request, from its event.
pub(super) fn result(event: &JsValue) -> Result<JsValue, JsValue> {
    match event.unchecked_ref::<Event>().target() {
        Some(request) => request.unchecked_into::<IdbRequest>().result(),
        None => Ok(JsValue::UNDEFINED),
    }
}
