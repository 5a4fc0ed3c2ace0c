//! Damaged, hostile, premature or newer input causes a typed error, changes nothing and loses no
//! data.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{
    DELTA, NOW_MS, SNAPSHOT, body_of, bytes, clock, doc, sealed, sealed_deflated, varint,
};
use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, Error, GCounter, LwwMap, LwwRegister, PnCounter, ReplicaId, Root,
    Snapshot, VersionVector, clock::ManualTime, limits,
};
use proptest::prelude::*;

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
}

fn written() -> (Doc<Board>, Delta) {
    let mut doc = doc::<Board>(1);
    let made = doc.transact(|tx| {
        tx.title().set("Groceries".to_owned());
        tx.cards().insert(1, "Milk".to_owned());
        tx.cards().insert(2, "Eggs".to_owned());
        tx.moves().increment(3);
    });
    doc.transact(|tx| tx.cards().remove(&2)).unwrap();
    (doc, made.unwrap().delta)
}

/// Returns the error of an attempt, and checks that the document is unchanged.
fn refused<S: Root, T>(
    doc: &mut Doc<S>,
    attempt: impl FnOnce(&mut Doc<S>) -> Result<T, Error>,
) -> Error {
    let before = bytes(doc);
    let error = attempt(doc).err().unwrap();
    assert_eq!(bytes(doc), before, "an error changes nothing");
    assert!(!error.to_string().is_empty());
    error
}

fn decode_error(bytes: &[u8]) -> Error {
    let error = Delta::decode(bytes).unwrap_err();
    assert!(Snapshot::decode(bytes).is_err());
    error
}

// Envelopes.

#[test]
fn truncated_envelopes_are_corrupt() {
    let (doc, delta) = written();
    let (snapshot, delta) = (bytes(&doc), delta.encode());
    for len in 0..snapshot.len() {
        assert!(Snapshot::decode(&snapshot[..len]).unwrap_err().is_corrupt());
    }
    for len in 0..delta.len() {
        assert!(Delta::decode(&delta[..len]).unwrap_err().is_corrupt());
    }
    let longer = [&delta[..], &[0]].concat();
    assert!(Delta::decode(&longer).unwrap_err().is_corrupt());
}

#[test]
fn truncated_bodies_are_errors_even_with_a_correct_checksum() {
    let (doc, delta) = written();
    let (snapshot, delta) = (bytes(&doc), delta.encode());
    let mut whole = 0;
    for len in 0..body_of(&delta).len() {
        whole += usize::from(Delta::decode(&sealed(DELTA, &body_of(&delta)[..len])).is_ok());
    }
    // A shorter body is valid only if it ends between two groups.
    assert!(whole <= 3, "{whole}");
    let mut whole = 0;
    for len in 0..body_of(&snapshot).len() {
        whole +=
            usize::from(Snapshot::decode(&sealed(SNAPSHOT, &body_of(&snapshot)[..len])).is_ok());
    }
    assert!(whole <= 4, "{whole}");
}

#[test]
fn every_flipped_bit_is_an_error() {
    let (doc, delta) = written();
    for (envelope, is_delta) in [(bytes(&doc), false), (delta.encode(), true)] {
        for bit in 0..8 * envelope.len() {
            let mut flipped = envelope.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = if is_delta {
                Delta::decode(&flipped).unwrap_err()
            } else {
                Snapshot::decode(&flipped).unwrap_err()
            };
            assert!(
                error.is_corrupt() || error.is_unsupported(),
                "bit {bit}: {error:?}"
            );
        }
    }
}

#[test]
fn wrong_magic_is_corrupt() {
    let (_, delta) = written();
    let mut envelope = delta.encode();
    envelope[..4].copy_from_slice(b"LSYM");
    assert!(decode_error(&envelope).is_corrupt());
    assert!(decode_error(b"").is_corrupt());
    assert!(decode_error(b"{\"title\":\"Groceries\"}").is_corrupt());
}

#[test]
fn deltas_and_snapshots_are_not_interchangeable() {
    let (doc, delta) = written();
    assert!(Snapshot::decode(&delta.encode()).unwrap_err().is_corrupt());
    assert!(Delta::decode(&bytes(&doc)).unwrap_err().is_corrupt());
}

#[test]
fn a_newer_format_version_and_unknown_flags_are_unsupported() {
    let (_, delta) = written();
    let mut envelope = delta.encode();
    envelope[4] = 3;
    assert!(decode_error(&envelope).is_unsupported());
    envelope[4] = 0;
    assert!(decode_error(&envelope).is_corrupt());
    envelope[4] = 2;
    envelope[6] = 2;
    assert!(decode_error(&envelope).is_unsupported());
}

#[cfg(feature = "deflate")]
#[test]
fn a_decompression_bomb_is_rejected() {
    let zeros = vec![0; 64 * 1024 * 1024];
    let mut squeezed = Vec::with_capacity(1024 * 1024);
    flate2::Compress::new(flate2::Compression::best(), false)
        .compress_vec(&zeros, &mut squeezed, flate2::FlushCompress::Finish)
        .unwrap();
    let honest = squeezed.len() as u64 * limits::INFLATE_RATIO as u64;
    for claim in [
        zeros.len() as u64,
        u64::MAX,
        limits::INFLATED_BYTES as u64,
        honest,
        1,
        0,
    ] {
        let bomb = sealed_deflated(DELTA, claim, &squeezed);
        assert!(decode_error(&bomb).is_corrupt(), "{claim}");
    }
}

// Bodies with a correct checksum.

/// Returns a body with one row for replica 1, base time 0, empty versions, and `groups`.
fn body(groups: &[u8]) -> Vec<u8> {
    let replicas = [&[1][..], &1_u64.to_le_bytes()].concat();
    [&replicas[..], &[0, 0, 0], groups].concat()
}

/// Returns a group with one cell at `parent`, which was written at time 1 and has an empty value.
fn group(parent: &[u8], key: &[u8]) -> Vec<u8> {
    let mut out = varint(parent.len() as u64);
    out.extend_from_slice(parent);
    out.extend_from_slice(&[1, 3, 2, 0, 2, 0]);
    out.extend(varint(key.len() as u64));
    out.extend_from_slice(key);
    out.extend_from_slice(&[0, 1]);
    out
}

#[test]
fn absurd_numbers_of_replicas_versions_and_cells_are_corrupt() {
    let fine = body(&group(b"\x05cards", &[1]));
    assert_eq!(Delta::decode(&sealed(DELTA, &fine)).unwrap().len(), 1);
    for absurd in [
        2,
        1000,
        limits::REPLICAS as u64 + 1,
        u64::from(u32::MAX),
        u64::MAX,
    ] {
        let absurd = varint(absurd);
        let replicas = [&absurd[..], &1_u64.to_le_bytes(), &[0, 0, 0]].concat();
        assert!(decode_error(&sealed(DELTA, &replicas)).is_corrupt());
        for position in [10, 11] {
            let mut versions = fine.clone();
            versions.splice(position..=position, absurd.iter().copied());
            let outcome = Delta::decode(&sealed(DELTA, &versions));
            assert!(outcome.unwrap_err().is_corrupt());
        }
        let mut cells = group(b"\x05cards", &[1]);
        cells.splice(7..8, absurd.iter().copied());
        let outcome = Delta::decode(&sealed(DELTA, &body(&cells)));
        assert!(outcome.unwrap_err().is_corrupt());
    }
}

#[test]
fn a_version_with_an_unknown_replica_or_time_zero_is_corrupt() {
    let replicas = [&[1][..], &1_u64.to_le_bytes()].concat();
    let outside = [&replicas[..], &[9, 1, 1, 4, 0]].concat();
    assert!(decode_error(&sealed(DELTA, &outside)).is_corrupt());
    let zero = [&replicas[..], &[9, 1, 0, 9, 0]].concat();
    assert!(decode_error(&sealed(DELTA, &zero)).is_corrupt());
    let fine = [&replicas[..], &[9, 1, 0, 4, 0]].concat();
    let delta = Delta::decode(&sealed(DELTA, &fine)).unwrap();
    assert_eq!(delta.after().get(ReplicaId::new(1)).get(), 5);
}

#[test]
fn a_path_beyond_the_limits_is_a_limit_error_in_a_message_too() {
    let deep = [1, b'n'].repeat(limits::DEPTH);
    let error = Delta::decode(&sealed(DELTA, &body(&group(&deep, b"k"))));
    assert!(error.unwrap_err().is_limit());
    let fine = [1, b'n'].repeat(limits::DEPTH - 1);
    assert!(Delta::decode(&sealed(DELTA, &body(&group(&fine, b"k")))).is_ok());
    let long = vec![b'k'; limits::PATH_BYTES];
    let error = Delta::decode(&sealed(DELTA, &body(&group(b"\x05cards", &long))));
    assert!(error.unwrap_err().is_limit());
}

/// A relay compares paths as bytes, so it would store the two forms as two cells.
#[test]
fn a_path_that_is_not_in_shortest_form_is_corrupt() {
    let twice = body(&group(b"\x85\x00cards", &[1]));
    assert!(
        Delta::decode(&sealed(DELTA, &twice))
            .unwrap_err()
            .is_corrupt()
    );
}

// Transactions beyond the limits.

#[derive(Crdt, Clone, Default)]
struct Nest<T: Crdt> {
    n: T,
}

type Nest4<T> = Nest<Nest<Nest<Nest<T>>>>;
type Nest16<T> = Nest4<Nest4<Nest4<Nest4<T>>>>;
type Nest32<T> = Nest16<Nest16<T>>;

macro_rules! down32 {
    ($tx:expr) => {
        $tx.n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
            .n()
    };
}

#[test]
fn a_path_of_32_segments_is_accepted_and_one_of_33_rejected() {
    let mut deepest = doc::<Nest32<LwwRegister<u32>>>(1);
    let made = deepest.transact(|tx| down32!(tx).set(1)).unwrap();
    assert_eq!(Delta::decode(&made.delta.encode()).unwrap(), made.delta);

    let mut register = doc::<Nest<Nest32<LwwRegister<u32>>>>(1);
    let error = refused(&mut register, |doc| {
        doc.transact(|tx| down32!(tx.n()).set(1))
    });
    assert!(error.is_limit(), "{error:?}");

    let mut map = doc::<Nest32<LwwMap<u32, u32>>>(1);
    let error = refused(&mut map, |doc| doc.transact(|tx| down32!(tx).insert(1, 1)));
    assert!(error.is_limit(), "{error:?}");
}

#[test]
fn a_key_or_value_that_is_too_long_is_a_limit_error() {
    type Map = LwwMap<String, String>;
    let mut doc = doc::<Nest<Map>>(1);
    doc.transact(|tx| tx.n().insert("kept".to_owned(), "kept".to_owned()))
        .unwrap();
    let key = "k".repeat(limits::PATH_BYTES);
    let error = refused(&mut doc, |doc| {
        doc.transact(|tx| tx.n().insert(key, String::new()))
    });
    assert!(error.is_limit(), "{error:?}");
    let value = "v".repeat(limits::VALUE_BYTES + 1);
    let error = refused(&mut doc, |doc| {
        doc.transact(|tx| tx.n().insert("k".to_owned(), value))
    });
    assert!(error.is_limit(), "{error:?}");

    // The longest key and value within the limits are transferred.
    let key = "k".repeat(limits::PATH_BYTES - 2 - "\x01n".len());
    let value = "v".repeat(limits::VALUE_BYTES);
    let made = doc
        .transact(|tx| tx.n().insert(key.clone(), value.clone()))
        .unwrap();
    let mut other = common::doc::<Nest<Map>>(2);
    other
        .apply(&doc.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    other
        .apply(&Delta::decode(&made.delta.encode()).unwrap())
        .unwrap();
    assert_eq!(other.state().n.get(&key), Some(&value));
}

// Versions and clocks.

#[test]
fn stamps_beyond_the_drift_are_rejected_until_their_time() {
    let time = ManualTime::at(NOW_MS);
    let ahead = NOW_MS + limits::DRIFT_MS + 1;
    let mut fast = Doc::<Board>::new(Clock::new(ReplicaId::new(2), ManualTime::at(ahead)));
    let delta = fast.transact(|tx| tx.moves().increment(1)).unwrap().delta;
    let mut doc = Doc::<Board>::new(Clock::new(ReplicaId::new(1), time.clone()));
    doc.transact(|tx| tx.moves().increment(1)).unwrap();

    assert!(refused(&mut doc, |doc| doc.apply(&delta)).is_drift());
    assert!(refused(&mut doc, |doc| doc.merge(&fast)).is_drift());
    let snapshot = fast.snapshot().unwrap();
    assert!(refused(&mut doc, |doc| doc.merge_snapshot(&snapshot)).is_drift());
    let next = doc.transact(|tx| tx.moves().increment(1)).unwrap().stamp;
    assert!(
        next.time.ms() < ahead,
        "a rejected stamp does not advance the clock"
    );

    time.advance(1);
    doc.apply(&delta).unwrap();
    assert_eq!(doc.state().moves.value(), 3);
}

#[test]
fn a_delta_after_missing_operations_is_a_gap() {
    let mut ada = doc::<Board>(1);
    let first = ada.transact(|tx| tx.moves().increment(1)).unwrap().delta;
    let second = ada.transact(|tx| tx.moves().increment(1)).unwrap().delta;
    let mut bob = doc::<Board>(2);
    assert!(refused(&mut bob, |bob| bob.apply(&second)).is_gap());
    bob.apply(&first).unwrap();
    bob.apply(&second).unwrap();
    assert_eq!(bytes(&bob), bytes(&ada));
}

#[test]
fn foreign_operations_under_the_own_id_are_rejected() {
    let mut one = doc::<Board>(1);
    let mut twin = doc::<Board>(1);
    let delta = twin.transact(|tx| tx.moves().increment(1)).unwrap().delta;
    assert!(refused(&mut one, |one| one.apply(&delta)).is_replica_reused());
    assert!(refused(&mut one, |one| one.merge(&twin)).is_replica_reused());
    let snapshot = twin.snapshot().unwrap();
    assert!(refused(&mut one, |one| one.merge_snapshot(&snapshot)).is_replica_reused());

    one.set_replica(ReplicaId::new(7));
    one.apply(&delta).unwrap();
    assert_eq!(one.state().moves.value(), 1);
}

/// A message may contain cells beyond its declared version, so the document must check the cells
/// and not the declaration.
#[test]
fn foreign_cells_under_the_own_id_are_rejected_whatever_the_version() {
    let hidden = body(&group(b"\x05cards", &[1]));
    let mut doc = doc::<Board>(1);
    let delta = Delta::decode(&sealed(DELTA, &hidden)).unwrap();
    assert!(refused(&mut doc, |doc| doc.apply(&delta)).is_replica_reused());
    let snapshot = Snapshot::decode(&sealed(SNAPSHOT, &hidden)).unwrap();
    assert!(refused(&mut doc, |doc| doc.merge_snapshot(&snapshot)).is_replica_reused());
    let loaded = Doc::<Board>::load(&snapshot, clock(3));
    assert!(refused(&mut doc, |doc| doc.merge(&loaded)).is_replica_reused());
}

// Cells that the type cannot hold.

#[derive(Crdt, Clone, Default)]
struct Numbers {
    title: LwwRegister<u64>,
    cards: LwwMap<u32, u64>,
    moves: GCounter,
}

/// Creates a document of numbers with a title and a card, and a document in which another build has
/// replaced them by words.
fn numbers_and_words() -> (Doc<Numbers>, Doc<Board>, Delta) {
    let mut numbers = doc::<Numbers>(1);
    numbers
        .transact(|tx| {
            tx.title().set(7);
            tx.cards().insert(1, 11);
            tx.cards().insert(2, 22);
        })
        .unwrap();
    let mut words = Doc::<Board>::load(&numbers.snapshot().unwrap(), clock(2));
    let delta = words
        .transact(|tx| {
            tx.title().set("Groceries".to_owned());
            tx.cards().insert(1, "Milk".to_owned());
            tx.moves().increment(5);
        })
        .unwrap()
        .delta;
    (numbers, words, delta)
}

#[test]
fn values_of_a_wrong_type_are_quarantined_with_a_reason() {
    let (mut numbers, _, delta) = numbers_and_words();
    let changes = numbers.apply(&delta).unwrap();
    assert_eq!(changes.len(), 3);
    numbers.assert_invariants();

    let aside: Vec<_> = numbers.quarantined().collect();
    assert_eq!(aside.len(), 2);
    for held in &aside {
        assert!(!held.reason.unwrap().is_empty(), "{held:?}");
        assert_eq!(held.stamp.replica, ReplicaId::new(2));
    }
    let values: Vec<_> = aside.iter().filter_map(|held| held.value).collect();
    assert!(values.contains(&&b"Groceries"[..]) && values.contains(&&b"Milk"[..]));
    assert_eq!(
        *numbers.state().title.get(),
        0,
        "the overwritten value is hidden"
    );
    assert_eq!(numbers.state().cards.get(&1), None);
    assert_eq!(numbers.state().cards.get(&2), Some(&22));
    assert_eq!(numbers.state().moves.value(), 5);
}

#[test]
fn quarantined_cells_are_part_of_snapshots_and_deltas() {
    let (mut numbers, words, delta) = numbers_and_words();
    let before = numbers.version().clone();
    numbers.apply(&delta).unwrap();

    let snapshot = Snapshot::decode(&bytes(&numbers)).unwrap();
    let restored = Doc::<Board>::load(&snapshot, clock(3));
    assert_eq!(restored.state().title, words.state().title);
    assert_eq!(restored.state().cards.get(&1), words.state().cards.get(&1));
    // The remaining number is not a word.
    assert_eq!(restored.quarantined().count(), 1);
    assert_eq!(words.quarantined().count(), 1);

    let passed_on = numbers.delta_since(&before).unwrap();
    assert_eq!(passed_on.len(), 3);
    let mut third = Doc::<Numbers>::load(&snapshot, clock(4));
    third.apply(&passed_on).unwrap();
    assert_eq!(third.quarantined().count(), 2);
    assert_eq!(bytes(&third), bytes(&numbers));
}

#[test]
fn a_newer_local_write_replaces_a_quarantined_cell() {
    let (mut numbers, mut words, delta) = numbers_and_words();
    numbers.apply(&delta).unwrap();
    let mended = numbers
        .transact(|tx| {
            tx.title().set(8);
            tx.cards().insert(1, 12);
        })
        .unwrap();
    assert_eq!(numbers.quarantined().count(), 0);
    assert_eq!(mended.changes.len(), 2);
    assert_eq!(numbers.snapshot().unwrap().len(), 4);

    words.apply(&mended.delta).unwrap();
    let back = words.delta_since(&VersionVector::new()).unwrap();
    let mut other = doc::<Numbers>(5);
    other.apply(&back).unwrap();
    assert_eq!(*other.state().title.get(), 8);
    assert_eq!(other.state().cards.get(&1), Some(&12));
}

#[test]
fn a_newer_remote_write_replaces_a_quarantined_cell() {
    let (mut numbers, _, delta) = numbers_and_words();
    numbers.apply(&delta).unwrap();
    let mut other = numbers.fork(ReplicaId::new(4));
    let newer = other.transact(|tx| tx.title().set(9)).unwrap();
    assert_eq!(numbers.apply(&newer.delta).unwrap().len(), 1);
    assert_eq!(*numbers.state().title.get(), 9);
    let aside: Vec<_> = numbers.quarantined().collect();
    assert_eq!(aside.len(), 1);
    assert_ne!(aside[0].path.to_string(), "/title");
    assert_eq!(bytes(&numbers), bytes(&other));
}

#[test]
fn an_older_write_does_not_replace_a_quarantined_cell() {
    let mut early = doc::<Numbers>(1);
    let older = early.transact(|tx| {
        tx.title().set(100);
        tx.cards().insert(1, 100);
    });
    let mut words = doc::<Board>(2);
    words.transact(|tx| tx.moves().increment(1)).unwrap();
    words
        .transact(|tx| {
            tx.title().set("Groceries".to_owned());
            tx.cards().insert(1, "Milk".to_owned());
        })
        .unwrap();

    let mut numbers = doc::<Numbers>(3);
    numbers
        .apply(&words.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    let changes = numbers.apply(&older.unwrap().delta).unwrap();
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(numbers.quarantined().count(), 2);
    assert_eq!(*numbers.state().title.get(), 0);
    assert_eq!(numbers.state().cards.get(&1), None);
}

#[test]
fn copies_with_quarantined_cells_merge_to_the_same_bytes_as_by_deltas() {
    let (numbers, _, delta) = numbers_and_words();
    let mut one = numbers.fork(ReplicaId::new(3));
    one.apply(&delta).unwrap();
    let mut other = numbers.fork(ReplicaId::new(4));
    let edit = other.transact(|tx| tx.cards().insert(9, 99)).unwrap();
    other.merge(&one).unwrap();
    one.apply(&edit.delta).unwrap();
    assert_eq!(bytes(&one), bytes(&other));
    assert_eq!(other.quarantined().count(), 2);
}

#[derive(Crdt, Clone, Default)]
struct BoardNext {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
    colours: LwwMap<String, (u8, u8, u8)>,
    theme: LwwRegister<Option<String>>,
    votes: PnCounter,
    inner: Nest<LwwMap<u32, u32>>,
}

#[test]
fn fields_of_a_newer_build_survive_an_older_build() {
    let mut new = doc::<BoardNext>(1);
    new.transact(|tx| {
        tx.title().set("Groceries".to_owned());
        tx.colours().insert("red".to_owned(), (255, 0, 0));
        tx.colours().insert("blue".to_owned(), (0, 0, 255));
        tx.theme().set(Some("dark".to_owned()));
        tx.votes().decrement(2);
        tx.inner().n().insert(1, 1);
    })
    .unwrap();
    new.transact(|tx| tx.colours().remove(&"blue".to_owned()))
        .unwrap();

    let mut old = doc::<Board>(2);
    old.apply(&new.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    assert!(old.quarantined().all(|held| held.reason.is_none()));
    assert_eq!(old.quarantined().count(), 5);
    old.transact(|tx| tx.title().set("Shopping".to_owned()))
        .unwrap();

    // The values arrive by snapshot, by delta, and through the storage of the old build.
    let saved = Doc::<Board>::load(&Snapshot::decode(&bytes(&old)).unwrap(), clock(3));
    let by_snapshot = Doc::<BoardNext>::load(&saved.snapshot().unwrap(), clock(4));
    let mut by_delta = doc::<BoardNext>(5);
    by_delta
        .apply(&saved.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    new.apply(&old.delta_since(new.version()).unwrap()).unwrap();
    for doc in [&by_snapshot, &by_delta] {
        assert_eq!(bytes(doc), bytes(&new));
        assert_eq!(doc.quarantined().count(), 0);
        assert_eq!(doc.state().title.get(), "Shopping");
        assert_eq!(doc.state().theme.get().as_deref(), Some("dark"));
        assert_eq!(doc.state().votes.value(), -2);
        assert_eq!(doc.state().colours.tombstones(), 1);
        assert_eq!(doc.state().inner.n.get(&1), Some(&1));
    }
}

/// The schema with which a malicious client writes to a `Board`.
#[derive(Crdt, Clone, Default)]
struct Forgery {
    moves: LwwMap<String, u64>,
}

#[test]
fn a_counter_cell_written_by_another_replica_is_not_counted() {
    let mut forger = doc::<Forgery>(9);
    // The eight bytes of replica 5's cell, and a key that no replica has.
    let victim = "\0\0\0\0\0\0\0\x05".to_owned();
    forger
        .transact(|tx| tx.moves().insert(victim.clone(), 1_000_000))
        .unwrap();
    forger
        .transact(|tx| tx.moves().insert("nobody".to_owned(), 1_000_000))
        .unwrap();
    // The attacker's own cell is valid.
    forger
        .transact(|tx| tx.moves().insert("\0\0\0\0\0\0\0\x09".to_owned(), 1))
        .unwrap();

    let mut board = doc::<Board>(1);
    board.transact(|tx| tx.moves().increment(3)).unwrap();
    board
        .apply(&forger.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    assert_eq!(board.state().moves.value(), 4);
    assert_eq!(board.quarantined().count(), 2);
    assert!(board.quarantined().all(|held| held.reason.is_some()));
    assert_eq!(
        Doc::<Board>::load(&board.snapshot().unwrap(), clock(2))
            .quarantined()
            .count(),
        2
    );
}

#[test]
fn a_tombstone_of_a_register_or_counter_is_quarantined() {
    let mut forger = doc::<Forgery>(9);
    forger
        .transact(|tx| tx.moves().insert("\0\0\0\0\0\0\0\x09".to_owned(), 1))
        .unwrap();
    forger
        .transact(|tx| tx.moves().remove(&"\0\0\0\0\0\0\0\x09".to_owned()))
        .unwrap();
    let mut root = doc::<LwwMap<String, String>>(8);
    root.transact(|tx| tx.insert("title".to_owned(), "Groceries".to_owned()))
        .unwrap();
    root.transact(|tx| tx.remove(&"title".to_owned())).unwrap();

    let mut board = doc::<Board>(1);
    board
        .transact(|tx| tx.title().set("Mine".to_owned()))
        .unwrap();
    for delta in [
        forger.delta_since(&VersionVector::new()).unwrap(),
        root.delta_since(&VersionVector::new()).unwrap(),
    ] {
        board.apply(&delta).unwrap();
        board.assert_invariants();
    }
    assert_eq!(
        board
            .quarantined()
            .filter(|held| held.value.is_none())
            .count(),
        2
    );
    assert_eq!(board.state().title.get(), "");
    assert_eq!(board.state().moves.value(), 0);
    // New writes replace both.
    board
        .transact(|tx| tx.title().set("Again".to_owned()))
        .unwrap();
    assert_eq!(board.state().title.get(), "Again");
    assert_eq!(board.quarantined().count(), 1);
}

#[test]
fn a_failed_transaction_does_not_change_the_quarantine() {
    let (mut numbers, _, delta) = numbers_and_words();
    numbers.apply(&delta).unwrap();
    let error = refused(&mut numbers, |doc| {
        doc.transact(|tx| {
            tx.title().set(8);
            tx.cards().insert(1, 12);
            tx.cancel(Error::value("no"));
        })
    });
    assert!(error.is_value());
    assert_eq!(numbers.quarantined().count(), 2);
}

fn feed<S: Root>(bytes: &[u8]) {
    let mut doc = doc::<S>(1);
    if let Ok(delta) = Delta::decode(bytes) {
        let before = common::bytes(&doc);
        if doc.apply(&delta).is_err() {
            assert_eq!(common::bytes(&doc), before);
        }
        let again = Delta::decode(&delta.encode()).unwrap();
        assert_eq!(again.encode(), delta.encode());
    }
    if let Ok(snapshot) = Snapshot::decode(bytes) {
        let before = common::bytes(&doc);
        if doc.merge_snapshot(&snapshot).is_err() {
            assert_eq!(common::bytes(&doc), before);
        }
        common::bytes(&doc);
        let again = Doc::<S>::load(&snapshot, clock(2));
        common::bytes(&again);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 1_u8..3) {
        feed::<Board>(&bytes);
        feed::<Board>(&sealed(kind, &bytes));
        feed::<Board>(&sealed(kind, &body(&bytes)));
        feed::<Board>(&sealed_deflated(kind, 100, &bytes));
    }

    /// Some inputs have a correct checksum, so that they reach the decoder behind the check.
    #[test]
    fn mutated_bytes_never_panic(
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let (doc, delta) = written();
        for (kind, envelope) in [(SNAPSHOT, bytes(&doc)), (DELTA, delta.encode())] {
            let mut body = body_of(&envelope).to_vec();
            for (at, byte, how) in &mutations {
                if body.is_empty() {
                    break;
                }
                let at = at.index(body.len());
                match how {
                    0 => body[at] = *byte,
                    1 => body.insert(at, *byte),
                    _ => { body.remove(at); }
                }
            }
            feed::<Board>(&sealed(kind, &body));
            feed::<Numbers>(&sealed(kind, &body));
            feed::<BoardNext>(&sealed(kind, &body));
            feed::<Forgery>(&sealed(kind, &body));
            feed::<LwwMap<String, String>>(&sealed(kind, &body));
        }
    }
}
