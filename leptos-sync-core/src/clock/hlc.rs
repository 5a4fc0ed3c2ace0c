use std::{fmt, sync::Arc};

use super::{Stamp, SystemTime, Time};
use crate::{error::Error, id::ReplicaId, limits};

/// Where a [`Clock`] reads the wall clock.
///
/// It may jump in both directions; the clock copes.
pub trait TimeSource: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

/// One replica's hybrid logical clock.
///
/// Each [`tick`](Clock::tick) is greater than every stamp this clock has given out or observed, whatever the wall
/// clock does. It does not know other replicas' clocks, only the greatest stamp seen from them.
///
/// ```
/// use leptos_sync_core::{Clock, ReplicaId};
///
/// let mut ada = Clock::system(ReplicaId::new(1));
/// let mut bob = Clock::system(ReplicaId::new(2));
/// let written = ada.tick();
/// bob.observe(written.time)?;
/// assert!(bob.tick() > written, "what Bob writes next wins over what he has seen");
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Clock {
    replica: ReplicaId,
    last: Time,
    source: Arc<dyn TimeSource>,
}

impl Clock {
    /// A clock for `replica` that reads `source`.
    pub fn new(replica: ReplicaId, source: impl TimeSource + 'static) -> Self {
        Self {
            replica,
            last: Time::ZERO,
            source: Arc::new(source),
        }
    }

    /// A clock for `replica` on the system's wall clock.
    pub fn system(replica: ReplicaId) -> Self {
        Self::new(replica, SystemTime)
    }

    /// Whose stamps this clock makes.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// The greatest time given out or observed.
    pub fn last(&self) -> Time {
        self.last
    }

    /// The next stamp, greater than all before. O(1), one reading of the wall clock.
    pub fn tick(&mut self) -> Stamp {
        self.last = self.last.next().max(Time::from_ms(self.source.now_ms()));
        Stamp::new(self.last, self.replica)
    }

    /// Takes note of a time that another replica gave out, so that later ticks exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::is_drift`] when it lies more than [`limits::DRIFT_MS`] ahead of the wall clock; the clock is unchanged.
    pub fn observe(&mut self, time: Time) -> Result<(), Error> {
        self.check(time)?;
        self.resume(time);
        Ok(())
    }

    /// Whether [`observe`](Clock::observe) would accept `time`.
    ///
    /// # Errors
    ///
    /// As for [`observe`](Clock::observe).
    pub fn check(&self, time: Time) -> Result<(), Error> {
        if time <= self.last {
            return Ok(());
        }
        let now = self.source.now_ms();
        let ahead = time.ms().saturating_sub(now);
        if ahead > limits::DRIFT_MS {
            return Err(Error::drift(format!(
                "a stamp lies {ahead} ms ahead of this clock, which is more than the {} ms allowed; one of the two \
                 clocks is wrong",
                limits::DRIFT_MS
            )));
        }
        Ok(())
    }

    /// Continues after `time`, which this replica itself had accepted before it was restarted.
    ///
    /// Unlike [`observe`](Clock::observe) it does not ask how far ahead that is: refusing one's own saved data because
    /// the wall clock was set back would lose it.
    pub fn resume(&mut self, time: Time) {
        self.last = self.last.max(time);
    }

    /// Continues after `time`, though later stamps were given out: nobody has them any more.
    pub(crate) fn set_back(&mut self, time: Time) {
        self.last = time;
    }

    /// Milliseconds by which this clock runs ahead of the wall clock: more than [`limits::DRIFT_MS`] means that others
    /// refuse its stamps until the wall clock catches up.
    pub fn ahead_ms(&self) -> u64 {
        self.last.ms().saturating_sub(self.source.now_ms())
    }

    /// The same clock for another writer, which starts after everything this one has seen.
    pub fn with_replica(&self, replica: ReplicaId) -> Self {
        Self {
            replica,
            last: self.last,
            source: Arc::clone(&self.source),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("replica", &self.replica)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualTime;

    fn clock(time: &ManualTime) -> Clock {
        Clock::new(ReplicaId::new(7), time.clone())
    }

    #[test]
    fn ticks_rise_while_the_wall_clock_stands_still_or_goes_back() {
        let time = ManualTime::at(1_000);
        let mut clock = clock(&time);
        let mut last = clock.tick();
        for step in 0..200_000_u64 {
            if step == 100_000 {
                time.set(1);
            }
            let next = clock.tick();
            assert!(next > last);
            last = next;
        }
        assert!(last.time.ms() >= 1_003, "the counter carried");
    }

    #[test]
    fn an_observed_stamp_never_wins_over_the_next_tick() {
        let time = ManualTime::at(1_000);
        let mut clock = clock(&time);
        let seen = Time::from_ms(1_000 + limits::DRIFT_MS);
        clock.observe(seen).unwrap();
        assert!(clock.tick().time > seen);
    }

    #[test]
    fn a_stamp_beyond_the_drift_is_an_error_and_moves_nothing() {
        let time = ManualTime::at(1_000);
        let mut clock = clock(&time);
        let before = clock.last();
        let error = clock
            .observe(Time::from_ms(1_001 + limits::DRIFT_MS))
            .unwrap_err();
        assert!(error.is_drift());
        assert_eq!(clock.last(), before);
    }

    #[test]
    fn a_clock_resumes_after_its_own_saved_future() {
        let time = ManualTime::at(1_000);
        let mut clock = clock(&time);
        clock.resume(Time::from_ms(86_400_000));
        assert!(clock.tick().time > Time::from_ms(86_400_000));
        assert!(clock.ahead_ms() > limits::DRIFT_MS);
    }
}
