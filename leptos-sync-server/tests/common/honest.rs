use std::{cell::Cell, collections::BTreeMap, net::SocketAddr};

use futures::join;

use super::{Handle, Session};

/// Two people who edit one document, and must not notice who else is there.
pub(crate) struct Honest {
    ada: Session,
    bob: Session,
    /// What the document has to hold.
    cards: BTreeMap<u32, String>,
}

impl Honest {
    /// The replica id of the first of them.
    pub(crate) const ADA: u64 = 1;

    /// The first of the keys of their cards; those below are free for others.
    pub(crate) const KEYS: u32 = 10_000;

    /// Both have the board open, and have edited it.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let (ada, bob) = (Handle::new(Self::ADA), Handle::new(2));
        let mut honest = Self {
            ada: Session::open(address, "ada", "board", &ada).await,
            bob: Session::open(address, "bob", "board", &bob).await,
            cards: BTreeMap::new(),
        };
        honest.exchange().await;
        honest
    }

    /// Somebody else has written a card, as they may.
    pub(crate) fn expect(&mut self, key: u32, text: &str) {
        self.cards.insert(key, text.to_owned());
    }

    /// Both go on editing while somebody does not behave, and afterwards, on the connections that they have; the document has
    /// what they wrote, and nothing else.
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

    /// Both see an edit of the other, and all that has to be there.
    pub(crate) async fn check(&mut self) {
        self.exchange().await;
        for session in [&mut self.ada, &mut self.bob] {
            let cards = &self.cards;
            let all = |handle: &Handle| {
                let state = handle.0.lock().unwrap();
                let there = state.doc.state().cards.iter();
                let there = there.map(|(key, text)| (*key, text.clone()));
                there.collect::<BTreeMap<_, _>>() == *cards
            };
            session
                .until("all that was written, and nothing else", all)
                .await;
            let state = session.handle.0.lock().unwrap();
            assert!(state.refused.is_empty() && state.closed.is_none());
            assert!(session.client.is_welcome(), "the connection stays");
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
        to.until("seen", |to| to.card(key).is_some()).await;
    }
}
