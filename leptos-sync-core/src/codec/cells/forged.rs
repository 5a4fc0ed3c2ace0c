//! Hand-made groups, each with one fault.

use super::Cells;
use crate::{clock::Time, codec::varint, error::Error, id::ReplicaId, limits};

const BASE: Time = Time::new(1000);
const ROWS: [ReplicaId; 2] = [ReplicaId::new(7), ReplicaId::new(8)];

#[derive(Clone)]
struct Parts {
    count: u64,
    /// The stamp column: length of the run, row of the replica, step in time.
    stamps: Vec<u64>,
    key_form: u8,
    key_lengths: Vec<u64>,
    keys: Vec<u8>,
    value_form: u8,
    value_lengths: Vec<u64>,
    values: Vec<u8>,
}

/// Returns two cells: `a` is "hi", `bc` is a tombstone.
fn fine() -> Parts {
    Parts {
        count: 2,
        stamps: vec![2 << 1, 1, 0],
        key_form: 1,
        key_lengths: vec![1, 2],
        keys: b"abc".to_vec(),
        value_form: 1,
        value_lengths: vec![3, 0],
        values: b"hi".to_vec(),
    }
}

/// Returns `count` cells whose keys and values are empty.
fn weightless(count: u64) -> Parts {
    Parts {
        count,
        stamps: vec![count << 1, 0, 0],
        key_form: 0,
        key_lengths: vec![0],
        keys: Vec::new(),
        value_form: 0,
        value_lengths: vec![0],
        values: Vec::new(),
    }
}

fn put_all(out: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|number| varint::put(out, *number));
}

impl Parts {
    fn bytes(&self) -> Vec<u8> {
        let mut out = b"\x06\x05cards".to_vec();
        varint::put(&mut out, self.count);
        let mut stamps = Vec::new();
        put_all(&mut stamps, &self.stamps);
        varint::put(&mut out, stamps.len() as u64);
        out.extend(stamps);
        out.push(self.key_form);
        put_all(&mut out, &self.key_lengths);
        out.extend_from_slice(&self.keys);
        out.push(self.value_form);
        put_all(&mut out, &self.value_lengths);
        out.extend_from_slice(&self.values);
        out
    }
}

fn check(bytes: &[u8]) -> Result<usize, Error> {
    let census = Cells::trusted(&ROWS, BASE, bytes).validate()?;
    Ok(census.cells)
}

fn refusal(change: impl FnOnce(&mut Parts)) -> Error {
    let mut parts = fine();
    change(&mut parts);
    check(&parts.bytes()).unwrap_err()
}

#[test]
fn the_base_group_is_valid() {
    assert_eq!(check(&fine().bytes()).unwrap(), 2);
    assert_eq!(check(&weightless(1).bytes()).unwrap(), 1);
}

/// A few bytes must not declare many cells.
#[test]
fn more_cells_than_distinct_keys_are_corrupt() {
    assert!(check(&weightless(2).bytes()).unwrap_err().is_corrupt());
    // Enough bytes follow for the declared cells, but they belong to other groups.
    let second = weightless(1).bytes().repeat(50);
    let both = [weightless(100).bytes(), second].concat();
    assert!(check(&both).unwrap_err().is_corrupt());
}

#[test]
fn a_group_without_cells_is_corrupt() {
    assert!(check(&weightless(0).bytes()).unwrap_err().is_corrupt());
    assert!(refusal(|parts| parts.count = 0).is_corrupt());
}

#[test]
fn absurd_counts_runs_and_rows_are_corrupt() {
    for absurd in [
        1 << 14,
        1 << 31,
        1 << 32,
        i64::MAX as u64,
        u64::MAX - 1,
        u64::MAX,
    ] {
        assert!(refusal(|parts| parts.count = absurd).is_corrupt());
        assert!(refusal(|parts| parts.stamps[0] = absurd).is_corrupt());
        assert!(refusal(|parts| parts.stamps[1] = absurd).is_corrupt());
    }
    // The lengths of the runs add up to the count only by overflow.
    assert!(
        refusal(|parts| parts.stamps = vec![u64::MAX - 1, 1, 0, u64::MAX, 0, 9, 0]).is_corrupt()
    );
}

#[test]
fn absurd_lengths_of_keys_and_values_are_rejected_in_both_forms() {
    for absurd in [
        limits::VALUE_BYTES as u64 + 2,
        1 << 32,
        i64::MAX as u64,
        u64::MAX,
    ] {
        for error in [
            refusal(|parts| parts.key_lengths[0] = absurd),
            refusal(|parts| parts.value_lengths[0] = absurd),
            refusal(|parts| (parts.key_form, parts.key_lengths) = (0, vec![absurd])),
            refusal(|parts| (parts.value_form, parts.value_lengths) = (0, vec![absurd])),
        ] {
            assert!(error.is_limit(), "{absurd}: {error:?}");
        }
    }
    assert!(refusal(|parts| parts.key_form = 2).is_corrupt());
    assert!(refusal(|parts| parts.value_form = 255).is_corrupt());
}

/// Below a record, the segment without a name is the path of its ender, which is a tombstone.
#[test]
fn content_at_an_enders_path_is_refused() {
    let nameless = |value_length| Parts {
        value_lengths: vec![value_length],
        ..weightless(1)
    };
    assert_eq!(check(&nameless(0).bytes()).unwrap(), 1);
    assert!(check(&nameless(1).bytes()).unwrap_err().is_corrupt());
    let first = refusal(|parts| {
        (parts.key_lengths, parts.keys) = (vec![0, 3], b"abc".to_vec());
    });
    assert!(first.is_corrupt());
    let mut second = fine();
    (second.key_lengths, second.keys) = (vec![3, 0], b"abc".to_vec());
    assert_eq!(check(&second.bytes()).unwrap(), 2);
}

#[test]
fn a_constant_length_column_beyond_the_input_is_corrupt() {
    let long = limits::VALUE_BYTES as u64 + 1;
    assert!(
        refusal(|parts| (parts.value_form, parts.value_lengths) = (0, vec![long])).is_corrupt()
    );
    assert!(refusal(|parts| (parts.key_form, parts.key_lengths) = (0, vec![1000])).is_corrupt());
}
