//! A document is audited once after the file is opened, even under concurrent requests.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod histories;

use std::{
    io,
    path::Path,
    sync::{Arc, LazyLock, Mutex},
};

use futures::{
    FutureExt as _,
    executor::block_on,
    future::{join, join_all},
};
use histories::{NOW_MS, Writer, card, push};
use leptos_sync_core::history::Sequence;
use leptos_sync_server::{DurableLog as _, SqliteLog};
use tracing_subscriber::{filter::LevelFilter, util::SubscriberInitExt as _};

const ASKING: usize = 60;

/// A writer that collects the log lines of all threads.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static SAID: LazyLock<Captured> = LazyLock::new(|| {
    let said = Captured::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    subscriber.finish().init();
    said
});

/// Returns the number of audits of a document.
fn audits(document: &str) -> usize {
    let said = SAID.0.lock().unwrap().clone();
    let said = String::from_utf8(said).unwrap();
    let of_it = format!("document={document:?}");
    let audited = |line: &&str| line.contains("auditing") && line.contains(&of_it);
    said.lines().filter(audited).count()
}

/// Reopens a file with a document of a few thousand cells that was not audited yet.
fn reopened(path: &Path, document: &str) -> SqliteLog {
    LazyLock::force(&SAID);
    let log = SqliteLog::open(path).unwrap();
    let cells = (0..3_000).map(|key| card(key, Some(b"kept")));
    push(&log, document, vec![Writer::new(1).write(1, cells)]).unwrap();
    drop(log);
    assert_eq!(audits(document), 0, "a new document needs no audit");
    SqliteLog::open(path).unwrap()
}

#[test]
fn concurrent_requests_audit_a_document_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = reopened(&folder.path().join("log"), "busy");
    let asked = (0..ASKING).map(|_| log.page("busy", Sequence::ZERO, 1 << 20));
    let entry = Writer::new(2).write(2, [card(3_001, Some(b"too"))]);
    let written = log.push("busy", "ada", vec![entry], NOW_MS);
    let (asked, written) = block_on(join(join_all(asked), written));
    assert_eq!(written.unwrap().count, 1);
    for page in asked {
        let cells = page.unwrap().unwrap().cells.len();
        assert!(cells >= 3_000, "{cells}");
    }
    assert_eq!(audits("busy"), 1);
}

#[test]
fn a_cancelled_request_leaves_the_audit_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let log = reopened(&folder.path().join("log"), "left");
    for _ in 0..ASKING {
        let asked = log.page("left", Sequence::ZERO, 1 << 20);
        assert!(asked.now_or_never().is_none());
    }
    block_on(log.page("left", Sequence::ZERO, 1 << 20)).unwrap();
    assert_eq!(audits("left"), 1);
}

#[test]
fn a_damaged_document_is_audited_once_for_all_waiting_requests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    drop(reopened(&path, "bad"));
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "DELETE FROM cells WHERE path = (SELECT max(path) FROM cells)";
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    drop(file);
    let log = SqliteLog::open(&path).unwrap();
    let asked = (0..ASKING).map(|_| log.page("bad", Sequence::ZERO, 1 << 20));
    for page in block_on(join_all(asked)) {
        assert!(page.unwrap_err().is_damaged());
    }
    assert_eq!(audits("bad"), 1);
}
