//! What a log leaves in its files, who may read them, and who may open them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod boards;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use boards::{append, cells, delta};
use futures::executor::block_on;
use leptos_sync_core::ReplicaId;
use leptos_sync_server::{DurableLog, SqliteLog};

const SECRET: &[u8] = b"DIAGNOSIS-OF-SOMEBODY";

fn card(key: u64, value: Vec<u8>) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.to_be_bytes().to_vec(), Some(value))
}

/// Returns how often the secret is in the files of a folder.
fn traces(folder: &Path) -> usize {
    let files = fs::read_dir(folder).unwrap();
    let traces = files.map(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes
            .windows(SECRET.len())
            .filter(|part| *part == SECRET)
            .count()
    });
    traces.sum()
}

/// Returns keys with secrets of many lengths. SQLite stores some in a page of cells, and others in
/// pages of their own.
fn secrets() -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..300).map(|key: u64| {
        let mut value = SECRET.repeat(1 + (key * key % 40) as usize);
        if key.is_multiple_of(50) {
            value = SECRET.repeat(500);
        }
        (key, value)
    })
}

#[test]
fn removed_and_replaced_text_is_not_in_the_files_of_a_closed_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    for document in ["board", "gone"] {
        for (at, (key, value)) in secrets().enumerate() {
            let at = at as u64;
            append(&log, document, delta(1, at, at + 1, [card(key, value)])).unwrap();
        }
    }
    drop(log);
    assert!(traces(folder.path()) > 600);
    let log = SqliteLog::open(&path).unwrap();
    block_on(log.remove("gone")).unwrap();
    for (key, value) in secrets() {
        // The new values are shorter than the old ones, as long, or longer.
        let redacted = match key % 3 {
            0 => b"redacted".to_vec(),
            1 => vec![b'x'; value.len()],
            _ => vec![b'x'; 2 * value.len()],
        };
        let written = delta(2, key, key + 1, [card(key, redacted)]);
        append(&log, "board", written).unwrap();
    }
    drop(log);
    assert_eq!(traces(folder.path()), 0);
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 300);
}

#[test]
fn a_removed_document_leaves_the_files_of_an_open_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    let all = secrets().map(|(key, value)| card(key, value));
    append(&log, "board", delta(1, 0, 1, all)).unwrap();
    assert!(traces(folder.path()) > 0);
    block_on(log.remove("board")).unwrap();
    let start = Instant::now();
    while traces(folder.path()) > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "the text stays");
        block_on(log.probe()).unwrap();
    }
}

#[test]
fn an_open_log_is_refused_to_a_second_writer_and_open_to_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    append(&log, "board", delta(1, 0, 1, [card(1, vec![1])])).unwrap();
    let mut others = vec![path.clone()];
    #[cfg(unix)]
    {
        others.push(folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &others[1]).unwrap();
    }
    for other in &others {
        let error = SqliteLog::open(other).err().unwrap();
        assert!(error.is_unavailable(), "{error:?}");
        assert!(error.to_string().contains("another relay"), "{error}");
    }
    // A backup does not wait for the relay to end.
    let backup = folder.path().join("backup");
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    drop(reader);
    append(&log, "board", delta(1, 1, 2, [card(2, vec![2])])).unwrap();
    drop(log);
    let log = SqliteLog::open(others.last().unwrap()).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 2);
    let log = SqliteLog::open(&backup).unwrap();
    let version = block_on(log.state("board")).unwrap().version;
    assert_eq!(version.get(ReplicaId::new(1)).get(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    append(&log, "board", delta(1, 0, 1, [card(1, vec![1])])).unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["log", "log-lock", "log-shm", "log-wal"]);
}
