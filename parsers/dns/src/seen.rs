//! Which names, labels and answers came before: a set of fixed size that forgets what was longest not asked for.

use crate::hash::fold;
use crate::lanes::{self, LANES};

/// Fingerprints, the latest first, in sixteen bytes, so that a look costs one line of memory.
pub type Bucket = u128;

/// Buckets of eight fingerprints of 16 bits. What was never seen is taken for seen once in 8,192 times.
pub struct Seen {
    buckets: Box<[Bucket]>,
}

impl Seen {
    /// For eight times as many things as `buckets`, which is rounded up to a power of two.
    pub fn new(buckets: usize) -> Self {
        Self { buckets: vec![0; buckets.next_power_of_two()].into() }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u16) {
        let hash = fold(hash, 0);
        ((hash >> 20) as usize & (self.buckets.len() - 1), (hash as u16).max(1))
    }

    /// Whether it was there, and puts it first.
    #[inline]
    pub fn insert(&mut self, hash: u64) -> bool {
        let (at, mark) = self.place(hash);
        let bucket = &mut self.buckets[at];
        let found = lanes::matches(*bucket, mark);
        let way = if found == 0 { LANES - 1 } else { lanes::first(found) };
        if found != 0 && way == 0 {
            return true;
        }
        *bucket = lanes::put_first(*bucket, way, mark);
        found != 0
    }

    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    pub fn buckets_mut(&mut self) -> &mut [Bucket] {
        &mut self.buckets
    }

    #[cfg(test)]
    fn contains(&self, hash: u64) -> bool {
        let (at, mark) = self.place(hash);
        lanes::matches(self.buckets[at], mark) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_what_is_asked_for_and_forgets_the_rest() {
        let mut seen = Seen::new(1 << 6);
        assert!(!seen.insert(1) && seen.contains(1) && seen.insert(1));
        for n in 2..100_000 {
            seen.insert(n);
            assert!(n % 16 != 0 || seen.insert(1), "asked for often enough to stay");
        }
        assert!(!seen.contains(500));
        let wrong = (200_000..300_000).filter(|n| seen.contains(*n)).count();
        assert!(wrong < 40, "{wrong}");
    }
}
