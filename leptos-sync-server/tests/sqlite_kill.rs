//! A killed process loses no acknowledged edit.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic, and the child prints what is acknowledged"
)]

mod boards;
mod histories;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Child, Command, Stdio},
};

use boards::setting;
use futures::{executor::block_on, future::join_all};
use histories::{Cells, NOW_MS, Writer, cells, head, push};
use leptos_sync_core::{ReplicaId, history::Entry};
use leptos_sync_server::{DurableLog, SqliteLog};

/// The environment variable that passes the path of the log to the child and marks the process as
/// the child.
const FILE: &str = "LEPTOS_SYNC_KILLED_LOG";
const WRITERS: u64 = 8;

fn board(writer: u64) -> String {
    format!("board {}", writer % 3)
}

/// Returns a transaction that writes three of the writer's cells, two of which are the same each
/// time.
fn next(writer: &mut Writer) -> Entry {
    let (id, number) = (writer.id, writer.head.number + 1);
    let cell = |name: String| (name.into_bytes(), Some(number.to_be_bytes().to_vec()));
    let cells = [
        cell(format!("{id} first")),
        cell(format!("{id} last")),
        cell(format!("{id} at {number}")),
    ];
    writer.write(number, cells)
}

/// Does the work of the child until it is killed: each writer continues after its last entry and
/// prints acknowledgements.
fn write_for_ever(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    let writers = (1..=WRITERS).map(async |id| {
        let ids = vec![ReplicaId::new(id)];
        let head = log.open(&board(id), ids).await.unwrap().heads[0].1;
        let mut writer = Writer { id, head };
        loop {
            let entry = next(&mut writer);
            let now_ms = entry.time.ms();
            let pushed = log.push(&board(id), "ada", vec![entry], now_ms).await;
            assert_eq!(pushed.unwrap().count, 1);
            let mut out = stdout().lock();
            writeln!(out, "acknowledged {id} {}", writer.head.number).unwrap();
            out.flush().unwrap();
        }
    });
    block_on(join_all(writers));
}

/// Runs this test in a child process.
fn child(path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "kills_lose_no_acknowledged_edit", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn kills_lose_no_acknowledged_edit() {
    if let Some(path) = env::var_os(FILE) {
        return write_for_ever(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut acknowledged: HashMap<u64, u64> = HashMap::new();
    for kill in 0..setting("LEPTOS_SYNC_KILLS", 5) {
        let mut child = child(&path);
        let said = BufReader::new(child.stdout.take().unwrap());
        // Kill at a different point each time, amid commits.
        let patience = 150 + 171 * kill as usize;
        let mut heard = 0;
        for line in said.lines() {
            let line = line.unwrap();
            // The first one may follow output of the test harness.
            if let Some((_, numbers)) = line.split_once("acknowledged ") {
                let (writer, number) = numbers.split_once(' ').unwrap();
                let number: u64 = number.parse().unwrap();
                acknowledged.insert(writer.parse().unwrap(), number);
                heard += 1;
            }
            // Continue reading, since lines that were printed before the kill count too.
            if heard == patience {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(
            heard >= patience,
            "the child was killed while it was writing"
        );
        check(&path, &acknowledged);
    }
}

fn check(path: &Path, acknowledged: &HashMap<u64, u64>) {
    let log = SqliteLog::open(path).unwrap();
    for (&writer, &number) in acknowledged {
        let last = head(&log, &board(writer), writer).unwrap().number;
        assert!(
            last >= number,
            "writer {writer} was acknowledged up to {number} but reached {last}"
        );
        let all = cells(&log, &board(writer)).unwrap();
        for written in 1..=last {
            let name = format!("{writer} at {written}");
            assert_eq!(value(&all, &name), written);
        }
        let both = ["first", "last"].map(|name| value(&all, &format!("{writer} {name}")));
        assert_eq!(both, [last, last], "transactions are whole");
    }
    // The log stays writable.
    let mut late = Writer::new(77);
    late.head = head(&log, "another", 77).unwrap();
    let entry = late.write(late.head.number + 1, [(b"card".to_vec(), None)]);
    assert!(entry.time.ms() >= NOW_MS);
    assert_eq!(push(&log, "another", vec![entry]).unwrap().count, 1);
}

fn value(all: &Cells, name: &str) -> u64 {
    let path = format!("/cards/{name}");
    let (_, (_, value)) = all
        .iter()
        .find(|(known, _)| known.to_string() == path)
        .unwrap();
    u64::from_be_bytes(value.clone().unwrap().try_into().unwrap())
}
