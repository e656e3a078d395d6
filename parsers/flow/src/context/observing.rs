//! Observations of a flow: of its facts, of a client's chain, of what peers of IKE agreed on and showed.

use super::Context;
use crate::certificates::{CertificateId, Certificates};
use crate::conversation::Conversation;
use crate::dns::notice;
use crate::endpoint::Endpoint;
use crate::entry::Entry;
use crate::ike::Inside;
use crate::ipsec::Ipsec;
use crate::json;
use crate::observation::{FlowId, Provenance, Sighting};
use crate::record::{self, Detail};
use crate::tls::Session;
use crate::tls::beside::{Beside, Kind};
use std::borrow::Cow;
use transitproof_wire::{Class, Protocol};

impl Context {
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

    /// Counts facts that are an observation by themselves.
    pub(super) fn notice(&mut self, entry: &Entry, facts: &[u8], bytes: u64) {
        self.notice_in(entry.why.frame().unwrap_or(self.frame), entry, facts, bytes);
    }

    /// The same where a frame of its own tells them.
    pub(super) fn notice_in(&mut self, frame: u64, entry: &Entry, facts: &[u8], bytes: u64) {
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
    pub(super) fn notice_children(&mut self, entry: &Entry, ipsec: &Ipsec) {
        for child in ipsec.ike.iter().filter_map(|ike| ike.inside()).flat_map(Inside::children) {
            let mut facts = br#"{"class":"ipsec","protocol":"ike","evidence":"decrypted""#.to_vec();
            if child.write_facts(&mut facts) {
                facts.push(b'}');
                self.notice(entry, &facts, 0);
            }
        }
    }

    /// The chains that peers of IKE showed under such encryption: each is an observation, under the name that its peer claims.
    pub(super) fn notice_peers(&mut self, entry: &Entry, ipsec: &Ipsec) {
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
