use std::{ptr, rc::Rc};

use leptos_sync_core::{Root, VersionVector};

use super::Keeper;
use crate::{live::Held, tabs::Told};

impl<S: Root> Keeper<S> {
    /// Tells the other tabs.
    pub(super) fn tell(&self, told: Told) {
        self.page.tell(ptr::from_ref(self), &self.name, &told);
    }

    /// Another tab tells something.
    pub(super) fn heard(self: &Rc<Self>, told: Told) {
        match told {
            Told::Edit(delta) => {
                self.claim(&delta);
                let joined = self
                    .doc
                    .join(&delta, |Held { doc, outbox }| outbox.take(doc, &delta));
                // What is wrong otherwise is so by a wrong clock, and comes again once that is known.
                if joined.is_err_and(|error| error.is_gap()) && !self.doc.status().is_loading() {
                    self.ask_others();
                }
            }
            Told::Version { version, answered } => self.answer(&version, answered),
            Told::Missing(delta) => {
                // What does not follow is of a tab that is not asked any more.
                let _ = self
                    .doc
                    .join(&delta, |Held { doc, outbox }| outbox.apply(doc, &delta));
            }
            Told::Rejected(upto, refusal) => self.reject(&upto, refusal),
            Told::Restamped(restamped) => {
                self.doc
                    .with_held(|Held { doc, outbox }| outbox.replace(doc, &restamped));
                self.doc.took_back();
                self.rewrite();
            }
        }
    }

    /// Asks the other tabs for what they have.
    pub(super) fn ask_others(&self) {
        self.tell(Told::Version {
            version: self.doc.version(),
            answered: false,
        });
    }

    /// Another tab has `version`: tells it what it lacks, and asks it for what is lacking here.
    fn answer(&self, version: &VersionVector, answered: bool) {
        let mut missing = Vec::new();
        let ours = self.doc.with_held(|Held { doc, outbox }| {
            if !version.covers(doc.version()) {
                let base = outbox.base(doc);
                if !version.covers(base.version()) {
                    // Where removals were forgotten, the storage and the relay have to tell.
                    missing.extend(base.delta_since(version).ok().map(Told::Missing));
                }
                let lacks = outbox.transactions();
                let lacks = lacks.filter(|delta| !version.covers(delta.upto()));
                missing.extend(lacks.cloned().map(Told::Edit));
            }
            doc.version().clone()
        });
        for told in missing {
            self.tell(told);
        }
        if !answered && !ours.covers(version) {
            self.tell(Told::Version {
                version: ours,
                answered: true,
            });
        }
    }
}
