//! Findings that are not counted up any more: put in their order and written as lines of the contract.

use super::findings::{Findings, Open, Seen};
use super::verdict::{Severity, Status};
use crate::hash::Map;
use crate::json;
use crate::time::Clock;
use std::cmp::Reverse;
use std::sync::Arc;

/// What a line usually takes, to set room aside.
const LINE: usize = 768;

/// Findings that are not counted up any more.
pub struct Report {
    findings: Vec<Open>,
    seen: Vec<Seen>,
    /// By number of the place: rank of its endpoint, and the name.
    places: Vec<(u32, Option<Arc<str>>)>,
    /// Endpoints as JSON strings, in their order.
    endpoints: Vec<Box<[u8]>>,
    /// Names of the captures, by number.
    sources: Vec<Arc<str>>,
    order: Vec<Rank>,
}

/// Where a finding stands among the others; compared member by member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    severity: Reverse<Severity>,
    check: u32,
    endpoint: u32,
    uid: [u8; 16],
    at: u32,
}

impl Report {
    pub fn new(taken: Findings, sources: Vec<Arc<str>>) -> Self {
        let (endpoints, ranks) = ranked(taken.places.keys().map(|(endpoint, _)| *endpoint), |endpoint| {
            let mut text = vec![b'"'];
            endpoint.write(&mut text);
            text.push(b'"');
            text.into_boxed_slice()
        });
        let mut names = vec![None; taken.names.len() + 1];
        for (name, number) in taken.names {
            names[number as usize] = Some(name);
        }
        let mut places = vec![(0, None); taken.places.len()];
        for ((endpoint, name), number) in taken.places {
            places[number as usize] = (ranks[&endpoint], names[name as usize].clone());
        }
        let (_, checks) = ranked(taken.all.iter().map(|open| &*open.verdict.check), |check| check);
        let mut scratch = Vec::new();
        let rank = |(open, at): (&Open, u32)| {
            let (endpoint, name) = &places[open.place as usize];
            Rank {
                severity: Reverse(open.verdict.severity),
                check: checks[&*open.verdict.check],
                endpoint: *endpoint,
                uid: open.verdict.uid(&endpoints[*endpoint as usize], name.as_deref(), &mut scratch),
                at,
            }
        };
        let mut order: Vec<Rank> = taken.all.iter().zip(0..).map(rank).collect();
        order.sort_unstable();
        Self { findings: taken.all, seen: taken.seen, places, endpoints, sources, order }
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many warn or fail, by severity, mildest first.
    pub fn against(&self) -> [u64; Severity::ALL.len()] {
        let mut counts = [0; Severity::ALL.len()];
        for open in self.findings.iter().filter(|open| open.verdict.status.is_against()) {
            counts[open.verdict.severity as usize] += 1;
        }
        counts
    }

    /// How many say that something could not be observed.
    pub fn not_observable(&self) -> u64 {
        let hidden = |open: &&Open| open.verdict.status == Status::NotObservable;
        self.findings.iter().filter(hidden).count() as u64
    }

    /// Lines of up to `most` findings from `first` on, as JSON Lines.
    pub fn lines(&self, first: usize, most: usize) -> Vec<u8> {
        let mut clock = Clock::default();
        let some = self.order.iter().skip(first).take(most);
        let mut out = Vec::with_capacity(some.len() * LINE);
        for rank in some {
            self.write(rank, &mut clock, &mut out);
        }
        out
    }

    fn write(&self, rank: &Rank, clock: &mut Clock, out: &mut Vec<u8>) {
        let open = &self.findings[rank.at as usize];
        let (verdict, seen) = (&*open.verdict, &self.seen[open.seen as usize]);
        out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
        json::hex(out, &rank.uid);
        out.push(b'"');
        out.extend_from_slice(&verdict.head);
        out.extend_from_slice(b",\"endpoint\":");
        out.extend_from_slice(&self.endpoints[rank.endpoint as usize]);
        if let Some(name) = &self.places[open.place as usize].1 {
            json::string(out, "name", name.as_bytes());
        }
        out.extend_from_slice(&verdict.observed);
        json::number(out, "count", seen.count);
        for (name, time) in [("first_seen", seen.first_seen), ("last_seen", seen.last_seen)] {
            json::key(out, name);
            clock.quoted(out, time);
        }
        out.extend_from_slice(b",\"evidence\":{");
        json::word(out, "class", &verdict.evidence);
        let first = |at: usize, flow| !seen.evidence.iter().take(at).any(|earlier| earlier.flow == flow);
        let flows = seen.evidence.iter().enumerate().filter(|(at, evidence)| first(*at, evidence.flow));
        json::list(out, "flows", flows, |out, (_, evidence)| {
            out.push(b'"');
            out.extend_from_slice(&evidence.flow);
            out.push(b'"');
        });
        json::list(out, "frames", seen.evidence.iter(), |out, evidence| {
            json::text(out, self.sources[evidence.source as usize].as_bytes());
            out.pop();
            out.push(b'#');
            json::decimal(out, evidence.frame);
            out.push(b'"');
        });
        out.push(b'}');
        out.extend_from_slice(&verdict.tail);
        out.extend_from_slice(b"}\n");
    }
}

/// The distinct things in the order of what `key` makes of them, and the rank of each.
fn ranked<T: Copy + Eq + std::hash::Hash, K: Ord>(
    things: impl Iterator<Item = T>,
    key: impl Fn(T) -> K,
) -> (Vec<K>, Map<T, u32>) {
    let mut ranks: Map<T, u32> = Map::default();
    let mut keyed: Vec<(K, T)> = Vec::new();
    for thing in things {
        ranks.entry(thing).or_insert_with(|| {
            keyed.push((key(thing), thing));
            0
        });
    }
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for ((_, thing), rank) in keyed.iter().zip(0..) {
        ranks.insert(*thing, rank);
    }
    (keyed.into_iter().map(|(key, _)| key).collect(), ranks)
}
