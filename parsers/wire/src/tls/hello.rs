//! ClientHello and ServerHello, of TLS and DTLS. RFC 8446 section 4.1, RFC 5246 section 7.4.1, RFC 6347 section 4.2.1.
//!
//! Lenient where dissectors must be: a hello whose extension block is cut or miscounted still yields what stands before
//! the damage, because the fixed fields alone already say version and suites.

use super::extension;
use crate::{ParseError, Reader};

const LAYER: &str = "tls hello";

/// The random by which a ServerHello is a HelloRetryRequest: SHA-256 of "HelloRetryRequest", RFC 8446 section 4.1.3.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A list of two-byte code points; an odd byte at the end is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codes<'a>(pub &'a [u8]);

impl<'a> Codes<'a> {
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = u16> + Clone + 'a {
        self.0.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}

/// Extensions in the order sent; iteration ends at the first that does not fit.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a>(Reader<'a>);

impl<'a> Extensions<'a> {
    pub(super) fn parse(r: &mut Reader<'a>) -> Self {
        let block = r.vec16().unwrap_or_else(|_| {
            // The count says more than there is: read what there is.
            let mut cut = *r;
            let _ = cut.u16();
            cut
        });
        Self(block)
    }

    pub fn find(self, kind: u16) -> Option<Reader<'a>> {
        { self }.find_map(|(code, body)| (code == kind).then_some(body))
    }

    /// The same for several different ones at once, in one walk.
    #[inline]
    pub fn find_all<const N: usize>(self, kinds: [u16; N]) -> [Option<Reader<'a>>; N] {
        let mut found = [None; N];
        for (code, body) in self {
            if let Some(place) = kinds.iter().position(|kind| code == *kind).and_then(|at| found.get_mut(at)) {
                place.get_or_insert(body);
            }
        }
        found
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, Reader<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.0.u16().ok()?;
        Some((kind, self.0.vec16().ok()?))
    }
}

/// The body of a ClientHello.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    pub legacy_version: u16,
    pub session_id: &'a [u8],
    pub suites: Codes<'a>,
    pub compression: &'a [u8],
    pub extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// `datagram`: of DTLS, which puts a cookie after the session id.
    pub fn parse(body: &'a [u8], datagram: bool) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, LAYER);
        let legacy_version = r.u16()?;
        r.take(32)?;
        let session_id = r.vec8()?.rest();
        if session_id.len() > 32 {
            return Err(ParseError::Malformed("tls session id"));
        }
        if datagram {
            r.vec8()?;
        }
        let suites = Codes(r.vec16()?.rest());
        let compression = r.vec8()?.rest();
        Ok(Self { legacy_version, session_id, suites, compression, extensions: Extensions::parse(&mut r) })
    }

    /// The host_name of the server_name extension, RFC 6066 section 3.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        host_name(self.extensions.find(extension::SERVER_NAME)?)
    }
}

/// The first host_name in the body of a server_name extension.
pub fn host_name(mut body: Reader<'_>) -> Option<&[u8]> {
    let mut list = body.vec16().ok()?;
    while let Ok(kind) = list.u8() {
        let name = list.vec16().ok()?.rest();
        if kind == 0 && !name.is_empty() {
            return Some(name);
        }
    }
    None
}

/// The names in the body of an ALPN extension, RFC 7301 section 3.1, as sent: each with a length byte in front.
pub fn protocol_names(mut body: Reader<'_>) -> Names<'_> {
    Names(body.vec16().map_or(&[], |list| list.rest()))
}

/// Strings with a length byte in front of each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a>(pub &'a [u8]);

impl<'a> Iterator for Names<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut r = Reader::new(self.0, LAYER);
        let name = r.vec8().ok()?.rest();
        self.0 = r.rest();
        Some(name)
    }
}

/// The body of a ServerHello, which may also be a HelloRetryRequest.
#[derive(Clone, Copy, Debug)]
pub struct ServerHello<'a> {
    pub legacy_version: u16,
    pub random: [u8; 32],
    pub session_id: &'a [u8],
    pub suite: u16,
    pub compression: u8,
    pub extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, LAYER);
        let legacy_version = r.u16()?;
        let random = r.array()?;
        // Drafts of TLS 1.3 up to 21 had neither session id nor compression method here.
        let early_draft = (0x7f00..=0x7f15).contains(&legacy_version);
        let session_id = if early_draft { &[] } else { r.vec8()?.rest() };
        if session_id.len() > 32 {
            return Err(ParseError::Malformed("tls session id"));
        }
        let suite = r.u16()?;
        let compression = if early_draft { 0 } else { r.u8()? };
        Ok(Self { legacy_version, random, session_id, suite, compression, extensions: Extensions::parse(&mut r) })
    }

    pub fn is_retry_request(&self) -> bool {
        self.random == RETRY_RANDOM
    }

    /// The version above the chosen one that a server says it could do, by the end of its random. RFC 8446 section 4.1.3.
    pub fn downgrade_sentinel(&self) -> Option<u16> {
        match self.random.last_chunk() {
            Some(b"DOWNGRD\x01") => Some(0x0304),
            Some(b"DOWNGRD\x00") => Some(0x0303),
            _ => None,
        }
    }

    /// supported_versions if present, else the legacy field, RFC 8446 section 4.2.1.
    pub fn version(&self) -> u16 {
        let selected = self.extensions.find(extension::SUPPORTED_VERSIONS).and_then(|mut body| body.u16().ok());
        selected.unwrap_or(self.legacy_version)
    }

    /// The group of key_share; in a HelloRetryRequest the group asked for. RFC 8446 section 4.2.8.
    pub fn key_share_group(&self) -> Option<u16> {
        let body =
            self.extensions.find(extension::KEY_SHARE).or_else(|| self.extensions.find(extension::KEY_SHARE_DRAFT));
        body?.u16().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ClientHello of RFC 8448 section 3 ("Simple 1-RTT Handshake"), without its message header.
    const CLIENT: &str = "0303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000910000000b0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e040305030603020308040805080604010501060102010402050206020202002d00020101001c00024001";
    const SERVER: &str = "0303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn rfc_8448_client_hello() {
        let body = bytes(CLIENT);
        let hello = ClientHello::parse(&body, false).unwrap();
        assert_eq!(hello.legacy_version, 0x0303);
        assert_eq!(hello.suites.iter().collect::<Vec<_>>(), [0x1301, 0x1303, 0x1302]);
        assert_eq!(hello.server_name(), Some(&b"server"[..]));
        assert_eq!(hello.extensions.map(|e| e.0).collect::<Vec<_>>(), [0, 65281, 10, 35, 51, 43, 13, 45, 28]);
    }

    #[test]
    fn rfc_8448_server_hello() {
        let body = bytes(SERVER);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!((hello.version(), hello.suite, hello.key_share_group()), (0x0304, 0x1301, Some(0x1d)));
        assert!(!hello.is_retry_request());
    }

    #[test]
    fn a_server_that_could_do_better_says_so() {
        let mut body = bytes(SERVER);
        for (end, version) in [(1, Some(0x0304)), (0, Some(0x0303)), (2, None)] {
            body[26..33].copy_from_slice(b"DOWNGRD");
            body[33] = end;
            assert_eq!(ServerHello::parse(&body).unwrap().downgrade_sentinel(), version);
        }
    }

    #[test]
    fn every_shorter_hello_is_truncated_or_has_fewer_extensions() {
        let body = bytes(CLIENT);
        for n in 0..body.len() {
            match ClientHello::parse(&body[..n], false) {
                Err(error) => assert!(n < 45 && error == ParseError::Truncated(LAYER), "{n}: {error:?}"),
                Ok(hello) => assert!(hello.extensions.count() < 9),
            }
        }
    }

    #[test]
    fn several_found_at_once_are_those_found_one_by_one() {
        // The second server_name is not read, and what is cut is not there.
        let body = bytes("0000000361626300100001ff00000002787900170000000d000501");
        let extensions = Extensions(Reader::new(&body, LAYER));
        let kinds = [16, 0, 23, 13];
        let rest = |body: Option<Reader<'_>>| body.map(|body| body.rest().to_vec());
        assert_eq!(extensions.find_all(kinds).map(rest), kinds.map(|kind| rest(extensions.find(kind))));
        let lengths = extensions.find_all(kinds).map(|body| body.map(|body| body.len()));
        assert_eq!(lengths, [Some(1), Some(3), Some(0), None]);
    }

    #[test]
    fn names_of_other_kinds_are_no_host_name() {
        assert_eq!(host_name(Reader::new(&[0, 8, 1, 0, 1, b'x', 0, 0, 1, b'y'], "t")), Some(&b"y"[..]));
        assert_eq!(host_name(Reader::new(&[0, 3, 0, 0, 0], "t")), None);
        assert_eq!(host_name(Reader::new(&[0, 9, 0, 0, 1, b'y'], "t")), None);
    }
}
