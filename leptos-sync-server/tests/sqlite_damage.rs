//! A damaged file never returns wrong data, and damage in one document does not affect the others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic and prints its seed"
)]

mod boards;

use std::{fs, path::Path};

use boards::{Cells, Random, append, cells, cells_since, delta, setting};
use futures::executor::block_on;
use leptos_sync_core::{ReplicaId, Time, VersionVector};
use leptos_sync_server::{DocumentState, DurableLog, Error, SqliteLog};

const DOCUMENTS: u64 = 12;
/// The number of bound replica ids.
const BOUND: u64 = 40;

fn name(document: u64) -> String {
    format!("the board of team {document}")
}

/// Returns the version after half of a document was written.
fn halfway() -> VersionVector {
    VersionVector::of(ReplicaId::new(1), Time::new(20))
}

/// The expected content of a document, for a replica that lacks all of it and for one that lacks
/// half.
struct Contents {
    state: DocumentState,
    all: Cells,
    half: Cells,
}

fn read(log: &SqliteLog, document: &str) -> Result<Contents, Error> {
    Ok(Contents {
        // Read the cells before the state, as a client that joins does.
        half: cells_since(log, document, &halfway())?,
        all: cells(log, document)?,
        state: block_on(log.state(document))?,
    })
}

/// Writes a few hundred cells to several documents; some have forgotten tombstones.
fn write(path: &Path) -> Vec<Contents> {
    let log = SqliteLog::open(path).unwrap();
    for document in 0..DOCUMENTS {
        for (after, time) in (0..4_u64).map(|round| (10 * round, 10 * (round + 1))) {
            let cards = (0..25_u64).map(|card| {
                let key = format!("card {}", (card + time) % 60).into_bytes();
                let long = (card * 7 + document) % 90;
                let value = format!("{document} {card} {}", "x".repeat(long as usize));
                (key, (card % 6 != 0).then(|| value.into_bytes()))
            });
            append(&log, &name(document), delta(1, after, time, cards)).unwrap();
        }
        if document % 3 == 0 {
            block_on(log.forget_tombstones(&name(document), Time::new(15))).unwrap();
        }
    }
    for replica in 0..BOUND {
        let replica = [ReplicaId::new(replica << 40)];
        assert!(block_on(log.bind(&replica, "ada")).unwrap().is_empty());
    }
    let contents = (0..DOCUMENTS).map(|document| read(&log, &name(document)).unwrap());
    contents.collect()
}

/// Lists all documents, page by page.
fn names(log: &SqliteLog) -> Result<Vec<String>, Error> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let after = all.last().map(String::as_str);
        let page = block_on(log.documents(after, 2))?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
        assert!(
            all.is_sorted_by(|a, b| a < b),
            "the list of names never ends: {all:?}"
        );
    }
}

/// Checks the answers of a damaged file. Returns whether any damage was reported.
fn inspect(path: &Path, expected: &[Contents]) -> bool {
    let log = match SqliteLog::open(path) {
        Ok(log) => log,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return true;
        }
    };
    let mut noticed = false;
    match names(&log) {
        Ok(names) => {
            let known = |name: &String| (0..DOCUMENTS).any(|at| self::name(at) == *name);
            assert!(names.iter().all(known), "{names:?}");
            noticed |= names.len() < DOCUMENTS as usize;
        }
        Err(error) => noticed |= error.is_damaged(),
    }
    for (document, expected) in expected.iter().enumerate() {
        let name = name(document as u64);
        match read(&log, &name) {
            Ok(contents) => {
                assert_eq!(contents.state, expected.state, "{name}");
                for (what, is, was) in [
                    ("all", &contents.all, &expected.all),
                    ("half", &contents.half, &expected.half),
                ] {
                    let differ = |of: &Cells, from: &Cells| -> Cells {
                        let cells = of.iter();
                        let cells = cells.filter(|(path, cell)| from.get(path) != Some(cell));
                        cells
                            .map(|(path, cell)| (path.clone(), cell.clone()))
                            .collect()
                    };
                    let (more, less) = (differ(is, was), differ(was, is));
                    assert_eq!(more, less, "{what} of {name}");
                }
            }
            Err(error) => {
                noticed = true;
                let named = error.to_string().contains(&name);
                assert!(named || !error.is_damaged(), "{error} does not name {name}");
            }
        }
        // A write reports the damage too, or joins intact cells.
        let change = [(b"card 1".to_vec(), Some(b"changed".to_vec()))];
        if append(&log, &name, delta(2, 0, 50, change)).is_ok()
            && let Ok(now) = cells(&log, &name)
        {
            let kept = |cells: &Cells| -> Cells {
                let cells = cells
                    .iter()
                    .filter(|(path, _)| !path.to_string().ends_with("/card 1"));
                cells
                    .map(|(path, cell)| (path.clone(), cell.clone()))
                    .collect()
            };
            assert_eq!(
                kept(&now),
                kept(&expected.all),
                "the other cells of {name} after a write"
            );
        }
    }
    for replica in 0..BOUND {
        let replica = [ReplicaId::new(replica << 40)];
        match block_on(log.bind(&replica, "mallory")) {
            Ok(taken) => assert_eq!(taken, replica, "an id was bound to a second user"),
            Err(_) => noticed = true,
        }
    }
    noticed
}

/// `LEPTOS_SYNC_FLIPS` sets the number of flipped bits, each in its own copy; `LEPTOS_SYNC_SEED`
/// sets the seed.
#[test]
fn no_flipped_bit_returns_a_wrong_value() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original");
    let expected = write(&original);
    assert!(
        !inspect(&copy(&original, |_| {}), &expected),
        "an intact file shows no damage"
    );
    let seed = setting("LEPTOS_SYNC_SEED", 0x5eed_1e55);
    let flips = setting("LEPTOS_SYNC_FLIPS", 100);
    let (mut random, mut noticed) = (Random(seed), 0);
    for flip in 0..flips {
        let mut place = 0;
        let damaged = copy(&original, |bytes| {
            place = random.below(8 * bytes.len() as u64);
            bytes[(place / 8) as usize] ^= 1 << (place % 8);
        });
        let inspected = std::panic::catch_unwind(|| inspect(&damaged, &expected));
        match inspected {
            Ok(found) => noticed += u64::from(found),
            Err(_) => panic!("seed {seed}, flip {flip}: bit {place} returned a wrong value"),
        }
    }
    println!("seed {seed}: {noticed} of {flips} flips were reported, the others had no effect");
    assert!(noticed > flips / 4, "most of the file holds records");
}

/// Copies a closed file and changes the copy.
fn copy(original: &Path, change: impl FnOnce(&mut Vec<u8>)) -> std::path::PathBuf {
    let mut bytes = fs::read(original).unwrap();
    change(&mut bytes);
    let copy = original.with_file_name("copy");
    for of in ["copy-wal", "copy-shm"] {
        let _ = fs::remove_file(original.with_file_name(of));
    }
    fs::write(&copy, bytes).unwrap();
    copy
}

/// Changes a table directly in the file, as a failing disk would.
fn tamper(path: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn two_documents(path: &Path) {
    let log = SqliteLog::open(path).unwrap();
    for document in ["good", "bad"] {
        let cells = [
            (b"a".to_vec(), Some(document.as_bytes().to_vec())),
            (b"b".to_vec(), None),
        ];
        append(&log, document, delta(1, 0, 5, cells)).unwrap();
    }
}

#[test]
fn damage_is_confined_to_its_document_until_the_document_is_removed() {
    let bad = "(SELECT id FROM documents WHERE name = CAST('bad' AS BLOB))";
    let damages = [
        format!("UPDATE cells SET value = x'00' WHERE document = {bad} AND value IS NOT NULL"),
        format!("UPDATE cells SET value = NULL WHERE document = {bad}"),
        format!("UPDATE cells SET time = time + 1 WHERE document = {bad} AND value IS NULL"),
        format!("UPDATE cells SET replica = replica + 1 WHERE document = {bad}"),
        format!("UPDATE cells SET key = x'63' WHERE document = {bad} AND value IS NULL"),
        format!("DELETE FROM cells WHERE document = {bad} AND value IS NULL"),
        format!("DELETE FROM cells WHERE document = {bad}"),
        format!("UPDATE heads SET head = x'00' WHERE document = {bad}"),
        format!("DELETE FROM heads WHERE document = {bad}"),
        "UPDATE documents SET id = id + 10 WHERE name = CAST('bad' AS BLOB)".to_owned(),
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        two_documents(&path);
        tamper(&path, &damage);
        let log = SqliteLog::open(&path).unwrap();
        let change = || delta(2, 0, 9, [(b"a".to_vec(), Some(b"new".to_vec()))]);

        let errors = [
            append(&log, "bad", change()).unwrap_err(),
            cells(&log, "bad").unwrap_err(),
            block_on(log.state("bad")).unwrap_err(),
            block_on(log.claim("bad", halfway())).unwrap_err(),
            block_on(log.forget_tombstones("bad", Time::new(9))).unwrap_err(),
        ];
        for error in errors {
            assert!(
                error.is_damaged() && !error.is_unavailable(),
                "{damage}: {error:?}"
            );
            assert!(error.to_string().contains("\"bad\""), "{damage}: {error}");
        }
        append(&log, "good", change()).unwrap();
        assert_eq!(cells(&log, "good").unwrap().len(), 2, "{damage}");

        block_on(log.remove("bad")).unwrap();
        append(&log, "bad", change()).unwrap();
        assert_eq!(
            cells(&log, "bad").unwrap().len(),
            1,
            "{damage}: the name starts a new document"
        );
        drop(log);
        let log = SqliteLog::open(&path).unwrap();
        assert_eq!(
            cells(&log, "bad").unwrap().len(),
            1,
            "{damage}: after reopening"
        );
        append(&log, "another", change()).unwrap();
    }
}

#[test]
fn listing_skips_documents_with_damaged_names() {
    let row = |document: u64| format!("WHERE name = CAST('{}' AS BLOB)", name(document));
    for damage in [
        format!("UPDATE documents SET id = id + 10 {}", row(4)),
        format!("UPDATE documents SET name = 'text' {}", row(4)),
        format!("UPDATE documents SET name = x'' {}", row(4)),
        format!("UPDATE documents SET name = x'ffff' {}", row(4)),
        format!("UPDATE documents SET checksum = 'none' {}", row(4)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        write(&path);
        tamper(&path, &damage);
        let mut expected: Vec<_> = (0..DOCUMENTS).filter(|&at| at != 4).map(name).collect();
        expected.sort();
        let log = SqliteLog::open(&path).unwrap();
        assert_eq!(names(&log).unwrap(), expected, "{damage}");
    }
}

/// If damage occurs after the audit, a write that joins the cell finds it.
#[test]
fn a_write_never_replaces_a_damaged_cell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    two_documents(&path);
    let log = SqliteLog::open(&path).unwrap();
    assert_eq!(cells(&log, "bad").unwrap().len(), 2);
    tamper(
        &path,
        "UPDATE cells SET value = x'00' WHERE value = CAST('bad' AS BLOB)",
    );
    let change = |time| delta(2, 0, time, [(b"a".to_vec(), Some(b"new".to_vec()))]);
    let error = append(&log, "bad", change(9)).unwrap_err();
    assert!(
        error.is_damaged() && error.to_string().contains("\"bad\""),
        "{error:?}"
    );
    assert!(
        append(&log, "bad", change(10)).unwrap_err().is_damaged(),
        "the damage is remembered"
    );
    append(&log, "good", change(9)).unwrap();
}

#[test]
fn names_requested_during_damage_work_once_the_register_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    two_documents(&path);
    tamper(
        &path,
        "UPDATE documents SET id = id + 10 WHERE name = CAST('bad' AS BLOB)",
    );
    let log = SqliteLog::open(&path).unwrap();
    let change = || delta(2, 0, 9, [(b"a".to_vec(), Some(b"new".to_vec()))]);
    let refused = [
        block_on(log.state("new")).unwrap_err(),
        cells(&log, "new").unwrap_err(),
        append(&log, "new", change()).unwrap_err(),
        block_on(log.claim("new", halfway())).unwrap_err(),
        block_on(log.forget_tombstones("new", Time::new(9))).unwrap_err(),
    ];
    for error in refused {
        assert!(error.is_damaged(), "{error:?}");
        assert!(error.to_string().contains("\"new\""), "{error}");
    }
    block_on(log.remove("bad")).unwrap();
    assert_eq!(
        block_on(log.state("new")).unwrap(),
        DocumentState::default()
    );
    append(&log, "new", change()).unwrap();
    assert_eq!(cells(&log, "new").unwrap().len(), 1);
}

/// A document with a damaged name cannot be distinguished from one that was never written.
#[test]
fn a_document_missing_from_a_damaged_register_is_not_reported_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    two_documents(&path);
    tamper(
        &path,
        "UPDATE documents SET name = CAST('bat' AS BLOB) WHERE name = CAST('bad' AS BLOB)",
    );
    let log = SqliteLog::open(&path).unwrap();
    assert!(block_on(log.state("bad")).unwrap_err().is_damaged());
    assert!(block_on(log.remove("bad")).unwrap_err().is_damaged());
    assert_eq!(
        cells(&log, "good").unwrap().len(),
        2,
        "intact documents are served"
    );
}
