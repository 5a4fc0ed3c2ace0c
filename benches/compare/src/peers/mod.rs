//! The libraries, one file each. Each does the work in the best way that its documentation shows.
#![expect(
    clippy::expect_used,
    reason = "inputs that cannot be made, and work that fails, end the run"
)]

mod automerge;
mod crdts;
mod loro;
mod other;
mod ours;
mod plain;
mod yrs;

use std::{any::Any, cell::RefCell, hint::black_box, io::Write, rc::Rc};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use leptos_sync_benches::edits;

use crate::measure::{Side, side};

/// The number of changes in a delta, and of single updates applied in a run.
pub(crate) const CHANGES: usize = 100;

/// A library, with the work that it can do at any size. The table shows a dash for `None`.
///
/// [`works`](crate::works) describes each kind of work and the differences between the libraries.
pub(crate) trait Peer: Sync {
    fn create(&self, _size: usize) -> Option<Side> {
        None
    }

    fn create_as_benchmarked(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge_registers(&self, _size: usize) -> Option<Side> {
        None
    }

    fn count(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge_counters(&self, _size: usize) -> Option<Side> {
        None
    }

    fn insert_each(&self, _size: usize) -> Option<Side> {
        None
    }

    fn insert_batch(&self, _size: usize) -> Option<Side> {
        None
    }

    fn insert_batch_ticking(&self, _size: usize) -> Option<Side> {
        None
    }

    fn insert_in_doc(&self, _size: usize) -> Option<Side> {
        None
    }

    fn get(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge_replica(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge_docs(&self, _size: usize) -> Option<Side> {
        None
    }

    fn merge_bytes(&self, _size: usize) -> Option<Side> {
        None
    }

    fn make_delta(&self, _size: usize) -> Option<Side> {
        None
    }

    fn apply_delta(&self, _size: usize) -> Option<Side> {
        None
    }

    fn delta_bytes(&self, _size: usize) -> Option<f64> {
        None
    }

    fn apply_updates(&self, _size: usize) -> Option<Side> {
        None
    }

    fn encode(&self, _size: usize) -> Option<Side> {
        None
    }

    fn encode_deflated(&self, _size: usize) -> Option<Side> {
        None
    }

    fn decode(&self, _size: usize) -> Option<Side> {
        None
    }

    fn decode_deflated(&self, _size: usize) -> Option<Side> {
        None
    }

    /// Returns the size of the encoded state in bytes.
    fn bytes(&self, _size: usize) -> Option<f64> {
        None
    }

    fn bytes_deflated(&self, _size: usize) -> Option<f64> {
        None
    }

    /// Returns a map written in one batch, to measure its memory.
    fn held(&self, _size: usize) -> Option<Box<dyn Any>> {
        None
    }

    /// Returns the same map as untyped cells, which a relay holds.
    fn held_as_cells(&self, _size: usize) -> Option<Box<dyn Any>> {
        None
    }
}

/// A library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    Plain,
    Other,
    Crdts,
    Yrs,
    Loro,
    Automerge,
}

impl Who {
    /// All libraries, in the order of the columns.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::Plain,
        Self::Other,
        Self::Crdts,
        Self::Yrs,
        Self::Loro,
        Self::Automerge,
    ];

    pub(crate) fn peer(self) -> &'static dyn Peer {
        match self {
            Self::Ours => &ours::Ours,
            Self::Plain => &plain::Plain,
            Self::Other => &other::Other,
            Self::Crdts => &crdts::Crdts,
            Self::Yrs => &yrs::Yrs,
            Self::Loro => &loro::Loro,
            Self::Automerge => &automerge::Automerge,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Plain => "plain",
            Self::Other => "other",
            Self::Crdts => "crdts",
            Self::Yrs => "yrs",
            Self::Loro => "loro",
            Self::Automerge => "automerge",
        }
    }
}

/// Returns a side for two copies of a document. Each run gets the next input from `next` and
/// applies `work` to the current states. So no run repeats the work of an earlier one.
fn evolving<T: 'static, I: 'static, O: 'static>(
    state: T,
    mut next: impl FnMut(&mut T) -> I + 'static,
    mut work: impl FnMut(&mut T, I) -> O + 'static,
) -> Side {
    let state = Rc::new(RefCell::new(state));
    let shared = Rc::clone(&state);
    side(
        move || Some(next(&mut state.borrow_mut())),
        move |input| Some(work(&mut shared.borrow_mut(), input.take()?)),
    )
}

/// Returns a side that applies the updates of one copy to another, one at a time. `change` makes
/// the edits and returns the update; `apply` applies it.
fn updated<D: 'static>(
    copies: (D, D),
    size: usize,
    change: impl Fn(&mut D, Edits<'_>) -> Vec<u8> + 'static,
    apply: impl Fn(&mut D, &[u8]) + 'static,
) -> Side {
    let mut edits = edits(size);
    evolving(
        copies,
        move |(doc, _)| -> Vec<Vec<u8>> {
            let edits = edits.by_ref().take(CHANGES);
            edits
                .map(|edit| change(doc, &mut std::iter::once(edit)))
                .collect()
        },
        move |(_, target), updates| {
            for bytes in &updates {
                apply(target, bytes);
            }
        },
    )
}

/// Returns a side that applies the changes of a hundred edits to another copy in one step.
fn caught_up<D: 'static>(
    copies: (D, D),
    size: usize,
    change: impl Fn(&mut D, Edits<'_>) -> Vec<u8> + 'static,
    apply: impl Fn(&mut D, &[u8]) + 'static,
) -> Side {
    let mut edits = edits(size);
    evolving(
        copies,
        move |(doc, _)| change(doc, &mut edits.by_ref().take(CHANGES)),
        move |(_, target), bytes| apply(target, &bytes),
    )
}

/// A source of edits.
type Edits<'a> = &'a mut dyn Iterator<Item = (String, String)>;

/// Returns a side that reads every key of an unchanged map. `read` prevents the compiler from
/// removing the reads.
fn reads<M: 'static>(map: M, keys: Vec<String>, read: impl Fn(&M, &String) + 'static) -> Side {
    side(
        || (),
        move |()| {
            for key in &keys {
                read(&map, black_box(key));
            }
        },
    )
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut inflated = Vec::new();
    // Data deflated above always inflates.
    let _ = std::io::Read::read_to_end(&mut DeflateDecoder::new(bytes), &mut inflated);
    inflated
}

/// Converts a size in bytes to a measurement.
fn amount(bytes: usize) -> f64 {
    bytes as f64
}
