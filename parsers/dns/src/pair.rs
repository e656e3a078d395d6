//! What is remembered of one client and one registered domain: 96 bytes.

use crate::time::{HOUR, SECOND, between, half, moment, part, ticks};
use transitproof_wire::dns::kind;

/// Half-lives of the buckets, in ticks.
pub const HALF_LIVES: [f32; 3] = [60.0 * SECOND, 1.5 * HOUR, 20.0 * HOUR];
/// Bytes in a bucket that count for none.
const EMPTY: f32 = 1.0;
/// To a byte in [`Pair::cost`]: up to 511 bytes, more than fit into a name.
const COST_PARTS: f32 = 128.0;
pub const SECONDS: usize = 0;
pub const HOURS: usize = 1;
pub const DAY: usize = 2;

/// Kinds of questions, as far as they are told apart.
pub mod asked {
    pub const A: usize = 0;
    pub const AAAA: usize = 1;
    pub const SERVICE: usize = 2;
    pub const TXT: usize = 3;
    /// Types that no program of a host asks for.
    pub const RARE: usize = 4;
    /// Types whose answers are names.
    pub const NAMES: usize = 5;
    pub const PTR: usize = 6;
    pub const OTHER: usize = 7;
}

/// What came back.
pub mod answered {
    pub const DATA: usize = 0;
    pub const NOTHING: usize = 1;
    pub const NO_SUCH_NAME: usize = 2;
    pub const FAILURE: usize = 3;
    /// Data that may be kept for five seconds at most.
    pub const SHORT: usize = 4;
    /// Data that may be kept for a minute at least.
    pub const LONG: usize = 5;
    /// An address in 127/8, as block lists answer (RFC 5782 section 2.1).
    pub const LISTED: usize = 6;
    /// Data that never came before.
    pub const FRESH: usize = 7;
}

/// How new names look.
pub mod shape {
    pub const RANDOM: usize = 0;
    pub const BINARY: usize = 1;
    /// An address, its parts in labels or between hyphens.
    pub const ADDRESS: usize = 2;
    /// `_domainkey` and the like (RFC 8552).
    pub const SERVICE: usize = 3;
    /// Nearly as long as names may be.
    pub const LONG: usize = 4;
    /// Another domain in front of this one, as block lists and search lists have it.
    pub const DOMAIN: usize = 5;
    /// One label in front of the domain that did not come before.
    pub const SINGLE: usize = 6;
    /// Data beside the name.
    pub const EXTRA: usize = 7;
}

/// Small counters of which shares are taken; all are halved when one is full.
pub type Counts = [u8; 8];

pub fn count(counts: &mut Counts, at: usize) {
    if counts[at] == u8::MAX {
        counts.iter_mut().for_each(|n| *n /= 2);
    }
    counts[at] += 1;
}

/// Aligned so that it never lies in three cache lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(32))]
pub struct Pair {
    /// A part of the hash of client and domain, see [`crate::table`].
    pub key: u32,
    /// Tick of the last change.
    pub last: u32,
    /// Tick of the last new name.
    pub last_new: u32,
    /// Tick of the first message that what is charged now comes from.
    pub first: u32,
    /// Bytes that new names could have carried lately: within seconds, hours, a day.
    pub up: [f32; 3],
    /// Bytes that new answers could have carried lately: within a day.
    pub down: f32,
    /// The same without any leak.
    pub up_total: f32,
    pub down_total: f32,
    pub queries: u32,
    pub names: u32,
    /// Moving averages of the ticks between new names, and of how far they are off it.
    pub gap: f32,
    pub deviation: f32,
    pub asked: Counts,
    pub answered: Counts,
    pub shapes: Counts,
    /// Moving average of what a new name carries, in parts of a byte, see [`Self::cost`].
    pub cost: u16,
    /// Where within its tick [`Self::first`] is.
    pub first_part: u16,
    /// The number that was read in a label of the last new name, where, and how often it grew by one or did not.
    pub counter: u32,
    pub counter_at: u8,
    pub runs: u8,
    pub misses: u8,
    /// Spellings of names that came before, see [`crate::case`].
    pub spellings: u8,
    /// Distinct labels in new names.
    pub labels: u16,
    /// Number of its alert, from 1.
    pub alert: u16,
}

impl Pair {
    /// Lets the buckets leak until now; what comes when they are empty is the first of something new.
    #[inline]
    pub fn leak(&mut self, time: u64) {
        let now = ticks(time);
        let passed = between(self.last, now);
        if passed > 0.0 {
            for (bucket, life) in self.up.iter_mut().zip(HALF_LIVES) {
                *bucket *= half(passed / life);
            }
            self.down *= half(passed / HALF_LIVES[DAY]);
            self.last = now;
        }
        if self.up[DAY] < EMPTY && self.down < EMPTY {
            self.begin(time);
        }
    }

    #[inline]
    pub fn begin(&mut self, time: u64) {
        (self.first, self.first_part) = (ticks(time), part(time));
    }

    /// When the first message of what is charged came, ns.
    pub fn began(&self, now: u64) -> u64 {
        moment(self.first, self.first_part, now)
    }

    /// Bytes that a new name carries, on average.
    #[inline]
    pub fn cost(&self) -> f32 {
        f32::from(self.cost) / COST_PARTS
    }

    #[inline]
    pub fn charge(&mut self, bytes: f32) {
        self.up.iter_mut().for_each(|bucket| *bucket += bytes);
        self.up_total += bytes;
    }

    #[inline]
    pub fn charge_down(&mut self, bytes: f32) {
        self.down += bytes;
        self.down_total += bytes;
    }

    /// Of names that are spread over many domains or clients, [`Self::counter`] has a bit for each of them; by linear counting as in
    /// [`crate::domains`].
    pub fn parts(&self) -> u32 {
        let unset = self.counter.count_zeros().max(1) as f32;
        (32.0 * std::f32::consts::LN_2 * (5.0 - crate::time::log2(unset))) as u32
    }

    /// A new name came: how regular they come.
    #[inline]
    pub fn new_name(&mut self, now: u32, bytes: f32) {
        if self.names > 0 {
            let gap = between(self.last_new, now);
            let share = (1.0 / self.names as f32).max(0.1);
            self.deviation += ((gap - self.gap).abs() - self.deviation) * share;
            self.gap += (gap - self.gap) * share;
        }
        self.names = self.names.saturating_add(1);
        let cost = self.cost();
        self.cost = ((cost + (bytes - cost) * (1.0 / self.names as f32).max(0.05)) * COST_PARTS) as u16;
        self.last_new = now;
    }
}

#[inline]
pub fn asked_kind(kind: u16) -> usize {
    match kind {
        kind::A => asked::A,
        kind::AAAA => asked::AAAA,
        kind::HTTPS | kind::SVCB => asked::SERVICE,
        kind::TXT => asked::TXT,
        kind::CNAME | kind::MX | kind::SRV | kind::NS | kind::NAPTR => asked::NAMES,
        kind::PTR => asked::PTR,
        kind::SOA | kind::DS | kind::RRSIG | kind::NSEC..=kind::NSEC3PARAM | kind::TLSA | kind::CAA | kind::ANY => {
            asked::OTHER
        }
        _ => asked::RARE,
    }
}
