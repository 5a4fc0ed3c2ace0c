//! Batches as transactions.
//!
//! A page that is being closed gets no second chance: whatever was not handed to the browser by then is lost. So a
//! batch is issued, with all its requests and the transaction's explicit `commit()`, before [`commit`] returns, and the
//! task that waits for its end belongs to nobody who could drop it. (Requests begin when they are built, and the
//! library's `commit` reaches the browser before its first suspension: one poll carries the whole batch out.)

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::channel::oneshot;
use indexed_db_futures::{
    Build, Result as IdbResult,
    database::Database,
    error::Error as IdbError,
    internals::SystemRepr,
    transaction::{Transaction, TransactionDurability, TransactionMode, TransactionOptions},
};
use leptos_sync_core::{Batch, Error, Write};
use wasm_bindgen_futures::spawn_local;

use super::{STORE, bytes::Bytes, connection::Connection, fault, link::Link};

/// Where a batch's end is reported, if anybody still listens.
pub(super) type Done = oneshot::Sender<Result<(), Error>>;

/// How often a batch may meet a connection that turns out to be closing.
const ATTEMPTS: u8 = 2;

/// Issues a batch: at once on an open connection, else in its turn when the connection was opened again.
pub(super) fn commit(link: &Rc<Link>, batch: Batch, done: Done) {
    attempt(link, batch, done, ATTEMPTS);
}

fn attempt(link: &Rc<Link>, batch: Batch, done: Done, attempts: u8) {
    let again = Rc::clone(link);
    link.when_open(move |opened| {
        let connection = match opened {
            Ok(connection) => connection,
            Err(error) => return report(done, Err(error)),
        };
        let mut transaction = Box::pin(apply(Rc::clone(&connection), batch));
        match poll_once(transaction.as_mut()) {
            Poll::Pending => {
                spawn_local(
                    async move { report(done, transaction.await.map_err(Failure::into_error)) },
                )
            }
            Poll::Ready(Err(Failure::Closed(batch, _))) if attempts > 1 => {
                connection.close();
                attempt(&again, batch, done, attempts - 1);
            }
            Poll::Ready(outcome) => report(done, outcome.map_err(Failure::into_error)),
        }
    });
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn report(done: Done, outcome: Result<(), Error>) {
    // The future that listens may have been dropped.
    let _ = done.send(outcome);
}

enum Failure {
    /// The connection is closing: nothing was issued, and the batch may try another one.
    Closed(Batch, IdbError),
    Failed(Error),
}

impl Failure {
    fn into_error(self) -> Error {
        match self {
            Self::Closed(_, error) => fault::failed(error),
            Self::Failed(error) => error,
        }
    }
}

/// Applies a batch in a transaction of its own. Everything but the waiting happens in the first poll.
async fn apply(connection: Rc<Connection>, batch: Batch) -> Result<(), Failure> {
    let transaction = match begin(connection.database(), batch.is_strict()) {
        Ok(transaction) => transaction,
        Err(error) if fault::is_closed(&error) => return Err(Failure::Closed(batch, error)),
        Err(error) => return Err(Failure::Failed(fault::failed(error))),
    };
    // An error here drops the transaction, and that aborts it.
    request(&transaction, batch).map_err(|error| Failure::Failed(fault::failed(error)))?;
    let raw = transaction.as_sys().clone();
    transaction
        .commit()
        .await
        .map_err(|error| Failure::Failed(fault::aborted(raw.error(), error)))
}

fn begin(database: &Database, strict: bool) -> IdbResult<Transaction<'_>> {
    let durability = if strict {
        TransactionDurability::Strict
    } else {
        TransactionDurability::Relaxed
    };
    database
        .transaction(STORE)
        .with_mode(TransactionMode::Readwrite)
        .with_options(TransactionOptions::new().with_durability(durability))
        .build()
}

/// Builds the requests of a batch, in order. Their ends are not awaited one by one: the transaction's says it all.
fn request(transaction: &Transaction<'_>, batch: Batch) -> IdbResult<()> {
    let store = transaction.object_store(STORE)?;
    for write in batch.into_writes() {
        match write {
            Write::Put(key, value) => drop(
                store
                    .put(Bytes(&value))
                    .with_key(Bytes(&key))
                    .without_key_type()
                    .build()?,
            ),
            Write::Delete(key) => drop(store.delete::<Bytes<'_>, _>(Bytes(&key)).build()?),
        }
    }
    Ok(())
}
