//! A log whose files get other names while it is open, so that another process could open it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod histories;

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::executor::block_on;
use histories::{Writer, card, cells, push};
use leptos_sync_server::{DurableLog as _, Error, SqliteLog};

fn write(log: &SqliteLog, writer: &mut Writer, key: u64) -> Result<(), Error> {
    let mut next = *writer;
    let entry = next.write(key, [card(key, Some(b"x"))]);
    push(log, "board", vec![entry]).map(|_| *writer = next)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Opens a log, writes a card, lets `change` change the names of files, and checks that nothing is
/// written any more. Returns the open log.
fn after(path: &Path, change: impl FnOnce()) -> SqliteLog {
    let log = SqliteLog::open(path).unwrap();
    let mut ada = Writer::new(1);
    write(&log, &mut ada, 1).unwrap();
    block_on(log.probe()).unwrap();
    change();
    for refused in [write(&log, &mut ada, 2), block_on(log.probe())] {
        let error = refused.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("log") && text.contains("removed or replaced"),
            "{text}"
        );
        assert!(!text.contains('/'), "users do not see folders: {text}");
    }
    log
}

fn is_intact(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 1);
    write(&log, &mut Writer::new(9), 3).unwrap();
}

#[test]
fn a_log_whose_lock_file_is_removed_leaves_the_file_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let first = after(&path, || fs::remove_file(with_end(&path, "-lock")).unwrap());
    let second = SqliteLog::open(&path).unwrap();
    let mut bob = Writer::new(2);
    write(&second, &mut bob, 5).unwrap();
    assert!(write(&first, &mut Writer::new(3), 6).is_err());
    drop(first);
    write(&second, &mut bob, 7).unwrap();
    drop(second);
    assert_eq!(
        cells(&SqliteLog::open(&path).unwrap(), "board")
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_log_whose_lock_file_is_replaced_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let lock = with_end(&path, "-lock");
    let log = after(&path, || {
        fs::remove_file(&lock).unwrap();
        fs::write(&lock, "").unwrap();
    });
    drop(log);
    is_intact(&path);
}

/// Otherwise, it would acknowledge edits that nobody can find.
#[test]
fn a_log_whose_file_is_replaced_by_a_backup_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("log"), folder.path().join("backup"));
    let back = SqliteLog::open(&backup).unwrap();
    write(&back, &mut Writer::new(7), 7).unwrap();
    drop(back);
    let log = after(&path, || fs::rename(&backup, &path).unwrap());
    drop(log);
    // SQLite could not move the last changes into the file before.
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(error.to_string().contains("remove log-wal"), "{error}");
    fs::remove_file(with_end(&path, "-wal")).unwrap();
    is_intact(&path);
}

#[test]
fn a_log_whose_write_ahead_log_is_removed_loses_nothing_that_it_has_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = after(&path, || fs::remove_file(with_end(&path, "-wal")).unwrap());
    drop(log);
    is_intact(&path);
}

#[test]
fn a_file_with_two_names_is_not_opened_by_either() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("log"), folder.path().join("other"));
    let mut ada = Writer::new(1);
    let log = SqliteLog::open(&path).unwrap();
    write(&log, &mut ada, 1).unwrap();
    fs::hard_link(&path, &other).unwrap();
    // The log that is open already has its file to itself.
    let error = SqliteLog::open(&other).err().unwrap();
    assert!(
        error.is_unavailable() && error.to_string().contains("2 names"),
        "{error}"
    );
    write(&log, &mut ada, 2).unwrap();
    drop(log);
    assert!(SqliteLog::open(&path).is_err());
    fs::remove_file(&other).unwrap();
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 2);
}

#[test]
fn a_name_that_means_a_database_in_memory_is_not_opened() {
    for name in [":memory:", "file:log?mode=memory", "file::memory:"] {
        let error = SqliteLog::open(name).err().unwrap();
        assert!(error.is_invalid(), "{error}");
        assert!(
            error.to_string().contains("not the name of a file"),
            "{error}"
        );
        assert!(!Path::new(name).exists());
    }
}
