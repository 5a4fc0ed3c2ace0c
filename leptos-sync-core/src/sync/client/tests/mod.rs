mod documents;

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use super::*;
use crate::{
    clock::{Time, Window},
    delta::{Delta, Snapshot},
    id::ReplicaId,
    sync::message::Permission,
    version::VersionVector,
};

/// A document that nobody edits. It records the calls of the client.
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
    /// What the relay was said to have when it was asked last what to send.
    sent: VersionVector,
}

impl Document for Recorder {
    fn version(&self) -> VersionVector {
        self.0.borrow().version.clone()
    }

    fn pending(&mut self, relay: &VersionVector) -> Result<Vec<Delta>, Error> {
        self.0.borrow_mut().sent = relay.clone();
        Ok(Vec::new())
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

/// A client, and what its relay says by hand.
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
        assert_eq!(self.client.link(at), Link::Connect);
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
        assert_eq!(self.client.link(1_000), Link::Disconnect);
        self.client.disconnected(1_000);
    }
}

/// The relay may be wrong, as when it cannot read its keys for a while.
#[test]
fn refused_credentials_are_tried_again_after_longer_and_longer_waits() {
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

/// As when another user signs in: the relay ends a connection on which somebody else's credentials are shown.
#[test]
fn credentials_that_end_a_connection_begin_another() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    // Shown first, and so they are what the relay refuses.
    talk.refuse();
    assert!(talk.client.wake_at() > Some(1_000));
}

#[test]
fn credentials_that_were_renewed_while_the_former_were_refused_are_tried() {
    let mut talk = Talk::begin();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    talk.welcome();
    assert!(talk.client.is_welcome());
}

impl Talk {
    /// What the client has said since it was asked last.
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

/// The relay need not remember a document that it has refused.
const LEAVE: Request = Request::Leave {
    channel: Channel(0),
};

fn renewal(credentials: &[u8]) -> Request {
    let credentials = credentials.to_vec();
    Request::Renew { credentials }
}

#[test]
fn credentials_that_change_before_the_relay_has_answered_are_shown_with_its_welcome() {
    let mut talk = Talk::begin();
    talk.client.set_credentials(b"second".to_vec());
    talk.said();
    talk.welcome();
    let said = talk.said();
    assert_eq!(said[0], renewal(b"second"), "before anything is opened");
    assert!(matches!(said[1], Request::Open { .. }));
    // On the next connection they are the first.
    talk.client.disconnected(1_000);
    talk.connect();
    talk.said();
    talk.welcome();
    assert!(matches!(talk.said()[0], Request::Open { .. }));
}

/// It was asked for with the former ones, and those may not open it.
#[test]
fn a_document_that_is_refused_while_other_credentials_are_on_their_way_is_asked_for_with_them() {
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
    assert_eq!(talk.said(), [LEAVE], "these may not either");
}

/// The relay ends the connection by which it is told such a name, and with it the exchange of all other documents.
#[test]
fn a_name_that_no_relay_reads_is_refused_before_it_is_sent() {
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
fn a_network_that_fails_after_a_refusal_is_no_refusal() {
    let mut talk = Talk::begin();
    talk.refuse();
    talk.client.set_credentials(b"second".to_vec());
    assert_eq!(talk.client.link(1_000), Link::Connect);
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

/// The answer to what was sent before may have been lost, and nothing is missing that would come with another.
#[test]
fn what_document_and_relay_both_contain_counts_as_acknowledged() {
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

    /// The relay opens the document, and refuses what was sent for its time.
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

/// What cannot be stamped anew would be refused for ever.
#[test]
fn what_is_refused_for_its_time_once_more_is_not_sent_again_at_once() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.refuse_for_time(&[(1, 50)]);
    // It has another stamp now.
    talk.refuse_for_time(&[(1, 40)]);
    assert_eq!(talk.rejected(), 0);
    talk.refuse_for_time(&[(1, 40)]);
    assert_eq!(talk.document.0.borrow().rejected, [Reason::Drift]);
}

/// Else the one would be sent again for the other's sake, for ever.
#[test]
fn two_that_are_refused_for_their_time_are_both_given_up() {
    let mut talk = Talk::begin();
    talk.welcome();
    let both = [(1, 50), (2, 60)];
    for _ in 0..3 {
        talk.refuse_for_time(&both);
    }
    assert_eq!(talk.rejected(), 3, "the first twice, since it came before");
    assert!(talk.is_open(), "nothing is asked for again");
}

/// Under a clock that stays wrong, each edit has the stamp at first that the one before had.
#[test]
fn an_edit_is_stamped_anew_although_an_earlier_one_had_its_stamp() {
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
    assert!(!talk.is_open(), "it is asked for again");
}

/// Sent from here, it would be refused as somebody else's, although nobody has done anything wrong.
#[test]
fn what_another_tab_tells_before_the_relay_does_is_not_sent() {
    let mut talk = Talk::begin();
    talk.document.0.borrow_mut().version = version(&[(1, 5), (2, 58)]);
    talk.welcome();
    talk.opened(version(&[(2, 58)]));
    assert_eq!(talk.document.0.borrow().sent, version(&[(2, 58)]));
    // By another tab, and by the app, of somebody of whom the relay knows nothing.
    talk.document.0.borrow_mut().version = version(&[(1, 5), (2, 60), (3, 7)]);
    talk.client.edited(Channel(0));
    assert_eq!(talk.document.0.borrow().sent, version(&[(2, 60)]));
}
