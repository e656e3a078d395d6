//! Chains: what was asked about them, by which name and for when, and what is known of their leaves.

use super::findings::Said;
use super::verdict::Verdict;
use super::wording::{Reason, Wordings};
use super::{Answer, Ledger};
use crate::certificates::of_hex;
use crate::observation::{Chain, Observation, Provenance};
use crate::time::SECOND;
use crate::trust::Role;
use std::sync::Arc;

/// A chain to be judged: by whom it was sent for which name, and when.
#[derive(Clone, Debug)]
pub struct ChainQuestion {
    pub chain: Chain,
    pub name: Option<Arc<str>>,
    /// Seconds since the epoch.
    pub when: u64,
}

/// What was asked about a chain, and the answer with the seconds between which it holds, both included.
pub struct Asked {
    /// Number of the chain.
    pub number: u32,
    pub question: ChainQuestion,
    pub from: u64,
    pub until: u64,
    pub answer: Option<Answer>,
    /// The same for a chain that was read with keys, and for an inherited one; made when first wanted.
    pub otherwise: [Option<Answer>; 2],
}

impl Asked {
    fn holds(&self, when: u64) -> bool {
        (self.from..=self.until).contains(&when)
    }

    pub fn words(&mut self, provenance: Provenance) -> Option<&Answer> {
        let answer = self.answer.as_ref()?;
        let [decrypted, inherited] = &mut self.otherwise;
        let (other, evidence) = match provenance {
            Provenance::Observed => return Some(answer),
            Provenance::Decrypted => (decrypted, "decrypted"),
            Provenance::Inherited => (inherited, "inferred"),
        };
        let copy = |verdict: &Arc<Verdict>| Arc::new(verdict.with_evidence(evidence));
        Some(other.get_or_insert_with(|| answer.each_ref().map(|said| Said::new(said.verdicts.iter().map(copy)))))
    }
}

/// What is remembered of a chain's leaf.
pub struct Sent {
    /// It is a server's.
    pub by_server: bool,
    pub leaf: Option<[u8; 32]>,
    /// If the leaf is as certificates ought to be.
    pub spki_sha256: Option<[u8; 32]>,
}

impl Ledger {
    fn number_of_chain(&mut self, chain: &Chain) -> u32 {
        let (_, number) = self.known_chains.entry(chain.as_ptr().addr()).or_insert_with(|| {
            let entry = self.sent.entry(chain.clone());
            let number = entry.index() as u32;
            entry.or_insert_with(|| {
                let leaf = chain.first().and_then(|leaf| self.trust.get(leaf));
                let facts = leaf.and_then(|leaf| leaf.facts.as_ref());
                Sent {
                    by_server: self.trust.role(chain) == Role::Server,
                    leaf: chain.first().map(of_hex),
                    spki_sha256: facts.map(|facts| facts.spki_sha256),
                }
            });
            (chain.clone(), number)
        });
        *number
    }

    pub(super) fn place_of_chain(&mut self, chain: &Chain, observation: &Observation) -> usize {
        let when = self.at.unwrap_or(observation.first_seen / SECOND);
        let name = &observation.name;
        let number = self.number_of_chain(chain);
        let known = self.chains.entry((number, name.clone())).or_insert_with(|| Vec::with_capacity(1));
        if let Some(at) = neighbours(known, when).find(|at| self.asked[*at].holds(when)) {
            return at;
        }
        let at = self.asked.len();
        known.insert(known.partition_point(|(second, _)| *second < when), (when, at));
        let question = ChainQuestion { chain: chain.clone(), name: name.clone(), when };
        let answer = self.trust.judge(&question);
        self.asked.push(Asked { number, question, from: when, until: when, answer: None, otherwise: [None, None] });
        match answer {
            None => self.new_chains.push_back(at),
            Some(answer) => {
                let reason = |judgement| self.trust.reason(judgement, &answer);
                let reasons: Vec<_> = answer.judgements.iter().map(reason).collect();
                let words = self.answer(verdicts(&self.wordings, &reasons, self.trust.role(chain)));
                let Asked { from, until, answer: slot, .. } = &mut self.asked[at];
                (*from, *until, *slot) = (answer.from_second, answer.until_second, Some(words));
            }
        }
        at
    }

    /// The next chain without an answer. What was asked for another second of the same chain and name may have answered it
    /// meanwhile.
    pub fn next_chain(&mut self) -> Option<(usize, ChainQuestion)> {
        while let Some(at) = self.new_chains.pop_front() {
            let Asked { number, question, .. } = self.asked.get(at)?;
            let question = question.clone();
            let known = self
                .chains
                .get(&(*number, question.name.clone()))
                .map(|known| neighbours(known, question.when))
                .into_iter()
                .flatten();
            let answered =
                |other: &usize| self.asked[*other].answer.is_some() && self.asked[*other].holds(question.when);
            let Some(other) = { known }.find(answered) else {
                return Some((at, question));
            };
            let Asked { from, until, answer, .. } = &self.asked[other];
            let same = (*from, *until, answer.clone());
            (self.asked[at].from, self.asked[at].until, self.asked[at].answer) = same;
        }
        None
    }

    /// Every reason against the chain, or one `ok`; the first of each reason is the one that counts.
    pub fn answer_chain(&mut self, number: usize, reasons: &[Reason<'_>], from: u64, until: u64) {
        let Some(asked) = self.asked.get(number) else { return };
        let role = self.trust.role(&asked.question.chain);
        let answer = Some(self.answer(verdicts(&self.wordings, reasons, role)));
        let asked = &mut self.asked[number];
        (asked.from, asked.until, asked.answer) = (from, until, answer);
    }
}

/// The verdicts of each reason; the first of each counts.
fn verdicts(wordings: &Wordings, reasons: &[Reason<'_>], role: Role) -> Vec<Arc<Verdict>> {
    let first = |at: usize| reasons.iter().position(|other| other.reason == reasons[at].reason) == Some(at);
    let distinct = reasons.iter().enumerate().filter(|(at, _)| first(*at));
    distinct.flat_map(|(_, reason)| wordings.verdicts(reason, role)).map(Arc::new).collect()
}

/// What was asked for the seconds nearest to `when` on either side: intervals do not overlap, so no other can hold then.
fn neighbours(known: &[(u64, usize)], when: u64) -> impl Iterator<Item = usize> {
    let at = known.partition_point(|(second, _)| *second < when);
    let before = at.checked_sub(1).and_then(|at| known.get(at));
    let from = known.get(at..).unwrap_or_default().iter().take(2);
    before.into_iter().chain(from).map(|(_, at)| *at)
}
