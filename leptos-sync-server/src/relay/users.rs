use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::Instant};

use super::{
    authorizer::User,
    queue::Queue,
    rates::{Limiters, Rates},
    readings::Readings,
};
use crate::limits;

/// The users that are connected or were recently, by name. So a user who reconnects immediately
/// continues with the same limiters.
#[derive(Default)]
pub(super) struct Users(Mutex<HashMap<String, Connected>>);

struct Connected {
    queues: Vec<Queue>,
    shares: Shares,
    /// The time when the last connection ended.
    left: Instant,
}

/// The state that all connections of a user share.
#[derive(Clone)]
pub(super) struct Shares {
    pub(super) limiters: Arc<Limiters>,
    pub(super) readings: Arc<Semaphore>,
}

impl Shares {
    fn new(rates: Rates) -> Self {
        Self {
            limiters: Arc::new(Limiters::new(rates)),
            readings: Readings::of_user(),
        }
    }
}

impl Users {
    /// Adds a connection of the user, unless there are too many. Returns the state that all
    /// connections of the user share.
    pub(super) fn enter(&self, user: &User, queue: &Queue, rates: Rates) -> Option<Shares> {
        let (name, is_shared) = (user.name(), user.is_shared());
        let mut users = self.0.lock();
        if users.len() == users.capacity() {
            let rest = rates.rest();
            users.retain(|_, user| !user.queues.is_empty() || user.left.elapsed() < rest);
        }
        let user = users.entry(name.to_owned()).or_insert_with(|| Connected {
            queues: Vec::new(),
            shares: Shares::new(rates),
            left: Instant::now(),
        });
        if !is_shared && user.queues.len() >= limits::USER_SOCKETS {
            return None;
        }
        user.queues.push(queue.clone());
        Some(user.shares.clone())
    }

    /// Removes a connection of the user.
    pub(super) fn leave(&self, name: &str, queue: &Queue) {
        if let Some(user) = self.0.lock().get_mut(name) {
            user.queues.retain(|other| !other.is(queue));
            user.left = Instant::now();
        }
    }

    /// Calls a function with the queue of each connection of one user, or of all users.
    pub(super) fn each(&self, name: Option<&str>, mut call: impl FnMut(&Queue)) {
        let users = self.0.lock();
        let named = |other: &str| name.is_none_or(|name| name == other);
        for (_, user) in users.iter().filter(|(other, _)| named(other)) {
            user.queues.iter().for_each(&mut call);
        }
    }
}
