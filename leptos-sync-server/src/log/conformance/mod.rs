//! The laws of [`DurableLog`], as a suite that runs on any implementation.
//!
//! Available with the feature `testing`. The suite needs a [`Place`] where a log can be opened,
//! closed and opened again. It needs no clock, and needs a runtime only if the implementation does.
//!
//! ```
//! use std::sync::Arc;
//! use leptos_sync_server::{DurableLog, MemoryLog, conformance::{self, Place}};
//!
//! /// Keeps its documents until it is dropped, so it is never opened again.
//! struct Memory(Arc<MemoryLog>);
//!
//! impl Place for Memory {
//!     fn open(&self) -> Arc<dyn DurableLog> {
//!         self.0.clone()
//!     }
//!
//!     fn reopen(&self) -> Arc<dyn DurableLog> {
//!         self.0.new_epoch().expect("the system is a source of randomness");
//!         self.0.clone()
//!     }
//! }
//!
//! conformance::run(|| Memory(Arc::new(MemoryLog::new().expect("as above"))), 8);
//! ```
#![expect(
    clippy::expect_used,
    reason = "a suite panics when a law does not hold"
)]

mod cells;
mod enders;
mod forget;
mod history;
mod laws;
mod model;
mod plan;
mod reads;
mod writer;

use std::sync::Arc;

use futures::{executor::block_on, future::LocalBoxFuture};
use proptest::test_runner::{Config, TestRunner};

use super::DurableLog;

/// The location of a log.
pub trait Place {
    /// Opens the log. The suite has dropped the previous handle; the log must contain everything
    /// that was acknowledged through it.
    fn open(&self) -> Arc<dyn DurableLog>;

    /// Opens the log again, which starts an epoch. A log that cannot be opened twice starts one
    /// with [`DurableLog::new_epoch`] instead.
    fn reopen(&self) -> Arc<dyn DurableLog> {
        self.open()
    }

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
            place.wait(Box::pin(async {
                let log = place.open();
                $law(&*log).await;
            }));
        })*};
    }
    each![
        laws::an_unwritten_document_has_the_default_history,
        laws::names_that_are_too_long_are_rejected,
        laws::documents_are_listed_in_pages_without_removed_ones,
        laws::entries_before_a_refused_one_are_stored,
        laws::an_id_belongs_to_the_user_who_wrote_first,
        laws::an_id_head_names_the_entries_that_were_rejected,
        forget::an_entry_below_the_floor_needs_a_cell_at_each_path,
        forget::every_tombstone_is_forgotten_even_beyond_one_step,
        forget::a_tombstone_that_was_received_late_is_kept,
        enders::a_removed_record_has_only_its_ender,
        enders::an_entry_below_the_floor_and_an_ender_is_taken_and_dropped,
        laws::a_removed_document_stays_removed,
        laws::concurrent_pushes_take_consecutive_numbers,
        laws::the_pages_of_a_large_document_have_all_its_cells,
        laws::an_epoch_begins_with_its_first_number,
    ];
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    });
    let held = runner.run(&plan::steps(), |steps| {
        let place = fresh();
        place.wait(Box::pin(history::follow(&place, steps)));
        Ok(())
    });
    if let Err(broken) = held {
        panic!("a random history breaks a law: {broken}");
    }
}
