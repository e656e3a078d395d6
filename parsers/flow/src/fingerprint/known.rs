//! Fingerprints of hellos that were met before: a client sends the same lists all day, and hashing them is what costs.

use super::{Transport, ja3, ja3s, ja4};
use crate::hash::Map;
use transitproof_wire::registry::tls::is_grease;
use transitproof_wire::tls::{ClientHello, Extensions, ServerHello, extension, hello};

/// Hellos of either side whose fingerprints are remembered, some 500 bytes each: a site has dozens to hundreds of TLS stacks.
/// Those that shuffle their extensions (Chrome) are new each time; then the table is emptied now and then.
const MAX_KNOWN: usize = 4096;
/// Bytes of lists by which a hello is remembered: real ones have 100 to 300, hostile ones up to 64 KiB, and those are worked
/// out each time.
const MAX_KEY: usize = 1024;

/// JA3 and JA4.
pub type Pair = ([u8; 16], [u8; 36]);

/// By everything that they depend on.
#[derive(Default)]
pub struct Fingerprints {
    clients: Map<Box<[u8]>, Pair>,
    servers: Map<Box<[u8]>, [u8; 16]>,
    key: Vec<u8>,
}

impl Fingerprints {
    pub fn client(&mut self, hello: &ClientHello<'_>, transport: Transport) -> Pair {
        self.key.clear();
        write_client(hello, transport, &mut self.key);
        remembered(&mut self.clients, &self.key, || (ja3(hello), ja4(hello, transport)))
    }

    /// JA3S.
    pub fn server(&mut self, hello: &ServerHello<'_>) -> [u8; 16] {
        self.key.clear();
        self.key.extend_from_slice(&hello.legacy_version.to_be_bytes());
        self.key.extend_from_slice(&hello.suite.to_be_bytes());
        write_kinds(hello.extensions, &mut self.key);
        remembered(&mut self.servers, &self.key, || ja3s(hello))
    }
}

fn remembered<T: Copy>(known: &mut Map<Box<[u8]>, T>, key: &[u8], work_out: impl FnOnce() -> T) -> T {
    if let Some(fingerprint) = known.get(key) {
        return *fingerprint;
    }
    let fingerprint = work_out();
    if key.len() > MAX_KEY {
        return fingerprint;
    }
    if known.len() >= MAX_KNOWN {
        known.clear();
    }
    known.insert(key.into(), fingerprint);
    fingerprint
}

/// Everything that JA3 and JA4 depend on. Each list has its length behind it, so that no two keys of different lists are equal.
fn write_client(hello: &ClientHello<'_>, transport: Transport, out: &mut Vec<u8>) {
    use extension::*;
    let [groups, algorithms, versions, formats, protocols] =
        hello.extensions.find_all([SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, SUPPORTED_VERSIONS, EC_POINT_FORMATS, ALPN]);
    out.push(transport as u8);
    out.extend_from_slice(&hello.legacy_version.to_be_bytes());
    write_kinds(hello.extensions, out);
    write_codes(hello.suites.0, out);
    for body in [groups, algorithms] {
        write_codes(body.and_then(|mut body| body.vec16().ok()).map_or(&[], |list| list.rest()), out);
    }
    write_codes(versions.and_then(|mut body| body.vec8().ok()).map_or(&[], |list| list.rest()), out);
    // One byte each: no codes, and no GREASE.
    let start = out.len();
    out.extend_from_slice(formats.and_then(|mut body| body.vec8().ok()).map_or(&[], |list| list.rest()));
    write_length(start, out);
    out.extend_from_slice(protocols.and_then(|body| hello::protocol_names(body).next()).unwrap_or_default());
}

fn write_kinds(extensions: Extensions<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    for (kind, _) in extensions {
        out.extend_from_slice(&one_grease(kind.to_be_bytes()));
    }
    write_length(start, out);
}

/// A list of two-byte codes as it was sent, but for GREASE, which differs from hello to hello.
fn write_codes(list: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(list);
    for code in out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>().0 {
        *code = one_grease(*code);
    }
    write_length(start, out);
}

fn one_grease(code: [u8; 2]) -> [u8; 2] {
    if is_grease(u16::from_be_bytes(code)) { [0x0a; 2] } else { code }
}

fn write_length(start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    out.extend_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::tests::hello;
    use super::*;
    use proptest::prelude::*;

    /// Version, suites, extensions.
    type Lists = (u16, Vec<u16>, Vec<(u16, Vec<u8>)>);

    /// Few values in each place, so that hellos are often alike but for one of them.
    fn lists() -> impl Strategy<Value = Lists> {
        let codes = prop::collection::vec(prop::sample::select(vec![0x1301u16, 0x2f, 0x0a0a]), 0..3);
        let body = prop::sample::select(vec![
            &b""[..],
            b"\0",
            b"\0\x02\0\x17",
            b"\x02\x03\x04",
            b"\x02\x1a\x1a",
            b"\x02\x0a\x0a",
            b"\x01\0",
            b"\0\x03\x02h2",
        ]);
        let kind = prop::sample::select(vec![0u16, 10, 11, 13, 16, 43, 0x1a1a]);
        let extensions = prop::collection::vec((kind, body.prop_map(<[u8]>::to_vec)), 0..4);
        (prop::sample::select(vec![0x0301u16, 0x0303]), codes, extensions)
    }

    #[test]
    fn a_hello_of_hostile_length_is_not_remembered() {
        let body = hello(0x0303, &[0x2f; MAX_KEY / 2], &[]);
        let hello = ClientHello::parse(&body, false).unwrap();
        let mut known = Fingerprints::default();
        assert_eq!(known.client(&hello, Transport::Tcp), (ja3(&hello), ja4(&hello, Transport::Tcp)));
        assert!(known.clients.is_empty());
    }

    #[test]
    fn servers_are_told_apart_by_all_that_ja3s_depends_on() {
        let mut known = Fingerprints::default();
        for (version, suite, kind) in [(3, 1, 0), (3, 1, 23), (3, 2, 0), (2, 1, 0), (3, 1, 0x1a), (3, 1, 0)] {
            let body = [&[3, version][..], &[7; 32], &[0, 0, suite, 0, 0, 4, kind, kind, 0, 0]].concat();
            let hello = ServerHello::parse(&body).unwrap();
            assert_eq!(known.server(&hello), ja3s(&hello));
        }
        assert_eq!(known.servers.len(), 5);
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_worked_out(clients in prop::collection::vec(lists(), 1..12)) {
            let mut known = Fingerprints::default();
            for (version, suites, extensions) in clients.iter().chain(&clients) {
                let extensions: Vec<_> = extensions.iter().map(|(kind, body)| (*kind, body.as_slice())).collect();
                let body = hello(*version, suites, &extensions);
                let Ok(hello) = ClientHello::parse(&body, false) else { continue };
                for transport in [Transport::Tcp, Transport::Quic] {
                    prop_assert_eq!(known.client(&hello, transport), (ja3(&hello), ja4(&hello, transport)));
                }
            }
        }
    }
}
