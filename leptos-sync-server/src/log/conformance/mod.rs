//! The laws of [`DurableLog`] as a suite that runs on any implementation.
//!
//! Available with the feature `testing`. It asks for a place where a log can be opened, closed and opened again; it needs no
//! clock, and a runtime only where the implementation does.
//!
//! ```
//! use std::sync::Arc;
//! use leptos_sync_server::{DurableLog, MemoryLog, conformance::{self, Place}};
//!
//! /// It stays while the place does.
//! struct Memory(Arc<MemoryLog>);
//!
//! impl Place for Memory {
//!     fn open(&self) -> Arc<dyn DurableLog> {
//!         self.0.clone()
//!     }
//! }
//!
//! conformance::run(|| Memory(Arc::new(MemoryLog::new())), 8);
//! ```
#![expect(
    clippy::expect_used,
    reason = "a suite panics where something does not hold"
)]

mod ask;
mod board;
mod forget;
mod history;
mod joins;
mod laws;

use std::sync::Arc;

use futures::{executor::block_on, future::LocalBoxFuture};
use proptest::test_runner::{Config, TestRunner};

use super::DurableLog;

/// Where a log is kept.
pub trait Place {
    /// Opens the log. What was opened before was dropped, and what was acknowledged then is there.
    fn open(&self) -> Arc<dyn DurableLog>;

    /// Runs a future to its end: here without a runtime.
    fn wait(&self, work: LocalBoxFuture<'_, ()>) {
        block_on(work);
    }
}

/// Runs every law, each on a log of its own that `fresh` makes the place of: empty, and not shared with the others. The law
/// of random histories is tried `cases` times; proptest prints the least history that fails, and `PROPTEST_RNG_SEED` sets
/// where they begin.
///
/// # Panics
///
/// When a law does not hold; the message says which.
pub fn run<P: Place>(fresh: impl Fn() -> P, cases: u32) {
    /// Runs each, as one expression cannot: each future borrows a log of its own.
    macro_rules! each {
        ($($law:path),* $(,)?) => {$({
            let place = fresh();
            let log = place.open();
            place.wait(Box::pin($law(&*log)));
        })*};
    }
    each![
        laws::a_document_that_was_never_written_has_the_default,
        laws::what_was_appended_is_contained,
        laws::a_gap_is_refused_and_nothing_of_the_call_is_taken,
        laws::what_was_claimed_is_contained_without_cells,
        laws::documents_do_not_mix,
        laws::a_removed_document_is_as_if_never_written,
        laws::documents_are_listed_in_order_a_page_at_a_time,
        laws::a_replica_is_bound_to_one_user,
        laws::names_are_bounded,
        laws::replicas_are_bounded,
        joins::equal_stamps_are_joined_by_bytes,
        joins::cells_beyond_what_a_delta_claims_are_kept,
        joins::parts_put_together_are_the_whole,
        joins::appends_at_once_are_joined_like_any,
        forget::a_forgotten_tombstone_does_not_let_its_value_return,
        forget::more_tombstones_than_a_step_takes_are_forgotten,
    ];
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    });
    let held = runner.run(&history::steps(), |steps| {
        let place = fresh();
        place.wait(Box::pin(history::follow(&place, steps)));
        Ok(())
    });
    if let Err(broken) = held {
        panic!("a random history breaks a law: {broken}");
    }
}
