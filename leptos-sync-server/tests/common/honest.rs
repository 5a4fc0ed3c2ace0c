use std::{cell::Cell, collections::BTreeMap, net::SocketAddr};

use futures::join;
use leptos_sync_core::history::IdHead;

use super::{Handle, Session};

/// Two users who edit one document and must not notice other clients.
pub(crate) struct Honest {
    ada: Session,
    bob: Session,
    /// The expected content of the document.
    cards: BTreeMap<u32, String>,
}

impl Honest {
    /// The first key of their cards. Lower keys are free for other clients.
    pub(crate) const KEYS: u32 = 10_000;

    /// Opens the board for both users, who each make an edit.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let (ada, bob) = (Handle::new(), Handle::new());
        let mut honest = Self {
            ada: Session::open(address, "ada", "board", &ada).await,
            bob: Session::open(address, "bob", "board", &bob).await,
            cards: BTreeMap::new(),
        };
        honest.exchange().await;
        honest
    }

    /// Returns the first user's replica id, and the last entry of it.
    pub(crate) fn last_entry(&self) -> (u64, IdHead) {
        let state = self.ada.handle.state();
        let own = state.replica.own_id().unwrap();
        let heads = state.replica.heads();
        let head = heads.iter().find(|(id, _)| *id == own);
        (own.get(), head.unwrap().1)
    }

    /// Expects a card that another client wrote legitimately.
    pub(crate) fn expect(&mut self, key: u32, text: &str) {
        self.cards.insert(key, text.to_owned());
    }

    /// Lets both users edit while `other` runs, and once more afterwards, on the same connections.
    /// Checks that the document holds exactly the expected cards.
    pub(crate) async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let done = Cell::new(false);
        let other = async {
            let found = other.await;
            done.set(true);
            found
        };
        let goes_on = async {
            while !done.get() {
                self.exchange().await;
            }
        };
        let (found, ()) = join!(other, goes_on);
        self.check().await;
        found
    }

    /// Checks that both users see each other's edits and all expected cards.
    pub(crate) async fn check(&mut self) {
        self.exchange().await;
        for session in [&mut self.ada, &mut self.bob] {
            let cards = &self.cards;
            let all = |handle: &Handle| handle.cards() == *cards;
            session.until("exactly the expected cards", all).await;
            let state = session.handle.0.lock().unwrap();
            assert!(state.refused.is_empty() && state.closed.is_none());
            assert!(session.client.is_welcome(), "the connection stays open");
        }
    }

    async fn exchange(&mut self) {
        let at = Self::KEYS + self.cards.len() as u32;
        Self::tell(&mut self.ada, &mut self.bob, at).await;
        Self::tell(&mut self.bob, &mut self.ada, at + 1).await;
        self.expect(at, "seen");
        self.expect(at + 1, "seen");
    }

    async fn tell(from: &mut Session, to: &mut Session, key: u32) {
        from.insert(key, "seen");
        from.acknowledged().await;
        to.until("the other user's edit", |to| to.card(key).is_some())
            .await;
    }
}
