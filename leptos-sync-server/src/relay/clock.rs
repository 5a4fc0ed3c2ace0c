//! The relay's time. It follows the wall clock, but adopts a jump only after a delay.

use std::sync::Arc;

use leptos_sync_core::clock::{SystemTime, TimeSource};
use parking_lot::Mutex;

use super::metrics::Metrics;
use crate::limits;

/// A clock that distrusts jumps of the wall clock.
///
/// A wall clock that is wrong for a moment must not cause lasting damage to documents: their stamps
/// would be in the future, and tombstones would be forgotten too early. So the relay compares the
/// wall clock with the time since the machine was booted. After a jump, it continues with the old
/// time until the new one has been stable for a while. It never stops serving clients, because a
/// machine without a battery-backed clock starts with a wrong time that is corrected later.
#[derive(Clone)]
pub(super) struct RelayClock {
    wall: Arc<dyn TimeSource>,
    /// The source of the boot clock. `None` if the clock follows the wall clock immediately.
    boot: Option<Arc<dyn TimeSource>>,
    settle_ms: u64,
    state: Arc<Mutex<State>>,
}

/// The differences between the wall clock and the boot clock, in milliseconds.
#[derive(Clone, Copy, Default)]
struct State {
    /// The difference that the relay uses. `None` before the first reading.
    trusted: Option<i64>,
    /// The difference after a jump, and the time of the boot clock since which it has been stable.
    candidate: Option<(i64, u64)>,
    /// The number of jumps that were adopted.
    jumps: u64,
}

impl Default for RelayClock {
    fn default() -> Self {
        Self {
            boot: Some(Arc::new(BootTime::new())),
            ..Self::following(SystemTime)
        }
    }
}

impl RelayClock {
    /// Returns a clock that always follows `wall` immediately.
    pub(super) fn following(wall: impl TimeSource + 'static) -> Self {
        Self {
            wall: Arc::new(wall),
            boot: None,
            settle_ms: limits::CLOCK_SETTLE_MS,
            state: Arc::default(),
        }
    }

    /// Follows `wall` at once, with the other options of this clock.
    pub(super) fn with_wall(self, wall: impl TimeSource + 'static) -> Self {
        Self {
            settle_ms: self.settle_ms,
            ..Self::following(wall)
        }
    }

    /// Compares the wall clock with `boot`.
    pub(super) fn compared_with(mut self, boot: impl TimeSource + 'static) -> Self {
        self.boot = Some(Arc::new(boot));
        self
    }

    /// Sets the time for which the wall clock must be stable after a jump.
    pub(super) fn settling_in(mut self, ms: u64) -> Self {
        self.settle_ms = ms;
        self
    }

    /// Returns the relay's time in milliseconds since the Unix epoch.
    pub(super) fn now_ms(&self) -> u64 {
        self.read().0
    }

    /// Returns whether the relay's time is that of the wall clock.
    pub(super) fn is_trusted(&self) -> bool {
        self.read().1
    }

    /// Returns the number of jumps of the wall clock that the relay has adopted.
    pub(super) fn jumps(&self) -> u64 {
        self.read();
        self.state.lock().jumps
    }

    /// Returns the time, and whether it is that of the wall clock.
    fn read(&self) -> (u64, bool) {
        let wall = self.wall.now_ms();
        let Some(boot) = &self.boot else {
            return (wall, true);
        };
        let boot = boot.now_ms();
        let now = wall.wrapping_sub(boot).cast_signed();
        let mut state = self.state.lock();
        let trusted = *state.trusted.get_or_insert(now);
        if is_near(now, trusted) {
            if state.candidate.take().is_some() {
                tracing::info!("the machine's clock is back at the time before its jump");
                Metrics::clock_trusted(true);
            }
            state.trusted = Some(now);
            return (wall, true);
        }
        match state.candidate {
            Some((candidate, since)) if is_near(now, candidate) => {
                if boot.saturating_sub(since) >= self.settle_ms {
                    tracing::warn!("the machine's clock has been stable since its jump; using it");
                    (state.trusted, state.candidate) = (Some(now), None);
                    state.jumps += 1;
                    Metrics::clock_trusted(true);
                    return (wall, true);
                }
                state.candidate = Some((now, since));
            }
            _ => {
                let jump_ms = now.saturating_sub(trusted);
                tracing::error!(
                    jump_ms,
                    "the machine's clock has jumped; using the time before the jump until the clock \
                     has been stable for {} s, and keeping all tombstones until then",
                    self.settle_ms / 1000
                );
                state.candidate = Some((now, boot));
                Metrics::clock_trusted(false);
            }
        }
        (boot.wrapping_add(trusted.cast_unsigned()), false)
    }
}

/// Returns whether the two differences can result from slewing the clock instead of setting it.
fn is_near(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= limits::CLOCK_JUMP_MS
}

/// The time since the machine was booted. Includes the time of suspension if the system counts it.
struct BootTime {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    start: std::time::Instant,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl BootTime {
    fn new() -> Self {
        Self {}
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl TimeSource for BootTime {
    fn now_ms(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let ms = time
            .tv_sec
            .saturating_mul(1_000)
            .saturating_add(time.tv_nsec / 1_000_000);
        ms.cast_unsigned()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl BootTime {
    fn new() -> Self {
        Self {
            start: std::time::Instant::now(),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl TimeSource for BootTime {
    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use leptos_sync_core::clock::ManualTime;

    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;
    const HOUR_MS: u64 = 3_600_000;
    const SETTLE_MS: u64 = limits::CLOCK_SETTLE_MS;

    fn clock() -> (ManualTime, ManualTime, RelayClock) {
        let (wall, boot) = (ManualTime::at(NOW_MS), ManualTime::at(5_000));
        let clock = RelayClock::following(wall.clone()).compared_with(boot.clone());
        assert_eq!((clock.now_ms(), clock.is_trusted()), (NOW_MS, true));
        (wall, boot, clock)
    }

    fn pass(wall: &ManualTime, boot: &ManualTime, ms: u64) {
        wall.advance(ms);
        boot.advance(ms);
    }

    #[test]
    fn a_moment_of_wrong_time_leaves_no_trace() {
        for wrong in [NOW_MS + 400 * 24 * HOUR_MS, NOW_MS - HOUR_MS, 0] {
            let (wall, boot, clock) = clock();
            wall.set(wrong);
            boot.advance(SETTLE_MS - 1);
            assert_eq!(
                clock.now_ms(),
                NOW_MS + SETTLE_MS - 1,
                "after a jump to {wrong}"
            );
            assert!(!clock.is_trusted());
            wall.set(NOW_MS + SETTLE_MS);
            boot.advance(1);
            assert_eq!(clock.now_ms(), NOW_MS + SETTLE_MS);
            assert!(clock.is_trusted());
        }
    }

    #[test]
    fn a_clock_that_was_set_is_used_once_it_is_stable() {
        for set in [NOW_MS + 3 * HOUR_MS, NOW_MS - 3 * HOUR_MS] {
            let (wall, boot, clock) = clock();
            wall.set(set);
            assert_eq!(clock.now_ms(), NOW_MS);
            pass(&wall, &boot, SETTLE_MS / 2);
            assert_eq!(clock.now_ms(), NOW_MS + SETTLE_MS / 2);
            // Another jump begins a new wait.
            wall.advance(HOUR_MS);
            assert!(!clock.is_trusted());
            pass(&wall, &boot, SETTLE_MS - 1);
            assert!(!clock.is_trusted());
            pass(&wall, &boot, 1);
            assert_eq!(clock.now_ms(), set + HOUR_MS + SETTLE_MS * 3 / 2);
            assert!(clock.is_trusted());
        }
    }

    #[test]
    fn a_clock_that_is_slewed_and_a_suspended_machine_are_no_jumps() {
        let (wall, boot, clock) = clock();
        for _ in 0..100 {
            pass(&wall, &boot, 1_000_000);
            wall.advance(limits::CLOCK_JUMP_MS);
            assert!(clock.is_trusted());
        }
        pass(&wall, &boot, 48 * HOUR_MS);
        assert!(clock.is_trusted());
    }

    #[test]
    fn another_wall_clock_keeps_the_time_to_settle() {
        let (wall, boot) = (ManualTime::at(NOW_MS), ManualTime::at(5_000));
        let clock = RelayClock::default().settling_in(1_000);
        let clock = clock.with_wall(wall.clone()).compared_with(boot.clone());
        assert!(clock.is_trusted());
        wall.advance(HOUR_MS);
        assert!(!clock.is_trusted());
        pass(&wall, &boot, 1_000);
        assert!(clock.is_trusted());
    }

    #[test]
    fn the_systems_own_clocks_are_trusted() {
        let clock = RelayClock::default();
        let before = SystemTime.now_ms();
        assert!(clock.is_trusted());
        assert!(clock.now_ms() >= before);
    }
}
