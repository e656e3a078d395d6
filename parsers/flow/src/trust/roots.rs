//! The certificates that are trusted, as far as it takes to see that a chain cannot reach them: their SHA-256s and their names.

use super::fold;
use crate::json;
use crate::x509::Facts;
use memchr::memmem;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Trusted certificates. Those that are out of the ordinary wait in `unread` for Python; until it has told their names, no chain can be
/// judged here.
#[derive(Debug, Default)]
pub struct Roots {
    sha256s: HashSet<[u8; 64]>,
    subjects: HashSet<Box<str>>,
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
    pub fn contains(&self, sha256_hex: &str) -> bool {
        sha256_hex.as_bytes().try_into().is_ok_and(|hex: [u8; 64]| self.sha256s.contains(&hex))
    }

    /// Whether a trusted certificate may have this name; `true` also if that is not sure.
    pub fn may_have(&self, name: &str) -> bool {
        self.subjects.contains(fold::coarse(name).as_ref())
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
        self.sha256s.extend(hex.as_slice().try_into().ok().map(|hex: &[u8; 64]| *hex));
        self.subjects.insert(fold::coarse(subject).into());
    }
}

/// A bundle that has to be looked at by probe.trust.store, which says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemError {
    /// A certificate in it is not plain base64.
    NotBase64,
    /// No certificate in it.
    Empty,
}

/// The DER of each certificate in a PEM file (RFC 7468 section 5, and OpenSSL's `TRUSTED CERTIFICATE`).
pub fn decode_pem(mut bundle: &[u8]) -> Result<Vec<Vec<u8>>, PemError> {
    let mut ders = Vec::new();
    while let Some((body, rest)) = next_block(bundle) {
        ders.push(base64(body).ok_or(PemError::NotBase64)?);
        bundle = rest;
    }
    if ders.is_empty() { Err(PemError::Empty) } else { Ok(ders) }
}

/// What stands between the next beginning and the end after it, and what follows.
fn next_block(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, body) = marker(bundle, b"-----BEGIN ", 0)?;
    // At least one byte lies between, as in the library's pattern.
    let (length, rest) = marker(body, b"-----END ", 1)?;
    Some((body.get(..length)?, rest))
}

/// Where the next marker with this first part begins, and what follows it.
fn marker<'a>(bytes: &'a [u8], first: &[u8], from: usize) -> Option<(usize, &'a [u8])> {
    let mut at = from;
    loop {
        at += memmem::find(bytes.get(at..)?, first)?;
        let label = bytes.get(at + first.len()..)?;
        let label = label.strip_prefix(b"TRUSTED ").unwrap_or(label);
        if let Some(rest) = label.strip_prefix(b"CERTIFICATE-----") {
            return Some((at, rest));
        }
        at += 1;
    }
}

/// Standard base64 (RFC 4648 section 4) among white space; with padding, and with nothing lost in the last digit.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut digits, mut padding) = (0u32, 0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => continue,
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        word = word << 6 | u32::from(value);
        digits += 1;
        if digits == 4 {
            out.extend_from_slice(&word.to_be_bytes()[1..]);
            (word, digits) = (0, 0);
        }
    }
    match (digits, padding) {
        (0, 0) => {}
        (2, 2) if word & 0xf == 0 => out.push((word >> 4) as u8),
        (3, 1) if word & 0x3 == 0 => out.extend_from_slice(&(word >> 2).to_be_bytes()[2..]),
        _ => return None,
    }
    Some(out)
}
