//! Findings that are not counted up any more: put in their order and written as lines of the contract.

use super::Verdicts;
use super::findings::{Seen, Set};
use super::places::Places;
use super::texts::Texts;
use super::verdict::{Severity, Status, Verdict};
use crate::chunked::Chunked;
use crate::hash::Map;
use crate::json;
use crate::key::write_community_id;
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
    endpoints: Texts,
    /// As JSON strings, in the order of the groups; the first is null, of none.
    names: Texts,
    /// What was counted, in the order of the groups. It is written when its turn comes: as text it would take three times the room.
    seen: Vec<Seen>,
    clock: Clock,
    /// Names of the captures, by number.
    sources: Vec<Arc<str>>,
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
    pub fn new(mut taken: Chunked<Set>, places: &Places, sources: Vec<Arc<str>>) -> Self {
        let (endpoints, ranks) = Texts::ranked(taken.iter().map(|set| set.place.endpoint), |endpoint, text| {
            text.push(b'"');
            places.endpoint(endpoint).inspect(|endpoint| endpoint.write(text));
            text.push(b'"');
        });
        let numbered = taken.iter().zip(0..);
        let mut order: Vec<_> =
            numbered.map(|(set, at)| (ranks[set.place.endpoint as usize], set.place.number, at)).collect();
        // What came first tells how a finding is worded, unless a later one knows more.
        order.sort_unstable();
        let count = taken.len();
        let mut told = Told { groups: Vec::with_capacity(count), seen: Vec::with_capacity(count), ..Told::default() };
        for here in order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            told.tell(here, &mut taken, places);
        }
        let Told { groups, verdicts, names, seen, .. } = told;
        let weight = |verdict: &Arc<Verdict>| (Reverse(verdict.severity as u8), verdict.check.clone());
        let weights: Vec<_> = verdicts.iter().map(weight).collect();
        let mut distinct: Vec<_> = weights.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let ranks: Vec<_> =
            weights.iter().map(|weight| distinct.partition_point(|less| *less < weight) as u32).collect();
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
            seen,
            clock: Clock::default(),
            sources,
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
        let Self { verdicts, ranks, groups, endpoints, names, seen: all, hand, scratch, .. } = self;
        let weight = |line: &Line| (ranks[line.verdict as usize], groups[line.group as usize].endpoint);
        let rest = &self.lines[self.taken..];
        let Some(alike) = rest.chunk_by(|a, b| weight(a) == weight(b)).next() else { return };
        self.taken += alike.len();
        hand.extend(alike.iter().map(|line| {
            let Group { endpoint, name, seen, .. } = groups[line.group as usize];
            let verdict = &verdicts[line.verdict as usize];
            // Into the cache: here they come as they lie in memory, which the machine reads ahead, and are written in another order.
            std::hint::black_box((all[seen as usize].count, all[seen as usize].evidence.iter().next()));
            let uid = verdict.uid(endpoints.get(endpoint), names.get(name), scratch);
            (u128::from_be_bytes(uid), *line)
        }));
        hand.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn write(&mut self, uid: &[u8], line: Line, out: &mut Vec<u8>) {
        let verdict = &*self.verdicts[line.verdict as usize];
        let Group { endpoint, name, seen, .. } = self.groups[line.group as usize];
        out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
        json::hex(out, uid);
        out.push(b'"');
        out.extend_from_slice(&verdict.head);
        out.extend_from_slice(b",\"endpoint\":");
        out.extend_from_slice(self.endpoints.get(endpoint));
        if name != 0 {
            out.extend_from_slice(b",\"name\":");
            out.extend_from_slice(self.names.get(name));
        }
        out.extend_from_slice(&verdict.observed);
        write_seen(&self.seen[seen as usize], &verdict.evidence, &self.sources, &mut self.clock, out);
        out.extend_from_slice(&verdict.tail);
        out.extend_from_slice(b"}\n");
    }
}

/// How often it was seen, when, and in which flows.
fn write_seen(seen: &Seen, class: &str, sources: &[Arc<str>], clock: &mut Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"count\":");
    json::decimal(out, seen.count);
    if seen.bytes > 0 {
        json::number(out, "bytes", seen.bytes);
    }
    for (name, time) in [("first_seen", seen.first_seen), ("last_seen", seen.last_seen)] {
        json::key(out, name);
        clock.quoted(out, time);
    }
    out.extend_from_slice(b",\"evidence\":{\"class\":");
    json::text(out, class.as_bytes());
    let first = |at: usize, flow| !seen.evidence.iter().take(at).any(|earlier| earlier.flow == flow);
    let flows = seen.evidence.iter().enumerate().filter(|(at, evidence)| first(*at, evidence.flow));
    json::list(out, "flows", flows, |out, (_, evidence)| write_community_id(out, &evidence.flow));
    json::list(out, "frames", seen.evidence.iter(), |out, evidence| {
        let source = sources.get(evidence.source as usize).map_or(&b""[..], |source| source.as_bytes());
        json::text(out, source);
        out.pop();
        out.push(b'#');
        json::decimal(out, evidence.frame);
        out.push(b'"');
    });
    out.push(b'}');
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

/// Sets of findings, told apart place by place.
#[derive(Default)]
struct Told {
    groups: Vec<Group>,
    verdicts: Vec<Arc<Verdict>>,
    /// By place in memory of a list of verdicts: where its are.
    lists: Map<usize, u32>,
    names: Texts,
    /// By number of a name: where it is.
    named: Map<u32, u32>,
    seen: Vec<Seen>,
}

impl Told {
    /// The sets of one place as groups of different findings. What several sets have in common is one finding. Of each the rank of its
    /// endpoint, the number of its place, and where it is.
    fn tell(&mut self, here: &[(u32, u32, usize)], sets: &mut Chunked<Set>, places: &Places) {
        let (endpoint, _, first) = here[0];
        let name = self.name(sets[first].place.name, places);
        if here.len() == 1 {
            let set = &mut sets[first];
            let seen = self.count(std::mem::replace(&mut set.seen, Seen::none(0, 0)));
            for said in set.said.iter().filter(|said| !said.is_empty()) {
                let first = self.number(said);
                self.groups.push(Group { first, len: said.len() as u32, endpoint, name, seen });
            }
            return;
        }
        // Not as they were taken in, which depends on how many cores there were.
        let mut here: Vec<_> = here.iter().map(|(_, _, at)| *at).collect();
        here.sort_by_key(|at| sets[*at].seen.evidence.first().copied());
        // Of each finding its verdict, and the sets that it is in.
        let mut told: Vec<(u32, Vec<usize>)> = Vec::new();
        let mut known: Map<[u8; 16], usize> = Map::default();
        for at in here {
            for said in &sets[at].said {
                for (verdict, number) in said.iter().zip(self.number(said)..) {
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
        }
        let mut joined: Map<Vec<usize>, u32> = Map::default();
        for (first, of) in told {
            let seen = *joined.entry(of).or_insert_with_key(|of| {
                let mut seen = sets[of[0]].seen.clone();
                of[1..].iter().for_each(|at| seen.merge(&sets[*at].seen));
                self.count(seen)
            });
            self.groups.push(Group { first, len: 1, endpoint, name, seen });
        }
    }

    fn number(&mut self, list: &Verdicts) -> u32 {
        *self.lists.entry(list.as_ptr().addr()).or_insert_with(|| {
            self.verdicts.extend(list.iter().cloned());
            (self.verdicts.len() - list.len()) as u32
        })
    }

    fn name(&mut self, number: u32, places: &Places) -> u32 {
        if self.names.is_empty() {
            self.names.add(|text| text.extend_from_slice(b"null"));
        }
        let Some(name) = places.name(number) else { return 0 };
        *self.named.entry(number).or_insert_with(|| self.names.add(|text| json::text(text, name.as_bytes())))
    }

    fn count(&mut self, seen: Seen) -> u32 {
        self.seen.push(seen);
        self.seen.len() as u32 - 1
    }
}
