//! Storage in the browser's IndexedDB.
//!
//! A database holds one object store with out-of-line binary keys, which IndexedDB orders as bytes, and values that are
//! `Uint8Array`s. There is no schema beyond that, so its version never needs to rise; a database whose version somebody
//! else raised is opened as it is.

mod connection;
mod fault;
mod link;
mod read;
mod sys;
mod write;

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use leptos_sync_core::{
    Error,
    storage::{Batch, Expected, Record, Scan, Storage},
};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use link::Link;

/// The object store that holds everything.
const STORE: &str = "leptos-sync";

/// A [`Storage`] in one of the browser's IndexedDB databases.
///
/// A handle: clones share a connection, and all handles on one name, in every tab of an origin, see one store. The
/// connection closes with the last clone, once what was issued is done.
///
/// The connection gives way when another tab wants to delete or upgrade the database, and it may be closed by the
/// browser; the next operation opens a new one. **A database that was deleted meanwhile comes back empty**: this type
/// does not know what used to be there.
#[derive(Clone)]
pub struct IndexedDbStorage {
    link: Rc<Link>,
}

impl IndexedDbStorage {
    /// Opens the database `name`, and creates it where there is none.
    ///
    /// It waits while another page that ignores `versionchange` holds up a deletion or an upgrade.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] when the browser has no IndexedDB, refuses it (private browsing, blocked site data,
    /// a sandboxed frame, no room), or when the database is not one of ours.
    pub async fn open(name: &str) -> Result<Self, Error> {
        let link = Link::open(name).await.map_err(fault::unavailable)?;
        Ok(Self { link })
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    async fn forwards(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        let found = self
            .link
            .issue(move |database| read::forwards(database, &scan));
        let found = JsFuture::from(found).await;
        found
            .and_then(|found| read::records(&found))
            .map_err(fault::failed)
    }
}

impl Storage for IndexedDbStorage {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let key = Uint8Array::from(key);
        let found = self.link.issue(move |database| read::get(database, &key));
        let found = JsFuture::from(found).await;
        found
            .and_then(|event| read::found(&event))
            .map_err(fault::failed)
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let keys: Vec<Uint8Array> = keys.iter().map(|key| Uint8Array::from(*key)).collect();
        let found = self
            .link
            .issue(move |database| read::get_many(database, &keys));
        let found = JsFuture::from(found).await.map_err(fault::failed)?;
        let values = found
            .unchecked_ref::<Array>()
            .iter()
            .map(|event| read::found(&event));
        values.collect::<Result<_, _>>().map_err(fault::failed)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        if scan.is_empty() || scan.limit == Some(0) {
            return Ok(Vec::new());
        }
        if let (true, Some(limit)) = (scan.reverse, scan.limit) {
            let found = self
                .link
                .issue(move |database| read::backwards(database, &scan, limit));
            let found = JsFuture::from(found).await.map_err(fault::failed)?;
            return Ok(read::walked_records(&found));
        }
        let reverse = scan.reverse;
        let mut records = self.forwards(scan).await?;
        if reverse {
            records.reverse();
        }
        Ok(records)
    }

    // What a page reads of a document is this: with cursors it would be 1 KB more to download.
    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.forwards(Scan::prefix(prefix)).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        // Issued now, and listened to from now on: whoever drops the future changes nothing.
        let end = self
            .link
            .issue(move |database| write::issue(database, &batch));
        let end = JsFuture::from(end);
        async { end.await.map(drop).map_err(fault::failed) }
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let end = self.link.issue(move |database| {
            write::issue_if(database, &expected.key, expected.value.clone(), &batch)
        });
        let end = JsFuture::from(end);
        async {
            match end.await {
                Ok(_) => Ok(true),
                Err(event) if fault::is_abort_on_request(&event) => Ok(false),
                Err(error) => Err(fault::failed(error)),
            }
        }
    }
}
