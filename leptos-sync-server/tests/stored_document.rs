//! What a relay answers about a document's history, also after it was restored from a backup.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod histories;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::executor::block_on;
use histories::{NOW_MS, Writer, card};
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::CellRef,
    history::{Cursor, Entry, Epochs, Opened, Opening, Page, Patch, Sequence, Witness},
    limits::{EPOCHS, TRANSACTION_CELLS},
    sync::Reason,
};
use leptos_sync_server::{
    DurableLog as _, EntryAnswer, MemoryLog, PushAnswer, SealKey, SqliteLog, StoredDocument,
};

const KEY: SealKey = SealKey::new([7; 16]);
const DOCUMENT: &str = "board";

/// A relay's file, which can be restored.
struct Relay {
    folder: tempfile::TempDir,
    document: Option<StoredDocument>,
    log: Option<Arc<SqliteLog>>,
}

impl Relay {
    fn new() -> Self {
        let mut relay = Self {
            folder: tempfile::tempdir().unwrap(),
            document: None,
            log: None,
        };
        relay.start();
        relay
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        let log = Arc::new(SqliteLog::open(self.path("log")).unwrap());
        let document = StoredDocument::new(log.clone(), KEY, DOCUMENT);
        (self.log, self.document) = (Some(log), Some(document));
    }

    fn stop(&mut self) {
        (self.log, self.document) = (None, None);
    }

    fn copy(&mut self, from: &str, to: &str) {
        self.stop();
        let copy = |from: &Path, to: &Path| fs::copy(from, to).unwrap();
        copy(&self.path(from), &self.path(to));
        self.start();
    }

    fn document(&self) -> &StoredDocument {
        self.document.as_ref().unwrap()
    }

    fn push(&self, entry: Entry) -> PushAnswer {
        let mut entries = vec![entry];
        let pushed = block_on(self.document().push("ada", &mut entries, NOW_MS)).unwrap();
        assert!(entries.is_empty());
        pushed
    }

    /// Opens the document with a cursor that has read all that it was told.
    fn open(&self, witness: Witness, epochs: Option<&Epochs>) -> Option<Opened> {
        let opening = Opening {
            cursor: Cursor {
                position: witness.head,
                witness,
            },
            comparing: false,
            ids: vec![ReplicaId::new(1)],
        };
        block_on(self.document().open(&opening, epochs, NOW_MS)).unwrap()
    }

    fn epochs(&self) -> Epochs {
        let history = block_on(self.log.as_ref().unwrap().open(DOCUMENT, Vec::new()));
        history.unwrap().epochs
    }
}

/// Returns the witness in the acknowledgement.
fn told(pushed: &PushAnswer) -> Witness {
    match pushed.answers[..] {
        [EntryAnswer::Ack(ack)] => ack.state.witness,
        ref other => panic!("{other:?}"),
    }
}

fn offer(id: u64, time: Time) -> Patch {
    let patch = Patch::collect(time, |out| {
        out.group(leptos_sync_core::cells::Path::from_bytes(b"\x05cards").unwrap());
        out.copy(CellRef {
            key: b"lost",
            stamp: Stamp::new(time, ReplicaId::new(id)),
            value: Some(b"x"),
        });
    });
    patch.unwrap()
}

#[test]
fn a_new_replica_and_one_that_read_everything_have_not_diverged() {
    let mut relay = Relay::new();
    let opened = relay.open(Witness::default(), None).unwrap();
    assert!(!opened.diverged && opened.tail.is_empty());
    let mut ada = Writer::new(1);
    let witness = told(&relay.push(ada.write(1, [card(1, Some(b"x"))])));
    relay.stop();
    relay.start();
    let opened = relay.open(witness, None).unwrap();
    assert_eq!((opened.diverged, opened.point), (false, Sequence::new(1)));
    assert!(opened.tail.is_empty(), "the present epoch");
    assert_eq!(opened.heads, [(ReplicaId::new(1), ada.head)]);
    relay.push(ada.write(2, [card(1, Some(b"y"))]));
    let opened = relay.open(witness, None).unwrap();
    assert_eq!((opened.diverged, opened.tail.len()), (false, 2));
    let opened = relay.open(Witness::default(), None).unwrap();
    assert_eq!((opened.diverged, opened.tail.len()), (false, 2));
}

#[test]
fn a_relay_that_lost_one_change_is_noticed_and_takes_it_back() {
    let mut relay = Relay::new();
    let mut ada = Writer::new(1);
    relay.push(ada.write(1, [card(1, Some(b"x"))]));
    relay.copy("log", "backup");
    let lost = told(&relay.push(ada.write(2, [card(2, Some(b"y"))])));
    let (head, epochs) = (ada.head, relay.epochs());
    relay.copy("backup", "log");
    assert_eq!(relay.open(lost, None), None, "the epoch of the lost change");
    let opened = relay.open(lost, Some(&epochs)).unwrap();
    assert_eq!((opened.diverged, opened.point), (true, Sequence::new(1)));
    relay.push(Writer::new(2).write(3, [card(3, None)]));
    let opened = relay.open(lost, Some(&epochs)).unwrap();
    assert_eq!((opened.diverged, opened.point), (true, Sequence::new(1)));
    assert_eq!(opened.heads[0].1.number, 1);

    let witnesses = [lost; 2];
    let offered = relay
        .document()
        .offer("bob", &witnesses, offer(1, lost.latest), NOW_MS);
    let (offered, pages) = block_on(offered).unwrap();
    assert!(offered.all);
    assert_eq!(offered.taken, Some(Sequence::new(3)));
    let [
        Page {
            after,
            upto,
            ref cells,
            ..
        },
    ] = pages[..]
    else {
        panic!("{pages:?}");
    };
    assert_eq!((after.get(), upto.get(), cells.len()), (2, 3, 1));
    let heads = vec![(ReplicaId::new(1), head)];
    let adopted = relay.document().adopt("ada", heads.clone());
    let (adopted, pages) = block_on(adopted).unwrap();
    assert_eq!((adopted.heads, pages.len()), (heads, 1));
}

/// Bob says that the relay has lost something that Ada wrote.
#[test]
fn only_a_witness_that_the_relay_lacks_permits_cells_of_other_users() {
    let mut relay = Relay::new();
    let mut ada = Writer::new(1);
    let contained = told(&relay.push(ada.write(1, [card(1, Some(b"x"))])));
    relay.copy("log", "backup");
    let lost = told(&relay.push(ada.write(2, [card(1, Some(b"y"))])));
    let mut forged = contained;
    forged.head.sequence = Sequence::new(9);
    let other = {
        let document = StoredDocument::new(relay.log.clone().unwrap(), KEY, "other");
        let mut entries = vec![Writer::new(1).write(1, [card(1, None)])];
        told(&block_on(document.push("ada", &mut entries, NOW_MS)).unwrap())
    };
    let offers = |relay: &Relay, witnesses, id| {
        let cells = offer(id, Time::from_ms(NOW_MS));
        let offered = relay.document().offer("bob", &witnesses, cells, NOW_MS);
        let (offered, pages) = block_on(offered).unwrap();
        assert!(KEY.has_sealed(DOCUMENT, &offered.state.witness));
        assert_eq!(offered.all, offered.taken.is_some());
        assert_eq!(offered.all, !pages.is_empty());
        offered.all
    };
    for witness in [contained, lost, forged, other, Witness::default()] {
        assert!(!offers(&relay, [witness; 2], 1), "{witness:?}");
    }
    assert!(offers(&relay, [Witness::default(); 2], 2), "Bob's own cell");
    relay.copy("backup", "log");
    for witness in [contained, forged, other] {
        assert!(!offers(&relay, [witness; 2], 1), "{witness:?}");
    }
    assert!(offers(&relay, [lost, contained], 1));
    relay.copy("backup", "log");
    assert!(offers(&relay, [contained, lost], 1));
    let unsealed = relay.open(forged, None).unwrap();
    assert_eq!((unsealed.diverged, unsealed.point), (true, Sequence::ZERO));
}

#[test]
fn a_relay_that_lost_its_key_gets_back_the_cells_of_others_if_its_operator_permits_it() {
    let mut relay = Relay::new();
    let mut ada = Writer::new(1);
    relay.push(ada.write(1, [card(1, Some(b"x"))]));
    relay.copy("log", "backup");
    let lost = told(&relay.push(ada.write(2, [card(1, Some(b"y"))])));
    relay.copy("backup", "log");
    let log = relay.log.clone().unwrap();
    let document = StoredDocument::new(log, SealKey::new([8; 16]), DOCUMENT);
    for accepts in [false, true] {
        let document = document.clone().accept_unproven(accepts);
        let cells = offer(1, Time::from_ms(2));
        let witnesses = [lost; 2];
        let offered = document.offer("bob", &witnesses, cells, NOW_MS);
        assert_eq!(block_on(offered).unwrap().0.all, accepts);
    }
}

#[test]
fn a_client_whose_epoch_is_unknown_sends_its_epochs() {
    let mut relay = Relay::new();
    relay.copy("log", "empty");
    let mut ada = Writer::new(1);
    let witness = told(&relay.push(ada.write(1, [card(1, Some(b"x"))])));
    let epochs = relay.epochs();
    relay.copy("empty", "log");
    assert!(
        relay.open(witness, None).unwrap().diverged,
        "the relay has no epochs to compare"
    );
    relay.push(Writer::new(2).write(1, [card(1, Some(b"y"))]));
    assert_eq!(relay.open(witness, None), None);
    let opened = relay.open(witness, Some(&epochs)).unwrap();
    assert_eq!((opened.diverged, opened.point), (true, Sequence::ZERO));
}

#[test]
fn the_entries_of_other_ids_are_stored_after_a_refused_one() {
    let relay = Relay::new();
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let mut entries = vec![
        ada.write(5, [card(1, Some(b"x"))]),
        ada.write(6, [card(2, Some(b"x"))]),
        ada.write(900_000, [card(3, Some(b"x"))]),
        bob.write(1, [card(1, Some(b"loses"))]),
        ada.write(900_001, [card(4, Some(b"x"))]),
        bob.write(2, [card(5, Some(b"x"))]),
    ];
    let (mut answers, mut pages) = (Vec::new(), Vec::new());
    while !entries.is_empty() {
        let pushed = relay.document().push("ada", &mut entries, NOW_MS);
        let pushed = block_on(pushed).unwrap();
        answers.extend(pushed.answers);
        pages.extend(pushed.pages);
    }
    let [
        EntryAnswer::Ack(first),
        EntryAnswer::Reject {
            id, reason, window, ..
        },
        EntryAnswer::Ack(second),
    ] = &answers[..]
    else {
        panic!("{answers:?}");
    };
    assert_eq!((first.count, first.first), (2, Sequence::new(1)));
    assert_eq!(
        (id.number, *reason, window.now_ms),
        (3, Reason::Drift, NOW_MS)
    );
    assert_eq!(
        (second.id.replica, second.count, second.first.get()),
        (ReplicaId::new(2), 2, 3)
    );
    assert!(KEY.has_sealed(DOCUMENT, &second.state.witness));
    // The changes are contiguous, and have no cell that lost.
    let mut upto = 0;
    for page in &pages {
        assert_eq!(page.after.get(), upto);
        upto = page.upto.get();
    }
    assert_eq!(
        (
            upto,
            pages.iter().map(|page| page.cells.len()).sum::<usize>()
        ),
        (4, 3)
    );
}

#[test]
fn a_transaction_of_too_many_cells_is_rejected_alone() {
    let relay = Relay::new();
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let many = (0..=TRANSACTION_CELLS as u64).map(|key| card(key, None));
    let mut entries = vec![ada.write(1, many), bob.write(1, [card(1, None)])];
    let pushed = block_on(relay.document().push("ada", &mut entries, NOW_MS)).unwrap();
    assert!(matches!(
        pushed.answers[..],
        [EntryAnswer::Reject {
            reason: Reason::Limit,
            ..
        }]
    ));
    let pushed = block_on(relay.document().push("ada", &mut entries, NOW_MS)).unwrap();
    assert!(matches!(pushed.answers[..], [EntryAnswer::Ack(_)]));
    assert!(entries.is_empty());
}

#[test]
fn epochs_that_were_dropped_do_not_look_like_a_restore() {
    let log = Arc::new(MemoryLog::new().unwrap());
    let document = StoredDocument::new(log.clone(), KEY, DOCUMENT);
    let mut ada = Writer::new(1);
    let mut push = |ms| {
        let mut entries = vec![ada.write(ms, [card(1, Some(b"x"))])];
        told(&block_on(document.push("ada", &mut entries, NOW_MS)).unwrap())
    };
    let witness = push(1);
    let epochs = block_on(log.open(DOCUMENT, Vec::new())).unwrap().epochs;
    for round in 0..EPOCHS as u64 {
        log.new_epoch().unwrap();
        push(2 + round);
    }
    let opening = Opening {
        cursor: Cursor {
            position: witness.head,
            witness,
        },
        ..Opening::default()
    };
    let opened = block_on(document.open(&opening, Some(&epochs), NOW_MS));
    let opened = opened.unwrap().unwrap();
    assert!(!opened.diverged);
    assert!(
        opened.horizon > witness.head.sequence,
        "the replica compares"
    );
}

#[test]
fn an_entry_that_is_too_old_is_rejected_with_the_earliest_time() {
    let relay = Relay::new();
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    relay.push(ada.write(100, [card(1, Some(b"x"))]));
    let floor = Time::from_ms(NOW_MS + 50);
    let log = relay.log.as_ref().unwrap();
    block_on(log.forget(DOCUMENT, floor, NOW_MS)).unwrap();
    let late = ada.write(60, [card(1, Some(b"y"))]);
    let earliest = |entry| match relay.push(entry).answers[..] {
        [EntryAnswer::Reject { reason, window, .. }] => {
            assert_eq!(reason, Reason::TooOld);
            window.floor
        }
        ref other => panic!("{other:?}"),
    };
    assert_eq!(earliest(bob.write(10, [card(2, None)])), floor);
    assert_eq!(earliest(late), Time::from_ms(NOW_MS + 100).next());
}

#[test]
fn a_relay_that_lost_one_change_of_the_present_epoch_is_noticed() {
    let log = MemoryLog::new().unwrap();
    let mut ada = Writer::new(1);
    let mut push = |log: MemoryLog, ms| {
        let (backup, log) = (log.fork().unwrap(), Arc::new(log));
        let document = StoredDocument::new(log.clone(), KEY, DOCUMENT);
        let mut entries = vec![ada.write(ms, [card(1, Some(b"x"))])];
        let pushed = block_on(document.push("ada", &mut entries, NOW_MS)).unwrap();
        drop(document);
        (backup, Arc::into_inner(log).unwrap(), told(&pushed))
    };
    let (_, log, _) = push(log, 1);
    let (backup, _, witness) = push(log, 2);
    let opening = Opening {
        cursor: Cursor {
            position: witness.head,
            witness,
        },
        ..Opening::default()
    };
    let document = StoredDocument::new(Arc::new(backup), KEY, DOCUMENT);
    let opened = block_on(document.open(&opening, None, NOW_MS));
    let opened = opened.unwrap().unwrap();
    assert_eq!((opened.diverged, opened.point), (true, Sequence::new(1)));
}
