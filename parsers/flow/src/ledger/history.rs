//! What is only to be seen over several observations: the certificates that one endpoint and name had, what was spoken at one endpoint,
//! and where one key was used.
//!
//! Remembers, and asks whoever owns the ledger where there is more than one of something; it judges nothing. What a set of facts is in a
//! word (`tls`, say, or `clear smtp`) comes with the answer to the facts. Everything is in the order of time and name, whatever the
//! order in which it came.

use super::findings::Seen;
use super::places::{Name, Place, Places};
use crate::certificates::{Sha256Hex, in_hex};
use crate::chunked::Chunked;
use crate::endpoint::Endpoint;
use crate::hash::{Grown, Numbered};
use crate::json;
use crate::limits::{MAX_HISTORIES, MAX_HISTORY};
use crate::time::SECOND;
use std::sync::Arc;

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
    pub places: Vec<(Place, Seen)>,
}

/// Distinct things in the order in which they came, and whether one came since it was last asked. Most stay alone: room for others is
/// taken when there are some.
struct Several<T> {
    first: Option<(T, Seen)>,
    others: Box<[(T, Seen)]>,
    is_new: bool,
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self { first: None, others: Box::default(), is_new: false }
    }
}

impl<T: PartialEq> Several<T> {
    /// How many flows are left out because there are too many things. Those stay that are the earliest in a capture, in whatever order
    /// they come.
    fn note(&mut self, thing: T, seen: &Seen) -> u64 {
        if let Some((_, known)) = self.all_mut().find(|(known, _)| *known == thing) {
            known.merge(seen);
            return 0;
        }
        if self.len() < MAX_HISTORY {
            let new = (thing, seen.clone());
            match &mut self.first {
                first @ None => *first = Some(new),
                Some(_) => self.others = std::mem::take(&mut self.others).into_iter().chain([new]).collect(),
            }
            self.is_new = true;
            return 0;
        }
        let first = |seen: &Seen| seen.evidence.first().copied();
        if let Some(latest) = self.all_mut().max_by_key(|(_, seen)| first(seen))
            && first(seen).zip(first(&latest.1)).is_some_and(|(new, known)| new < known)
        {
            let (_, left_out) = std::mem::replace(latest, (thing, seen.clone()));
            self.is_new = true;
            return left_out.count;
        }
        seen.count
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

    /// By the time of their first sight, then by what `text` says of them.
    fn in_order<K: Ord>(&self, text: impl Fn(&T) -> K) -> Vec<&(T, Seen)> {
        let mut all: Vec<_> = self.all().collect();
        all.sort_by_cached_key(|(thing, seen)| (seen.first_seen, text(thing)));
        all
    }

    /// The captures by which evidence is numbered are gone.
    fn forget_evidence(&mut self) {
        self.all_mut().for_each(|(_, seen)| seen.evidence = Default::default());
    }
}

#[derive(Default)]
struct KeyUse {
    certificates: Several<Sha256>,
    /// The first of them.
    places: Several<Place>,
    /// Flows at others.
    elsewhere: u64,
}

/// As it is; in hex it would take twice the room.
type Sha256 = [u8; 32];

/// What is known of some of many numbered things, in the order in which they came.
struct Sparse<T, V> {
    all: Chunked<(T, V)>,
    /// By number of the thing: its place in the list, from 1.
    at: Vec<u32>,
}

impl<T, V> Default for Sparse<T, V> {
    fn default() -> Self {
        Self { all: Chunked::default(), at: Vec::new() }
    }
}

impl<T, V: Default> Sparse<T, V> {
    /// What is known of a thing. None if it is new and there are too many.
    fn of(&mut self, number: u32, thing: T) -> Option<&mut V> {
        let number = number as usize;
        if self.at.len() <= number {
            self.at.resize(number + 1, 0);
        }
        if self.at[number] == 0 {
            if self.all.len() >= MAX_HISTORIES {
                return None;
            }
            self.all.push((thing, V::default()));
            self.at[number] = self.all.len() as u32;
        }
        self.all.get_mut(self.at[number] as usize - 1).map(|(_, known)| known)
    }
}

#[derive(Default)]
pub struct History {
    certificates: Sparse<Place, Several<Sha256>>,
    /// By endpoint, numbers of words.
    words: Sparse<u32, Several<u32>>,
    /// All words, some for each protocol.
    vocabulary: Numbered<Arc<str>>,
    /// By SHA-256 of the SubjectPublicKeyInfo.
    keys: Grown<Sha256, KeyUse>,
    /// Flows left out because of [`MAX_HISTORIES`] and [`MAX_HISTORY`].
    pub limited: u64,
}

impl History {
    /// A certificate was sent from somewhere; `spki_sha256` if it is as certificates ought to be.
    pub fn certificate(&mut self, place: Place, leaf: &Sha256, spki_sha256: Option<&Sha256>, seen: &Seen) {
        let Some(several) = self.certificates.of(place.number, place) else {
            self.limited += seen.count;
            return;
        };
        self.limited += several.note(*leaf, seen);
        let Some(spki_sha256) = spki_sha256 else { return };
        let has_room = self.keys.len() < MAX_HISTORIES || self.keys.contains_key(spki_sha256);
        if !has_room {
            self.limited += seen.count;
            return;
        }
        let key = self.keys.entry(*spki_sha256).or_default();
        self.limited += key.certificates.note(*leaf, seen);
        key.elsewhere += key.places.note(place, seen);
    }

    /// The number of a word.
    pub fn word(&mut self, word: &str) -> u32 {
        self.vocabulary.insert_full(word.into()).0 as u32
    }

    /// What an observation is in a word.
    pub fn spoken(&mut self, place: Place, word: u32, seen: &Seen) {
        let known = self.words.of(place.endpoint, place.endpoint);
        self.limited += known.map_or(seen.count, |several| several.note(word, seen));
    }

    /// What came since the last call, in the order of endpoints, names and keys. `record` gives the record of a certificate if it has one.
    pub fn questions(&mut self, places: &mut Places, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) -> Vec<Question> {
        let mut out = Vec::new();
        for (place, several) in self.certificates.all.iter_mut() {
            if several.asks() {
                out.push((order(Some(places.order(*place)), &[]), certificates(*place, places, several, &record)));
            }
            several.forget_evidence();
        }
        for (endpoint, several) in self.words.all.iter_mut() {
            if several.asks() {
                let place = places.endpoint(*endpoint).copied().and_then(|endpoint| places.number(endpoint, None));
                let order = order(Some((places.endpoint(*endpoint), None)), &[]);
                out.push((order, words(place, several, &self.vocabulary)));
            }
            several.forget_evidence();
        }
        for (spki, key) in &mut self.keys {
            // A new place of a key that several certificates have is of interest as well.
            let several = key.certificates.len() > 1;
            if key.certificates.asks() | (std::mem::take(&mut key.places.is_new) && several) {
                out.push((order(None, spki), key_use(spki, key, places, &record)));
            }
            key.certificates.forget_evidence();
            key.places.forget_evidence();
        }
        out.sort_by(|(a, one), (b, other)| (one.kind as u8, a).cmp(&(other.kind as u8, b)));
        out.into_iter().map(|(_, question)| question).collect()
    }

    /// Places of which something is known, at most: those of a certificate and a word twice.
    pub fn len(&self) -> usize {
        self.certificates.all.len() + self.words.all.len()
    }

    /// Numbers anew those places of which something is known.
    pub fn renumber(&mut self, old: &Places) -> Places {
        let mut places = Places::default();
        for (place, several) in std::mem::take(&mut self.certificates).all {
            if let Some(place) = places.adopt(old, place)
                && let Some(known) = self.certificates.of(place.number, place)
            {
                *known = several;
            }
        }
        for (endpoint, several) in std::mem::take(&mut self.words).all {
            if let Some(place) = old.endpoint(endpoint).and_then(|endpoint| places.number(*endpoint, None))
                && let Some(known) = self.words.of(place.endpoint, place.endpoint)
            {
                *known = several;
            }
        }
        for key in self.keys.values_mut() {
            // All of them are places of certificates.
            key.places.all_mut().for_each(|(place, _)| *place = places.adopt(old, *place).unwrap_or_default());
        }
        places
    }
}

/// Of a question: endpoint and name, key.
type Order = (Option<(Endpoint, Name)>, Box<[u8]>);

fn order(place: Option<(Option<&Endpoint>, Option<&Arc<str>>)>, spki: &[u8]) -> Order {
    let place = place.and_then(|(endpoint, name)| Some((*endpoint?, name.cloned())));
    (place, spki.into())
}

fn certificates(
    place: Place,
    places: &Places,
    several: &Several<Sha256>,
    record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>,
) -> Question {
    let (mut facts, mut all) = (b"{".to_vec(), None);
    if let Some(name) = places.name(place.name) {
        json::string(&mut facts, "name", name.as_bytes());
    }
    json::list(&mut facts, "certificates", several.in_order(|sha256| *sha256), |out, (sha256, seen)| {
        all.get_or_insert_with(|| Seen::none(seen.first_seen, seen.last_seen)).merge(seen);
        out.push(b'{');
        write_seen(out, seen);
        write_certificate(out, sha256, &record);
        out.push(b'}');
    });
    facts.push(b'}');
    Question { kind: Kind::Certificates, facts, places: all.map(|seen| (place, seen)).into_iter().collect() }
}

fn words(place: Option<Place>, several: &Several<u32>, vocabulary: &Numbered<Arc<str>>) -> Question {
    let (mut facts, mut all) = (b"{".to_vec(), None);
    let text = |word: &u32| vocabulary.get_index(*word as usize).map_or("", |word| &**word);
    json::list(&mut facts, "words", several.in_order(text), |out, (word, seen)| {
        all.get_or_insert_with(|| Seen::none(seen.first_seen, seen.last_seen)).merge(seen);
        out.push(b'{');
        write_seen(out, seen);
        json::word(out, "word", text(word));
        out.push(b'}');
    });
    facts.push(b'}');
    Question { kind: Kind::Words, facts, places: place.zip(all).into_iter().collect() }
}

fn key_use(spki: &Sha256, key: &KeyUse, places: &Places, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) -> Question {
    let mut facts = b"{".to_vec();
    json::key(&mut facts, "spki_sha256");
    facts.push(b'"');
    json::hex(&mut facts, spki);
    facts.push(b'"');
    json::list(&mut facts, "certificates", key.certificates.in_order(|sha256| *sha256), |out, (sha256, seen)| {
        out.push(b'{');
        write_seen(out, seen);
        write_certificate(out, sha256, &record);
        out.push(b'}');
    });
    let mut used: Vec<_> = key.places.all().cloned().collect();
    used.sort_unstable_by_key(|(place, _)| places.order(*place));
    json::list(&mut facts, "places", used.iter(), |out, (place, _)| {
        let (endpoint, name) = places.order(*place);
        out.extend_from_slice(b"{\"endpoint\":\"");
        endpoint.inspect(|endpoint| endpoint.write(out));
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
    Question { kind: Kind::Key, facts, places: used }
}

fn write_seen(out: &mut Vec<u8>, seen: &Seen) {
    json::number(out, "first_seen", seen.first_seen / SECOND);
    json::number(out, "last_seen", seen.last_seen / SECOND);
    json::number(out, "flows", seen.count);
}

/// Its record, without one its SHA-256 alone.
fn write_certificate(out: &mut Vec<u8>, sha256: &Sha256, record: impl Fn(&Sha256Hex) -> Option<Vec<u8>>) {
    json::key(out, "certificate");
    let sha256 = in_hex(sha256);
    match record(&sha256) {
        Some(line) => out.extend_from_slice(line.trim_ascii_end()),
        None => {
            out.push(b'{');
            json::word(out, "sha256", std::str::from_utf8(&sha256).unwrap_or_default());
            out.push(b'}');
        }
    }
}
