//! The users who share the outbox of a browser.

use super::Replica;
use crate::crdt::Root;

/// The users of a replica.
///
/// A relay binds each id to the user who sends its first entry. Until then, only the replica knows
/// whose entries they are.
impl<S: Root> Replica<S> {
    /// Sets the user who makes the next transactions; see
    /// [`user_checksum`](crate::history::user_checksum). A change makes the next transaction draw a
    /// new id.
    pub fn set_user(&mut self, user: u64) {
        if self.exchange.user != user {
            self.exchange.user = user;
            self.renew_id();
        }
    }

    /// Returns the user who makes the next transactions; see
    /// [`Entry::user`](crate::history::Entry::user).
    pub fn user(&self) -> u64 {
        self.exchange.user
    }

    /// Gives the entries of guests to the user, who is the same person. Returns whether there are
    /// any. O(outbox).
    pub fn take_guest_entries(&mut self) -> bool {
        let (user, mut is_any) = (self.exchange.user, false);
        for one in &mut self.exchange.entries {
            if user != 0 && one.entry.user == 0 && one.entry.stored.is_none() {
                one.entry.user = user;
                one.revision += 1;
                is_any = true;
            }
        }
        is_any
    }
}
