//! The certificates that are trusted, as far as it takes to see that a chain cannot reach them: their SHA-256s and their names.

use super::fold;
use crate::certificates::Sha256Hex;
use crate::hash::Set;
use crate::json;
use crate::x509::Facts;
use sha2::{Digest, Sha256};

/// Trusted certificates. Those that are out of the ordinary wait in `unread` for Python; until it has told their names, no chain can be
/// judged here.
#[derive(Debug, Default)]
pub struct Roots {
    sha256s: Set<Sha256Hex>,
    /// [`fold::hash`] of their names. Two that share one would only send a chain to Python.
    subjects: Set<u64>,
    unread: Vec<Box<[u8]>>,
}

impl Roots {
    pub fn new<'a>(ders: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut roots = Self::default();
        for der in ders {
            match Facts::read(der) {
                Some(facts) => roots.add(der, &facts.subject),
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
            self.add(der, subject);
        }
    }

    /// Whether the certificate with this SHA-256 in hex is itself trusted.
    pub fn contains(&self, sha256: &Sha256Hex) -> bool {
        self.sha256s.contains(sha256)
    }

    /// Whether a trusted certificate may have the name with this [`fold::hash`]; `true` also if that is not sure.
    pub fn may_have(&self, name: u64) -> bool {
        self.subjects.contains(&name)
    }

    pub fn len(&self) -> usize {
        self.sha256s.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sha256s.is_empty()
    }

    fn add(&mut self, der: &[u8], subject: &str) {
        let mut hex = Vec::with_capacity(64);
        json::hex(&mut hex, &Sha256::digest(der));
        self.sha256s.extend(hex.first_chunk::<64>());
        self.subjects.insert(fold::hash(subject));
    }
}
