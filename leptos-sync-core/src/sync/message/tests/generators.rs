//! Generators of messages and their parts.

use super::*;

/// Creates a patch whose cells have the stamp.
pub(super) fn patch_of(stamp: Stamp, values: &[Option<u8>]) -> Patch {
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

pub(super) fn patch() -> impl Strategy<Value = Patch> {
    let stamp = Stamp::new(Time::new(7), ReplicaId::new(9));
    vec(any::<Option<u8>>(), 0..9).prop_map(move |values| patch_of(stamp, &values))
}

pub(super) fn replica() -> impl Strategy<Value = ReplicaId> {
    any::<u64>().prop_map(ReplicaId::new)
}

pub(super) fn time() -> impl Strategy<Value = Time> {
    any::<u64>().prop_map(Time::new)
}

pub(super) fn sequence() -> impl Strategy<Value = Sequence> {
    any::<u64>().prop_map(Sequence::new)
}

pub(super) fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), sequence()).prop_map(|(epoch, sequence)| Position {
        epoch: Epoch::new(epoch),
        sequence,
    })
}

pub(super) fn witness() -> impl Strategy<Value = Witness> {
    (position(), time(), any::<[u8; 8]>()).prop_map(|(head, latest, seal)| Witness {
        head,
        latest,
        seal,
    })
}

pub(super) fn state() -> impl Strategy<Value = RelayState> {
    (witness(), any::<u64>()).prop_map(|(witness, start)| RelayState {
        epoch_start: Sequence::new(start.min(witness.head.sequence.get())),
        witness,
    })
}

pub(super) fn id_head() -> impl Strategy<Value = IdHead> {
    (any::<u64>(), any::<u64>(), time()).prop_map(|(number, hash, time)| IdHead {
        number,
        hash: EntryHash::new(hash),
        time,
        emptied: 0,
    })
}

pub(super) fn id_heads() -> impl Strategy<Value = Vec<(ReplicaId, IdHead)>> {
    let emptied = prop_oneof![Just(0), Just(4), any::<u64>()];
    let head = (id_head(), emptied).prop_map(|(head, emptied)| IdHead { emptied, ..head });
    vec((replica(), head), 0..4)
}

pub(super) fn epochs() -> impl Strategy<Value = Epochs> {
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

pub(super) fn path() -> impl Strategy<Value = Option<PathBuf>> {
    let key = vec(any::<u8>(), 0..9);
    proptest::option::of(key.prop_map(|key| PathBuf::new().child(&key)))
}

/// Generates channels, of which most are the first one.
pub(super) fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![Just(Channel(0)), any::<u32>().prop_map(Channel)]
}

pub(super) fn why() -> impl Strategy<Value = (Reason, String)> {
    ((0_u8..15).prop_map(Reason::of_code), "\\PC{0,20}")
}

/// Generates entries of one or two ids, of which some follow each other.
pub(super) fn entries() -> impl Strategy<Value = Vec<Entry>> {
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
                user: 0,
            });
        }
        entries
    })
}

pub(super) fn session_request() -> impl Strategy<Value = Request> {
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

pub(super) fn opening() -> impl Strategy<Value = Opening> {
    let ids = vec(replica(), 0..4);
    (position(), witness(), any::<bool>(), ids).prop_map(|(position, witness, comparing, ids)| {
        Opening {
            cursor: Cursor { position, witness },
            comparing,
            ids,
        }
    })
}

pub(super) fn request() -> impl Strategy<Value = Request> {
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

pub(super) fn page() -> impl Strategy<Value = Page> {
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

pub(super) fn opened() -> impl Strategy<Value = Opened> {
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

pub(super) fn ack() -> impl Strategy<Value = Ack> {
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

pub(super) fn range() -> impl Strategy<Value = CellRange> {
    (patch(), path(), state()).prop_map(|(cells, upto, state)| CellRange {
        sequences: (0..cells.len() as u64).map(Sequence::new).collect(),
        cells,
        upto,
        state,
    })
}

pub(super) fn session_response() -> impl Strategy<Value = Response> {
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
        channel().prop_map(|channel| Response::EpochsNeeded { channel }),
        channel().prop_map(|channel| Response::BehindHorizon { channel }),
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
