//! Findings: verdicts at an endpoint and name, counted up until they are written.
//!
//! Observations of the same facts and the same chain lead to the same findings, and with all policies there are a dozen of them.
//! They are counted as one set, and told apart when they are written.

use super::Verdicts;
use super::places::{Place, Places};
use super::report::Report;
use super::verdict::Verdict;
use crate::chunked::Chunked;
use crate::few::{Few, Sampled};
use crate::hash::Map;
use crate::key::CommunityId;
use crate::limits::{MAX_FINDING_SETS, MAX_FINDINGS};
use crate::observation::Observation;
use std::sync::Arc;

/// What is said of one set of facts or of one chain, at one kind of address: observations are counted onto it as a whole.
#[derive(Clone, Debug)]
pub struct Said {
    pub verdicts: Verdicts,
    /// Equal for verdicts of the same identities in the same order; 0 for none.
    shape: u128,
    renews: bool,
}

impl Said {
    /// Of verdicts of one finding the first counts.
    pub fn new(verdicts: impl IntoIterator<Item = Arc<Verdict>>) -> Self {
        let mut once: Vec<Arc<Verdict>> = Vec::new();
        for verdict in verdicts {
            if !once.iter().any(|other| other.identity == verdict.identity) {
                once.push(verdict);
            }
        }
        let verdicts: Verdicts = once.into();
        let shape = verdicts.iter().fold(0, |shape, verdict| mix(shape, u128::from_le_bytes(verdict.identity)));
        let renews = verdicts.iter().any(|verdict| verdict.renews);
        Self { verdicts, shape, renews }
    }
}

/// Findings at one place that are still counted up together.
#[derive(Debug)]
pub struct Set {
    /// Of different identities, of facts and of a chain.
    pub said: [Verdicts; 2],
    shape: u128,
    pub place: Place,
    pub seen: Seen,
}

/// What was counted onto findings. Those that the same observations led to share it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub count: u64,
    pub bytes: u64,
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
    pub fn of(observation: &Observation, source: u32) -> Self {
        let mut seen = Self {
            count: observation.count,
            bytes: observation.bytes,
            ..Self::none(observation.first_seen, observation.last_seen)
        };
        for sample in observation.samples.iter() {
            seen.evidence.keep(Evidence { source, frame: sample.frame, flow: sample.flow });
        }
        seen
    }

    /// Nothing, between two times.
    pub fn none(first_seen: u64, last_seen: u64) -> Self {
        Self { count: 0, bytes: 0, first_seen, last_seen, evidence: Few::default() }
    }

    /// The same findings seen elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        other.evidence.iter().for_each(|evidence| self.evidence.keep(*evidence));
    }
}

pub struct Findings {
    /// [`MAX_FINDINGS`], but in tests.
    most: usize,
    pub sets: Chunked<Set>,
    /// By number of the place: the first set there, from 1.
    firsts: Vec<u32>,
    /// The others, by shape and number of the place.
    others: Map<(u128, u32), u32>,
    /// Findings in the sets, those counted twice that two sets of a place have in common.
    findings: usize,
    /// Findings not kept because of [`MAX_FINDINGS`] and [`MAX_FINDING_SETS`].
    pub limited: u64,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            most: MAX_FINDINGS,
            sets: Chunked::default(),
            firsts: Vec::new(),
            others: Map::default(),
            findings: 0,
            limited: 0,
        }
    }
}

impl Findings {
    /// Counts what was seen somewhere onto the findings of what is said of it: of its facts and of its chain.
    pub fn count(&mut self, said: [&Said; 2], place: Option<Place>, more: impl FnOnce() -> Seen) {
        let shape = said.iter().filter(|said| said.shape != 0).fold(0, |shape, said| mix(shape, said.shape));
        if shape == 0 {
            return;
        }
        let renews = said.iter().any(|said| said.renews);
        if let Some(set) = place.and_then(|place| self.set(shape, place)) {
            let more = more();
            // What was earlier in a capture words it, in whatever order both were taken in: that depends on how many cores there were.
            let both = more.evidence.first().zip(set.seen.evidence.first());
            if renews || both.is_some_and(|(new, known)| new < known) {
                set.said = told_once(said);
            }
            set.seen.merge(&more);
            return;
        }
        let said = told_once(said);
        let more_findings = said.iter().map(|verdicts| verdicts.len()).sum::<usize>();
        let has_room = self.sets.len() < MAX_FINDING_SETS && self.findings + more_findings <= self.most;
        let Some(place) = place.filter(|_| has_room) else {
            self.limited += more_findings as u64;
            return;
        };
        self.findings += more_findings;
        self.sets.push(Set { said, shape, place, seen: more() });
        let (at, number) = (self.sets.len() as u32, place.number as usize);
        if self.firsts.len() <= number {
            self.firsts.resize(number + 1, 0);
        }
        match &mut self.firsts[number] {
            first @ 0 => *first = at,
            _ => _ = self.others.insert((shape, place.number), at),
        }
    }

    fn set(&mut self, shape: u128, place: Place) -> Option<&mut Set> {
        let mut at = *self.firsts.get(place.number as usize)? as usize;
        if self.sets.get(at.checked_sub(1)?)?.shape != shape {
            at = *self.others.get(&(shape, place.number))? as usize;
        }
        self.sets.get_mut(at - 1)
    }

    /// The findings since the last call in an order that does not depend on how they came: the worst first, then by check,
    /// endpoint and uid.
    pub fn take(&mut self, places: &Places, sources: Vec<Arc<str>>) -> Report {
        let limited = self.limited;
        let taken = std::mem::replace(self, Self { limited, ..Self::default() });
        Report::new(taken.sets, places, sources)
    }
}

/// Each finding once; the lists themselves where there is none twice, so that sets share them.
fn told_once(said: [&Said; 2]) -> [Verdicts; 2] {
    let [facts, chain] = said.map(|said| &said.verdicts);
    let again = |verdict: &&Arc<Verdict>| facts.iter().any(|other| other.identity == verdict.identity);
    let chain = match chain.iter().find(again) {
        None => chain.clone(),
        Some(_) => chain.iter().filter(|verdict| !again(verdict)).cloned().collect(),
    };
    [facts.clone(), chain]
}

/// Tells sequences apart by 128 bits; 0 is the empty one.
fn mix(state: u128, word: u128) -> u128 {
    // An odd number without a pattern: the golden ratio's digits.
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let product = (state.rotate_left(29) ^ word).wrapping_mul(FACTOR);
    (product ^ (product >> 64)) | 1
}

#[cfg(test)]
mod tests {
    use super::super::verdict::{Severity, Words, tests::words};
    use super::*;
    use crate::endpoint::Endpoint;
    use crate::key::write_community_id;
    use crate::observation::{Provenance, Sample};

    type All = (Findings, Places);

    fn observation(last_octet: u8, name: Option<&str>, time: u64, flow: u8) -> Observation {
        let mut samples = Few::default();
        samples.keep(Sample { frame: time, flow: [flow; 20] });
        Observation {
            key: Default::default(),
            facts: Default::default(),
            endpoint: Endpoint::server([10, 0, 0, last_octet], 443),
            name: name.map(Into::into),
            chain: None,
            provenance: Provenance::Observed,
            bytes: 0,
            count: 2,
            first_seen: time,
            last_seen: time + 5,
            samples,
            flows: Vec::new(),
            session: None,
        }
    }

    fn count((findings, places): &mut All, verdicts: &[&Arc<Verdict>], seen: &Observation, source: u32) {
        let place = places.number(seen.endpoint, seen.name.as_ref());
        let (said, nothing) = (Said::new(verdicts.iter().copied().cloned()), Said::new([]));
        findings.count([&said, &nothing], place, || Seen::of(seen, source));
    }

    fn take((findings, places): &mut All, sources: &[&str]) -> Report {
        findings.take(places, sources.iter().map(|source| Arc::from(*source)).collect())
    }

    /// As a string.
    fn written(flow: u8) -> String {
        let mut text = Vec::new();
        write_community_id(&mut text, &[flow; 20]);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn counted_up_and_written_the_worst_first() {
        let mut findings = All::default();
        let high = Arc::new(Verdict::new(&words("b.check", Severity::High)));
        let low = Arc::new(Verdict::new(&words("a.check", Severity::Low)));
        for (source, time) in [(0, 9), (1, 4)] {
            count(&mut findings, &[&low, &high], &observation(10, Some("x"), time, b'A'), source);
            count(&mut findings, &[&high], &observation(9, None, time, b'B'), source);
        }
        let mut report = take(&mut findings, &["one.pcap", "t\"wo"]);
        assert_eq!((report.len(), report.against(), report.not_observable()), (3, [0, 1, 0, 2, 0], 0));
        let lines = String::from_utf8([report.lines(1), report.lines(1), report.lines(9)].concat()).unwrap();
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!((lines.len(), report.len()), (3, 3));
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
             \"evidence\":{{\"class\":\"observed\",\"flows\":[{}],\"frames\":[\"one.pcap#9\",\"t\\\"wo#4\"]}}}}",
            written(b'B')
        );
        assert!(lines[1].ends_with(&end), "{}", lines[1]);
        for line in &lines {
            assert!(line.contains(",\"observed\":{\"a\":1},\"count\":"), "{line}");
        }
        assert!(report.lines(9).is_empty());
        assert!(take(&mut findings, &[]).is_empty());
    }

    #[test]
    fn beyond_the_limit_findings_are_counted_only() {
        let mut findings = (Findings { most: 100, ..Findings::default() }, Places::default());
        let verdict = Arc::new(Verdict::new(&words("a", Severity::Low)));
        for n in 0..103 {
            count(&mut findings, &[&verdict], &observation(1, Some(&n.to_string()), 1, 0), 0);
        }
        assert_eq!((take(&mut findings, &[]).len(), findings.0.limited), (100, 3));
    }

    #[test]
    fn what_is_shared_stays_right_when_ways_part() {
        let verdicts = ["a", "b", "c"].map(|check| Arc::new(Verdict::new(&words(check, Severity::Low))));
        let mut findings = All::default();
        for (flow, of) in [(b'A', &[0, 1][..]), (b'B', &[0, 1]), (b'C', &[1, 2, 2]), (b'D', &[0, 1, 2])] {
            let these: Vec<_> = of.iter().map(|at: &usize| &verdicts[*at]).collect();
            count(&mut findings, &these, &observation(1, None, u64::from(flow), flow), 0);
        }
        assert_eq!(findings.0.sets.iter().map(|set| set.said[0].len()).collect::<Vec<_>>(), [2, 2, 3]);
        let mut report = take(&mut findings, &["x"]);
        let lines = String::from_utf8(report.lines(9)).unwrap();
        let facts: Vec<_> = lines
            .lines()
            .map(|line| {
                let flow = |letter: &char| line.contains(&written(*letter as u8));
                let count = line.split("\"count\":").nth(1).unwrap().split(',').next().unwrap();
                (count.parse::<u64>().unwrap(), ['A', 'B', 'C', 'D'].iter().filter(|l| flow(l)).collect::<String>())
            })
            .collect();
        assert_eq!(facts, [(6, "ABD".into()), (8, "ABC".into()), (4, "CD".into())]);
    }

    /// Cores hand over what they saw one after the other, so that what is earlier in the capture may come later.
    #[test]
    fn what_is_earlier_in_the_capture_words_a_finding() {
        let of = |title| Arc::new(Verdict::new(&Words { title, ..words("a", Severity::Low) }));
        let (early, late, besides) = (of("early"), of("late"), Arc::new(Verdict::new(&words("b", Severity::Low))));
        for beside in [&[][..], &[&besides]] {
            for turned in [false, true] {
                let mut findings = All::default();
                let mut said = [(3, [&[&early][..], beside].concat()), (7, vec![&late]), (9, vec![&late])];
                if turned {
                    said.reverse();
                }
                for (time, verdicts) in said {
                    count(&mut findings, &verdicts, &observation(1, None, time, time as u8), 0);
                }
                let lines = String::from_utf8(take(&mut findings, &["x"]).lines(9)).unwrap();
                assert!(lines.contains("\"early\"") && !lines.contains("late"), "{lines}");
            }
        }
    }

    #[test]
    fn what_is_estimated_is_renewed() {
        let mut findings = All::default();
        for details in [&b"{\"bytes\":1}"[..], b"{\"bytes\":2}"] {
            let verdict = Arc::new(Verdict::new(&Words { details, ..words("dns.tunnel", Severity::High) }));
            count(&mut findings, &[&verdict], &observation(1, None, 1, b'A'), 0);
        }
        let lines = String::from_utf8(take(&mut findings, &["x"]).lines(9)).unwrap();
        assert!(
            lines.lines().count() == 1 && lines.contains("\"count\":4") && lines.contains("\"bytes\":2"),
            "{lines}"
        );
    }
}
