use super::*;
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    history::{Entry, EntryHash, EntryId, Epochs, Opened, Opening, Page, Patch, Sequence, Witness},
    id::ReplicaId,
    path::Path,
    sync::{
        frame::Cutter,
        message::{Message, Permission},
    },
};

const CHANNEL: Channel = Channel(3);

/// A relay's end with a scripted client.
struct Talk {
    host: Host,
    cutter: Cutter,
}

impl Talk {
    /// A client that is admitted.
    fn begin() -> Self {
        let mut talk = Self {
            host: Host::new(),
            cutter: Cutter::default(),
        };
        let hello = talk.say(&hello(PROTOCOL)).unwrap();
        assert!(matches!(hello, Some(ClientRequest::Admission { .. })));
        talk.host.welcome(PROTOCOL, 0, 30_000);
        talk
    }

    /// A client whose document is open.
    fn open(permission: Permission, diverged: bool) -> Self {
        let mut talk = Self::begin();
        talk.say(&open()).unwrap();
        talk.host.send(&opened(permission, diverged));
        talk
    }

    fn say(&mut self, request: &Request) -> Result<Option<ClientRequest>, Error> {
        let mut frames = Vec::new();
        let write = |out: &mut Vec<u8>| request.encode(false, out);
        self.cutter.cut(&mut frames, write);
        let mut last = Ok(None);
        for frame in frames {
            last = self.host.receive(&frame);
        }
        last
    }

    /// Checks that the request ends the connection.
    fn violates_with(mut self, request: &Request) {
        assert!(self.say(request).is_err(), "{request:?}");
        assert!(self.host.is_over());
        assert!(
            self.say(&Request::Ping).unwrap().is_none(),
            "nothing is read after the last message"
        );
    }
}

fn hello(protocol: u16) -> Request {
    Request::Hello {
        newest: protocol,
        oldest: protocol,
        deflate: false,
        credentials: Vec::new(),
    }
}

fn open() -> Request {
    Request::Open {
        channel: CHANNEL,
        document: "plans".to_owned(),
        schema: 0,
        opening: Opening::default(),
    }
}

fn opened(permission: Permission, diverged: bool) -> Response {
    Response::Opened {
        channel: CHANNEL,
        permission,
        opened: Opened {
            diverged,
            ..Opened::default()
        },
    }
}

fn read() -> Request {
    Request::Read {
        channel: CHANNEL,
        after: Sequence::ZERO,
    }
}

fn range() -> Request {
    Request::Range {
        channel: CHANNEL,
        after: None,
    }
}

fn offer(cells: Patch) -> Request {
    Request::Offer {
        channel: CHANNEL,
        witness: Witness::default(),
        cells,
    }
}

fn adopt() -> Request {
    Request::Adopt {
        channel: CHANNEL,
        witness: Witness::default(),
        heads: Vec::new(),
    }
}

fn push(ids: &[(u64, u64)]) -> Request {
    let entry = |&(replica, number)| Entry {
        id: EntryId {
            replica: ReplicaId::new(replica),
            number,
        },
        previous: EntryHash::new(number),
        hash: EntryHash::new(number + 1),
        time: Time::ZERO,
        cells: Patch::default(),
        stored: None,
        user: 0,
    };
    Request::Push {
        channel: CHANNEL,
        entries: ids.iter().map(entry).collect(),
    }
}

fn epochs() -> Request {
    Request::Epochs {
        channel: CHANNEL,
        epochs: Epochs::new(),
    }
}

fn cells(count: u32) -> Patch {
    let cells = Patch::collect(Time::new(1), |out| {
        out.group(Path::ROOT);
        for key in 0..count {
            out.copy(CellRef {
                key: &key.to_be_bytes(),
                stamp: Stamp::new(Time::new(1), ReplicaId::new(1)),
                value: None,
            });
        }
    });
    cells.unwrap()
}

#[test]
fn a_client_of_protocol_1_is_told_which_one_to_update() {
    let mut host = Host::new();
    let mut frames = Vec::new();
    let write = |out: &mut Vec<u8>| hello(1).encode(false, out);
    Cutter::default().cut(&mut frames, write);
    let error = host.receive(&frames[0]).unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.to_string().contains("protocols 2 to 2"), "{error}");
}

#[test]
fn nothing_about_a_document_is_allowed_before_it_is_open() {
    for request in [read(), range(), offer(cells(1)), adopt(), push(&[(1, 1)])] {
        Talk::begin().violates_with(&request);
        let mut talk = Talk::begin();
        talk.say(&open()).unwrap();
        talk.violates_with(&request);
    }
}

#[test]
fn epochs_are_taken_only_when_the_relay_asks() {
    let mut talk = Talk::begin();
    talk.say(&open()).unwrap();
    talk.host.send(&Response::EpochsNeeded { channel: CHANNEL });
    let asked = talk.say(&epochs()).unwrap();
    assert!(matches!(asked, Some(ClientRequest::Epochs { .. })));
    talk.violates_with(&epochs());
    Talk::open(Permission::Write, false).violates_with(&epochs());
}

#[test]
fn a_client_waits_for_the_answer_before_it_reads_on() {
    let page = Response::Page {
        channel: CHANNEL,
        page: Page::default(),
    };
    let mut talk = Talk::open(Permission::Read, false);
    assert!(talk.say(&read()).unwrap().is_some());
    talk.host.send(&page);
    assert!(talk.say(&read()).unwrap().is_some());
    // A page that was sent to all is not the answer.
    let broadcast = Broadcast::new(Page::default());
    talk.host.broadcast(CHANNEL, &broadcast);
    talk.violates_with(&read());

    let mut talk = Talk::open(Permission::Read, true);
    assert!(talk.say(&range()).unwrap().is_some());
    talk.host.send(&page);
    talk.violates_with(&range());

    let mut talk = Talk::open(Permission::Read, false);
    assert!(talk.say(&read()).unwrap().is_some());
    talk.say(&open()).unwrap();
    talk.host.send(&opened(Permission::Read, false));
    assert!(
        talk.say(&read()).unwrap().is_some(),
        "a new opening starts over"
    );
}

#[test]
fn data_is_offered_only_to_a_relay_that_has_lost_some() {
    Talk::open(Permission::Write, false).violates_with(&offer(cells(1)));
    Talk::open(Permission::Write, false).violates_with(&adopt());
    let mut talk = Talk::open(Permission::Write, true);
    let offered = talk.say(&offer(cells(1))).unwrap();
    assert!(matches!(offered, Some(ClientRequest::Offer { .. })));
    talk.host.send(&Response::Offered {
        channel: CHANNEL,
        all: true,
        state: Default::default(),
    });
    let adopted = talk.say(&adopt()).unwrap();
    assert!(matches!(adopted, Some(ClientRequest::Adopt { .. })));
    talk.host.send(&Response::Adopted {
        channel: CHANNEL,
        heads: Vec::new(),
        state: Default::default(),
    });
    // The comparison is over.
    talk.violates_with(&offer(cells(1)));
}

#[test]
fn users_who_may_only_read_change_nothing() {
    for request in [offer(cells(1)), adopt()] {
        let mut talk = Talk::open(Permission::Read, true);
        let asked = talk.say(&request).unwrap();
        assert_eq!(asked, Some(ClientRequest::Forbidden { channel: CHANNEL }));
        // The client may have sent more before it learned that the document is closed.
        assert_eq!(talk.say(&read()).unwrap(), None);
    }
    let mut talk = Talk::open(Permission::Write, false);
    let permission = Permission::Read;
    talk.host.send(&Response::Permission {
        channel: CHANNEL,
        permission,
    });
    let pushed = talk.say(&push(&[(1, 4), (1, 5), (2, 9)])).unwrap();
    let id = |replica, number| EntryId {
        replica: ReplicaId::new(replica),
        number,
    };
    assert_eq!(
        pushed,
        Some(ClientRequest::ForbiddenPush {
            channel: CHANNEL,
            entries: vec![id(1, 4), id(2, 9)],
        })
    );
}

/// A relay sends an offer to others as a page, which is larger if each cell has another writer.
#[test]
fn an_offer_larger_than_a_transaction_is_a_violation() {
    let offered = |replicas| {
        let cells = Patch::collect(Time::new(1), |out| {
            out.group(Path::ROOT);
            for key in 0..70_000_u64 {
                out.copy(CellRef {
                    key: &key.to_be_bytes()[4..],
                    stamp: Stamp::new(Time::new(1), ReplicaId::new(key % replicas)),
                    value: None,
                });
            }
        });
        offer(cells.unwrap())
    };
    let mut talk = Talk::open(Permission::Write, true);
    assert!(talk.say(&offered(1)).unwrap().is_some());
    let all = offered(100_000);
    let Request::Offer { cells, .. } = &all else {
        panic!("not an offer");
    };
    assert!(cells.bytes() < limits::TRANSACTION_BYTES);
    let envelope = limits::TRANSACTION_BYTES..limits::MESSAGE_BYTES;
    assert!(envelope.contains(&cells.envelope_bytes()));
    Talk::open(Permission::Write, true).violates_with(&all);
}

#[test]
fn a_removed_document_takes_no_requests() {
    let mut talk = Talk::open(Permission::Write, false);
    talk.host.send(&Response::Removed { channel: CHANNEL });
    assert_eq!(talk.say(&push(&[(1, 1)])).unwrap(), None);
    // The app may create the document again.
    assert!(talk.say(&open()).unwrap().is_some());
}
