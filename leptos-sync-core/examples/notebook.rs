//! A notebook on a server: pages that are documents, and a table of contents that is a collection.
//!
//! - Pages load on first use and are evicted when they are unused ([`LazyPool`]).
//! - The storage compresses values, caches frequent reads, and reports metrics.
//! - Subscribers follow a page through a bounded stream of its changes.
//!
//! ```sh
//! cargo run -p leptos-sync-core --example notebook
//! ```

use std::{
    error::Error as StdError,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use leptos_sync_core::{
    Clock, Collection, Crdt, Delta, Doc, Error, Id, LwwMap, LwwRegister, ReplicaId, Tx,
    clock::SystemTime,
    engine::DocStore,
    index::{Index, Schema},
    lazy::{Evictable, LazyPool},
    storage::{
        CacheLimits, CachedStorage, CompressedStorage, MemoryStorage, MeteredStorage, Storage,
    },
    stream::{ChangeSender, ChangeStream},
};
use parking_lot::Mutex;

/// The lines of a page. Each has its own id, so if two users add a line at the same time, both
/// remain.
#[derive(Crdt, Clone, Default)]
struct Page {
    lines: LwwMap<Id, String>,
}

/// An entry of the table of contents.
#[derive(Crdt, Clone, Default)]
struct Entry {
    title: LwwRegister<String>,
}

/// The layers of the storage. The cache answers frequent reads. Below it, metrics count the
/// operations that reach the storage, which is compressed. A real server has a database instead of
/// the memory storage.
type Store = CachedStorage<MeteredStorage<CompressedStorage<MemoryStorage>>>;

fn store() -> Store {
    let limits = CacheLimits {
        bytes: 1024 * 1024,
        ttl_ms: 60_000,
    };
    let compressed = CompressedStorage::new(MemoryStorage::new());
    let metered = MeteredStorage::new(compressed, "notebook", SystemTime);
    CachedStorage::new(metered, limits, SystemTime)
}

/// A page in memory, with its storage.
struct OpenPage {
    doc: Mutex<Doc<Page>>,
    store: Mutex<DocStore<Store>>,
    unsaved: AtomicUsize,
    changes: ChangeSender<Delta>,
}

impl Evictable for OpenPage {
    fn is_saved(&self) -> bool {
        self.unsaved.load(Ordering::Acquire) == 0
    }
}

impl OpenPage {
    async fn load(store: Store, id: Id) -> Result<Self, Error> {
        // Use a new replica id for each load, since operations under the last one may be lost.
        let clock = Clock::system(ReplicaId::random()?);
        let mut store = DocStore::new(store, &id.to_string())?;
        let doc = store.load(clock).await?.doc;
        Ok(Self {
            doc: Mutex::new(doc),
            store: Mutex::new(store),
            unsaved: AtomicUsize::new(0),
            changes: ChangeSender::new(),
        })
    }

    /// Edits the page, and returns when the edit is stored.
    async fn edit(&self, edit: impl FnOnce(&mut Tx<'_, Page>)) -> Result<(), Error> {
        let delta = self.doc.lock().transact(edit)?.delta;
        // A page whose edits could not be stored is never evicted.
        self.unsaved.fetch_add(1, Ordering::AcqRel);
        let write = self.store.lock().log(std::slice::from_ref(&delta));
        let committed = self.store.lock().storage().commit(write.batch);
        committed.await?;
        self.store.lock().committed(write.receipt);
        self.unsaved.fetch_sub(1, Ordering::AcqRel);
        self.changes.send(delta);
        Ok(())
    }
}

/// A reader that follows a page with its own copy, even if it is slow.
struct Follower {
    page: Arc<OpenPage>,
    changes: ChangeStream<Delta>,
    copy: Doc<Page>,
}

impl Follower {
    fn new(page: Arc<OpenPage>) -> Result<Self, Error> {
        // Subscribe before copying the page, so that no change is missed in between.
        let changes = page.changes.subscribe();
        let copy = page.doc.lock().fork(ReplicaId::random()?);
        Ok(Self {
            page,
            changes,
            copy,
        })
    }

    /// Applies the next change. If the reader missed changes, it requests all that it lacks.
    async fn follow(&mut self) -> Result<(), Error> {
        match self.changes.next().await {
            Some(Ok(delta)) => self.copy.apply(&delta)?,
            Some(Err(_lagged)) => {
                let missing = self.page.doc.lock().delta_since(self.copy.version())?;
                self.copy.apply(&missing)?
            }
            None => return Ok(()),
        };
        Ok(())
    }
}

/// The observations of the program.
#[derive(Debug, PartialEq)]
struct Seen {
    lines: usize,
    followed: usize,
    open: usize,
    titles: Vec<String>,
}

async fn run() -> Result<Seen, Box<dyn StdError>> {
    const PAGES: usize = 200;
    const OPEN: usize = 8;

    let store = store();
    let by_title = Index::new("title", |entry: &Entry| entry.title.get().clone());
    let clock = Clock::system(ReplicaId::random()?);
    let schema = Schema::new(1).index(&by_title);
    let contents = Collection::<_, Id, Entry>::open(store.clone(), "contents", schema, clock);
    let contents = contents.await?;
    let pages = LazyPool::with_room(OPEN, async |id: &Id| {
        OpenPage::load(store.clone(), *id).await
    });

    let ids: Vec<Id> = std::iter::repeat_with(Id::new).take(PAGES).collect();
    for (n, id) in ids.iter().enumerate() {
        let title = format!("Page {n:03}");
        contents
            .insert(id, |entry| entry.title().set(title.clone()))
            .await?;
        let page = pages.open(id).await?;
        page.edit(|tx| {
            tx.lines()
                .insert(Id::new(), format!("The first line of {title}"))
        })
        .await?;
    }

    // Most pages are evicted by now. Each is loaded again with its line.
    let mut lines = 0;
    for id in &ids {
        lines += pages.open(id).await?.doc.lock().state().lines.len();
    }

    // One user follows the edits of another.
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return Err("there are no pages".into());
    };
    let page = pages.open(first).await?;
    let mut follower = Follower::new(Arc::clone(&page))?;
    page.edit(|tx| tx.lines().insert(Id::new(), "A second line".to_owned()))
        .await?;
    follower.follow().await?;

    // All users who open the notebook read the first titles, which come from the cache.
    let mut titles = Vec::new();
    for entry in contents
        .get_batch([first, last])
        .await?
        .into_iter()
        .flatten()
    {
        titles.push(entry.title.get().clone());
    }
    Ok(Seen {
        lines,
        followed: follower.copy.state().lines.len(),
        open: pages.len(),
        titles,
    })
}

#[expect(clippy::print_stdout, reason = "the program shows what it has seen")]
fn main() -> Result<(), Box<dyn StdError>> {
    println!("{:#?}", block_on(run())?);
    Ok(())
}

/// Runs a future to completion. A server uses a runtime for this, such as tokio.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_return_after_their_eviction_and_a_follower_sees_each_edit() {
        let seen = block_on(run()).unwrap();
        let titles = vec!["Page 000".to_owned(), "Page 199".to_owned()];
        let expected = Seen {
            lines: 200,
            followed: 2,
            open: 8,
            titles,
        };
        assert_eq!(seen, expected);
    }
}
