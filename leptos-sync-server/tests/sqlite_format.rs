//! Files with version 3 of the tables stay readable and writable, and those with version 2, which
//! was never released, are refused. `LEPTOS_SYNC_WRITE_FIXTURES=1` rewrites the fixture. Use it
//! only for tables that were never released.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod histories;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

use futures::executor::block_on;
use histories::{Cells, NOW_MS, Writer, card, cells, changed, head, push, push_as};
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    history::{EntryHash, Sequence},
};
use leptos_sync_server::{DurableLog as _, Refusal, SqliteLog};
use tempfile::TempDir;

/// Ada's and Bob's ids.
const ADA: u64 = 1;
const BOB: u64 = u64::MAX;

/// Writes two documents with edits of two users in two epochs, two removals (one of them
/// forgotten), a rejected entry that was rolled back, and a removed document.
fn write(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    let (mut ada, mut bob) = (Writer::new(ADA), Writer::new(BOB));
    let long = vec![b'x'; 6_000];
    let first = ada.write(
        10,
        [
            card(1, Some(b"one")),
            card(2, Some(b"two")),
            card(3, Some(&long)),
        ],
    );
    let removal = ada.write(20, [card(1, None)]);
    push_as(&log, "board", "ada", vec![first, removal]).unwrap();
    drop(log);
    let log = SqliteLog::open(path).unwrap();
    let bobs = bob.write(30, [card(2, Some(b"")), card(4, None)]);
    push_as(&log, "board", "bob", vec![bobs]).unwrap();
    block_on(log.forget("board", Time::from_ms(NOW_MS + 25), NOW_MS + 1)).unwrap();
    push_as(&log, "board", "ada", vec![ada.write(40, [])]).unwrap();
    let other = Writer::new(ADA).write(50, [card(5, Some("five".as_bytes()))]);
    push(&log, "été", vec![other]).unwrap();
    let gone = Writer::new(ADA).write(60, [card(6, Some(b"six"))]);
    push(&log, "gone", vec![gone]).unwrap();
    block_on(log.remove("gone")).unwrap();
}

static WRITTEN: Once = Once::new();

/// Copies the file of a version to a writable location.
fn written_by(version: &str) -> (TempDir, PathBuf) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let fixture = fixtures.join(version).join("log.db");
    if env::var_os("LEPTOS_SYNC_WRITE_FIXTURES").is_some() && version == "v3" {
        WRITTEN.call_once(|| {
            let _ = fs::remove_file(&fixture);
            fs::create_dir_all(fixture.parent().unwrap()).unwrap();
            write(&fixture);
            fs::remove_file(fixture.with_file_name("log.db-lock")).unwrap();
            fs::remove_file(fixture.with_file_name("log.db-key")).unwrap();
        });
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    fs::copy(fixture, &path).unwrap();
    (dir, path)
}

/// Returns the cells of the board.
fn board() -> Cells {
    let at = |replica, ms| Stamp::new(Time::from_ms(NOW_MS + ms), ReplicaId::new(replica));
    let path = |key: u64| {
        let bytes = [&b"\x05cards\x08"[..], &key.to_be_bytes()].concat();
        leptos_sync_core::cells::Path::from_bytes(&bytes)
            .unwrap()
            .to_owned()
    };
    Cells::from([
        (path(2), (at(BOB, 30), Some(Vec::new()))),
        (path(3), (at(ADA, 10), Some(vec![b'x'; 6_000]))),
        (path(4), (at(BOB, 30), None)),
    ])
}

#[test]
fn a_version_3_file_has_all_its_data() {
    let (_dir, path) = written_by("v3");
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "board").unwrap(), board());
    let history = block_on(log.open("board", Vec::new())).unwrap();
    assert_eq!(history.state.head(), Sequence::new(4));
    assert_eq!(history.horizon, Sequence::new(2));
    assert_eq!(history.floor, Time::from_ms(NOW_MS + 25));
    assert_eq!(history.state.witness.latest, Time::from_ms(NOW_MS + 30));
    let starts: Vec<_> = history
        .epochs
        .list()
        .iter()
        .map(|(_, first)| *first)
        .collect();
    assert_eq!(starts, [Sequence::new(1), Sequence::new(3)]);
    assert_eq!(
        changed(&log, "board", 1).unwrap(),
        None,
        "it is below the horizon"
    );
    assert_eq!(changed(&log, "board", 2).unwrap().unwrap().len(), 2);
    let ada = head(&log, "board", ADA).unwrap();
    assert_eq!((ada.number, ada.time), (3, Time::from_ms(NOW_MS + 20)));
    assert_eq!(ada.emptied, 1, "its last entry was rejected");
    assert_eq!(head(&log, "board", BOB).unwrap().number, 1);
    assert_eq!(cells(&log, "été").unwrap().len(), 1);
    assert!(cells(&log, "gone").unwrap_err().is_removed());
}

#[test]
fn a_version_3_file_can_be_written() {
    let (_dir, path) = written_by("v3");
    let log = SqliteLog::open(&path).unwrap();
    let late = Writer::new(7).write(24, [card(7, Some(b"late"))]);
    let refused = push(&log, "board", vec![late]).unwrap().refusal;
    assert!(
        matches!(refused, Some(Refusal::TooOld(_))),
        "below the floor"
    );
    let mut ada = Writer {
        id: ADA,
        head: head(&log, "board", ADA).unwrap(),
    };
    let next = ada.write(70, [card(3, None)]);
    let forged = push_as(&log, "board", "bob", vec![next.clone()]).unwrap();
    assert_eq!(forged.refusal, Some(Refusal::Forged));
    assert_eq!(push_as(&log, "board", "ada", vec![next]).unwrap().count, 1);
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    let there = cells(&log, "board").unwrap();
    assert_eq!(there.len(), board().len());
    let removed = there.values().filter(|(_, value)| value.is_none());
    assert_eq!(removed.count(), 2);
    assert_ne!(ada.head.hash, EntryHash::default());
    assert_eq!(head(&log, "board", ADA).unwrap(), ada.head);
}

#[test]
fn a_file_of_another_version_is_refused_and_unchanged() {
    let (_dir, path) = written_by("v3");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 4").unwrap();
    drop(newer);
    for ((_dir, path), says) in [
        (written_by("v2"), "version 2, which was never released"),
        ((_dir, path), "use a newer build"),
    ] {
        let before = fs::read(&path).unwrap();
        let error = SqliteLog::open(&path).err().unwrap();
        assert!(error.is_unsupported(), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
