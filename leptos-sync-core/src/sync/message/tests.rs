use proptest::{collection::vec, prelude::*};

use super::{
    checks::{has_one_encoding, round_trips},
    *,
};
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    delta::{Delta, Restamped, Snapshot},
    id::ReplicaId,
    limits,
    path::PathBuf,
    version::VersionVector,
};

fn version() -> impl Strategy<Value = VersionVector> {
    vec((any::<u64>(), 1_u64..), 0..4).prop_map(|entries| {
        let entries = entries.into_iter();
        entries
            .map(|(replica, time)| (ReplicaId::new(replica), Time::new(time)))
            .collect()
    })
}

fn written(out: &mut CellWriter, values: &[Option<u8>]) {
    let stamp = Stamp::new(Time::new(7), ReplicaId::new(9));
    out.group(PathBuf::new().child(b"list").as_path());
    for (key, value) in values.iter().enumerate() {
        let value = value.map(|length| vec![1; usize::from(length)]);
        out.copy(CellRef {
            key: &[key as u8],
            stamp,
            value: value.as_deref(),
        });
    }
}

fn delta() -> impl Strategy<Value = Delta> {
    (version(), version(), vec(any::<Option<u8>>(), 0..9)).prop_map(|(after, upto, values)| {
        let mut cells = CellWriter::default();
        Delta::write(&mut cells, after, upto, |out| written(out, &values)).unwrap()
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    (version(), vec(any::<Option<u8>>(), 0..9)).prop_map(|(version, values)| {
        Snapshot::write(version, VersionVector::new(), |out| written(out, &values)).unwrap()
    })
}

fn why() -> impl Strategy<Value = (Reason, String)> {
    ((0_u8..15).prop_map(Reason::of_code), "\\PC{0,20}")
}

fn channel() -> impl Strategy<Value = Channel> {
    any::<u32>().prop_map(Channel)
}

fn request() -> impl Strategy<Value = Request> {
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
        (channel(), "\\PC{1,9}", any::<u64>(), version()).prop_map(
            |(channel, document, schema, version)| Request::Open {
                channel,
                document,
                schema,
                version
            }
        ),
        (channel(), vec(delta(), 1..4))
            .prop_map(|(channel, deltas)| Request::Push { channel, deltas }),
        (channel(), delta()).prop_map(|(channel, delta)| Request::Part { channel, delta }),
        (channel(), bytes()).prop_map(|(channel, data)| Request::Presence { channel, data }),
        channel().prop_map(|channel| Request::Leave { channel }),
        Just(Request::Ping),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let permission = || prop_oneof![Just(Permission::Read), Just(Permission::Write)];
    prop_oneof![
        (any::<u16>(), any::<u64>(), any::<u32>()).prop_map(|(protocol, now_ms, silence_ms)| {
            Response::Welcome {
                protocol,
                now_ms,
                silence_ms,
            }
        }),
        Just(Response::Renewed),
        (
            channel(),
            permission(),
            version(),
            any::<u64>(),
            any::<u64>()
        )
            .prop_map(
                |(channel, permission, version, floor, now_ms)| Response::Opened {
                    channel,
                    permission,
                    version,
                    floor: Time::new(floor),
                    now_ms
                }
            ),
        (channel(), any::<bool>(), delta()).prop_map(|(channel, more, delta)| Response::Delta {
            channel,
            more,
            delta
        }),
        (channel(), any::<bool>(), snapshot()).prop_map(|(channel, more, part)| {
            Response::Snapshot {
                channel,
                more,
                part,
            }
        }),
        (channel(), version()).prop_map(|(channel, upto)| Response::Ack { channel, upto }),
        (channel(), version(), why()).prop_map(|(channel, upto, (reason, text))| {
            Response::Reject {
                channel,
                upto,
                reason,
                text,
            }
        }),
        (
            channel(),
            any::<u64>(),
            "\\PC{0,9}",
            vec(any::<u8>(), 0..30)
        )
            .prop_map(|(channel, peer, user, data)| Response::Presence {
                channel,
                peer: ReplicaId::new(peer),
                user,
                data,
            }),
        (channel(), permission()).prop_map(|(channel, permission)| Response::Permission {
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
    ]
}

/// Generates a message between tabs.
fn tab_message() -> impl Strategy<Value = TabMessage> {
    let restamped =
        (version(), delta()).prop_map(|(replaced, delta)| Restamped { replaced, delta });
    let kind = prop_oneof![
        delta().prop_map(TabMessageKind::Edit),
        version().prop_map(TabMessageKind::Request),
        version().prop_map(TabMessageKind::Reply),
        delta().prop_map(TabMessageKind::Missing),
        (version(), why()).prop_map(|(upto, (reason, text))| TabMessageKind::Rejected {
            upto,
            reason,
            text
        }),
        vec(restamped, 0..4).prop_map(TabMessageKind::Restamped),
    ];
    ("\\PC{1,9}", kind).prop_map(|(document, kind)| TabMessage { document, kind })
}

proptest! {
    #[test]
    fn a_broadcast_has_the_bytes_of_a_single_delta(channel in channel(), delta in delta()) {
        let shared = Broadcast::new(delta.clone());
        let response = Response::Delta {
            channel,
            more: false,
            delta,
        };
        for deflate in [false, cfg!(feature = "deflate"), false] {
            let (mut one, mut many) = (Vec::new(), Vec::new());
            response.encode(deflate, &mut one);
            shared.write(channel, deflate, &mut many);
            prop_assert_eq!(one, many);
        }
    }

    #[test]
    fn requests_round_trip(message in request(), byte in any::<(usize, u8)>()) {
        round_trips(&message, byte);
    }

    #[test]
    fn responses_round_trip(message in response(), byte in any::<(usize, u8)>()) {
        round_trips(&message, byte);
    }

    #[test]
    fn tab_messages_round_trip(message in tab_message(), byte in any::<(usize, u8)>()) {
        round_trips(&message, byte);
    }

    #[test]
    fn arbitrary_bytes_are_a_message_of_one_encoding_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        has_one_encoding::<Request>(&bytes);
        has_one_encoding::<Response>(&bytes);
        has_one_encoding::<TabMessage>(&bytes);
    }
}

/// Checks the bytes that `docs/protocol.md` specifies for every build of this protocol.
#[test]
fn messages_have_the_documented_bytes() {
    let version = VersionVector::of(ReplicaId::new(7), Time::new(300));
    let id = [7, 0, 0, 0, 0, 0, 0, 0];
    let requests: [(Request, Vec<u8>); 4] = [
        (
            Request::Hello {
                newest: 1,
                oldest: 1,
                deflate: true,
                credentials: b"me".to_vec(),
            },
            vec![1, 1, 1, 1, 2, b'm', b'e'],
        ),
        (
            Request::Open {
                channel: Channel(200),
                document: "a".to_owned(),
                schema: 5,
                version: version.clone(),
            },
            [&[3, 200, 1, 1, b'a', 5, 1][..], &id, &[172, 2]].concat(),
        ),
        (
            Request::Leave {
                channel: Channel(1),
            },
            vec![7, 1],
        ),
        (Request::Ping, vec![8]),
    ];
    for (request, expected) in requests {
        let mut bytes = Vec::new();
        request.encode(false, &mut bytes);
        assert_eq!(bytes, expected, "{request:?}");
    }
    let responses: [(Response, Vec<u8>); 6] = [
        (
            Response::Welcome {
                protocol: 1,
                now_ms: 2,
                silence_ms: 300,
            },
            vec![1, 1, 2, 172, 2],
        ),
        (
            Response::Opened {
                channel: Channel(0),
                permission: Permission::Write,
                version: version.clone(),
                floor: Time::new(4),
                now_ms: 5,
            },
            [&[3, 0, 1, 1][..], &id, &[172, 2, 4, 5]].concat(),
        ),
        (
            Response::Reject {
                channel: Channel(0),
                upto: version,
                reason: Reason::Drift,
                text: "no".to_owned(),
            },
            [&[7, 0, 1][..], &id, &[172, 2, 4, 2, b'n', b'o']].concat(),
        ),
        (
            Response::Presence {
                channel: Channel(1),
                peer: ReplicaId::new(300),
                user: "ada".to_owned(),
                data: vec![9, 8],
            },
            vec![8, 1, 172, 2, 3, b'a', b'd', b'a', 2, 9, 8],
        ),
        (
            Response::Permission {
                channel: Channel(1),
                permission: Permission::Read,
            },
            vec![12, 1, 0],
        ),
        (
            Response::Bye {
                reason: Reason::Slow,
                text: String::new(),
            },
            vec![10, 10, 0],
        ),
    ];
    for (response, expected) in responses {
        let mut bytes = Vec::new();
        response.encode(false, &mut bytes);
        assert_eq!(bytes, expected, "{response:?}");
    }
}

#[test]
fn an_unknown_reason_is_decoded_as_other() {
    for code in 0..=u8::MAX {
        let reason = Reason::of_code(code);
        assert!(reason.code() == code || reason == Reason::Other);
    }
}

#[test]
fn a_user_name_that_is_too_long_is_rejected() {
    for (length, fits) in [(limits::USER_BYTES, true), (limits::USER_BYTES + 1, false)] {
        let response = Response::Presence {
            channel: Channel(0),
            peer: ReplicaId::new(1),
            user: "u".repeat(length),
            data: Vec::new(),
        };
        let mut bytes = Vec::new();
        response.encode(false, &mut bytes);
        assert_eq!(Response::decode(&bytes).is_ok(), fits, "{length} bytes");
    }
}

#[test]
fn a_long_text_is_truncated_between_characters() {
    let response = Response::Bye {
        reason: Reason::Other,
        text: "ä".repeat(limits::REASON_BYTES),
    };
    let mut bytes = Vec::new();
    response.encode(false, &mut bytes);
    let Response::Bye { text, .. } = Response::decode(&bytes).unwrap() else {
        panic!("decoded another message");
    };
    assert_eq!(text, "ä".repeat(limits::REASON_BYTES / 2));
}
