//! Whether an encrypted_client_hello hides a name or is GREASE. The two are made to look alike (RFC 9849 section 6.2); DNS gives away
//! which it is: a hello with something to hide shows the public name of a configuration that DNS gave out, and its number.
//!
//! Only what was seen before the hello counts. A client that asks elsewhere (DNS over HTTPS) leaves it undecided.

use crate::recent::Recent;
use std::borrow::Cow;
use std::hash::BuildHasher;
use transitproof_wire::Reader;
use transitproof_wire::dns::{Message, is_service_answer, kind};
use transitproof_wire::tls::ech::{Extension, Outer, configs, of_service};

/// What DNS said lately of so many names and configurations, 16 bytes each.
const MAX_REMEMBERED: usize = 65_536;
/// Configurations of one record that are looked at; servers give out one, and two while keys change.
const MAX_CONFIGS: usize = 8;
/// Suites of one configuration that are looked at; three AEADs and three KDFs are registered.
const MAX_SUITES: usize = 9;

/// What a ClientHello with the extension turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ech {
    /// Nothing tells.
    Offered { config_id: Option<u8> },
    /// Made with a configuration that DNS gave out for this public name.
    Real { config_id: u8 },
    /// DNS has no such configuration for this name.
    Grease { config_id: u8 },
    /// The hidden hello itself, on its way from the server in front.
    Inner,
}

impl Ech {
    /// The word for one with a hidden hello in it.
    pub const REAL: &str = "real";

    pub fn word(self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::Real { .. } => Self::REAL,
            Self::Grease { .. } => "grease",
            Self::Inner => "inner",
        }
    }

    /// How that is known.
    pub fn evidence(self) -> &'static str {
        match self {
            Self::Real { .. } | Self::Grease { .. } => "inferred",
            Self::Offered { .. } | Self::Inner => "observed",
        }
    }

    pub fn config_id(self) -> Option<u8> {
        match self {
            Self::Offered { config_id } => config_id,
            Self::Real { config_id } | Self::Grease { config_id } => Some(config_id),
            Self::Inner => None,
        }
    }
}

/// What DNS said.
#[derive(Hash)]
enum Said<'a> {
    /// It was asked about the services of a name, and how they are reached was answered.
    Asked(&'a [u8]),
    /// The public name of a configuration.
    Public(&'a [u8]),
    /// What the extension looks like under a public name.
    Config(&'a [u8], Outer),
}

/// Of one core.
#[derive(Default)]
pub struct Configurations {
    said: Recent<(), MAX_REMEMBERED>,
    hasher: foldhash::quality::RandomState,
}

impl Configurations {
    /// A DNS message: what it answers about services is remembered.
    #[inline]
    pub fn hear(&mut self, payload: &[u8]) {
        if is_service_answer(payload) {
            self.answer(payload);
        }
    }

    #[cold]
    fn answer(&mut self, payload: &[u8]) {
        let Ok(message) = Message::read(payload) else { return };
        let (mut aliases, mut services) = (0, 0);
        for record in message.answers().filter(|record| matches!(record.kind, kind::SVCB | kind::HTTPS)) {
            match of_service(record.data) {
                None => aliases += 1,
                Some(list) => {
                    services += 1;
                    self.remember(list);
                }
            }
        }
        // What an alias leads to is asked, and answered, under its own name.
        if aliases == 0 || services > 0 {
            let mut name = Vec::with_capacity(message.question.name.written());
            // A port or a scheme stands in front of it: RFC 9460 section 2.3.
            for label in message.question.name.labels().skip_while(|label| label.starts_with(b"_")) {
                name.extend_from_slice(if name.is_empty() { b"" } else { b"." });
                name.extend(label.to_ascii_lowercase());
            }
            self.insert(&Said::Asked(&name));
        }
    }

    fn remember(&mut self, list: &[u8]) {
        for config in configs(list).take(MAX_CONFIGS) {
            let name = lower(config.public_name);
            for outer in config.outers().take(MAX_SUITES) {
                self.insert(&Said::Config(&name, outer));
                self.insert(&Said::Public(&name));
            }
        }
    }

    /// What the extension of a hello for this name is.
    pub fn judge(&self, body: Reader<'_>, name: Option<&[u8]>) -> Ech {
        let outer = match Extension::read(body) {
            Ok(Extension::Outer(outer)) => outer,
            Ok(Extension::Inner) => return Ech::Inner,
            Err(_) => return Ech::Offered { config_id: None },
        };
        let config_id = outer.config_id;
        let Some(name) = name.filter(|_| !self.said.is_empty()) else {
            return Ech::Offered { config_id: Some(config_id) };
        };
        let name = lower(name);
        if self.has(&Said::Config(&name, outer)) {
            Ech::Real { config_id }
        } else if self.has(&Said::Public(&name)) || self.has(&Said::Asked(&name)) {
            // With a configuration in hand the client would show its public name, and its number.
            Ech::Grease { config_id }
        } else {
            Ech::Offered { config_id: Some(config_id) }
        }
    }

    fn insert(&mut self, said: &Said<'_>) {
        self.said.insert(self.hasher.hash_one(said), ());
    }

    fn has(&self, said: &Said<'_>) -> bool {
        self.said.get(&self.hasher.hash_one(said)).is_some()
    }
}

fn lower(name: &[u8]) -> Cow<'_, [u8]> {
    if name.iter().any(u8::is_ascii_uppercase) { name.to_ascii_lowercase().into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer of type HTTPS with these records' data.
    fn answer(name: &[&str], records: &[Vec<u8>]) -> Vec<u8> {
        let mut out = vec![0, 1, 0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
        name.iter().for_each(|label| out.extend([&[label.len() as u8], label.as_bytes()].concat()));
        out.extend([0, 0, 65, 0, 1]);
        for data in records {
            out.extend([&b"\xc0\x0c\0\x41\0\x01\0\0\x01\x2c"[..], &(data.len() as u16).to_be_bytes(), data].concat());
        }
        out
    }

    /// A record with one configuration, X25519 and two suites.
    fn service(id: u8, public_name: &str) -> Vec<u8> {
        let suites = [0, 8, 0, 1, 0, 1, 0, 1, 0, 3];
        let name = [&[public_name.len() as u8], public_name.as_bytes(), &[0, 0]].concat();
        let config = [&[id, 0, 0x20, 0, 2, 9, 9][..], &suites, &[64], &name].concat();
        let list = [&[0xfe, 0x0d, 0, config.len() as u8], &config[..]].concat();
        [&[0, 1, 0, 0, 5, 0, list.len() as u8 + 2, 0, list.len() as u8], &list[..]].concat()
    }

    fn hello(id: u8, aead: u8, enc: u16) -> Vec<u8> {
        [&[0, 0, 1, 0, aead, id][..], &enc.to_be_bytes(), &vec![7; enc.into()], &[0, 1, 7]].concat()
    }

    #[test]
    fn told_apart_by_what_dns_gave_out() {
        let mut all = Configurations::default();
        let judge = |all: &Configurations, hello: &[u8], name: &str| {
            all.judge(Reader::new(hello, "test"), Some(name.as_bytes())).word()
        };
        let real = hello(0x2a, 3, 32);
        assert_eq!(judge(&all, &real, "front.example"), "offered", "DNS said nothing");
        all.hear(&answer(&["Hidden", "example"], &[service(0x2a, "Front.example")]));
        all.hear(&answer(&["plain", "example"], &[]));
        all.hear(&answer(&["_8443", "_https", "port", "example"], &[b"\0\x01\0".to_vec()]));
        all.hear(&answer(&["alias", "example"], &[b"\0\0\x03cdn\0".to_vec()]));
        for (hello, name, expected) in [
            (&real, "front.example", "real"),
            (&real, "FRONT.example", "real"),
            (&hello(0x2b, 3, 32), "front.example", "grease"),
            (&hello(0x2a, 2, 32), "front.example", "grease"),
            (&hello(0x2a, 3, 65), "front.example", "grease"),
            (&real, "hidden.example", "grease"),
            (&real, "plain.example", "grease"),
            (&real, "port.example", "grease"),
            (&real, "alias.example", "offered"),
            (&real, "other.example", "offered"),
            (&vec![1], "front.example", "inner"),
            (&vec![0, 0], "front.example", "offered"),
        ] {
            assert_eq!(judge(&all, hello, name), expected, "{hello:?} {name}");
        }
        assert_eq!(all.judge(Reader::new(&real, "test"), None), Ech::Offered { config_id: Some(0x2a) });
    }

    #[test]
    fn queries_failures_and_cut_answers_tell_nothing() {
        let mut all = Configurations::default();
        let whole = answer(&["plain", "example"], &[]);
        for (at, byte) in [(2, 0x01), (2, 0x83), (3, 0x82), (3, 0x83), (whole.len() - 3, 1)] {
            let mut other = whole.clone();
            other[at] = byte;
            all.hear(&other);
        }
        (0..whole.len()).for_each(|length| all.hear(&whole[..length]));
        assert!(all.said.is_empty());
        all.hear(&whole);
        assert!(!all.said.is_empty());
    }
}
