//! A killed process loses no acknowledged edit.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic, and the child prints what is acknowledged"
)]

mod boards;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{Child, Command, Stdio},
};

use boards::{append, cells, delta, setting};
use futures::{executor::block_on, future::join_all};
use leptos_sync_core::{ReplicaId, Time};
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
fn transaction(writer: u64, at: u64) -> leptos_sync_core::Delta {
    let cell = |name: String, value: u64| (name.into_bytes(), Some(value.to_be_bytes().to_vec()));
    let cells = [
        cell(format!("{writer} first"), at),
        cell(format!("{writer} last"), at),
        cell(format!("{writer} at {at}"), at),
    ];
    delta(writer, at, at + 1, cells)
}

/// Does the work of the child until it is killed: each writer appends from its version on and
/// prints acknowledgements.
fn write_for_ever(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    let writers = (0..WRITERS).map(async |writer| {
        let state = log.state(&board(writer)).await.unwrap();
        let mut at = state.version.get(ReplicaId::new(writer)).get();
        loop {
            let written = vec![transaction(writer, at)];
            log.append(&board(writer), written).await.unwrap();
            at += 1;
            let mut out = stdout().lock();
            writeln!(out, "acknowledged {writer} {at}").unwrap();
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
                let (writer, at) = numbers.split_once(' ').unwrap();
                let at: u64 = at.parse().unwrap();
                acknowledged.insert(writer.parse().unwrap(), at);
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
    for (&writer, &at) in acknowledged {
        let version = block_on(log.state(&board(writer))).unwrap().version;
        let reached = version.get(ReplicaId::new(writer));
        assert!(
            reached >= Time::new(at),
            "writer {writer} was acknowledged up to {at} but reached {reached:?}"
        );
        let all = cells(&log, &board(writer)).unwrap();
        let all: HashMap<String, _> = all
            .into_iter()
            .map(|(path, (_, value))| (path.to_string(), value))
            .collect();
        let value = |name: String| {
            let value = all[&format!("/cards/{name}")].clone();
            u64::from_be_bytes(value.unwrap().try_into().unwrap())
        };
        for written in 0..reached.get() {
            assert_eq!(value(format!("{writer} at {written}")), written);
        }
        let last = reached.get() - 1;
        assert_eq!(
            (
                value(format!("{writer} first")),
                value(format!("{writer} last"))
            ),
            (last, last),
            "transactions are whole"
        );
    }
    // The log stays writable.
    append(&log, "another", delta(77, 0, 1, [])).unwrap();
}
