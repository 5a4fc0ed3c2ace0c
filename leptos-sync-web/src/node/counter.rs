use leptos::prelude::*;
use leptos_sync_core::{GCounter, PnCounter};

use super::{Node, OwnedGuard, Tracked};

impl Node<GCounter> {
    /// Adds `by`.
    pub fn increment(&self, by: u64) {
        self.edit(|tx| tx.increment(by));
    }
}

impl Node<PnCounter> {
    /// Adds `by`.
    pub fn increment(&self, by: u64) {
        self.edit(|tx| tx.increment(by));
    }

    /// Subtracts `by`.
    pub fn decrement(&self, by: u64) {
        self.edit(|tx| tx.decrement(by));
    }
}

impl Tracked for GCounter {}

impl Tracked for PnCounter {}

impl ReadUntracked for Node<GCounter> {
    type Value = OwnedGuard<u64>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<u64>> {
        Some(OwnedGuard(self.access()?.read().value()))
    }
}

impl ReadUntracked for Node<PnCounter> {
    type Value = OwnedGuard<i64>;

    fn try_read_untracked(&self) -> Option<OwnedGuard<i64>> {
        Some(OwnedGuard(self.access()?.read().value()))
    }
}
