//! The rows: the work, and how each library does it.
//!
//! All sides get the same inputs, read the same clock equally often, and draw no random numbers in
//! the measured loop. The libraries' interfaces cause these differences:
//!
//! - **create**: the other library reads the clock in every `LwwRegister::new`. Ours takes a stamp,
//!   which is created from the system's clock each time. crdts and the plain struct take only the
//!   time, from the same source. The replica ids of the other library are created once, outside the
//!   loop. The row *as the other's own benchmark* creates one with `ReplicaId::default()` for each
//!   register, as the documentation of that library shows. That costs a random number each, which
//!   ours does not need.
//! - **merge later writes**, **merge counters**, **merge maps**: crdts consumes the other copy,
//!   which is created outside the loop.
//! - **insert**: the other library and crdts have no batches, so they use a loop. The other library
//!   reads the clock for each entry. Ours reads it once per batch, and in *each with a clock
//!   reading* as often as the other library. The documents (yrs, loro, automerge) keep a history
//!   and an index for deltas. In *in a document*, our side does the same, in one transaction that
//!   creates its delta.
//! - **get**: crdts clones the value and its clock, and yrs, loro and automerge create an owned
//!   value; their interfaces offer nothing else. The other three return a reference.
//! - **merge maps**: *a full copy* is a clone, whose entries have the same order in memory. *A
//!   replica's copy* was filled in a different order, so that look-ups access memory at random.
//!   (The map of crdts is ordered by key.)
//! - **merge documents**: yrs and loro cannot join two documents in memory. They read the whole
//!   state of the other document from bytes that are encoded outside the loop. In the row *from
//!   bytes*, all sides read bytes.
//! - **deltas**: the changes are a hundred, written in one transaction before each run. Creating a
//!   delta means finding the changes that a version lacks. For yrs, the applied and counted delta
//!   is the update of the transaction, which is shorter. The other library and crdts have no
//!   deltas; crdts gets the list of its operations.
//! - **updates**: the changes are a hundred, each in its own transaction. They are decoded and
//!   applied one by one. The other library has no encoding for them and merges maps of one entry.
//! - **encode**, **decode**: the map of the other library cannot be encoded, nor created from
//!   entries with their timestamps. Its side encodes and decodes a `HashMap` of its registers,
//!   without the cost of the conversion that its users would have. The other library and crdts
//!   neither check nor compress their bytes; our bytes have a checksum. Decoding ends when one
//!   entry has been read. loro caches its encoding, so encoding an unchanged document again costs
//!   less.
//! - **bytes**: yrs gets the shorter of its two encodings. loro always compresses snapshots, so its
//!   updates are in the row of plain bytes; among the deflated ones, the shortest of its snapshot,
//!   state and updates counts. Bytes that a library does not compress itself are deflated as a
//!   whole. The whole program deflates with zlib-rs, because automerge requires it; this library
//!   alone would use miniz_oxide.
//! - **heap**: a separate process (see [`heap`](crate::heap)) measures the map that one batch
//!   created.

use crate::{measure::Side, peers::Peer};

/// A row of times, at any size.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// The side of a library, if it can do the work.
    pub(crate) side: fn(&dyn Peer, usize) -> Option<Side>,
    /// Whether the time of a run is proportional to the size; otherwise a run does the same work at
    /// every size.
    pub(crate) grows: bool,
}

macro_rules! works {
    ($($constant:ident = $name:literal, $method:ident, $grows:literal;)*) => {
        $(pub(crate) const $constant: Work = Work {
            name: $name,
            side: |peer, size| peer.$method(size),
            grows: $grows,
        };)*

        /// All rows.
        pub(crate) const ALL: &[Work] = &[$($constant),*];
    };
}

works! {
    CREATE = "registers: create, each with a clock reading", create, true;
    CREATE_AS_BENCHMARKED = "registers: create as the other's own benchmark", create_as_benchmarked, true;
    MERGE_REGISTERS = "registers: merge later writes into one", merge_registers, true;
    COUNT = "counters: increment", count, true;
    MERGE_COUNTERS = "counters: merge as many replicas, half newer", merge_counters, true;
    INSERT_EACH = "maps: insert, each with a clock reading", insert_each, true;
    INSERT_BATCH = "maps: insert_batch, one clock reading (other: each)", insert_batch, true;
    INSERT_BATCH_TICKING = "maps: insert_batch, each with a clock reading", insert_batch_ticking, true;
    INSERT_IN_DOC = "maps: insert_batch in a document", insert_in_doc, true;
    GET = "maps: get all in random order", get, true;
    MERGE = "maps: merge a full copy, a tenth newer", merge, true;
    MERGE_REPLICA = "maps: merge a replica's full copy, a tenth newer", merge_replica, true;
    MERGE_DOCS = "documents: merge a full copy, a tenth newer", merge_docs, true;
    MERGE_BYTES = "documents: merge a full copy from bytes", merge_bytes, true;
    MAKE_DELTA = "delta of 100 changes: make", make_delta, false;
    APPLY_DELTA = "delta of 100 changes: apply", apply_delta, false;
    APPLY_UPDATES = "updates: apply 100, one by one", apply_updates, false;
    ENCODE = "encode", encode, true;
    ENCODE_DEFLATED = "encode, deflated", encode_deflated, true;
    DECODE = "decode", decode, true;
    DECODE_DEFLATED = "decode, deflated", decode_deflated, true;
}
