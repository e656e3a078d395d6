//! A certificate's parts as they were sent: what chains are built by, and what is signed (RFC 5280 section 4.1).

use super::der::{self, Der};

/// Slices of one certificate.
pub struct Parts<'a> {
    /// tbsCertificate with its tag and length: the bytes that are signed.
    pub signed: &'a [u8],
    /// AlgorithmIdentifier of the signature, with its tag and length.
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// AlgorithmIdentifier of the key, its contents.
    pub key_algorithm: &'a [u8],
    /// Contents of the subjectPublicKey.
    pub key: &'a [u8],
}

/// An RSAPublicKey (RFC 8017 appendix A.1.1) as it was sent, whatever its numbers are: magnitudes, big-endian, zero empty.
#[derive(Clone, Copy, Debug)]
pub struct RsaKey<'a> {
    pub modulus: &'a [u8],
    pub exponent: &'a [u8],
}

impl<'a> RsaKey<'a> {
    /// `None` if it is none, or none in DER.
    pub fn read(parts: &Parts<'a>) -> Option<Self> {
        const RSA_ENCRYPTION: [u8; 11] = [der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
        parts.key_algorithm.strip_prefix(&RSA_ENCRYPTION)?;
        let mut numbers = Der::new(der::only(parts.key, der::SEQUENCE)?);
        let mut number = || Some(der::magnitude(der::unsigned(numbers.get(der::INTEGER)?)?));
        let (modulus, exponent) = (number()?, number()?);
        numbers.end()?;
        Some(Self { modulus, exponent })
    }
}

impl<'a> Parts<'a> {
    /// Finds them; whether they hold what they should is the business of [`super::Facts::read`].
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut outer = Der::new(der::only(certificate, der::SEQUENCE)?);
        let signed = outer.whole(der::SEQUENCE)?;
        let algorithm = outer.whole(der::SEQUENCE)?;
        let signature = der::whole_bytes(outer.get(der::BIT_STRING)?)?;
        let mut tbs = Der::new(der::only(signed, der::SEQUENCE)?);
        tbs.optional(0xa0)?; // version
        tbs.get(der::INTEGER)?; // serial number
        tbs.get(der::SEQUENCE)?; // signature algorithm
        let issuer = tbs.get(der::SEQUENCE)?;
        tbs.get(der::SEQUENCE)?; // validity
        let subject = tbs.get(der::SEQUENCE)?;
        let mut spki = tbs.nested(der::SEQUENCE)?;
        let key_algorithm = spki.get(der::SEQUENCE)?;
        let key = der::whole_bytes(spki.get(der::BIT_STRING)?)?;
        Some(Self { signed, algorithm, signature, issuer, subject, key_algorithm, key })
    }
}
