//! Pairs in a table of fixed size: sets of eight, in which the one with the least evidence makes room.

use crate::pair::Pair;
use crate::time::{HOUR, between};

const WAYS: usize = 8;

/// Half-lives of the weight of a pair that nothing comes of any more, in ticks.
const FADES: f32 = 6.0 * HOUR;

pub struct Table {
    /// High halves of the keys: looked through without touching the pairs.
    tags: Box<[[u32; WAYS]]>,
    pairs: Box<[Pair]>,
    /// Pairs that made room although something had been charged to them.
    pub forgotten: u64,
    pub len: usize,
}

/// Where a pair is.
pub type Place = usize;

impl Table {
    /// For so many pairs, rounded up to a power of two.
    pub fn new(pairs: usize) -> Self {
        let sets = pairs.div_ceil(WAYS).next_power_of_two();
        Self {
            tags: vec![[0; WAYS]; sets].into(),
            pairs: vec![Pair::default(); sets * WAYS].into(),
            forgotten: 0,
            len: 0,
        }
    }

    #[inline]
    fn set(&self, key: u64) -> usize {
        key as usize & (self.tags.len() - 1)
    }

    #[inline]
    pub fn find(&self, key: u64) -> Option<Place> {
        let set = self.set(key);
        let tag = tag(key);
        let places = (0..WAYS).filter(|way| self.tags[set][*way] == tag).map(|way| set * WAYS + way);
        places.into_iter().find(|place| self.pairs[*place].key == key)
    }

    /// A place for a new pair, and what was forgotten for it.
    pub fn insert(&mut self, key: u64, now: u32) -> (Place, Option<Pair>) {
        let set = self.set(key);
        let of_set = &self.pairs[set * WAYS..(set + 1) * WAYS];
        let standing = |pair: &Pair| match pair.key {
            0 => -1.0,
            _ => f32::from(pair.weight) - between(pair.last, now) / FADES * crate::score::WEIGHTS_OF_OCTAVE,
        };
        let least = |a: &usize, b: &usize| standing(&of_set[*a]).total_cmp(&standing(&of_set[*b]));
        let way = (0..WAYS).min_by(least).unwrap_or(0);
        let place = set * WAYS + way;
        let old = std::mem::replace(&mut self.pairs[place], Pair { key, last: now, ..Pair::default() });
        self.tags[set][way] = tag(key);
        if old.key == 0 {
            self.len += 1;
            return (place, None);
        }
        self.forgotten += u64::from(old.up_total + old.down_total > 0.0);
        (place, Some(old))
    }

    #[inline]
    pub fn pair(&mut self, place: Place) -> &mut Pair {
        &mut self.pairs[place]
    }

    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Reads the line where a key is looked for; the value only has to be used somehow.
    #[inline]
    pub fn touch(&self, key: u64) -> u32 {
        self.tags[self.set(key)][0]
    }
}

fn tag(key: u64) -> u32 {
    (key >> 32) as u32 | 1
}
