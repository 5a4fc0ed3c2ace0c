//! The owner of everything that cannot leave the browser's thread: the database, the page's events,
//! and the connection to the relay.
//!
//! The reactive side attaches documents to it and fills their mailboxes. It reports through their
//! status signals. No other part of this crate uses a browser object.

mod document;
mod events;
mod page;
pub(crate) mod renewal;

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;
use leptos_sync_core::Root;
use send_wrapper::SendWrapper;

pub(crate) use self::document::discard::discard;
use self::{document::start, page::Page};
use crate::{
    live::{LiveDoc, StatusSignal},
    provider::Options,
    task::{after, spawn},
};

/// The owner of the page's state.
pub(crate) struct Actor {
    page: SendWrapper<Rc<Page>>,
}

impl Actor {
    pub(crate) fn start(options: Options) -> Self {
        let page = SendWrapper::new(Page::open(options));
        Self { page }
    }

    /// Loads a document, and then saves and exchanges it.
    pub(crate) fn attach<S: Root>(&self, name: &str, doc: LiveDoc<S>) {
        start(&self.page, name.to_owned(), doc);
    }

    /// Sets the credentials for the relay, and the user if another one has signed in.
    pub(crate) fn set_credentials(&self, credentials: Vec<u8>, user: Option<u64>) {
        self.page.set_credentials(credentials, user);
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
