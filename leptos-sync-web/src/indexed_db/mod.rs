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

use futures::{channel::oneshot, future::LocalBoxFuture};
use leptos_sync_core::{Batch, Error, Record, Scan, Storage};
use wasm_bindgen::JsValue;

use link::Link;
use sys::Database;

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
        let link = Link::open(name).await?;
        Ok(Self { link })
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// Does a piece of reading, and does it again on a new connection where the one at hand turns out to be closing.
    async fn read<T>(
        &self,
        work: impl AsyncFn(&Database) -> Result<T, JsValue>,
    ) -> Result<T, Error> {
        let mut is_again = false;
        loop {
            let connection = self.link.connection().await?;
            match work(connection.database()).await {
                Err(error) if !is_again && fault::is_closed(&error) => connection.close(),
                done => return done.map_err(fault::failed),
            }
            is_again = true;
        }
    }
}

impl Storage for IndexedDbStorage {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let values = self.get_many(&[key]).await?;
        Ok(values.into_iter().next().flatten())
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.read(async |database| read::get_many(database, keys).await)
            .await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        if scan.is_empty() || scan.limit == Some(0) {
            return Ok(Vec::new());
        }
        // Behind a pointer, so that a page has the code once and not in every caller.
        let records: LocalBoxFuture<'_, _> =
            Box::pin(self.read(async |database| read::scan(database, &scan).await));
        records.await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let (done, outcome) = oneshot::channel();
        write::commit(&self.link, batch, done);
        async {
            outcome.await.unwrap_or_else(|_| {
                Err(Error::storage("a batch was dropped before it was applied"))
            })
        }
    }
}
