//! What comes with a chain besides its certificates: who sent it, the staple, timestamps. Kept as bytes of its own, interned like a
//! certificate and put behind the last one of a chain, so that the same chain with another staple is another question.
//!
//! A type of one byte, a length of three, the content, in the order in which they came. Read by probe/trust/beside.py.

use super::limits::MAX_BESIDE;
use transitproof_wire::Reader;
use transitproof_wire::tls::extension;

/// No certificate begins so.
pub const MAGIC: [u8; 4] = *b"\0tps";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The chain is the client's; no content.
    Client = 1,
    /// An OCSP response (RFC 6960 section 4.2.1), of whichever certificate.
    Ocsp = 2,
    /// SignedCertificateTimestampList (RFC 6962 section 3.3) of a TLS extension.
    Timestamps = 3,
    /// The chain is that of a peer of IKE; no content.
    Peer = 4,
}

/// What was gathered of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside(Vec<u8>);

impl Beside {
    /// False if it was left out because of [`MAX_BESIDE`].
    #[must_use]
    pub fn add(&mut self, kind: Kind, content: &[u8]) -> bool {
        if self.0.len() + content.len() > MAX_BESIDE {
            return false;
        }
        if self.0.is_empty() {
            self.0.extend_from_slice(&MAGIC);
        }
        let [_, length @ ..] = (content.len() as u32).to_be_bytes();
        self.0.push(kind as u8);
        self.0.extend_from_slice(&length);
        self.0.extend_from_slice(content);
        true
    }

    /// What says whose chain it is: of none but servers'.
    pub fn of(whose: Kind) -> Self {
        let mut beside = Self::default();
        let _ = beside.add(whose, &[]);
        beside
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A CertificateStatus message or extension of TLS 1.3 (RFC 6066 section 8, RFC 6961).
    #[must_use]
    pub fn status(&mut self, body: &[u8]) -> bool {
        const OCSP: u8 = 1;
        const OCSP_MULTI: u8 = 2;
        let mut r = Reader::new(body, "certificate status");
        let kept = match r.u8() {
            Ok(OCSP) => r.vec24().map(|response| self.add(Kind::Ocsp, response.rest())),
            Ok(OCSP_MULTI) => r.vec24().map(|mut all| {
                let mut kept = true;
                while let Ok(response) = all.vec24() {
                    kept &= response.is_empty() || self.add(Kind::Ocsp, response.rest());
                }
                kept
            }),
            _ => return true,
        };
        kept.unwrap_or(true)
    }

    /// Extensions of a CertificateEntry (RFC 8446 section 4.4.2), their contents.
    #[must_use]
    pub fn entry(&mut self, extensions: &[u8]) -> bool {
        let mut r = Reader::new(extensions, "certificate entry");
        let mut kept = true;
        while let (Ok(kind), Ok(body)) = (r.u16(), r.vec16()) {
            kept &= match kind {
                extension::STATUS_REQUEST => self.status(body.rest()),
                extension::SCT => self.add(Kind::Timestamps, body.rest()),
                _ => true,
            };
        }
        kept
    }
}

/// Whether these bytes are of this module rather than a certificate.
pub fn is_beside(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Whether they say that the chain is one of these.
pub fn is_of(whose: Kind, bytes: &[u8]) -> bool {
    bytes.strip_prefix(&MAGIC).is_some_and(|rest| rest.first() == Some(&(whose as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staples_of_one_and_of_several() {
        let mut one = Beside::default();
        assert!(one.status(b"\x01\0\0\x02ab"));
        assert_eq!(one.bytes(), b"\0tps\x02\0\0\x02ab");
        let mut several = Beside::default();
        assert!(several.status(b"\x02\0\0\x08\0\0\x01a\0\0\0\0"));
        assert_eq!(several.bytes(), b"\0tps\x02\0\0\x01a");
        for broken in [&b""[..], b"\x01", b"\x01\0\0\x03ab", b"\x07\0\0\x01a"] {
            let mut none = Beside::default();
            assert!(none.status(broken) && none.is_empty(), "{broken:?}");
        }
    }

    #[test]
    fn extensions_of_an_entry() {
        let mut beside = Beside::default();
        assert!(beside.entry(b"\0\x05\0\x05\x01\0\0\x01a\0\x12\0\x02xy\xff\x01\0\0"));
        assert_eq!(beside.bytes(), b"\0tps\x02\0\0\x01a\x03\0\0\x02xy");
        assert!(is_beside(beside.bytes()) && !is_of(Kind::Client, beside.bytes()));
        assert!(is_of(Kind::Client, Beside::of(Kind::Client).bytes()));
    }

    #[test]
    fn too_much_is_left_out() {
        let mut beside = Beside::default();
        assert!(!beside.add(Kind::Ocsp, &[0; MAX_BESIDE + 1]) && beside.is_empty());
        assert!(beside.add(Kind::Ocsp, &[0; 10]) && !beside.add(Kind::Ocsp, &[0; MAX_BESIDE - 10]));
    }
}
