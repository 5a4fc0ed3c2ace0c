//! The hash function of the table, in a browser.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

/// The standard library's SipHash with the random keys of this process, which a page has in any case.
#[derive(Clone, Default)]
pub(super) struct TableHasher(RandomState);

impl BuildHasher for TableHasher {
    type Hasher = Compact;

    fn build_hasher(&self) -> Compact {
        Compact(self.0.build_hasher())
    }
}

/// Inlined into the hashing of each type of key, the hasher would be in a page as often.
pub(super) struct Compact(DefaultHasher);

impl Hasher for Compact {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    #[inline(never)]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
