//! A log in a file that is reopened, full, or written by another program, and what it costs.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed test may panic and prints its figures"
)]

mod boards;
mod histories;

use std::{
    fs::{self, File},
    path::Path,
    thread,
    time::UNIX_EPOCH,
};

use boards::{Random, setting};
use futures::{FutureExt as _, executor::block_on, future::join_all};
use histories::{NOW_MS, Writer, card, cells, head, push, push_as};
use leptos_sync_core::{Time, history::Sequence};
use leptos_sync_server::{DurableLog as _, SqliteLog, SqliteOptions};

/// Returns cards of a given size.
fn cards(keys: std::ops::Range<u64>, bytes: usize) -> impl Iterator<Item = histories::Card> {
    keys.map(move |key| card(key, Some(&vec![b'x'; bytes])))
}

#[test]
fn written_data_is_present_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (mut ada, mut expected) = (Writer::new(1), None);
    for round in 1..=5 {
        let log = SqliteLog::open(&path).unwrap();
        if let Some(expected) = &expected {
            assert_eq!(&cells(&log, "board").unwrap(), expected);
        }
        let written = (0..40).flat_map(|key| cards(key * round..key * round + 1, 9));
        push(&log, "board", vec![ada.write(round, written)]).unwrap();
        expected = Some(cells(&log, "board").unwrap());
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "a closed log is one file beside its lock and its key"
    );
}

/// No caller waits for the answers, but each operation takes effect before the file is closed, or
/// not at all.
#[test]
fn a_dropped_push_takes_effect_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    // Create and audit the document first.
    push(
        &log,
        "board",
        vec![Writer::new(99).write(1, cards(9_999..10_000, 1))],
    )
    .unwrap();
    for writer in 1..=50 {
        let written = Writer::new(writer).write(1, cards(20 * writer..20 * writer + 20, 9));
        // Poll once, which queues the operation.
        let answered = log
            .push("board", "ada", vec![written], NOW_MS)
            .now_or_never();
        assert!(answered.is_none_or(|answer| answer.is_ok()));
    }
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    let history = block_on(log.open("board", Vec::new())).unwrap();
    assert_eq!(
        history.state.head(),
        Sequence::new(51),
        "queued operations are done"
    );
    assert_eq!(cells(&log, "board").unwrap().len(), 1 + 50 * 20);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_no_partial_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let options = SqliteOptions::new().max_bytes(400 * 1024);
    let log = SqliteLog::open_with(&path, &options).unwrap();
    let mut ada = Writer::new(1);
    let transaction = |ada: &mut Writer| {
        let at = ada.head.number;
        ada.write(at + 1, cards(8 * at..8 * at + 8, 900))
    };
    let (error, stored) = loop {
        let before = ada;
        let entry = transaction(&mut ada);
        match push(&log, "board", vec![entry]) {
            Ok(pushed) => assert_eq!(pushed.count, 1),
            Err(error) => break (error, before),
        }
        assert!(
            ada.head.number < 1_000,
            "the limit on the file takes effect"
        );
    };
    assert!(
        error.is_full() && error.is_unavailable() && !error.is_damaged(),
        "{error:?}"
    );
    let taken = stored.head.number;
    assert!(taken > 10);
    let whole = |log: &SqliteLog| {
        assert_eq!(head(log, "board", 1).unwrap(), stored.head);
        let there = cells(log, "board").unwrap().len() as u64;
        assert_eq!(there, 8 * taken, "a write is whole or absent");
    };
    whole(&log);
    // Small operations succeed even if larger ones in the same commit fail.
    let large = (0..40).map(|_| {
        let entry = transaction(&mut stored.clone());
        log.push("board", "ada", vec![entry], NOW_MS)
    });
    let small = (0..4).map(|_| log.forget("board", Time::from_ms(NOW_MS - 1), NOW_MS));
    let (large, small) = block_on(async { futures::join!(join_all(large), join_all(small)) });
    for done in large {
        assert!(done.is_err_and(|error| error.is_full()));
    }
    for done in small {
        done.unwrap();
    }
    whole(&log);
    drop(log);
    let log = SqliteLog::open(&path).unwrap();
    whole(&log);
    let entry = transaction(&mut stored.clone());
    assert_eq!(push(&log, "board", vec![entry]).unwrap().count, 1);
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
    let mut ada = Writer::new(1);
    push(&log, "board", vec![ada.write(1, cards(0..100, 50))]).unwrap();
    block_on(async {
        let entries = (2..200).map(|ms| ada.write(ms, cards(0..5, 50)));
        let entries: Vec<_> = entries.collect();
        let writes = entries
            .into_iter()
            .map(|entry| log.push("board", "ada", vec![entry], NOW_MS));
        let reads = (0..50).map(|_| log.page("board", Sequence::ZERO, 1 << 20));
        let (writes, reads) = futures::join!(join_all(writes), join_all(reads));
        assert!(writes.iter().all(Result::is_ok));
        assert!(reads.iter().all(Result::is_ok));
    });
    assert_eq!(cells(&log, "board").unwrap().len(), 100);
}

/// After many removals, the file keeps its size, and the same number of new cells does not enlarge
/// it.
#[test]
fn freed_space_is_reused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let fill = |round: u64| {
        let log = SqliteLog::open(&path).unwrap();
        let (board, other) = (format!("board {round}"), format!("other {round}"));
        let written = Writer::new(1).write(1, cards(0..3_000, 100));
        push(&log, &board, vec![written]).unwrap();
        block_on(log.remove(&board)).unwrap();
        assert!(cells(&log, &board).unwrap_err().is_removed());
        // The cells of the document are removed between writes, so they are gone after a few
        // writes.
        let mut ada = Writer::new(1);
        for ms in 1..=30 {
            push(&log, &other, vec![ada.write(ms, cards(0..1, 1))]).unwrap();
        }
        block_on(log.remove(&other)).unwrap();
    };
    fill(0);
    let first = size(&path);
    (1..4).for_each(fill);
    assert!(
        size(&path) < first + first / 4,
        "{first} bytes grew to {}",
        size(&path)
    );
}

/// A sweep visits every document, so it must not write to each.
#[test]
fn forgetting_nothing_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = SqliteLog::open(&path).unwrap();
    let mut ada = Writer::new(1);
    push(&log, "board", vec![ada.write(1, [card(1, None)])]).unwrap();
    assert_eq!(cells(&log, "board").unwrap().len(), 1);
    let before = Time::from_ms(NOW_MS + 100);
    let forget = || block_on(log.forget("board", before, NOW_MS + 100)).unwrap();
    forget();
    assert!(cells(&log, "board").unwrap().is_empty());
    // Afterwards, all changes are moved into the database.
    let wal = path.with_file_name("log-wal");
    while fs::metadata(&wal).unwrap().len() > 0 {
        thread::yield_now();
    }
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(UNIX_EPOCH).unwrap();
    forget();
    drop(log);
    assert_eq!(file.metadata().unwrap().modified().unwrap(), UNIX_EPOCH);
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
