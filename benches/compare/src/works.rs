//! The rows: what is done, and by which of a library's methods.
//!
//! All sides get the same inputs, read the same clock as often and draw no random numbers in the
//! loop. What is not alike, since an interface makes it so:
//!
//! - **create**: the other library reads the clock in every `LwwRegister::new`. Ours is handed a
//!   stamp, so that one is drawn from the system's clock for each; crdts and the plain struct get
//!   the time alone, from the same source. Its replica ids are drawn once, outside. The row *as the
//!   other's own benchmark* makes one by `ReplicaId::default()` for each register, as its users are
//!   shown: a random number each, which ours does not need and does not draw.
//! - **merge later writes**, **merge counters**, **merge maps**: crdts takes the other copy away;
//!   it is made outside the loop.
//! - **insert**: the other library and crdts have no batches, theirs is a loop. In the other each
//!   entry reads the clock; ours reads it once a batch, and in *each with a clock reading* as often
//!   as the other. The documents (yrs, loro, automerge) keep a history and an index for deltas: *in
//!   a document* is our side doing as much, in one transaction that makes its delta.
//! - **get**: crdts clones the value and its clock, yrs, loro and automerge make an owned value;
//!   that is how they are read. Ours, the other and the plain map lend it.
//! - **merge maps**: *a full copy* is a clone, whose entries lie in the same order in memory; *a
//!   replica's copy* was filled in another order, so that each look-up goes somewhere else. (The
//!   order in crdts' map is that of the keys.)
//! - **merge documents**: yrs and loro cannot join two documents in memory; they read the other's
//!   whole state from bytes that were encoded outside the loop. *From bytes* has all sides read
//!   bytes.
//! - **deltas**: a hundred changes, written in one transaction before each run. To make one is to
//!   find what a version lacks; what is applied and counted is, for yrs, the update of the
//!   transaction, which is shorter. The other library and crdts have none; as a delta, crdts gets
//!   the list of its operations.
//! - **updates**: a hundred single changes, each its own transaction, decoded and applied one by
//!   one. The other library has no bytes for them and merges maps of one entry.
//! - **encode**, **decode**: the other's map cannot be encoded, nor made from entries with their
//!   timestamps. Its side encodes a `HashMap` of its registers and decodes to that, which leaves
//!   out what its users would pay for filling one from the other. It and crdts neither check their
//!   bytes nor compress them; ours have a checksum. Decoding ends when one entry has been read.
//!   loro keeps what it encoded and encodes an unchanged document again for less.
//! - **bytes**: yrs gets the shorter of its two encodings. loro compresses its snapshots always, so
//!   that its updates stand in the row of plain bytes; deflated, it gets the shortest of snapshot,
//!   state and updates. What a library does not compress itself is deflated as a whole. Since
//!   automerge asks for it, the whole program deflates with zlib-rs, where this library alone would
//!   take miniz_oxide.
//! - **heap**: the map that one batch made, in a process of its own that counts (see
//!   [`heap`](crate::heap)).

use crate::{measure::Side, peers::Peer};

/// A row of time, at any size.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// The side of a library, if it can do this.
    pub(crate) side: fn(&dyn Peer, usize) -> Option<Side>,
    /// Whether a run does as much as the size says; otherwise it does the same at every size.
    pub(crate) grows: bool,
}

macro_rules! works {
    ($($constant:ident = $name:literal, $method:ident, $grows:literal;)*) => {
        $(pub(crate) const $constant: Work = Work {
            name: $name,
            side: |peer, size| peer.$method(size),
            grows: $grows,
        };)*

        /// All of them.
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
