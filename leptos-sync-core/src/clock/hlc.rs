use std::{fmt, sync::Arc};

use super::{Stamp, SystemTime, Time};
use crate::{error::Error, id::ReplicaId, limits};

/// Where a [`Clock`] reads the wall clock.
///
/// It may jump in both directions, and may be wrong; the clock copes. Its unit must be milliseconds: transactions fail
/// with [`Error::is_clock`] as long as it returns seconds, microseconds or nanoseconds.
pub trait TimeSource: Send + Sync {
    /// Returns the milliseconds since the Unix epoch.
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
/// let written = ada.tick()?;
/// bob.observe(written.time)?;
/// assert!(bob.tick()? > written, "what Bob writes next wins over what he has seen");
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

    /// Returns the next stamp, which is greater than all before. O(1), one reading of the wall clock.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] when the time source does not return milliseconds, or when this clock has observed the last
    /// time there is, so that no stamp is left; the clock is unchanged.
    pub fn tick(&mut self) -> Result<Stamp, Error> {
        let next = self.last.next();
        if next == self.last {
            return Err(Error::clock(
                "no time is left after the stamps that this clock has seen; copy the document's values into a new one",
            ));
        }
        self.last = next.max(Time::try_from_ms(self.source.now_ms())?);
        Ok(Stamp::new(self.last, self.replica))
    }

    /// Returns a stamp that no operation carries, to name something by. It needs no right time, so it cannot fail.
    pub(crate) fn name(&mut self) -> Stamp {
        let now = Time::try_from_ms(self.source.now_ms()).unwrap_or_default();
        self.last = self.last.next().max(now);
        Stamp::new(self.last, self.replica)
    }

    /// Takes note of a time that another replica gave out, so that later ticks exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::is_drift`] when it lies more than [`limits::DRIFT_MS`] ahead of the wall clock, [`Error::is_clock`] when
    /// it does because the time source returns no milliseconds; the clock is unchanged.
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
            Time::try_from_ms(now)?;
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
        let mut last = clock.tick().unwrap();
        for step in 0..200_000_u64 {
            if step == 100_000 {
                time.set(1);
            }
            let next = clock.tick().unwrap();
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
        assert!(clock.tick().unwrap().time > seen);
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
        assert!(clock.tick().unwrap().time > Time::from_ms(86_400_000));
        assert!(clock.ahead_ms() > limits::DRIFT_MS);
    }

    #[test]
    fn a_source_of_another_unit_is_an_error_that_names_the_unit() {
        let ms = 1_700_000_000_000;
        for (wrong, unit) in [
            (ms / 1000, "seconds"),
            (ms * 1000, "microseconds"),
            (ms * 1_000_000, "nanoseconds"),
            (u64::MAX, "nanoseconds"),
        ] {
            let time = ManualTime::at(wrong);
            let mut clock = clock(&time);
            let error = clock.tick().unwrap_err();
            assert!(error.is_clock(), "{error}");
            assert!(
                error.to_string().contains(&format!("looks like {unit};")),
                "{error}"
            );
            assert_eq!(clock.last(), Time::ZERO);
            let name = clock.name();
            assert!(clock.name() > name, "names differ all the same");
            time.set(ms);
            assert_eq!(clock.tick().unwrap().time.ms(), ms);
        }
    }

    #[test]
    fn a_clock_that_was_never_set_ticks() {
        for ms in [0, 1, 1_000, 14 * 86_400_000, limits::CLOCK_MS] {
            assert!(clock(&ManualTime::at(ms)).tick().is_ok(), "{ms}");
        }
    }

    #[test]
    fn no_two_ticks_are_equal_at_the_end_of_time() {
        let mut clock = clock(&ManualTime::at(1_000));
        clock.resume(Time::new(u64::MAX - 1));
        assert_eq!(clock.tick().unwrap().time, Time::new(u64::MAX));
        assert!(clock.tick().unwrap_err().is_clock());
    }
}
