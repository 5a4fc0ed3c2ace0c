//! Arbitrary bytes as a snapshot, and as a chunk of an export.
#![no_main]

use leptos_sync_core::{Import, Snapshot};
use leptos_sync_fuzz::{board, sealed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut doc = board(1);
    let _ = doc.import(&mut Import::new(), bytes);
    doc.assert_invariants();
    let part = sealed(2, bytes.get(10..).unwrap_or_default());
    let chunk = [bytes.get(..10).unwrap_or_default(), &part].concat();
    let _ = doc.import(&mut Import::new(), &sealed(4, &chunk));
    doc.assert_invariants();
    let Ok(snapshot) = Snapshot::decode(&sealed(2, bytes)) else {
        return;
    };
    let mut doc = board(1);
    if doc.merge_snapshot(&snapshot).is_ok() {
        doc.snapshot().expect("what was accepted can be written");
    }
    doc.assert_invariants();
});
