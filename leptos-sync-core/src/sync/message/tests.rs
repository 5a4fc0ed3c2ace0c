use proptest::{collection::vec, prelude::*};

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

/// Creates a patch whose cells have the stamp.
fn patch_of(stamp: Stamp, values: &[Option<u8>]) -> Patch {
    let cells = Patch::collect(stamp.time, |out| {
        if values.is_empty() {
            return;
        }
        out.group(PathBuf::new().child(b"list").as_path());
        for (key, value) in values.iter().enumerate() {
            let value = value.map(|length| vec![1; usize::from(length)]);
            out.copy(CellRef {
                key: &[key as u8],
                stamp,
                value: value.as_deref(),
            });
        }
    });
    cells.unwrap()
}

fn patch() -> impl Strategy<Value = Patch> {
    let stamp = Stamp::new(Time::new(7), ReplicaId::new(9));
    vec(any::<Option<u8>>(), 0..9).prop_map(move |values| patch_of(stamp, &values))
}

fn replica() -> impl Strategy<Value = ReplicaId> {
    any::<u64>().prop_map(ReplicaId::new)
}

fn time() -> impl Strategy<Value = Time> {
    any::<u64>().prop_map(Time::new)
}

fn sequence() -> impl Strategy<Value = Sequence> {
    any::<u64>().prop_map(Sequence::new)
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), sequence()).prop_map(|(epoch, sequence)| Position {
        epoch: Epoch::new(epoch),
        sequence,
    })
}

fn witness() -> impl Strategy<Value = Witness> {
    (position(), time(), any::<[u8; 8]>()).prop_map(|(head, latest, seal)| Witness {
        head,
        latest,
        seal,
    })
}

fn state() -> impl Strategy<Value = RelayState> {
    (witness(), any::<u64>()).prop_map(|(witness, start)| RelayState {
        epoch_start: Sequence::new(start.min(witness.head.sequence.get())),
        witness,
    })
}

fn id_head() -> impl Strategy<Value = IdHead> {
    (any::<u64>(), any::<u64>(), time()).prop_map(|(number, hash, time)| IdHead {
        number,
        hash: EntryHash::new(hash),
        time,
        emptied: 0,
    })
}

fn id_heads() -> impl Strategy<Value = Vec<(ReplicaId, IdHead)>> {
    let emptied = prop_oneof![Just(0), Just(4), any::<u64>()];
    let head = (id_head(), emptied).prop_map(|(head, emptied)| IdHead { emptied, ..head });
    vec((replica(), head), 0..4)
}

fn epochs() -> impl Strategy<Value = Epochs> {
    (vec((1_u64.., 1_u64..1 << 40), 0..5), any::<bool>()).prop_map(|(list, dropped)| {
        let mut all = Epochs::new();
        let mut last = 0;
        for (epoch, step) in list {
            last += step;
            all.begin(Epoch::new(epoch), Sequence::new(last));
        }
        Epochs::from_list(all.list().to_vec(), dropped).unwrap()
    })
}

fn path() -> impl Strategy<Value = Option<PathBuf>> {
    let key = vec(any::<u8>(), 0..9);
    proptest::option::of(key.prop_map(|key| PathBuf::new().child(&key)))
}

/// Generates channels, of which most are the first one.
fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![Just(Channel(0)), any::<u32>().prop_map(Channel)]
}

fn why() -> impl Strategy<Value = (Reason, String)> {
    ((0_u8..15).prop_map(Reason::of_code), "\\PC{0,20}")
}

/// Generates entries of one or two ids, of which some follow each other.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (any::<bool>(), any::<bool>(), 1_u64.., 1_u64.., 0_usize..3);
    vec(entry, 1..6).prop_map(|list| {
        let mut entries: Vec<Entry> = Vec::new();
        for (follows, first, number, hash, cells) in list {
            let mut id = EntryId {
                replica: ReplicaId::new(first.into()),
                number: number >> 1 | 1,
            };
            let mut previous = EntryHash::new(hash ^ 1);
            if let Some(last) = entries.last().filter(|_| follows) {
                id = last.id;
                id.number += 1;
                previous = last.hash;
            }
            let time = Time::new(if cells == 0 { 0 } else { number });
            entries.push(Entry {
                id,
                previous,
                hash: EntryHash::new(hash),
                time,
                cells: patch_of(Stamp::new(time, id.replica), &vec![Some(1); cells]),
                stored: None,
            });
        }
        entries
    })
}

fn session_request() -> impl Strategy<Value = Request> {
    let bytes = || vec(any::<u8>(), 0..30);
    prop_oneof![
        (any::<u16>(), any::<u16>(), any::<bool>(), bytes()).prop_map(
            |(newest, oldest, deflate, credentials)| Request::Hello {
                newest,
                oldest,
                deflate,
                credentials
            }
        ),
        bytes().prop_map(|credentials| Request::Renew { credentials }),
        (channel(), bytes()).prop_map(|(channel, data)| Request::Presence { channel, data }),
        channel().prop_map(|channel| Request::Leave { channel }),
        Just(Request::Ping),
    ]
}

fn opening() -> impl Strategy<Value = Opening> {
    let ids = vec(replica(), 0..4);
    (position(), witness(), any::<bool>(), ids).prop_map(|(position, witness, comparing, ids)| {
        Opening {
            cursor: Cursor { position, witness },
            comparing,
            ids,
        }
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        session_request(),
        (channel(), "\\PC{1,9}", any::<u64>(), opening()).prop_map(
            |(channel, document, schema, opening)| Request::Open {
                channel,
                document,
                schema,
                opening
            }
        ),
        (channel(), epochs()).prop_map(|(channel, epochs)| Request::Epochs { channel, epochs }),
        (channel(), sequence()).prop_map(|(channel, after)| Request::Read { channel, after }),
        (channel(), path()).prop_map(|(channel, after)| Request::Range { channel, after }),
        (channel(), witness(), patch()).prop_map(|(channel, witness, cells)| Request::Offer {
            channel,
            witness,
            cells
        }),
        (channel(), witness(), id_heads()).prop_map(|(channel, witness, heads)| Request::Adopt {
            channel,
            witness,
            heads
        }),
        (channel(), entries()).prop_map(|(channel, entries)| Request::Push { channel, entries }),
    ]
}

fn page() -> impl Strategy<Value = Page> {
    (any::<u64>(), any::<u64>(), time(), patch(), state()).prop_map(
        |(after, count, floor, cells, state)| {
            let upto = after.saturating_add(count).min(state.head().get());
            Page {
                after: Sequence::new(after.min(upto)),
                upto: Sequence::new(upto),
                floor,
                cells,
                state,
            }
        },
    )
}

fn opened() -> impl Strategy<Value = Opened> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    let tail = epochs().prop_map(|epochs| epochs.list().to_vec());
    (numbers, time(), any::<bool>(), tail, state(), id_heads()).prop_map(
        |((now_ms, horizon, point), floor, diverged, tail, state, heads)| Opened {
            now_ms,
            floor,
            horizon: Sequence::new(horizon).min(state.head()),
            point: Sequence::new(point).min(state.head()),
            diverged,
            tail,
            state,
            heads,
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    (replica(), 1_u64.., 0_u64..9, state()).prop_map(|(replica, number, count, mut state)| {
        let head = &mut state.witness.head.sequence;
        *head = Sequence::new(head.get().max(9));
        Ack {
            id: EntryId {
                replica,
                number: number >> 1 | 1,
            },
            count: count + 1,
            first: Sequence::new(head.get() - count),
            state,
        }
    })
}

fn range() -> impl Strategy<Value = CellRange> {
    (patch(), path(), state()).prop_map(|(cells, upto, state)| CellRange {
        sequences: (0..cells.len() as u64).map(Sequence::new).collect(),
        cells,
        upto,
        state,
    })
}

fn session_response() -> impl Strategy<Value = Response> {
    let permission = prop_oneof![Just(Permission::Read), Just(Permission::Write)];
    let data = vec(any::<u8>(), 0..30);
    prop_oneof![
        (any::<u16>(), any::<u64>(), any::<u32>()).prop_map(|(protocol, now_ms, silence_ms)| {
            Response::Welcome {
                protocol,
                now_ms,
                silence_ms,
            }
        }),
        Just(Response::Renewed),
        (channel(), replica(), "\\PC{0,9}", data).prop_map(|(channel, peer, user, data)| {
            Response::Presence {
                channel,
                peer,
                user,
                data,
            }
        }),
        (channel(), permission).prop_map(|(channel, permission)| Response::Permission {
            channel,
            permission
        }),
        (channel(), why()).prop_map(|(channel, (reason, text))| Response::Closed {
            channel,
            reason,
            text
        }),
        why().prop_map(|(reason, text)| Response::Bye { reason, text }),
        any::<u64>().prop_map(|now_ms| Response::Pong { now_ms }),
        channel().prop_map(|channel| Response::Removed { channel }),
    ]
}

pub(in crate::sync) fn response() -> impl Strategy<Value = Response> {
    prop_oneof![
        session_response(),
        channel().prop_map(|channel| Response::Asked { channel }),
        channel().prop_map(|channel| Response::Behind { channel }),
        (channel(), opened()).prop_map(|(channel, opened)| Response::Opened {
            channel,
            permission: Permission::Write,
            opened
        }),
        (channel(), page()).prop_map(|(channel, page)| Response::Page { channel, page }),
        (channel(), range()).prop_map(|(channel, range)| Response::Cells { channel, range }),
        (channel(), any::<bool>(), state()).prop_map(|(channel, all, state)| Response::Offered {
            channel,
            all,
            state
        }),
        (channel(), id_heads(), state()).prop_map(|(channel, heads, state)| Response::Adopted {
            channel,
            heads,
            state
        }),
        (channel(), ack()).prop_map(|(channel, ack)| Response::Ack { channel, ack }),
        (channel(), replica(), id_head()).prop_map(|(channel, replica, head)| Response::Gap {
            channel,
            replica,
            head
        }),
        (channel(), replica(), 1_u64.., why(), time(), any::<u64>()).prop_map(
            |(channel, replica, number, (reason, text), time, now_ms)| Response::Reject {
                channel,
                id: EntryId { replica, number },
                reason,
                text,
                window: Window {
                    floor: time,
                    now_ms,
                    latest: time
                },
            }
        ),
    ]
}

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

/// An app opens a document with each page load, mostly without anything to send.
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
        (Response::Asked { channel }, vec![13, 0]),
        (Response::Behind { channel }, vec![14, 0]),
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
