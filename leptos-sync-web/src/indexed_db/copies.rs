//! Copies of records in `localStorage`, from the moment at which the page may end until the
//! database has them.
//!
//! When a page ends, Chromium aborts all of its transactions that have not run, even if `commit`
//! was called: they wait for a thread or for another transaction. Writes to `localStorage` are
//! synchronous. A later page writes the copies that it finds.
//!
//! A copy is an item. Its name consists of [`ITEM`], the name of the database, a zero character,
//! and the key; its value is that of the record. Key and value are encoded as comma-separated
//! decimal bytes, which needs little code.

use js_sys::{Array, JsString, Object, Uint8Array, global};
use leptos_sync_core::storage::{Batch, Write};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::js;

/// The beginning of all names of items.
const ITEM: &str = "leptos-sync\0";

/// Keeps a copy of each record that a batch puts, and adds the names to `names`. Stops when there
/// is no more room, so that no copy lacks one before it.
///
/// # Errors
///
/// If not all copies were kept.
pub(super) fn keep(database: &str, batch: &Batch, names: &Array) -> Result<(), JsValue> {
    let storage = storage()?;
    for write in batch.writes() {
        if let Write::Put(key, value) = write {
            let name = [&*start(database), &text(key)?].concat().into();
            js::call2(&storage, "setItem", &name, &text(value)?.into())?;
            names.push(&name);
        }
    }
    Ok(())
}

/// Removes the copies with these names.
pub(super) fn remove(names: &Array) {
    if let Ok(storage) = storage() {
        for name in names.iter() {
            let _ = js::call(&storage, "removeItem", &name);
        }
    }
}

/// Puts all copied records whose keys begin with `prefix` into a batch, and adds the names of the
/// copies to `names`.
///
/// # Errors
///
/// If the browser has no `localStorage`, or denies access to it.
pub(super) fn find(
    database: &str,
    prefix: &[u8],
    batch: &mut Batch,
    names: &Array,
) -> Result<(), JsValue> {
    let (storage, start) = (storage()?, start(database));
    for name in Object::keys(storage.unchecked_ref::<Object>()) {
        let text = name.as_string().unwrap_or_default();
        let Some(key) = text.strip_prefix(&start).map(bytes) else {
            continue;
        };
        if key.starts_with(prefix)
            && let Some(value) = js::call(&storage, "getItem", &name)?.as_string()
        {
            batch.put(key, bytes(&value));
            names.push(&name);
        }
    }
    Ok(())
}

fn storage() -> Result<JsValue, JsValue> {
    let storage = js::get(&global(), "localStorage")?;
    match storage.is_object() {
        true => Ok(storage),
        false => Err(storage),
    }
}

/// Returns the beginning of the names of a database's items.
fn start(database: &str) -> String {
    [ITEM, database, "\0"].concat()
}

fn text(bytes: &[u8]) -> Result<String, JsValue> {
    let text = js::run(&Uint8Array::from(bytes), "toString")?;
    Ok(text.as_string().unwrap_or_default())
}

fn bytes(text: &str) -> Vec<u8> {
    Uint8Array::new(&JsString::from(text).split(",")).to_vec()
}
