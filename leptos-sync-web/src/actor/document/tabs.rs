use std::{ptr, rc::Rc};

use leptos_sync_core::{
    Root, VersionVector,
    sync::{TabMessage, TabMessageKind},
};

use super::{DocumentActor, Timer};
use crate::live::DocState;

impl<S: Root> DocumentActor<S> {
    /// Sends a message to the other tabs.
    pub(super) fn send_to_tabs(&self, kind: TabMessageKind) {
        let document = self.name.clone();
        self.page
            .send_to_tabs(ptr::from_ref(self), &TabMessage { document, kind });
    }

    /// Handles a message from another tab.
    pub(super) fn handle_message(self: &Rc<Self>, kind: TabMessageKind) {
        match kind {
            TabMessageKind::Edit(delta) => {
                self.claim(delta.upto(), false);
                let joined = self.doc.join(&delta, &mut |DocState { doc, outbox }| {
                    outbox.take(doc, &delta)
                });
                match joined {
                    // This page may have to send the transaction.
                    Ok(()) => self.push(),
                    Err(error) if error.is_gap() => {
                        self.has_gap.set(true);
                        self.ask_others_again();
                    }
                    // Any other error results from a wrong clock. The page receives the operations
                    // again once it knows the time.
                    Err(_) => {}
                }
            }
            TabMessageKind::Request(version) => self.answer(&version, false),
            TabMessageKind::Reply(version) => self.answer(&version, true),
            TabMessageKind::Missing(delta) => {
                // An error is a gap: the message answers an outdated request.
                let _ = self.doc.join(&delta, &mut |DocState { doc, outbox }| {
                    outbox.apply(doc, &delta)
                });
            }
            TabMessageKind::Rejected { upto, reason, text } => {
                self.reject(&upto, reason, text);
            }
            TabMessageKind::Restamped(restamped) => {
                self.doc
                    .with_state(|DocState { doc, outbox }| outbox.replace(doc, &restamped));
                self.doc.rolled_back();
                // A page with a correct clock has not joined the operations with the old stamps.
                for one in &restamped {
                    self.handle_message(TabMessageKind::Edit(one.delta.clone()));
                }
                self.rewrite();
            }
        }
    }

    /// Requests from the other tabs all operations that this tab lacks.
    pub(super) fn ask_others(&self) {
        self.send_to_tabs(TabMessageKind::Request(self.doc.version()));
    }

    /// Requests missing operations from the other tabs, if there are any. Does nothing if a request
    /// was sent recently, since the other tabs may not have them.
    pub(super) fn ask_others_again(self: &Rc<Self>) {
        if !self.is_set(Timer::Ask) && self.has_gap.replace(false) {
            self.after(Timer::Ask);
            self.ask_others();
        }
    }

    /// Handles the version of another tab: sends the operations that it lacks, and requests those
    /// that this tab lacks.
    fn answer(&self, version: &VersionVector, answered: bool) {
        let mut missing = Vec::new();
        let ours = self.doc.with_state(|DocState { doc, outbox }| {
            if !version.covers(doc.version()) {
                let base = outbox.base(doc);
                if !version.covers(base.version()) {
                    // If tombstones were forgotten, there is no such delta. The other tab then
                    // receives the state from the storage or the relay.
                    if let Ok(delta) = base.delta_since(version) {
                        missing.push(TabMessageKind::Missing(delta));
                    }
                }
                for delta in outbox.transactions() {
                    if !version.covers(delta.upto()) {
                        missing.push(TabMessageKind::Edit(delta.clone()));
                    }
                }
            }
            doc.version().clone()
        });
        for kind in missing {
            self.send_to_tabs(kind);
        }
        if !answered && !ours.covers(version) {
            self.send_to_tabs(TabMessageKind::Reply(ours));
        }
    }
}
