//! A document that is copied under a new name shows the same, and belongs to the page that copied
//! it.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use leptos_sync_core::{
    Clock, Crdt, GCounter, LwwMap, LwwRegister, PnCounter, ReplicaId, limits, replica::Replica,
};

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
    lines: LwwMap<u32, String>,
    likes: GCounter,
    stock: PnCounter,
}

/// The page before it had likes.
#[derive(Crdt, Clone, Default)]
struct OlderPage {
    title: LwwRegister<String>,
    lines: LwwMap<u32, String>,
}

fn replica<S: leptos_sync_core::Root>() -> Replica<S> {
    Replica::new(Clock::system(ReplicaId::default()))
}

/// A document that three pages have written, and from which something was removed.
fn written() -> Replica<Page> {
    let mut page = replica::<Page>();
    for writer in 0..3 {
        page.renew_id();
        let edit = |tx: &mut leptos_sync_core::Tx<'_, Page>| {
            tx.title().set(format!("by {writer}"));
            tx.lines().insert(writer, "a line".to_owned());
            tx.likes().increment(5);
            tx.stock().decrement(2);
        };
        page.transact(edit).unwrap();
    }
    page.transact(|tx| tx.lines().remove(&1)).unwrap();
    page
}

fn shows(page: &Page) -> (String, Vec<u32>, u64, i64) {
    let mut lines: Vec<_> = page.lines.iter().map(|(line, _)| *line).collect();
    lines.sort_unstable();
    (
        page.title.get().clone(),
        lines,
        page.likes.value(),
        page.stock.value(),
    )
}

#[test]
fn a_copy_shows_the_same_and_is_written_under_an_id_of_its_own() {
    let original = written();
    let mut copy = replica::<Page>();
    let (entries, changes) = copy.copy_from(original.doc()).unwrap();
    assert!(!changes.is_empty());
    let expected = ("by 2".to_owned(), vec![0, 2], 15, -6);
    assert_eq!(shows(copy.doc().state()), expected);
    assert_eq!(entries.len(), copy.entries().len());
    let own = copy.own_id().unwrap();
    for entry in &entries {
        entry.check().unwrap();
        assert_eq!(entry.id.replica, own);
        assert!(
            original
                .entries()
                .iter()
                .all(|one| one.entry().id.replica != own)
        );
    }
    // The page goes on under the same id.
    copy.transact(|tx| tx.likes().increment(1)).unwrap();
    assert_eq!(copy.own_id(), Some(own));
    assert_eq!(copy.doc().state().likes.value(), 16);
    // An entry that is rejected is rolled back like any other.
    for entry in &entries {
        copy.reject(entry.id).unwrap();
    }
    assert_eq!(shows(copy.doc().state()), (String::new(), vec![], 1, 0));
}

#[test]
fn a_copy_to_a_document_with_content_wins_and_counts_add_up() {
    let original = written();
    let mut copy = replica::<Page>();
    copy.transact(|tx| {
        tx.title().set("before".to_owned());
        tx.lines().insert(7, "kept".to_owned());
        tx.likes().increment(100);
    })
    .unwrap();
    copy.copy_from(original.doc()).unwrap();
    let expected = ("by 2".to_owned(), vec![0, 2, 7], 115, -6);
    assert_eq!(shows(copy.doc().state()), expected);
}

#[test]
fn a_large_document_is_copied_in_transactions_of_a_bounded_size() {
    let mut original = replica::<Page>();
    for line in 0..40 {
        let text = "x".repeat(limits::VALUE_BYTES / 4);
        original
            .transact(|tx| tx.lines().insert(line, text))
            .unwrap();
    }
    let mut copy = replica::<Page>();
    let (entries, _) = copy.copy_from(original.doc()).unwrap();
    assert!(entries.len() > 1);
    let most = entries.iter().map(|entry| entry.cells.encode().len()).max();
    assert!(most.unwrap() < limits::TRANSACTION_BYTES);
    assert_eq!(copy.doc().state().lines.len(), 40);
}

/// What an older build cannot show is part of the copy too.
#[test]
fn a_copy_has_the_fields_that_only_a_newer_build_knows() {
    let original = written();
    let mut older = replica::<OlderPage>();
    older.join_outbox(&original.outbox(), &[]);
    let mut copy = replica::<OlderPage>();
    copy.copy_from(older.doc()).unwrap();
    assert_eq!(copy.doc().state().title.get(), "by 2");
    let mut newer = replica::<Page>();
    newer.join_outbox(&copy.outbox(), &[]);
    let expected = ("by 2".to_owned(), vec![0, 2], 15, -6);
    assert_eq!(shows(newer.doc().state()), expected);
}
