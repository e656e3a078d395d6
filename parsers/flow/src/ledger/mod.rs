//! The ledger: observations of one or several cores in, findings out.
//!
//! It judges nothing itself. A set of facts that it meets for the first time is a question; whoever owns the ledger answers it
//! with verdicts, once, and every observation of these facts is counted onto them. The same for chains, whose answers hold
//! for an interval of time. So the cost of judging is that of the distinct questions, not of flows, endpoints or names.

mod asked;
mod chains;
mod findings;
mod history;
mod places;
mod report;
mod texts;
mod trace;
mod verdict;
mod wording;

pub use asked::ChainQuestion;
pub use history::Kind;
pub use report::Report;
pub use verdict::{Severity, Status, Verdict, Words};
pub use wording::{Reason, Told, Wording, Wordings};

use crate::certificates::{Certificate, Sha256Hex};
use crate::hash::{Grown, Map};
use crate::limits::MAX_JUDGED;
use crate::observation::{Chain, FlowId, Observation, Provenance};
use crate::time::SECOND;
use crate::trust::Roots;
use asked::{Asked, Sent};
use chains::Chains;
use findings::{Findings, Said, Seen};
use history::{History, Question};
use places::{Place, Places};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use trace::Trace;

/// Number of a chain, and the name for which it was sent.
type Subject = (u32, Option<Arc<str>>);

type Verdicts = Arc<[Arc<Verdict>]>;

/// What is said somewhere, and at an address of the public Internet.
type Answer = [Said; 2];

/// By place in memory and era: what is held for it, and where it is judged.
type KnownFacts = Map<(usize, usize), (Arc<[u8]>, usize)>;

/// By place in memory: what is held for it, and its number.
type KnownChains = Map<usize, (Chain, u32)>;

/// A set of facts that was asked about, and a second at which it was seen.
struct Judged {
    facts: Arc<[u8]>,
    when: u64,
    answer: Option<Answer>,
    /// What it is in a word, if that is to be remembered of its endpoint: the number of the word.
    word: Option<u32>,
}

/// Observations that were taken in together, of one capture.
struct Pending {
    observations: Vec<Observation>,
    source: u32,
    /// Of each, where its facts are judged, and its chain.
    judged: Vec<(usize, Option<usize>)>,
}

pub struct Ledger {
    wordings: Wordings,
    passes: bool,
    /// Judge chains at this second rather than that of the packets.
    at: Option<u64>,
    /// Seconds at which rules come into force or go out of it, ascending. What is said of facts holds between two of them.
    eras: Vec<u64>,
    facts: Map<(Arc<[u8]>, usize), usize>,
    judged: Vec<Judged>,
    trust: Chains,
    /// Every chain that was asked about; its place here is its number.
    sent: Grown<Chain, Sent>,
    /// The same by the places in memory of what a core interned.
    known_chains: KnownChains,
    /// What was asked about a chain and name, with the second that was asked about, ascending.
    chains: Grown<Subject, Vec<(u64, usize)>>,
    asked: Vec<Asked>,
    /// The same as `facts` by the places in memory of what a core interned, which spares hashing it. What is in here is held,
    /// so that no place is used twice.
    known_facts: KnownFacts,
    /// Questions that were not given out yet.
    new_facts: Vec<usize>,
    new_chains: VecDeque<usize>,
    pending: Vec<Pending>,
    /// Names of the captures since findings were taken.
    sources: Vec<Arc<str>>,
    places: Places,
    findings: Findings,
    /// Of what has no answer.
    nothing: Said,
    history: History,
    /// What was asked about it and not answered yet.
    histories: Vec<Question>,
    trace: Option<Trace>,
}

impl Ledger {
    /// `passes`: verdicts of status pass are findings too. `at`: ns since the epoch. `eras`: seconds between which what is
    /// said of facts stays the same, in any order.
    pub fn new(wordings: Wordings, passes: bool, at: Option<u64>, mut eras: Vec<u64>) -> Self {
        eras.sort_unstable();
        Self {
            wordings,
            passes,
            at: at.map(|time| time / SECOND),
            eras,
            facts: Map::default(),
            judged: Vec::new(),
            trust: Chains::new(),
            sent: Grown::default(),
            known_chains: KnownChains::default(),
            chains: Grown::default(),
            asked: Vec::new(),
            known_facts: Map::default(),
            new_facts: Vec::new(),
            new_chains: VecDeque::new(),
            pending: Vec::new(),
            sources: Vec::new(),
            places: Places::default(),
            findings: Findings::default(),
            nothing: Said::new([]),
            history: History::default(),
            histories: Vec::new(),
            trace: None,
        }
    }

    /// The roots against which chains are judged.
    pub fn trust(&mut self, roots: Roots) {
        self.trust.trust(roots);
    }

    /// Takes in certificates of which chains may be made.
    pub fn add_certificates(&mut self, certificates: &[Arc<Certificate>]) {
        certificates.iter().for_each(|certificate| self.trust.add(certificate));
    }

    /// Takes in the certificates of one that judged before: cores hand out each certificate once.
    pub fn inherit(&mut self, other: &Self) {
        other.trust.all().for_each(|certificate| self.trust.add(certificate));
    }

    pub fn certificate(&self, sha256: &Sha256Hex) -> Option<&Arc<Certificate>> {
        self.trust.get(sha256)
    }

    /// Keeps the flows of the finding whose uid begins with these hex digits; the core has to name them, see
    /// [`crate::Core::trace`].
    pub fn trace(&mut self, uid: &str) {
        self.trace = Some(Trace::new(uid));
    }

    /// The flows of that finding, and how many were too many to keep. Once.
    pub fn traced(&mut self) -> (HashSet<FlowId>, u64) {
        self.trace.take().map(Trace::into_flows).unwrap_or_default()
    }

    /// Takes in observations of the capture `source`. What they ask is in the two lists of questions until
    /// [`Self::settle`]; those for which there is no answer then count for nothing.
    pub fn add(&mut self, observations: Vec<Observation>, source: &str) {
        if self.sources.last().is_none_or(|last| **last != *source) {
            self.sources.push(source.into());
        }
        let source = self.sources.len() as u32 - 1;
        let judged = observations.iter().map(|observation| {
            let chain = observation.chain.as_ref().map(|chain| self.place_of_chain(chain, observation));
            (self.place_of_facts(observation), chain)
        });
        let judged = judged.collect();
        self.pending.push(Pending { observations, source, judged });
    }

    fn place_of_facts(&mut self, observation: &Observation) -> usize {
        let key = &observation.key;
        let when = observation.first_seen / SECOND;
        let era = self.eras.partition_point(|start| *start <= when);
        let (facts, judged, new) = (&mut self.facts, &mut self.judged, &mut self.new_facts);
        let (_, at) = self.known_facts.entry((key.as_ptr().addr(), era)).or_insert_with(|| {
            let at = *facts.entry((key.clone(), era)).or_insert_with(|| {
                judged.push(Judged { facts: observation.facts.clone(), when, answer: None, word: None });
                new.push(judged.len() - 1);
                judged.len() - 1
            });
            (key.clone(), at)
        });
        *at
    }

    /// Sets of facts that were not given out before, for their era: number, JSON object, and a second in that era.
    pub fn facts_questions(&mut self) -> Vec<(usize, Arc<[u8]>, u64)> {
        let asked = self.new_facts.drain(..).filter_map(|at| Some((at, self.judged.get(at)?)));
        asked.map(|(at, judged)| (at, judged.facts.clone(), judged.when)).collect()
    }

    /// `word`: what they are in a word, if that is to be remembered of their endpoints.
    pub fn answer_facts(&mut self, number: usize, verdicts: Vec<Arc<Verdict>>, word: Option<&str>) {
        let answer = self.answer(verdicts);
        if let Some(judged) = self.judged.get_mut(number) {
            (judged.answer, judged.word) = (Some(answer), word.map(|word| self.history.word(word)));
        }
    }

    /// What is only to be seen over several observations: number, kind and JSON object of what came since the last call.
    pub fn histories(&mut self) -> Vec<(usize, Kind, &[u8])> {
        let trust = &self.trust;
        self.histories = self.history.questions(&mut self.places, |sha256| trust.record(sha256));
        self.histories.iter().enumerate().map(|(at, asked)| (at, asked.kind, &*asked.facts)).collect()
    }

    /// Counts the verdicts at every place that the question was about.
    pub fn answer_history(&mut self, number: usize, verdicts: &[Arc<Verdict>]) {
        let Some(question) = self.histories.get_mut(number) else { return };
        let wanted = verdicts.iter().filter(|verdict| self.passes || verdict.status != Status::Pass);
        let said = Said::new(wanted.cloned());
        for (place, seen) in std::mem::take(&mut question.places) {
            self.findings.count([&said, &self.nothing], Some(place), || seen);
        }
    }

    /// Those that are to be reported.
    fn answer(&self, verdicts: Vec<Arc<Verdict>>) -> Answer {
        let reported = |verdict: &&Arc<Verdict>| self.passes || verdict.status != Status::Pass;
        let public = Said::new(verdicts.iter().filter(reported).cloned());
        let everywhere = public.verdicts.iter().all(|verdict| !verdict.public_only);
        let anywhere = match everywhere {
            true => public.clone(),
            false => Said::new(verdicts.iter().filter(reported).filter(|verdict| !verdict.public_only).cloned()),
        };
        [anywhere, public]
    }

    /// Counts what was taken in onto findings, by the answers that there are.
    pub fn settle(&mut self) {
        for Pending { observations, source, judged } in self.pending.drain(..) {
            // Table by table, so that the processor waits for several places of one at once.
            let number =
                |observation: &Observation| self.places.number(observation.endpoint, observation.name.as_ref());
            let places: Vec<_> = observations.iter().map(number).collect();
            let all = || observations.iter().zip(&places).zip(&judged);
            for ((observation, place), (facts, chain)) in all() {
                let asked = chain.and_then(|at| self.asked.get(at));
                let sent = asked.and_then(|asked| self.sent.get_index(asked.number as usize)).map(|(_, sent)| sent);
                remember(&mut self.history, *place, (observation, source), sent, self.judged[*facts].word);
            }
            for ((observation, place), (facts, chain)) in all() {
                let of_chain = chain.and_then(|at| self.asked.get_mut(at)?.words(observation.provenance));
                let reach = usize::from(observation.endpoint.is_public());
                let said = [self.judged[*facts].answer.as_ref(), of_chain]
                    .map(|answer| answer.map_or(&self.nothing, |answer| &answer[reach]));
                if let Some(trace) = &mut self.trace {
                    let verdicts = said.iter().flat_map(|said| said.verdicts.iter());
                    verdicts.for_each(|verdict| trace.count(verdict, observation));
                }
                self.findings.count(said, *place, || Seen::of(observation, source));
            }
        }
        if self.judged.len().max(self.known_facts.len()) > MAX_JUDGED {
            self.facts.clear();
            self.known_facts.clear();
            self.judged.clear();
            self.new_facts.clear();
        }
        if self.asked.len().max(self.known_chains.len()) > MAX_JUDGED {
            self.chains.clear();
            self.sent.clear();
            self.known_chains.clear();
            self.asked.clear();
            self.new_chains.clear();
        }
    }

    /// Everything counted since the last call.
    pub fn take(&mut self) -> Report {
        let report = self.findings.take(&self.places, std::mem::take(&mut self.sources));
        if self.places.are_many(self.history.len()) {
            self.places = self.history.renumber(&self.places);
            self.histories.clear();
        }
        report
    }

    /// Limits that were hit, and how often.
    pub fn limits(&self) -> [(&'static str, u64); 3] {
        [
            ("findings", self.findings.limited),
            ("certificates", self.trust.limited()),
            ("histories", self.history.limited),
        ]
    }
}

/// Keeps what is only to be seen over several observations.
fn remember(
    history: &mut History,
    place: Option<Place>,
    (observation, source): (&Observation, u32),
    sent: Option<&Sent>,
    word: Option<u32>,
) {
    // What a resumed session stands on was sent before; and of clients an endpoint has many.
    let sent = sent.filter(|sent| sent.by_server && observation.provenance != Provenance::Inherited);
    let leaf = sent.and_then(|sent| Some((sent, sent.leaf.as_ref()?)));
    if leaf.is_none() && word.is_none() {
        return;
    }
    let Some(place) = place else {
        history.limited += observation.count;
        return;
    };
    let seen = Seen::of(observation, source);
    if let Some(word) = word {
        history.spoken(place, word, &seen);
    }
    if let Some((sent, leaf)) = leaf {
        history.certificate(place, leaf, sent.spki_sha256.as_ref(), &seen);
    }
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod tests;
