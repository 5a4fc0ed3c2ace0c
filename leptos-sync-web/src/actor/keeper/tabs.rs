use std::rc::Rc;

use leptos_sync_core::{
    Root, VersionVector,
    sync::{News, Told},
};

use super::Keeper;
use crate::live::{Held, Refusal};

impl<S: Root> Keeper<S> {
    /// Tells the other tabs.
    pub(super) fn tell(&self, news: News) {
        if let Some(tabs) = self.page.tabs() {
            let document = self.name.clone();
            tabs.tell(&Told { document, news });
        }
    }

    /// Another tab tells something.
    pub(super) fn heard(self: &Rc<Self>, news: News) {
        match news {
            News::Edit(delta) => {
                self.claim(&delta);
                let joined = self
                    .doc
                    .join(&delta, &mut |Held { doc, outbox }| outbox.take(doc, &delta));
                // What is wrong otherwise is so by a wrong clock, and comes again once that is known.
                if joined.is_err_and(|error| error.is_gap()) && !self.doc.status().is_loading() {
                    self.ask_others();
                }
            }
            News::Ask(version) => self.answer(&version, false),
            News::Answer(version) => self.answer(&version, true),
            News::Missing(delta) => {
                // What does not follow is of a tab that is not asked any more.
                let _ = self.doc.join(&delta, &mut |Held { doc, outbox }| {
                    outbox.apply(doc, &delta)
                });
            }
            News::Rejected { upto, reason, text } => self.reject(&upto, Refusal { reason, text }),
            News::Restamped(restamped) => {
                self.doc
                    .with_held(|Held { doc, outbox }| outbox.replace(doc, &restamped));
                self.doc.took_back();
                self.rewrite();
            }
        }
    }

    /// Asks the other tabs for what they have.
    pub(super) fn ask_others(&self) {
        self.tell(News::Ask(self.doc.version()));
    }

    /// Another tab has `version`: tells it what it lacks, and asks it for what is lacking here.
    fn answer(&self, version: &VersionVector, answered: bool) {
        let mut missing = Vec::new();
        let ours = self.doc.with_held(|Held { doc, outbox }| {
            if !version.covers(doc.version()) {
                let base = outbox.base(doc);
                if !version.covers(base.version()) {
                    // Where removals were forgotten, the storage and the relay have to tell.
                    if let Ok(delta) = base.delta_since(version) {
                        missing.push(News::Missing(delta));
                    }
                }
                for delta in outbox.transactions() {
                    if !version.covers(delta.upto()) {
                        missing.push(News::Edit(delta.clone()));
                    }
                }
            }
            doc.version().clone()
        });
        for news in missing {
            self.tell(news);
        }
        if !answered && !ours.covers(version) {
            self.tell(News::Answer(ours));
        }
    }
}
