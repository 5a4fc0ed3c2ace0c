//! Waiting for a condition, never for a time.

use std::fmt::Debug;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a condition may take. Far more than any does, for a busy machine with two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two questions.
const POLL: Duration = Duration::from_millis(10);

/// Asks until the answer is `Some`.
///
/// # Panics
///
/// When [`PATIENCE`] ends, with `what` was waited for.
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

/// Asks until the answer is `expected`.
///
/// # Panics
///
/// When [`PATIENCE`] ends, with the last answer.
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
