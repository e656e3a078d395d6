//! Findings: verdicts at an endpoint and name, counted up until they are written.

use super::verdict::{Severity, Verdict};
use crate::endpoint::Endpoint;
use crate::few::Few;
use crate::hash::Map;
use crate::json;
use crate::limits::MAX_FINDINGS;
use crate::observation::{CommunityId, Observation};
use crate::time::Clock;
use std::sync::Arc;

/// A finding that is still counted up.
#[derive(Debug)]
struct Open {
    verdict: Arc<Verdict>,
    endpoint: Endpoint,
    name: Option<Arc<str>>,
    count: u64,
    first_seen: u64,
    last_seen: u64,
    flows: Few<CommunityId>,
    frames: Few<(Arc<str>, u64)>,
}

impl Open {
    fn new(verdict: &Arc<Verdict>, observation: &Observation) -> Self {
        Self {
            verdict: verdict.clone(),
            endpoint: observation.endpoint,
            name: observation.name.clone(),
            count: 0,
            first_seen: observation.first_seen,
            last_seen: observation.last_seen,
            flows: Few::default(),
            frames: Few::default(),
        }
    }

    fn add(&mut self, observation: &Observation, source: &Arc<str>) {
        self.count += observation.count;
        self.first_seen = self.first_seen.min(observation.first_seen);
        self.last_seen = self.last_seen.max(observation.last_seen);
        for sample in observation.samples.iter() {
            self.flows.keep(sample.flow);
            self.frames.keep((source.clone(), sample.frame));
        }
    }
}

/// Identity of the verdict, where, and under which name.
type Key = ([u8; 16], Endpoint, Option<Arc<str>>);

#[derive(Default)]
pub struct Findings {
    by_place: Map<Key, usize>,
    all: Vec<Open>,
    /// Findings not kept because of [`MAX_FINDINGS`].
    pub limited: u64,
}

impl Findings {
    pub fn count(&mut self, verdict: &Arc<Verdict>, observation: &Observation, source: &Arc<str>) {
        let place = (verdict.identity, observation.endpoint, observation.name.clone());
        let at = match self.by_place.get(&place) {
            Some(at) => *at,
            None if self.all.len() >= MAX_FINDINGS => {
                self.limited += 1;
                return;
            }
            None => {
                self.all.push(Open::new(verdict, observation));
                self.by_place.insert(place, self.all.len() - 1);
                self.all.len() - 1
            }
        };
        self.all[at].add(observation, source);
    }

    /// The findings since the last call in an order that does not depend on how they came: the worst first, then by check,
    /// endpoint and uid.
    pub fn take(&mut self) -> Report {
        self.by_place = Map::default();
        Report::new(std::mem::take(&mut self.all))
    }
}

/// Findings that are not counted up any more.
pub struct Report {
    findings: Vec<Open>,
    /// Endpoints as JSON strings, in their order.
    endpoints: Vec<Box<[u8]>>,
    order: Vec<Place>,
}

/// Where a finding stands among the others; compared member by member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    severity: std::cmp::Reverse<Severity>,
    check: u32,
    endpoint: u32,
    uid: [u8; 16],
    at: u32,
}

impl Report {
    fn new(findings: Vec<Open>) -> Self {
        let (endpoints, ranks) = ranked(findings.iter().map(|open| open.endpoint), |endpoint| {
            let mut text = vec![b'"'];
            endpoint.write(&mut text);
            text.push(b'"');
            text.into_boxed_slice()
        });
        let (_, checks) = ranked(findings.iter().map(|open| &*open.verdict.check), |check| check);
        let mut scratch = Vec::new();
        let mut order: Vec<Place> = findings
            .iter()
            .zip(0..)
            .map(|(open, at)| {
                let endpoint = ranks[&open.endpoint];
                Place {
                    severity: std::cmp::Reverse(open.verdict.severity),
                    check: checks[&*open.verdict.check],
                    endpoint,
                    uid: open.verdict.uid(&endpoints[endpoint as usize], open.name.as_deref(), &mut scratch),
                    at,
                }
            })
            .collect();
        order.sort_unstable();
        Self { findings, endpoints, order }
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
        let hidden = |open: &&Open| open.verdict.status == super::verdict::Status::NotObservable;
        self.findings.iter().filter(hidden).count() as u64
    }

    /// Lines of up to `most` findings from `first` on, as JSON Lines.
    pub fn lines(&self, first: usize, most: usize) -> Vec<u8> {
        let (mut out, mut clock) = (Vec::new(), Clock::default());
        for place in self.order.iter().skip(first).take(most) {
            let open = &self.findings[place.at as usize];
            write(open, &place.uid, &self.endpoints[place.endpoint as usize], &mut clock, &mut out);
        }
        out
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

fn write(open: &Open, uid: &[u8; 16], endpoint: &[u8], clock: &mut Clock, out: &mut Vec<u8>) {
    let verdict = &*open.verdict;
    out.extend_from_slice(b"{\"type\":\"finding\",\"uid\":\"");
    json::hex(out, uid);
    out.push(b'"');
    out.extend_from_slice(&verdict.head);
    out.extend_from_slice(b",\"endpoint\":");
    out.extend_from_slice(endpoint);
    if let Some(name) = &open.name {
        json::string(out, "name", name.as_bytes());
    }
    out.extend_from_slice(&verdict.observed);
    json::number(out, "count", open.count);
    for (name, time) in [("first_seen", open.first_seen), ("last_seen", open.last_seen)] {
        json::key(out, name);
        clock.quoted(out, time);
    }
    out.extend_from_slice(b",\"evidence\":{");
    json::word(out, "class", &verdict.evidence);
    json::list(out, "flows", open.flows.iter(), |out, flow| {
        out.push(b'"');
        out.extend_from_slice(flow);
        out.push(b'"');
    });
    json::list(out, "frames", open.frames.iter(), |out, (source, number)| {
        json::text(out, source.as_bytes());
        out.pop();
        out.push(b'#');
        json::decimal(out, *number);
        out.push(b'"');
    });
    out.push(b'}');
    out.extend_from_slice(&verdict.tail);
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::words;
    use super::*;
    use crate::observation::Sample;

    fn observation(last_octet: u8, name: Option<&str>, time: u64, flow: u8) -> Observation {
        let mut samples = Few::default();
        samples.keep(Sample { flow: [flow; 30], frame: time });
        Observation {
            key: Default::default(),
            facts: Default::default(),
            endpoint: Endpoint::server([10, 0, 0, last_octet], 443),
            name: name.map(Into::into),
            chain: None,
            count: 2,
            first_seen: time,
            last_seen: time + 5,
            samples,
        }
    }

    #[test]
    fn counted_up_and_written_the_worst_first() {
        let mut findings = Findings::default();
        let high = Arc::new(Verdict::new(&words("b.check", Severity::High)));
        let low = Arc::new(Verdict::new(&words("a.check", Severity::Low)));
        for (source, time) in [("one.pcap", 9), ("t\"wo", 4)] {
            let source: Arc<str> = source.into();
            for verdict in [&low, &high] {
                findings.count(verdict, &observation(10, Some("x"), time, b'A'), &source);
            }
            findings.count(&high, &observation(9, None, time, b'B'), &source);
        }
        let report = findings.take();
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
        assert!(findings.take().is_empty());
    }

    #[test]
    fn beyond_the_limit_findings_are_counted_only() {
        let mut findings = Findings::default();
        let verdict = Arc::new(Verdict::new(&words("a", Severity::Low)));
        let source: Arc<str> = "x".into();
        for n in 0..MAX_FINDINGS + 3 {
            findings.count(&verdict, &observation(1, Some(&n.to_string()), 1, 0), &source);
        }
        assert_eq!((findings.take().len(), findings.limited), (MAX_FINDINGS, 3));
    }
}
