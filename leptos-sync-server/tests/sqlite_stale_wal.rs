//! A database that is replaced after its process was killed, while SQLite's write-ahead log still
//! has changes of the database before.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test may panic, and the child prints when it has written"
)]

mod histories;

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use histories::{Writer, card, cells, push};
use leptos_sync_server::SqliteLog;

/// The environment variable that passes the path of the log to the child and marks the process as
/// the child.
const FILE: &str = "LEPTOS_SYNC_WAL_LOG";

fn write(log: &SqliteLog, replica: u64, cards: u64) {
    let mut writer = Writer::new(replica);
    for key in 0..cards {
        let key = 1_000 * replica + key;
        let entry = writer.write(key, [card(key, Some(b"x"))]);
        push(log, "board", vec![entry]).unwrap();
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Writes five cards in another process, and kills it.
fn write_and_crash(test: &str, path: &Path) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("written")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::metadata(with_end(path, "-wal")).unwrap().len() > 0);
}

/// Returns whether this process is the child, after its work.
fn is_child() -> bool {
    let Some(path) = env::var_os(FILE) else {
        return false;
    };
    let log = SqliteLog::open(Path::new(&path)).unwrap();
    write(&log, 2, 5);
    println!("written");
    loop {
        thread::park();
    }
}

/// Returns a folder with a closed log that has one card.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    write(&SqliteLog::open(&path).unwrap(), 1, 1);
    (folder, path)
}

fn count(path: &Path) -> usize {
    cells(&SqliteLog::open(path).unwrap(), "board")
        .unwrap()
        .len()
}

/// SQLite would write the changes into the backup, which has other pages.
#[test]
fn a_backup_is_not_mixed_with_the_changes_of_the_database_that_it_replaces() {
    if is_child() {
        return;
    }
    let (folder, path) = folder();
    let backup = folder.path().join("backup");
    fs::copy(&path, &backup).unwrap();
    write_and_crash(
        "a_backup_is_not_mixed_with_the_changes_of_the_database_that_it_replaces",
        &path,
    );
    let wal = with_end(&path, "-wal");
    let before = fs::read(&wal).unwrap();
    fs::rename(&backup, &path).unwrap();
    for _ in 0..2 {
        let error = SqliteLog::open(&path).err().unwrap();
        assert!(error.is_unavailable(), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("log-wal") && text.contains("replaced"),
            "{text}"
        );
    }
    assert_eq!(fs::read(&wal).unwrap(), before, "it is unchanged");
    // The operator decides for the backup.
    fs::remove_file(&wal).unwrap();
    assert_eq!(count(&path), 1);
    write(&SqliteLog::open(&path).unwrap(), 3, 1);
    assert_eq!(count(&path), 2);
}

#[test]
fn a_killed_process_leaves_changes_that_the_next_one_reads() {
    if is_child() {
        return;
    }
    let (_folder, path) = folder();
    let test = "a_killed_process_leaves_changes_that_the_next_one_reads";
    write_and_crash(test, &path);
    assert_eq!(count(&path), 6);
}

#[test]
fn a_folder_that_is_copied_after_a_crash_opens_at_its_new_place() {
    if is_child() {
        return;
    }
    let (folder, path) = folder();
    write_and_crash(
        "a_folder_that_is_copied_after_a_crash_opens_at_its_new_place",
        &path,
    );
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for end in ["", "-wal", "-lock", "-key"] {
        fs::copy(with_end(&path, end), with_end(&copy.join("log"), end)).unwrap();
    }
    assert_eq!(count(&copy.join("log")), 6);
}
