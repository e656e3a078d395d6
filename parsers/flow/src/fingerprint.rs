//! Fingerprints of hellos: JA3 and JA3S (MD5 over decimal lists) and JA4 (sorted, SHA-256 cut to 12 digits).
//!
//! JA3: <https://github.com/salesforce/ja3>. JA4, the TLS client fingerprint alone, which FoxIO licenses under BSD-3:
//! <https://github.com/FoxIO-LLC/ja4>. Both leave out the GREASE values of RFC 8701.

mod known;

pub use known::{Fingerprints, Pair};

use md5::Md5;
use sha2::{Digest, Sha256};
use transitproof_wire::registry::tls::is_grease;
use transitproof_wire::tls::{ClientHello, Codes, Extensions, ServerHello, extension, hello};

/// What carried the hello: the first letter of a JA4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Datagram,
    Quic,
}

/// The list, with a length of one byte in front, that is all of an extension.
fn short_list<'a>(hello: &ClientHello<'a>, kind: u16) -> &'a [u8] {
    let list = hello.extensions.find(kind).and_then(|mut body| body.vec8().ok());
    list.map_or(&[], |list| list.rest())
}

/// version,suites,extensions,groups,point formats
pub fn ja3(hello: &ClientHello<'_>) -> [u8; 16] {
    let mut text = Digested::<Md5>::new();
    text.decimal(hello.legacy_version);
    text.character(b',');
    text.decimals(hello.suites.iter());
    text.character(b',');
    text.decimals(hello.extensions.map(|(kind, _)| kind));
    text.character(b',');
    text.decimals(codes(hello.extensions, extension::SUPPORTED_GROUPS).iter());
    text.character(b',');
    text.decimals(short_list(hello, extension::EC_POINT_FORMATS).iter().map(|format| u16::from(*format)));
    text.finish().into()
}

/// version,suite,extensions
pub fn ja3s(hello: &ServerHello<'_>) -> [u8; 16] {
    let mut text = Digested::<Md5>::new();
    text.decimal(hello.legacy_version);
    text.character(b',');
    text.decimal(hello.suite);
    text.character(b',');
    text.decimals(hello.extensions.map(|(kind, _)| kind));
    text.finish().into()
}

/// Like `t13d1516h2_8daaf6152771_e5627efa2ab1`, always 36 ASCII characters.
pub fn ja4(hello: &ClientHello<'_>, transport: Transport) -> [u8; 36] {
    let suites = hello.suites.iter().filter(|code| !is_grease(*code));
    let extensions = hello.extensions.map(|(kind, _)| kind).filter(|code| !is_grease(*code));
    let hashed = extensions.clone().filter(|code| !matches!(*code, extension::SERVER_NAME | extension::ALPN));
    let mut out = [b'_'; 36];
    let [kind, v0, v1, name, s0, s1, e0, e1, a0, a1, _, tail @ ..] = &mut out;
    *kind = match transport {
        Transport::Tcp => b't',
        Transport::Datagram => b'd',
        Transport::Quic => b'q',
    };
    [*v0, *v1] = version_digits(hello);
    *name = if extensions.clone().any(|code| code == extension::SERVER_NAME) { b'd' } else { b'i' };
    [*s0, *s1] = two_digits(suites.clone().count());
    [*e0, *e1] = two_digits(extensions.count());
    [*a0, *a1] = first_protocol(hello);
    let (suites_hash, extensions_hash) = tail.split_at_mut(13);
    hash(sorted_hex(suites, Codes(&[])), suites_hash);
    hash(sorted_hex(hashed, codes(hello.extensions, extension::SIGNATURE_ALGORITHMS)), extensions_hash);
    out
}

/// The list of two-byte codes, with a length in front, that is all of an extension.
fn codes(extensions: Extensions<'_>, kind: u16) -> Codes<'_> {
    let list = extensions.find(kind).and_then(|mut body| body.vec16().ok());
    Codes(list.map_or(&[], |list| list.rest()))
}

fn version_digits(hello: &ClientHello<'_>) -> [u8; 2] {
    let highest = Codes(short_list(hello, extension::SUPPORTED_VERSIONS)).iter().filter(|code| !is_grease(*code)).max();
    *match highest.unwrap_or(hello.legacy_version) {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

fn two_digits(count: usize) -> [u8; 2] {
    let count = count.min(99) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

/// First and last character of the first ALPN name; where one of them is no letter or digit, of its hex digits.
fn first_protocol(hello: &ClientHello<'_>) -> [u8; 2] {
    let name = hello.extensions.find(extension::ALPN).and_then(|body| hello::protocol_names(body).next());
    let Some((&first, &last)) = name.and_then(|name| Some((name.first()?, name.last()?))) else { return *b"00" };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last]
    } else {
        [DIGITS[usize::from(first >> 4)], DIGITS[usize::from(last & 15)]]
    }
}

/// The hex codes in order, then `_` and the signature algorithms as sent; nothing without codes.
fn sorted_hex(list: impl Iterator<Item = u16> + Clone, signature_algorithms: Codes<'_>) -> Option<Digested<Sha256>> {
    /// Real hellos have fewer than 100 of either kind; a longer list goes to the heap.
    const USUAL: usize = 128;
    let mut stack = [0; USUAL];
    let mut heap = Vec::new();
    let count = list.clone().take(USUAL + 1).count();
    let sorted = if count <= USUAL {
        stack.iter_mut().zip(list).for_each(|(to, code)| *to = code);
        stack.get_mut(..count).unwrap_or_default()
    } else {
        heap.extend(list);
        &mut heap[..]
    };
    if sorted.is_empty() {
        return None;
    }
    sorted.sort_unstable();
    let mut text = Digested::new();
    text.hex_codes(sorted.iter().copied());
    let mut algorithms = signature_algorithms.iter().filter(|code| !is_grease(*code)).peekable();
    if algorithms.peek().is_some() {
        text.character(b'_');
        text.hex_codes(algorithms);
    }
    Some(text)
}

/// The first 12 hex digits of the digest, zeros where there was nothing to digest.
fn hash(text: Option<Digested<Sha256>>, out: &mut [u8]) {
    let Some(text) = text else { return out.iter_mut().take(12).for_each(|digit| *digit = b'0') };
    for (pair, byte) in out.chunks_exact_mut(2).zip(text.finish().iter().take(6)) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Decimal digits, the first in the lowest byte, and how many.
#[inline]
fn digits(mut value: u16) -> (u64, usize) {
    let (mut text, mut len) = (0, 0);
    loop {
        text = text << 8 | u64::from(b'0' + (value % 10) as u8);
        len += 1;
        value /= 10;
        if value == 0 {
            return (text, len);
        }
    }
}

/// Text on its way into a digest, gathered in pieces so that the digest is not called for every comma.
struct Digested<D> {
    digest: D,
    gathered: [u8; 256],
    len: usize,
}

impl<D: Digest> Digested<D> {
    fn new() -> Self {
        Self { digest: D::new(), gathered: [0; 256], len: 0 }
    }

    /// The first `len` of 8 bytes: a store of fixed size, where a slice of any length would be a call to memmove.
    #[inline]
    fn push(&mut self, text: u64, len: usize) {
        if self.gathered.len() - self.len < 8 {
            self.flush();
        }
        if let Some(place) = self.gathered.get_mut(self.len..).and_then(|free| free.first_chunk_mut()) {
            *place = text.to_le_bytes();
            self.len += len;
        }
    }

    #[inline]
    fn character(&mut self, character: u8) {
        self.push(u64::from(character), 1);
    }

    fn flush(&mut self) {
        self.digest.update(self.gathered.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    fn decimal(&mut self, value: u16) {
        let (text, len) = digits(value);
        self.push(text, len);
    }

    /// Joined by dashes.
    fn decimals(&mut self, values: impl Iterator<Item = u16>) {
        let mut first = true;
        for value in values.filter(|code| !is_grease(*code)) {
            let (text, len) = digits(value);
            if first {
                self.push(text, len);
            } else {
                self.push(text << 8 | u64::from(b'-'), len + 1);
            }
            first = false;
        }
    }

    /// Joined by commas.
    fn hex_codes(&mut self, codes: impl Iterator<Item = u16>) {
        for (i, code) in codes.enumerate() {
            let digit = |shift: u16| DIGITS[usize::from(code >> shift & 15)];
            let text = u64::from(u32::from_le_bytes([digit(12), digit(8), digit(4), digit(0)]));
            if i == 0 {
                self.push(text, 4);
            } else {
                self.push(text << 8 | u64::from(b','), 5);
            }
        }
    }

    fn finish(mut self) -> sha2::digest::Output<D> {
        self.flush();
        self.digest.finalize()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn hello(version: u16, suites: &[u16], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let list = |codes: &[u16]| codes.iter().flat_map(|code| code.to_be_bytes()).collect::<Vec<u8>>();
        let mut body = [&version.to_be_bytes()[..], &[7; 32], &[0]].concat();
        body.extend((suites.len() as u16 * 2).to_be_bytes());
        body.extend(list(suites));
        body.extend([1, 0]);
        let block: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, data)| [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat())
            .collect();
        if !extensions.is_empty() {
            body.extend((block.len() as u16).to_be_bytes());
            body.extend(block);
        }
        body
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Both examples of the README of salesforce/ja3, the first with GREASE strewn in.
    #[test]
    fn ja3_as_its_authors_publish_it() {
        let groups = b"\0\x08\x2a\x2a\0\x17\0\x18\0\x19";
        let extensions: [(u16, &[u8]); 4] = [(0x1a1a, b""), (0, b""), (10, groups), (11, b"\x01\0")];
        let suites = [0x0a0a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
        let body = hello(769, &suites, &extensions);
        assert_eq!(hex(&ja3(&ClientHello::parse(&body, false).unwrap())), "ada70206e40642a3e4461f35503241d5");
        let body = hello(769, &[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], &[]);
        assert_eq!(hex(&ja3(&ClientHello::parse(&body, false).unwrap())), "de350869b8c85de67a350c8d186f11e6");
    }

    /// The example of FoxIO's JA4 text, from its raw form, in another order and with GREASE.
    #[test]
    fn ja4_as_its_authors_publish_it() {
        let suites = [
            0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        let algorithms = b"\0\x10\x04\x03\x08\x04\x04\x01\x05\x03\x08\x05\x05\x01\x08\x06\x06\x01";
        let extensions: [(u16, &[u8]); 18] = [
            (0x6a6a, b""),
            (0x001b, b""),
            (0, b"\0\x04\0\0\x01a"),
            (0x33, b""),
            (0x10, b"\0\x0c\x02h2\x08http/1.1"),
            (0x4469, b""),
            (0x17, b""),
            (0x2d, b""),
            (0x0d, algorithms),
            (0x05, b""),
            (0x23, b""),
            (0x12, b""),
            (0x2b, b"\x04\x9a\x9a\x03\x04"),
            (0xff01, b""),
            (0x0b, b""),
            (0x0a, b""),
            (0x15, b""),
            (0xfafa, b""),
        ];
        let body = hello(0x0303, &suites, &extensions);
        let hello = ClientHello::parse(&body, false).unwrap();
        assert_eq!(ja4(&hello, Transport::Tcp), *b"t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(ja4(&hello, Transport::Quic)[..4], *b"q13d");
    }

    /// The ClientHello of RFC 8448 section 3; expected values worked out by hand from its lists, with md5sum and sha256sum.
    #[test]
    fn rfc_8448_client_hello() {
        let groups = b"\0\x12\0\x1d\0\x17\0\x18\0\x19\x01\0\x01\x01\x01\x02\x01\x03\x01\x04";
        let algorithms = b"\0\x1e\x04\x03\x05\x03\x06\x03\x02\x03\x08\x04\x08\x05\x08\x06\x04\x01\x05\x01\x06\x01\x02\x01\x04\x02\x05\x02\x06\x02\x02\x02";
        let extensions: [(u16, &[u8]); 9] = [
            (0, b"\0\x09\0\0\x06server"),
            (65281, b"\0"),
            (10, groups),
            (35, b""),
            (51, b""),
            (43, b"\x02\x03\x04"),
            (13, algorithms),
            (45, b"\x01\x01"),
            (28, b"\x40\x01"),
        ];
        let body = hello(0x0303, &[0x1301, 0x1303, 0x1302], &extensions);
        let hello = ClientHello::parse(&body, false).unwrap();
        assert_eq!(hex(&ja3(&hello)), "da4dea34fe6d4ce5f0725df3f2682fa0");
        assert_eq!(ja4(&hello, Transport::Tcp), *b"t13d030900_55b375c5d22e_59cd3dafc54d");
    }

    #[test]
    fn ja4_without_suites_or_extensions_and_with_many() {
        let body = hello(0x0300, &[], &[]);
        let hello_none = ClientHello::parse(&body, false).unwrap();
        assert_eq!(ja4(&hello_none, Transport::Tcp), *b"ts3i000000_000000000000_000000000000");
        let many: Vec<u16> = (0..400).collect();
        let body = hello(0x0301, &many, &[(16, b"\0\x03\x02\xabx")]);
        let text = ja4(&ClientHello::parse(&body, false).unwrap(), Transport::Datagram);
        assert_eq!(&text[..10], b"d10i9901a8");
    }
}
