//! ServerKeyExchange of TLS 1.2 and below: which group the server chose, or how large its prime is.
//!
//! What stands in the message depends on the suite. RFC 8422 section 5.4 (ECDHE), RFC 5246 section 7.4.3 (DHE),
//! RFC 4279 and RFC 5489 (a PSK identity hint in front of either).

use crate::registry::tls::{ffdhe_group, shared_prime, suite_name};
use crate::{ParseError, Reader};

const LAYER: &str = "tls server key exchange";

/// What the suite makes the server send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange {
    Ecdhe {
        psk: bool,
    },
    Dhe {
        psk: bool,
    },
    /// Static RSA and DH, export RSA, SRP, plain PSK: no group to read.
    Other,
}

impl KeyExchange {
    /// Read off the suite's IANA name, which has the key exchange in front.
    pub fn of_suite(suite: u16) -> Self {
        let Some(name) = suite_name(suite).and_then(|name| name.strip_prefix("TLS_")) else { return Self::Other };
        if name.starts_with("ECDHE_") || name.starts_with("ECDH_anon_") {
            Self::Ecdhe { psk: name.starts_with("ECDHE_PSK_") }
        } else if name.starts_with("DHE_") || name.starts_with("DH_anon_") {
            Self::Dhe { psk: name.starts_with("DHE_PSK_") }
        } else if name.starts_with("PSK_DHE_") {
            // TLS_PSK_DHE_WITH_AES_128_CCM_8 and its sister are DHE_PSK spelled the other way round.
            Self::Dhe { psk: true }
        } else {
            Self::Other
        }
    }
}

/// The server's choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKeyExchange {
    /// A named group, or an FFDHE group known by its prime.
    Group(u16),
    /// Another prime, of so many bits, by the name that it has if many servers share it.
    Prime { bits: u16, name: Option<&'static str> },
}

impl ServerKeyExchange {
    pub fn parse(body: &[u8], kind: KeyExchange) -> Result<Option<Self>, ParseError> {
        let mut r = Reader::new(body, LAYER);
        match kind {
            KeyExchange::Ecdhe { psk } => {
                skip_hint(&mut r, psk)?;
                Self::curve(&mut r).map(Some)
            }
            KeyExchange::Dhe { psk } => {
                skip_hint(&mut r, psk)?;
                Self::prime(&mut r).map(Some)
            }
            KeyExchange::Other => Ok(None),
        }
    }

    fn curve(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        match r.u8()? {
            1 => Ok(Self::Group(0xff01)),
            2 => Ok(Self::Group(0xff02)),
            3 => Ok(Self::Group(r.u16()?)),
            _ => Err(ParseError::Malformed(LAYER)),
        }
    }

    fn prime(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let sent = r.vec16()?.rest();
        let zeros = sent.iter().take_while(|byte| **byte == 0).count();
        let prime = sent.get(zeros..).unwrap_or_default();
        let Some(first) = prime.first() else { return Err(ParseError::Malformed(LAYER)) };
        if let Some(group) = ffdhe_group(prime) {
            return Ok(Self::Group(group));
        }
        // A vector of at most 65,535 bytes: its bits need not fit 16 of them.
        let bits = prime.len() * 8 - first.leading_zeros() as usize;
        let name = shared_prime(prime);
        u16::try_from(bits).map(|bits| Self::Prime { bits, name }).map_err(|_| ParseError::Malformed(LAYER))
    }
}

/// What the parameters are signed with: a code point only TLS 1.2 sends. Anonymous and PSK suites sign nothing.
pub fn signature_scheme(body: &[u8], kind: KeyExchange) -> Option<u16> {
    let mut r = Reader::new(body, LAYER);
    match kind {
        KeyExchange::Ecdhe { psk: false } => {
            // named_curve alone is in use, and has a fixed length.
            let [3, _, _] = r.array().ok()? else { return None };
            r.vec8().ok()?;
        }
        KeyExchange::Dhe { psk: false } => {
            for _ in 0..3 {
                r.vec16().ok()?;
            }
        }
        _ => return None,
    }
    r.u16().ok()
}

fn skip_hint(r: &mut Reader<'_>, psk: bool) -> Result<(), ParseError> {
    if psk {
        r.vec16()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_tells_what_follows() {
        assert_eq!(KeyExchange::of_suite(0xc02f), KeyExchange::Ecdhe { psk: false });
        assert_eq!(KeyExchange::of_suite(0xc018), KeyExchange::Ecdhe { psk: false });
        assert_eq!(KeyExchange::of_suite(0xc035), KeyExchange::Ecdhe { psk: true });
        assert_eq!(KeyExchange::of_suite(0x0016), KeyExchange::Dhe { psk: false });
        assert_eq!(KeyExchange::of_suite(0x0090), KeyExchange::Dhe { psk: true });
        assert_eq!(KeyExchange::of_suite(0x002f), KeyExchange::Other);
        assert_eq!(KeyExchange::of_suite(0xc004), KeyExchange::Other);
        assert_eq!(KeyExchange::of_suite(0x1301), KeyExchange::Other);
    }

    #[test]
    fn the_scheme_stands_behind_the_parameters() {
        let ecdhe = KeyExchange::Ecdhe { psk: false };
        assert_eq!(signature_scheme(&[3, 0, 0x1d, 1, 9, 8, 4, 0, 0], ecdhe), Some(0x0804));
        assert_eq!(signature_scheme(&[3, 0, 0x1d, 1, 9], ecdhe), None);
        assert_eq!(signature_scheme(&[1, 0, 0x1d, 1, 9, 8, 4], ecdhe), None);
        let dhe = [0, 1, 7, 0, 1, 2, 0, 1, 5, 4, 1];
        assert_eq!(signature_scheme(&dhe, KeyExchange::Dhe { psk: false }), Some(0x0401));
        assert_eq!(signature_scheme(&dhe, KeyExchange::Dhe { psk: true }), None);
    }

    #[test]
    fn groups_and_primes() {
        let ecdhe = KeyExchange::Ecdhe { psk: false };
        let dhe = KeyExchange::Dhe { psk: false };
        assert_eq!(ServerKeyExchange::parse(&[3, 0, 0x1d, 32], ecdhe), Ok(Some(ServerKeyExchange::Group(0x1d))));
        assert_eq!(
            ServerKeyExchange::parse(&[0, 1, b'h', 3, 0, 0x17], KeyExchange::Ecdhe { psk: true }),
            Ok(Some(ServerKeyExchange::Group(0x17)))
        );
        let mut weak = vec![0, 65, 0];
        weak.extend([0x7f; 64]);
        assert_eq!(ServerKeyExchange::parse(&weak, dhe), Ok(Some(ServerKeyExchange::Prime { bits: 511, name: None })));
        assert_eq!(ServerKeyExchange::parse(&[0, 2, 0, 0], dhe), Err(ParseError::Malformed(LAYER)));
        assert_eq!(ServerKeyExchange::parse(&[9, 0, 0], ecdhe), Err(ParseError::Malformed(LAYER)));
        let mut huge = vec![0x20, 0x00];
        huge.extend([0xff; 0x2000]);
        assert_eq!(ServerKeyExchange::parse(&huge, dhe), Err(ParseError::Malformed(LAYER)));
    }
}
