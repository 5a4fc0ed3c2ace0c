//! The steps of random histories. Numbers are relative to what the document has at that moment.

use proptest::{collection::vec, option, prelude::*};

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Push(u8, u8, Vec<EntryPlan>),
    Offer(Option<u8>, Vec<(CellPlan, u8, TimePlan)>, TimePlan),
    Adopt(u8, u8, Vec<(u8, u64, TimePlan)>),
    /// Reads one page after a part of the history, in 256ths.
    Page(u8, u8, usize),
    /// Reads all pages after the horizon.
    Pages(u8, usize),
    Ranges(u8, usize),
    /// Forgets tombstones of these ages in milliseconds.
    Forget(u8, u64, u64),
    Wait(u64),
    Epoch,
    Reopen,
    Remove(u8),
}

/// The path and the value of a cell. A value of zero is a tombstone.
pub(super) type CellPlan = (u8, u8);

/// A planned entry, under one of a few replica ids.
#[derive(Clone, Debug)]
pub(super) struct EntryPlan {
    pub(super) id: u8,
    pub(super) follows: Follows,
    pub(super) time: TimePlan,
    pub(super) cells: Vec<CellPlan>,
}

/// How an entry follows the head of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Directly,
    WithOtherHash,
    WithGap,
    /// The entry has the head's number.
    Again,
}

/// A time in relation to the document and the clock.
#[derive(Clone, Copy, Debug)]
pub(super) enum TimePlan {
    /// The present, less this many milliseconds.
    Ago(u64),
    AfterLatest,
    TwoAfterLatest,
    AtDrift,
    BeyondDrift,
    AtFloor,
    BelowFloor,
    OfId,
    AfterId,
    End,
}

fn time() -> impl Strategy<Value = TimePlan> {
    prop_oneof![
        6 => (0..4_u64).prop_map(TimePlan::Ago),
        3 => Just(TimePlan::AfterLatest),
        1 => Just(TimePlan::TwoAfterLatest),
        1 => Just(TimePlan::AtDrift),
        1 => Just(TimePlan::BeyondDrift),
        1 => Just(TimePlan::AtFloor),
        1 => Just(TimePlan::BelowFloor),
        1 => Just(TimePlan::OfId),
        3 => Just(TimePlan::AfterId),
        1 => Just(TimePlan::End),
    ]
}

fn entry() -> impl Strategy<Value = EntryPlan> {
    let follows = prop_oneof![
        12 => Just(Follows::Directly),
        1 => Just(Follows::WithOtherHash),
        1 => Just(Follows::WithGap),
        1 => Just(Follows::Again),
    ];
    let cells = vec((any::<u8>(), 0..5_u8), 0..4);
    let parts = (0..4_u8, follows, time(), cells);
    parts.prop_map(|(id, follows, time, cells)| EntryPlan {
        id,
        follows,
        time,
        cells,
    })
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Most steps concern one document.
    let document = || prop_oneof![4 => Just(0_u8), 1 => Just(1_u8)];
    let user = || prop_oneof![4 => Just(0_u8), 1 => Just(1_u8)];
    let bytes = || prop_oneof![Just(0_usize), 1..60_usize, Just(64 * 1024)];
    let offered = vec(((any::<u8>(), 0..5_u8), 0..4_u8, time()), 0..5);
    let adopted = vec((0..5_u8, 0..3_u64, time()), 0..3);
    let step = prop_oneof![
        10 => (document(), user(), vec(entry(), 0..4))
            .prop_map(|(document, user, entries)| Step::Push(document, user, entries)),
        3 => (option::of(user()), offered, time())
            .prop_map(|(user, cells, latest)| Step::Offer(user, cells, latest)),
        1 => (document(), user(), adopted)
            .prop_map(|(document, user, heads)| Step::Adopt(document, user, heads)),
        3 => (document(), any::<u8>(), bytes())
            .prop_map(|(document, after, bytes)| Step::Page(document, after, bytes)),
        2 => (document(), bytes()).prop_map(|(document, bytes)| Step::Pages(document, bytes)),
        2 => (document(), bytes()).prop_map(|(document, bytes)| Step::Ranges(document, bytes)),
        2 => (document(), 0..8_u64, 0..8_u64)
            .prop_map(|(document, age, received)| Step::Forget(document, age, received)),
        3 => (0..5_u64).prop_map(Step::Wait),
        1 => Just(Step::Epoch),
        1 => Just(Step::Reopen),
        1 => prop_oneof![9 => Just(1_u8), 1 => Just(0_u8)].prop_map(Step::Remove),
    ];
    vec(step, 1..60)
}
