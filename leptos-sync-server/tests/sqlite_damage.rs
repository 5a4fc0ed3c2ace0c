//! A damaged file of a log with numbered histories never returns wrong data, and damage in one
//! document does not affect the others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic and prints its seed"
)]

mod boards;
mod histories;

use std::{
    fs,
    path::{Path, PathBuf},
};

use boards::{Random, setting};
use futures::executor::block_on;
use histories::{Cells, NOW_MS, Writer, card, cells, changed, head, push, push_as};
use leptos_sync_core::{ReplicaId, Time, history::IdHead};
use leptos_sync_server::{DurableLog as _, Error, History, Refusal, SqliteLog};

const DOCUMENTS: u64 = 8;
const WRITERS: u64 = 12;

fn name(document: u64) -> String {
    format!("the board of team {document}")
}

/// The content of a document, for a replica that lacks all of it and for one that lacks a part.
#[derive(PartialEq, Debug)]
struct Contents {
    history: History,
    all: Cells,
    lately: Option<Cells>,
}

fn read(log: &SqliteLog, document: &str) -> Result<Contents, Error> {
    let ids = (1..=WRITERS).map(ReplicaId::new);
    Ok(Contents {
        lately: changed(log, document, 30)?,
        all: cells(log, document)?,
        history: block_on(log.open(document, ids.collect()))?,
    })
}

/// Writes a few hundred cells to several documents; some have forgotten tombstones.
fn write(path: &Path) -> Vec<Contents> {
    for _ in 0..2 {
        // Opening the file twice starts two epochs.
        let log = SqliteLog::open(path).unwrap();
        for document in 0..DOCUMENTS {
            for id in 1..=WRITERS {
                let head = head(&log, &name(document), id).unwrap();
                let mut writer = Writer { id, head };
                let round = 10 * head.number + id;
                let entries = (0..3_u64).map(|at| {
                    let cards = (0..6_u64).map(|card| {
                        let long = "x".repeat(((card * 7 + document + id) % 90) as usize);
                        let value = (card != 5).then_some(long.into_bytes());
                        let key = format!("card {}", (card * 11 + round + at) % 60);
                        (key.into_bytes(), value)
                    });
                    writer.write(round + 100 * at, cards.collect::<Vec<_>>())
                });
                push(&log, &name(document), entries.collect()).unwrap();
            }
            if document % 3 == 0 {
                let before = Time::from_ms(NOW_MS + 200);
                block_on(log.forget(&name(document), before, NOW_MS + 1)).unwrap();
            }
        }
    }
    let log = SqliteLog::open(path).unwrap();
    let contents = (0..DOCUMENTS).map(|document| read(&log, &name(document)).unwrap());
    contents.collect()
}

/// Checks the answers of a damaged file. Returns whether any damage was reported.
fn inspect(path: &Path, expected: &[Contents]) -> bool {
    let Ok(log) = SqliteLog::open(path) else {
        return true;
    };
    let mut noticed = false;
    for (document, expected) in expected.iter().enumerate() {
        let name = name(document as u64);
        match read(&log, &name) {
            Ok(contents) => {
                assert_eq!(contents.history, expected.history, "{name}");
                assert!(contents.all == expected.all, "the cells of {name}");
                assert!(contents.lately == expected.lately, "the changes of {name}");
            }
            Err(error) => {
                noticed = true;
                let named = error.to_string().contains(&name);
                assert!(named || !error.is_damaged(), "{error} does not name {name}");
            }
        }
        // A write reports the damage too, or joins intact cells.
        let mut writer = Writer {
            id: 1,
            head: expected.history.heads[0].1,
        };
        let entry = writer.write(5_000, [(b"card 1".to_vec(), Some(b"changed".to_vec()))]);
        match push(&log, &name, vec![entry.clone()]) {
            Ok(pushed) => {
                assert_eq!((pushed.count, pushed.refusal), (1, None), "{name}");
                if let Ok(mut now) = cells(&log, &name) {
                    let written = now.remove(&entry.cells.cells().paths().next().unwrap());
                    assert_eq!(written.unwrap().0, entry.stamp());
                    let kept = |(path, _): &(_, _)| now.contains_key(path);
                    let before: Cells = expected.all.clone().into_iter().filter(kept).collect();
                    assert_eq!(now, before, "the other cells of {name} after a write");
                }
            }
            Err(_) => noticed = true,
        }
        let forged = writer.write(6_000, [(b"card 1".to_vec(), None)]);
        match push_as(&log, &name, "mallory", vec![forged]) {
            Ok(pushed) => assert_eq!(pushed.refusal, Some(Refusal::Forged), "{name}"),
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
fn copy(original: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
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
        let entry = Writer::new(1).write(1, [card(1, Some(document.as_bytes())), card(2, None)]);
        push(&log, document, vec![entry]).unwrap();
    }
}

fn next(ms: u64) -> leptos_sync_core::history::Entry {
    Writer::new(2).write(ms, [card(1, Some(b"new"))])
}

#[test]
fn damage_is_confined_to_its_document() {
    let bad = "document = (SELECT id FROM documents WHERE name = CAST('bad' AS BLOB))";
    let damages = [
        format!("UPDATE cells SET value = x'00' WHERE {bad} AND value IS NOT NULL"),
        format!("UPDATE cells SET value = NULL WHERE {bad}"),
        format!("UPDATE cells SET received = received + 1 WHERE {bad}"),
        format!("UPDATE cells SET received = NULL WHERE {bad}"),
        format!("UPDATE cells SET sequence = sequence + 1 WHERE {bad} AND value IS NULL"),
        format!("UPDATE cells SET replica = replica + 1 WHERE {bad}"),
        format!("UPDATE cells SET path = x'0163' WHERE {bad} AND value IS NULL"),
        format!("DELETE FROM cells WHERE {bad} AND value IS NULL"),
        format!("DELETE FROM cells WHERE {bad}"),
        format!("DELETE FROM ids WHERE {bad}"),
        format!("UPDATE ids SET number = number + 1 WHERE {bad}"),
        format!("UPDATE ids SET user = user + 1 WHERE {bad}"),
        format!("UPDATE heads SET head = x'00' WHERE {bad}"),
        format!("DELETE FROM heads WHERE {bad}"),
        "UPDATE documents SET id = id + 10 WHERE name = CAST('bad' AS BLOB)".to_owned(),
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        two_documents(&path);
        tamper(&path, &damage);
        let log = SqliteLog::open(&path).unwrap();
        let errors = [
            push(&log, "bad", vec![next(2)]).unwrap_err(),
            cells(&log, "bad").unwrap_err(),
            changed(&log, "bad", 0).unwrap_err(),
            head(&log, "bad", 1).unwrap_err(),
            block_on(log.forget("bad", Time::from_ms(NOW_MS), NOW_MS)).unwrap_err(),
        ];
        for error in errors {
            assert!(
                error.is_damaged() && !error.is_unavailable(),
                "{damage}: {error:?}"
            );
            assert!(error.to_string().contains("\"bad\""), "{damage}: {error}");
        }
        assert_eq!(push(&log, "good", vec![next(2)]).unwrap().count, 1);
        assert_eq!(cells(&log, "good").unwrap().len(), 2, "{damage}");

        block_on(log.remove("bad")).unwrap();
        let refused = push(&log, "bad", vec![next(2)]).unwrap_err();
        assert!(refused.is_removed(), "{damage}: {refused:?}");
        drop(log);
        let log = SqliteLog::open(&path).unwrap();
        assert!(cells(&log, "bad").unwrap_err().is_removed(), "{damage}");
        assert_eq!(push(&log, "another", vec![next(2)]).unwrap().count, 1);
    }
}

#[test]
fn damaged_epochs_are_found_when_a_document_is_opened() {
    for damage in ["DELETE FROM epochs", "UPDATE epochs SET epoch = epoch + 1"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        two_documents(&path);
        tamper(&path, damage);
        let log = SqliteLog::open(&path).unwrap();
        let error = block_on(log.open("bad", Vec::new())).unwrap_err();
        assert!(error.is_damaged() && error.to_string().contains("\"bad\""));
    }
}

#[test]
fn damaged_users_affect_writes_but_not_documents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    two_documents(&path);
    tamper(&path, "DELETE FROM users");
    let log = SqliteLog::open(&path).unwrap();
    let error = push(&log, "good", vec![next(2)]).unwrap_err();
    assert!(
        error.is_damaged() && error.to_string().contains("users"),
        "{error}"
    );
    assert_eq!(cells(&log, "good").unwrap().len(), 2);
    assert_eq!(head(&log, "good", 2).unwrap(), IdHead::default());
}

/// A document with a damaged name cannot be distinguished from one that was never written.
#[test]
fn a_document_missing_from_damaged_names_is_not_reported_empty() {
    let renamed =
        "UPDATE documents SET name = CAST('bat' AS BLOB) WHERE name = CAST('bad' AS BLOB)";
    for (damage, is_removed) in [(renamed, false), ("DELETE FROM removed", true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        two_documents(&path);
        if is_removed {
            block_on(SqliteLog::open(&path).unwrap().remove("bad")).unwrap();
        }
        tamper(&path, damage);
        let log = SqliteLog::open(&path).unwrap();
        assert!(cells(&log, "bad").unwrap_err().is_damaged());
        assert!(block_on(log.remove("bad")).unwrap_err().is_damaged());
        assert_eq!(cells(&log, "good").unwrap().len(), 2);
    }
}

#[test]
fn listing_skips_documents_with_damaged_names() {
    let row = format!("WHERE name = CAST('{}' AS BLOB)", name(4));
    for damage in [
        "SET id = id + 10",
        "SET name = 'text'",
        "SET name = x''",
        "SET name = x'ffff'",
        "SET checksum = 'none'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        write(&path);
        tamper(&path, &format!("UPDATE documents {damage} {row}"));
        let log = SqliteLog::open(&path).unwrap();
        let (mut names, mut after) = (Vec::new(), None);
        while let Some(last) = after.take().or(Some(String::new())) {
            let more = block_on(log.documents(Some(&last), 3)).unwrap();
            after = more.last().cloned();
            names.extend(more);
            if after.is_none() {
                break;
            }
        }
        let mut expected: Vec<_> = (0..DOCUMENTS).filter(|at| *at != 4).map(name).collect();
        expected.sort();
        assert_eq!(names, expected, "{damage}");
    }
}

#[test]
fn new_names_work_once_damaged_names_are_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    two_documents(&path);
    let damage = "UPDATE documents SET id = id + 10 WHERE name = CAST('bad' AS BLOB)";
    tamper(&path, damage);
    let log = SqliteLog::open(&path).unwrap();
    let refused = [
        head(&log, "new", 1).unwrap_err(),
        cells(&log, "new").unwrap_err(),
        push(&log, "new", vec![next(2)]).unwrap_err(),
        block_on(log.forget("new", Time::from_ms(NOW_MS), NOW_MS)).unwrap_err(),
    ];
    for error in refused {
        assert!(error.is_damaged(), "{error:?}");
        assert!(error.to_string().contains("\"new\""), "{error}");
    }
    block_on(log.remove("bad")).unwrap();
    assert_eq!(head(&log, "new", 1).unwrap(), IdHead::default());
    assert_eq!(push(&log, "new", vec![next(2)]).unwrap().count, 1);
    assert_eq!(cells(&log, "new").unwrap().len(), 1);
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
    let error = push(&log, "bad", vec![next(2)]).unwrap_err();
    assert!(error.is_damaged() && error.to_string().contains("\"bad\""));
    let again = push(&log, "bad", vec![next(3)]).unwrap_err();
    assert!(again.is_damaged(), "the damage is remembered");
    assert_eq!(push(&log, "good", vec![next(2)]).unwrap().count, 1);
}
