use leptos_sync_benches::ours::{self, Map};
use leptos_sync_core::{Doc, Error, Snapshot};

use super::Work;
use crate::{
    measure::{Side, side},
    other::{self, Entries},
};

pub(super) const WORKS: &[Work] = &[
    Work {
        name: "encode",
        ours: |size| {
            let doc = ours::doc(size);
            side(
                || (),
                move |()| doc.snapshot().map(|state| state.encode_uncompressed()),
            )
        },
        other: |size| {
            let state = other::state(size);
            side(|| (), move |()| bincode::serialize(&state))
        },
    },
    Work {
        name: "encode, deflated",
        ours: |size| {
            let doc = ours::doc(size);
            side(|| (), move |()| doc.snapshot().map(|state| state.encode()))
        },
        other: |size| {
            let state = other::state(size);
            side(
                || (),
                move |()| bincode::serialize(&state).map(|bytes| other::deflated(&bytes)),
            )
        },
    },
    Work {
        name: "decode",
        ours: |size| decode_ours(size, Snapshot::encode_uncompressed),
        other: |size| {
            let bytes = bincode::serialize(&other::state(size)).unwrap_or_default();
            side(|| (), move |()| bincode::deserialize::<Entries>(&bytes))
        },
    },
    Work {
        name: "decode, deflated",
        ours: |size| decode_ours(size, Snapshot::encode),
        other: |size| {
            let bytes = bincode::serialize(&other::state(size)).unwrap_or_default();
            let bytes = other::deflated(&bytes);
            side(
                || (),
                move |()| bincode::deserialize::<Entries>(&other::inflated(&bytes)),
            )
        },
    },
];

fn decode_ours(size: usize, encode: fn(&Snapshot) -> Vec<u8>) -> Side {
    let snapshot = ours::doc(size).snapshot();
    let bytes = snapshot
        .map(|snapshot| encode(&snapshot))
        .unwrap_or_default();
    side(
        || Some(ours::clock(2)),
        move |clock| -> Option<Result<Doc<Map>, Error>> {
            let clock = clock.take()?;
            Some(Snapshot::decode(&bytes).map(|snapshot| Doc::load(&snapshot, clock)))
        },
    )
}
