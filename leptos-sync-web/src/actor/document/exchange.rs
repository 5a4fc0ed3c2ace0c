use std::{rc::Rc, sync::Arc};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Root, Snapshot, VersionVector, Window,
    sync::{Document, Permission, Reason, TabMessageKind},
};

use super::{DocumentActor, disk::Disk};
use crate::live::{Connection, DocState, Refusal};

/// A document as the relay's client sees it: what comes is shown, stored, and told to the other tabs where they cannot hear it
/// from the relay themselves.
pub(super) struct Exchanged<S: 'static>(pub(super) Rc<DocumentActor<S>>);

impl<S: Root> Document for Exchanged<S> {
    fn version(&self) -> VersionVector {
        let version = |state: &mut DocState<S>| state.outbox.version(&state.doc);
        self.0.doc.with_state(version)
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        // What was stamped anew is stored first: otherwise it would be, after a crash, once more.
        if self.0.disk.as_ref().is_some_and(Disk::is_stale) {
            return Ok(Vec::new());
        }
        let send_locks = self.0.page.send_locks();
        self.0.doc.with_state(|DocState { doc, outbox }| {
            outbox.pending(doc, relay, |replica| send_locks.has(replica))
        })
    }

    fn set_permission(&mut self, _: Permission) {}

    fn opened(&mut self, window: Window) {
        self.0.page.time.follow(window.now_ms);
        self.0.set_connection(Connection::Online, None);
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        let send_locks = self.0.page.send_locks();
        let (restamped, _) = self.0.doc.with_state(|DocState { doc, outbox }| {
            outbox.restamp(doc, window, |replica| send_locks.has(replica))
        })?;
        if !restamped.is_empty() {
            self.0.doc.rolled_back();
            self.0.tell(TabMessageKind::Restamped(restamped));
            self.0.rewrite();
        }
        self.0
            .doc
            .status()
            .change(&mut |status| status.clock_blocked = false);
        Ok(())
    }

    fn receive(&mut self, delta: &Delta) -> Result<(), Error> {
        let mut refused = Vec::new();
        let joined = self.0.doc.join(delta, &mut |DocState { doc, outbox }| {
            let received = outbox.receive(doc, delta)?;
            refused = received.refused;
            Ok(received.changes)
        });
        if let Err(error) = joined {
            let blocked = error.is_drift();
            self.0
                .doc
                .status()
                .change(&mut |status| status.clock_blocked = blocked);
            return Err(error);
        }
        self.0.save_received(delta);
        self.refused(refused);
        Ok(())
    }

    fn receive_snapshot(&mut self, parts: &[Snapshot]) -> Result<(), Error> {
        let receive =
            |state: &mut DocState<S>| state.outbox.receive_snapshot(&mut state.doc, parts);
        let received = self.0.doc.replace(receive)?;
        self.0.rewrite();
        self.refused(received.refused);
        Ok(())
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.0
            .doc
            .with_state(|DocState { outbox, .. }| outbox.acknowledge(upto));
        self.0.doc.update_pending();
        self.0.note_soon();
    }

    fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) {
        let text = text.to_owned();
        self.0.tell(TabMessageKind::Rejected {
            upto: upto.clone(),
            reason,
            text: text.clone(),
        });
        if reason == Reason::Forged {
            for (replica, _) in upto.iter() {
                self.0.page.retire(replica);
            }
        }
        self.0.reject(upto, Refusal { reason, text });
    }

    fn presence(&mut self, peer: ReplicaId, _: &str, data: &[u8]) {
        self.0.doc.status().change(&mut |status| {
            let mut peers = Vec::new();
            let mut here = Some((peer, data.to_vec()));
            for (known, theirs) in status.peers.iter() {
                match *known == peer {
                    true => peers.extend(here.take()),
                    false => peers.push((*known, theirs.clone())),
                }
            }
            peers.extend(here);
            peers.retain(|(_, data)| !data.is_empty());
            status.peers = Arc::new(peers);
        });
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        let text = text.to_owned();
        let connection = match reason.is_passing() {
            true => Connection::Offline,
            false => Connection::Refused,
        };
        let why = Arc::new(Refusal { reason, text });
        self.0.set_connection(connection, Some(why));
    }
}

impl<S: Root> Exchanged<S> {
    /// Transactions turned out to have been refused, whose answers were lost; they were taken back.
    fn refused(&mut self, refused: Vec<Delta>) {
        for delta in refused {
            self.0.tell(TabMessageKind::Rejected {
                upto: delta.upto().clone(),
                reason: Reason::Other,
                text: LOST.to_owned(),
            });
            self.0.undone(Refusal {
                reason: Reason::Other,
                text: LOST.to_owned(),
            });
        }
    }
}

/// What is said of a transaction whose refusal was lost.
const LOST: &str = "the relay has refused it, and its answer was lost";

impl<S: Root> DocumentActor<S> {
    /// Takes back what the relay has refused for good. What is in no transaction stays, and what was refused for its time, and is
    /// reported all the same.
    pub(super) fn reject(self: &Rc<Self>, upto: &VersionVector, refusal: Refusal) {
        let reject = |state: &mut DocState<S>| match refusal.reason.is_of_time() {
            true => None,
            false => state.outbox.reject(&mut state.doc, upto),
        };
        match self.doc.with_state(reject) {
            Some(_) => self.undone(refusal),
            None => {
                self.report(refusal);
                self.doc.update_pending();
            }
        }
        self.note_soon();
    }

    /// Something was taken back.
    fn undone(self: &Rc<Self>, refusal: Refusal) {
        self.doc.rolled_back();
        self.report(refusal);
        // Before anything else is stored: it would be found there as acknowledged.
        self.rewrite();
    }

    fn report(&self, refusal: Refusal) {
        let refusal = Some(Arc::new(refusal));
        self.doc
            .status()
            .change(&mut |status| status.rejected.clone_from(&refusal));
    }
}
