//! From what is remembered of a pair to a score, with the terms that it is made of.
//!
//! A volume is how many doublings its bucket is above or below the threshold; evidence moves it by doublings too, so that twice the
//! suspicion needs half the bytes. A score is 0.5 where both together reach the threshold, and a tenth more for each doubling beyond.

use crate::pair::{DAY, HOURS, Pair, SECONDS, answered, asked, shape};
use crate::time::{SECOND, log2};

/// Thresholds of the buckets for seconds, hours and a day, as parts of the bytes a day that [`crate::Config::bytes_a_day`] names.
pub const PARTS: [f32; 3] = [0.25, 0.6, 1.0];
/// The same for what comes back: reading is cheaper to hide and less harmful than writing.
pub const DOWN_PART: f32 = 6.0;
/// A score is moved so much by a doubling.
pub const OCTAVE: f32 = 0.1;
/// Names before a pair is judged: fewer have no shape.
pub const LEAST_NAMES: u32 = 4;
/// Names before a flood is one.
const FLOOD: u32 = 16;
/// Domains over which names have to be spread to be judged together.
pub const SPREAD: u32 = 8;
/// Clients by which a domain has to be used for names to be judged together.
pub const FLEET: u32 = 3;

/// Terms of a score, in the order in which they are written.
pub const TERMS: [&str; 9] =
    ["volume", "types", "names", "labels", "answers", "clock", "counter", "prevalence", "known_service"];

/// Index of a term.
pub mod term {
    pub const VOLUME: usize = 0;
    pub const TYPES: usize = 1;
    pub const NAMES: usize = 2;
    pub const LABELS: usize = 3;
    pub const ANSWERS: usize = 4;
    pub const CLOCK: usize = 5;
    pub const COUNTER: usize = 6;
    pub const PREVALENCE: usize = 7;
    pub const KNOWN: usize = 8;
}

/// What carried the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    Seconds,
    Hours,
    Day,
    Downstream,
}

impl Volume {
    pub fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Hours => "hours",
            Self::Day => "day",
            Self::Downstream => "downstream",
        }
    }
}

impl Default for Score {
    fn default() -> Self {
        Self { terms: [0.0; TERMS.len()], volume: Volume::Day }
    }
}

/// Doublings by term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub terms: [f32; TERMS.len()],
    pub volume: Volume,
}

impl Score {
    pub fn octaves(&self) -> f32 {
        self.terms.iter().sum()
    }

    /// Between 0 and 1; 0.5 is where an alert begins.
    pub fn value(&self) -> f32 {
        (0.5 + OCTAVE * self.octaves()).clamp(0.0, 1.0)
    }

    /// The terms as parts of [`Self::value`], to which they add up.
    pub fn parts(&self) -> [f32; TERMS.len()] {
        let mut parts = self.terms.map(|octaves| octaves * OCTAVE);
        let others: f32 = parts[1..].iter().sum();
        parts[term::VOLUME] = self.value() - others;
        parts
    }
}

/// What is known of the domain beside the pair.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around {
    /// Clients that use it.
    pub users: f32,
    /// Run by its operator for a known purpose.
    pub known: bool,
    pub reverse: bool,
}

/// How many doublings above its threshold the fullest bucket is.
pub fn volume(pair: &Pair, bytes_a_day: f32) -> f32 {
    let up = pair.up.iter().zip(PARTS).map(|(bytes, part)| bytes / part);
    let most = up.fold(pair.down / DOWN_PART, f32::max);
    log2(most / bytes_a_day + 1e-6)
}

pub fn score(pair: &Pair, around: &Around, bytes_a_day: f32) -> Score {
    let mut terms = [0.0; TERMS.len()];
    terms[term::TYPES] = types(pair);
    terms[term::NAMES] = names(pair);
    terms[term::LABELS] = labels(pair, around);
    terms[term::ANSWERS] = answers(pair);
    terms[term::CLOCK] = clock(pair);
    terms[term::COUNTER] = counter(pair);
    let seldom = -2.5 * log2(around.users.max(1.0));
    let mut best = Score { terms, volume: Volume::Day };
    let mut most = f32::MIN;
    let buckets = [
        (Volume::Seconds, pair.up[SECONDS] / PARTS[SECONDS], 0.5),
        (Volume::Hours, pair.up[HOURS] / PARTS[HOURS], 1.0),
        (Volume::Day, pair.up[DAY] / PARTS[DAY], 1.0),
        (Volume::Downstream, pair.down / DOWN_PART, 1.0),
    ];
    for (volume, bytes, damped) in buckets {
        let mut terms = terms;
        terms[term::VOLUME] = log2(bytes / bytes_a_day + 1e-6);
        terms[term::PREVALENCE] = (seldom * damped).max(-8.0 * damped);
        terms[term::KNOWN] = if around.known { -4.0 } else { 0.0 };
        let score = Score { terms, volume };
        if score.octaves() > most {
            most = score.octaves();
            best = score;
        }
    }
    best
}

/// Short random names, one label each, in quick succession, of which hardly any is resolved.
pub fn is_flood(pair: &Pair) -> bool {
    let outcomes = &pair.answered;
    let resolved = outcomes[answered::DATA].saturating_add(outcomes[answered::NOTHING]);
    let failed = outcomes[answered::NO_SUCH_NAME].saturating_add(outcomes[answered::FAILURE]);
    let names = total(&pair.asked);
    pair.names >= FLOOD
        && f32::from(pair.shapes[shape::SINGLE]) >= 0.9 * names
        && u16::from(resolved) * 10 <= u16::from(failed).max(9)
        && pair.cost() < 16.0
        && pair.gap < SECOND
}

fn total(counts: &[u8]) -> f32 {
    counts.iter().map(|n| f32::from(*n)).sum()
}

/// Share of some among all, drawn to nothing while they are few.
fn share(some: u8, all: f32) -> f32 {
    f32::from(some) / (all + 2.0)
}

/// What is asked for: types of which hosts make no use speak for a tunnel, both families of addresses against it.
fn types(pair: &Pair) -> f32 {
    let counts = &pair.asked;
    let all = total(counts);
    let plain = counts[asked::A].min(counts[asked::AAAA].saturating_add(counts[asked::SERVICE]));
    let both = (share(plain, all) * 8.0).min(1.0);
    3.0 * share(counts[asked::RARE], all) + 2.0 * share(counts[asked::NAMES], all) + share(counts[asked::TXT], all)
        - 2.0 * both
}

/// How many of the questions were for new names, and how much these carry.
fn names(pair: &Pair) -> f32 {
    (log2(pair.cost().max(1.0) / 12.0) * 0.5).clamp(-1.5, 1.0)
}

fn labels(pair: &Pair, around: &Around) -> f32 {
    let names = f32::from(u16::try_from(pair.names).unwrap_or(u16::MAX)).min(total(&pair.asked));
    let counts = &pair.shapes;
    let of = |at: usize| share(counts[at], names);
    let failed = share(
        pair.answered[answered::NO_SUCH_NAME].saturating_add(pair.answered[answered::LISTED]),
        total(&pair.answered[..4]),
    );
    let lists =
        (of(shape::ADDRESS) + of(shape::DOMAIN)).min(1.0) * if around.reverse { 6.0 } else { 1.0 + 4.0 * failed };
    of(shape::RANDOM) + 3.0 * of(shape::BINARY) - 2.0 * of(shape::SERVICE) - lists
}

fn answers(pair: &Pair) -> f32 {
    let counts = &pair.answered;
    let data = f32::from(counts[answered::DATA]);
    // A list that says of most that it does not have them, and of some why it has (RFC 5782).
    let (listed, failed) = (counts[answered::LISTED], counts[answered::NO_SUCH_NAME]);
    let lists = listed > 0 && listed == counts[answered::DATA] && failed > listed;
    let listing = if lists { 4.5 * share(failed, total(&counts[..4])) } else { 0.0 };
    1.5 * share(counts[answered::SHORT], data) - share(counts[answered::LONG], data) - listing
}

/// New names at even intervals.
fn clock(pair: &Pair) -> f32 {
    if pair.names < 6 || pair.gap < 8.0 {
        return 0.0;
    }
    let off = pair.deviation / pair.gap;
    ((0.45 - off) * 8.0).clamp(0.0, 2.0)
}

/// A label that counts.
fn counter(pair: &Pair) -> f32 {
    if pair.runs < 3 {
        return 0.0;
    }
    let runs = f32::from(pair.runs);
    3.0 * runs / (runs + 2.0 * f32::from(pair.misses))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_score() {
        let mut pair = Pair { up: [4000.0; 3], names: 9, cost: 5000, ..Pair::default() };
        pair.asked[asked::RARE] = 9;
        pair.shapes[shape::BINARY] = 9;
        for users in [1.0, 2.0, 40.0] {
            let score = score(&pair, &Around { users, ..Around::default() }, 2600.0);
            let sum: f32 = score.parts().iter().sum();
            assert!((sum - score.value()).abs() < 1e-5, "{sum} {}", score.value());
        }
    }
}
