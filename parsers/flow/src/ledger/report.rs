//! Findings that are not counted up any more: put in their order and written as lines of the contract.

use super::Verdicts;
use super::findings::{Seen, Set};
use super::places::Places;
use super::verdict::{Severity, Status, Verdict};
use crate::hash::{Grown, Map};
use crate::json;
use crate::time::Clock;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// What a line usually takes, to set room aside.
const LINE: usize = 1024;

/// Findings that are not counted up any more, to be read once: the worst first, then by check, endpoint and uid. Uids are hashed
/// when their turn comes; what is held of a finding until then is a [`Line`].
pub struct Report {
    /// Of all sets, one behind the other; a list that sets share is there once.
    verdicts: Vec<Arc<Verdict>>,
    /// By number of the verdict: rank of its severity and check.
    ranks: Vec<u32>,
    groups: Vec<Group>,
    /// As JSON strings, in their order.
    endpoints: Vec<Box<[u8]>>,
    /// By number in the ledger, as JSON strings; of none it is null.
    names: Grown<u32, Box<[u8]>>,
    middles: Middles,
    /// In order, but for the uid.
    lines: Vec<Line>,
    against: [u64; Severity::ALL.len()],
    not_observable: u64,
    /// How many lines were taken in hand.
    taken: usize,
    /// Those of one severity, check and endpoint that are not written yet, in descending order of their uids, as numbers.
    hand: Vec<(u128, Line)>,
    scratch: Vec<u8>,
}

/// A finding: numbers of its verdict and its group.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    verdict: u32,
    group: u32,
}

/// Findings at one place that were seen together: `len` verdicts from `first` on.
struct Group {
    first: u32,
    len: u32,
    /// Rank of the endpoint.
    endpoint: u32,
    /// Place of the name in the list; 0 for none.
    name: u32,
    seen: u32,
}

impl Group {
    fn verdicts(&self) -> Range<u32> {
        self.first..self.first + self.len
    }
}

impl Report {
    pub fn new(taken: Vec<Set>, places: &Places, sources: Vec<Arc<str>>) -> Self {
        let (endpoints, ranks) = ranked(taken.iter().map(|set| set.place.endpoint), |endpoint| {
            let mut text = vec![b'"'];
            places.endpoint(endpoint).inspect(|endpoint| endpoint.write(&mut text));
            text.push(b'"');
            text.into_boxed_slice()
        });
        let mut names: Grown<u32, Box<[u8]>> = Grown::default();
        names.insert(0, Box::from(*b"null"));
        let mut middles = Middles { sources, ..Middles::default() };
        let mut sets: Vec<_> = taken.iter().map(|set| (ranks[&set.place.endpoint], set)).collect();
        // Stable: what came first tells how a finding is worded, unless a later one knows more.
        sets.sort_by_key(|(rank, set)| (*rank, set.place.number));
        let (groups, verdicts) = told_apart(&sets, &mut middles, |name| {
            let text = || {
                let mut text = Vec::new();
                json::text(&mut text, places.name(name).map_or(b"", |name| name.as_bytes()));
                text.into_boxed_slice()
            };
            let entry = names.entry(name);
            let at = entry.index() as u32;
            entry.or_insert_with(text);
            at
        });
        let weight = |verdict: &Arc<Verdict>| (Reverse(verdict.severity as u8), verdict.check.clone());
        let weights: Vec<_> = verdicts.iter().map(weight).collect();
        let (_, ranks) = ranked(weights.iter(), |weight| weight);
        let ranks: Vec<_> = weights.iter().map(|weight| ranks[weight]).collect();
        let (lines, times) = in_order(&groups, &ranks);
        let (mut against, mut not_observable) = ([0; Severity::ALL.len()], 0);
        for (verdict, times) in verdicts.iter().zip(times) {
            match verdict.status {
                Status::NotObservable => not_observable += times,
                status if status.is_against() => against[verdict.severity as usize] += times,
                _ => {}
            }
        }
        let (taken, hand, scratch) = (0, Vec::new(), Vec::new());
        Self {
            verdicts,
            ranks,
            groups,
            endpoints,
            names,
            middles,
            lines,
            against,
            not_observable,
            taken,
            hand,
            scratch,
        }
    }

    /// How many there are, those that were read included.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many warn or fail, by severity, mildest first.
    pub fn against(&self) -> [u64; Severity::ALL.len()] {
        self.against
    }

    /// How many say that something could not be observed.
    pub fn not_observable(&self) -> u64 {
        self.not_observable
    }

    /// The next up to `most` findings as JSON Lines; nothing once all were read.
    pub fn lines(&mut self, most: usize) -> Vec<u8> {
        let left = self.lines.len() - self.taken + self.hand.len();
        let mut out = Vec::with_capacity(left.min(most) * LINE);
        for _ in 0..most {
            if self.hand.is_empty() {
                self.take_in_hand();
            }
            let Some((uid, line)) = self.hand.pop() else { break };
            self.write(&uid.to_be_bytes(), line, &mut out);
        }
        out
    }

    /// The next lines that only their uids tell apart in order.
    fn take_in_hand(&mut self) {
        let Self { verdicts, ranks, groups, endpoints, names, middles, hand, scratch, .. } = self;
        let weight = |line: &Line| (ranks[line.verdict as usize], groups[line.group as usize].endpoint);
        let rest = &self.lines[self.taken..];
        let Some(alike) = rest.chunk_by(|a, b| weight(a) == weight(b)).next() else { return };
        self.taken += alike.len();
        hand.extend(alike.iter().map(|line| {
            let Group { endpoint, name, seen, .. } = groups[line.group as usize];
            let verdict = &verdicts[line.verdict as usize];
            middles.load(seen);
            let uid = verdict.uid(&endpoints[endpoint as usize], &names[name as usize], scratch);
            (u128::from_be_bytes(uid), *line)
        }));
        hand.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn write(&self, uid: &[u8], line: Line, out: &mut Vec<u8>) {
        let verdict = &*self.verdicts[line.verdict as usize];
        let Group { endpoint, name, seen, .. } = self.groups[line.group as usize];
        let [before, behind] = self.middles.get(seen);
        out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
        json::hex(out, uid);
        out.push(b'"');
        out.extend_from_slice(&verdict.head);
        out.extend_from_slice(b",\"endpoint\":");
        out.extend_from_slice(&self.endpoints[endpoint as usize]);
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

/// The lines of all groups by the ranks of their verdicts, in the order of the groups where those are equal; and how many there are of
/// each verdict.
fn in_order(groups: &[Group], ranks: &[u32]) -> (Vec<Line>, Vec<u64>) {
    let mut times = vec![0u64; ranks.len()];
    for verdict in groups.iter().flat_map(Group::verdicts) {
        times[verdict as usize] += 1;
    }
    // Counting sort: of each rank the place of its next line.
    let mut next = vec![0; ranks.iter().max().map_or(0, |most| *most as usize + 1)];
    for (rank, times) in ranks.iter().zip(&times) {
        next[*rank as usize] += *times as usize;
    }
    let mut total = 0;
    for next in &mut next {
        (*next, total) = (total, total + *next);
    }
    let mut lines = vec![Line::default(); total];
    for (group, number) in groups.iter().zip(0..) {
        for verdict in group.verdicts() {
            let at = &mut next[ranks[verdict as usize] as usize];
            lines[*at] = Line { verdict, group: number };
            *at += 1;
        }
    }
    (lines, times)
}

/// The sets with the ranks of their endpoints, place by place, as groups of different findings, and their verdicts. What several sets of
/// a place have in common is one finding. `name_of`: where the name of this number is.
fn told_apart(
    sets: &[(u32, &Set)],
    middles: &mut Middles,
    mut name_of: impl FnMut(u32) -> u32,
) -> (Vec<Group>, Vec<Arc<Verdict>>) {
    let mut groups: Vec<Group> = Vec::with_capacity(2 * sets.len());
    let mut verdicts: Vec<Arc<Verdict>> = Vec::new();
    let mut lists: Map<usize, u32> = Map::default();
    let mut number_of = |list: &Verdicts| {
        *lists.entry(list.as_ptr().addr()).or_insert_with(|| {
            verdicts.extend(list.iter().cloned());
            (verdicts.len() - list.len()) as u32
        })
    };
    for here in sets.chunk_by(|(_, a), (_, b)| a.place == b.place) {
        let (endpoint, set) = here[0];
        let name = name_of(set.place.name);
        if here.len() == 1 {
            let seen = middles.add(&set.seen);
            for said in set.said.iter().filter(|said| !said.is_empty()) {
                groups.push(Group { first: number_of(said), len: said.len() as u32, endpoint, name, seen });
            }
            continue;
        }
        // Of each finding its verdict, and the sets that it is in.
        let mut told: Vec<(u32, Vec<usize>)> = Vec::new();
        let mut known: Map<[u8; 16], usize> = Map::default();
        for (at, (_, set)) in here.iter().enumerate() {
            let numbered = set.said.iter().flat_map(|said| said.iter().zip(number_of(said)..));
            for (verdict, number) in numbered {
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
        for (first, of) in told {
            let seen = *joined.entry(of).or_insert_with_key(|of| {
                let mut seen = here[of[0]].1.seen.clone();
                of[1..].iter().for_each(|at| seen.merge(&here[*at].1.seen));
                middles.add(&seen)
            });
            groups.push(Group { first, len: 1, endpoint, name, seen });
        }
    }
    (groups, verdicts)
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

    /// Brings it into the cache. Here findings come as the text lies in memory, which the machine reads ahead; when they are written
    /// they come by their uids, and each would wait for it.
    fn load(&self, number: u32) {
        const CACHE_LINE: usize = 64;
        for part in self.get(number) {
            part.iter().step_by(CACHE_LINE).for_each(|byte| _ = std::hint::black_box(*byte));
        }
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
) -> (Vec<K>, Grown<T, u32>) {
    let mut ranks: Grown<T, u32> = Grown::default();
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
