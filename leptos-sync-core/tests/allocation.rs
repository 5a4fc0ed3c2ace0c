//! Rejecting bad input takes at most a few times its size in memory.
//!
//! This file has a single test, since the allocator counts the memory of all threads.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{DELTA, SNAPSHOT, body_of, doc, sealed, sealed_deflated, varint};
use leptos_sync_core::{Crdt, Delta, GCounter, LwwMap, LwwRegister, Snapshot, limits};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// An allowance for costs that do not depend on the length: an error message and the state of the
/// inflater.
const SLACK_BYTES: usize = 64 * 1024;

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
}

/// Decodes bytes, which are usually rejected, and checks the memory that this takes.
fn held(bytes: &[u8]) {
    for kind in [DELTA, SNAPSHOT] {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let accepted = if kind == DELTA {
            Delta::decode(bytes).is_ok()
        } else {
            Snapshot::decode(bytes).is_ok()
        };
        let held = MEMORY.peak_usage().saturating_sub(before);
        let bound = 4 * bytes.len() + SLACK_BYTES;
        assert!(
            held <= bound,
            "{} bytes (accepted: {accepted}) held {held} bytes of memory, above {bound}",
            bytes.len()
        );
    }
}

fn damaged(envelope: &[u8]) {
    let step = envelope.len() / 200 + 1;
    for at in (0..envelope.len()).step_by(step) {
        held(&envelope[..at]);
        let mut flipped = envelope.to_vec();
        flipped[at] ^= 1 << (at % 8);
        held(&flipped);
    }
}

/// Checks the memory for damaged bytes with a correct checksum, as in an attack.
fn forged(kind: u8, body: &[u8]) {
    let step = body.len() / 200 + 1;
    let absurd = [1 << 14, 1 << 20, 1 << 31, 1 << 40, u64::MAX].map(varint);
    for at in (0..body.len()).step_by(step).chain(0..body.len().min(60)) {
        held(&sealed(kind, &body[..at]));
        for absurd in &absurd {
            held(&sealed(
                kind,
                &[&body[..at], absurd, &body[at + 1..]].concat(),
            ));
        }
    }
}

/// Returns a body with the maximum number of replicas, all of them in both versions, followed by
/// bytes that are not a cell.
fn crowd() -> Vec<u8> {
    let replicas = limits::REPLICAS as u64;
    let mut body = varint(replicas);
    (0..replicas).for_each(|id| body.extend_from_slice(&id.to_le_bytes()));
    body.push(9);
    for _ in 0..2 {
        body.extend(varint(replicas));
        for row in 0..replicas {
            body.extend(varint(row));
            body.push(1);
        }
    }
    body
}

#[test]
fn rejecting_bad_input_holds_at_most_four_times_its_size() {
    let mut large = doc::<Board>(1);
    let small = large.transact(|tx| tx.title().set("Groceries".to_owned()));
    let delta = large
        .transact(|tx| {
            tx.cards()
                .insert_batch((0..20_u32).map(|n| (n, format!("card {n}"))));
            tx.moves().increment(1);
        })
        .unwrap()
        .delta
        .encode();
    let tiny = small.unwrap().delta.encode();
    // Use values that do not compress, so that the body itself is damaged.
    let noise = |n: u32| char::from_u32(0x4e00 + n.wrapping_mul(2_654_435_761) % 0x5000).unwrap();
    large
        .transact(|tx| {
            tx.cards()
                .insert_batch((0..5_000).map(|n| (n, String::from(noise(n)))))
        })
        .unwrap();
    let snapshot = large.snapshot().unwrap().encode();
    for envelope in [&tiny, &delta, &snapshot] {
        damaged(envelope);
    }
    for envelope in [&tiny, &delta] {
        forged(DELTA, body_of(envelope));
        forged(SNAPSHOT, body_of(envelope));
    }

    let crowd = crowd();
    held(&sealed(DELTA, &[&crowd[..], &[0, 9]].concat()));
    held(&sealed(DELTA, &crowd));

    let mut squeezed = Vec::with_capacity(1024 * 1024);
    flate2::Compress::new(flate2::Compression::best(), false)
        .compress_vec(
            &vec![0; 16 * 1024 * 1024],
            &mut squeezed,
            flate2::FlushCompress::Finish,
        )
        .unwrap();
    for claim in [1 << 24, 1 << 40, u64::MAX, 0, 1, 4 * squeezed.len() as u64] {
        held(&sealed_deflated(DELTA, claim, &squeezed));
    }
}
