//! loro 1.17: a root map, written in one commit. Snapshots for whole states, updates for changes.
//!
//! A document from a snapshot decodes its map on first access. Merge targets are created from
//! updates instead, so that this work is not in the measured loop.

use std::{any::Any, hint::black_box};

use leptos_sync_benches::{edits, entries, newer, shuffled_keys};
use loro::{ExportMode, LoroCounter, LoroDoc, LoroMap};

use super::{CHANGES, Peer, amount, caught_up, deflated, evolving, updated};
use crate::measure::{Side, side};

pub(super) struct Loro;

impl Peer for Loro {
    fn count(&self, size: usize) -> Option<Side> {
        Some(side(
            || {
                let doc = empty(1);
                let counter: LoroCounter = doc.get_counter("counter");
                (doc, counter)
            },
            move |(doc, counter)| {
                for _ in 0..size {
                    counter.increment(black_box(1.0)).expect("it is attached");
                }
                doc.commit();
            },
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (empty(1), entries.clone()),
            |(doc, entries)| write(doc, entries.drain(..)),
        ))
    }

    fn insert_in_doc(&self, size: usize) -> Option<Side> {
        self.insert_batch(size)
    }

    fn get(&self, size: usize) -> Option<Side> {
        let (doc, keys) = (filled(size), shuffled_keys(size));
        Some(side(
            || (),
            move |()| {
                let map = map(&doc);
                for key in &keys {
                    black_box(map.get(black_box(key)));
                }
            },
        ))
    }

    fn merge_docs(&self, size: usize) -> Option<Side> {
        let state = updates(&filled(size));
        let newer_doc = told(2, &state);
        write(&newer_doc, newer(size));
        let full = updates(&newer_doc);
        Some(side(move || told(3, &state), move |doc| import(doc, &full)))
    }

    fn merge_bytes(&self, size: usize) -> Option<Side> {
        self.merge_docs(size)
    }

    fn make_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        Some(evolving(
            filled(size),
            move |doc| {
                let before = doc.oplog_vv();
                write(doc, edits.by_ref().take(CHANGES));
                before
            },
            |doc, before| exported(doc, ExportMode::updates(&before)),
        ))
    }

    fn apply_delta(&self, size: usize) -> Option<Side> {
        Some(caught_up(
            copies(size),
            size,
            |doc, edits| change(doc, edits),
            |target, bytes| import(target, bytes),
        ))
    }

    fn delta_bytes(&self, size: usize) -> Option<f64> {
        let bytes = change(&filled(size), edits(size).take(CHANGES));
        Some(amount(bytes.len()))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        Some(updated(
            copies(size),
            size,
            |doc, edits| change(doc, edits),
            |target, bytes| import(target, bytes),
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let doc = filled(size);
        Some(side(|| (), move |()| exported(&doc, ExportMode::Snapshot)))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = exported(&filled(size), ExportMode::Snapshot);
        Some(side(
            || (),
            move |()| {
                let doc = LoroDoc::from_snapshot(black_box(&bytes)).expect("the bytes are sound");
                black_box(map(&doc).get("key-000000"));
                doc
            },
        ))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        Some(amount(updates(&filled(size)).len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        let doc = filled(size);
        let forms = [
            exported(&doc, ExportMode::Snapshot),
            exported(&doc, ExportMode::state_only(None)),
            updates(&doc),
        ];
        let deflated = forms.iter().map(|bytes| deflated(bytes).len());
        deflated.min().map(amount)
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(filled(size)))
    }
}

fn empty(peer: u64) -> LoroDoc {
    let doc = LoroDoc::new();
    doc.set_peer_id(peer).expect("nothing is pending");
    doc
}

fn map(doc: &LoroDoc) -> LoroMap {
    doc.get_map("map")
}

fn filled(size: usize) -> LoroDoc {
    let doc = empty(1);
    write(&doc, entries(size));
    doc
}

/// Returns a document that is edited, and one that receives the edits.
fn copies(size: usize) -> (LoroDoc, LoroDoc) {
    let state = updates(&filled(size));
    (told(2, &state), told(3, &state))
}

fn write(doc: &LoroDoc, entries: impl IntoIterator<Item = (String, String)>) {
    let map = map(doc);
    for (key, value) in entries {
        map.insert(&key, value).expect("it is attached");
    }
    doc.commit();
}

/// Writes entries in one commit and returns the update.
fn change(doc: &LoroDoc, entries: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    let before = doc.oplog_vv();
    write(doc, entries);
    exported(doc, ExportMode::updates(&before))
}

fn updates(doc: &LoroDoc) -> Vec<u8> {
    exported(doc, ExportMode::all_updates())
}

fn exported(doc: &LoroDoc, mode: ExportMode<'_>) -> Vec<u8> {
    doc.export(mode).expect("a document can be written")
}

fn told(peer: u64, bytes: &[u8]) -> LoroDoc {
    let doc = empty(peer);
    import(&doc, bytes);
    doc
}

fn import(doc: &LoroDoc, bytes: &[u8]) {
    let done = doc.import(black_box(bytes)).expect("the bytes are sound");
    assert!(done.pending.is_none(), "nothing is missing");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_copy() {
        let (source, target) = copies(10);
        for value in ["one", "two"] {
            let bytes = change(&source, [("key-000003".to_owned(), value.to_owned())]);
            import(&target, &bytes);
            let found = map(&target).get("key-000003").unwrap();
            assert_eq!(found.into_value().unwrap(), value.into());
        }
    }
}
