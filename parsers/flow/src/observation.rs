//! Observations: one distinct set of judged facts at one endpoint, under one name and with one chain, with the flows counted
//! onto it.
//!
//! What is judged. Facts are told apart by a key that leaves out what differs from server to server and that no rule asks
//! for, so that a handful of sets is left however many servers there are. An observation is self-contained: observations of
//! several cores are counted into one [`crate::ledger::Ledger`].

use crate::certificates::{CertificateId, Certificates, Sha256Hex};
use crate::endpoint::Endpoint;
use crate::entry::Entry;
use crate::few::{Few, Sampled};
use crate::hash::Map;
use crate::json;
use crate::key::{CommunityId, Key};
use crate::limits::{MAX_OBSERVATIONS, MAX_REMEMBERED};
use std::sync::Arc;

/// Reads a Community ID as it is written.
pub fn community_id(text: &str) -> Option<CommunityId> {
    json::from_base64(text.strip_prefix("1:")?.as_bytes())?.try_into().ok()
}

/// A chain as it was sent: SHA-256 of each certificate, leaf first.
pub type Chain = Arc<[Sha256Hex]>;

/// How a chain is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provenance {
    #[default]
    Observed,
    /// Read with keys.
    Decrypted,
    /// Sent in the handshake that this session resumes.
    Inherited,
}

/// A flow to look at. The earliest frames are the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Frame of the capture in which its facts were complete, from 1.
    pub frame: u64,
    pub flow: CommunityId,
}

impl Sampled for Sample {
    fn same(&self, other: &Self) -> bool {
        self.flow == other.flow
    }
}

/// One flow of a run: two of the same 5-tuple begin at different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId {
    key: Key,
    start: u64,
}

impl FlowId {
    #[inline]
    pub fn of(entry: &Entry) -> Self {
        Self { key: entry.key, start: entry.start }
    }
}

/// Flows counted onto one observation since the last hand-over.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Equal for sets of facts that are judged alike.
    pub key: Arc<[u8]>,
    /// JSON object with the facts of the first flow that had this key, see `_parsers.pyi`.
    pub facts: Arc<[u8]>,
    pub endpoint: Endpoint,
    /// The server's name as the client gave it, bytes that are no UTF-8 as `\xNN`.
    pub name: Option<Arc<str>>,
    /// The server's chain, `None` where none was readable or an empty one was sent.
    pub chain: Option<Chain>,
    pub provenance: Provenance,
    pub count: u64,
    /// Of those of its flows that are observed for their amount of data.
    pub bytes: u64,
    /// Packet times in ns: start of the first flow, completion of the latest flow's facts.
    pub first_seen: u64,
    pub last_seen: u64,
    pub samples: Few<Sample>,
    /// Every flow of `count`, if the core traces them.
    pub flows: Vec<FlowId>,
    /// What else the first of them told of its session, as a JSON object, if the core tells sessions.
    pub session: Option<Box<[u8]>>,
}

/// One flow's contribution.
pub struct Sighting<'a> {
    pub endpoint: Endpoint,
    pub key: &'a [u8],
    pub name: Option<&'a str>,
    pub chain: &'a [CertificateId],
    pub provenance: Provenance,
    /// To be added up, 0 where they are no matter.
    pub bytes: u64,
    pub start: u64,
    pub time: u64,
    pub frame: u64,
    /// To be named.
    pub flow: Option<FlowId>,
    pub session: Option<&'a [u8]>,
}

/// Numbers of facts, name and chain, 0 for none; and where.
type Place = (u32, u32, u32, Endpoint);

/// A JSON object with facts.
type Facts = Arc<[u8]>;

#[derive(Default)]
pub struct Observations {
    facts: Map<Arc<[u8]>, (u32, Facts)>,
    names: Map<Arc<str>, u32>,
    chains: Map<Box<[CertificateId]>, (u32, Chain)>,
    by_place: Map<Place, usize>,
    all: Vec<Observation>,
}

impl Observations {
    /// `facts` and `community_id` are worked out only where they are kept.
    pub fn count(
        &mut self,
        seen: &Sighting<'_>,
        certificates: &Certificates,
        facts: impl FnOnce() -> Vec<u8>,
        community_id: impl FnOnce() -> CommunityId,
    ) {
        let at = self.place(seen, certificates, facts);
        let observation = &mut self.all[at];
        observation.count += 1;
        observation.bytes += seen.bytes;
        observation.first_seen = observation.first_seen.min(seen.start);
        // Packet times may go backwards: what was seen last was never seen before it was seen first.
        observation.last_seen = observation.last_seen.max(seen.time).max(seen.start);
        if observation.samples.bound().is_none_or(|bound| seen.frame < bound.frame) {
            observation.samples.keep(Sample { frame: seen.frame, flow: community_id() });
        }
        observation.flows.extend(seen.flow);
    }

    fn place(&mut self, seen: &Sighting<'_>, certificates: &Certificates, facts: impl FnOnce() -> Vec<u8>) -> usize {
        let facts_number = match self.facts.get(seen.key) {
            Some((number, _)) => *number,
            None => {
                let number = self.facts.len() as u32 + 1;
                self.facts.insert(seen.key.into(), (number, facts().into()));
                number
            }
        };
        let name_number = seen.name.map_or(0, |name| number_of_name(&mut self.names, name));
        let chain_number = match seen.chain {
            [] => 0,
            ids => number_of_chain(&mut self.chains, ids, certificates),
        };
        let place = (facts_number, name_number, chain_number, seen.endpoint);
        if let Some(at) = self.by_place.get(&place) {
            return *at;
        }
        let shared = self.facts.get_key_value(seen.key);
        self.all.push(Observation {
            key: shared.map(|(key, _)| key.clone()).unwrap_or_default(),
            facts: shared.map(|(_, (_, facts))| facts.clone()).unwrap_or_default(),
            endpoint: seen.endpoint,
            name: seen.name.and_then(|name| self.names.get_key_value(name)).map(|(name, _)| name.clone()),
            chain: self.chains.get(seen.chain).map(|(_, chain)| chain.clone()),
            provenance: seen.provenance,
            count: 0,
            bytes: 0,
            first_seen: u64::MAX,
            last_seen: 0,
            samples: Few::default(),
            flows: Vec::new(),
            session: seen.session.map(Into::into),
        });
        self.by_place.insert(place, self.all.len() - 1);
        self.all.len() - 1
    }

    pub fn are_many(&self) -> bool {
        self.all.len() >= MAX_OBSERVATIONS
    }

    /// Hands over what was counted since the last call, in order of first sight, and starts anew. Facts and chains are often
    /// the same again, so they keep their places in memory.
    pub fn take(&mut self) -> Vec<Observation> {
        self.by_place.clear();
        self.names.clear();
        if self.facts.len() > MAX_REMEMBERED {
            self.facts = Map::default();
        }
        if self.chains.len() > MAX_REMEMBERED {
            self.chains = Map::default();
        }
        let room = Vec::with_capacity(self.all.len());
        std::mem::replace(&mut self.all, room)
    }
}

fn number_of_name(names: &mut Map<Arc<str>, u32>, name: &str) -> u32 {
    match names.get(name) {
        Some(number) => *number,
        None => {
            let number = names.len() as u32 + 1;
            names.insert(name.into(), number);
            number
        }
    }
}

fn number_of_chain(
    chains: &mut Map<Box<[CertificateId]>, (u32, Chain)>,
    ids: &[CertificateId],
    certificates: &Certificates,
) -> u32 {
    match chains.get(ids) {
        Some((number, _)) => *number,
        None => {
            let number = chains.len() as u32 + 1;
            let chain = ids.iter().map(|id| certificates.sha256(*id)).collect();
            chains.insert(ids.into(), (number, chain));
            number
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(last_octet: u8, key: &[u8], time: u64) -> Sighting<'_> {
        Sighting {
            endpoint: Endpoint::server([192, 0, 2, last_octet], 443),
            key,
            name: None,
            chain: &[],
            provenance: Provenance::Observed,
            bytes: 0,
            start: time,
            time: time + 1,
            frame: time,
            flow: None,
            session: None,
        }
    }

    fn count(all: &mut Observations, seen: &Sighting<'_>, id: u8) {
        all.count(seen, &Certificates::new(1), || [b"facts of ", seen.key].concat(), || [id; 20]);
    }

    #[test]
    fn flows_are_counted_onto_equal_facts_at_one_endpoint() {
        let mut all = Observations::default();
        for time in 1..=5 {
            count(&mut all, &seen(1, b"a", time), time as u8);
        }
        count(&mut all, &seen(2, b"a", 9), 9);
        let handed = all.take();
        assert_eq!(handed.len(), 2);
        assert_eq!((handed[0].count, handed[0].first_seen, handed[0].last_seen), (5, 1, 6));
        assert_eq!(
            handed[0].samples.iter().map(|s| (s.flow[0], s.frame)).collect::<Vec<_>>(),
            [(1, 1), (2, 2), (3, 3)]
        );
        assert_eq!(&*handed[1].facts, b"facts of a");
        assert!(Arc::ptr_eq(&handed[0].key, &handed[1].key));
        assert!(all.take().is_empty());
        count(&mut all, &seen(1, b"a", 20), 7);
        let again = all.take();
        assert_eq!((again.len(), again[0].count, again[0].first_seen), (1, 1, 20));
    }

    #[test]
    fn names_and_chains_tell_observations_apart() {
        let mut certificates = Certificates::new(1);
        let (a, b) = (certificates.intern(b"a").unwrap(), certificates.intern(b"b").unwrap());
        let mut all = Observations::default();
        for (name, chain) in [(None, &[a][..]), (Some("x"), &[a]), (Some("x"), &[a, b]), (Some("x"), &[a])] {
            let sighting = Sighting { name, chain, ..seen(1, b"k", 1) };
            all.count(&sighting, &certificates, Vec::new, || [0; 20]);
        }
        let handed = all.take();
        assert_eq!(handed.iter().map(|o| o.count).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!(handed[2].chain.as_deref().unwrap(), [certificates.sha256(a), certificates.sha256(b)]);
        assert_eq!(handed[1].name.as_deref(), Some("x"));
    }

    #[test]
    fn many_are_told_and_the_hand_over_starts_anew() {
        let mut all = Observations::default();
        for n in 0..MAX_OBSERVATIONS as u64 {
            assert!(!all.are_many());
            count(&mut all, &seen(1, format!("{n}").as_bytes(), n), 0);
        }
        assert!(all.are_many());
        assert_eq!((all.take().len(), all.all.len(), all.by_place.len()), (MAX_OBSERVATIONS, 0, 0));
        count(&mut all, &seen(1, b"0", 0), 0);
        assert_eq!(all.take().len(), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut all = Observations::default();
        for n in 0..3 * MAX_REMEMBERED as u64 {
            count(&mut all, &seen(1, format!("{n}").as_bytes(), n), 0);
            if all.are_many() {
                all.take();
                assert!(all.facts.len() <= MAX_REMEMBERED + MAX_OBSERVATIONS);
            }
        }
    }
}
