//! Fingerprints of hellos: JA3 and JA3S (MD5 over decimal lists) and JA4 (sorted, SHA-256 cut to 12 digits).
//!
//! JA3: <https://github.com/salesforce/ja3>. JA4, the TLS client fingerprint alone, which FoxIO licenses under BSD-3:
//! <https://github.com/FoxIO-LLC/ja4>. Both leave out the GREASE values of RFC 8701.

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

/// version,suites,extensions,groups,point formats
pub fn ja3(hello: &ClientHello<'_>) -> [u8; 16] {
    let mut text = Digested::<Md5>::new();
    text.decimal(hello.legacy_version);
    text.push(b",");
    text.decimals(hello.suites.iter());
    text.push(b",");
    text.decimals(hello.extensions.map(|(kind, _)| kind));
    text.push(b",");
    text.decimals(codes(hello.extensions, extension::SUPPORTED_GROUPS).iter());
    text.push(b",");
    let formats = hello.extensions.find(extension::EC_POINT_FORMATS).and_then(|mut body| body.vec8().ok());
    text.decimals(formats.map_or(&[][..], |list| list.rest()).iter().map(|format| u16::from(*format)));
    text.finish().into()
}

/// version,suite,extensions
pub fn ja3s(hello: &ServerHello<'_>) -> [u8; 16] {
    let mut text = Digested::<Md5>::new();
    text.decimal(hello.legacy_version);
    text.push(b",");
    text.decimal(hello.suite);
    text.push(b",");
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
    let offered = hello.extensions.find(extension::SUPPORTED_VERSIONS).and_then(|mut body| body.vec8().ok());
    let highest = offered.and_then(|list| Codes(list.rest()).iter().filter(|code| !is_grease(*code)).max());
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
        text.push(b"_");
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

    #[inline]
    fn push(&mut self, text: &[u8]) {
        if self.gathered.len() - self.len < text.len() {
            self.flush();
        }
        if let Some(free) = self.gathered.get_mut(self.len..self.len + text.len()) {
            free.copy_from_slice(text);
            self.len += text.len();
        }
    }

    fn flush(&mut self) {
        self.digest.update(self.gathered.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    fn decimal(&mut self, mut value: u16) {
        let mut digits = [0; 5];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
    }

    /// Joined by dashes.
    fn decimals(&mut self, values: impl Iterator<Item = u16>) {
        for (i, value) in values.filter(|code| !is_grease(*code)).enumerate() {
            if i > 0 {
                self.push(b"-");
            }
            self.decimal(value);
        }
    }

    /// Joined by commas.
    fn hex_codes(&mut self, codes: impl Iterator<Item = u16>) {
        for (i, code) in codes.enumerate() {
            let digit = |shift: u16| DIGITS[usize::from(code >> shift & 15)];
            let text = [b',', digit(12), digit(8), digit(4), digit(0)];
            self.push(if i > 0 { &text } else { &text[1..] });
        }
    }

    fn finish(mut self) -> sha2::digest::Output<D> {
        self.flush();
        self.digest.finalize()
    }
}
