//! Many documents on one connection, permissions, and presence.

use super::*;
use crate::{clock::Stamp, codec::CellRef, path::Path};

impl Talk {
    fn close(&mut self, channel: Channel, reason: Reason) {
        self.hear(&Response::Closed {
            channel,
            reason,
            text: "no".to_owned(),
        });
    }
}

/// Returns the channels of the documents that were opened.
fn asked_for(said: &[Request]) -> Vec<u32> {
    let mut channels = Vec::new();
    for request in said {
        if let Request::Open { channel, .. } = request {
            channels.push(channel.0);
        }
    }
    channels
}

#[test]
fn a_document_beyond_the_relays_limit_is_opened_once_another_is_left() {
    let mut talk = Talk::begin();
    let beyond = Recorder::default();
    talk.client.open("second", 0, beyond.clone()).unwrap();
    talk.client.open("third", 0, Recorder::default()).unwrap();
    talk.said();
    talk.welcome();
    assert_eq!(asked_for(&talk.said()), [0, 1, 2]);
    talk.opened(VersionVector::new());
    for channel in [1, 2] {
        talk.close(Channel(channel), Reason::TooManyDocuments);
    }
    assert_eq!(beyond.0.borrow().closed, [Reason::TooManyDocuments]);
    assert!(
        talk.said().is_empty(),
        "nothing changed, so the client does not ask again"
    );
    talk.client.leave(Channel(0));
    assert_eq!(asked_for(&talk.said()), [1], "one document fits now");
    // If a document is closed for another reason, the next one is opened.
    talk.close(Channel(1), Reason::Forbidden);
    assert_eq!(asked_for(&talk.said()), [2]);
}

#[test]
fn documents_beyond_the_limit_are_asked_for_on_the_next_connection() {
    let mut talk = Talk::begin();
    talk.said();
    talk.welcome();
    talk.close(Channel(0), Reason::TooManyDocuments);
    talk.said();
    talk.client.disconnected(1_000);
    talk.connect();
    talk.said();
    talk.welcome();
    assert_eq!(asked_for(&talk.said()), [0]);
}

#[test]
fn a_document_learns_what_its_user_may_do_and_when_that_changes() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.opened(VersionVector::new());
    let permission = Permission::Read;
    talk.hear(&Response::Permission {
        channel: Channel(0),
        permission,
    });
    let permissions = talk.document.0.borrow().permissions.clone();
    assert_eq!(permissions, [Permission::Write, Permission::Read]);
}

#[test]
fn a_document_learns_which_user_is_present() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.opened(VersionVector::new());
    talk.hear(&Response::Presence {
        channel: Channel(0),
        peer: ReplicaId::new(4),
        user: "bob".to_owned(),
        data: b"line 3".to_vec(),
    });
    let present = talk.document.0.borrow().present.clone();
    assert_eq!(present, [("bob".to_owned(), b"line 3".to_vec())]);
}

#[test]
fn documents_beyond_the_clients_own_limit_are_opened_as_others_are_left() {
    let mut talk = Talk::begin();
    talk.client.set_max_documents(2);
    let beyond = Recorder::default();
    talk.client.open("second", 0, Recorder::default()).unwrap();
    talk.client.open("third", 0, beyond.clone()).unwrap();
    talk.said();
    talk.welcome();
    assert_eq!(asked_for(&talk.said()), [0, 1]);
    assert_eq!(beyond.0.borrow().closed, [Reason::TooManyDocuments]);
    talk.client.leave(Channel(1));
    assert_eq!(asked_for(&talk.said()), [2]);
}

/// A relay rejects a transaction of so many cells. Edits from before the relay was configured are
/// one delta, and may have more.
#[test]
fn a_delta_of_more_cells_than_a_transaction_is_sent_in_parts() {
    let stamp = Stamp::new(Time::new(5), ReplicaId::new(1));
    let upto = VersionVector::of(stamp.replica, stamp.time);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(Path::ROOT);
        for key in 0..=limits::TRANSACTION_CELLS as u32 {
            let (key, value) = (&key.to_be_bytes(), None);
            out.copy(CellRef { key, stamp, value });
        }
    });
    let delta = delta.unwrap();
    assert!(delta.bytes() < limits::TRANSACTION_BYTES);
    let mut talk = Talk::begin();
    talk.document.0.borrow_mut().unsent.push(delta.clone());
    talk.said();
    talk.welcome();
    talk.opened(VersionVector::new());
    let (mut parts, mut last) = (Vec::new(), Vec::new());
    for request in talk.said() {
        match request {
            Request::Part { delta, .. } => parts.push(delta),
            Request::Push { deltas, .. } => last.extend(deltas),
            _ => {}
        }
    }
    assert!(!parts.is_empty() && last.len() == 1, "{}", parts.len());
    parts.extend(last);
    assert_eq!(Delta::of_parts(&parts).unwrap(), delta);
}
