//! What processing a packet may touch besides its flow: interners, counters, the record buffer, and where we are.

mod closing;
mod leaks;
mod logins;
mod observing;

use crate::Direction;
use crate::announced::Announcements;
use crate::certificates::Certificates;
use crate::conversation::{Conversation, Follower};
use crate::core::Config;
use crate::dns::{Said, Watch};
use crate::endpoint::Endpoint;
use crate::entry::{Entry, Phase, mark};
use crate::hash_key::HashKey;
use crate::intern::Fragments;
use crate::key::Key;
use crate::leak::Leaks;
use crate::limits::MAX_ENDPOINTS;
use crate::observation::{Observation, Observations};
use crate::peers::{Peers, Told};
use crate::record::{self, Detail};
use crate::rollup::Rollup;
use crate::select::Selection;
use crate::time::Clock;
use crate::tls::Volume;
use crate::totals::Totals;
use crate::tunnels::TunnelStacks;
use std::collections::HashMap;
use transitproof_dns::Spot;
use transitproof_wire::Protocol;

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
    /// `ends`: with this message its flow does.
    #[inline]
    pub fn dns_message(&mut self, entry: &Entry, from: Direction, payload: &[u8], ends: bool) -> bool {
        let wanted = self.judges(entry);
        if wanted {
            let spot = Spot { time: self.time, frame: self.frame };
            if let Some(said) = &mut self.said {
                said.push(entry, from, payload, spot, ends);
                return true; // which answers are of interest shows when all is heard in its order
            }
            let trace = self.trace;
            return self.dns().message(entry, from, payload, spot, trace);
        }
        false
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

    fn totals_of(&mut self, endpoint: Endpoint, protocol: Protocol) -> Option<&mut EndpointTotals> {
        let endpoints = self.endpoints.as_mut()?;
        if endpoints.len() >= MAX_ENDPOINTS && !endpoints.contains_key(&(endpoint, protocol)) {
            self.totals.limit("endpoints");
            return None;
        }
        Some(endpoints.entry((endpoint, protocol)).or_default())
    }
}
