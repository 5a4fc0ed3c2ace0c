//! Deletes the content of a database in a way that all pages that have it open notice.

use js_sys::{Array, Promise};
use leptos_sync_core::{
    Error,
    storage::{Batch, Record},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::IdbFactory;

use super::{
    IndexedDbStorage, STORE, copies, fault, read,
    sys::{ended, finished},
};
use crate::js;

/// The amount by which a clearing raises the version of the database. Other programs raise it by
/// less, so a page that connects again knows that the database was cleared meanwhile.
pub(super) const CLEARED: f64 = 1_048_576.0;

/// Deletes all records if `allows` returns true for them. Returns whether it did.
///
/// The browser ends the connections of all pages first, so that nothing is written in between.
pub(super) async fn clear(name: &str, allows: &dyn Fn(&[Record]) -> bool) -> Result<bool, Error> {
    let (database, request) = upgrade(name).await.map_err(fault::unavailable)?;
    let cleared = clear_in(&request, allows).await;
    if cleared == Ok(true) {
        let copies = Array::new();
        let _ = copies::find(name, &[], &mut Batch::new(), &copies);
        copies::remove(&copies);
    }
    let closed = js::run(&database, "close");
    cleared
        .and_then(|cleared| closed.map(|_| cleared))
        .map_err(fault::failed)
}

/// Opens the database with a higher version. Returns while the upgrade transaction is active.
async fn upgrade(name: &str) -> Result<(JsValue, JsValue), JsValue> {
    // Create the database if it does not exist, and learn its version.
    let storage = IndexedDbStorage::on_demand(name);
    storage.restore(&[]);
    let link = &storage.link;
    let opened = link.issue(|database| {
        let database: &JsValue = database;
        Ok(Promise::resolve(database))
    });
    let database = JsFuture::from(opened).await?;
    let version = js::get(&database, "version")?.as_f64().unwrap_or(1.0);
    drop(storage);
    let factory: IdbFactory = js::get(&js_sys::global(), "indexedDB")?.unchecked_into();
    let request: JsValue = factory.open_with_f64(name, version + CLEARED)?.into();
    JsFuture::from(ended(&request, &["onupgradeneeded"], "onerror")).await?;
    Ok((js::get(&request, "result")?, request))
}

async fn clear_in(request: &JsValue, allows: &dyn Fn(&[Record]) -> bool) -> Result<bool, JsValue> {
    let transaction = js::get(request, "transaction")?;
    let store = js::call(&transaction, "objectStore", &STORE.into())?;
    let [keys, values] = ["getAllKeys", "getAll"].map(|method| js::run(&store, method));
    let found = [finished(&keys?), finished(&values?)];
    // The code after each wait runs during an event, while the transaction is active.
    let [keys, values] = found.map(JsFuture::from);
    let found = Array::of2(&keys.await?, &values.await?);
    // The events must be awaited before they happen.
    let opened = ended(request, &["onsuccess"], "onerror");
    if !allows(&read::records(&found)?) {
        js::run(&transaction, "abort")?;
        // The request fails, because the version stays as it was.
        let _ = JsFuture::from(opened).await;
        return Ok(false);
    }
    js::run(&store, "clear")?;
    JsFuture::from(opened).await?;
    Ok(true)
}
