//! Fingerprints of hellos that were met before: a client sends the same lists all day, and hashing them is what costs.

use super::{Transport, codes, first_protocol, ja3, ja4, short_list};
use crate::hash::Map;
use transitproof_wire::registry::tls::is_grease;
use transitproof_wire::tls::{ClientHello, Codes, extension};

/// Clients whose fingerprints are remembered, some 500 bytes each: a site has dozens to hundreds of TLS stacks. Those that
/// shuffle their extensions (Chrome) are new each time; then the table is emptied now and then.
const MAX_KNOWN: usize = 4096;

/// JA3 and JA4.
pub type Pair = ([u8; 16], [u8; 36]);

/// By everything that they depend on.
#[derive(Default)]
pub struct Fingerprints {
    known: Map<Box<[u8]>, Pair>,
    key: Vec<u8>,
}

impl Fingerprints {
    pub fn of(&mut self, hello: &ClientHello<'_>, transport: Transport) -> Pair {
        self.key.clear();
        write_key(hello, transport, &mut self.key);
        if let Some(pair) = self.known.get(&*self.key) {
            return *pair;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let pair = (ja3(hello), ja4(hello, transport));
        self.known.insert(self.key.as_slice().into(), pair);
        pair
    }
}

/// Everything that JA3 and JA4 depend on, each list with its length.
fn write_key(hello: &ClientHello<'_>, transport: Transport, out: &mut Vec<u8>) {
    out.push(transport as u8);
    out.extend_from_slice(&hello.legacy_version.to_be_bytes());
    append(out, hello.suites.iter());
    append(out, hello.extensions.map(|(kind, _)| kind));
    append(out, codes(hello.extensions, extension::SUPPORTED_GROUPS).iter());
    append(out, codes(hello.extensions, extension::SIGNATURE_ALGORITHMS).iter());
    append(out, Codes(short_list(hello, extension::SUPPORTED_VERSIONS)).iter());
    append(out, short_list(hello, extension::EC_POINT_FORMATS).iter().map(|format| u16::from(*format)));
    out.extend_from_slice(&first_protocol(hello));
}

/// The codes without GREASE, and how many behind them, so that no two keys of different lists are equal.
fn append(out: &mut Vec<u8>, codes: impl Iterator<Item = u16>) {
    let start = out.len();
    codes.filter(|code| !is_grease(*code)).for_each(|code| out.extend_from_slice(&code.to_be_bytes()));
    out.extend_from_slice(&(out.len() - start).to_be_bytes());
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
        let body =
            prop::sample::select(vec![&b""[..], b"\0", b"\0\x02\0\x17", b"\x02\x03\x04", b"\x01\0", b"\0\x03\x02h2"]);
        let kind = prop::sample::select(vec![0u16, 10, 11, 13, 16, 43, 0x1a1a]);
        let extensions = prop::collection::vec((kind, body.prop_map(<[u8]>::to_vec)), 0..4);
        (prop::sample::select(vec![0x0301u16, 0x0303]), codes, extensions)
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
                    prop_assert_eq!(known.of(&hello, transport), (ja3(&hello), ja4(&hello, transport)));
                }
            }
        }
    }
}
