//! A document is audited once after the file is opened, even under concurrent requests.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod boards;

use std::{
    io,
    path::Path,
    sync::{Arc, LazyLock, Mutex},
};

use boards::{append, delta};
use futures::{
    FutureExt as _,
    executor::block_on,
    future::{join, join_all},
};
use leptos_sync_core::{ReplicaId, Time, VersionVector};
use leptos_sync_server::{DurableLog as _, Since, SqliteLog};
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
fn walks(document: &str) -> usize {
    let said = SAID.0.lock().unwrap().clone();
    let said = String::from_utf8(said).unwrap();
    let of_it = format!("document={document:?}");
    let walked = |line: &&str| line.contains("walking") && line.contains(&of_it);
    said.lines().filter(walked).count()
}

/// Reopens a file with a document of a few thousand cells that was not audited yet.
fn reopened(path: &Path, document: &str) -> SqliteLog {
    LazyLock::force(&SAID);
    let log = SqliteLog::open(path).unwrap();
    let cells = (0..3_000_u64).map(|key| (key.to_be_bytes().to_vec(), Some(b"kept".to_vec())));
    append(&log, document, delta(1, 0, 9, cells)).unwrap();
    drop(log);
    assert_eq!(walks(document), 0, "a new document needs no audit");
    SqliteLog::open(path).unwrap()
}

fn halfway() -> VersionVector {
    VersionVector::of(ReplicaId::new(7), Time::new(1))
}

#[test]
fn concurrent_requests_audit_a_document_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = reopened(&folder.path().join("log"), "busy");
    let asked = (0..ASKING).map(|_| log.since("busy", &halfway(), 1 << 20));
    let written = delta(2, 0, 10, [(b"new".to_vec(), Some(b"too".to_vec()))]);
    let written = log.append("busy", vec![written]);
    let (asked, written) = block_on(join(join_all(asked), written));
    written.unwrap();
    for since in asked {
        let Since::Delta(parts) = since.unwrap() else {
            panic!("no tombstone was forgotten");
        };
        let cells: usize = parts.iter().map(|part| part.len()).sum();
        assert!(cells >= 3_000, "{cells}");
    }
    assert_eq!(walks("busy"), 1);
}

#[test]
fn a_cancelled_request_leaves_the_audit_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let log = reopened(&folder.path().join("log"), "left");
    for _ in 0..ASKING {
        let asked = log.since("left", &halfway(), 1 << 20);
        assert!(asked.now_or_never().is_none());
    }
    block_on(log.since("left", &halfway(), 1 << 20)).unwrap();
    assert_eq!(walks("left"), 1);
}

#[test]
fn a_damaged_document_is_audited_once_for_all_waiting_requests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    drop(reopened(&path, "bad"));
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "DELETE FROM cells WHERE key = (SELECT max(key) FROM cells)";
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    drop(file);
    let log = SqliteLog::open(&path).unwrap();
    let asked = (0..ASKING).map(|_| log.since("bad", &halfway(), 1 << 20));
    for since in block_on(join_all(asked)) {
        assert!(since.unwrap_err().is_damaged());
    }
    assert_eq!(walks("bad"), 1);
}
