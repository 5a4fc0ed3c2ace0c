//! The objects of the browser, with promises for their events.

use js_sys::{Error, Object, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use web_sys::{IdbDatabase, IdbObjectStore, IdbTransaction, IdbTransactionMode};

use super::{STORE, fault};
use crate::{js, task::settled};

// web-sys provides the options of `transaction` only behind `--cfg=web_sys_unstable_apis`.
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
}

impl Database {
    /// Opens a database at its current version, and passes it to `then`. Creates the object store
    /// of a new one.
    pub(super) fn open(name: &str, then: impl FnOnce(Result<Self, JsValue>) + 'static) {
        let request = match request(name) {
            Ok(request) => request,
            Err(error) => return then(Err(error)),
        };
        let opened = ended(&request, &["onupgradeneeded", "onsuccess"], "onerror");
        // The function runs during the event, while the upgrade transaction is active.
        settled(opened, move |opened| {
            match opened.and_then(|_| created(&request)) {
                Ok(created) => settled(created, move |created| {
                    then(created.and_then(|_| Self::checked(&request)));
                }),
                Err(error) => then(Err(error)),
            }
        });
    }

    /// Returns the database of a request, unless another program has created it.
    fn checked(request: &JsValue) -> Result<Self, JsValue> {
        let database: Self = js::get(request, "result")?.unchecked_into();
        // A database that is closing causes another error, which the caller receives.
        if let Err(error) = database.transaction()
            && fault::is(&error, "NotFoundError")
        {
            js::run(&database, "close")?;
            return Err(Error::new(
                "another program made the database of this name; choose another name",
            )
            .into());
        }
        Ok(database)
    }

    /// Begins a transaction that reads.
    pub(super) fn transaction(&self) -> Result<Transaction, JsValue> {
        Ok(js::call(self, "transaction", &STORE.into())?.unchecked_into())
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self, strict: bool) -> Result<Transaction, JsValue> {
        let options = Object::new();
        let durability = if strict { "strict" } else { "relaxed" };
        js::set(&options, "durability", &durability.into());
        self.transaction_with_options(STORE, IdbTransactionMode::Readwrite, &options)
    }
}

/// Requests a database.
fn request(name: &str) -> Result<JsValue, JsValue> {
    // If the browser has no IndexedDB, the call throws.
    let factory = js::get(&js_sys::global(), "indexedDB")?;
    js::call(&factory, "open", &name.into())
}

/// Creates the object store if the database of a request is new. Resolves once it exists.
fn created(request: &JsValue) -> Result<Promise, JsValue> {
    if js::get(request, "transaction")?.is_falsy() {
        return Ok(Promise::resolve(&JsValue::UNDEFINED));
    }
    let created = finished(request);
    js::call(
        &js::get(request, "result")?,
        "createObjectStore",
        &STORE.into(),
    )?;
    Ok(created)
}

/// Returns the object store.
pub(super) fn store(transaction: &Transaction) -> Result<IdbObjectStore, JsValue> {
    Ok(js::call(transaction, "objectStore", &STORE.into())?.unchecked_into())
}

/// Resolves or rejects with the first of these events of an object.
#[inline(never)]
pub(super) fn ended(object: &JsValue, resolve_on: &[&str], reject_on: &str) -> Promise {
    Promise::new(&mut |resolve, reject| {
        for event in resolve_on {
            js::set(object, event, &resolve);
        }
        js::set(object, reject_on, &reject);
    })
}

/// Resolves to the event that ends a request.
pub(super) fn finished(request: &JsValue) -> Promise {
    ended(request, &["onsuccess"], "onerror")
}

/// Resolves to the event that ends a transaction.
///
/// A request that fails aborts its transaction, so these two events suffice. The cause is the error
/// of the transaction: if space runs short, there may be no other.
pub(super) fn completed(transaction: &Transaction) -> Promise {
    ended(transaction, &["oncomplete"], "onabort")
}

/// Returns the result of a request, from its event.
pub(super) fn result(event: &JsValue) -> Result<JsValue, JsValue> {
    js::get(&js::get(event, "target")?, "result")
}
