use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    authorizer::User,
    queue::Queue,
    rates::{Limiters, Rates},
};
use crate::limits;

/// Those who are connected, by name, and those who have been a moment ago: whoever hangs up and comes back has not rested.
#[derive(Default)]
pub(super) struct Users(Mutex<HashMap<String, Connected>>);

struct Connected {
    queues: Vec<Queue>,
    limiters: Arc<Limiters>,
    /// When a connection ended last.
    left: Instant,
}

impl Users {
    /// Counts a connection as the user's, if there is room for another. Returns what all of them count against.
    pub(super) fn enter(&self, user: &User, queue: &Queue, rates: Rates) -> Option<Arc<Limiters>> {
        let (name, is_shared) = (user.name(), user.is_shared());
        let mut users = self.0.lock();
        if users.len() == users.capacity() {
            let rest = rates.rest();
            users.retain(|_, user| !user.queues.is_empty() || user.left.elapsed() < rest);
        }
        let user = users.entry(name.to_owned()).or_insert_with(|| Connected {
            queues: Vec::new(),
            limiters: Arc::new(Limiters::new(rates)),
            left: Instant::now(),
        });
        if !is_shared && user.queues.len() >= limits::USER_SOCKETS {
            return None;
        }
        user.queues.push(queue.clone());
        Some(Arc::clone(&user.limiters))
    }

    /// A connection of the user has ended.
    pub(super) fn leave(&self, name: &str, queue: &Queue) {
        if let Some(user) = self.0.lock().get_mut(name) {
            user.queues.retain(|other| !other.is(queue));
            user.left = Instant::now();
        }
    }

    /// The connections of a user, or of all.
    pub(super) fn each(&self, name: Option<&str>, mut tell: impl FnMut(&Queue)) {
        let users = self.0.lock();
        let named = |other: &str| name.is_none_or(|name| name == other);
        for (_, user) in users.iter().filter(|(other, _)| named(other)) {
            user.queues.iter().for_each(&mut tell);
        }
    }
}
