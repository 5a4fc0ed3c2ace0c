//! Storage in the browser's IndexedDB.
//!
//! A database has one object store with binary keys, which IndexedDB orders as bytes, and values
//! that are `Uint8Array`s. The schema never changes. Only [`clear_local`] raises the version
//! number, so that pages notice it. A database with a higher version is opened unchanged.

mod clear;
mod connection;
mod copies;
mod fault;
mod link;
mod read;
mod sys;
mod write;

use std::rc::Rc;

use js_sys::{Array, Promise, Uint8Array};
use leptos_sync_core::{
    Error,
    engine::has_unacknowledged,
    storage::{Batch, Expected, Record, Scan, Storage},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use self::link::Link;
use crate::task::settled;

pub(crate) use connection::StorageEvent;

/// The object store of all records.
const STORE: &str = "leptos-sync";

/// Deletes everything that this browser stores in a database: documents, queued edits, collections.
/// Use it when a user signs out of a shared device and the app has a
/// [database for each user](crate::SyncOptions::database).
///
/// Unless `force` is true, it deletes nothing and returns false if the database contains edits that
/// no relay has acknowledged. Such edits would be lost. All edits of a document without a relay are
/// among them.
///
/// Pages that have the database open, this one included, keep their documents in memory: `storage`
/// is [`Memory`](crate::status::StorageKind::Memory), and the page no longer stores anything. It
/// still sends edits to the relay, but exchanges nothing with other tabs. Reload such a page, or
/// provide another database to its app. A page that opens the database later starts with empty
/// documents.
///
/// This waits while another page that ignores `versionchange` has the database open.
///
/// # Errors
///
/// [`Error::is_unavailable`] if the database cannot be opened, and [`Error::is_storage`] if it
/// cannot be read or changed. In both cases, nothing is deleted.
///
/// ```no_run
/// use leptos_sync_web::{Error, storage::clear_local};
///
/// /// Returns whether the user's data is gone.
/// async fn sign_out(user: &str, is_sure: bool) -> Result<bool, Error> {
///     clear_local(&format!("notes-{user}"), is_sure).await
/// }
/// ```
pub async fn clear_local(database: &str, force: bool) -> Result<bool, Error> {
    clear::clear(database, &|records| force || !has_unacknowledged(records)).await
}

/// A [`Storage`] in one of the browser's IndexedDB databases.
///
/// Clones share a connection. All handles with one name, in all tabs of an origin, share one
/// database. The connection closes when the last clone is dropped and all operations have ended.
///
/// The connection also closes when another tab deletes or upgrades the database, or when the
/// browser closes it. The next operation opens a new one. **If the database was deleted in between,
/// the new one is empty**: this type does not restore the content.
#[derive(Clone)]
pub struct IndexedDbStorage {
    link: Rc<Link>,
}

impl IndexedDbStorage {
    /// Opens the database `name`, and creates it if it does not exist.
    ///
    /// It waits while another page that ignores `versionchange` blocks a deletion or an upgrade.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the browser has no IndexedDB or denies access to it (private
    /// browsing, blocked site data, a sandboxed frame, no space), or if another program created the
    /// database.
    pub async fn open(name: &str) -> Result<Self, Error> {
        let storage = Self::on_demand(name);
        // Any operation opens the database.
        let opened = storage
            .link
            .issue(|_| Ok(Promise::resolve(&JsValue::UNDEFINED)));
        JsFuture::from(opened).await.map_err(fault::unavailable)?;
        Ok(storage)
    }

    /// Returns a storage whose first operation opens the database.
    pub(crate) fn on_demand(name: &str) -> Self {
        let link = Link::new(name);
        Self { link }
    }

    /// Returns whether the page's database is still open and was not cleared since the page opened
    /// it.
    pub(crate) fn is_current(&self) -> bool {
        self.link.is_current()
    }

    /// Returns the name of the database.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// Calls `watch` before and after another tab or the browser ends the connection, for example
    /// to delete the database. Before, `watch` returns whether to wait for more writes.
    pub(crate) fn watch(&self, watch: impl Fn(StorageEvent) -> bool + 'static) {
        self.link.watch(watch);
    }

    /// Returns whether the app has [cleared](clear_local) the database since this page opened it.
    pub(crate) fn is_cleared(&self) -> bool {
        self.link.is_cleared()
    }

    /// Reads a range that is not empty, in ascending order, and passes the records to `then`. If
    /// the database cannot be opened, the error [is unavailable](Error::is_unavailable).
    pub(crate) fn read(&self, scan: Scan, then: impl FnOnce(Result<Vec<Record>, Error>) + 'static) {
        let link = Rc::clone(&self.link);
        settled(self.forwards(scan), move |found| {
            let records = found.and_then(|found| read::records(&found));
            then(records.map_err(|error| match link.is_closed() {
                true => fault::unavailable(error),
                false => fault::failed(error),
            }));
        });
    }

    /// Issues a batch at once, and passes to `then` whether it was applied.
    pub(crate) fn write(
        &self,
        expected: Option<Expected>,
        batch: Batch,
        then: impl FnOnce(Result<bool, Error>) + 'static,
    ) {
        settled(self.issue(expected, batch), |end| then(is_applied(end)));
    }

    /// Issues a batch of new records like [`write`](Self::write), when the page may end. Until it is
    /// applied, `localStorage` has a copy, which a later page [restores](Self::restore).
    pub(crate) fn write_last(
        &self,
        batch: Batch,
        then: impl FnOnce(Result<bool, Error>) + 'static,
    ) {
        let names = Array::new();
        // Do not bring back what the app has deleted.
        if self.is_current() {
            let _ = copies::keep(self.name(), &batch, &names);
        }
        self.write_copied(batch, names, Box::new(then));
    }

    /// Issues the writes of earlier pages, to the records whose keys begin with `prefix`, that may
    /// have ended with these pages.
    pub(crate) fn restore(&self, prefix: &[u8]) {
        let (mut batch, names) = (Batch::new(), Array::new());
        let _ = copies::find(self.name(), prefix, &mut batch, &names);
        if !batch.is_empty() {
            // If it fails, the copies stay for a later page.
            self.write_copied(batch, names, Box::new(drop));
        }
    }

    /// Issues a batch, and removes the copies once it is applied.
    fn write_copied(&self, batch: Batch, names: Array, then: Box<dyn FnOnce(Result<bool, Error>)>) {
        self.write(None, batch, move |written| {
            if let Ok(true) = written {
                copies::remove(&names);
            }
            then(written);
        });
    }

    fn forwards(&self, scan: Scan) -> Promise {
        self.link
            .issue(move |database| read::forwards(database, &scan))
    }

    fn issue(&self, expected: Option<Expected>, batch: Batch) -> Promise {
        self.link
            .issue(move |database| write::issue(database, expected.as_ref(), &batch))
    }

    async fn scan_forwards(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        let found = JsFuture::from(self.forwards(scan)).await;
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
        let mut records = self.scan_forwards(scan).await?;
        if reverse {
            records.reverse();
        }
        Ok(records)
    }

    // Cursors would add 1 KB to a page.
    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.scan_forwards(Scan::prefix(prefix)).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        // The batch is issued and its end is observed, so dropping the future changes nothing.
        let end = JsFuture::from(self.issue(None, batch));
        async { end.await.map(drop).map_err(fault::failed) }
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let end = JsFuture::from(self.issue(Some(expected), batch));
        async { is_applied(end.await) }
    }
}

/// Returns whether a batch was applied, or its condition did not hold.
fn is_applied(end: Result<JsValue, JsValue>) -> Result<bool, Error> {
    match end {
        Ok(_) => Ok(true),
        Err(event) if fault::is_abort_on_request(&event) => Ok(false),
        Err(error) => Err(fault::failed(error)),
    }
}
