//! Files with version 2 of the tables stay readable and writable. `LEPTOS_SYNC_WRITE_FIXTURES=1`
//! rewrites the fixture. Use it only for tables that were never released.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod boards;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

use boards::{Cells, append, cells, delta};
use futures::executor::block_on;
use leptos_sync_core::{ReplicaId, Stamp, Time, VersionVector};
use leptos_sync_server::{DurableLog as _, SqliteLog};
use tempfile::TempDir;

fn card(key: u8, value: Option<&[u8]>) -> (Vec<u8>, Option<Vec<u8>>) {
    (vec![key], value.map(<[u8]>::to_vec))
}

fn of(replica: u64, time: u64) -> VersionVector {
    VersionVector::of(ReplicaId::new(replica), Time::new(time))
}

/// Writes two documents with edits of two users, two removals (one of them forgotten), a rejected
/// transaction, and a removed document.
fn write(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    let ids = [ReplicaId::new(1), ReplicaId::new(u64::MAX)];
    for (id, user) in ids.iter().zip(["ada", "bob"]) {
        assert!(block_on(log.bind(&[*id], user)).unwrap().is_empty());
    }
    let long = vec![b'x'; 6_000];
    let first = [
        card(1, Some(b"one")),
        card(2, Some(b"two")),
        card(3, Some(&long)),
    ];
    append(&log, "board", delta(1, 0, 10, first)).unwrap();
    append(&log, "board", delta(1, 10, 20, [card(1, None)])).unwrap();
    let bobs = [card(2, Some(b"")), card(4, None)];
    append(&log, "board", delta(u64::MAX, 0, 30, bobs)).unwrap();
    block_on(log.forget_tombstones("board", Time::new(25))).unwrap();
    block_on(log.claim("board", of(1, 40))).unwrap();
    append(&log, "été", delta(1, 0, 50, [card(5, Some(b"five"))])).unwrap();
    append(&log, "gone", delta(1, 0, 60, [card(6, Some(b"six"))])).unwrap();
    block_on(log.remove("gone")).unwrap();
}

static WRITTEN: Once = Once::new();

/// Copies the file that version 2 wrote to a writable location.
fn written_by_version_2() -> (TempDir, PathBuf) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v2/log.db");
    if env::var_os("LEPTOS_SYNC_WRITE_FIXTURES").is_some() {
        WRITTEN.call_once(|| {
            let _ = fs::remove_file(&fixture);
            fs::create_dir_all(fixture.parent().unwrap()).unwrap();
            write(&fixture);
        });
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    fs::copy(fixture, &path).unwrap();
    (dir, path)
}

/// Returns the cells of the board.
fn board() -> Cells {
    let at = |replica, time| Stamp::new(Time::new(time), ReplicaId::new(replica));
    let path = |key: u8| {
        let bytes = [&b"\x05cards\x01"[..], &[key]].concat();
        leptos_sync_core::cells::Path::from_bytes(&bytes)
            .unwrap()
            .to_owned()
    };
    Cells::from([
        (path(2), (at(u64::MAX, 30), Some(Vec::new()))),
        (path(3), (at(1, 10), Some(vec![b'x'; 6_000]))),
        (path(4), (at(u64::MAX, 30), None)),
    ])
}

#[test]
fn a_version_2_file_has_all_its_data() {
    let (_dir, path) = written_by_version_2();
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "board").unwrap(), board());
    let state = block_on(log.state("board")).unwrap();
    let mut version = of(1, 40);
    version.join(&of(u64::MAX, 30));
    assert_eq!(state.version, version);
    let mut horizon = of(1, 20);
    horizon.join(&of(u64::MAX, 24));
    assert_eq!((state.horizon, state.floor), (horizon, Time::new(25)));
    assert_eq!(cells(&log, "été").unwrap().len(), 1);
    assert_eq!(cells(&log, "gone").unwrap().len(), 0);
    let both = [ReplicaId::new(1), ReplicaId::new(u64::MAX)];
    for (user, others) in [("ada", &both[1..]), ("bob", &both[..1]), ("eve", &both[..])] {
        assert_eq!(block_on(log.bind(&both, user)).unwrap(), others, "{user}");
    }
}

#[test]
fn a_version_2_file_can_be_written() {
    let (_dir, path) = written_by_version_2();
    let log = SqliteLog::open(&path).unwrap();
    let late = append(&log, "board", delta(7, 0, 24, [card(7, Some(b"late"))]));
    assert!(late.unwrap_err().is_stale(), "below the floor");
    append(&log, "board", delta(1, 40, 70, [card(3, None)])).unwrap();
    append(&log, "gone", delta(1, 0, 80, [card(6, Some(b"again"))])).unwrap();
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    let there = cells(&log, "board").unwrap();
    assert_eq!(there.len(), board().len());
    let removed = there.values().filter(|(_, value)| value.is_none());
    assert_eq!(removed.count(), 2);
    assert_eq!(cells(&log, "gone").unwrap().len(), 1);
}
