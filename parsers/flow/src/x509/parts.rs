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
    /// Contents of the subjectPublicKey.
    pub key: &'a [u8],
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
        spki.get(der::SEQUENCE)?; // algorithm
        let key = der::whole_bytes(spki.get(der::BIT_STRING)?)?;
        Some(Self { signed, algorithm, signature, issuer, subject, key })
    }
}
