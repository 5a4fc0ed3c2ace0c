//! The hash function of tables. Hashes never leave the process, so platforms may differ.

/// A fast hash. It would add 2 KB to a page, so it is used only outside the browser.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) use foldhash::fast::RandomState as TableHasher;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) use small::TableHasher;

/// The hash of pages: FNV-1a in 64 bits, whose halves are combined.
///
/// It has no secret. The keys of the standard library's SipHash are not random in a browser either,
/// and its code takes a kilobyte.
#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
mod small {
    use std::hash::{BuildHasher, Hasher};

    #[derive(Clone, Copy, Default)]
    pub(crate) struct TableHasher;

    pub(crate) struct Fnv(u64);

    impl BuildHasher for TableHasher {
        type Hasher = Fnv;

        fn build_hasher(&self) -> Fnv {
            Fnv(0xcbf2_9ce4_8422_2325)
        }
    }

    impl Hasher for Fnv {
        // Once for all types of keys.
        #[inline(never)]
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }

        fn finish(&self) -> u64 {
            // In a browser, a table uses the lower half.
            self.0 ^ (self.0 >> 32)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, Hash};

    use super::small::TableHasher;
    use crate::{
        clock::{Stamp, Time},
        id::ReplicaId,
    };

    /// Returns the most keys of 65,536 that have the lower 16 bits of their hashes in common.
    fn worst<K: Hash>(key: impl Fn(u32) -> K) -> usize {
        let mut counts = vec![0; 1 << 16];
        for n in 0..1 << 16 {
            counts[TableHasher.hash_one(key(n)) as usize % (1 << 16)] += 1;
        }
        counts.into_iter().max().unwrap()
    }

    #[test]
    fn the_keys_of_an_app_spread_over_a_table() {
        assert!(worst(|n| n) < 12);
        assert!(worst(|n| u64::from(n) << 32) < 12);
        assert!(worst(|n| format!("item-{n}")) < 12);
        let stamp = |n| Stamp::new(Time::new(u64::from(n) << 16), ReplicaId::new(7));
        assert!(worst(|n| (stamp(n), 0_u32)) < 12);
    }
}
