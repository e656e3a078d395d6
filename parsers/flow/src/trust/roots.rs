//! The certificates that are trusted: by their SHA-256s, by their names as compared without case, and by their names as they are written.

use super::{Known, fold};
use crate::certificates::Sha256Hex;
use crate::hash::{Map, Set};
use crate::json;
use crate::x509::{Facts, Parts};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A trusted certificate that is as certificates ought to be.
#[derive(Debug)]
pub struct Root {
    pub der: Box<[u8]>,
    pub facts: Facts,
    /// Of a public programme (the host's own, say), not the operator's own.
    pub is_public: bool,
    /// The names of the stores that it is in.
    pub store: Arc<str>,
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
    known: Known,
    leaves_all: bool,
}

impl Roots {
    /// Nameless ones of one store; the first `public` of them are public.
    pub fn new<'a>(ders: impl IntoIterator<Item = &'a [u8]>, public: usize) -> Self {
        let mut roots = Self::default();
        for (at, der) in ders.into_iter().enumerate() {
            roots.trust(der, "", at < public);
        }
        roots
    }

    /// Takes in one of the store with this name. One that came before, of another store, is of both.
    pub fn trust(&mut self, der: &[u8], store: &str, is_public: bool) {
        match Facts::read(der) {
            Some(facts) => self.keep(der, facts, store, is_public),
            None => self.unread.push(der.into()),
        }
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

    /// The same of all authorities.
    pub fn leave_all(&mut self) {
        self.leaves_all = true;
    }

    pub fn leaves(&self, facts: &Facts) -> bool {
        self.leaves_all || self.left.contains(&facts.issuer_hash)
    }

    /// What else is known of keys and issuers.
    pub fn know(&mut self, known: Known) {
        self.known = known;
    }

    pub fn known(&self) -> &Known {
        &self.known
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

    fn keep(&mut self, der: &[u8], facts: Facts, store: &str, is_public: bool) {
        let Some(parts) = Parts::read(der) else { return };
        let is_new = self.add(der, &facts.subject);
        let named = self.by_name.entry(parts.subject.into()).or_default();
        if is_new {
            named.push(Root { der: der.into(), facts, is_public, store: store.into() });
        } else if let Some(root) = named.iter_mut().find(|root| *root.der == *der) {
            root.is_public |= is_public;
            if *root.store != *store && root.store.split(", ").all(|known| known != store) {
                root.store = format!("{}, {store}", root.store).into();
            }
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
