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
use leptos_sync_core::{Error, Root};
use send_wrapper::SendWrapper;

pub(crate) use self::document::discard::discard;
use self::{document::start, page::Page};
use crate::{
    cell::RefCell,
    live::{LiveDoc, StatusSignal},
    provider::Options,
    task::{after, spawn},
};

/// The error of a document that is opened too late.
const GONE: &str = "the component that called `provide_sync` is gone";

/// The owner of the page's state.
pub(crate) struct Actor {
    /// Empty once it is closed.
    page: SendWrapper<RefCell<Option<Rc<Page>>>>,
}

impl Actor {
    pub(crate) fn start(options: Options) -> Self {
        let page = RefCell::new(Some(Page::open(options)));
        Self {
            page: SendWrapper::new(page),
        }
    }

    /// Loads a document, and then saves and exchanges it.
    pub(crate) fn attach<S: Root>(&self, name: &str, doc: LiveDoc<S>) {
        match self.page() {
            Some(page) => start(&page, name.to_owned(), doc),
            None => {
                doc.status().close();
                doc.status().keep_in_memory(Error::unavailable(GONE), 0);
            }
        }
    }

    /// Sets the credentials for the relay, and the user if another one has signed in.
    pub(crate) fn set_credentials(&self, credentials: Vec<u8>, user: Option<u64>) {
        if let Some(page) = self.page() {
            page.set_credentials(credentials, user);
        }
    }

    /// Saves what is not stored, and releases everything that the browser would keep.
    pub(crate) fn close(&self) {
        if let Some(page) = self.page.replace(None) {
            page.close();
        }
    }

    fn page(&self) -> Option<Rc<Page>> {
        self.page.borrow().clone()
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
