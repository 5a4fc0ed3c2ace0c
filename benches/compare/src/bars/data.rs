//! All targets, in the order of the table.

use super::{
    demand::Demand::{self, AtMost, LessThanAll, Times, Within},
    evidence::{Amount, Evidence},
};
use crate::{
    peers::Who::{Automerge, Crdts, Loro, Other, Plain, Yrs},
    works,
};

/// A row of the table.
pub(crate) struct Bar {
    pub(crate) evidence: Evidence,
    pub(crate) size: usize,
    /// The demands, all of which must be met. Rows without demands are informational.
    pub(crate) demands: &'static [Demand],
}

const fn time(work: works::Work, size: usize, demands: &'static [Demand]) -> Bar {
    Bar {
        evidence: Evidence::Time(work),
        size,
        demands,
    }
}

const fn amount(amount: Amount, size: usize, demands: &'static [Demand]) -> Bar {
    Bar {
        evidence: Evidence::Amount(amount),
        size,
        demands,
    }
}

const fn growth(work: works::Work, small: usize, size: usize, most: &'static [Demand]) -> Bar {
    Bar {
        evidence: Evidence::Growth { work, small },
        size,
        demands: most,
    }
}

/// Returns a row that compares ours at 1,000,000 entries with ours at 10,000, per entry.
const fn scaling(work: works::Work) -> Bar {
    growth(work, 10_000, 1_000_000, &[AtMost(4.0)])
}

pub(crate) const BARS: &[Bar] = &[
    time(works::CREATE, 1_000, &[Within(1.1, Plain)]),
    time(works::CREATE_AS_BENCHMARKED, 1_000, &[Times(12.0, Other)]),
    time(
        works::MERGE_REGISTERS,
        1_000,
        &[Times(3.0, Other), Times(3.0, Crdts)],
    ),
    time(works::COUNT, 1_000, &[Times(7.0, Other), Times(1.4, Crdts)]),
    time(
        works::MERGE_COUNTERS,
        1_000,
        &[Times(10.0, Other), Times(10.0, Crdts)],
    ),
    time(
        works::INSERT_BATCH,
        10_000,
        &[Times(5.0, Other), Times(8.0, Yrs)],
    ),
    time(
        works::INSERT_BATCH,
        1_000_000,
        &[Times(4.0, Other), Times(8.0, Yrs)],
    ),
    time(works::INSERT_IN_DOC, 10_000, &[]),
    time(works::GET, 10_000, &[Times(6.0, Other), Times(8.0, Yrs)]),
    time(works::GET, 1_000_000, &[Times(2.2, Other)]),
    time(works::MERGE, 100_000, &[Times(3.0, Other)]),
    time(works::MERGE_REPLICA, 100_000, &[Times(3.0, Other)]),
    time(
        works::MERGE_DOCS,
        100_000,
        &[Times(8.0, Yrs), Times(8.0, Loro), Times(8.0, Automerge)],
    ),
    time(works::MERGE_BYTES, 100_000, &[]),
    time(works::MAKE_DELTA, 1_000_000, &[Times(6.0, Loro)]),
    growth(works::MAKE_DELTA, 1_000, 1_000_000, &[AtMost(2.0)]),
    time(works::APPLY_DELTA, 1_000_000, &[Times(8.0, Loro)]),
    amount(Amount::DELTA, 1_000_000, &[Times(1.0, Loro)]),
    time(works::ENCODE, 100_000, &[Times(2.0, Yrs)]),
    time(
        works::DECODE,
        100_000,
        &[Times(5.0, Other), Times(5.0, Automerge)],
    ),
    amount(Amount::BYTES, 100_000, &[LessThanAll, AtMost(22.0)]),
    amount(Amount::BYTES_DEFLATED, 100_000, &[AtMost(5.0)]),
    amount(Amount::HEAP, 100_000, &[AtMost(100.0), Times(1.25, Other)]),
    amount(Amount::HEAP_OF_CELLS, 100_000, &[AtMost(63.0)]),
    time(works::APPLY_UPDATES, 100_000, &[Times(10.0, Yrs)]),
    scaling(works::CREATE),
    scaling(works::MERGE_REGISTERS),
    scaling(works::COUNT),
    scaling(works::MERGE_COUNTERS),
    scaling(works::INSERT_BATCH),
    scaling(works::GET),
    scaling(works::MERGE),
    scaling(works::MERGE_REPLICA),
    scaling(works::MERGE_DOCS),
    scaling(works::MAKE_DELTA),
    scaling(works::APPLY_DELTA),
    scaling(works::ENCODE),
    scaling(works::DECODE),
    scaling(works::APPLY_UPDATES),
];
