use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    clock::{Stamp, Time},
    codec::varint,
    id::ReplicaId,
    limits,
    path::PathBuf,
    version::InlineVec,
};

type Written = (Vec<Vec<u8>>, Vec<u8>, Stamp, Option<Vec<u8>>);

fn stamp(time: u64, replica: u64) -> Stamp {
    Stamp::new(Time::new(time), ReplicaId::new(replica))
}

fn path(segments: &[Vec<u8>]) -> PathBuf {
    segments
        .iter()
        .fold(PathBuf::new(), |path, segment| path.child(segment))
}

fn write(base: Time, cells: &[Written]) -> (InlineVec<ReplicaId>, Vec<u8>, Census) {
    let mut out = CellWriter::new(base);
    for (parent, key, stamp, value) in cells {
        out.group(path(parent).as_path());
        out.copy(CellRef {
            key,
            stamp: *stamp,
            value: value.as_deref(),
        });
    }
    assert_eq!(out.len(), cells.len());
    let (replicas, groups, census) = out.finish().unwrap();
    (replicas, groups.to_vec(), census)
}

fn written() -> impl Strategy<Value = Vec<Written>> {
    let bytes = |len| vec(any::<u8>(), 0..len);
    let time = prop_oneof![1_u64..4, 1_u64.., Just(u64::MAX)];
    let stamp = (time, prop_oneof![0_u64..3, any::<u64>()])
        .prop_map(|(time, replica)| stamp(time, replica));
    let parent = prop_oneof![
        Just(Vec::new()),
        Just(vec![b"cards".to_vec()]),
        vec(bytes(200), 0..4)
    ];
    let value = proptest::option::of(prop_oneof![bytes(3), bytes(300)]);
    vec((parent, bytes(3), stamp, value), 0..20)
}

proptest! {
    #[test]
    fn cells_round_trip_in_order(written in written(), base in any::<u64>()) {
        let base = Time::new(base);
        // A group cannot contain an empty key twice, since it would have fewer bytes than cells.
        let mut seen = BTreeMap::new();
        let written: Vec<_> = written
            .into_iter()
            .filter(|(parent, key, ..)| seen.insert((parent.clone(), key.clone()), ()).is_none())
            .map(|(parent, key, stamp, value)| {
                // There is no content without a name.
                let value = value.filter(|_| !key.is_empty());
                (parent, key, stamp, value)
            })
            .collect();
        let (replicas, groups, counted) = write(base, &written);
        let cells = Cells::trusted(&replicas, base, &groups);
        let census = cells.validate().unwrap();
        prop_assert_eq!(census.cells, written.len());
        let upto = written.iter().map(|(_, _, stamp, _)| (stamp.replica, stamp.time));
        prop_assert_eq!(&census, &counted);
        prop_assert_eq!(&census.into_upto(), &upto.collect());
        let mut read = Vec::new();
        for group in cells.groups() {
            prop_assert_eq!(group.cells().count(), group.len());
            for cell in group.cells() {
                let value = cell.value.map(<[u8]>::to_vec);
                read.push((cell.path(group.parent()), cell.stamp, value));
            }
        }
        let expected: Vec<_> = written
            .into_iter()
            .map(|(parent, key, stamp, value)| (path(&parent).child(&key), stamp, value))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn accepted_cells_can_be_written_again(bytes in vec(prop_oneof![0_u8..6, any::<u8>()], 0..60)) {
        let replicas = [ReplicaId::new(1), ReplicaId::new(2)];
        let cells = Cells::trusted(&replicas, Time::new(9), &bytes);
        if cells.validate().is_ok() {
            let mut out = CellWriter::new(Time::new(9));
            for group in cells.groups() {
                out.group(group.parent());
                group.cells().for_each(|cell| out.copy(cell));
            }
            prop_assert!(out.finish().is_ok());
        }
    }
}

#[test]
fn cells_of_a_transaction_share_their_stamp_and_cells_of_a_map_their_path() {
    let cards = vec![b"cards".to_vec()];
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let (replicas, groups, _) = write(
        Time::new(1_000),
        &[
            (cards.clone(), vec![1], stamp(998, 7), text("milk")),
            (cards.clone(), vec![2], stamp(998, 7), text("eggs")),
            (cards, vec![3], stamp(1_000, 7), None),
        ],
    );
    assert_eq!(*replicas, [ReplicaId::new(7)]);
    let expected: &[&[u8]] = &[
        // The parent path: one segment of five letters.
        &[6, 5],
        b"cards",
        // Three cells with five bytes of stamps: two cells of row 0 at two before the base, and one
        // of the same row two later.
        &[3, 5, 2 << 1, 0, 3, 1 << 1 | 1, 4],
        // Keys of one byte each.
        &[0, 1, 1, 2, 3],
        // Values of four, four and no bytes. Lengths are stored plus one, so that 0 is a tombstone.
        &[1, 5, 5, 0],
        b"milkeggs",
    ];
    assert_eq!(groups, expected.concat());
}

/// A part of an encoded group.
enum Piece {
    /// The length of the following bytes.
    Length(u64),
    Bytes(&'static [u8]),
}

use Piece::{Bytes, Length};

/// Two hand-encoded cells with keys of one length and values of different lengths.
const GROUP: [Piece; 15] = [
    Length(6),
    Bytes(b"\x05cards"),
    Length(2),
    Length(3),
    // Two cells of row 0, one before the base.
    Bytes(&[4, 0, 1]),
    Bytes(&[0]),
    Length(1),
    Bytes(b"ab"),
    Bytes(&[1]),
    Length(5),
    Length(4),
    Bytes(b"milk"),
    Bytes(b"egg"),
    // A second group at the root, with one cell and an empty key.
    Bytes(&[0, 1, 3, 2, 0, 0]),
    Bytes(&[0, 0, 0, 0]),
];

fn assemble(replace: impl Fn(usize, u64) -> u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, piece) in GROUP.iter().enumerate() {
        match piece {
            Length(length) => varint::put(&mut out, replace(at, *length)),
            Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }
    out
}

fn census(groups: &[u8]) -> Result<Census, crate::Error> {
    Cells::trusted(&[ReplicaId::new(1)], Time::new(1_000), groups).validate()
}

#[test]
fn an_absurd_length_anywhere_is_rejected() {
    assert_eq!(census(&assemble(|_, length| length)).unwrap().cells, 3);
    for (place, piece) in GROUP.iter().enumerate() {
        let Length(true_length) = piece else { continue };
        let absurd = [
            0,
            true_length - 1,
            true_length + 1,
            200,
            1 << 20,
            (1 << 32) - 1,
            1 << 32,
            1 << 63,
            u64::MAX - 1,
            u64::MAX,
        ];
        for absurd in absurd {
            let groups = assemble(|at, length| if at == place { absurd } else { length });
            let error = census(&groups).unwrap_err();
            assert!(
                error.is_corrupt() || error.is_limit(),
                "{absurd} at {place}: {error:?}"
            );
        }
    }
}

#[test]
fn truncated_groups_are_rejected() {
    let whole = assemble(|_, length| length);
    let first = whole.len() - 10;
    for len in (1..whole.len()).filter(|&len| len != first) {
        assert!(census(&whole[..len]).is_err(), "{len}");
    }
    assert_eq!(census(&whole[..first]).unwrap().cells, 2);
}

#[test]
fn stamps_need_a_known_replica_a_time_and_a_cell() {
    let group = |stamps: &[u8]| {
        let mut out = vec![0, 1, stamps.len() as u8];
        out.extend_from_slice(stamps);
        out.extend_from_slice(&[0, 1, b'k', 0, 0]);
        census(&out)
    };
    let mut to_zero = vec![2, 0];
    varint::put(&mut to_zero, 2 * 1_000 - 1);
    let upto = group(&[2, 0, 0]).unwrap().into_upto();
    assert_eq!(upto.latest(), Time::new(1_000));
    for (stamps, fault) in [
        (&[][..], "no stamp"),
        (&[3, 0], "the previous run's replica without a previous run"),
        (&[2, 1, 0], "a replica outside the table"),
        (&[0, 0, 0], "an empty run"),
        (&[2, 0, 0, 1, 0], "an empty run at the end"),
        (&[4, 0, 0], "two stamps for one cell"),
        (&[2, 0, 0, 3, 0], "two stamps for one cell"),
        (&to_zero, "a time of zero"),
        (&[2, 0], "no time"),
    ] {
        assert!(group(stamps).unwrap_err().is_corrupt(), "{fault}");
    }
}

#[test]
fn a_writer_can_write_whatever_a_reader_accepts() {
    // Try the longest parents with the shortest keys.
    for parent_bytes in [1_020, 1_021, 1_022, 1_023, 1_024] {
        let segment = vec![b'x'; parent_bytes - 2];
        let parent = PathBuf::new().child(&segment);
        assert_eq!(parent.len(), parent_bytes);
        let mut groups = Vec::new();
        varint::put(&mut groups, parent_bytes as u64);
        groups.extend_from_slice(parent.as_path().as_bytes());
        groups.extend_from_slice(&[1, 3, 2, 0, 0, 0, 0, 0, 0]);
        let mut out = CellWriter::new(Time::new(1_000));
        out.group(parent.as_path());
        out.copy(CellRef {
            key: b"",
            stamp: stamp(1_000, 1),
            value: None,
        });
        let fits = parent_bytes + 2 <= limits::PATH_BYTES;
        assert_eq!(census(&groups).is_ok(), fits, "{parent_bytes}");
        assert_eq!(out.finish().is_ok(), fits, "{parent_bytes}");
    }
}

/// A case that fuzzing found: two groups were merged into one that no reader accepted, so their
/// cells were lost.
#[test]
fn cells_with_empty_keys_are_copied_into_separate_groups() {
    let stamp = Stamp::new(Time::new(3), ReplicaId::new(1));
    let mut out = CellWriter::default();
    out.group(crate::path::Path::ROOT);
    for key in [&b""[..], b"", b"a", b"", b"b"] {
        out.copy(CellRef {
            key,
            stamp,
            value: (!key.is_empty()).then_some(b"x"),
        });
    }
    let (replicas, groups, census) = out.finish().unwrap();
    let cells = Cells::trusted(&replicas, Time::ZERO, &groups);
    assert_eq!(cells.validate().unwrap(), census);
    assert_eq!(cells.paths().count(), 5);
}
