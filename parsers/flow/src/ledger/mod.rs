//! The ledger: observations of one or several cores in, findings out.
//!
//! It judges nothing itself. A set of facts that it meets for the first time is a question; whoever owns the ledger answers it
//! with verdicts, once, and every observation of these facts is counted onto them. The same for chains, whose answers hold
//! for an interval of time. So the cost of judging is that of the distinct questions, not of flows, endpoints or names.

mod findings;
mod verdict;
mod wording;

pub use findings::Report;
pub use verdict::{Severity, Status, Verdict, Words};
pub use wording::{Reason, Told, Wording, Wordings};

use crate::hash::Map;
use crate::limits::MAX_JUDGED;
use crate::observation::{Chain, Observation};
use crate::time::SECOND;
use findings::Findings;
use std::sync::Arc;

type Verdicts = Box<[Arc<Verdict>]>;

/// A chain to be judged: by whom it was sent for which name, and when.
#[derive(Clone, Debug)]
pub struct ChainQuestion {
    pub chain: Chain,
    pub name: Option<Arc<str>>,
    /// Seconds since the epoch.
    pub when: u64,
}

/// What was asked about a chain, and the answer with the seconds between which it holds, both included.
struct Asked {
    question: ChainQuestion,
    from: u64,
    until: u64,
    verdicts: Option<Verdicts>,
}

impl Asked {
    fn holds(&self, when: u64) -> bool {
        if self.verdicts.is_some() { (self.from..=self.until).contains(&when) } else { self.question.when == when }
    }
}

struct Pending {
    observation: Observation,
    source: Arc<str>,
    facts: usize,
    chain: Option<usize>,
}

pub struct Ledger {
    wordings: Wordings,
    passes: bool,
    /// Judge chains at this second rather than that of the packets.
    at: Option<u64>,
    facts: Map<Arc<[u8]>, usize>,
    judged: Vec<(Arc<[u8]>, Option<Verdicts>)>,
    chains: Map<(Chain, Option<Arc<str>>), Vec<usize>>,
    asked: Vec<Asked>,
    pending: Vec<Pending>,
    findings: Findings,
}

impl Ledger {
    /// `passes`: verdicts of status pass are findings too. `at`: ns since the epoch.
    pub fn new(wordings: Wordings, passes: bool, at: Option<u64>) -> Self {
        Self {
            wordings,
            passes,
            at: at.map(|time| time / SECOND),
            facts: Map::default(),
            judged: Vec::new(),
            chains: Map::default(),
            asked: Vec::new(),
            pending: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Takes in observations of the capture `source`. What they ask is in the two lists of questions until
    /// [`Self::settle`]; those for which there is no answer then count for nothing.
    pub fn add(&mut self, observations: Vec<Observation>, source: &str) {
        let source: Arc<str> = source.into();
        for observation in observations {
            let facts = self.place_of_facts(&observation);
            let chain = observation.chain.clone().map(|chain| self.place_of_chain(chain, &observation));
            self.pending.push(Pending { observation, source: source.clone(), facts, chain });
        }
    }

    fn place_of_facts(&mut self, observation: &Observation) -> usize {
        if let Some(at) = self.facts.get(&observation.key) {
            return *at;
        }
        self.judged.push((observation.facts.clone(), None));
        self.facts.insert(observation.key.clone(), self.judged.len() - 1);
        self.judged.len() - 1
    }

    fn place_of_chain(&mut self, chain: Chain, observation: &Observation) -> usize {
        let when = self.at.unwrap_or(observation.first_seen / SECOND);
        let name = observation.name.clone();
        let question = ChainQuestion { chain: chain.clone(), name: name.clone(), when };
        let known = self.chains.entry((chain, name)).or_default();
        if let Some(at) = known.iter().find(|at| self.asked[**at].holds(when)) {
            return *at;
        }
        self.asked.push(Asked { question, from: when, until: when, verdicts: None });
        known.push(self.asked.len() - 1);
        self.asked.len() - 1
    }

    /// Sets of facts without an answer: number and JSON object.
    pub fn facts_questions(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.judged.iter().enumerate().filter(|(_, (_, verdicts))| verdicts.is_none()).map(|(at, (f, _))| (at, &**f))
    }

    pub fn answer_facts(&mut self, number: usize, verdicts: Vec<Arc<Verdict>>) {
        if let Some((_, answer)) = self.judged.get_mut(number) {
            *answer = Some(verdicts.into());
        }
    }

    /// Chains without an answer.
    pub fn chain_questions(&self) -> impl Iterator<Item = (usize, &ChainQuestion)> {
        let open = self.asked.iter().enumerate().filter(|(_, asked)| asked.verdicts.is_none());
        open.map(|(at, asked)| (at, &asked.question))
    }

    /// Every reason against the chain, or one `ok`; the first of each reason is the one that counts.
    pub fn answer_chain(&mut self, number: usize, reasons: &[Reason<'_>], from: u64, until: u64) {
        let Some(asked) = self.asked.get_mut(number) else { return };
        let first = |at: usize| reasons.iter().position(|other| other.reason == reasons[at].reason) == Some(at);
        let distinct = reasons.iter().enumerate().filter(|(at, _)| first(*at));
        let verdicts = distinct.filter_map(|(_, reason)| self.wordings.verdict(reason)).map(Arc::new);
        (asked.from, asked.until, asked.verdicts) = (from, until, Some(verdicts.collect()));
    }

    /// Counts what was taken in onto findings, by the answers that there are.
    pub fn settle(&mut self) {
        for pending in self.pending.drain(..) {
            let of_facts = self.judged[pending.facts].1.iter();
            let of_chain = pending.chain.iter().filter_map(|at| self.asked[*at].verdicts.as_ref());
            for verdict in of_facts.chain(of_chain).flatten() {
                if self.passes || verdict.status != Status::Pass {
                    self.findings.count(verdict, &pending.observation, &pending.source);
                }
            }
        }
        if self.judged.len() > MAX_JUDGED {
            self.facts.clear();
            self.judged.clear();
        }
        if self.asked.len() > MAX_JUDGED {
            self.chains.clear();
            self.asked.clear();
        }
    }

    /// Everything counted since the last call.
    pub fn take(&mut self) -> Report {
        self.findings.take()
    }

    /// Findings that were counted only, see [`crate::limits::MAX_FINDINGS`].
    pub fn limited(&self) -> u64 {
        self.findings.limited
    }
}

#[cfg(test)]
mod tests;
