use std::{ptr, rc::Rc};

use leptos_sync_core::{
    Root, VersionVector,
    sync::{TabMessage, TabMessageKind},
};

use super::{DocumentActor, Timer};
use crate::live::DocState;

impl<S: Root> DocumentActor<S> {
    /// Tells the other tabs.
    pub(super) fn tell(&self, kind: TabMessageKind) {
        let document = self.name.clone();
        self.page
            .tell(ptr::from_ref(self), &TabMessage { document, kind });
    }

    /// Another tab tells something.
    pub(super) fn heard(self: &Rc<Self>, kind: TabMessageKind) {
        match kind {
            TabMessageKind::Edit(delta) => {
                self.claim(delta.upto(), false);
                let joined = self.doc.join(&delta, &mut |DocState { doc, outbox }| {
                    outbox.take(doc, &delta)
                });
                match joined {
                    // It may be for this page to send.
                    Ok(()) => self.push(),
                    Err(error) if error.is_gap() => {
                        self.has_gap.set(true);
                        self.ask_again();
                    }
                    // What is wrong otherwise is so by a wrong clock, and comes again once that is known.
                    Err(_) => {}
                }
            }
            TabMessageKind::Request(version) => self.answer(&version, false),
            TabMessageKind::Reply(version) => self.answer(&version, true),
            TabMessageKind::Missing(delta) => {
                // What does not follow is of a tab that is not asked any more.
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
                // What had the wrong stamps was not joined here, if the clock is right.
                for one in &restamped {
                    self.heard(TabMessageKind::Edit(one.delta.clone()));
                }
                self.rewrite();
            }
        }
    }

    /// Asks the other tabs for what they have.
    pub(super) fn ask_others(&self) {
        self.tell(TabMessageKind::Request(self.doc.version()));
    }

    /// Asks the other tabs if something is missing, unless they were asked just now: they may not have it.
    pub(super) fn ask_again(self: &Rc<Self>) {
        if !self.is_set(Timer::Ask) && self.has_gap.replace(false) {
            self.after(Timer::Ask);
            self.ask_others();
        }
    }

    /// Another tab has `version`: tells it what it lacks, and asks it for what is lacking here.
    fn answer(&self, version: &VersionVector, answered: bool) {
        let mut missing = Vec::new();
        let ours = self.doc.with_state(|DocState { doc, outbox }| {
            if !version.covers(doc.version()) {
                let base = outbox.base(doc);
                if !version.covers(base.version()) {
                    // Where removals were forgotten, the storage and the relay have to tell.
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
            self.tell(kind);
        }
        if !answered && !ours.covers(version) {
            self.tell(TabMessageKind::Reply(ours));
        }
    }
}
