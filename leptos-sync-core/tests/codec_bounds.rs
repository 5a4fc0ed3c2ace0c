//! Decoding trusts nothing: any input results in a value or an error, and takes no more memory than
//! a value of its length may need.
//!
//! This file has a single test, since the allocator counts the memory of all threads.

use std::collections::BTreeMap;

use leptos_sync_core::internal;
use peak_alloc::PeakAlloc;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// An allowance for costs that do not depend on the length: an error message, a map's first node,
/// serde's smallest buffers.
const SLACK_BYTES: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct Tree {
    label: u8,
    children: Vec<Tree>,
}

#[derive(Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(String),
    Tuple(u8, Option<i32>),
    Struct { wide: u128, inner: Vec<Shape> },
}

/// A type whose values take memory but no bytes.
#[derive(Serialize, Deserialize)]
struct Free {
    #[serde(skip)]
    _room: u64,
}

/// Decodes `bytes` as a `T` and checks the memory. One byte may be an element that takes `per_byte`
/// bytes in memory.
fn decode<T: DeserializeOwned>(bytes: &[u8], per_byte: usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let decoded = internal::decode::<T>(bytes);
    let held = MEMORY.peak_usage().saturating_sub(before);
    drop(decoded);
    let bound = 4 * bytes.len() * per_byte + SLACK_BYTES;
    assert!(
        held <= bound,
        "{} from {} bytes held {held} bytes of memory, above {bound}",
        std::any::type_name::<T>(),
        bytes.len()
    );
}

/// Decodes `bytes` unchanged, and again after the first byte of a compound, whose shape is compared
/// only at the end.
fn decode_as_everything(bytes: &[u8]) {
    decode_as_each(bytes);
    decode_as_each(&[&[0x80], bytes].concat());
}

fn decode_as_each(bytes: &[u8]) {
    decode::<u64>(bytes, 1);
    decode::<char>(bytes, 1);
    decode::<String>(bytes, 1);
    decode::<(String, String)>(bytes, 1);
    decode::<Option<Vec<u8>>>(bytes, 1);
    decode::<Vec<()>>(bytes, 1);
    decode::<Vec<Free>>(bytes, size_of::<Free>());
    decode::<Vec<Vec<Free>>>(bytes, size_of::<Vec<Free>>());
    decode::<Vec<u64>>(bytes, size_of::<u64>());
    decode::<Vec<[u64; 16]>>(bytes, size_of::<[u64; 16]>());
    decode::<Vec<String>>(bytes, size_of::<String>());
    decode::<Vec<Vec<Vec<Vec<u16>>>>>(bytes, size_of::<Vec<u8>>());
    decode::<Vec<Shape>>(bytes, size_of::<Shape>());
    decode::<Tree>(bytes, size_of::<Tree>());
    decode::<BTreeMap<u32, u32>>(bytes, size_of::<(u32, u32)>());
}

/// Encodes a number like a number within a compound.
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
fn encoded(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    internal::encode(&(value,), &mut out).unwrap();
    out.split_off(1)
}

/// Generates bytes that resemble small and absurd lengths more often than random bytes do.
fn suspicious() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..8),
        vec(0_u8..4, 1..40),
        any::<u64>().prop_map(encoded),
        (0_u64..10_000).prop_map(encoded),
        "[a-z]{0,20}".prop_map(String::into_bytes),
    ];
    vec(piece, 0..300).prop_map(|pieces| pieces.concat())
}

#[test]
fn decoding_holds_no_more_memory_than_its_input_may_need() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(100));
    let outcome = runner.run(&suspicious(), |bytes| {
        decode_as_everything(&bytes);
        Ok(())
    });
    outcome.unwrap();
    decode_as_everything(&vec![1; 256 * 1024]);

    for len in [0, 1, 100, 3000] {
        for filling in [0, 1, 2, 250, 255] {
            let body = vec![filling; len];
            decode_as_everything(&body);
            // Declare about as many elements as there are bytes, and then the same in each element.
            for claim in [len, len + 1, len + 1024, len + 1025, 1 << 40, usize::MAX] {
                let claim = encoded(claim as u64);
                decode_as_everything(&[&claim[..], &body].concat());
                decode_as_everything(&[&claim[..], &claim, &claim, &body].concat());
                decode_as_everything(&[&[1][..], &claim, &[1], &claim, &body].concat());
            }
        }
    }
}
