//! The task that owns what cannot leave the browser's thread: the database, the lease, the page's events.
//!
//! The reactive side hands it documents to keep and fills their outboxes; it answers through their status signals.
//! Nothing else of this crate touches a browser object.

mod backend;
mod keeper;
mod page;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_sync_core::Root;
use send_wrapper::SendWrapper;

use self::{backend::Backend, keeper::keep};
use crate::{
    live::{LiveDoc, Outbox, StatusSignal},
    task::spawn,
};

/// A handle to the task, for the reactive side.
pub(crate) struct Actor {
    jobs: Arc<Outbox<Job>>,
}

/// What the task is asked to do once the storage is open, or is known not to open.
type Job = Box<dyn FnOnce(&Backend) + Send>;

impl Actor {
    /// Starts the task on the database of that name.
    pub(crate) fn start(database: String) -> Self {
        let jobs = Arc::new(Outbox::<Job>::new());
        let outbox = Arc::clone(&jobs);
        spawn(async move {
            let backend = SendWrapper::new(Backend::open(&database).await);
            outbox.open(Arc::new(move |job: Job| job(&backend)));
        });
        Self { jobs }
    }

    /// Loads the document and saves it from now on.
    pub(crate) fn keep<S: Root>(&self, name: &str, doc: LiveDoc<S>) {
        let name = name.to_owned();
        let job: Job = Box::new(move |backend| keep(backend, &name, doc));
        self.jobs.push(job);
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Asks for persistence when the first edit is made.
pub(crate) fn ask_persistence(unsaved: StatusSignal<usize>) {
    let asked = StoredValue::new(false);
    Effect::new(move || {
        if unsaved.get() > 0 && !asked.get_value() {
            asked.set_value(true);
            spawn(async {
                crate::persistence::request_persistence().await;
            });
        }
    });
}
