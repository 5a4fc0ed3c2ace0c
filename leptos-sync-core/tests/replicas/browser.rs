//! Browsers whose tabs share a database and send each other messages, which may be late or lost.

use leptos_sync_core::sync::{TabMessage, TabMessageKind};

use super::world::World;

/// The number of times that tabs handle messages until none may be left.
const ROUNDS: usize = 12;

impl World {
    /// Performs the part of a step that only tabs with siblings have. Returns whether the rest of
    /// the step follows.
    pub(super) fn step_siblings(&mut self, at: usize, kind: usize) -> bool {
        if self.oracle.rng.chance(60) {
            self.hear(at);
        }
        if self.oracle.rng.chance(20) {
            self.tabs[at].adopt_entries();
        }
        let is_asleep = self.tabs[at].is_asleep();
        match kind {
            690..710 if is_asleep => {
                let has_lost = self.oracle.rng.chance(50);
                self.tabs[at].wake(has_lost);
                self.log(at, &format!("wakes up, lost: {has_lost}"));
                self.deliver(at);
            }
            690..705 => {
                if let Some(siblings) = &mut self.tabs[at].siblings {
                    siblings.is_asleep = true;
                    self.log(at, "falls asleep");
                }
            }
            705..710 => {
                self.tabs[at].disk.clear();
                self.log(at, "loses its storage");
            }
            710..720 if self.has_siblings(at) => {
                self.log(at, "is closed");
                self.tabs.remove(at);
            }
            // Only others can do something to a tab that sleeps.
            0..690 | 720..740 | 945..955 | 970..980 if is_asleep => {}
            _ => return true,
        }
        false
    }

    fn has_siblings(&self, at: usize) -> bool {
        let profile = self.tabs[at].profile;
        self.tabs
            .iter()
            .filter(|tab| tab.profile == profile)
            .count()
            > 1
    }

    /// Lets a tab handle the messages of the others.
    pub(super) fn hear(&mut self, at: usize) {
        if !self.tabs[at].is_asleep() {
            self.tabs[at].hear(&mut self.oracle);
            self.deliver(at);
        }
    }

    /// Sends the messages of a tab to the other tabs of its browser. A page drops edits and
    /// requests if it has too many to handle.
    pub(super) fn deliver(&mut self, at: usize) {
        let profile = self.tabs[at].profile;
        let siblings = self.tabs[at].siblings.as_mut();
        for message in siblings.map_or_else(Vec::new, |all| std::mem::take(&mut all.outgoing)) {
            let kind = TabMessage::decode(&message).unwrap().kind;
            let may_drop = matches!(
                kind,
                TabMessageKind::Edit(_) | TabMessageKind::OutboxRequest { .. }
            );
            for (other, tab) in self.tabs.iter_mut().enumerate() {
                let is_lost = may_drop && self.oracle.faulty && self.oracle.rng.chance(8);
                if other != at
                    && tab.profile == profile
                    && !is_lost
                    && let Some(siblings) = &mut tab.siblings
                {
                    siblings.inbox.push(message.clone());
                }
            }
        }
    }

    /// Wakes all tabs, and opens another one of each browser, which shows what is stored.
    pub(super) fn wake_all(&mut self) {
        for at in 0..self.tabs.len() {
            if self.tabs[at].is_asleep() {
                self.tabs[at].wake(false);
                self.deliver(at);
            }
        }
    }

    /// Exchanges everything between the tabs of a browser.
    pub(super) fn meet(&mut self, at: usize) {
        self.tabs[at].ask_siblings();
        self.deliver(at);
        for _ in 0..ROUNDS {
            for other in 0..self.tabs.len() {
                self.hear(other);
            }
        }
        let mut siblings = self.tabs.iter().filter_map(|tab| tab.siblings.as_ref());
        let is_quiet = siblings.all(|siblings| siblings.inbox.is_empty());
        assert!(is_quiet, "NEVER QUIET: tabs answer each other");
        self.tabs[at].adopt_entries();
    }
}
