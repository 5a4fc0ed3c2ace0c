/// The delay before a retry: a random part of a time that doubles with each failure ("full
/// jitter"), so that the clients of a relay do not all reconnect at the same time.
///
/// The formula is from M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    failures: u32,
    /// The state of a random generator. It only needs to differ between pages.
    random: u64,
}

/// The range of the first delay in milliseconds.
const FIRST_MS: u64 = 500;

/// The maximum range of a delay in milliseconds. With it, all clients reconnect within half a
/// minute after the relay is back.
const MOST_MS: u64 = 15_000;

impl Retry {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            random: seed,
        }
    }

    /// Returns the delay in milliseconds after another failure.
    pub(super) fn delay_ms(&mut self) -> u64 {
        let delay_ms = self.delay_after(self.failures);
        self.failures = self.failures.saturating_add(1);
        delay_ms
    }

    /// Returns the delay in milliseconds after a number of failures that the caller counts.
    pub(super) fn delay_after(&mut self, failures: u32) -> u64 {
        let most = FIRST_MS
            .checked_shl(failures.min(16))
            .map_or(MOST_MS, |most| most.min(MOST_MS));
        self.next() % (most + 1)
    }

    /// Resets the delay after a success.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Returns the next number of SplitMix64, by G. L. Steele, D. Lea and C. H. Flood, "Fast
    /// splittable pseudorandom number generators", 2014.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_maximum_and_use_their_whole_range() {
        let mut longest = [0; 12];
        for seed in 0..2_000 {
            let mut retry = Retry::new(seed);
            for longest in &mut longest {
                *longest = retry.delay_ms().max(*longest);
            }
        }
        assert!((450..=500).contains(&longest[0]), "{longest:?}");
        assert!((900..=1_000).contains(&longest[1]), "{longest:?}");
        assert!((14_000..=MOST_MS).contains(&longest[11]), "{longest:?}");
    }
}
