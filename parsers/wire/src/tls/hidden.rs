//! Messages that TLS 1.3 encrypts, once they are opened: EncryptedExtensions and Certificate. RFC 8446 sections 4.3.1 and 4.4.2.

use super::extension;
use super::hello::{Extensions, protocol_names};
use crate::{ParseError, Reader};

/// What the server chose, hidden.
#[derive(Clone, Copy, Debug)]
pub struct EncryptedExtensions<'a>(Extensions<'a>);

impl<'a> EncryptedExtensions<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, "tls encrypted extensions");
        Reader::new(body, "tls encrypted extensions").vec16()?;
        Ok(Self(Extensions::parse(&mut r)))
    }

    /// The application protocol.
    pub fn protocol(&self) -> Option<&'a [u8]> {
        self.0.find(extension::ALPN).and_then(|body| protocol_names(body).next())
    }

    /// Data sent before the handshake was over counts, and ends with an EndOfEarlyData.
    pub fn accepts_early_data(&self) -> bool {
        self.0.find(extension::EARLY_DATA).is_some()
    }

    /// A list of one, RFC 5764 section 4.1.1.
    pub fn srtp_profile(&self) -> Option<u16> {
        let mut profiles = self.0.find(extension::USE_SRTP)?.vec16().ok()?;
        profiles.u16().ok().filter(|_| profiles.is_empty())
    }

    /// RFC 7250.
    pub fn certificate_type(&self) -> Option<u8> {
        self.0.find(extension::SERVER_CERTIFICATE_TYPE)?.u8().ok()
    }
}

/// The certificates of a Certificate message of TLS 1.3, in wire order; ends where one cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Certificate13<'a>(Reader<'a>);

impl<'a> Certificate13<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, "tls certificate");
        r.vec8()?;
        let list = r.vec24()?;
        if r.is_empty() { Ok(Self(list)) } else { Err(ParseError::Malformed("tls certificate")) }
    }
}

impl<'a> Certificate13<'a> {
    /// What stands beside the first certificate: its OCSP response, its timestamps.
    pub fn leaf_extensions(mut self) -> Extensions<'a> {
        let _ = self.0.vec24();
        Extensions::parse(&mut self.0)
    }
}

impl<'a> Iterator for Certificate13<'a> {
    /// The certificate, and what its extensions hold.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let der = self.0.vec24().ok()?.rest();
        Some((der, self.0.vec16().ok()?.rest()))
    }
}

/// Scheme and signature of a CertificateVerify, RFC 8446 section 4.4.3.
pub fn certificate_verify(body: &[u8]) -> Option<(u16, &[u8])> {
    let mut r = Reader::new(body, "tls certificate verify");
    let (scheme, signature) = (r.u16().ok()?, r.vec16().ok()?.rest());
    r.is_empty().then_some((scheme, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_leaf() {
        let body = b"\0\0\0\x16\0\0\x01a\0\x0a\0\x05\0\x01o\0\x12\0\x01s\0\0\x01b\0\0";
        let list = Certificate13::parse(body).unwrap();
        let kinds: Vec<_> = list.leaf_extensions().map(|(kind, body)| (kind, body.rest().to_vec())).collect();
        assert_eq!(kinds, [(5, b"o".to_vec()), (18, b"s".to_vec())]);
        assert_eq!(list.count(), 2);
        assert_eq!(Certificate13::parse(b"\0\0\0\0").unwrap().leaf_extensions().count(), 0);
    }

    #[test]
    fn scheme_and_signature() {
        assert_eq!(certificate_verify(b"\x08\x04\0\x02ab"), Some((0x0804, &b"ab"[..])));
        assert_eq!(certificate_verify(b"\x08\x04\0\x02abc"), None);
        assert_eq!(certificate_verify(b"\x08\x04\0\x03ab"), None);
    }

    #[test]
    fn a_list_with_extensions_behind_each_certificate() {
        let body = b"\0\0\0\x0e\0\0\x02ab\0\x01x\0\0\x01c\0\0";
        assert_eq!(Certificate13::parse(body).unwrap().collect::<Vec<_>>(), [(&b"ab"[..], &b"x"[..]), (b"c", b"")]);
        for n in 0..body.len() {
            assert!(Certificate13::parse(&body[..n]).is_err(), "{n}");
        }
    }

    #[test]
    fn what_the_server_chose() {
        let extensions = EncryptedExtensions::parse(b"\0\x09\0\x10\0\x05\0\x03\x02h2").unwrap();
        assert_eq!((extensions.protocol(), extensions.srtp_profile()), (Some(&b"h2"[..]), None));
        assert!(EncryptedExtensions::parse(b"\0\x09\0").is_err());
    }
}
