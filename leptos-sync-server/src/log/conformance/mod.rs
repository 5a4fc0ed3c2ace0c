//! The laws of [`DurableLog`], as a suite that runs on any implementation.
//!
//! Available with the feature `testing`. The suite needs a [`Place`] where a log can be opened,
//! closed and opened again. It needs no clock, and needs a runtime only if the implementation does.
//!
//! ```
//! use std::sync::Arc;
//! use leptos_sync_server::{DurableLog, MemoryLog, conformance::{self, Place}};
//!
//! /// Keeps its documents until it is dropped.
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
    reason = "a suite panics when a law does not hold"
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

/// The location of a log.
pub trait Place {
    /// Opens the log. The suite has dropped the previous handle; the log must contain everything
    /// that was acknowledged through it.
    fn open(&self) -> Arc<dyn DurableLog>;

    /// Runs a future to completion. The default needs no runtime.
    fn wait(&self, work: LocalBoxFuture<'_, ()>) {
        block_on(work);
    }
}

/// Runs every law, each on its own log. `fresh` returns the place of a new, empty log.
///
/// The law of random histories runs `cases` times. proptest prints the smallest history that fails,
/// and `PROPTEST_RNG_SEED` sets the seed.
///
/// # Panics
///
/// If a law does not hold; the message names it.
pub fn run<P: Place>(fresh: impl Fn() -> P, cases: u32) {
    /// Runs each law on its own log. It is a macro because each future borrows its log, so they do
    /// not fit into a list.
    macro_rules! each {
        ($($law:path),* $(,)?) => {$({
            let place = fresh();
            let log = place.open();
            place.wait(Box::pin($law(&*log)));
        })*};
    }
    each![
        laws::an_unwritten_document_has_the_default_state,
        laws::appended_deltas_are_contained,
        laws::a_gap_rejects_the_whole_append,
        laws::claimed_operations_are_contained_without_cells,
        laws::documents_are_independent,
        laws::a_removed_document_behaves_as_if_never_written,
        laws::documents_are_listed_in_order_and_in_pages,
        laws::a_replica_id_belongs_to_one_user,
        laws::an_append_binds_its_replica_ids_or_does_nothing,
        laws::names_are_bounded,
        laws::replicas_are_bounded,
        joins::equal_stamps_are_joined_by_bytes,
        joins::cells_beyond_a_deltas_version_are_kept,
        joins::reassembled_parts_equal_the_whole,
        joins::concurrent_appends_are_all_joined,
        joins::a_large_delta_is_joined_whole_beside_others,
        forget::a_forgotten_tombstone_does_not_resurrect_its_value,
        forget::every_tombstone_is_forgotten_even_beyond_one_step,
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
