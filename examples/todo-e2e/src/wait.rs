//! Waiting for conditions instead of fixed times.

use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time that a condition may take. It is far more than any condition needs, to allow for a busy
/// machine with two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two checks.
const POLL: Duration = Duration::from_millis(10);

/// Repeats `ask` until it returns `Some`.
///
/// # Panics
///
/// If [`PATIENCE`] runs out. The message contains `what`, the expectation.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for {what}"
        );
        sleep(POLL);
    }
}

/// Repeats `ask` until it returns `expected`.
///
/// # Panics
///
/// If [`PATIENCE`] runs out. The message shows the last answer.
#[track_caller]
pub(crate) fn eventually<T, E>(what: &str, expected: &E, mut ask: impl FnMut() -> T)
where
    T: PartialEq<E> + Debug,
    E: Debug,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer == *expected {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: expected {expected:?}, after {PATIENCE:?} still {answer:?}"
        );
        sleep(POLL);
    }
}

/// Repeats `ask` for some time until it returns true. Returns whether it did.
pub(crate) fn within(time: Duration, mut ask: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + time;
    while !ask() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(POLL);
    }
    true
}
