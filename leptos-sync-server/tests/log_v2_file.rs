//! What a log with numbered histories leaves in its files, and what it costs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test may panic and prints its figures"
)]

mod boards;
mod histories;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use boards::{Random, setting};
use futures::executor::block_on;
use histories::{Writer, card, cells, push, push_as};
use leptos_sync_server::{DurableLog as _, SqliteLog};
use rusqlite::Connection;

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

#[test]
fn removed_and_replaced_text_leaves_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    let secrets = || (0..300).map(|key| card(key, Some(&SECRET.repeat(1 + key as usize % 40))));
    let mut ada = Writer::new(1);
    push(&log, "board", vec![ada.write(1, secrets())]).unwrap();
    push(&log, "gone", vec![Writer::new(1).write(1, secrets())]).unwrap();
    let redacted = (0..300).map(|key| card(key, (key % 2 == 0).then_some(&b"redacted"[..])));
    push(&log, "board", vec![ada.write(2, redacted)]).unwrap();
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
fn a_file_of_another_format_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    // The mark of a log, and the version before positions.
    let old = Connection::open(&path).unwrap();
    old.execute_batch(
        "PRAGMA application_id = 0x4c53594c; PRAGMA user_version = 2;
         CREATE TABLE documents (name TEXT)",
    )
    .unwrap();
    drop(old);
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(
        error.is_unsupported() && error.to_string().contains("version 2"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_open_log_is_refused_to_a_second_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let _log = SqliteLog::open(&path).unwrap();
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(error.to_string().contains("another relay"), "{error}");
}

/// Returns the size of a file with a document that so many ids wrote, in one cell.
fn bytes_of_ids(count: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    let mut random = Random(0x5eed_1e55);
    let mut left = count;
    while left > 0 {
        let batch = left.min(1_000);
        let writers = (0..batch).map(|_| Writer::new(random.below(u64::MAX)));
        let entries = writers.map(|mut writer| writer.write(1, [card(1, Some(b"x"))]));
        let pushed = push_as(&log, "board", "somebody@example.org", entries.collect()).unwrap();
        assert_eq!((pushed.count, pushed.refusal), (batch as usize, None));
        left -= batch;
    }
    drop(log);
    fs::metadata(&path).unwrap().len()
}

/// `LEPTOS_SYNC_IDS` sets the number of ids.
#[test]
fn an_id_takes_at_most_96_bytes() {
    let count = setting("LEPTOS_SYNC_IDS", 20_000);
    let (few, many) = (bytes_of_ids(10), bytes_of_ids(count));
    let each = (many - few) / (count - 10);
    println!("10 ids: a file of {few} bytes; {count} ids: {many} bytes, {each} per id");
    assert!(each <= 96, "{each}");
}
