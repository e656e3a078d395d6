//! What a ClientHello offers, in one allocation: fingerprints, name, protocols, suites, groups, versions.

use crate::fingerprint;
use transitproof_wire::registry::tls::is_grease;
use transitproof_wire::tls::hello::{Names, host_name, protocol_names};
use transitproof_wire::tls::{ClientHello, Codes, extension};

/// The lists lie one behind the other in `bytes`, in the order of `ends`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub legacy_version: u16,
    /// `None` for a hello in the SSLv2 format: JA3 and JA4 are not defined for it.
    pub ja3: Option<[u8; 16]>,
    pub ja4: Option<[u8; 36]>,
    /// early_data: the client may send protected data before it sees a ServerHello.
    pub early_data: bool,
    /// encrypted_client_hello, real or GREASE: the name seen may be that of a front.
    pub encrypted_client_hello: bool,
    has_name: bool,
    ends: [u32; 5],
    bytes: Box<[u8]>,
}

impl Offer {
    pub(super) fn new(hello: &ClientHello<'_>, (ja3, ja4): fingerprint::Pair) -> Self {
        use extension::*;
        let [name, protocols, groups, versions, early_data, encrypted] = hello.extensions.find_all([
            SERVER_NAME,
            ALPN,
            SUPPORTED_GROUPS,
            SUPPORTED_VERSIONS,
            EARLY_DATA,
            ENCRYPTED_CLIENT_HELLO,
        ]);
        let name = name.and_then(host_name);
        let protocols = protocols.map_or(&[][..], |body| protocol_names(body).0);
        let groups = groups.and_then(|mut body| body.vec16().ok());
        let versions = versions.and_then(|mut body| body.vec8().ok());
        let (ends, bytes) = pack([
            name.unwrap_or_default(),
            protocols,
            hello.suites.0,
            groups.map_or(&[], |r| r.rest()),
            versions.map_or(&[], |r| r.rest()),
        ]);
        Self {
            legacy_version: hello.legacy_version,
            ja3: Some(ja3),
            ja4: Some(ja4),
            early_data: early_data.is_some(),
            encrypted_client_hello: encrypted.is_some(),
            has_name: name.is_some(),
            ends,
            bytes,
        }
    }

    /// Of a hello in the SSLv2 format: only the suites that SSLv3 and TLS know.
    pub(super) fn sslv2(version: u16, cipher_specs: &[u8]) -> Self {
        let specs = cipher_specs.as_chunks::<3>().0.iter();
        let suites: Vec<u8> = specs.filter(|spec| spec[0] == 0).flat_map(|spec| [spec[1], spec[2]]).collect();
        let (ends, bytes) = pack([&[], &[], &suites, &[], &[]]);
        Self {
            legacy_version: version,
            ja3: None,
            ja4: None,
            early_data: false,
            encrypted_client_hello: false,
            has_name: false,
            ends,
            bytes,
        }
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
