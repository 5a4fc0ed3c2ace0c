//! Random histories, compared with a map in memory.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
};

use super::{
    super::{Batch, Record, Scan, Storage},
    ask::{scanned, succeeds},
};

pub(super) async fn random_histories_agree_with_a_model(store: &impl Storage, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut model = BTreeMap::new();
    for step in 0..50 {
        let mut issued = Vec::new();
        for _ in 0..random.below(4) {
            let mut batch = Batch::new();
            for _ in 0..random.below(6) {
                let key = random.key();
                if random.below(3) == 0 {
                    model.remove(&key);
                    batch.delete(key);
                } else {
                    let value = random.key();
                    model.insert(key.clone(), value.clone());
                    batch.put(key, value);
                }
            }
            issued.push(store.commit(batch));
        }
        for commit in issued {
            succeeds(commit.await, "a random batch");
        }
        let place = format!("seed {seed}, step {step}");
        for _ in 0..4 {
            let scan = random.scan();
            assert_eq!(
                scanned(store, scan.clone()).await,
                modelled(&model, &scan),
                "{place}: {scan:?}"
            );
        }
        let keys = [random.key(), random.key(), random.key()];
        let asked: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let expected: Vec<Option<Vec<u8>>> =
            keys.iter().map(|key| model.get(key).cloned()).collect();
        assert_eq!(
            succeeds(store.get_many(&asked).await, &place),
            expected,
            "{place}: {keys:02x?}"
        );
    }
}

/// Returns the records of a map that `scan` selects, without using the map's own ranges.
fn modelled(model: &BTreeMap<Vec<u8>, Vec<u8>>, scan: &Scan) -> Vec<Record> {
    let range = (scan.start.clone(), scan.end.clone());
    let mut found: Vec<Record> = model
        .iter()
        .filter(|(key, _)| range.contains(*key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if scan.reverse {
        found.reverse();
    }
    found.truncate(scan.limit.unwrap_or(usize::MAX));
    found
}

/// A xorshift generator (Marsaglia, 2003), which returns the same numbers on every platform.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Returns a key of up to three bytes, each one of four values, so that keys collide.
    fn key(&mut self) -> Vec<u8> {
        let len = self.below(4);
        (0..len)
            .map(|_| *b"\x00a\x80\xff".get(self.below(4) as usize).unwrap_or(&0))
            .collect()
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(self.key()),
            _ => Bound::Excluded(self.key()),
        }
    }

    fn scan(&mut self) -> Scan {
        Scan {
            start: self.bound(),
            end: self.bound(),
            limit: (self.below(2) == 0).then(|| self.below(8) as usize),
            reverse: self.below(2) == 0,
        }
    }
}
