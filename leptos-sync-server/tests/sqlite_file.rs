//! A log in a file that is reopened, full, or written by another program.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod boards;

use std::{fs, path::Path};

use boards::{append, cells, cells_since, delta};
use futures::{FutureExt, executor::block_on, future::join_all};
use leptos_sync_core::{ReplicaId, Time, VersionVector};
use leptos_sync_server::{DocumentState, DurableLog, SqliteLog, SqliteOptions};

fn card(key: u64, long: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.to_be_bytes().to_vec(), Some(vec![b'x'; long]))
}

#[test]
fn written_data_is_present_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut expected = None;
    for round in 0..5_u64 {
        let log = SqliteLog::open(&path).unwrap();
        if let Some(expected) = &expected {
            assert_eq!(&cells(&log, "board").unwrap(), expected);
        }
        let written = delta(1, round, round + 1, (0..40).map(|key| card(key * round, 9)));
        append(&log, "board", written).unwrap();
        expected = Some(cells(&log, "board").unwrap());
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "a closed log is one file beside its lock"
    );
}

/// No caller waits for the answers, but each operation takes effect before the file is closed, or
/// not at all.
#[test]
fn a_dropped_append_takes_effect_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    // Create and audit the document first.
    append(&log, "board", delta(99, 0, 1, [card(u64::MAX, 1)])).unwrap();
    for replica in 0..50_u64 {
        let written = delta(
            replica,
            0,
            1,
            (0..20).map(|key| card(20 * replica + key, 9)),
        );
        // Poll once, which queues the operation.
        let answered = log.append("board", vec![written]).now_or_never();
        assert!(answered.is_none_or(|answer| answer.is_ok()));
    }
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    let version = block_on(log.state("board")).unwrap().version;
    assert_eq!(version.len(), 51, "queued operations are done");
    assert_eq!(cells(&log, "board").unwrap().len(), 1 + 50 * 20);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_no_partial_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let options = SqliteOptions::new().max_bytes(400 * 1024);
    let log = SqliteLog::open_with(&path, &options).unwrap();
    let transaction = |at: u64| delta(1, at, at + 1, (0..8).map(|key| card(8 * at + key, 900)));
    let mut taken = 0;
    let error = loop {
        match append(&log, "board", transaction(taken)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 1_000, "the limit on the file takes effect");
    };
    assert!(
        error.is_full() && error.is_unavailable() && !error.is_damaged(),
        "{error:?}"
    );
    assert!(taken > 10);
    let whole = |log: &SqliteLog| {
        let version = block_on(log.state("board")).unwrap().version;
        assert_eq!(version.get(ReplicaId::new(1)), Time::new(taken));
        assert_eq!(
            cells(log, "board").unwrap().len() as u64,
            8 * taken,
            "a write is whole or absent"
        );
    };
    whole(&log);
    // Small operations succeed even if larger ones in the same commit fail.
    let large = (0..40).map(|at| log.append("board", vec![transaction(taken + at)]));
    let claims = (0..40).map(|id| {
        log.claim(
            "board",
            VersionVector::of(ReplicaId::new(900 + id % 2), Time::new(id + 1)),
        )
    });
    let (large, claims) = block_on(async { futures::join!(join_all(large), join_all(claims)) });
    assert!(large.iter().all(|done| {
        done.as_ref()
            .is_err_and(|error| error.is_full() || error.is_gap())
    }));
    assert!(claims.iter().all(Result::is_ok), "{claims:?}");
    whole(&log);
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    whole(&log);
    append(&log, "board", transaction(taken)).unwrap();
}

#[test]
fn a_file_from_a_newer_build_is_rejected_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    append(
        &SqliteLog::open(&path).unwrap(),
        "board",
        delta(1, 0, 1, [card(1, 1)]),
    )
    .unwrap();
    let pragma = |sql: &str| {
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(sql)
            .unwrap()
    };
    pragma("PRAGMA user_version = 1");
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(error.is_unsupported(), "{error:?}");
    assert!(error.to_string().contains("never released"), "{error}");
    pragma("PRAGMA user_version = 3");
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(error.is_unsupported(), "{error:?}");
    assert!(error.to_string().contains("newer"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    pragma("PRAGMA user_version = 2");
    assert_eq!(
        cells(&SqliteLog::open(&path).unwrap(), "board")
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_file_from_another_program_is_rejected_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(error.is_unsupported(), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::write(
        &path,
        "not a database, but long enough to look like one".repeat(99),
    )
    .unwrap();
    let error = SqliteLog::open(&path).err().unwrap();
    assert!(
        error.is_damaged() && error.to_string().contains("theirs"),
        "{error:?}"
    );
    let error = SqliteLog::open(folder.path().join("no folder").join("log"))
        .err()
        .unwrap();
    assert!(error.is_unavailable(), "{error:?}");
}

/// A reader sees the state at the moment when it began, and does not wait for the writer.
#[test]
fn reads_do_not_wait_for_writes() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    append(
        &log,
        "board",
        delta(1, 0, 1, (0..100).map(|key| card(key, 50))),
    )
    .unwrap();
    block_on(async {
        let writes = join_all((1..200).map(|at| {
            let written = delta(1, at, at + 1, (0..5).map(|key| card(key, 50)));
            log.append("board", vec![written])
        }));
        let nothing = VersionVector::new();
        let reads = join_all((0..50).map(|_| log.since("board", &nothing, 1_000)));
        let (writes, reads) = futures::join!(writes, reads);
        assert!(writes.iter().all(Result::is_ok));
        assert!(reads.iter().all(Result::is_ok));
    });
    assert_eq!(cells(&log, "board").unwrap().len(), 100);
}

/// For a replica that lacks many cells, the log reads the whole document. The replica receives all
/// of them.
#[test]
fn a_large_change_is_read_from_the_whole_document() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log")).unwrap();
    append(&log, "board", delta(1, 0, 1, [card(u64::MAX, 1)])).unwrap();
    let version = block_on(log.state("board")).unwrap().version;
    for round in 0..12_u64 {
        let large = (0..10).map(|key| card(10 * round + key, 100_000));
        append(&log, "board", delta(2, round, round + 1, large)).unwrap();
    }
    let lacking = cells_since(&log, "board", &version).unwrap();
    assert_eq!(lacking.len(), 120);
    assert_eq!(cells(&log, "board").unwrap().len(), 121);
}

/// After many removals, the file keeps its size, and the same number of new cells does not enlarge
/// it.
#[test]
fn freed_space_is_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let fill = || {
        let log = SqliteLog::open(&path).unwrap();
        let written = delta(1, 0, 1, (0..3_000).map(|key| card(key, 100)));
        append(&log, "board", written).unwrap();
        block_on(log.remove("board")).unwrap();
        assert_eq!(
            block_on(log.state("board")).unwrap(),
            DocumentState::default()
        );
        // The cells of the document are removed between writes, so they are gone after a few
        // writes.
        for at in 0..30 {
            append(&log, "other", delta(1, at, at + 1, [card(1, 1)])).unwrap();
        }
        block_on(log.remove("other")).unwrap();
    };
    fill();
    let first = size(&path);
    (0..3).for_each(|_| fill());
    assert!(
        size(&path) < first + first / 4,
        "{first} bytes grew to {}",
        size(&path)
    );
}
