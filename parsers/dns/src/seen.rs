//! Which names, labels and answers came before: a set of fixed size that forgets what was longest not asked for.

use crate::hash::fold;

/// Fingerprints of one bucket, the latest first.
const WAYS: u32 = 8;

/// Buckets of eight fingerprints of 16 bits. What was never seen is taken for seen once in 8,192 times.
pub struct Seen {
    buckets: Box<[u128]>,
}

impl Seen {
    /// `buckets` of 16 bytes; a power of two.
    pub fn new(buckets: usize) -> Self {
        Self { buckets: vec![0; buckets.next_power_of_two()].into() }
    }

    /// Whether it was there, and puts it first.
    #[inline]
    pub fn insert(&mut self, hash: u64) -> bool {
        let hash = fold(hash, 0);
        let at = (hash >> 20) as usize & (self.buckets.len() - 1);
        let mark = u128::from((hash as u16).max(1));
        let bucket = &mut self.buckets[at];
        for way in 0..WAYS {
            let shift = way * 16;
            if *bucket >> shift & 0xffff == mark {
                let keep = u128::MAX.checked_shl(shift + 16).unwrap_or(0);
                let newer = *bucket & ((1 << shift) - 1);
                *bucket = *bucket & keep | newer << 16 | mark;
                return true;
            }
        }
        *bucket = *bucket << 16 | mark;
        false
    }

    /// Whether it is there, without a change.
    #[inline]
    pub fn contains(&self, hash: u64) -> bool {
        let hash = fold(hash, 0);
        let bucket = self.buckets[(hash >> 20) as usize & (self.buckets.len() - 1)];
        let mark = u128::from((hash as u16).max(1));
        (0..WAYS).any(|way| bucket >> (way * 16) & 0xffff == mark)
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
