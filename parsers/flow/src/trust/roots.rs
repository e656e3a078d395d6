//! The certificates that are trusted: by their SHA-256s, by their names as compared without case, and by their names as they are written.

use super::fold;
use crate::certificates::Sha256Hex;
use crate::hash::{Map, Set};
use crate::json;
use crate::x509::{Facts, Parts};
use sha2::{Digest, Sha256};

/// A trusted certificate that is as certificates ought to be.
#[derive(Debug)]
pub struct Root {
    pub der: Box<[u8]>,
    pub facts: Facts,
    /// One of the host's own, not of the operator's.
    pub is_public: bool,
}

/// Trusted certificates. Those that are out of the ordinary wait in `unread` for Python; until it has told their names, no chain can be
/// judged here.
#[derive(Debug, Default)]
pub struct Roots {
    sha256s: Set<Sha256Hex>,
    /// [`fold::hash`] of their names. Two that share one would only send a chain to Python.
    subjects: Set<u64>,
    /// Those that were read here, by subject in DER; in the order in which they were given.
    by_name: Map<Box<[u8]>, Vec<Root>>,
    /// [`fold::hash`] of the names of those that were not.
    odd: Set<u64>,
    unread: Vec<Box<[u8]>>,
    /// [`fold::hash`] of the names of authorities whose certificates are not judged here.
    left: Set<u64>,
}

impl Roots {
    /// The first `public` of them are the host's own.
    pub fn new<'a>(ders: impl IntoIterator<Item = &'a [u8]>, public: usize) -> Self {
        let mut roots = Self::default();
        for (at, der) in ders.into_iter().enumerate() {
            match Facts::read(der) {
                Some(facts) => roots.keep(der, facts, at < public),
                None => roots.unread.push(der.into()),
            }
        }
        roots
    }

    /// DER of those whose names are not known.
    pub fn unread(&self) -> &[Box<[u8]>] {
        &self.unread
    }

    /// Takes one of the unread off the list: with its subject as an RFC 4514 string, cut as records cut it, or without one if it
    /// cannot be parsed at all, for that is nobody's root.
    pub fn resolve(&mut self, der: &[u8], subject: Option<&str>) {
        self.unread.retain(|unread| **unread != *der);
        if let Some(subject) = subject {
            self.odd.insert(fold::hash(subject));
            self.add(der, subject);
        }
    }

    /// What this authority issued, others judge: they know more of it than certificates tell.
    pub fn leave(&mut self, issuer: &str) {
        self.left.insert(fold::hash(issuer));
    }

    pub fn leaves(&self, facts: &Facts) -> bool {
        self.left.contains(&facts.issuer_hash)
    }

    /// Whether the certificate with this SHA-256 in hex is itself trusted.
    pub fn contains(&self, sha256: &Sha256Hex) -> bool {
        self.sha256s.contains(sha256)
    }

    /// Whether a trusted certificate may have the name with this [`fold::hash`]; `true` also if that is not sure.
    pub fn may_have(&self, name: u64) -> bool {
        self.subjects.contains(&name)
    }

    /// The trusted certificates that may have issued this one; `None` if one of them was not read here.
    pub fn named(&self, child_parts: &Parts<'_>, child: &Facts) -> Option<&[Root]> {
        let known = self.by_name.get(child_parts.issuer).map(Vec::as_slice);
        (!self.odd.contains(&child.issuer_hash)).then(|| known.unwrap_or_default())
    }

    pub fn len(&self) -> usize {
        self.sha256s.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sha256s.is_empty()
    }

    fn keep(&mut self, der: &[u8], facts: Facts, is_public: bool) {
        let Some(parts) = Parts::read(der) else { return };
        if self.add(der, &facts.subject) {
            self.by_name.entry(parts.subject.into()).or_default().push(Root { der: der.into(), facts, is_public });
        }
    }

    /// Whether it is new.
    fn add(&mut self, der: &[u8], subject: &str) -> bool {
        let mut hex = Vec::with_capacity(64);
        json::hex(&mut hex, &Sha256::digest(der));
        self.subjects.insert(fold::hash(subject));
        hex.first_chunk::<64>().is_some_and(|hex| self.sha256s.insert(*hex))
    }
}
