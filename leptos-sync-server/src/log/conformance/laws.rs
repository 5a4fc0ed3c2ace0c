//! Laws about documents, their names, and the owners of replica ids.

use futures::future::join_all;
use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector, limits};

use super::{
    ask::{append, cells, cells_of, fails, since, state, succeeds},
    board::{Op, still, write},
};
use crate::{DocumentState, DurableLog, limits::LISTED};

pub(super) async fn an_unwritten_document_has_the_default_state(log: &dyn DurableLog) {
    assert_eq!(state(log, "none").await, DocumentState::default());
    assert!(cells(log, "none").await.is_empty());
    let asked = VersionVector::of(ReplicaId::new(1), Time::new(5));
    assert!(since(log, "none", &asked, 1).await.cells().is_empty());
    succeeds(log.append("none", Vec::new()).await, "append nothing");
    succeeds(
        log.claim("none", VersionVector::new()).await,
        "claim nothing",
    );
    succeeds(log.forget_tombstones("none", Time::new(5)).await, "forget");
    succeeds(log.remove("none").await, "remove nothing");
    succeeds(log.probe().await, "probe");
    assert_eq!(state(log, "none").await, DocumentState::default());
}

pub(super) async fn appended_deltas_are_contained(log: &dyn DurableLog) {
    let mut ada = still(1);
    let (first, second) = (
        write(&mut ada, &[Op::Title(1), Op::Card(1, 3), Op::Card(2, 0)]),
        write(&mut ada, &[Op::Title(2), Op::Uncard(1)]),
    );
    append(log, "board", &[&first, &second]).await;
    assert_eq!(&state(log, "board").await.version, ada.version());
    let expected = cells_of(
        ada.snapshot()
            .expect("the document is within the limits")
            .cells(),
    );
    assert_eq!(cells(log, "board").await, expected);
    append(log, "board", &[&first]).await;
    assert_eq!(
        cells(log, "board").await,
        expected,
        "a repeated append changes nothing"
    );
    let lacking = since(log, "board", first.upto(), 1000).await;
    assert_eq!(
        lacking.cells(),
        cells_of(second.cells()),
        "only what changed"
    );
}

pub(super) async fn a_gap_rejects_the_whole_append(log: &dyn DurableLog) {
    let (mut ada, mut bob) = (still(1), still(2));
    let ops = [Op::Like, Op::Card(1, 1)];
    let deltas: Vec<_> = (0..4).map(|_| write(&mut ada, &ops)).collect();
    let bobs = write(&mut bob, &[Op::Card(7, 1)]);
    let [one, two, three, four] = &*deltas else {
        return;
    };
    for refused in [vec![two.clone()], vec![one.clone(), three.clone()]] {
        let error = fails(log.append("board", refused).await, "a gap");
        assert!(error.is_gap() && !error.is_unavailable(), "{error:?}");
        assert_eq!(state(log, "board").await, DocumentState::default());
        assert!(
            cells(log, "board").await.is_empty(),
            "an append applies whole or not at all"
        );
    }
    append(log, "board", &[one]).await;
    let before = (state(log, "board").await, cells(log, "board").await);
    let refused = vec![bobs, two.clone(), four.clone()];
    assert!(fails(log.append("board", refused).await, "a gap at the end").is_gap());
    let after = (state(log, "board").await, cells(log, "board").await);
    assert_eq!(after, before, "an append applies whole or not at all");
    append(log, "board", &[two, three, four]).await;
    assert_eq!(&state(log, "board").await.version, ada.version());
}

pub(super) async fn claimed_operations_are_contained_without_cells(log: &dyn DurableLog) {
    let mut ada = still(1);
    let refused = write(&mut ada, &[Op::Title(1)]);
    let next = write(&mut ada, &[Op::Card(1, 1)]);
    succeeds(log.claim("board", refused.upto().clone()).await, "claim");
    assert_eq!(&state(log, "board").await.version, refused.upto());
    assert!(cells(log, "board").await.is_empty());
    append(log, "board", &[&refused]).await;
    assert!(
        cells(log, "board").await.is_empty(),
        "a rejected operation stays rejected"
    );
    append(log, "board", &[&next]).await;
    assert_eq!(cells(log, "board").await, cells_of(next.cells()));
    succeeds(
        log.claim("board", refused.upto().clone()).await,
        "claim less",
    );
    assert_eq!(&state(log, "board").await.version, next.upto());
}

pub(super) async fn documents_are_independent(log: &dyn DurableLog) {
    // Use names that are empty, prefixes of each other, or contain special characters.
    for (at, name) in ["", "a", "ab", "A", "a\0b", "ä'%_\n"].iter().enumerate() {
        let delta = write(&mut still(at as u64), &[Op::Card(1, at as u8)]);
        append(log, name, &[&delta]).await;
    }
    for (at, name) in ["", "a", "ab", "A", "a\0b", "ä'%_\n"].iter().enumerate() {
        let expected = write(&mut still(at as u64), &[Op::Card(1, at as u8)]);
        assert_eq!(
            cells(log, name).await,
            cells_of(expected.cells()),
            "{name:?}"
        );
    }
}

pub(super) async fn a_removed_document_behaves_as_if_never_written(log: &dyn DurableLog) {
    let mut ada = still(1);
    let first = write(&mut ada, &[Op::Card(1, 1), Op::Uncard(2)]);
    append(log, "board", &[&first]).await;
    append(log, "other", &[&first]).await;
    let replica = [ReplicaId::new(1)];
    succeeds(log.bind(&replica, "ada").await, "bind");
    let later = Time::new(first.upto().latest().get() + 1);
    succeeds(log.forget_tombstones("board", later).await, "forget");

    succeeds(log.remove("board").await, "remove");
    assert_eq!(state(log, "board").await, DocumentState::default());
    assert!(cells(log, "board").await.is_empty());
    assert_eq!(cells(log, "other").await, cells_of(first.cells()));
    let taken = succeeds(log.bind(&replica, "bob").await, "bind");
    assert_eq!(taken, replica, "bindings do not belong to a document");

    append(log, "board", &[&first]).await;
    assert_eq!(
        cells(log, "board").await,
        cells_of(first.cells()),
        "the name starts a new document"
    );
    assert_eq!(state(log, "board").await.floor, Time::ZERO);
}

pub(super) async fn documents_are_listed_in_order_and_in_pages(log: &dyn DurableLog) {
    assert!(all_names(log, 5).await.is_empty());
    let upto = VersionVector::of(ReplicaId::new(1), Time::new(5));
    let claim = |name: String| {
        let claimed = log.claim(&name, upto.clone());
        async move { succeeds(claimed.await, "claim") }
    };
    let odd = ["", "a", "a\0", "a\0b", "A", "ä'%_\n", "z"];
    join_all(odd.map(|name| claim(name.to_owned()))).await;
    succeeds(log.remove("z").await, "remove");
    // Reading a document does not create it.
    state(log, "never").await;
    let mut expected = vec!["", "A", "a", "a\0", "a\0b", "ä'%_\n"];
    for most in [0, 1, 2, 3, 6, 7, usize::MAX] {
        assert_eq!(all_names(log, most).await, expected, "{most} at a time");
    }
    // A page may start after a name that does not exist.
    let behind = |after| async move { succeeds(log.documents(Some(after), 2).await, "documents") };
    assert_eq!(behind("B").await, ["a", "a\0"]);
    assert!(behind("ä'%_\n").await.is_empty());

    let many: Vec<_> = (0..=LISTED).map(|at| format!("many {at:04}")).collect();
    join_all(many.iter().cloned().map(claim)).await;
    let page = succeeds(log.documents(Some("b"), usize::MAX).await, "documents");
    assert_eq!(page.len(), LISTED, "a page has a maximum length");
    let last = expected.pop();
    expected.extend(many.iter().map(String::as_str));
    expected.extend(last);
    assert_eq!(all_names(log, usize::MAX).await, expected);
}

/// Lists all names, `most` at a time.
async fn all_names(log: &dyn DurableLog, most: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let after = all.last().map(String::as_str);
        let page = succeeds(log.documents(after, most).await, "documents");
        assert!(page.len() <= most.max(1), "{} of {most}", page.len());
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) async fn a_replica_id_belongs_to_one_user(log: &dyn DurableLog) {
    let id = |id| ReplicaId::new(id);
    let all = [id(0), id(1), id(u64::MAX)];
    let bind = async |ids: &[ReplicaId], user| succeeds(log.bind(ids, user).await, "bind");
    assert_eq!(bind(&all, "ada").await, []);
    assert_eq!(
        bind(&all, "ada").await,
        [],
        "binding again for the same user succeeds"
    );
    assert_eq!(bind(&[], "bob").await, []);
    assert_eq!(
        bind(&[id(7), id(u64::MAX), id(0)], "bob").await,
        [id(u64::MAX), id(0)]
    );
    assert_eq!(
        bind(&[id(7), id(7)], "eve").await,
        [],
        "a failed call binds nothing"
    );
    assert_eq!(bind(&[id(7)], "bob").await, [id(7)]);
}

pub(super) async fn an_append_binds_its_replica_ids_or_does_nothing(log: &dyn DurableLog) {
    let (mut ada, mut bob) = (still(1), still(2));
    let adas: Vec<_> = (0..3).map(|_| write(&mut ada, &[Op::Like])).collect();
    let bobs = write(&mut bob, &[Op::Like]);
    let [one, two, three] = &*adas else {
        return;
    };
    let append = async |deltas: &[&Delta], user| {
        let deltas = deltas.iter().map(|&delta| delta.clone()).collect();
        log.append_as("board", deltas, user).await
    };
    let bind = async |id, user| succeeds(log.bind(&[ReplicaId::new(id)], user).await, "bind");
    // A rejected append does not bind the ids.
    assert!(fails(append(&[two], "eve").await, "a gap").is_gap());
    assert_eq!(succeeds(append(&[one], "ada").await, "append"), []);
    assert_eq!(bind(1, "eve").await, [ReplicaId::new(1)]);
    // An append with another user's id does not bind the ids either.
    let before = (state(log, "board").await, cells(log, "board").await);
    let taken = succeeds(append(&[&bobs, two], "eve").await, "append");
    assert_eq!(taken, [ReplicaId::new(1)]);
    let after = (state(log, "board").await, cells(log, "board").await);
    assert_eq!(after, before, "a forged append changes nothing");
    assert_eq!(succeeds(append(&[&bobs], "bob").await, "append"), []);
    assert_eq!(succeeds(append(&[two, three], "ada").await, "append"), []);
    assert_eq!(succeeds(append(&[], "eve").await, "append"), []);
    let contained = state(log, "board").await.version;
    assert!(contained.covers(ada.version()) && contained.covers(bob.version()));
}

pub(super) async fn names_are_bounded(log: &dyn DurableLog) {
    let longest = "n".repeat(crate::limits::NAME_BYTES);
    let delta = write(&mut still(1), &[Op::Like]);
    append(log, &longest, &[&delta]).await;
    let longer = longest + "n";
    let nowhere = VersionVector::new();
    let refused = [
        fails(log.state(&longer).await, "a long name"),
        fails(log.append(&longer, vec![delta]).await, "a long name"),
        fails(log.claim(&longer, nowhere.clone()).await, "a long name"),
        fails(log.since(&longer, &nowhere, 1).await, "a long name"),
        fails(
            log.forget_tombstones(&longer, Time::new(1)).await,
            "a long name",
        ),
        fails(log.remove(&longer).await, "a long name"),
        fails(
            log.bind(&[], &"u".repeat(crate::limits::USER_BYTES + 1))
                .await,
            "a long user",
        ),
    ];
    assert!(refused.iter().all(crate::Error::is_limit), "{refused:?}");
}

/// A document with more replicas than a message may contain could never be sent.
pub(super) async fn replicas_are_bounded(log: &dyn DurableLog) {
    let of = |ids: std::ops::Range<u64>| -> VersionVector {
        ids.map(|id| (ReplicaId::new(id), Time::new(1))).collect()
    };
    let most = limits::REPLICAS as u64;
    succeeds(log.claim("board", of(0..most)).await, "claim");
    let more = of(most..most + 1);
    let error = fails(log.claim("board", more.clone()).await, "one more");
    assert!(error.is_limit(), "{error:?}");
    let delta = Delta::collect(VersionVector::new(), more, |_| {});
    let delta = delta.expect("it has no cells");
    let error = fails(log.append("board", vec![delta]).await, "one more");
    assert!(error.is_limit(), "{error:?}");
    assert_eq!(state(log, "board").await.version, of(0..most));
    assert!(
        cells(log, "board").await.is_empty(),
        "the document can still be sent"
    );
}
