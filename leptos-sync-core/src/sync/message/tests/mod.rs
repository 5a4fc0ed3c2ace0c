pub(in crate::sync) mod generators;

use proptest::{collection::vec, prelude::*};

use self::generators::*;
use super::*;
use crate::{
    clock::{Stamp, Time, Window},
    codec::CellRef,
    history::{
        Ack, CellRange, Cursor, Entry, EntryHash, EntryId, Epoch, Epochs, IdHead, Opened, Opening,
        Page, Patch, Position, RelayState, Sequence, Witness,
    },
    id::ReplicaId,
    limits,
    path::PathBuf,
    sync::message::{
        Channel, Message, Permission, Reason,
        checks::{has_one_encoding, round_trips},
    },
};
proptest! {
    #[test]
    fn requests_round_trip(message in request(), byte in any::<(usize, u8)>()) {
        round_trips(&message, byte);
    }

    #[test]
    fn responses_round_trip(message in response(), byte in any::<(usize, u8)>()) {
        round_trips(&message, byte);
    }

    #[test]
    fn a_decoded_push_has_the_same_entries(entries in entries()) {
        let channel = Channel(1);
        let push = Request::Push { channel, entries };
        prop_assert_eq!(Request::decode(&encoded(&push)).unwrap(), push);
    }

    #[test]
    fn arbitrary_bytes_are_a_message_of_one_encoding_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        has_one_encoding::<Request>(&bytes);
        has_one_encoding::<Response>(&bytes);
    }

    /// Changes numbers and flags in valid messages, which arbitrary bytes rarely reach.
    #[test]
    fn changed_messages_have_one_encoding_or_are_an_error(
        request in request(),
        response in response(),
        changes in vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut messages = [encoded(&request), encoded(&response)];
        for message in &mut messages {
            for (at, byte) in &changes {
                let at = at % message.len();
                message[at] = *byte;
            }
        }
        // Envelopes are checked by their checksums, so only fields around them change.
        has_one_encoding::<Request>(&messages[0]);
        if !has_unknown_reason(&messages[1]) {
            has_one_encoding::<Response>(&messages[1]);
        }
    }

    #[test]
    fn a_broadcast_has_the_bytes_of_a_single_page(channel in channel(), page in page()) {
        let shared = Broadcast::new(page.clone());
        let response = Response::Page { channel, page };
        for deflate in [false, cfg!(feature = "deflate"), false] {
            let (mut one, mut many) = (Vec::new(), Vec::new());
            response.encode(deflate, &mut one);
            shared.write(channel, deflate, &mut many);
            prop_assert_eq!(one, many);
        }
    }
}

fn encoded(message: &impl Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(false, &mut bytes);
    bytes
}

/// Returns whether a message may have the code of an unknown reason, which is decoded as `Other`.
fn has_unknown_reason(bytes: &[u8]) -> bool {
    matches!(
        Response::decode(bytes),
        Ok(Response::Reject {
            reason: Reason::Other,
            ..
        } | Response::Closed {
            reason: Reason::Other,
            ..
        } | Response::Bye {
            reason: Reason::Other,
            ..
        })
    )
}

/// Each page load opens a document, usually with an empty outbox, so `Open` must be small.
#[test]
fn opening_without_an_outbox_takes_200_bytes() {
    let greatest = Position {
        epoch: Epoch::new(u64::MAX),
        sequence: Sequence::new(u64::MAX),
    };
    let open = Request::Open {
        channel: Channel(u32::MAX),
        document: "workspaces/0192f0c1-2a77-7cc3-98c4-dc0c0c07398f/boards/roadmap".to_owned(),
        schema: u64::MAX,
        opening: Opening {
            cursor: Cursor {
                position: greatest,
                witness: Witness {
                    head: greatest,
                    latest: Time::new(u64::MAX),
                    seal: [0xff; 8],
                },
            },
            comparing: false,
            ids: Vec::new(),
        },
    };
    let bytes = encoded(&open).len() + 1;
    assert!(bytes <= 200, "{bytes} bytes with the frame's first byte");
}

/// Each keystroke may be an entry.
#[test]
fn a_small_entry_takes_29_bytes_beside_its_cells() {
    let stamp = Stamp::new(Time::new(1 << 57), ReplicaId::new(u64::MAX));
    let id = EntryId {
        replica: stamp.replica,
        number: 100,
    };
    let entry = Entry {
        id,
        previous: EntryHash::new(1),
        hash: EntryHash::new(2),
        time: stamp.time,
        cells: patch_of(stamp, &[Some(1)]),
        stored: None,
        user: 0,
    };
    let envelope = entry.cells.encode_uncompressed().len();
    let channel = Channel(0);
    let entries = vec![entry];
    let bytes = encoded(&Request::Push { channel, entries }).len();
    assert_eq!(bytes - envelope, 29);
}

#[test]
fn a_push_or_an_opening_beyond_its_limit_is_an_error() {
    let entry = |number| Entry {
        id: EntryId {
            replica: ReplicaId::new(1),
            number,
        },
        previous: EntryHash::new(number - 1),
        hash: EntryHash::new(number),
        time: Time::ZERO,
        cells: Patch::default(),
        stored: None,
        user: 0,
    };
    let push = |count: usize| {
        let entries = (1..=count as u64).map(entry).collect();
        let channel = Channel(0);
        Request::decode(&encoded(&Request::Push { channel, entries }))
    };
    assert!(push(limits::IN_FLIGHT).is_ok());
    assert!(push(limits::IN_FLIGHT + 1).is_err());
    assert!(push(0).is_err());

    let open = |count: u64| {
        let open = Request::Open {
            channel: Channel(0),
            document: "a".to_owned(),
            schema: 0,
            opening: Opening {
                ids: (0..count).map(ReplicaId::new).collect(),
                ..Opening::default()
            },
        };
        Request::decode(&encoded(&open))
    };
    assert!(open(limits::OUTBOX_IDS as u64).is_ok());
    assert!(open(limits::OUTBOX_IDS as u64 + 1).is_err());
}

/// The numbers would otherwise let a client skip changes, or treat entries as stored that are not.
#[test]
fn numbers_beyond_the_head_are_an_error() {
    let channel = Channel(0);
    let state = RelayState {
        witness: Witness {
            head: Position {
                epoch: Epoch::new(3),
                sequence: Sequence::new(8),
            },
            ..Witness::default()
        },
        epoch_start: Sequence::new(1),
    };
    let page = |upto| Response::Page {
        channel,
        page: Page {
            after: Sequence::new(7),
            upto: Sequence::new(upto),
            state,
            ..Page::default()
        },
    };
    let ack = |count| Response::Ack {
        channel,
        ack: Ack {
            id: EntryId {
                replica: ReplicaId::new(1),
                number: 1,
            },
            count,
            first: Sequence::new(7),
            state,
        },
    };
    let opened = |point| Response::Opened {
        channel,
        permission: Permission::Write,
        opened: Opened {
            point: Sequence::new(point),
            state,
            ..Opened::default()
        },
    };
    for (fits, beyond) in [
        (page(8), page(9)),
        (ack(2), ack(3)),
        (opened(8), opened(9)),
        (ack(1), ack(0)),
    ] {
        assert!(Response::decode(&encoded(&fits)).is_ok(), "{fits:?}");
        assert!(Response::decode(&encoded(&beyond)).is_err(), "{beyond:?}");
    }
}

/// Checks the bytes that `docs/protocol.md` specifies for every build of this protocol.
#[test]
fn messages_have_the_documented_bytes() {
    let channel = Channel(0);
    let replica = ReplicaId::new(7);
    let id = [7, 0, 0, 0, 0, 0, 0, 0];
    let position = |sequence| Position {
        epoch: Epoch::new(3),
        sequence: Sequence::new(sequence),
    };
    let epoch = [3, 0, 0, 0, 0, 0, 0, 0];
    let witness = Witness {
        head: position(300),
        latest: Time::new(9),
        seal: [8; 8],
    };
    let sealed = [&epoch[..], &[172, 2, 9], &[8; 8]].concat();
    let state = RelayState {
        witness,
        epoch_start: Sequence::new(2),
    };
    let stated = [&[2][..], &sealed].concat();
    let head = IdHead {
        number: 4,
        hash: EntryHash::new(5),
        time: Time::new(6),
        emptied: 0,
    };
    let headed = [4, 5, 0, 0, 0, 0, 0, 0, 0, 6];
    let emptied = IdHead { emptied: 2, ..head };
    let entry = |number, hash| Entry {
        id: EntryId { replica, number },
        previous: EntryHash::new(hash - 1),
        hash: EntryHash::new(hash),
        time: Time::ZERO,
        cells: Patch::default(),
        stored: None,
        user: 0,
    };
    let requests: [(Request, Vec<u8>); 7] = [
        (
            Request::Open {
                channel: Channel(200),
                document: "a".to_owned(),
                schema: 5,
                opening: Opening {
                    cursor: Cursor {
                        position: position(1),
                        witness,
                    },
                    comparing: true,
                    ids: vec![replica],
                },
            },
            [
                &[3, 200, 1, 1, b'a', 5][..],
                &epoch,
                &[1],
                &sealed,
                &[1, 1],
                &id,
            ]
            .concat(),
        ),
        (
            Request::Epochs {
                channel,
                epochs: Epochs::from_list(vec![(Epoch::new(3), Sequence::new(2))], true).unwrap(),
            },
            [&[9, 0, 1, 1][..], &epoch, &[2]].concat(),
        ),
        (
            Request::Read {
                channel,
                after: Sequence::new(300),
            },
            vec![10, 0, 172, 2],
        ),
        (
            Request::Range {
                channel,
                after: Some(PathBuf::new().child(b"a")),
            },
            vec![11, 0, 2, 1, b'a'],
        ),
        (
            Request::Offer {
                channel,
                witness,
                cells: Patch::default(),
            },
            [&[12, 0][..], &sealed, &[0]].concat(),
        ),
        (
            Request::Adopt {
                channel,
                witness,
                heads: vec![(replica, head)],
            },
            [&[13, 0][..], &sealed, &[1], &id, &headed, &[0]].concat(),
        ),
        (
            Request::Push {
                channel,
                entries: vec![entry(1, 2), entry(2, 3)],
            },
            [
                &[4, 0][..],
                &id,
                &[1, 1, 0, 0, 0, 0, 0, 0, 0, 2],
                &[2, 0, 0, 0, 0, 0, 0, 0, 0],
                &[3, 0, 0, 0, 0, 0, 0, 0, 0],
            ]
            .concat(),
        ),
    ];
    for (request, expected) in requests {
        assert_eq!(encoded(&request), expected, "{request:?}");
    }
    let responses: [(Response, Vec<u8>); 11] = [
        (
            Response::Opened {
                channel,
                permission: Permission::Write,
                opened: Opened {
                    now_ms: 300,
                    floor: Time::new(4),
                    horizon: Sequence::new(5),
                    point: Sequence::new(6),
                    diverged: true,
                    tail: vec![(Epoch::new(3), Sequence::new(2))],
                    state,
                    heads: vec![(replica, head)],
                },
            },
            [
                &[3, 0, 1, 172, 2, 4, 5, 6, 1, 1][..],
                &epoch,
                &[2],
                &stated,
                &[1],
                &id,
                &headed,
                &[0],
            ]
            .concat(),
        ),
        (
            Response::Page {
                channel,
                page: Page {
                    after: Sequence::new(297),
                    upto: Sequence::new(300),
                    floor: Time::new(4),
                    state,
                    cells: Patch::default(),
                },
            },
            [&[4, 0, 169, 2, 3, 4][..], &stated, &[0]].concat(),
        ),
        (
            Response::Cells {
                channel,
                range: CellRange {
                    state,
                    ..CellRange::default()
                },
            },
            [&[5, 0, 0][..], &stated, &[0]].concat(),
        ),
        (
            Response::Ack {
                channel,
                ack: Ack {
                    id: EntryId { replica, number: 4 },
                    count: 2,
                    first: Sequence::new(299),
                    state,
                },
            },
            [&[6, 0][..], &id, &[4, 2, 171, 2], &stated].concat(),
        ),
        (
            Response::Reject {
                channel,
                id: EntryId { replica, number: 4 },
                reason: Reason::Drift,
                text: "no".to_owned(),
                window: Window {
                    floor: Time::new(1),
                    now_ms: 2,
                    latest: Time::new(3),
                },
            },
            [&[7, 0][..], &id, &[4, 4, 2, b'n', b'o', 1, 2, 3]].concat(),
        ),
        (Response::EpochsNeeded { channel }, vec![13, 0]),
        (Response::BehindHorizon { channel }, vec![14, 0]),
        (
            Response::Offered {
                channel,
                all: true,
                state,
            },
            [&[15, 0, 1][..], &stated].concat(),
        ),
        (
            Response::Adopted {
                channel,
                heads: vec![(replica, emptied)],
                state,
            },
            [&[16, 0, 1][..], &id, &headed, &[1, 0, 2], &stated].concat(),
        ),
        (
            Response::Gap {
                channel,
                replica,
                head,
            },
            [&[17, 0][..], &id, &headed].concat(),
        ),
        (Response::Removed { channel }, vec![18, 0]),
    ];
    for (response, expected) in responses {
        assert_eq!(encoded(&response), expected, "{response:?}");
    }
}
