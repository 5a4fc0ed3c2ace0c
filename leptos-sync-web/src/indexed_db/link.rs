use std::{cell::Cell, mem, rc::Rc};

use js_sys::{Error, Function, Promise};
use wasm_bindgen::JsValue;

use super::{
    clear::CLEARED,
    connection::{Connection, StorageEvent, Watcher},
    fault,
    sys::Database,
};
use crate::cell::RefCell;

/// A connection that opens on demand, and again after it was closed.
///
/// Operations that are issued while it is opening run afterwards in the same order, so batches keep
/// their order.
pub(super) struct Link {
    name: String,
    state: RefCell<State>,
    /// The version of the database when it was last opened. Infinite before that.
    version: Cell<f64>,
    /// Whether the app has cleared the database since this page opened it.
    is_cleared: Cell<bool>,
    /// Whether the connection has ended or is ending, and no other is open yet.
    has_ended: Cell<bool>,
    watcher: Watcher,
}

enum State {
    /// A connection was opened. It may have been closed since.
    Opened(Connection),
    /// A connection is being opened for the jobs in the list.
    Opening(Vec<Job>),
    /// There was no attempt yet, or the last one failed.
    Closed,
}

/// A function that issues an operation. The promise resolves when the operation ends.
type Work = dyn Fn(&Database) -> Result<Promise, JsValue>;

/// An operation to issue, and the functions that settle its promise.
struct Job {
    work: Box<Work>,
    resolve: Function,
    reject: Function,
    /// Whether a new connection is opened if the current one is closed. This happens once for each
    /// job.
    patient: bool,
}

impl Link {
    pub(super) fn new(name: &str) -> Rc<Self> {
        Rc::new(Self {
            name: name.to_owned(),
            state: RefCell::new(State::Closed),
            version: Cell::new(f64::INFINITY),
            is_cleared: Cell::default(),
            has_ended: Cell::default(),
            watcher: Watcher::default(),
        })
    }

    /// Calls `watch` before and after another tab or the browser ends the connection.
    pub(super) fn watch(self: &Rc<Self>, watch: impl Fn(StorageEvent) -> bool + 'static) {
        let this = Rc::downgrade(self);
        let watch = move |event| {
            if let Some(this) = this.upgrade() {
                this.has_ended.set(true);
            }
            watch(event)
        };
        self.watcher.replace(Some(Rc::new(watch)));
    }

    /// Returns whether the database is not known to be cleared, or closed and perhaps cleared.
    pub(super) fn is_current(&self) -> bool {
        !self.has_ended.get() && !self.is_cleared.get()
    }

    /// Returns whether the app has cleared the database since this page opened it. Then all
    /// operations fail.
    pub(super) fn is_cleared(&self) -> bool {
        self.is_cleared.get()
    }

    /// Returns whether no connection is open or being opened.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.state.borrow(), State::Closed)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Issues `work`, immediately if there is a connection, and otherwise as soon as one is open.
    /// The promise settles like the one that `work` returns.
    pub(super) fn issue(
        self: &Rc<Self>,
        work: impl Fn(&Database) -> Result<Promise, JsValue> + 'static,
    ) -> Promise {
        self.issue_boxed(Box::new(work))
    }

    #[inline(never)]
    fn issue_boxed(self: &Rc<Self>, work: Box<Work>) -> Promise {
        let mut work = Some(work);
        // The browser calls the closure once, before `new` returns.
        Promise::new(&mut |resolve, reject| {
            if let Some(work) = work.take() {
                self.take(Job {
                    work,
                    resolve,
                    reject,
                    patient: true,
                });
            }
        })
    }

    fn take(self: &Rc<Self>, mut job: Job) {
        let mut state = self.state.borrow_mut();
        match &mut *state {
            State::Opened(connection) => match (job.work)(connection.database()) {
                Err(error) if job.patient && fault::is(&error, fault::CLOSED) => {
                    job.patient = false
                }
                done => return job.end(done),
            },
            State::Opening(jobs) => return jobs.push(job),
            State::Closed => {}
        }
        *state = State::Opening(vec![job]);
        drop(state);
        let this = Rc::clone(self);
        Database::open(&self.name, move |database| this.opened(database));
    }

    fn opened(self: &Rc<Self>, database: Result<Database, JsValue>) {
        let (state, error) = match database.and_then(|database| self.check(database)) {
            Ok(connection) => (State::Opened(connection), None),
            Err(error) => (State::Closed, Some(error)),
        };
        let State::Opening(jobs) = mem::replace(&mut *self.state.borrow_mut(), state) else {
            return;
        };
        for job in jobs {
            match &error {
                Some(error) => job.end(Err(error.clone())),
                None => self.take(job),
            }
        }
    }

    /// Refuses a connection if the database was cleared since the last one.
    fn check(&self, database: Database) -> Result<Connection, JsValue> {
        let connection = Connection::new(database, Rc::clone(&self.watcher));
        let version = connection.version();
        let is_cleared = version >= self.version.replace(version) + CLEARED;
        self.is_cleared.set(self.is_cleared.get() || is_cleared);
        match self.is_cleared.get() {
            true => Err(Error::new(
                "the app has deleted the data of this database; reload the page",
            )
            .into()),
            false => {
                self.has_ended.set(false);
                Ok(connection)
            }
        }
    }
}

impl Job {
    fn end(self, done: Result<Promise, JsValue>) {
        // Neither function throws.
        let _ = match done {
            Ok(promise) => self.resolve.call1(&JsValue::UNDEFINED, &promise),
            Err(error) => self.reject.call1(&JsValue::UNDEFINED, &error),
        };
    }
}
