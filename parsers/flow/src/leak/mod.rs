//! Traffic that passes a tunnel by: flows outside of IPsec that a policy says have to be inside, and flows that are seen both
//! inside a tunnel that can be read and outside of it.
//!
//! Told when flows end, so that it costs packets nothing. A flow outside waits a moment for its copy inside, which may end later.
//! Several cores tell each other what they learnt, see [`Heard`].

mod policy;

pub use policy::{Policy, Source};

use crate::entry::{Entry, mark};
use crate::json;
use crate::key::Key;
use crate::recent::Recent;
use crate::time::SECOND;
use policy::Course;
use std::collections::VecDeque;
use std::sync::Arc;
use transitproof_wire::{Class, Protocol};

/// Policies held at a time; each flow that ends is held against all of them.
pub const MAX_POLICIES: usize = 1024;
/// Flows that wait for their copies, 128 bytes each.
const MAX_WAITING: usize = 65_536;
/// Flows inside tunnels that are remembered, some 80 bytes each, twice.
const MAX_INSIDE: usize = 32_768;
/// ns for which a flow waits: more than the copies of its last packets are apart, and than the wheel of the table needs.
const WAIT: u64 = 10 * SECOND;
/// ns between a packet and its copy on the other side of a gateway. Less than any retransmission of TCP waits (RFC 6298, Linux's
/// 200 ms): what was sent in the clear and then again inside is no copy.
const APART: u64 = SECOND / 10;

/// A flow inside: when it began and ended, and whether its ends sent something, low one first.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    start: u64,
    last: u64,
    from: [bool; 2],
}

impl Span {
    fn of(entry: &Entry) -> Self {
        let [forward, reverse] = entry.packets().map(|packets| packets > 0);
        let low_first = entry.has(mark::INITIATOR_LOW);
        let from = if low_first { [forward, reverse] } else { [reverse, forward] };
        Self { start: entry.start, last: entry.last, from }
    }

    /// Whether the packets of that flow are those of this one.
    fn copies(&self, inside: &Self) -> bool {
        let together = self.start.abs_diff(inside.start) <= APART || self.last.abs_diff(inside.last) <= APART;
        together && (0..2).all(|end| inside.from[end] || !self.from[end])
    }
}

/// What a core learnt that others need.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    policies: Vec<Arc<Policy>>,
    inside: Vec<(Key, Span)>,
    /// It saw inside a tunnel.
    curious: bool,
}

struct Waiting {
    entry: Entry,
    until: u64,
}

#[derive(Default)]
pub struct Leaks {
    policies: Vec<Arc<Policy>>,
    inside: Recent<Span, MAX_INSIDE, Key>,
    waiting: VecDeque<Waiting>,
    /// Policies may still come, or copies: then every flow outside waits.
    curious: bool,
    /// For the other cores, if there are some.
    heard: Option<Heard>,
}

impl Leaks {
    /// One more policy, if it is not known already. False if there is no room.
    pub fn add(&mut self, policy: Arc<Policy>) -> bool {
        if self.policies.iter().any(|known| known.same(&policy)) {
            return true;
        }
        let room = self.policies.len() < MAX_POLICIES;
        if room {
            if policy.source == Source::Selectors
                && let Some(heard) = &mut self.heard
            {
                heard.policies.push(policy.clone());
            }
            self.policies.push(policy);
        }
        room
    }

    /// What the host says now, instead of what it said before. False if there is no room.
    pub fn replace_host(&mut self, policies: &[Arc<Policy>]) -> bool {
        self.policies.retain(|policy| policy.source != Source::Host);
        policies.iter().all(|policy| self.add(policy.clone()))
    }

    /// Policies may still come from other cores, or copies from inside.
    pub fn expect(&mut self) {
        self.curious = true;
    }

    /// There are other cores.
    pub fn share(&mut self) {
        self.heard.get_or_insert_default();
    }

    pub fn take_heard(&mut self) -> Heard {
        let heard = self.heard.as_mut().map(std::mem::take).unwrap_or_default();
        Heard { curious: self.curious, ..heard }
    }

    pub fn hear(&mut self, other: &Heard) {
        self.curious |= other.curious;
        for policy in &other.policies {
            if !self.policies.iter().any(|known| known.same(policy)) && self.policies.len() < MAX_POLICIES {
                self.policies.push(policy.clone());
            }
        }
        other.inside.iter().for_each(|(key, span)| self.inside.insert(*key, *span));
    }

    /// A flow ended inside a tunnel.
    pub fn ended_inside(&mut self, entry: &Entry) {
        let (key, span) = (entry.key.bare(), Span::of(entry));
        if let Some(heard) = &mut self.heard {
            heard.inside.push((key, span));
        }
        self.inside.insert(key, span);
    }

    /// A flow ended outside, at `time`. False if there is no room for it to wait.
    pub fn ended_outside(&mut self, entry: &Entry, time: u64) -> bool {
        if entry.class() == Class::Ipsec || !self.curious && self.covering(entry).is_none() {
            return true;
        }
        let room = self.waiting.len() < MAX_WAITING;
        if room {
            self.waiting.push_back(Waiting { entry: entry.outline(), until: time.saturating_add(WAIT) });
        }
        room
    }

    fn covering(&self, entry: &Entry) -> Option<(&Arc<Policy>, Course)> {
        self.policies.iter().find_map(|policy| Some((policy, policy.covers(entry)?)))
    }

    /// Flows that waited long enough by `time`, or all, with their facts if they are leaks.
    pub fn told(&mut self, time: Option<u64>) -> Vec<(Entry, Vec<u8>)> {
        let over = |waiting: &Waiting| time.is_none_or(|time| waiting.until <= time);
        let mut told = Vec::new();
        while self.waiting.front().is_some_and(over)
            && let Some(Waiting { entry, .. }) = self.waiting.pop_front()
        {
            let copied = self.inside.get(&entry.key.bare()).is_some_and(|inside| Span::of(&entry).copies(inside));
            let covering = self.covering(&entry);
            if copied || covering.is_some() {
                let facts = facts(entry.protocol, covering, copied);
                told.push((entry, facts));
            }
        }
        told
    }
}

fn facts(protocol: Protocol, covering: Option<(&Arc<Policy>, Course)>, copied: bool) -> Vec<u8> {
    let mut out = br#"{"class":"ipsec""#.to_vec();
    match covering.map(|(policy, _)| policy.source) {
        Some(Source::Selectors) => json::word(&mut out, "evidence", "decrypted"),
        Some(Source::Host) => json::word(&mut out, "evidence", "host"),
        Some(Source::Given) | None => {}
    }
    json::word(&mut out, "leak.class", protocol.class().name());
    if protocol != Protocol::Unknown {
        json::word(&mut out, "leak.protocol", protocol.name());
    }
    if let Some((policy, course)) = covering {
        json::word(&mut out, "leak.source", policy.source.word());
        json::word(&mut out, "leak.policy", &policy.text);
        json::word(&mut out, "leak.direction", course.word());
    }
    json::boolean(&mut out, "leak.seen_inside", copied);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, last: u64, from: [bool; 2]) -> Span {
        Span { start: start * SECOND, last: last * SECOND, from }
    }

    #[test]
    fn a_copy_begins_or_ends_with_what_it_copies() {
        let inside = span(10, 20, [true, true]);
        assert!(span(10, 30, [true, true]).copies(&inside));
        assert!(span(5, 20, [true, false]).copies(&inside));
        assert!(!span(9, 19, [true, true]).copies(&inside), "sent in the clear, then again inside");
        assert!(!span(10, 20, [true, true]).copies(&span(10, 20, [true, false])), "the way back is outside only");
    }
}
