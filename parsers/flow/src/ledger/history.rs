//! What is only to be seen over several observations: the certificates that one endpoint and name had, what was spoken at one endpoint,
//! and where one key was used.
//!
//! Remembers, and asks whoever owns the ledger where there is more than one of something; it judges nothing. What a set of facts is in a
//! word (`tls`, say, or `clear smtp`) comes with the answer to the facts. Everything is in the order of time and name, whatever the
//! order in which it came.

use super::findings::Seen;
use crate::certificates::Sha256Hex;
use crate::endpoint::Endpoint;
use crate::hash::Grown;
use crate::json;
use crate::limits::{MAX_HISTORIES, MAX_HISTORY};
use crate::time::SECOND;
use crate::x509::Facts;
use std::sync::Arc;

pub type Name = Option<Arc<str>>;

/// What kind of question it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// More than one leaf certificate at an endpoint under one name.
    Certificates,
    /// More than one word for what was spoken at an endpoint.
    Words,
    /// One key in more than one certificate.
    Key,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Certificates => "certificates",
            Self::Words => "words",
            Self::Key => "key",
        }
    }
}

/// Something to be judged, and where what is said of it belongs.
pub struct Question {
    pub kind: Kind,
    /// JSON object, see `_parsers.pyi`.
    pub facts: Vec<u8>,
    pub places: Vec<(Endpoint, Name, Seen)>,
}

/// Distinct things in the order in which they came, and whether one came since it was last asked. Most stay alone.
struct Several<T> {
    first: Option<(T, Seen)>,
    others: Vec<(T, Seen)>,
    is_new: bool,
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self { first: None, others: Vec::new(), is_new: false }
    }
}

impl<T: PartialEq> Several<T> {
    /// False if there are too many.
    fn note(&mut self, thing: T, seen: &Seen) -> bool {
        if let Some((_, known)) = self.all_mut().find(|(known, _)| *known == thing) {
            known.merge(seen);
            return true;
        }
        let has_room = self.len() < MAX_HISTORY;
        if has_room {
            match &mut self.first {
                None => self.first = Some((thing, seen.clone())),
                Some(_) => self.others.push((thing, seen.clone())),
            }
            self.is_new = true;
        }
        has_room
    }

    fn all(&self) -> impl Iterator<Item = &(T, Seen)> {
        self.first.iter().chain(&self.others)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut (T, Seen)> {
        self.first.iter_mut().chain(&mut self.others)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Whether there is something to ask; once for each thing that comes.
    fn asks(&mut self) -> bool {
        std::mem::take(&mut self.is_new) && self.len() > 1
    }

    fn in_order(&self) -> Vec<&(T, Seen)>
    where
        T: Ord,
    {
        let mut all: Vec<_> = self.all().collect();
        all.sort_unstable_by(|(a, seen), (b, other)| (seen.first_seen, a).cmp(&(other.first_seen, b)));
        all
    }

    /// The captures by which evidence is numbered are gone.
    fn forget_evidence(&mut self) {
        self.all_mut().for_each(|(_, seen)| seen.evidence = Default::default());
    }
}

#[derive(Default)]
struct KeyUse {
    certificates: Several<Sha256Hex>,
    /// The first of them.
    places: Several<(Endpoint, Name)>,
    /// Observations at others.
    elsewhere: u64,
}

#[derive(Default)]
pub struct History {
    certificates: Grown<(Endpoint, Name), Several<Sha256Hex>>,
    words: Grown<Endpoint, Several<Arc<str>>>,
    /// By SHA-256 of the SubjectPublicKeyInfo.
    keys: Grown<[u8; 32], KeyUse>,
    /// Observations left out because of [`MAX_HISTORIES`] and [`MAX_HISTORY`].
    pub limited: u64,
}

impl History {
    /// A certificate was sent by an endpoint; `facts` if it is as certificates ought to be.
    pub fn certificate(&mut self, at: (Endpoint, &Name), leaf: &Sha256Hex, facts: Option<&Facts>, seen: &Seen) {
        let place = (at.0, at.1.clone());
        let Some(several) = entry(&mut self.certificates, place.clone(), &mut self.limited) else { return };
        self.limited += u64::from(!several.note(*leaf, seen));
        let Some(facts) = facts else { return };
        let Some(key) = entry(&mut self.keys, facts.spki_sha256, &mut self.limited) else { return };
        self.limited += u64::from(!key.certificates.note(*leaf, seen));
        key.elsewhere += u64::from(!key.places.note(place, seen));
    }

    /// What an observation is in a word.
    pub fn word(&mut self, endpoint: Endpoint, word: &Arc<str>, seen: &Seen) {
        let Some(several) = entry(&mut self.words, endpoint, &mut self.limited) else { return };
        self.limited += u64::from(!several.note(word.clone(), seen));
    }

    /// What came since the last call, in the order of endpoints, names and keys. `record` gives the record of a certificate if it has one.
    pub fn questions(&mut self, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) -> Vec<Question> {
        let mut out = Vec::new();
        for (place, several) in &mut self.certificates {
            if several.asks() {
                out.push((order(Some(place), &[]), certificates(place, several, &record)));
            }
            several.forget_evidence();
        }
        for (endpoint, several) in &mut self.words {
            if several.asks() {
                out.push((order(Some(&(*endpoint, None)), &[]), words(*endpoint, several)));
            }
            several.forget_evidence();
        }
        for (spki, key) in &mut self.keys {
            // A new place of a key that several certificates have is of interest as well.
            let several = key.certificates.len() > 1;
            if key.certificates.asks() | (std::mem::take(&mut key.places.is_new) && several) {
                out.push((order(None, spki), key_use(spki, key, &record)));
            }
            key.certificates.forget_evidence();
            key.places.forget_evidence();
        }
        out.sort_by(|(a, one), (b, other)| (one.kind as u8, a).cmp(&(other.kind as u8, b)));
        out.into_iter().map(|(_, question)| question).collect()
    }
}

fn order(place: Option<&(Endpoint, Name)>, spki: &[u8]) -> (Option<(Endpoint, Name)>, Box<[u8]>) {
    (place.cloned(), spki.into())
}

fn entry<'a, K: Eq + std::hash::Hash, V: Default>(
    map: &'a mut Grown<K, V>,
    key: K,
    limited: &mut u64,
) -> Option<&'a mut V> {
    if map.len() >= MAX_HISTORIES && !map.contains_key(&key) {
        *limited += 1;
        return None;
    }
    Some(map.entry(key).or_default())
}

fn certificates(
    (endpoint, name): &(Endpoint, Name),
    several: &Several<Sha256Hex>,
    record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>,
) -> Question {
    let (mut facts, mut all) = (b"{".to_vec(), None);
    if let Some(name) = name {
        json::string(&mut facts, "name", name.as_bytes());
    }
    json::list(&mut facts, "certificates", several.in_order(), |out, (sha256, seen)| {
        all.get_or_insert_with(|| Seen::none(seen.first_seen, seen.last_seen)).merge(seen);
        out.push(b'{');
        write_seen(out, seen);
        write_certificate(out, sha256, &record);
        out.push(b'}');
    });
    facts.push(b'}');
    let places = all.map(|seen| (*endpoint, name.clone(), seen)).into_iter().collect();
    Question { kind: Kind::Certificates, facts, places }
}

fn words(endpoint: Endpoint, several: &Several<Arc<str>>) -> Question {
    let (mut facts, mut all) = (b"{".to_vec(), None);
    json::list(&mut facts, "words", several.in_order(), |out, (word, seen)| {
        all.get_or_insert_with(|| Seen::none(seen.first_seen, seen.last_seen)).merge(seen);
        out.push(b'{');
        write_seen(out, seen);
        json::word(out, "word", word);
        out.push(b'}');
    });
    facts.push(b'}');
    Question { kind: Kind::Words, facts, places: all.map(|seen| (endpoint, None, seen)).into_iter().collect() }
}

fn key_use(spki: &[u8; 32], key: &KeyUse, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) -> Question {
    let mut facts = b"{".to_vec();
    json::key(&mut facts, "spki_sha256");
    facts.push(b'"');
    json::hex(&mut facts, spki);
    facts.push(b'"');
    json::list(&mut facts, "certificates", key.certificates.in_order(), |out, (sha256, seen)| {
        out.push(b'{');
        write_seen(out, seen);
        write_certificate(out, sha256, &record);
        out.push(b'}');
    });
    let mut places: Vec<_> = key.places.all().map(|((at, name), seen)| (*at, name.clone(), seen.clone())).collect();
    places.sort_unstable_by(|(at, name, _), (other, other_name, _)| (at, name).cmp(&(other, other_name)));
    json::list(&mut facts, "places", places.iter(), |out, (endpoint, name, _)| {
        out.extend_from_slice(b"{\"endpoint\":\"");
        endpoint.write(out);
        out.push(b'"');
        if let Some(name) = name {
            json::string(out, "name", name.as_bytes());
        }
        out.push(b'}');
    });
    if key.elsewhere > 0 {
        json::number(&mut facts, "elsewhere", key.elsewhere);
    }
    facts.push(b'}');
    Question { kind: Kind::Key, facts, places }
}

fn write_seen(out: &mut Vec<u8>, seen: &Seen) {
    json::number(out, "first_seen", seen.first_seen / SECOND);
    json::number(out, "last_seen", seen.last_seen / SECOND);
    json::number(out, "flows", seen.count);
}

/// Its record, without one its SHA-256 alone.
fn write_certificate(out: &mut Vec<u8>, sha256: &Sha256Hex, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) {
    json::key(out, "certificate");
    match record(sha256) {
        Some(line) => out.extend_from_slice(line.trim_ascii_end()),
        None => {
            out.push(b'{');
            json::word(out, "sha256", std::str::from_utf8(sha256).unwrap_or_default());
            out.push(b'}');
        }
    }
}
