//! Certificates, each kept and hashed once. Every handshake of an endpoint sends the same few: SHA-256 over all of them
//! would cost more than the rest of the handshake, so a known one is found by a fast keyed hash and compared byte by byte.

use crate::fingerprint::Fingerprints;
use crate::json;
use crate::keys::KeyLog;
use crate::spare::Spare;
use crate::tls::{Configurations, Resumptions};
use crate::x509::Facts;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Certificates whose DER is kept: more than any site has, and about 100 MB of the usual kind.
const MAX_KEPT: usize = 65_536;
/// Bytes of DER and facts kept, so that a flood of large certificates is bounded as well.
const MAX_KEPT_BYTES: usize = 128 << 20;
/// Hashes known at all, DER kept or not: 130 bytes each, so about 130 MB at the worst.
const MAX_KNOWN: usize = 1 << 20;

/// Lower-case hex digits.
pub type Sha256Hex = [u8; 64];

/// One distinct certificate of this interner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CertificateId(u32);

/// A certificate that is kept.
#[derive(Debug)]
pub struct Certificate {
    pub sha256: Sha256Hex,
    pub der: Box<[u8]>,
    /// What it says; `None` if it is out of the ordinary.
    pub facts: Option<Facts>,
}

impl Certificate {
    fn size(&self) -> usize {
        self.der.len() + self.facts.as_ref().map_or(0, Facts::size)
    }
}

struct Entry {
    sha256: Sha256Hex,
    /// `None` beyond the limits.
    kept: Option<Arc<Certificate>>,
    /// Carried by a flow of the selection.
    selected: bool,
    /// The next entry with the same fast hash.
    next: Option<u32>,
}

/// The certificates seen by one core, and what else its handshakes share.
pub struct Certificates {
    pub fingerprints: Fingerprints,
    pub spare: Spare,
    /// Full handshakes that may be resumed.
    pub resumptions: Resumptions,
    /// What DNS gave out to hide names with.
    pub configurations: Configurations,
    /// Of sessions whose keys were given, `None` if none were.
    pub keys: Option<Box<KeyLog>>,
    seed: [u64; 2],
    entries: Vec<Entry>,
    /// Fast hash of the DER (of the SHA-256 where no DER is kept) to the first entry of its chain.
    heads: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    kept: usize,
    kept_bytes: usize,
    /// Entries before this one were handed out.
    taken: usize,
    /// With a selection: those to be handed out next.
    selected: Option<Vec<CertificateId>>,
    /// Certificates met whose DER (or, at the worst, whose hash) was not kept.
    pub limited: u64,
}

impl Certificates {
    /// `seed` keys the fast hash, so that nobody can prepare certificates that collide.
    pub fn new(seed: u64) -> Self {
        Self {
            fingerprints: Fingerprints::default(),
            spare: Spare::default(),
            resumptions: Resumptions::default(),
            configurations: Configurations::default(),
            keys: None,
            seed: [seed ^ 0x9e37_79b9_7f4a_7c15, seed.rotate_left(32) | 1],
            entries: Vec::new(),
            heads: HashMap::default(),
            kept: 0,
            kept_bytes: 0,
            taken: 0,
            selected: None,
            limited: 0,
        }
    }

    /// A keyed hash of what names a session, never 0.
    pub fn token(&self, name: &[u8]) -> u64 {
        fast_hash(name, self.seed) | 1
    }

    /// `None` only once so many are known that not even another hash is kept (counted in `limited`).
    pub fn intern(&mut self, der: &[u8]) -> Option<CertificateId> {
        let hash = fast_hash(der, self.seed);
        if let Some(id) = self.find(hash, |entry| entry.kept.as_ref().is_some_and(|kept| *kept.der == *der)) {
            return Some(id);
        }
        let sha256 = hex_sha256(der);
        if self.has_room(der.len()) {
            return self.keep(hash, Arc::new(Certificate { sha256, der: der.into(), facts: Facts::read(der) }));
        }
        self.limited += 1;
        let hash = fast_hash(&sha256, self.seed);
        self.find(hash, |entry| entry.kept.is_none() && entry.sha256 == sha256)
            .or_else(|| self.insert(hash, Entry { sha256, kept: None, selected: false, next: None }))
    }

    /// Takes in one that another interner read. `None` if there is no room for it (counted in `limited`).
    pub fn adopt(&mut self, certificate: &Arc<Certificate>) -> Option<CertificateId> {
        let hash = fast_hash(&certificate.der, self.seed);
        if let Some(id) = self.find(hash, |entry| entry.sha256 == certificate.sha256) {
            return Some(id);
        }
        if self.has_room(certificate.der.len()) {
            return self.keep(hash, certificate.clone());
        }
        self.limited += 1;
        None
    }

    fn has_room(&self, length: usize) -> bool {
        self.kept < MAX_KEPT && self.kept_bytes + length <= MAX_KEPT_BYTES
    }

    fn keep(&mut self, hash: u64, certificate: Arc<Certificate>) -> Option<CertificateId> {
        self.kept += 1;
        self.kept_bytes += certificate.size();
        self.insert(hash, Entry { sha256: certificate.sha256, kept: Some(certificate), selected: false, next: None })
    }

    pub fn sha256(&self, id: CertificateId) -> Sha256Hex {
        self.entries.get(id.0 as usize).map_or([b'0'; 64], |entry| entry.sha256)
    }

    pub fn sha256_hex(&self, id: CertificateId) -> &str {
        self.entries.get(id.0 as usize).and_then(|entry| std::str::from_utf8(&entry.sha256).ok()).unwrap_or_default()
    }

    /// The certificate, if it was kept.
    pub fn kept(&self, id: CertificateId) -> Option<&Arc<Certificate>> {
        self.entries.get(id.0 as usize)?.kept.as_ref()
    }

    /// What the certificate says, if it was kept and is as certificates ought to be.
    pub fn facts(&self, id: CertificateId) -> Option<&Facts> {
        self.kept(id)?.facts.as_ref()
    }

    /// Those kept that were not handed out before, in order of first sight.
    pub fn take_new(&mut self) -> Vec<Arc<Certificate>> {
        if let Some(selected) = &mut self.selected {
            return selected.drain(..).filter_map(|id| self.entries.get(id.0 as usize)?.kept.clone()).collect();
        }
        let fresh = self.entries.get(self.taken..).unwrap_or_default();
        self.taken = self.entries.len();
        fresh.iter().filter_map(|entry| entry.kept.clone()).collect()
    }

    /// From now on only those that were selected are handed out.
    pub fn hand_out_selected(&mut self) {
        self.selected.get_or_insert_default();
    }

    /// A flow whose records are wanted carried these.
    pub fn select<'a>(&mut self, ids: impl Iterator<Item = &'a CertificateId>) {
        let Some(selected) = &mut self.selected else { return };
        for id in ids {
            if let Some(entry) = self.entries.get_mut(id.0 as usize)
                && !std::mem::replace(&mut entry.selected, true)
            {
                selected.push(*id);
            }
        }
    }

    fn find(&self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<CertificateId> {
        let mut at = self.heads.get(&hash).copied();
        while let Some(id) = at {
            let entry = self.entries.get(id as usize)?;
            if is_it(entry) {
                return Some(CertificateId(id));
            }
            at = entry.next;
        }
        None
    }

    fn insert(&mut self, hash: u64, mut entry: Entry) -> Option<CertificateId> {
        if self.entries.len() >= MAX_KNOWN {
            return None;
        }
        let id = self.entries.len() as u32;
        entry.next = self.heads.insert(hash, id);
        self.entries.push(entry);
        Some(CertificateId(id))
    }
}

fn hex_sha256(der: &[u8]) -> Sha256Hex {
    in_hex(&Sha256::digest(der).into())
}

pub fn in_hex(sha256: &[u8; 32]) -> Sha256Hex {
    let mut hex = Vec::with_capacity(64);
    json::hex(&mut hex, sha256);
    hex.try_into().unwrap_or([b'0'; 64])
}

/// What the digits say; any other character is a zero.
pub fn of_hex(hex: &Sha256Hex) -> [u8; 32] {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    std::array::from_fn(|at| digit(hex[2 * at]) << 4 | digit(hex[2 * at + 1]))
}

/// Multiply and fold, 64 bytes a step in four lanes that do not wait for one another; a wrong match costs a comparison, never a
/// wrong answer.
fn fast_hash(bytes: &[u8], [a, b]: [u64; 2]) -> u64 {
    let fold = |state: u64, word: &[u8; 16]| {
        let word = u128::from_le_bytes(*word);
        multiply(word as u64 ^ state, (word >> 64) as u64 ^ b).wrapping_add(state.rotate_left(23))
    };
    let start = a ^ bytes.len() as u64;
    let mut lanes = [start, start.rotate_left(16), start.rotate_left(32), start.rotate_left(48)];
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<16>().0) {
            *lane = fold(*lane, word);
        }
    }
    let (words, tail) = rest.as_chunks::<16>();
    let mut last = [0; 16];
    last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    for (lane, word) in lanes.iter_mut().zip(words.iter().chain([&last])) {
        *lane = fold(*lane, word);
    }
    let [first, second, third, fourth] = lanes;
    multiply(multiply(first ^ b, second ^ a) ^ third.rotate_left(7) ^ a, fourth ^ b)
}

fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    product as u64 ^ (product >> 64) as u64
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = fast_hash(bytes, [self.0, 1]);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_a_certificate_and_each_is_handed_out_once() {
        let mut certificates = Certificates::new(7);
        let abc = certificates.intern(b"abc").unwrap();
        let empty = certificates.intern(b"").unwrap();
        assert_eq!(certificates.intern(b"abc"), Some(abc));
        assert_ne!(abc, empty);
        // FIPS 180-4's example.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(certificates.sha256_hex(abc), sha256);
        let new = certificates.take_new();
        assert_eq!((&new[0].sha256[..], &*new[0].der), (sha256.as_bytes(), &b"abc"[..]));
        assert_eq!(new.len(), 2);
        assert!(certificates.take_new().is_empty());
        certificates.intern(b"abd");
        assert_eq!(certificates.take_new().len(), 1);
    }

    #[test]
    fn one_changed_byte_is_another_certificate() {
        let mut certificates = Certificates::new(7);
        let mut der = [0u8; 100];
        let mut ids = vec![certificates.intern(&der)];
        for at in 0..der.len() {
            der[at] = 1;
            ids.push(certificates.intern(&der));
            der[at] = 0;
        }
        ids.sort_by_key(|id| id.unwrap().0);
        ids.dedup();
        assert_eq!(ids.len(), 101);
    }

    #[test]
    fn what_one_read_another_adopts() {
        let (mut one, mut other) = (Certificates::new(7), Certificates::new(8));
        let id = one.intern(b"abc").unwrap();
        let adopted = other.adopt(&one.take_new()[0]).unwrap();
        assert_eq!(other.intern(b"abc"), Some(adopted));
        assert!(Arc::ptr_eq(one.kept(id).unwrap(), other.kept(adopted).unwrap()));
    }

    #[test]
    fn beyond_the_limit_the_hash_stays() {
        let mut certificates = Certificates::new(7);
        certificates.kept = MAX_KEPT;
        let abc = certificates.intern(b"abc").unwrap();
        assert_eq!(certificates.intern(b"abc"), Some(abc));
        assert_eq!(certificates.sha256_hex(abc).get(..8), Some("ba7816bf"));
        assert_eq!((certificates.limited, certificates.take_new().len()), (2, 0));
    }
}
