use std::{fmt, sync::Arc};

use super::{Stamp, SystemTime, Time};
use crate::{
    error::Error,
    id::{IdSource, Random, ReplicaId},
    limits,
};

/// The source of a [`Clock`]'s wall time.
///
/// The wall time may be wrong and may jump in both directions; the clock tolerates both. It must
/// count milliseconds: transactions fail with [`Error::is_clock`] while it returns seconds,
/// microseconds or nanoseconds.
pub trait TimeSource: Send + Sync {
    /// Returns the milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
}

/// The hybrid logical clock of one replica.
///
/// Each [`tick`](Clock::tick) is greater than every stamp that this clock has issued or observed,
/// even if the wall clock jumps back. Of other replicas' clocks, it knows only the greatest stamp
/// that it has observed.
///
/// ```
/// use leptos_sync_core::{Clock, ReplicaId};
///
/// let mut ada = Clock::system(ReplicaId::new(1));
/// let mut bob = Clock::system(ReplicaId::new(2));
/// let written = ada.tick()?;
/// bob.observe(written.time)?;
/// assert!(bob.tick()? > written, "Bob's next write wins over what he has seen");
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
pub struct Clock {
    replica: ReplicaId,
    last: Time,
    source: Arc<dyn TimeSource>,
    /// The source of this writer's ids. A new replica id gets a new source.
    ids: IdSource,
}

impl Clock {
    /// Creates a clock for `replica` that reads `source`.
    pub fn new(replica: ReplicaId, source: impl TimeSource + 'static) -> Self {
        Self {
            replica,
            last: Time::ZERO,
            source: Arc::new(source),
            ids: IdSource::default(),
        }
    }

    /// Creates a clock for `replica` that reads the system's wall clock.
    pub fn system(replica: ReplicaId) -> Self {
        Self::new(replica, SystemTime)
    }

    /// Returns the replica whose stamps this clock issues.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// Returns the greatest time issued or observed.
    pub fn last(&self) -> Time {
        self.last
    }

    /// Returns the next stamp, which is greater than all earlier ones. O(1), and reads the wall
    /// clock once.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] if the time source does not count milliseconds, or if this clock has
    /// observed the greatest possible time, so that no later stamp exists. On error, the clock is
    /// unchanged.
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub fn tick(&mut self) -> Result<Stamp, Error> {
        if self.last == Time::new(u64::MAX) {
            return Err(no_time_left());
        }
        let now = Time::try_from_ms(self.source.now_ms())?;
        self.last = self.last.next().max(now);
        Ok(Stamp::new(self.last, self.replica))
    }

    /// Returns a stamp that no operation carries, for use as a unique name. Cannot fail, since the
    /// stamp's time need not be correct.
    pub(crate) fn name(&mut self) -> Stamp {
        let now = Time::try_from_ms(self.source.now_ms()).unwrap_or_default();
        self.last = self.last.next().max(now);
        Stamp::new(self.last, self.replica)
    }

    /// Records a time from another replica, so that later ticks exceed it.
    ///
    /// # Errors
    ///
    /// [`Error::is_drift`] if the time is more than [`limits::DRIFT_MS`] ahead of the wall clock
    /// and does not directly follow the greatest time seen. [`Error::is_clock`] if it is ahead
    /// because the time source does not count milliseconds. On error, the clock is unchanged.
    pub fn observe(&mut self, time: Time) -> Result<(), Error> {
        self.check(time)?;
        self.resume(time);
        Ok(())
    }

    /// Checks whether [`observe`](Clock::observe) would accept `time`.
    ///
    /// # Errors
    ///
    /// Those of [`observe`](Clock::observe).
    pub fn check(&self, time: Time) -> Result<(), Error> {
        // Others must be able to edit a document whose stamps are in the future.
        if time <= self.last.next() {
            return Ok(());
        }
        let now = self.source.now_ms();
        let ahead = time.ms().saturating_sub(now);
        if ahead > limits::DRIFT_MS {
            Time::try_from_ms(now)?;
            return Err(Error::drift(format!(
                "a stamp is {ahead} ms ahead of this clock, the limit is {} ms; one of the two clocks \
                 is wrong",
                limits::DRIFT_MS
            )));
        }
        Ok(())
    }

    /// Advances the clock beyond `time`, which this replica accepted before a restart.
    ///
    /// Unlike [`observe`](Clock::observe), this does not check the drift. If the wall clock was set
    /// back, a check would reject, and so lose, the replica's own saved data.
    pub fn resume(&mut self, time: Time) {
        self.last = self.last.max(time);
    }

    /// Sets the clock back to `time`, although it has issued later stamps. Call it only if no
    /// replica has those stamps anymore.
    pub(crate) fn set_back(&mut self, time: Time) {
        self.last = time;
    }

    /// Returns the milliseconds by which this clock is ahead of the wall clock. Above
    /// [`limits::DRIFT_MS`], other replicas reject its stamps until the wall clock catches up.
    pub fn ahead_ms(&self) -> u64 {
        self.last.ms().saturating_sub(self.source.now_ms())
    }

    /// Returns a clock for another writer. It starts after every stamp that this clock has issued
    /// or observed.
    pub fn with_replica(&self, replica: ReplicaId) -> Self {
        Self {
            replica,
            last: self.last,
            source: Arc::clone(&self.source),
            ids: self.ids.renewed(),
        }
    }

    /// Returns the source of this writer's ids.
    pub(crate) fn ids(&mut self) -> &mut IdSource {
        &mut self.ids
    }

    /// Replaces the source of random numbers in ids. For tests that are repeatable.
    pub(crate) fn set_random(&mut self, random: Random) {
        self.ids = IdSource::new(random);
    }

    /// Creates the same ids as another clock from now on, like the clock of a cloned process. For
    /// tests.
    #[cfg(feature = "testing")]
    pub(crate) fn share_ids(&mut self, other: &Self) {
        self.ids = other.ids.clone_running();
    }
}

/// A copy of a clock names what it creates with ids of its own.
impl Clone for Clock {
    fn clone(&self) -> Self {
        self.with_replica(self.replica)
    }
}

#[cold]
#[inline(never)]
fn no_time_left() -> Error {
    Error::clock(
        "no time is left after the stamps that this clock has seen; copy the document's values into a new document",
    )
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
    fn ticks_increase_while_the_wall_clock_stands_still_or_goes_back() {
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
        assert!(
            last.time.ms() >= 1_003,
            "the counter carries into the milliseconds"
        );
    }

    #[test]
    fn the_next_tick_wins_over_an_observed_stamp() {
        let time = ManualTime::at(1_000);
        let mut clock = clock(&time);
        let seen = Time::from_ms(1_000 + limits::DRIFT_MS);
        clock.observe(seen).unwrap();
        assert!(clock.tick().unwrap().time > seen);
    }

    #[test]
    fn a_stamp_beyond_the_drift_is_an_error_and_changes_nothing() {
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
    fn a_source_with_another_unit_is_an_error_that_names_the_unit() {
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
            assert!(clock.name() > name, "names differ with a wrong source too");
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
    fn ticks_are_unique_at_the_end_of_time() {
        let mut clock = clock(&ManualTime::at(1_000));
        clock.resume(Time::new(u64::MAX - 1));
        assert_eq!(clock.tick().unwrap().time, Time::new(u64::MAX));
        assert!(clock.tick().unwrap_err().is_clock());
    }
}
