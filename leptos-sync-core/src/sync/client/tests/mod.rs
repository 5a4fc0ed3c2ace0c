mod documents;
mod empty;

use std::{cell::RefCell, collections::VecDeque, mem, rc::Rc};

use super::*;
use crate::{
    clock::{Time, Window},
    delta::{Delta, Snapshot},
    id::ReplicaId,
    sync::{
        frame::{Assembler, Cutter},
        message::{Message, Permission, Response},
    },
    version::VersionVector,
};

/// A document that is never edited and records the calls of the client.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Calls>>);

#[derive(Default)]
struct Calls {
    version: VersionVector,
    acknowledged: VersionVector,
    rejected: Vec<Reason>,
    closed: Vec<Reason>,
    permissions: Vec<Permission>,
    present: Vec<(String, Vec<u8>)>,
    /// The relay's version in the latest call of `pending`.
    sent: VersionVector,
    /// The transactions that the next call of `pending` returns.
    unsent: Vec<Delta>,
}

impl Document for Recorder {
    fn version(&self) -> VersionVector {
        self.0.borrow().version.clone()
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        let mut calls = self.0.borrow_mut();
        calls.sent = relay.clone();
        Ok(mem::take(&mut calls.unsent))
    }

    fn set_permission(&mut self, permission: Permission) {
        self.0.borrow_mut().permissions.push(permission);
    }

    fn opened(&mut self, _: Window) {}

    fn caught_up(&mut self, _: Window) -> Result<(), Error> {
        Ok(())
    }

    fn receive(&mut self, _: &Delta) -> Result<(), Error> {
        Ok(())
    }

    fn receive_snapshot(&mut self, _: &[Snapshot]) -> Result<(), Error> {
        Ok(())
    }

    fn acknowledged(&mut self, upto: &VersionVector) {
        self.0.borrow_mut().acknowledged.join(upto);
    }

    fn rejected(&mut self, _: &VersionVector, reason: Reason, _: &str) {
        self.0.borrow_mut().rejected.push(reason);
    }

    fn presence(&mut self, _: ReplicaId, user: &str, data: &[u8]) {
        let present = (user.to_owned(), data.to_vec());
        self.0.borrow_mut().present.push(present);
    }

    fn closed(&mut self, reason: Reason, _: &str) {
        self.0.borrow_mut().closed.push(reason);
    }
}

/// A client with a scripted relay.
struct Talk {
    client: Client<Recorder>,
    document: Recorder,
    cutter: Cutter,
    assembler: Assembler,
}

impl Talk {
    fn begin() -> Self {
        let mut client = Client::new(b"first".to_vec(), 1);
        let document = Recorder::default();
        client.open("plans", 0, document.clone()).unwrap();
        let mut talk = Self {
            client,
            document,
            cutter: Cutter::default(),
            assembler: Assembler::default(),
        };
        talk.connect();
        talk
    }

    fn connect(&mut self) {
        let at = self.client.wake_at().unwrap();
        assert_eq!(self.client.next_action(at), ConnectionAction::Connect);
        self.client.connected(at);
        self.cutter = Cutter::default();
        self.assembler = Assembler::default();
    }

    fn hear(&mut self, response: &Response) {
        let mut frames = VecDeque::new();
        let write = |out: &mut Vec<u8>| response.encode(false, out);
        self.cutter.cut(&mut frames, write);
        for frame in frames {
            self.client.receive(&frame, 1_000);
        }
    }

    fn welcome(&mut self) {
        self.hear(&Response::Welcome {
            protocol: PROTOCOL,
            now_ms: 0,
            silence_ms: 30_000,
        });
    }

    fn refuse(&mut self) {
        self.hear(&Response::Bye {
            reason: Reason::Unauthorized,
            text: "no".to_owned(),
        });
        assert_eq!(self.client.next_action(1_000), ConnectionAction::Disconnect);
        self.client.disconnected(1_000);
    }
}

/// The relay may reject them by mistake, for example while it cannot read its keys.
#[test]
fn rejected_credentials_are_tried_again_after_increasing_delays() {
    let mut talk = Talk::begin();
    let mut longest = 0;
    for _ in 0..40 {
        talk.refuse();
        assert_eq!(talk.client.ended(), Some((Reason::Unauthorized, "no")));
        longest = longest.max(talk.client.wake_at().unwrap() - 1_000);
        talk.connect();
    }
    assert!((60_000..=300_000).contains(&longest), "{longest}");
    talk.welcome();
    assert!(talk.client.is_welcome());
}

/// This happens if another user signs in: the relay ends a connection that sends another user's
/// credentials.
#[test]
fn credentials_that_end_a_connection_start_another() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    // On the new connection, the hello contains them, so the rejection concerns them.
    talk.refuse();
    assert!(talk.client.wake_at() > Some(1_000));
}

#[test]
fn credentials_renewed_during_a_rejection_are_tried() {
    let mut talk = Talk::begin();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    talk.welcome();
    assert!(talk.client.is_welcome());
}

impl Talk {
    /// Returns the client's messages since the last call.
    fn said(&mut self) -> Vec<Request> {
        let mut said = Vec::new();
        while let Some(frame) = self.client.next_frame(1_000) {
            let limit = limits::FRAME_BYTES;
            said.extend(self.assembler.take(&frame, limit, Request::decode).unwrap());
        }
        said
    }

    fn forbid(&mut self) {
        self.hear(&Response::Closed {
            channel: Channel(0),
            reason: Reason::Forbidden,
            text: "not for you".to_owned(),
        });
    }
}

/// The relay need not remember a document that it has rejected.
const LEAVE: Request = Request::Leave {
    channel: Channel(0),
};

fn renewal(credentials: &[u8]) -> Request {
    let credentials = credentials.to_vec();
    Request::Renew { credentials }
}

#[test]
fn credentials_changed_before_the_welcome_are_sent_after_it() {
    let mut talk = Talk::begin();
    talk.client.set_credentials(b"second".to_vec());
    talk.said();
    talk.welcome();
    let said = talk.said();
    assert_eq!(
        said[0],
        renewal(b"second"),
        "the renewal precedes all opens"
    );
    assert!(matches!(said[1], Request::Open { .. }));
    // On the next connection, the hello contains them.
    talk.client.disconnected(1_000);
    talk.connect();
    talk.said();
    talk.welcome();
    assert!(matches!(talk.said()[0], Request::Open { .. }));
}

/// The first open request still used the old credentials, which may not open the document.
#[test]
fn a_document_rejected_during_a_renewal_is_opened_again_after_it() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.said();
    talk.client.set_credentials(b"second".to_vec());
    assert_eq!(talk.said(), [renewal(b"second")]);
    talk.forbid();
    assert_eq!(talk.said(), [LEAVE]);
    talk.hear(&Response::Renewed);
    assert!(matches!(talk.said()[..], [Request::Open { .. }]));
    talk.forbid();
    assert_eq!(
        talk.said(),
        [LEAVE],
        "the new credentials may not open it either"
    );
}

/// The relay would end the connection over such a name, and with it the exchange of all other
/// documents.
#[test]
fn an_invalid_name_is_rejected_before_it_is_sent() {
    let mut talk = Talk::begin();
    for name in ["", &"n".repeat(limits::NAME_BYTES + 1)] {
        let refused = talk.client.open(name, 0, Recorder::default());
        assert!(refused.unwrap_err().is_limit());
    }
    let longest = "n".repeat(limits::NAME_BYTES);
    talk.client.open(&longest, 0, Recorder::default()).unwrap();
    talk.said();
    talk.welcome();
    assert_eq!(talk.said().len(), 2);
}

#[test]
fn a_network_failure_after_a_rejection_is_not_a_rejection() {
    let mut talk = Talk::begin();
    talk.refuse();
    talk.client.set_credentials(b"second".to_vec());
    assert_eq!(talk.client.next_action(1_000), ConnectionAction::Connect);
    talk.client.disconnected(1_000);
    talk.connect();
    talk.welcome();
    assert!(talk.client.is_welcome());
}

impl Talk {
    fn opened(&mut self, version: VersionVector) {
        self.hear(&Response::Opened {
            channel: Channel(0),
            permission: Permission::Write,
            version,
            floor: Time::ZERO,
            now_ms: 0,
        });
    }
}

fn version(entries: &[(u64, u64)]) -> VersionVector {
    let entries = entries.iter();
    let entries = entries.map(|&(replica, time)| (ReplicaId::new(replica), Time::new(time)));
    entries.collect()
}

/// The acknowledgement may have been lost, and perhaps no further operation arrives that would
/// imply it.
#[test]
fn operations_that_both_contain_count_as_acknowledged() {
    let mut talk = Talk::begin();
    talk.document.0.borrow_mut().version = version(&[(1, 5), (2, 9)]);
    talk.welcome();
    talk.opened(version(&[(1, 7), (2, 4), (3, 1)]));
    assert_eq!(
        talk.document.0.borrow().acknowledged,
        version(&[(1, 5), (2, 4)])
    );
}

impl Talk {
    fn is_open(&self) -> bool {
        self.client
            .exchanges
            .values()
            .all(|exchange| exchange.stage == Stage::Open)
    }

    /// Makes the relay open the document and reject transactions for their stamps.
    fn refuse_for_time(&mut self, upto: &[(u64, u64)]) {
        self.opened(VersionVector::new());
        for upto in upto {
            self.hear(&Response::Reject {
                channel: Channel(0),
                upto: version(&[*upto]),
                reason: Reason::Drift,
                text: "tomorrow".to_owned(),
            });
        }
    }

    fn rejected(&self) -> usize {
        self.document.0.borrow().rejected.len()
    }
}

/// A transaction that cannot be restamped would be rejected forever.
#[test]
fn a_transaction_rejected_for_its_stamp_twice_is_not_resent_at_once() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.refuse_for_time(&[(1, 50)]);
    // The document restamped it.
    talk.refuse_for_time(&[(1, 40)]);
    assert_eq!(talk.rejected(), 0);
    talk.refuse_for_time(&[(1, 40)]);
    assert_eq!(talk.document.0.borrow().rejected, [Reason::Drift]);
}

/// If the client kept both, each rejection would resend the other transaction, forever.
#[test]
fn two_transactions_rejected_for_their_stamps_are_both_given_up() {
    let mut talk = Talk::begin();
    talk.welcome();
    let both = [(1, 50), (2, 60)];
    for _ in 0..3 {
        talk.refuse_for_time(&both);
    }
    assert_eq!(
        talk.rejected(),
        3,
        "the first one is rejected twice, since it precedes the second"
    );
    assert!(talk.is_open(), "the document is not opened again");
}

/// If the clock stays wrong, each edit first gets the stamp that the previous one had.
#[test]
fn an_edit_is_restamped_although_an_earlier_one_had_its_stamp() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.refuse_for_time(&[(1, 50)]);
    talk.opened(VersionVector::new());
    talk.hear(&Response::Ack {
        channel: Channel(0),
        upto: version(&[(1, 40)]),
    });
    talk.hear(&Response::Reject {
        channel: Channel(0),
        upto: version(&[(1, 50)]),
        reason: Reason::Drift,
        text: "tomorrow".to_owned(),
    });
    assert_eq!(talk.rejected(), 0);
    assert!(!talk.is_open(), "the document is opened again");
}

/// This tab must not send them: the relay would reject them as those of another user, although
/// nobody did anything wrong.
#[test]
fn another_tabs_operations_are_not_sent_from_this_tab() {
    let mut talk = Talk::begin();
    talk.document.0.borrow_mut().version = version(&[(1, 5), (2, 58)]);
    talk.welcome();
    talk.opened(version(&[(2, 58)]));
    assert_eq!(talk.document.0.borrow().sent, version(&[(2, 58)]));
    // One operation came from another tab. One was made by the app, under a replica id that the
    // relay does not know.
    talk.document.0.borrow_mut().version = version(&[(1, 5), (2, 60), (3, 7)]);
    talk.client.edited(Channel(0));
    assert_eq!(talk.document.0.borrow().sent, version(&[(2, 60)]));
}
