//! Pairs in a table of fixed size: sets of eight, in which the one with the least evidence makes room.
//!
//! Of a key's 64 bits the set takes some above the lower half, the tag the upper quarter and the pair the lower half, so that nothing is
//! kept twice. The pairs themselves lie one behind the other as they came: few pairs take few pages of memory.

use crate::lanes::{self, LANES};
use crate::pair::Pair;

const WAYS: usize = LANES;

/// Ticks to an age as it is kept beside the keys: 2^13 of them are some two minutes.
const AGE: u32 = 13;
/// Ages after which a pair's weight has lost one doubling: six hours.
const FADES: u16 = 160;
/// Of a weight, to a doubling.
pub const WEIGHTS_OF_OCTAVE: f32 = 8.0;

/// So many pairs have numbers of 16 bits.
const MAX_SETS: usize = (1 << 16) / WAYS;

/// What is looked at to find a pair.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
struct Set {
    /// Some bits of the keys, 0 for an empty place.
    tags: u128,
    /// Where the pairs are.
    pairs: [u16; WAYS],
}

/// What decides whom to forget.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// Evidence when it changed last, and when that was.
    weights: [u8; WAYS],
    ages: [u16; WAYS],
}

pub struct Table {
    sets: Box<[Set]>,
    standings: Box<[Standing]>,
    pairs: Vec<Pair>,
    /// Pairs that made room for others.
    pub forgotten: u64,
}

/// Where a pair is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    set: usize,
    way: usize,
    pair: usize,
}

/// What the table takes for each pair besides the pair.
#[cfg(test)]
pub const BESIDES: usize = (size_of::<Set>() + size_of::<Standing>()) / WAYS;

impl Table {
    /// For so many pairs, rounded up to a power of two, 65,536 at most.
    pub fn new(pairs: usize) -> Self {
        let sets = pairs.div_ceil(WAYS).next_power_of_two().min(MAX_SETS);
        Self {
            sets: vec![Set::default(); sets].into(),
            standings: vec![Standing::default(); sets].into(),
            pairs: Vec::with_capacity(sets * WAYS),
            forgotten: 0,
        }
    }

    #[inline]
    fn set(&self, key: u64) -> usize {
        (key >> 32) as usize & (self.sets.len() - 1)
    }

    #[inline]
    pub fn find(&self, key: u64) -> Option<Place> {
        let at = self.set(key);
        let set = &self.sets[at];
        let mut found = lanes::matches(set.tags, tag(key));
        while found != 0 {
            let way = lanes::first(found);
            let pair = usize::from(set.pairs[way]);
            if self.pairs[pair].key == key as u32 {
                return Some(Place { set: at, way, pair });
            }
            found &= found - 1;
        }
        None
    }

    /// A place for a new pair, in place of the one whose evidence is least and oldest.
    pub fn insert(&mut self, key: u64, now: u32) -> Place {
        let at = self.set(key);
        let (set, standing) = (&mut self.sets[at], &mut self.standings[at]);
        let today = (now >> AGE) as u16;
        let worth = |way: &usize| match lanes::get(set.tags, *way) {
            0 => i32::MIN,
            _ => {
                let age = today.wrapping_sub(standing.ages[*way]) as i16;
                i32::from(standing.weights[*way]) * i32::from(FADES) - i32::from(age.max(0)) * WEIGHTS_OF_OCTAVE as i32
            }
        };
        let way = (0..WAYS).min_by_key(worth).unwrap_or(0);
        if lanes::get(set.tags, way) == 0 {
            set.pairs[way] = self.pairs.len() as u16;
            self.pairs.push(Pair::default());
        } else {
            self.forgotten += 1;
        }
        set.tags = lanes::set(set.tags, way, tag(key));
        (standing.weights[way], standing.ages[way]) = (0, today);
        let pair = usize::from(set.pairs[way]);
        self.pairs[pair] = Pair { key: key as u32, last: now, ..Pair::default() };
        Place { set: at, way, pair }
    }

    /// Notes what a pair's evidence is now.
    #[inline]
    pub fn weigh(&mut self, place: Place, weight: u8, now: u32) {
        let standing = &mut self.standings[place.set];
        (standing.weights[place.way], standing.ages[place.way]) = (weight, (now >> AGE) as u16);
    }

    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// All pairs with their keys, as far as these matter.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, &Pair)> {
        let places = self.sets.iter().enumerate().flat_map(|(at, set)| (0..WAYS).map(move |way| (at, way, set)));
        places.filter(|(_, way, set)| lanes::get(set.tags, *way) != 0).map(|(at, way, set)| {
            let pair = &self.pairs[usize::from(set.pairs[way])];
            (u64::from(lanes::get(set.tags, way)) << 48 | (at as u64) << 32 | u64::from(pair.key), pair)
        })
    }

    #[inline]
    pub fn pair(&mut self, place: Place) -> &mut Pair {
        &mut self.pairs[place.pair]
    }
}

fn tag(key: u64) -> u16 {
    (key >> 48) as u16 | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::fold;

    #[test]
    fn found_again_until_others_are_worth_more() {
        let mut table = Table::new(256);
        for n in 0..100_000u64 {
            let key = fold(n, 5);
            assert!(table.find(key).is_none());
            let place = table.insert(key, n as u32);
            table.weigh(place, if n % 1000 == 0 { 200 } else { 1 }, n as u32);
            let found = table.find(key).unwrap();
            assert_eq!((found.pair, table.pair(found).key), (place.pair, key as u32));
            assert!(n < 1000 || table.find(fold(n / 1000 * 1000, 5)).is_some(), "{n}");
        }
        assert_eq!((table.pairs.len(), table.pairs().count(), table.forgotten), (256, 256, 100_000 - 256));
        let keys: Vec<_> = table.pairs().map(|(key, _)| key).collect();
        assert!(keys.iter().all(|key| table.find(*key).is_some()));
    }
}
