//! What a ClientHello offers, in one allocation: fingerprints, name, protocols, suites, groups, versions.

use super::ech::Ech;
use super::resumption::Token;
use crate::certificates::Certificates;
use crate::fingerprint;
use transitproof_wire::registry::tls::{is_grease, is_post_quantum};
use transitproof_wire::tls::hello::{Names, host_name, protocol_names};
use transitproof_wire::tls::{ClientHello, Codes, extension};

/// The lists lie one behind the other in `bytes`, in the order of `ends`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub legacy_version: u16,
    /// `None` for a hello in the SSLv2 format: JA3 and JA4 are not defined for it.
    pub ja3: Option<[u8; 16]>,
    pub ja4: Option<[u8; 36]>,
    /// early_data: the client may send protected data before it sees a ServerHello.
    pub early_data: bool,
    /// encrypted_client_hello: the name seen may be that of a front.
    pub ech: Option<Ech>,
    /// RFC 6520: the server may send heartbeats, or is asked not to.
    pub heartbeat: bool,
    /// Bits 0 and 1: psk_ke, psk_dhe_ke (RFC 8446 section 4.2.9).
    pub psk_modes: u8,
    /// The session ticket shown, or the first PSK identity.
    pub ticket: Token,
    has_name: bool,
    ends: [u32; 5],
    bytes: Box<[u8]>,
}

impl Offer {
    /// `known`: what was met before, which says what names an earlier session and what DNS has to hide names with.
    pub(super) fn new(hello: &ClientHello<'_>, (ja3, ja4): fingerprint::Pair, known: &Certificates) -> Self {
        use extension::*;
        let [mut name, mut protocols, mut groups, mut versions, mut ech] = [None; 5];
        let mut offer =
            Self { legacy_version: hello.legacy_version, ja3: Some(ja3), ja4: Some(ja4), ..Self::default() };
        for (kind, mut body) in hello.extensions {
            match kind {
                SERVER_NAME => _ = name.get_or_insert(body),
                ALPN => _ = protocols.get_or_insert(body),
                SUPPORTED_GROUPS => _ = groups.get_or_insert(body),
                SUPPORTED_VERSIONS => _ = versions.get_or_insert(body),
                EARLY_DATA => offer.early_data = true,
                ENCRYPTED_CLIENT_HELLO => _ = ech.get_or_insert(body),
                HEARTBEAT => offer.heartbeat = true,
                PSK_KEY_EXCHANGE_MODES => {
                    let modes = body.vec8().map_or(&[][..], |modes| modes.rest());
                    offer.psk_modes = modes.iter().filter(|mode| **mode < 2).fold(0, |bits, mode| bits | 1 << mode);
                }
                SESSION_TICKET if !body.is_empty() => offer.ticket = known.token(body.rest()),
                PRE_SHARED_KEY => {
                    let identity = body.vec16().and_then(|mut list| list.vec16()).map_or(&[][..], |id| id.rest());
                    offer.ticket = known.token(identity);
                }
                _ => {}
            }
        }
        let name = name.and_then(host_name);
        let groups = groups.and_then(|mut body| body.vec16().ok());
        let versions = versions.and_then(|mut body| body.vec8().ok());
        offer.has_name = name.is_some();
        offer.ech = ech.map(|body| known.configurations.judge(body, name));
        (offer.ends, offer.bytes) = pack([
            name.unwrap_or_default(),
            protocols.map_or(&[][..], |body| protocol_names(body).0),
            hello.suites.0,
            groups.map_or(&[], |r| r.rest()),
            versions.map_or(&[], |r| r.rest()),
        ]);
        offer
    }

    /// Of a hello in the SSLv2 format: only the suites that SSLv3 and TLS know.
    pub(super) fn sslv2(version: u16, cipher_specs: &[u8]) -> Self {
        let specs = cipher_specs.as_chunks::<3>().0.iter();
        let suites: Vec<u8> = specs.filter(|spec| spec[0] == 0).flat_map(|spec| [spec[1], spec[2]]).collect();
        let (ends, bytes) = pack([&[], &[], &suites, &[], &[]]);
        Self { legacy_version: version, ends, bytes, ..Self::default() }
    }

    pub fn server_name(&self) -> Option<&[u8]> {
        self.has_name.then(|| self.part(0))
    }

    /// ALPN names in the order offered.
    pub fn protocols(&self) -> impl Iterator<Item = &[u8]> {
        Names(self.part(1))
    }

    /// Suites in the order offered, without GREASE.
    pub fn suites(&self) -> impl Iterator<Item = u16> {
        codes(self.part(2))
    }

    pub fn groups(&self) -> impl Iterator<Item = u16> {
        codes(self.part(3))
    }

    /// Whether one of the groups resists a quantum computer.
    pub fn is_post_quantum(&self) -> bool {
        self.groups().any(is_post_quantum)
    }

    /// Those of supported_versions; without the extension the legacy version is all that is offered.
    pub fn versions(&self) -> impl Iterator<Item = u16> {
        codes(self.part(4))
    }

    fn part(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(index).copied().unwrap_or_default();
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }
}

fn codes(list: &[u8]) -> impl Iterator<Item = u16> {
    Codes(list).iter().filter(|code| !is_grease(*code))
}

fn pack(parts: [&[u8]; 5]) -> ([u32; 5], Box<[u8]>) {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    let ends = parts.map(|part| {
        bytes.extend_from_slice(part);
        bytes.len() as u32
    });
    (ends, bytes.into_boxed_slice())
}
