//! Random numbers and settings for the tests of a log.
#![allow(dead_code, reason = "each test uses a part")]

/// A xorshift generator (Marsaglia, 2003), which returns the same numbers on every platform.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Returns the number in an environment variable, or the default.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |set| set.parse().unwrap())
}
