//! Laws about one situation each.

use futures::future::join_all;
use leptos_sync_core::{
    ReplicaId, Time,
    history::{Entry, EntryHash, EntryId, IdHead, Patch, Sequence},
};

use super::{
    cells::{entry, fails, succeeds},
    writer::{NOW_MS, Writer, at, history, numbered, page, push, set},
};
use crate::{
    DurableLog, History, Refusal,
    limits::{LISTED, NAME_BYTES, USER_BYTES},
};

pub(super) async fn an_unwritten_document_has_the_default_history(log: &dyn DurableLog) {
    succeeds(log.forget("none", at(5), NOW_MS).await, "forget");
    succeeds(log.remove("none").await, "remove");
    succeeds(log.probe().await, "probe");
    push(log, "none", Vec::new(), NOW_MS).await;
    let offered = log
        .join_cells("none", None, Patch::default(), NOW_MS, at(0))
        .await;
    assert!(succeeds(offered, "offer").all);
    succeeds(log.raise_heads("none", "ada", Vec::new()).await, "adopt");
    assert_eq!(history(log, "none", &[]).await, History::default());
    let Some(page) = page(log, 0, 100).await else {
        panic!("nothing was forgotten");
    };
    assert!(page.cells.is_empty());
    let range = succeeds(log.range("none", None, 100).await, "range");
    assert!(range.cells.is_empty() && range.upto.is_none());
    let listed = succeeds(log.documents(None, 10).await, "documents");
    assert!(listed.is_empty(), "{listed:?}");
}

pub(super) async fn names_that_are_too_long_are_rejected(log: &dyn DurableLog) {
    let (long, user) = ("x".repeat(NAME_BYTES + 1), "x".repeat(USER_BYTES + 1));
    assert!(fails(log.open(&long, Vec::new()).await, "open").is_limit());
    assert!(fails(log.push(&long, "ada", Vec::new(), 0).await, "push").is_limit());
    assert!(fails(log.push("board", &user, Vec::new(), 0).await, "push").is_limit());
    assert!(fails(log.raise_heads("board", &user, Vec::new()).await, "adopt").is_limit());
    assert!(fails(log.page(&long, Sequence::ZERO, 1).await, "page").is_limit());
    assert!(fails(log.range(&long, None, 1).await, "range").is_limit());
    assert!(fails(log.forget(&long, at(0), 0).await, "forget").is_limit());
    assert!(fails(log.remove(&long).await, "remove").is_limit());
    let name = "x".repeat(NAME_BYTES);
    let entry = Writer::new(1).write(at(0), &set(1));
    assert_eq!(push(log, &name, vec![entry], NOW_MS).await.count, 1);
}

pub(super) async fn documents_are_listed_in_pages_without_removed_ones(log: &dyn DurableLog) {
    let names = ["", "a", "a\0", "b", "ä", "z"];
    for name in names {
        let entry = Writer::new(1).write(at(0), &set(1));
        push(log, name, vec![entry], NOW_MS).await;
    }
    succeeds(log.remove("b").await, "remove");
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = log.documents(after.as_deref(), 2).await;
        let page = succeeds(page, "documents");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.clone());
        all.extend(page);
    }
    assert_eq!(all, ["", "a", "a\0", "z", "ä"]);
    let most = succeeds(log.documents(None, LISTED + 1).await, "documents");
    assert_eq!(most.len(), 5);
}

pub(super) async fn entries_before_a_refused_one_are_stored(log: &dyn DurableLog) {
    let (mut ada, mut bob) = (Writer::new(1), Writer::new(2));
    let first = ada.write(at(1), &set(1));
    let empty = bob.write(at(0), &Vec::new());
    let ahead = ada.write(at(600_000), &set(2));
    let last = bob.write(at(2), &set(3));
    let pushed = push(
        log,
        "board",
        vec![first, empty, ahead, last.clone()],
        NOW_MS,
    )
    .await;
    assert_eq!((pushed.count, pushed.first), (2, Sequence::new(1)));
    assert_eq!(pushed.refusal, Some(Refusal::Drift));
    assert_eq!(pushed.state.head(), Sequence::new(2));
    let heads = history(log, "board", &[1, 2]).await.heads;
    let numbers: Vec<_> = heads.iter().map(|(_, head)| head.number).collect();
    assert_eq!(numbers, [1, 1]);
    let times: Vec<_> = heads.iter().map(|(_, head)| head.time).collect();
    assert_eq!(times, [at(1), Time::ZERO], "an empty entry has no time");
    let pushed = push(log, "board", vec![last], NOW_MS).await;
    assert_eq!((pushed.count, pushed.first), (1, Sequence::new(3)));
}

pub(super) async fn an_id_belongs_to_the_user_who_wrote_first(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    let first = ada.write(at(1), &set(1));
    push(log, "board", vec![first], NOW_MS).await;
    let head = ada.head;
    let second = ada.write(at(2), &set(2));
    let forged = log.push("board", "bob", vec![second.clone()], NOW_MS).await;
    let forged = succeeds(forged, "push");
    assert_eq!((forged.count, forged.refusal), (0, Some(Refusal::Forged)));
    let id = ReplicaId::new(1);
    let greater = IdHead {
        number: 9,
        hash: EntryHash::new(9),
        time: at(9),
        emptied: 2,
    };
    let adopted = log.raise_heads("board", "bob", vec![(id, greater)]).await;
    assert_eq!(succeeds(adopted, "adopt").heads, [(id, head)]);
    assert_eq!(push(log, "board", vec![second], NOW_MS).await.count, 1);
    let elsewhere = Writer::new(1).write(at(1), &set(1));
    let elsewhere = log.push("list", "bob", vec![elsewhere], NOW_MS).await;
    assert_eq!(succeeds(elsewhere, "push").count, 1, "ids are per document");
    let other = ReplicaId::new(2);
    let adopted = log
        .raise_heads("board", "bob", vec![(other, greater)])
        .await;
    assert_eq!(succeeds(adopted, "adopt").heads, [(other, greater)]);
    let pushed = Writer {
        id: 2,
        head: greater,
    };
    let mut pushed = pushed;
    let entry = pushed.write(at(10), &set(4));
    let refused = push(log, "board", vec![entry], NOW_MS).await;
    assert_eq!(
        refused.refusal,
        Some(Refusal::Forged),
        "an adopted id is bound"
    );
}

/// A replica with a copy of the entry rolls it back.
pub(super) async fn an_id_head_names_the_entries_that_were_rejected(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    let mut entries = vec![ada.write(at(0), &Vec::new())];
    entries.push(ada.write(at(1), &set(1)));
    entries.push(ada.write(at(0), &Vec::new()));
    push(log, "board", entries, NOW_MS).await;
    let head = ada_head(log).await;
    let emptied: Vec<_> = (0..5).filter(|number| head.is_emptied(*number)).collect();
    assert_eq!(emptied, [1, 3]);
    // Another relay has told this head, and that the fourth entry is empty.
    let told = IdHead {
        number: 5,
        emptied: 2,
        ..head
    };
    let adopted = log.raise_heads("board", "ada", vec![(ReplicaId::new(1), told)]);
    succeeds(adopted.await, "adopt");
    let next = entry(1, ada_head(log).await, at(9), &set(9));
    push(log, "board", vec![next], NOW_MS).await;
    let head = ada_head(log).await;
    let emptied: Vec<_> = (0..9).filter(|number| head.is_emptied(*number)).collect();
    assert_eq!(emptied, [1, 3, 4]);
}

pub(super) async fn a_removed_document_stays_removed(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    push(log, "board", vec![ada.write(at(1), &set(1))], NOW_MS).await;
    for _ in 0..2 {
        succeeds(log.remove("board").await, "remove");
        assert!(fails(log.open("board", Vec::new()).await, "open").is_removed());
        let entry = Writer::new(2).write(at(2), &set(2));
        let pushed = log.push("board", "ada", vec![entry], NOW_MS).await;
        assert!(fails(pushed, "push").is_removed());
        let offered = log
            .join_cells("board", Some("ada"), Patch::default(), NOW_MS, at(0))
            .await;
        assert!(fails(offered, "offer").is_removed());
    }
}

/// Many replicas push to shared and separate documents at the same time.
pub(super) async fn concurrent_pushes_take_consecutive_numbers(log: &dyn DurableLog) {
    let mut pushes = Vec::new();
    for id in 1..60_u64 {
        let mut writer = Writer::new(id);
        let entries: Vec<_> = (0..2)
            .map(|round| writer.write(at(round), &vec![(numbered(id as u32), Some(vec![1]))]))
            .collect();
        let name = if id % 2 == 0 { "even" } else { "odd" };
        pushes.push(log.push(name, "ada", entries.clone(), NOW_MS));
        pushes.push(log.push("all", "ada", entries, NOW_MS));
    }
    let mut firsts: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(|pushed| succeeds(pushed, "push"))
        .enumerate()
        .filter(|(at, _)| at % 2 == 1)
        .map(|(_, pushed)| {
            assert_eq!((pushed.count, pushed.refusal), (2, None));
            pushed.first.get()
        })
        .collect();
    firsts.sort_unstable();
    assert_eq!(firsts, (0..59).map(|at| 2 * at + 1).collect::<Vec<_>>());
    assert_eq!(history(log, "even", &[]).await.state.head().get(), 58);
}

pub(super) async fn the_pages_of_a_large_document_have_all_its_cells(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    let cells = |from: u32, to: u32| (from..to).map(|at| (numbered(at), Some(vec![7; 20])));
    let entries = [(0, 3_000), (1_000, 1_500), (3_000, 3_010), (3_010, 4_000)];
    let entries = entries.iter().zip(1..);
    let entries: Vec<_> = entries
        .map(|((from, to), ms)| ada.write(at(ms), &cells(*from, *to).collect()))
        .collect();
    assert_eq!(push(log, "board", entries, NOW_MS).await.count, 4);
    let (mut after, mut counts) = (0, Vec::new());
    loop {
        let Some(page) = page(log, after, 10_000).await else {
            panic!("nothing was forgotten");
        };
        counts.push((page.upto.get(), page.cells.len()));
        after = page.upto.get();
        if page.upto == page.state.head() {
            break;
        }
    }
    assert_eq!(counts, [(1, 2_500), (2, 500), (4, 1_000)]);
}

pub(super) async fn an_epoch_begins_with_its_first_number(log: &dyn DurableLog) {
    let mut ada = Writer::new(1);
    push(log, "board", vec![ada.write(at(1), &set(1))], NOW_MS).await;
    let before = history(log, "board", &[]).await.epochs;
    succeeds(log.new_epoch(), "new_epoch");
    assert_eq!(
        history(log, "board", &[]).await.epochs,
        before,
        "nothing was written"
    );
    succeeds(log.forget("board", at(1), NOW_MS + 9).await, "forget");
    let again = Entry {
        id: EntryId {
            replica: ReplicaId::new(1),
            number: 1,
        },
        ..ada.write(at(2), &set(2))
    };
    assert_eq!(push(log, "board", vec![again], NOW_MS).await.count, 0);
    let first = entry(1, ada_head(log).await, at(2), &set(2));
    push(log, "board", vec![first], NOW_MS).await;
    let after = history(log, "board", &[]).await.epochs;
    assert_eq!(after.list().len(), 2);
    assert_eq!(after.last().map(|last| last.1), Some(Sequence::new(2)));
}

async fn ada_head(log: &dyn DurableLog) -> IdHead {
    let heads = history(log, "board", &[1]).await.heads;
    heads.first().map(|(_, head)| *head).unwrap_or_default()
}
