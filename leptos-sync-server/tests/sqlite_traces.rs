//! What a log leaves in its files, who may read them, and who may open them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod histories;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use futures::executor::block_on;
use histories::{Writer, card, cells, head, push};
use leptos_sync_server::{DurableLog as _, SqliteLog};

const SECRET: &[u8] = b"DIAGNOSIS-OF-SOMEBODY";

/// Returns how often the secret is in the files of a folder.
fn traces(folder: &Path) -> usize {
    let files = fs::read_dir(folder).unwrap();
    let traces = files.map(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let parts = bytes.windows(SECRET.len());
        parts.filter(|part| *part == SECRET).count()
    });
    traces.sum()
}

/// Returns keys with secrets of many lengths. SQLite stores some in a page of cells, and others in
/// pages of their own.
fn secrets() -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..300).map(|key: u64| {
        let times = match key.is_multiple_of(50) {
            true => 500,
            false => 1 + (key * key % 40) as usize,
        };
        (key, SECRET.repeat(times))
    })
}

/// Stores an entry of a writer for each card.
fn fill(
    log: &SqliteLog,
    document: &str,
    writer: &mut Writer,
    cards: impl IntoIterator<Item = (u64, Vec<u8>)>,
) {
    for (at, (key, value)) in cards.into_iter().enumerate() {
        let entry = writer.write(at as u64 + 1, [card(key, Some(&value))]);
        assert_eq!(push(log, document, vec![entry]).unwrap().count, 1);
    }
}

#[test]
fn removed_and_replaced_text_is_not_in_the_files_of_a_closed_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    for document in ["board", "gone"] {
        fill(&log, document, &mut Writer::new(1), secrets());
    }
    drop(log);
    assert!(traces(folder.path()) > 600);
    let log = SqliteLog::open(&path).unwrap();
    block_on(log.remove("gone")).unwrap();
    let redacted = secrets().map(|(key, value)| {
        // The new values are shorter than the old ones, as long, or longer.
        let redacted = match key % 3 {
            0 => b"redacted".to_vec(),
            1 => vec![b'x'; value.len()],
            _ => vec![b'x'; 2 * value.len()],
        };
        (key, redacted)
    });
    fill(&log, "board", &mut Writer::new(2), redacted);
    drop(log);
    assert_eq!(traces(folder.path()), 0);
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 300);
}

#[test]
fn removed_and_replaced_text_leaves_the_files_of_an_open_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    let mut ada = Writer::new(1);
    fill(&log, "board", &mut ada, secrets());
    fill(&log, "gone", &mut Writer::new(1), secrets());
    let redacted = (0..300).map(|key| card(key, (key % 2 == 0).then_some(&b"redacted"[..])));
    push(&log, "board", vec![ada.write(999, redacted)]).unwrap();
    assert!(traces(folder.path()) > 0);
    block_on(log.remove("gone")).unwrap();
    let start = Instant::now();
    while traces(folder.path()) > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "the text stays");
        block_on(log.probe()).unwrap();
    }
    assert_eq!(cells(&log, "board").unwrap().len(), 300);
}

#[test]
fn an_open_log_is_refused_to_a_second_writer_and_open_to_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    let mut ada = Writer::new(1);
    push(&log, "board", vec![ada.write(1, [card(1, Some(b"1"))])]).unwrap();
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
    push(&log, "board", vec![ada.write(2, [card(2, Some(b"2"))])]).unwrap();
    drop(log);
    let log = SqliteLog::open(others.last().unwrap()).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 2);
    let log = SqliteLog::open(&backup).unwrap();
    assert_eq!(head(&log, "board", 1).unwrap().number, 1);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    push(
        &log,
        "board",
        vec![Writer::new(1).write(1, [card(1, None)])],
    )
    .unwrap();
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["log", "log-key", "log-lock", "log-shm", "log-wal"]);
}
