//! The SSLv2 record and hello formats: SSLv2 itself, and the old way to begin SSLv3 and TLS. RFC 5246 appendix E.2.

use crate::{ParseError, Reader};

const LAYER: &str = "sslv2";

/// Message types of SSLv2 that are sent in the clear.
pub const CLIENT_HELLO: u8 = 1;
pub const CLIENT_MASTER_KEY: u8 = 2;
pub const SERVER_HELLO: u8 = 4;

/// The length of a record with a two-byte header (most significant bit set, no padding), the only form in the clear.
#[inline]
pub fn record_length(header: [u8; 2]) -> Option<usize> {
    let word = u16::from_be_bytes(header);
    (word & 0x8000 != 0).then_some(usize::from(word & 0x7fff))
}

/// A ClientHello in the SSLv2 format.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// 0x0002, or the SSL/TLS version that the client would rather speak.
    pub version: u16,
    /// Three bytes each; those with a zero in front are suites of SSLv3 and TLS.
    pub cipher_specs: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// `record` without its two-byte header. All lengths must add up: there is nothing else to recognise it by.
    pub fn parse(record: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(record, LAYER);
        if r.u8()? != CLIENT_HELLO {
            return Err(ParseError::Malformed(LAYER));
        }
        let version = r.u16()?;
        let (specs, session, challenge) = (usize::from(r.u16()?), usize::from(r.u16()?), usize::from(r.u16()?));
        let version_known = version == 0x0002 || (0x0300..=0x0304).contains(&version);
        let lengths_known = specs > 0 && specs % 3 == 0 && session <= 32 && (16..=32).contains(&challenge);
        if !version_known || !lengths_known {
            return Err(ParseError::Malformed(LAYER));
        }
        let cipher_specs = r.take(specs)?;
        r.take(session)?;
        r.take(challenge)?;
        if r.is_empty() { Ok(Self { version, cipher_specs }) } else { Err(ParseError::Malformed(LAYER)) }
    }
}

/// A ServerHello of SSLv2 itself.
#[derive(Clone, Copy, Debug)]
pub struct ServerHello<'a> {
    pub session_id_hit: bool,
    pub certificate: &'a [u8],
}

impl<'a> ServerHello<'a> {
    pub fn parse(record: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(record, LAYER);
        let [kind, hit, _certificate_type] = r.array()?;
        if kind != SERVER_HELLO || hit > 1 || r.u16()? != 0x0002 {
            return Err(ParseError::Malformed(LAYER));
        }
        let (certificate, specs, connection) = (usize::from(r.u16()?), usize::from(r.u16()?), usize::from(r.u16()?));
        let certificate = r.take(certificate)?;
        r.take(specs)?;
        r.take(connection)?;
        let whole = r.is_empty() && specs % 3 == 0 && connection <= 32;
        if whole { Ok(Self { session_id_hit: hit == 1, certificate }) } else { Err(ParseError::Malformed(LAYER)) }
    }
}

/// The cipher kind that a CLIENT-MASTER-KEY chooses.
pub fn master_key_cipher(record: &[u8]) -> Result<u32, ParseError> {
    let mut r = Reader::new(record, LAYER);
    if r.u8()? != CLIENT_MASTER_KEY { Err(ParseError::Malformed(LAYER)) } else { r.u24() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Vec<u8> {
        // As `openssl s_client -ssl2` of 0.9.8 begins: 2 suites of SSLv3, one of SSLv2, no session, 16 bytes of challenge.
        let mut record = vec![1, 3, 1, 0, 9, 0, 0, 0, 16, 0, 0, 0x39, 0, 0, 0x35, 7, 0, 0xc0];
        record.extend([0x5a; 16]);
        record
    }

    #[test]
    fn a_hello_whose_lengths_add_up() {
        let record = hello();
        let hello = ClientHello::parse(&record).unwrap();
        assert_eq!((hello.version, hello.cipher_specs.len()), (0x0301, 9));
    }

    #[test]
    fn any_other_length_is_refused() {
        let mut record = hello();
        for n in 0..record.len() {
            assert!(ClientHello::parse(&record[..n]).is_err());
        }
        record.push(0);
        assert_eq!(ClientHello::parse(&record).unwrap_err(), ParseError::Malformed(LAYER));
    }
}
