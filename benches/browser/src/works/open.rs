//! Measures opening a document, from the call until an entry has been read. This includes opening
//! the database on all sides.
//!
//! - **ours**: a snapshot in chunks, as leptos-sync stores it.
//! - **one record per entry**: each entry with its stamp in its own IndexedDB record. One `getAll`
//!   reads all of them. Each is decoded and inserted into the same kind of map. The records are
//!   *bytes* in the library's codec, or *text*, since browsers pass strings faster than arrays of
//!   bytes.
//! - **Yjs**: y-indexeddb with a database that was compacted to one update, until `whenSynced`.

use js_sys::{Array, Uint8Array};
use leptos_sync_benches::{
    entries,
    ours::{self, Map},
};
use leptos_sync_web::{
    ReplicaId, Stamp,
    core::{Time, engine::DocStore, internal, storage::Storage},
    storage::IndexedDbStorage,
};
use wasm_bindgen::{JsCast, JsValue};

use super::{Asked, Side, Work};
use crate::{
    peers,
    scratch::{Failure, now},
};

/// The document's name in our storage.
const NAME: &str = "bench";

pub(super) fn work(size: usize) -> Work {
    Work {
        name: "open a document",
        size,
        sides: vec![
            Side {
                name: "ours",
                sample: |asked| Box::pin(ours(asked)),
                bar: None,
            },
            Side {
                name: "a record an entry (bytes)",
                sample: |asked| Box::pin(records(asked, as_bytes, from_bytes)),
                bar: Some(5.0),
            },
            Side {
                name: "a record an entry (text)",
                sample: |asked| Box::pin(records(asked, as_text, from_text)),
                bar: Some(5.0),
            },
            Side {
                name: "yjs with y-indexeddb",
                sample: |asked| Box::pin(yjs(asked)),
                bar: Some(1.0),
            },
        ],
    }
}

async fn ours(asked: Asked) -> Result<f64, Failure> {
    let mut doc = ours::doc(asked.size);
    let storage = IndexedDbStorage::open(&asked.name).await?;
    let store = DocStore::new(storage, NAME)?;
    let write = store.compact(&mut doc)?;
    store.storage().commit(write.batch).await?;
    drop((doc, store));

    let start = now();
    let storage = IndexedDbStorage::open(&asked.name).await?;
    let mut store = DocStore::new(storage, NAME)?;
    let loaded = store.load::<Map>(ours::clock(2)).await?;
    let map = loaded.doc.state();
    let is_read = map.get(last_key(asked.size).as_str()).is_some();
    let taken = now() - start;
    checked(map, asked.size, is_read, taken)
}

/// An entry with its stamp.
type Entry = (String, String, Stamp);

async fn records(
    asked: Asked,
    write: fn(&Entry) -> Result<JsValue, Failure>,
    read: fn(&JsValue) -> Result<Entry, Failure>,
) -> Result<f64, Failure> {
    let (keys, records) = (Array::new(), Array::new());
    for (key, value) in entries(asked.size) {
        keys.push(&key.as_str().into());
        records.push(&write(&(key, value, ours::stamp(0, 1)))?);
    }
    peers::plain_write(&asked.name, keys, records).await?;

    let start = now();
    let records: Array = peers::plain_read(&asked.name).await?.unchecked_into();
    let mut map = Map::new();
    for record in records {
        let (key, value, stamp) = read(&record)?;
        map.insert(key, value, stamp);
    }
    let is_read = map.get(last_key(asked.size).as_str()).is_some();
    let taken = now() - start;
    checked(&map, asked.size, is_read, taken)
}

async fn yjs(asked: Asked) -> Result<f64, Failure> {
    let (keys, values) = (Array::new(), Array::new());
    let entries = entries(asked.size);
    for (key, value) in &entries {
        keys.push(&key.as_str().into());
        values.push(&value.as_str().into());
    }
    peers::yjs_write(&asked.name, keys, values).await?;
    let (key, value) = entries.last().ok_or("there are no entries")?;
    let taken = peers::yjs_open(&asked.name, asked.size, key, value).await?;
    taken
        .as_f64()
        .ok_or_else(|| "yjsOpen returned no number".into())
}

fn as_bytes((key, value, stamp): &Entry) -> Result<JsValue, Failure> {
    let mut bytes = Vec::new();
    let parts = (key, value, stamp.time.get(), stamp.replica.get());
    internal::encode(&parts, &mut bytes)?;
    Ok(Uint8Array::from(bytes.as_slice()).into())
}

fn from_bytes(record: &JsValue) -> Result<Entry, Failure> {
    let bytes = record.unchecked_ref::<Uint8Array>().to_vec();
    let (key, value, time, replica) = internal::decode(&bytes)?;
    Ok((
        key,
        value,
        Stamp::new(Time::new(time), ReplicaId::new(replica)),
    ))
}

fn as_text((key, value, stamp): &Entry) -> Result<JsValue, Failure> {
    let (time, replica) = (stamp.time.get(), stamp.replica.get());
    Ok([key, value, &time.to_string(), &replica.to_string()]
        .map(String::as_str)
        .join("\t")
        .into())
}

fn from_text(record: &JsValue) -> Result<Entry, Failure> {
    let text = record.as_string().ok_or("a record is no text")?;
    let mut parts = text.split('\t');
    let mut part = || parts.next().ok_or("a record is too short");
    let (key, value) = (part()?.to_owned(), part()?.to_owned());
    let mut number = || part()?.parse().map_err(|_| "a stamp is no number");
    let stamp = Stamp::new(Time::new(number()?), ReplicaId::new(number()?));
    Ok((key, value, stamp))
}

fn last_key(size: usize) -> String {
    leptos_sync_benches::key(size.saturating_sub(1))
}

fn checked(map: &Map, size: usize, is_read: bool, taken: f64) -> Result<f64, Failure> {
    match is_read && map.len() == size {
        true => Ok(taken),
        false => Err("the document is not the one that was kept".into()),
    }
}
