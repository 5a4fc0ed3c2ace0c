//! Arbitrary bytes as a delta: an error, or a delta that a document accepts or rejects, and that
//! encodes to the same bytes.
#![no_main]

use leptos_sync_core::{Clock, Delta, Doc, ReplicaId, cells::CellMap, clock::ManualTime};
use leptos_sync_fuzz::{NOW_MS, board, sealed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(delta) = Delta::decode(bytes) {
        assert!(Delta::decode(&delta.encode()).is_ok());
    }
    let Ok(delta) = Delta::decode(&sealed(1, bytes)) else {
        return;
    };
    let again = Delta::decode(&delta.encode()).expect("what was read can be written and read");
    assert_eq!(again.encode_uncompressed(), delta.encode_uncompressed());
    let parts = delta.split(64).expect("what was read can be cut");
    let whole = Delta::of_parts(&parts).expect("the parts are of one delta");
    assert_eq!(whole.len(), delta.len());
    let mut typed = board(1);
    // The same claims are rejected, whatever the document contains.
    let mut cells = Doc::<CellMap>::new(Clock::new(ReplicaId::new(1), ManualTime::at(NOW_MS)));
    let (taken, kept) = (typed.apply(&delta), cells.apply(&delta));
    assert_eq!(taken.is_ok(), kept.is_ok());
    typed.assert_invariants();
    cells.assert_invariants();
    if taken.is_ok() {
        typed.snapshot().expect("what was accepted can be written");
    }
});
