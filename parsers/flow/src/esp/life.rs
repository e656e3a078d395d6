//! How long associations live and which took the place of which: inferred from when each was used.

use super::{EspState, Sa};
use crate::Direction;
use crate::time::SECOND;

/// An association that was replaced is used no longer than this beside its successor: packets under way, and a peer that is
/// late to change (RFC 7296 section 2.8).
const OVERLAP: u64 = 30 * SECOND;
/// Packets in one direction before silence of the other says anything.
const ONE_WAY: u64 = 16;
const HOUR: u64 = 3600 * SECOND;

/// Successions of associations, and the shortest and longest time between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rekeys {
    pub count: u64,
    pub shortest: u64,
    pub longest: u64,
}

impl Sa {
    /// ns from the first to the last packet.
    pub fn life(&self) -> u64 {
        self.last_time.saturating_sub(self.first_time)
    }

    /// Its numbers are extended: keys showed it, or it went on past 32 bits.
    pub fn is_extended(&self) -> bool {
        self.extended || self.sequence.is_extended()
    }

    /// As [`Sequence::is_near_wrap`](super::Sequence::is_near_wrap).
    pub fn is_near_wrap(&self) -> bool {
        !self.extended && self.sequence.is_near_wrap()
    }

    /// What the sizes say of the cipher, where there is one.
    pub fn cipher_family(&self) -> Option<&'static str> {
        self.sizes.family().filter(|_| self.null.proven().is_none())
    }

    /// The same, where it is certain enough to be judged.
    pub fn certain_family(&self) -> Option<&'static str> {
        self.cipher_family().filter(|_| self.sizes.are_many())
    }

    /// Did the other end about when this one began, so that this one lived mostly alone?
    fn follows(&self, other: &Self) -> bool {
        let beside = other.last_time.saturating_sub(self.first_time);
        let earlier = other.first_time < self.first_time && other.direction == self.direction;
        earlier && beside <= OVERLAP.min(self.life() / 4)
    }
}

impl EspState {
    pub fn rekeys(&self) -> Rekeys {
        let all: Vec<&Sa> = self.sas().collect();
        let mut replaced = vec![false; all.len()];
        let mut rekeys = Rekeys { shortest: u64::MAX, ..Rekeys::default() };
        for (at, sa) in all.iter().enumerate() {
            // The latest that it can have replaced.
            let before = (0..at).rev().find(|before| !replaced[*before] && sa.follows(all[*before]));
            let Some(before) = before else { continue };
            replaced[before] = true;
            let interval = sa.first_time - all[before].first_time;
            rekeys.count += 1;
            rekeys.shortest = rekeys.shortest.min(interval);
            rekeys.longest = rekeys.longest.max(interval);
        }
        rekeys
    }

    pub fn is_both_ways(&self) -> bool {
        [Direction::Forward, Direction::Reverse].into_iter().all(|way| self.sas().any(|sa| sa.direction == way))
    }

    /// Many packets one way and none back: a tunnel that half works, or a capture of one side of it.
    pub fn is_one_way(&self) -> bool {
        let packets =
            |direction| -> u64 { self.sas().filter(|sa| sa.direction == direction).map(|sa| sa.packets).sum() };
        let (there, back) = (packets(Direction::Forward), packets(Direction::Reverse));
        there.min(back) == 0 && there.max(back) >= ONE_WAY && self.untracked == 0
    }

    /// Whole hours for which one association was used.
    pub fn hours(&self) -> u64 {
        self.sas().map(Sa::life).max().unwrap_or(0) / HOUR
    }
}

/// What the associations of a flow come to; by direction, forward first.
#[derive(Debug, Default)]
pub struct EspSummary {
    pub sas: [u64; 2],
    pub packets: [u64; 2],
    pub bytes: [u64; 2],
    pub lost: u64,
    pub replayed: u64,
    pub rekeys: u64,
    pub null: Option<bool>,
    pub family: Option<&'static str>,
    pub nat_t: bool,
}

impl EspState {
    pub fn summary(&self) -> EspSummary {
        let mut all = EspSummary {
            rekeys: self.rekeys().count,
            null: self.null_encryption(),
            nat_t: self.nat_t,
            ..EspSummary::default()
        };
        for sa in self.sas() {
            let way = sa.direction as usize;
            all.sas[way] += 1;
            all.packets[way] += sa.packets;
            all.bytes[way] = all.bytes[way].saturating_add(sa.bytes);
            all.lost += sa.sequence.lost();
            all.replayed += sa.sequence.replayed();
            all.family = all.family.or_else(|| sa.cipher_family());
        }
        all
    }
}
