use std::sync::Arc;

use leptos_sync_benches::{
    changed,
    ours::{self, Map},
};
use leptos_sync_core::{Delta, Doc, Error, VersionVector};

use super::Work;
use crate::{
    measure::side,
    other::{self, Entries, Mergeable},
};

pub(super) const WORKS: &[Work] = &[
    Work {
        name: "delta of one change: make (other: the whole state)",
        ours: |size| {
            let (doc, before) = edited(size);
            side(
                || (),
                move |()| {
                    doc.delta_since(&before)
                        .map(|delta| delta.encode_uncompressed())
                },
            )
        },
        other: |size| {
            let state = other::state(size);
            side(|| (), move |()| bincode::serialize(&state))
        },
    },
    Work {
        name: "delta of one change: apply (other: the whole state)",
        ours: |size| {
            let (doc, before) = edited(size);
            let delta = doc.delta_since(&before);
            let bytes = delta.map(|delta| delta.encode_uncompressed());
            let bytes = bytes.unwrap_or_default();
            let old = Arc::new(ours::doc(size).snapshot());
            side(
                move || {
                    let old = old.as_ref().as_ref();
                    old.map(|old| Doc::<Map>::load(old, ours::clock(2))).ok()
                },
                move |doc| -> Result<(), Error> {
                    if let Some(doc) = doc {
                        doc.apply(&Delta::decode(&bytes)?)?;
                    }
                    Ok(())
                },
            )
        },
        other: |size| {
            let base = other::state(size);
            let mut newer = base.clone();
            for (key, value) in changed(size, 1) {
                newer.insert(key, other::LwwRegister::new(value, other::replica(2)));
            }
            let bytes = bincode::serialize(&newer).unwrap_or_default();
            side(
                move || base.clone(),
                move |ours| merge(ours, bincode::deserialize(&bytes).unwrap_or_default()),
            )
        },
    },
];

/// The document after one change, and its version before.
fn edited(size: usize) -> (Doc<Map>, VersionVector) {
    let mut doc = ours::doc(size);
    let before = doc.version().clone();
    let done = doc.transact(|tx| tx.insert_batch(changed(size, 1)));
    assert!(done.is_ok(), "{done:?}");
    (doc, before)
}

/// The other map's own merge, on its entries.
fn merge(ours: &mut Entries, theirs: Entries) {
    for (key, register) in theirs {
        match ours.get_mut(&key) {
            Some(known) => drop(known.merge(&register)),
            None => drop(ours.insert(key, register)),
        }
    }
}
