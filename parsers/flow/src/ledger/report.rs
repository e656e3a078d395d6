//! Findings that are not counted up any more: put in their order and written as lines of the contract.

use super::Verdicts;
use super::findings::{Findings, Seen, Set};
use super::verdict::{Severity, Status, Verdict};
use crate::hash::Map;
use crate::json;
use crate::time::Clock;
use std::cmp::Reverse;
use std::sync::Arc;

/// What a line usually takes, to set room aside.
const LINE: usize = 768;

/// Findings that are not counted up any more.
pub struct Report {
    /// Of all sets, one behind the other; a list that sets share is there once.
    verdicts: Vec<Arc<Verdict>>,
    /// By number of the place: rank of its endpoint, and number of the name, 0 for none.
    places: Vec<(u32, u32)>,
    /// Endpoints as JSON strings, in their order.
    endpoints: Vec<Box<[u8]>>,
    /// Names as JSON strings; the first is null.
    names: Vec<Box<[u8]>>,
    middles: Middles,
    order: Vec<Rank>,
}

/// Where a finding stands among the others; compared member by member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    severity: Reverse<Severity>,
    check: u32,
    endpoint: u32,
    uid: [u8; 16],
    line: Line,
}

/// What a line is made of, by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    verdict: u32,
    place: u32,
    seen: u32,
}

impl Report {
    pub fn new(taken: Findings, sources: Vec<Arc<str>>) -> Self {
        let (endpoints, ranks) = ranked(taken.places.keys().map(|(endpoint, _)| *endpoint), |endpoint| {
            let mut text = vec![b'"'];
            endpoint.write(&mut text);
            text.push(b'"');
            text.into_boxed_slice()
        });
        let mut names = vec![Box::from(*b"null") as Box<[u8]>; taken.names.len() + 1];
        for (name, number) in taken.names {
            let mut text = Vec::with_capacity(name.len() + 2);
            json::text(&mut text, name.as_bytes());
            names[number as usize] = text.into_boxed_slice();
        }
        let mut places = vec![(0, 0); taken.places.len()];
        for ((endpoint, name), number) in taken.places {
            places[number as usize] = (ranks[&endpoint], name);
        }
        let mut middles = Middles { sources, ..Middles::default() };
        let (lines, verdicts) = told_apart(taken.sets, &mut middles);
        let (_, checks) = ranked(verdicts.iter().map(|verdict| &*verdict.check), |check| check);
        let checks: Vec<_> = verdicts.iter().map(|verdict| checks[&*verdict.check]).collect();
        let mut scratch = Vec::new();
        let rank = |line: Line| {
            let (endpoint, name) = places[line.place as usize];
            let verdict = &verdicts[line.verdict as usize];
            Rank {
                severity: Reverse(verdict.severity),
                check: checks[line.verdict as usize],
                endpoint,
                uid: verdict.uid(&endpoints[endpoint as usize], &names[name as usize], &mut scratch),
                line,
            }
        };
        let mut order: Vec<Rank> = lines.into_iter().map(rank).collect();
        order.sort_unstable();
        Self { verdicts, places, endpoints, names, middles, order }
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
        for verdict in self.verdicts().filter(|verdict| verdict.status.is_against()) {
            counts[verdict.severity as usize] += 1;
        }
        counts
    }

    /// How many say that something could not be observed.
    pub fn not_observable(&self) -> u64 {
        self.verdicts().filter(|verdict| verdict.status == Status::NotObservable).count() as u64
    }

    fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.order.iter().map(|rank| &*self.verdicts[rank.line.verdict as usize])
    }

    /// Lines of up to `most` findings from `first` on, as JSON Lines.
    pub fn lines(&self, first: usize, most: usize) -> Vec<u8> {
        let some = self.order.iter().skip(first).take(most);
        let mut out = Vec::with_capacity(some.len() * LINE);
        for rank in some {
            self.write(rank, &mut out);
        }
        out
    }

    fn write(&self, rank: &Rank, out: &mut Vec<u8>) {
        let verdict = &*self.verdicts[rank.line.verdict as usize];
        let [before, behind] = self.middles.get(rank.line.seen);
        out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
        json::hex(out, &rank.uid);
        out.push(b'"');
        out.extend_from_slice(&verdict.head);
        out.extend_from_slice(b",\"endpoint\":");
        out.extend_from_slice(&self.endpoints[rank.endpoint as usize]);
        let (_, name) = self.places[rank.line.place as usize];
        if name != 0 {
            out.extend_from_slice(b",\"name\":");
            out.extend_from_slice(&self.names[name as usize]);
        }
        out.extend_from_slice(&verdict.observed);
        out.extend_from_slice(before);
        json::text(out, verdict.evidence.as_bytes());
        out.extend_from_slice(behind);
        out.extend_from_slice(&verdict.tail);
        out.extend_from_slice(b"}\n");
    }
}

/// The sets as single findings, and their verdicts. What several sets of a place have in common is one finding.
fn told_apart(mut sets: Vec<Set>, middles: &mut Middles) -> (Vec<Line>, Vec<Arc<Verdict>>) {
    // Stable: what came first tells how a finding is worded, unless a later one knows more.
    sets.sort_by_key(|set| set.place);
    let mut lines: Vec<Line> = Vec::with_capacity(sets.iter().map(|set| set.verdicts.len()).sum());
    let mut verdicts: Vec<Arc<Verdict>> = Vec::new();
    let mut lists: Map<usize, u32> = Map::default();
    let mut number_of = |list: &Verdicts| {
        *lists.entry(list.as_ptr().addr()).or_insert_with(|| {
            verdicts.extend(list.iter().cloned());
            (verdicts.len() - list.len()) as u32
        })
    };
    for here in sets.chunk_by(|a, b| a.place == b.place) {
        let place = here[0].place;
        if let [set] = here {
            let (start, seen) = (number_of(&set.verdicts), middles.add(&set.seen));
            lines.extend((start..).take(set.verdicts.len()).map(|verdict| Line { verdict, place, seen }));
            continue;
        }
        // Of each finding its verdict, and the sets that it is in.
        let mut told: Vec<(u32, Vec<usize>)> = Vec::new();
        let mut known: Map<[u8; 16], usize> = Map::default();
        for (at, set) in here.iter().enumerate() {
            for (verdict, number) in set.verdicts.iter().zip(number_of(&set.verdicts)..) {
                let place = *known.entry(verdict.identity).or_insert(told.len());
                match told.get_mut(place) {
                    None => told.push((number, vec![at])),
                    Some((wording, sets)) => {
                        sets.push(at);
                        if verdict.renews {
                            *wording = number;
                        }
                    }
                }
            }
        }
        let mut joined: Map<Vec<usize>, u32> = Map::default();
        for (verdict, of) in told {
            let seen = *joined.entry(of).or_insert_with_key(|of| {
                let mut seen = here[of[0]].seen.clone();
                of[1..].iter().for_each(|at| seen.merge(&here[*at].seen));
                middles.add(&seen)
            });
            lines.push(Line { verdict, place, seen });
        }
    }
    (lines, verdicts)
}

/// What lines say between the observed and the remediation, but for the class of the evidence: written once for all findings that
/// share it.
#[derive(Default)]
struct Middles {
    text: Vec<u8>,
    /// Of each the end, and where the class goes.
    ends: Vec<[usize; 2]>,
    clock: Clock,
    /// Names of the captures, by number.
    sources: Vec<Arc<str>>,
}

impl Middles {
    fn add(&mut self, seen: &Seen) -> u32 {
        let Self { text, ends, clock, sources } = self;
        text.extend_from_slice(b",\"count\":");
        json::decimal(text, seen.count);
        if seen.bytes > 0 {
            json::number(text, "bytes", seen.bytes);
        }
        for (name, time) in [("first_seen", seen.first_seen), ("last_seen", seen.last_seen)] {
            json::key(text, name);
            clock.quoted(text, time);
        }
        text.extend_from_slice(b",\"evidence\":{\"class\":");
        let class = text.len();
        let first = |at: usize, flow| !seen.evidence.iter().take(at).any(|earlier| earlier.flow == flow);
        let flows = seen.evidence.iter().enumerate().filter(|(at, evidence)| first(*at, evidence.flow));
        json::list(text, "flows", flows, |out, (_, evidence)| {
            out.push(b'"');
            out.extend_from_slice(&evidence.flow);
            out.push(b'"');
        });
        json::list(text, "frames", seen.evidence.iter(), |out, evidence| {
            let source = sources.get(evidence.source as usize).map_or(&b""[..], |source| source.as_bytes());
            json::text(out, source);
            out.pop();
            out.push(b'#');
            json::decimal(out, evidence.frame);
            out.push(b'"');
        });
        text.push(b'}');
        ends.push([class, text.len()]);
        ends.len() as u32 - 1
    }

    /// What stands before the class, and what behind it.
    fn get(&self, number: u32) -> [&[u8]; 2] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before as usize][1]);
        let [class, end] = self.ends[number as usize];
        [&self.text[start..class], &self.text[class..end]]
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
