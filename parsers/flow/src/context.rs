//! What processing a packet may touch besides its flow: interners, counters, the record buffer, and where we are.

mod closing;
mod leaks;
mod logins;

use crate::Direction;
use crate::announced::Announcements;
use crate::certificates::{CertificateId, Certificates};
use crate::conversation::{Conversation, Follower};
use crate::core::Config;
use crate::dns::{Said, Watch, notice};
use crate::endpoint::Endpoint;
use crate::entry::{Entry, Phase, mark};
use crate::hash_key::HashKey;
use crate::ike::Inside;
use crate::intern::Fragments;
use crate::ipsec::Ipsec;
use crate::json;
use crate::key::Key;
use crate::leak::Leaks;
use crate::limits::MAX_ENDPOINTS;
use crate::observation::{FlowId, Observation, Observations, Provenance, Sighting};
use crate::peers::{Peers, Told};
use crate::record::{self, Detail};
use crate::rollup::Rollup;
use crate::select::Selection;
use crate::time::Clock;
use crate::tls::beside::{Beside, Kind};
use crate::tls::{Session, Volume};
use crate::totals::Totals;
use crate::tunnels::TunnelStacks;
use std::borrow::Cow;
use std::collections::HashMap;
use transitproof_dns::Spot;
use transitproof_wire::{Class, Protocol};

/// Totals of one endpoint and protocol, kept on request.
#[derive(Clone, Debug, Default)]
pub struct EndpointTotals {
    pub name: Option<Box<str>>,
    /// The frame at which the name was heard: the latest counts.
    heard: u64,
    pub flows: u64,
    pub bytes: u64,
}

impl EndpointTotals {
    pub fn add(&mut self, other: &Self) {
        if (self.heard, &self.name) < (other.heard, &other.name) {
            (self.heard, self.name) = (other.heard, other.name.clone());
        }
        self.flows += other.flows;
        self.bytes += other.bytes;
    }
}

pub struct Context {
    pub certificates: Certificates,
    pub announced: Announcements,
    pub fragments: Fragments,
    pub observations: Observations,
    pub totals: Totals,
    pub tunnels: TunnelStacks,
    /// Flow records as JSON Lines.
    pub records: Vec<u8>,
    /// What the flows of IKE, ESP and AH between two peers come to, and the records of those that have ended.
    pub peers: Peers,
    pub tunnel_records: Vec<u8>,
    pub clock: Clock,
    /// Number and time of the packet in hand.
    pub frame: u64,
    pub time: u64,
    pub write_flows: bool,
    write_why: bool,
    pub endpoints: Option<HashMap<(Endpoint, Protocol), EndpointTotals>>,
    /// Secrets seen in the clear are hashed with it.
    pub hash_key: Option<HashKey>,
    /// The facts by which observations are told apart.
    detail: Detail,
    /// What this run is about; `None` for everything.
    selection: Option<Box<Selection>>,
    /// Tell what a quantum computer could read of the flows that end.
    pub exposed: bool,
    /// Observations name their flows.
    pub trace: bool,
    /// Observations tell what else there is to know of a session, for those who ask its server themselves.
    pub tells_sessions: bool,
    scratch: Vec<u8>,
    /// Made for the first message.
    dns: Option<Box<Watch>>,
    /// Messages for the one who watches for several cores.
    pub said: Option<Said>,
    pub dns_config: transitproof_dns::Config,
    /// Tell which servers were asked.
    dns_servers: bool,
    leaks: Option<Box<Leaks>>,
    /// For whoever knows which tunnels there should be.
    pub told: Option<Told>,
    /// Kept of live traffic.
    pub rollup: Option<Rollup>,
}

impl Context {
    pub fn new(config: &Config) -> Self {
        Self {
            certificates: Certificates::new(config.seed),
            announced: Announcements::default(),
            fragments: Fragments::default(),
            observations: Observations::default(),
            totals: Totals::default(),
            tunnels: TunnelStacks::default(),
            records: Vec::new(),
            peers: Peers::default(),
            tunnel_records: Vec::new(),
            clock: Clock::default(),
            frame: 0,
            time: 0,
            write_flows: config.flows,
            write_why: config.why,
            endpoints: config.endpoints.then(HashMap::new),
            hash_key: None,
            detail: if config.names { Detail::All } else { Detail::Judged },
            selection: None,
            exposed: false,
            trace: false,
            tells_sessions: false,
            scratch: Vec::new(),
            dns: None,
            said: None,
            dns_config: transitproof_dns::Config::default(),
            dns_servers: false,
            leaks: None,
            told: None,
            rollup: None,
        }
    }

    pub fn tell_names(&mut self, names: bool) {
        self.detail = if names { Detail::All } else { Detail::Judged };
    }

    pub fn select(&mut self, selection: Selection) {
        self.totals.filtered = Some(Default::default());
        if selection.is_late() {
            self.certificates.hand_out_selected();
        }
        self.selection = Some(Box::new(selection));
    }

    /// False if the packet's time rules it out.
    pub fn has_time(&self, time: u64) -> bool {
        self.selection.as_ref().is_none_or(|selection| selection.has_time(time))
    }

    /// False if the packets of such a flow are ruled out whatever it turns out to be.
    pub fn may_have(&self, key: &Key) -> bool {
        self.selection.as_ref().is_none_or(|selection| selection.may_have(key))
    }

    /// Counts packets of a flow; false if they are ruled out whatever it turns out to be.
    pub fn admits(&mut self, key: &Key, packets: u64, time: u64) -> bool {
        let admitted = self.may_have(key);
        let late = self.selection.as_ref().is_some_and(|selection| selection.is_late());
        for _ in 0..packets {
            match (admitted, late) {
                (false, _) => self.totals.left_out(),
                (true, true) => self.totals.undecided(),
                (true, false) => self.totals.packet(time),
            }
        }
        admitted
    }

    pub fn selects(&self) -> bool {
        self.selection.is_some()
    }

    /// Whether what belongs to no flow is left out.
    pub fn asks_for_flows(&self) -> bool {
        self.selection.as_ref().is_some_and(|selection| selection.asks())
    }

    /// What was read with keys out of a tunnel is told, not judged: on this link it is protected.
    fn judges(&self, entry: &Entry) -> bool {
        self.wants(entry) && !self.tunnels.is_opened(entry.key.tunnel())
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.selection.as_ref().is_none_or(|selection| selection.has(&entry.key, entry.protocol))
    }

    /// Nothing more is to be learnt of the flow: its facts are counted, its record's middle part is kept, the rest is dropped.
    pub fn settle(&mut self, entry: &mut Entry, conversation: Option<&Conversation>) {
        entry.phase = Phase::Settled;
        if conversation.is_some_and(|c| c.turned) {
            entry.turn();
        }
        if let Some(Conversation { follower: Follower::Ipsec(ipsec), .. }) = conversation
            && ipsec.is_inferred(entry.key.transport())
        {
            entry.marks |= mark::INFERRED;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(conversation) = conversation {
            record::middle(conversation, &self.certificates, &mut scratch);
        }
        let volume = conversation.and_then(record::session).map(Volume::of).unwrap_or_default();
        entry.fragment = self.fragments.hold(&scratch, volume);
        self.scratch = scratch;
        match conversation.map(|c| &c.follower) {
            Some(Follower::Ipsec(ipsec)) if ipsec.is_unanswered() || ipsec.counted > 0 && !ipsec.has_late_facts() => {}
            _ => self.observe(entry, conversation),
        }
        if let Some(session) = conversation.and_then(record::session) {
            self.certificates.resumptions.remember(session, &entry.key, entry.has(mark::INITIATOR_LOW));
        }
    }

    /// A DNS message: what it gives away is judged with all others. Whether the answer to a query is of interest as well.
    #[inline]
    pub fn dns_message(&mut self, entry: &Entry, from: Direction, payload: &[u8]) -> bool {
        let wanted = self.judges(entry);
        if wanted {
            let spot = Spot { time: self.time, frame: self.frame };
            if let Some(said) = &mut self.said {
                said.push(entry, from, payload, spot);
                return true; // which answers are of interest shows when all is heard in its order
            }
            let trace = self.trace;
            return self.dns().message(entry, from, payload, spot, trace);
        }
        false
    }

    /// Counts facts that are an observation by themselves.
    fn notice(&mut self, entry: &Entry, facts: &[u8], bytes: u64) {
        self.notice_in(entry.why.frame().unwrap_or(self.frame), entry, facts, bytes);
    }

    /// The same where a frame of its own tells them.
    fn notice_in(&mut self, frame: u64, entry: &Entry, facts: &[u8], bytes: u64) {
        let seen = Sighting {
            endpoint: Endpoint::of(entry),
            key: facts,
            name: None,
            chain: &[],
            provenance: Provenance::Observed,
            bytes,
            start: entry.start,
            time: entry.last,
            frame,
            flow: self.trace.then(|| FlowId::of(entry)),
            session: None,
        };
        self.observations.count(&seen, &self.certificates, || facts.to_vec(), || record::community_id(entry));
    }

    /// What peers agreed on under encryption that was taken off with keys: each child SA is an observation.
    fn notice_children(&mut self, entry: &Entry, ipsec: &Ipsec) {
        for child in ipsec.ike.iter().filter_map(|ike| ike.inside()).flat_map(Inside::children) {
            let mut facts = br#"{"class":"ipsec","protocol":"ike","evidence":"decrypted""#.to_vec();
            if child.write_facts(&mut facts) {
                facts.push(b'}');
                self.notice(entry, &facts, 0);
            }
        }
    }

    /// The chains that peers of IKE showed under such encryption: each is an observation, under the name that its peer claims.
    fn notice_peers(&mut self, entry: &Entry, ipsec: &Ipsec) {
        for (chain, name) in ipsec.ike.iter().filter_map(|ike| ike.inside()).flat_map(Inside::shown) {
            self.certificates.select(chain.iter());
            let Some(beside) = self.beside(&Beside::of(Kind::Peer)) else { return };
            let seen = Sighting {
                endpoint: Endpoint::of(entry),
                key: PEER,
                name: name.as_deref(),
                chain: &extended(chain, Some(beside)),
                provenance: Provenance::Decrypted,
                bytes: 0,
                session: None,
                start: entry.start,
                time: entry.last,
                frame: entry.why.frame().unwrap_or(self.frame),
                flow: self.trace.then(|| FlowId::of(entry)),
            };
            self.observations.count(&seen, &self.certificates, || PEER.to_vec(), || record::community_id(entry));
        }
    }

    /// How DNS is to be looked at, from the first message on.
    pub fn watch_dns(&mut self, config: transitproof_dns::Config, servers: bool) {
        self.dns_config = config;
        self.dns_servers = servers;
        self.dns = None;
    }

    pub fn dns(&mut self) -> &mut Watch {
        self.dns.get_or_insert_with(|| Box::new(Watch::new(self.dns_config)))
    }

    /// What was observed since the last call.
    pub fn take_observations(&mut self) -> Vec<Observation> {
        let mut all = self.observations.take();
        if let Some(watch) = &mut self.dns {
            watch.take(&mut all);
        }
        all
    }

    /// Limits that were hit by what looks at DNS.
    pub fn dns_limits(&self) -> [(&'static str, u64); 2] {
        self.dns.as_ref().map(|watch| watch.limits()).unwrap_or_default()
    }

    /// Counts the flow onto the observation of its facts.
    pub fn observe(&mut self, entry: &Entry, conversation: Option<&Conversation>) {
        if entry.class() == Class::Unknown || matches!(entry.protocol, Protocol::Icmp | Protocol::Icmpv6) {
            return;
        }
        if !self.judges(entry) {
            return;
        }
        let session = conversation.and_then(record::session);
        let mut beside = None;
        if let Some(session) = session {
            let both = [&session.certificates, &session.client_certificates];
            self.certificates.select(both.into_iter().flatten().flatten());
            beside = self.beside(&session.beside);
            if let Some(facts) = notice::encrypted(entry, session) {
                self.notice(entry, &facts, 0);
            }
        }
        let mut key = std::mem::take(&mut self.scratch);
        key.clear();
        let certificates = &self.certificates;
        write_facts(entry, conversation, certificates, self.detail, &mut key);
        let name = session.and_then(record::name);
        let endpoint = Endpoint::of(entry);
        let origin = session.and_then(|session| self.certificates.resumptions.origin(session));
        let (chain, provenance) = match (session, origin) {
            (_, Some(origin)) => (Cow::Borrowed(&*origin.chain), Provenance::Inherited),
            (Some(session), None) => {
                (extended(session.certificates.as_deref().unwrap_or_default(), beside), session.provenance())
            }
            (None, None) => (Cow::default(), Provenance::Observed),
        };
        let told = session.filter(|_| self.tells_sessions).map(Session::told);
        let seen = Sighting {
            endpoint,
            key: &key,
            name: name.as_deref(),
            chain: &chain,
            provenance,
            bytes: 0,
            start: entry.start,
            // Not the packet in hand: at the end of a silent flow that is another's.
            time: entry.last,
            // A flow that is judged at its end must not name the packet that ended it, which may be another flow's.
            frame: conversation.and_then(record::evidence).or(entry.why.frame()).unwrap_or(self.frame),
            flow: self.trace.then(|| FlowId::of(entry)),
            session: told.as_deref(),
        };
        let facts = || {
            let mut all = Vec::new();
            write_facts(entry, conversation, certificates, Detail::All, &mut all);
            all
        };
        self.observations.count(&seen, certificates, facts, || record::community_id(entry));
        self.scratch = key;
        self.observe_client(entry, conversation, session);
        let heard = self.frame;
        if let (Some(name), Some(totals)) = (name, self.totals_of(endpoint, entry.protocol)) {
            (totals.name, totals.heard) = (Some(name.into()), heard);
        }
    }

    /// The chain that the client showed is an observation by itself, at the same endpoint.
    fn observe_client(&mut self, entry: &Entry, conversation: Option<&Conversation>, session: Option<&Session>) {
        let Some(session) = session else { return };
        let Some(shown) = session.client_certificates.as_deref().filter(|shown| !shown.is_empty()) else { return };
        let Some(client) = self.beside(&Beside::of(Kind::Client)) else { return };
        let seen = Sighting {
            endpoint: Endpoint::of(entry),
            key: CLIENT,
            name: None,
            chain: &extended(shown, Some(client)),
            provenance: session.provenance(),
            bytes: 0,
            start: entry.start,
            time: entry.last,
            frame: conversation.and_then(record::evidence).unwrap_or(self.frame),
            flow: self.trace.then(|| FlowId::of(entry)),
            session: None,
        };
        self.observations.count(&seen, &self.certificates, || CLIENT.to_vec(), || record::community_id(entry));
    }

    /// What came with a chain, kept like a certificate.
    fn beside(&mut self, beside: &Beside) -> Option<CertificateId> {
        let id = (!beside.is_empty()).then(|| self.certificates.intern(beside.bytes()))??;
        self.certificates.select([id].iter());
        Some(id)
    }

    fn totals_of(&mut self, endpoint: Endpoint, protocol: Protocol) -> Option<&mut EndpointTotals> {
        let endpoints = self.endpoints.as_mut()?;
        if endpoints.len() >= MAX_ENDPOINTS && !endpoints.contains_key(&(endpoint, protocol)) {
            self.totals.limit("endpoints");
            return None;
        }
        Some(endpoints.entry((endpoint, protocol)).or_default())
    }
}

/// The facts of a chain of a peer of IKE.
const PEER: &[u8] = br#"{"class":"ipsec","protocol":"ike","role":"peer"}"#;
/// The facts of a client's chain.
const CLIENT: &[u8] = br#"{"class":"tls","protocol":"tls","role":"client"}"#;

/// A chain with what came with it; nothing comes without one.
fn extended(chain: &[CertificateId], beside: Option<CertificateId>) -> Cow<'_, [CertificateId]> {
    match beside.filter(|_| !chain.is_empty()) {
        Some(beside) => chain.iter().copied().chain([beside]).collect(),
        None => chain.into(),
    }
}

/// The facts as a JSON object.
fn write_facts(
    entry: &Entry,
    conversation: Option<&Conversation>,
    certificates: &Certificates,
    detail: Detail,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    json::word(out, "class", entry.class().name());
    json::word(out, "protocol", entry.protocol.name());
    if let Some(conversation) = conversation {
        record::facts(conversation, certificates, detail, out);
    }
    out.push(b'}');
}
