//! Findings: verdicts at an endpoint and name, counted up until they are written.

use super::report::Report;
use super::verdict::Verdict;
use crate::endpoint::Endpoint;
use crate::few::{Few, Sampled};
use crate::hash::Map;
use crate::limits::MAX_FINDINGS;
use crate::observation::{CommunityId, Observation};
use std::sync::Arc;

/// Where something was observed, and the number of the name there, from 1; 0 for none.
pub type Place = (Endpoint, u32);

/// A finding that is still counted up.
#[derive(Debug)]
pub struct Open {
    pub verdict: Arc<Verdict>,
    /// Number of its place.
    pub place: u32,
    /// Number of what was seen of it.
    pub seen: u32,
}

/// What was counted onto findings. Those that the same observations led to share it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Findings that share this.
    users: u32,
    pub count: u64,
    pub first_seen: u64,
    pub last_seen: u64,
    pub evidence: Few<Evidence>,
}

/// A flow to look at, in one of the captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    pub source: u32,
    pub frame: u64,
    pub flow: CommunityId,
}

impl Sampled for Evidence {
    fn same(&self, other: &Self) -> bool {
        (self.source, self.flow) == (other.source, other.flow)
    }
}

impl Seen {
    fn new(observation: &Observation, source: u32) -> Self {
        let mut seen = Self {
            users: 0,
            count: 0,
            first_seen: observation.first_seen,
            last_seen: observation.last_seen,
            evidence: Few::default(),
        };
        seen.add(observation, source);
        seen
    }

    fn add(&mut self, observation: &Observation, source: u32) {
        self.count += observation.count;
        self.first_seen = self.first_seen.min(observation.first_seen);
        self.last_seen = self.last_seen.max(observation.last_seen);
        for sample in observation.samples.iter() {
            self.evidence.keep(Evidence { source, frame: sample.frame, flow: sample.flow });
        }
    }
}

/// Findings of a place that are found by looking at one after the other: as many as an observation usually makes.
const IN_A_ROW: u32 = 16;

pub struct Findings {
    /// [`MAX_FINDINGS`], but in tests.
    most: usize,
    pub names: Map<Arc<str>, u32>,
    pub places: Map<Place, u32>,
    /// By number of the place: where in `all` those begin that came with its first observation, and how many.
    rows: Vec<(u32, u32)>,
    /// The others, by identity of the verdict and number of the place.
    by_place: Map<([u8; 16], u32), u32>,
    pub all: Vec<Open>,
    pub seen: Vec<Seen>,
    /// Findings that the observation in hand is counted onto.
    hand: Vec<u32>,
    /// Findings not kept because of [`MAX_FINDINGS`].
    pub limited: u64,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            most: MAX_FINDINGS,
            names: Map::default(),
            places: Map::default(),
            rows: Vec::new(),
            by_place: Map::default(),
            all: Vec::new(),
            seen: Vec::new(),
            hand: Vec::new(),
            limited: 0,
        }
    }
}

impl Findings {
    /// Counts an observation onto the findings of its verdicts.
    pub fn count<'a>(
        &mut self,
        verdicts: impl Iterator<Item = &'a Arc<Verdict>>,
        observation: &Observation,
        source: u32,
    ) {
        let mut verdicts = verdicts.peekable();
        if verdicts.peek().is_none() {
            return;
        }
        let place = self.place(observation);
        let first = place as usize == self.rows.len();
        if first {
            self.rows.push((self.all.len() as u32, 0));
        }
        let fresh = self.seen.len() as u32;
        let mut users = 0;
        self.hand.clear();
        for verdict in verdicts {
            match self.at(verdict, place) {
                Some(at) => {
                    if verdict.renews {
                        self.all[at as usize].verdict = verdict.clone();
                    }
                    if self.all[at as usize].seen != fresh && !self.hand.contains(&at) {
                        self.hand.push(at);
                    }
                }
                None if self.all.len() >= self.most => self.limited += 1,
                None => {
                    let row = &mut self.rows[place as usize].1;
                    if first && *row < IN_A_ROW {
                        *row += 1;
                    } else {
                        self.by_place.insert((verdict.identity, place), self.all.len() as u32);
                    }
                    self.all.push(Open { verdict: verdict.clone(), place, seen: fresh });
                    users += 1;
                }
            }
        }
        if users > 0 {
            self.seen.push(Seen { users, ..Seen::new(observation, source) });
        }
        self.add_again(observation, source);
    }

    /// The finding of a verdict at a place.
    fn at(&self, verdict: &Verdict, place: u32) -> Option<u32> {
        let (from, count) = self.rows[place as usize];
        let row = &self.all[from as usize..(from + count) as usize];
        match row.iter().position(|open| open.verdict.identity == verdict.identity) {
            Some(at) => Some(from + at as u32),
            None => self.by_place.get(&(verdict.identity, place)).copied(),
        }
    }

    /// Counts the observation onto the findings in hand, which were there before. They go on sharing what they shared.
    fn add_again(&mut self, observation: &Observation, source: u32) {
        while let Some(first) = self.hand.first() {
            let shared = self.all[*first as usize].seen;
            let (all, seen) = (&mut self.all, &mut self.seen);
            let here = self.hand.iter().filter(|at| all[**at as usize].seen == shared).count() as u32;
            let mut own = shared;
            if here < seen[shared as usize].users {
                seen[shared as usize].users -= here;
                own = seen.len() as u32;
                seen.push(Seen { users: here, ..seen[shared as usize].clone() });
            }
            seen[own as usize].add(observation, source);
            self.hand.retain(|at| {
                let open = &mut all[*at as usize];
                let done = open.seen == shared;
                if done {
                    open.seen = own;
                }
                !done
            });
        }
    }

    fn place(&mut self, observation: &Observation) -> u32 {
        let name = observation.name.as_ref().map_or(0, |name| match self.names.get(name) {
            Some(number) => *number,
            None => {
                self.names.insert(name.clone(), self.names.len() as u32 + 1);
                self.names.len() as u32
            }
        });
        let next = self.places.len() as u32;
        *self.places.entry((observation.endpoint, name)).or_insert(next)
    }

    /// The findings since the last call in an order that does not depend on how they came: the worst first, then by check,
    /// endpoint and uid.
    pub fn take(&mut self, sources: Vec<Arc<str>>) -> Report {
        let limited = self.limited;
        let taken = std::mem::replace(self, Self { limited, ..Self::default() });
        Report::new(taken, sources)
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::{Severity, Words, tests::words};
    use super::*;
    use crate::observation::{Provenance, Sample};

    fn observation(last_octet: u8, name: Option<&str>, time: u64, flow: u8) -> Observation {
        let mut samples = Few::default();
        samples.keep(Sample { frame: time, flow: [flow; 30] });
        Observation {
            key: Default::default(),
            facts: Default::default(),
            endpoint: Endpoint::server([10, 0, 0, last_octet], 443),
            name: name.map(Into::into),
            chain: None,
            provenance: Provenance::Observed,
            count: 2,
            first_seen: time,
            last_seen: time + 5,
            samples,
            flows: Vec::new(),
        }
    }

    #[test]
    fn counted_up_and_written_the_worst_first() {
        let mut findings = Findings::default();
        let high = Arc::new(Verdict::new(&words("b.check", Severity::High)));
        let low = Arc::new(Verdict::new(&words("a.check", Severity::Low)));
        for (source, time) in [(0, 9), (1, 4)] {
            findings.count([&low, &high].into_iter(), &observation(10, Some("x"), time, b'A'), source);
            findings.count([&high].into_iter(), &observation(9, None, time, b'B'), source);
        }
        let report = findings.take(vec!["one.pcap".into(), "t\"wo".into()]);
        assert_eq!((report.len(), report.against(), report.not_observable()), (3, [0, 1, 0, 2, 0], 0));
        let lines = String::from_utf8(report.lines(0, 9)).unwrap();
        let lines: Vec<_> = lines.lines().collect();
        // As text: 10.0.0.10 before 10.0.0.9.
        assert!(
            lines[0].contains("b.check") && lines[0].contains("10.0.0.10:443/tcp\",\"name\":\"x\""),
            "{}",
            lines[0]
        );
        assert!(lines[1].contains("10.0.0.9") && lines[2].contains("a.check"));
        let end = format!(
            "\"title\":\"A \\\"title\\\"\",\"endpoint\":\"10.0.0.9:443/tcp\",\"observed\":{{\"a\":1}},\"count\":4,\
             \"first_seen\":\"1970-01-01T00:00:00.000000Z\",\"last_seen\":\"1970-01-01T00:00:00.000000Z\",\
             \"evidence\":{{\"class\":\"observed\",\"flows\":[\"{}\"],\"frames\":[\"one.pcap#9\",\"t\\\"wo#4\"]}}}}",
            "B".repeat(30)
        );
        assert!(lines[1].ends_with(&end), "{}", lines[1]);
        assert_eq!(report.lines(1, 1), format!("{}\n", lines[1]).as_bytes());
        assert!(findings.take(vec![]).is_empty());
    }

    #[test]
    fn beyond_the_limit_findings_are_counted_only() {
        let mut findings = Findings { most: 100, ..Findings::default() };
        let verdict = Arc::new(Verdict::new(&words("a", Severity::Low)));
        for n in 0..103 {
            findings.count([&verdict].into_iter(), &observation(1, Some(&n.to_string()), 1, 0), 0);
        }
        assert_eq!((findings.take(vec![]).len(), findings.limited), (100, 3));
    }

    #[test]
    fn what_is_shared_stays_right_when_ways_part() {
        let verdicts = ["a", "b", "c"].map(|check| Arc::new(Verdict::new(&words(check, Severity::Low))));
        let mut findings = Findings::default();
        for (flow, of) in [(b'A', &[0, 1][..]), (b'B', &[0, 1]), (b'C', &[1, 2, 2]), (b'D', &[0, 1, 2])] {
            let these = of.iter().map(|at: &usize| &verdicts[*at]);
            findings.count(these, &observation(1, None, u64::from(flow), flow), 0);
        }
        assert_eq!(findings.seen.iter().map(|seen| seen.users).sum::<u32>(), 3);
        let report = findings.take(vec!["x".into()]);
        let lines = String::from_utf8(report.lines(0, 9)).unwrap();
        let facts: Vec<_> = lines
            .lines()
            .map(|line| {
                let flow = |letter: &char| line.contains(&letter.to_string().repeat(30));
                let count = line.split("\"count\":").nth(1).unwrap().split(',').next().unwrap();
                (count.parse::<u64>().unwrap(), ['A', 'B', 'C', 'D'].iter().filter(|l| flow(l)).collect::<String>())
            })
            .collect();
        assert_eq!(facts, [(6, "ABD".into()), (8, "ABC".into()), (4, "CD".into())]);
    }

    #[test]
    fn what_is_estimated_is_renewed() {
        let mut findings = Findings::default();
        for details in [&b"{\"bytes\":1}"[..], b"{\"bytes\":2}"] {
            let verdict = Arc::new(Verdict::new(&Words { details, ..words("dns.tunnel", Severity::High) }));
            findings.count([&verdict].into_iter(), &observation(1, None, 1, b'A'), 0);
        }
        let lines = String::from_utf8(findings.take(vec!["x".into()]).lines(0, 9)).unwrap();
        assert!(
            lines.lines().count() == 1 && lines.contains("\"count\":4") && lines.contains("\"bytes\":2"),
            "{lines}"
        );
    }
}
