//! The data of the benchmarks. It is the same in every run and for every library.
//!
//! Keys have the form `key-000123`, values the form `item-48213`: 19.9 bytes of text per entry,
//! with values of different lengths. Reading and merging use random order, like users.

pub mod ours;

/// The sizes of all measurements.
pub const SIZES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

/// Returns the key of the entry `at`.
pub fn key(at: usize) -> String {
    exact(format!("key-{at:06}"))
}

/// Returns the text without the excess capacity that formatting leaves.
fn exact(text: String) -> String {
    text.into_boxed_str().into_string()
}

/// Returns keys in order, with values.
pub fn entries(count: usize) -> Vec<(String, String)> {
    let mut random = Random(1);
    (0..count).map(|at| (key(at), random.value())).collect()
}

/// Returns the same entries in random order.
pub fn shuffled_entries(count: usize) -> Vec<(String, String)> {
    let mut entries: Vec<_> = entries(count).into_iter().map(Some).collect();
    let order = shuffled(count).into_iter();
    order.filter_map(|at| entries.get_mut(at)?.take()).collect()
}

/// Returns only the values.
pub fn values(count: usize) -> Vec<String> {
    let mut random = Random(2);
    (0..count).map(|_| random.value()).collect()
}

/// Returns the keys of `count` entries in random order.
pub fn shuffled_keys(count: usize) -> Vec<String> {
    shuffled(count).into_iter().map(key).collect()
}

/// Returns new values for a tenth of `count` entries (at least one), in random order.
pub fn newer(count: usize) -> Vec<(String, String)> {
    changed(count, count.div_ceil(10))
}

/// Returns new values for `changes` of `count` entries, in random order.
pub fn changed(count: usize, changes: usize) -> Vec<(String, String)> {
    let mut random = Random(3);
    let order = shuffled(count);
    order
        .into_iter()
        .take(changes)
        .map(|at| (key(at), random.value()))
        .collect()
}

/// Returns an infinite sequence of new values for `count` entries, in random order.
pub fn edits(count: usize) -> impl Iterator<Item = (String, String)> {
    let mut random = Random(5);
    let order = shuffled(count);
    (0..count)
        .cycle()
        .filter_map(move |at| order.get(at).copied())
        .map(move |at| (key(at), random.value()))
}

/// Returns the positions below `count` in random order.
fn shuffled(count: usize) -> Vec<usize> {
    let mut random = Random(4);
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, random.below(at + 1));
    }
    order
}

/// SplitMix64 (Steele, Lea and Flood, 2014) with a fixed seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn value(&mut self) -> String {
        exact(format!("item-{}", self.below(100_000)))
    }
}
