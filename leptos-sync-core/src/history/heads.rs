use super::IdHead;
use crate::id::ReplicaId;

/// The heads of writers, each writer once.
///
/// A sorted list, so a look-up is O(log n). It is small: a tree would add kilobytes to every page.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdHeads(Vec<(ReplicaId, IdHead)>);

impl IdHeads {
    /// Returns the head of a writer. Its number is 0 if the writer is unknown.
    pub(crate) fn get(&self, replica: ReplicaId) -> IdHead {
        let head = self.find(replica).ok().and_then(|at| self.0.get(at));
        head.map_or_else(IdHead::default, |(_, head)| *head)
    }

    /// Sets the head of a writer, even to an earlier one.
    pub(crate) fn put(&mut self, replica: ReplicaId, head: IdHead) {
        let at = match self.find(replica) {
            Ok(at) => {
                self.0.remove(at);
                at
            }
            Err(at) => at,
        };
        self.0.insert(at, (replica, head));
    }

    /// Sets the heads of writers.
    pub(crate) fn put_all(&mut self, heads: &[(ReplicaId, IdHead)]) {
        for (replica, head) in heads {
            self.put(*replica, *head);
        }
    }

    /// Sets the head of a writer unless a later one is known.
    pub(crate) fn raise(&mut self, replica: ReplicaId, head: IdHead) {
        let known = self.get(replica);
        if head.number > known.number {
            let time = head.time.max(known.time);
            let emptied = head.emptied | known.emptied_before(head.number);
            self.put(
                replica,
                IdHead {
                    time,
                    emptied,
                    ..head
                },
            );
        }
    }

    /// Sets the head of a writer unless one is known.
    pub(crate) fn put_new(&mut self, replica: ReplicaId, head: IdHead) {
        if self.find(replica).is_err() {
            self.put(replica, head);
        }
    }

    /// Returns the writers with their heads, in the order of their ids.
    pub(crate) fn list(&self) -> &[(ReplicaId, IdHead)] {
        &self.0
    }

    fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&replica, |(known, _)| *known)
    }
}
