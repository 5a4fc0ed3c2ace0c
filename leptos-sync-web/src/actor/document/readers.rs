//! Edits that wait on this device, because the user may only read the document.

use std::{rc::Rc, sync::Arc};

use leptos_sync_core::{
    Root,
    sync::{Permission, Reason},
};

use super::DocumentActor;
use crate::live::{AnyState, Rejection};

/// The report about these edits.
const WAITING: &str = "this user may read this document, but not edit it; the edits stay on this \
                       device, and are sent when the user may edit";

impl<S: Root> DocumentActor<S> {
    /// Lists the user's unsent edits if the user may only read. The report has the state with all
    /// of them, and replaces an earlier one.
    pub(super) fn list_waiting(self: &Rc<Self>) {
        let status = self.doc.status();
        if status.permission() != Some(Permission::Read) {
            return;
        }
        let (last, state) = self.doc.with_replica(|replica| {
            let user = replica.user();
            let mut entries = replica.entries().iter().map(|one| one.entry()).rev();
            let last = entries.find(|entry| {
                let is_waiting = entry.stored.is_none() && !entry.cells.is_empty();
                is_waiting && self.may_send(entry, user)
            });
            (last.map(|entry| entry.id), replica.doc().shared_state())
        });
        let Some(last) = last else {
            return;
        };
        if self.listed.replace(last) != last {
            let message = WAITING.to_owned();
            let state = Some(state as AnyState);
            let status = Arc::downgrade(status);
            let waiting =
                Rejection::by_relay(status, Reason::Forbidden, message, state, Vec::new());
            self.doc.status().relist(&is_waiting, Some(waiting));
        }
    }

    /// Removes the report, because the user may edit.
    pub(super) fn drop_waiting(&self) {
        self.listed.take();
        self.doc.status().relist(&is_waiting, None);
    }
}

fn is_waiting(rejection: &Rejection) -> bool {
    rejection.message() == WAITING
}
