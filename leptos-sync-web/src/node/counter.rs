use leptos::prelude::*;
use leptos_sync_core::{GCounter, PnCounter};

use super::{Node, OwnGuard};

impl Node<GCounter> {
    /// Counts `by` more.
    pub fn increment(&self, by: u64) {
        self.edit(|tx| tx.increment(by));
    }
}

impl Node<PnCounter> {
    /// Counts `by` up.
    pub fn increment(&self, by: u64) {
        self.edit(|tx| tx.increment(by));
    }

    /// Counts `by` down.
    pub fn decrement(&self, by: u64) {
        self.edit(|tx| tx.decrement(by));
    }
}

impl Track for Node<GCounter> {
    fn track(&self) {
        self.track_whole();
    }
}

impl Track for Node<PnCounter> {
    fn track(&self) {
        self.track_whole();
    }
}

impl ReadUntracked for Node<GCounter> {
    type Value = OwnGuard<u64>;

    fn try_read_untracked(&self) -> Option<OwnGuard<u64>> {
        Some(OwnGuard(self.source()?.read().value()))
    }
}

impl ReadUntracked for Node<PnCounter> {
    type Value = OwnGuard<i64>;

    fn try_read_untracked(&self) -> Option<OwnGuard<i64>> {
        Some(OwnGuard(self.source()?.read().value()))
    }
}
