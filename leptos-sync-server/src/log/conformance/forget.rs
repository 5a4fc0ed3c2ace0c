//! Laws about forgotten tombstones.

use leptos_sync_core::{Time, VersionVector, clock::ManualTime};

use super::{
    ask::{Whole, append, cells, fails, since, state, succeeds},
    board::{NOW_MS, Op, doc, write},
};
use crate::DurableLog;

/// Ada writes a card and goes offline. Bob removes it, and the log forgets the tombstone.
pub(super) async fn a_forgotten_tombstone_does_not_resurrect_its_value(log: &dyn DurableLog) {
    let (early, late) = (ManualTime::at(NOW_MS), ManualTime::at(NOW_MS + 1_000));
    let (mut ada, mut bob) = (doc(1, &early), doc(2, &late));
    let written = write(&mut ada, &[Op::Card(1, 1), Op::Card(2, 2)]);
    append(log, "board", &[&written]).await;
    bob.apply(&written).expect("a first transaction has no gap");
    let removed = write(&mut bob, &[Op::Uncard(1)]);
    append(log, "board", &[&removed]).await;
    // Ada has not sent this yet.
    let rewritten = write(&mut ada, &[Op::Card(1, 9)]);

    let floor = Time::from_ms(NOW_MS + 2_000);
    succeeds(log.forget_tombstones("board", floor).await, "forget");
    assert_eq!(
        cells(log, "board").await.len(),
        1,
        "the tombstone is forgotten"
    );
    let here = state(log, "board").await;
    assert_eq!((here.floor, &here.horizon), (floor, &here.version));
    let earlier = Time::from_ms(NOW_MS);
    succeeds(log.forget_tombstones("board", earlier).await, "forget less");
    assert_eq!(state(log, "board").await, here, "the floor never falls");

    let error = fails(log.append("board", vec![rewritten]).await, "an old write");
    assert!(error.is_stale() && !error.is_gap(), "{error:?}");
    assert_eq!(state(log, "board").await, here);
    append(log, "board", &[&written]).await;
    assert_eq!(
        cells(log, "board").await.len(),
        1,
        "contained operations are skipped"
    );

    let Whole::Snapshot(snapshot) = since(log, "board", written.upto(), 1000).await else {
        panic!("Ada lacks a forgotten tombstone and needs a snapshot");
    };
    assert_eq!(
        (snapshot.version(), snapshot.horizon()),
        (&here.version, &here.horizon)
    );
    let mut fresh = doc(3, &late);
    fresh
        .apply(&written)
        .expect("a first transaction has no gap");
    fresh
        .merge_snapshot(&snapshot)
        .expect("the snapshot is newer than the document");
    let live = fresh.snapshot().expect("the document is within the limits");
    assert_eq!(
        live.len(),
        1,
        "the snapshot removes the card from a replica that had it"
    );

    late.set(NOW_MS + 3_000);
    append(log, "board", &[&write(&mut bob, &[Op::Card(1, 5)])]).await;
    assert_eq!(
        cells(log, "board").await.len(),
        2,
        "a new write is accepted"
    );
}

pub(super) async fn every_tombstone_is_forgotten_even_beyond_one_step(log: &dyn DurableLog) {
    let time = ManualTime::at(NOW_MS);
    let mut ada = doc(1, &time);
    // Write 512 removals of cards and notes, half of them by each of two replicas.
    let mut deltas = Vec::new();
    let mut kept = VersionVector::new();
    for round in 0..2 {
        let mut other = doc(10 + round, &time);
        let own = || (0..=255).filter(move |key| u64::from(key % 2) == round);
        let cards = own().map(|key| Op::Card(key, 1));
        let notes = own().map(|key| Op::Note(key, 1));
        deltas.push(write(&mut other, &cards.chain(notes).collect::<Vec<_>>()));
        let notes = own().map(Op::Unnote);
        let cards = own().map(Op::Uncard);
        deltas.push(write(&mut other, &cards.chain(notes).collect::<Vec<_>>()));
        kept.join(other.version());
    }
    time.advance(1);
    deltas.push(write(&mut ada, &[Op::Card(1, 1), Op::Note(1, 1)]));
    append(log, "board", &deltas.iter().collect::<Vec<_>>()).await;
    let before = cells(log, "board").await.len();
    assert_eq!(before, 512);
    succeeds(
        log.forget_tombstones("board", Time::from_ms(NOW_MS)).await,
        "forget",
    );
    assert_eq!(
        cells(log, "board").await.len(),
        before,
        "no tombstone is older than the floor"
    );
    let floor = Time::from_ms(NOW_MS + 1_000);
    succeeds(log.forget_tombstones("board", floor).await, "forget");
    let left = cells(log, "board").await;
    assert!(
        left.values().all(|(_, value)| value.is_some()),
        "every tombstone is forgotten"
    );
    assert_eq!(left.len(), 2, "live cells stay");
    assert!(state(log, "board").await.horizon.covers(&kept));
}
