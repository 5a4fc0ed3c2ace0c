//! Deltas without cells, which remain of transactions that the relay rejected.

use super::*;
use crate::{clock::Stamp, codec::CellRef, path::Path};

/// Returns the delta of replica 1 between two times, with one cell or none.
fn delta(after: u64, upto: u64, has_cell: bool) -> Delta {
    let (after, upto) = (version(&[(1, after)]), version(&[(1, upto)]));
    let stamp = Stamp::new(upto.latest(), ReplicaId::new(1));
    let write = |out: &mut crate::codec::CellWriter| {
        if has_cell {
            out.group(Path::ROOT);
            out.copy(CellRef {
                key: &[0],
                stamp,
                value: Some(&[1]),
            });
        }
    };
    Delta::collect(after, upto, write).unwrap()
}

impl Talk {
    /// Returns a client that has opened a document at a relay that lacks everything.
    fn open() -> Self {
        let mut talk = Self::begin();
        talk.welcome();
        talk.opened(VersionVector::new());
        talk.said();
        talk
    }

    /// Returns the deltas that the client sends after an edit.
    fn pushes(&mut self, unsent: Vec<Delta>) -> Vec<Delta> {
        self.document.0.borrow_mut().unsent = unsent;
        self.client.edited(Channel(0));
        let mut pushed = Vec::new();
        for request in self.said() {
            if let Request::Push { deltas, .. } = request {
                pushed.extend(deltas);
            }
        }
        pushed
    }
}

/// A user who may only read would see a new rejection of nothing after every reconnect.
#[test]
fn a_rolled_back_edit_is_not_sent_again_without_its_content() {
    let mut talk = Talk::open();
    assert_eq!(talk.pushes(vec![delta(0, 5, false)]), []);
    let calls = talk.document.0.borrow();
    assert_eq!(calls.sent, version(&[(1, 5)]), "it is offered only once");
    assert_eq!(calls.acknowledged, version(&[(1, 5)]));
}

/// Otherwise the relay would reject it for a gap.
#[test]
fn an_edit_after_a_rolled_back_one_follows_what_the_relay_has() {
    for pauses in [false, true] {
        let mut talk = Talk::open();
        let (empty, edit) = (delta(0, 5, false), delta(5, 9, true));
        let pushed = match pauses {
            false => talk.pushes(vec![empty, edit.clone()]),
            true => {
                talk.pushes(vec![empty]);
                talk.pushes(vec![edit.clone()])
            }
        };
        let [pushed] = pushed.as_slice() else {
            panic!("{} deltas", pushed.len());
        };
        assert_eq!(pushed.after(), &version(&[]));
        assert_eq!(pushed.upto(), edit.upto());
        let next = delta(9, 10, true);
        assert_eq!(talk.pushes(vec![next.clone()]), [next]);
    }
}
