use std::{rc::Rc, sync::Arc};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Root, Snapshot, VersionVector,
    clock::Window,
    sync::{Document, Permission, Reason, TabMessageKind},
};

use super::{DocumentActor, disk::Disk};
use crate::live::{AnyState, Cause, Connection, DocState, Present, Rejection};

/// The implementation of [`Document`], which the client of the relay calls. Operations from the
/// relay are shown, stored, and forwarded to tabs that cannot receive them themselves.
pub(super) struct Exchanged<S: 'static>(pub(super) Rc<DocumentActor<S>>);

impl<S: Root> Document for Exchanged<S> {
    fn version(&self) -> VersionVector {
        let version = |state: &mut DocState<S>| state.outbox.version(&state.doc);
        self.0.doc.with_state(version)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        // Store restamped transactions before sending them. Otherwise they would be restamped again
        // after a crash.
        if self.0.disk.get().is_some_and(Disk::is_stale) {
            return Ok(Vec::new());
        }
        let send_locks = self.0.page.send_locks();
        self.0.doc.with_state(|DocState { doc, outbox }| {
            outbox.pending(doc, relay, |replica| send_locks.has(replica))
        })
    }

    fn set_permission(&mut self, permission: Permission) {
        let status = self.0.doc.status();
        status.change(&mut |status| status.permission = Some(permission));
        self.0.write_received_soon();
    }

    fn opened(&mut self, window: Window) {
        self.0.page.time.follow(window.now_ms);
        self.0.doc.status().change(&mut |status| {
            // The relay sends the presence of the others again.
            status.peers = Arc::default();
            status.connection = Connection::Online;
        });
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let send_locks = self.0.page.send_locks();
        let (restamped, _) = self.0.doc.with_state(|DocState { doc, outbox }| {
            outbox.restamp(doc, window, |replica| send_locks.has(replica))
        })?;
        if !restamped.is_empty() {
            self.0.doc.rolled_back();
            self.0.send_to_tabs(TabMessageKind::Restamped(restamped));
            self.0.rewrite();
        }
        Ok(())
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let (mut rejected, mut before) = (Vec::new(), None);
        self.0.doc.join(delta, &mut |DocState { doc, outbox }| {
            let received = outbox.receive(doc, delta)?;
            (rejected, before) = (received.rejected, received.before);
            Ok(received.changes)
        })?;
        self.0.save_received(delta);
        self.rejected_silently(rejected, before);
        Ok(())
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let receive =
            |state: &mut DocState<S>| state.outbox.receive_snapshot(&mut state.doc, parts);
        let received = self.0.doc.replace(receive)?;
        self.0.rewrite();
        self.rejected_silently(received.rejected, received.before);
        Ok(())
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.0
            .doc
            .with_state(|DocState { outbox, .. }| outbox.acknowledge(upto));
        self.0.doc.update_pending();
        self.0.write_received_soon();
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        let text = text.to_owned();
        self.0.send_to_tabs(TabMessageKind::Rejected {
            upto: upto.clone(),
            reason,
            text: text.clone(),
        });
        if reason == Reason::Forged {
            for (replica, _) in upto.iter() {
                self.0.page.retire(replica);
            }
        }
        self.0.reject(upto, reason, text);
    }

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        self.0.doc.status().change(&mut |status| {
            let mut peers = status.peers.to_vec();
            let present = Present {
                id: peer,
                user: user.to_owned(),
                data: data.to_vec(),
            };
            match peers.iter_mut().find(|known| known.id == peer) {
                Some(known) => *known = present,
                None => peers.push(present),
            }
            peers.retain(|present| !present.data.is_empty());
            status.peers = Arc::new(peers);
        });
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        let message = text.into();
        let cause = Cause::Relay { reason, message };
        // In these cases, the client opens the document again by itself.
        let is_temporary = reason.is_temporary() || reason == Reason::TooManyDocuments;
        self.0.set_connection(match is_temporary {
            true => Connection::Offline(cause),
            false => Connection::Refused(cause),
        });
    }
}

impl<S: Root> Exchanged<S> {
    /// Reports transactions that were rolled back because the relay had rejected them and its
    /// answers were lost. `before` is the state with the transactions.
    fn rejected_silently(&mut self, rejected: Vec<Delta>, before: Option<Arc<S>>) {
        for delta in rejected {
            self.0.send_to_tabs(TabMessageKind::Rejected {
                upto: delta.upto().clone(),
                reason: Reason::Other,
                text: LOST.to_owned(),
            });
            let before = before.clone().map(|before| before as AnyState);
            self.0
                .undone(delta.upto(), Reason::Other, LOST.to_owned(), before);
        }
    }
}

/// The message for a rejection whose answer was lost.
const LOST: &str = "the relay rejected the edit, and its answer was lost";

impl<S: Root> DocumentActor<S> {
    /// Rolls back a transaction that the relay has rejected for good. Operations outside
    /// transactions stay, and so does a transaction that was rejected for its timestamp. Both are
    /// reported, unless they were settled before.
    pub(super) fn reject(self: &Rc<Self>, upto: &VersionVector, reason: Reason, message: String) {
        let mut is_settled = false;
        let rejected = self.doc.with_state(|DocState { doc, outbox }| {
            is_settled = outbox.acknowledged().covers(upto);
            match reason.concerns_time() {
                true => None,
                false => outbox.reject(doc, upto),
            }
        });
        match rejected {
            Some(rejected) => self.undone(upto, reason, message, Some(rejected.before)),
            None if is_settled => {}
            None => {
                self.list(upto, reason, message, None);
                self.doc.update_pending();
            }
        }
        self.write_received_soon();
    }

    /// Reports a transaction that was rolled back. `before` is the state with the transaction.
    fn undone(
        self: &Rc<Self>,
        upto: &VersionVector,
        reason: Reason,
        message: String,
        before: Option<AnyState>,
    ) {
        self.doc.rolled_back();
        self.list(upto, reason, message, before);
        // Rewrite before anything else is stored. Otherwise the storage would contain the
        // transaction as acknowledged.
        self.rewrite();
    }

    /// Lists the rejection of a transaction.
    fn list(&self, upto: &VersionVector, reason: Reason, message: String, state: Option<AnyState>) {
        let version = self.doc.with_state(|state| state.doc.version().clone());
        let status = self.doc.status();
        let rejection =
            Rejection::by_relay(Arc::downgrade(status), reason, message, state, version);
        status.reject_by_relay(rejection, upto);
    }
}
