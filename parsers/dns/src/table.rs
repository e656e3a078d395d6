//! Pairs in a table of fixed size: sets of eight, in which the one with the least evidence makes room.
//!
//! Of a key's 64 bits the set takes some above the lower half, the tag the upper quarter and the pair the lower half, so that nothing is
//! kept twice.

use crate::pair::Pair;

const WAYS: usize = 8;

/// Ticks to an age as it is kept beside the keys: 2^13 of them are some two minutes.
const AGE: u32 = 13;
/// Ages after which a pair's weight has lost one doubling: six hours.
const FADES: u16 = 160;
/// Of a weight, to a doubling.
pub const WEIGHTS_OF_OCTAVE: f32 = 8.0;

/// More sets would take bits of the tags.
const MAX_SETS: usize = 1 << 16;

/// Some bits of the keys of a set, 0 for an empty place: so few that those of all sets stay in the cache.
type Tags = [u16; WAYS];

/// What decides whom to forget.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// Evidence when it changed last, and when that was.
    weights: [u8; WAYS],
    ages: [u16; WAYS],
}

pub struct Table {
    tags: Box<[Tags]>,
    standings: Box<[Standing]>,
    pairs: Box<[Pair]>,
    /// Pairs that made room for others.
    pub forgotten: u64,
}

/// Where a pair is.
pub type Place = usize;

impl Table {
    /// For so many pairs, rounded up to a power of two, half a million at most.
    pub fn new(pairs: usize) -> Self {
        let sets = pairs.div_ceil(WAYS).next_power_of_two().min(MAX_SETS);
        Self {
            tags: vec![Tags::default(); sets].into(),
            standings: vec![Standing::default(); sets].into(),
            pairs: vec![Pair::default(); sets * WAYS].into(),
            forgotten: 0,
        }
    }

    #[inline]
    fn set(&self, key: u64) -> usize {
        (key >> 32) as usize & (self.tags.len() - 1)
    }

    #[inline]
    pub fn find(&self, key: u64) -> Option<Place> {
        let set = self.set(key);
        let tag = tag(key);
        let tags = &self.tags[set];
        let found = tags.iter().enumerate().fold(0u32, |found, (way, other)| found | u32::from(*other == tag) << way);
        if found == 0 {
            return None;
        }
        (0..WAYS)
            .filter(|way| found >> way & 1 != 0)
            .map(|way| set * WAYS + way)
            .find(|at| self.pairs[*at].key == key as u32)
    }

    /// A place for a new pair, in place of the one whose evidence is least and oldest.
    pub fn insert(&mut self, key: u64, now: u32) -> Place {
        let at = self.set(key);
        let (tags, set) = (&mut self.tags[at], &mut self.standings[at]);
        let today = (now >> AGE) as u16;
        let standing = |way: &usize| match tags[*way] {
            0 => i32::MIN,
            _ => {
                let age = today.wrapping_sub(set.ages[*way]) as i16;
                i32::from(set.weights[*way]) * i32::from(FADES) - i32::from(age.max(0)) * WEIGHTS_OF_OCTAVE as i32
            }
        };
        let way = (0..WAYS).min_by_key(standing).unwrap_or(0);
        self.forgotten += u64::from(tags[way] != 0);
        (tags[way], set.weights[way], set.ages[way]) = (tag(key), 0, today);
        let place = at * WAYS + way;
        self.pairs[place] = Pair { key: key as u32, last: now, ..Pair::default() };
        place
    }

    /// Notes what a pair's evidence is now.
    #[inline]
    pub fn weigh(&mut self, place: Place, weight: u8, now: u32) {
        let (set, way) = (&mut self.standings[place / WAYS], place % WAYS);
        (set.weights[way], set.ages[way]) = (weight, (now >> AGE) as u16);
    }

    pub fn capacity(&self) -> usize {
        self.pairs.len()
    }

    /// All pairs with their keys, as far as these matter.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, &Pair)> {
        let tags = self.tags.iter().flatten().zip(&self.pairs).enumerate();
        tags.filter(|(_, (tag, _))| **tag != 0)
            .map(|(at, (tag, pair))| (u64::from(*tag) << 48 | ((at / WAYS) as u64) << 32 | u64::from(pair.key), pair))
    }

    #[inline]
    pub fn pair(&mut self, place: Place) -> &mut Pair {
        &mut self.pairs[place]
    }
}

fn tag(key: u64) -> u16 {
    (key >> 48) as u16 | 1
}
