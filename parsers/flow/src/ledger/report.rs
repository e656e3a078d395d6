//! Findings that are not counted up any more: put in their order and written as lines of the contract.

use super::findings::{Findings, Open, Seen};
use super::verdict::{Severity, Status};
use crate::endpoint::Endpoint;
use crate::hash::Map;
use crate::json;
use crate::time::Clock;
use std::ops::Range;
use std::sync::Arc;

/// What a line usually takes, to set room aside.
const LINE: usize = 768;

/// Findings that are not counted up any more.
pub struct Report {
    findings: Vec<Open>,
    seen: Vec<Seen>,
    /// By number of the place: rank of its endpoint, and the name.
    places: Vec<(u32, Option<Arc<str>>)>,
    endpoints: Endpoints,
    /// Names of the captures, by number.
    sources: Vec<Arc<str>>,
    /// By number of the finding.
    uids: Vec<[u8; 16]>,
    /// Numbers of the findings.
    order: Vec<u32>,
}

impl Report {
    pub fn new(taken: Findings, sources: Vec<Arc<str>>) -> Self {
        let mut names = vec![None; taken.names.len() + 1];
        for (name, number) in taken.names {
            names[number as usize] = Some(name);
        }
        let (endpoints, ranks) = Endpoints::of(taken.places.keys().map(|(endpoint, _)| *endpoint));
        let mut places = vec![(0, None); taken.places.len()];
        for ((endpoint, name), number) in taken.places {
            places[number as usize] = (ranks[&endpoint], names[name as usize].clone());
        }
        let mut scratch = Vec::new();
        let uid = |open: &Open| {
            let (endpoint, name) = &places[open.place as usize];
            open.verdict.uid(endpoints.get(*endpoint), name.as_deref(), &mut scratch)
        };
        let uids: Vec<_> = taken.all.iter().map(uid).collect();
        let order = in_order(&taken.all, &places, &uids);
        Self { findings: taken.all, seen: taken.seen, places, endpoints, sources, uids, order }
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
        for at in some {
            self.write(&self.findings[*at as usize], &self.uids[*at as usize], &mut clock, &mut out);
        }
        out
    }

    fn write(&self, open: &Open, uid: &[u8; 16], clock: &mut Clock, out: &mut Vec<u8>) {
        let (verdict, seen) = (&*open.verdict, &self.seen[open.seen as usize]);
        let (endpoint, name) = &self.places[open.place as usize];
        out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
        json::hex(out, uid);
        out.push(b'"');
        out.extend_from_slice(&verdict.head);
        out.extend_from_slice(b",\"endpoint\":");
        out.extend_from_slice(self.endpoints.get(*endpoint));
        if let Some(name) = name {
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

/// Numbers of the findings: the worst first, then by check, endpoint and uid.
fn in_order(findings: &[Open], places: &[(u32, Option<Arc<str>>)], uids: &[[u8; 16]]) -> Vec<u32> {
    let mut checks: Map<&str, u64> = findings.iter().map(|open| (&*open.verdict.check, 0)).collect();
    let mut sorted: Vec<_> = checks.keys().copied().collect();
    sorted.sort_unstable();
    checks.extend(sorted.into_iter().zip(0..));
    // One number for all but the uid: nearly every comparison is one of numbers side by side.
    let rank = |open: &Open| {
        let mildness = u64::from(Severity::Critical as u8 - open.verdict.severity as u8);
        mildness << 56 | checks[&*open.verdict.check] << 32 | u64::from(places[open.place as usize].0)
    };
    let mut order: Vec<(u64, u32)> = findings.iter().map(rank).zip(0..).collect();
    order
        .sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| (uids[a.1 as usize], a.1).cmp(&(uids[b.1 as usize], b.1))));
    order.into_iter().map(|(_, at)| at).collect()
}

/// Endpoints as JSON strings, by rank in the order of these.
struct Endpoints {
    text: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Endpoints {
    /// The distinct ones, and the rank of each.
    fn of(all: impl Iterator<Item = Endpoint>) -> (Self, Map<Endpoint, u32>) {
        let mut ranks: Map<Endpoint, u32> = all.map(|endpoint| (endpoint, 0)).collect();
        let mut text = Vec::new();
        // What begins differently is told apart by one comparison.
        let mut written: Vec<(u128, Range<usize>, Endpoint)> = Vec::with_capacity(ranks.len());
        for endpoint in ranks.keys() {
            let start = text.len();
            text.push(b'"');
            endpoint.write(&mut text);
            text.push(b'"');
            let mut head = [0; 16];
            head.iter_mut().zip(&text[start..]).for_each(|(to, from)| *to = *from);
            written.push((u128::from_be_bytes(head), start..text.len(), *endpoint));
        }
        let whole = |place: &Range<usize>| &text[place.clone()];
        written.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| whole(&a.1).cmp(whole(&b.1))));
        for ((_, _, endpoint), rank) in written.iter().zip(0..) {
            ranks.insert(*endpoint, rank);
        }
        let places = written.into_iter().map(|(_, place, _)| place).collect();
        (Self { text, places }, ranks)
    }

    fn get(&self, rank: u32) -> &[u8] {
        &self.text[self.places[rank as usize].clone()]
    }
}
