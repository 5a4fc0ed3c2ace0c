//! The task that owns everything that cannot leave the browser's thread: the database, the
//! page's events, and the connection to the relay.
//!
//! The reactive side attaches documents to it and fills their mailboxes. The task reports through
//! their status signals. No other part of this crate uses a browser object.

mod document;
mod events;
mod page;
pub(crate) mod renewal;

use std::{rc::Rc, sync::Arc, time::Duration};

use leptos::prelude::*;
use leptos_sync_core::Root;
use send_wrapper::SendWrapper;

use self::{document::start, page::Page};
use crate::{
    live::{LiveDoc, Mailbox, StatusSignal},
    provider::Options,
    task::{after, spawn},
};

/// A handle to the task.
pub(crate) struct Actor {
    jobs: Arc<Mailbox<Job>>,
}

/// A job that the task runs once the storage is open or has failed to open.
type Job = Box<dyn FnOnce(&Rc<Page>) + Send>;

impl Actor {
    /// Starts the task.
    pub(crate) fn start(options: Options) -> Self {
        let jobs = Arc::new(Mailbox::<Job>::new());
        let mailbox = Arc::clone(&jobs);
        spawn(async move {
            let page = SendWrapper::new(Page::open(options).await);
            mailbox.open(Arc::new(move |job: Job| job(&page)));
        });
        Self { jobs }
    }

    /// Loads a document, and then saves and exchanges it.
    pub(crate) fn attach<S: Root>(&self, name: &str, doc: LiveDoc<S>) {
        let name = name.to_owned();
        self.jobs.push(Box::new(move |page| start(page, name, doc)));
    }

    /// Sets the credentials for the relay.
    pub(crate) fn set_credentials(&self, credentials: Vec<u8>) {
        self.jobs
            .push(Box::new(move |page| page.set_credentials(credentials)));
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Runs `work` after the browser's current task.
pub(crate) fn run_soon(work: impl FnOnce() + 'static) {
    after(Duration::ZERO, work);
}

/// Asks the browser for persistent storage at the first edit.
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
