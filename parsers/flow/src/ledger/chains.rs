//! What the ledger can say of chains by itself (see [`crate::trust`]).

use super::ChainQuestion;
use super::wording::Reason;
use crate::certificates::{Certificate, CertificateId, Certificates, Sha256Hex};
use crate::hash::Map;
use crate::observation::Chain;
use crate::tls::beside::{self, Beside, Kind};
use crate::trust::{self, Judgement, Role, Roots, Signatures};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Certificates of all cores, and the roots.
pub struct Chains {
    certificates: Certificates,
    by_sha256: Map<Sha256Hex, CertificateId>,
    roots: Option<Roots>,
    signatures: Signatures,
}

impl Chains {
    pub fn new() -> Self {
        let seed = foldhash::quality::RandomState::default().hash_one(0u64);
        Self {
            certificates: Certificates::new(seed),
            by_sha256: Map::default(),
            roots: None,
            signatures: Signatures::default(),
        }
    }

    pub fn trust(&mut self, roots: Roots) {
        self.roots = Some(roots);
    }

    pub fn add(&mut self, certificate: &Arc<Certificate>) {
        if let Some(id) = self.certificates.adopt(certificate) {
            self.by_sha256.insert(certificate.sha256, id);
        }
    }

    pub fn get(&self, sha256: &Sha256Hex) -> Option<&Arc<Certificate>> {
        self.certificates.kept(*self.by_sha256.get(sha256)?)
    }

    /// All that were kept, in no order that matters.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.by_sha256.values().filter_map(|id| self.certificates.kept(*id))
    }

    /// `None` if a library has to be asked.
    pub fn judge(&mut self, question: &ChainQuestion) -> Option<trust::Answer> {
        let roots = self.roots.as_ref()?;
        let ids = question.chain.iter().map(|sha256| self.by_sha256.get(sha256).copied());
        let mut ids: Vec<_> = ids.collect::<Option<_>>()?;
        let role = self.role(&question.chain);
        let whose = match role {
            Role::Server => None,
            Role::Client => Some(Kind::Client),
            Role::Peer => Some(Kind::Peer),
        };
        if let Some(whose) = whose {
            // Staples and timestamps are for Python.
            ids.pop()
                .and_then(|id| self.certificates.kept(id))
                .filter(|last| *last.der == *Beside::of(whose).bytes())?;
        }
        let name = question.name.as_deref();
        trust::judge(&self.certificates, &ids, name, role, question.when, roots, &mut self.signatures)
    }

    /// The judgement as a reason that names its certificate.
    pub fn reason<'a>(&'a self, judgement: &'a Judgement, answer: &'a trust::Answer) -> Reason<'a> {
        let said = judgement.reason != trust::Reason::Ok;
        let facts = self.certificates.facts(judgement.certificate).filter(|_| said);
        Reason {
            reason: judgement.reason.name(),
            sha256: Some(self.certificates.sha256_hex(judgement.certificate)),
            subject: facts.map(|facts| &*facts.subject),
            issuer: facts.map(|facts| &*facts.issuer),
            detail: judgement.detail.as_deref(),
            store: answer.store.as_deref(),
        }
    }

    /// Whose chain it is.
    pub fn role(&self, chain: &Chain) -> Role {
        match chain.last().and_then(|sha256| self.get(sha256)) {
            Some(last) if beside::is_of(Kind::Client, &last.der) => Role::Client,
            Some(last) if beside::is_of(Kind::Peer, &last.der) => Role::Peer,
            _ => Role::Server,
        }
    }

    /// The record of a certificate that is as certificates ought to be, its line.
    pub fn record(&self, sha256: &Sha256Hex) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let certificate = self.get(sha256)?;
        let hex = std::str::from_utf8(sha256).ok()?;
        certificate.facts.as_ref()?.write_record(hex, &certificate.der, &mut line);
        Some(line)
    }

    /// Certificates that were not kept because there were too many.
    pub fn limited(&self) -> u64 {
        self.certificates.limited
    }
}
