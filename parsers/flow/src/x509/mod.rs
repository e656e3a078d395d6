//! Certificates (RFC 5280 section 4): what their record and the judgement by names need.
//!
//! A strict reader for certificates as they ought to be. `None` means that something is out of the ordinary, not that it is wrong:
//! Python's `cryptography` reads it then, and says what there is to say. What is read here reads the same there, byte for byte of the
//! record; tests/unit/trust/test_core_x509.py holds the two together.

mod algorithms;
mod curve;
mod der;
mod extensions;
mod issuer;
mod name;
mod parts;
mod record;
#[cfg(test)]
mod tests;

pub use algorithms::{Key, Signature};
pub use extensions::{Authority, Critical, Extensions};
pub use parts::{Parts, RsaKey};
pub use record::Name;
#[cfg(test)]
pub use tests::pay_example;

use crate::trust::fold;
use der::Der;

/// Bytes of a serial number; RFC 5280 allows 20.
const MAX_SERIAL: usize = 64;

/// The seconds of 1950 to 2049, the years that UTCTime can name.
const YEARS_OF_UTC_TIME: std::ops::Range<i64> = -631_152_000..2_524_608_000;

/// One certificate, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// RFC 4514, cut as records cut it.
    pub subject: Box<str>,
    pub issuer: Box<str>,
    /// [`fold::hash`] of it.
    pub issuer_hash: u64,
    /// Big-endian, without leading zeros.
    pub serial: Box<[u8]>,
    /// Seconds since the Unix epoch, in the years from 1000 to 9999.
    pub not_before: i64,
    pub not_after: i64,
    /// Each of the two as RFC 5280 section 4.1.2.5 has it written: UTCTime until 2049.
    pub usual_times: bool,
    pub key: Key,
    pub signature: Signature,
    pub spki_sha256: [u8; 32],
    pub extensions: Extensions,
}

/// A Name (RFC 5280 section 4.1.2.4) in DER, whole, as RFC 4514 has it.
pub fn distinguished_name(der: &[u8]) -> Option<Box<str>> {
    name::rfc4514(der::only(der, der::SEQUENCE)?)
}

impl Facts {
    pub fn read(certificate: &[u8]) -> Option<Self> {
        let mut outer = Der::new(der::only(certificate, der::SEQUENCE)?);
        let mut tbs = outer.nested(der::SEQUENCE)?;
        let algorithm = outer.get(der::SEQUENCE)?;
        der::whole_bytes(outer.get(der::BIT_STRING)?)?;
        outer.end()?;
        // Version 1 is the default, which DER does not write; 2 is version 3.
        let version_3 = match tbs.optional(0xa0)? {
            None => false,
            Some([der::INTEGER, 1, 2]) => true,
            Some(_) => return None,
        };
        let serial = der::magnitude(der::unsigned(tbs.get(der::INTEGER)?).filter(|serial| serial.len() <= MAX_SERIAL)?);
        if tbs.get(der::SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = name::rfc4514(tbs.get(der::SEQUENCE)?)?;
        let mut validity = tbs.nested(der::SEQUENCE)?;
        let ((not_before, usual_begin), (not_after, usual_end)) = (moment(&mut validity)?, moment(&mut validity)?);
        validity.end()?;
        let subject = name::rfc4514(tbs.get(der::SEQUENCE)?)?;
        let (key, spki_sha256) = algorithms::public_key(tbs.whole(der::SEQUENCE)?)?;
        let extensions = match tbs.optional(0xa3)? {
            None => Extensions::default(),
            Some(contents) if version_3 => extensions::read(der::only(contents, der::SEQUENCE)?)?,
            Some(_) => return None,
        };
        tbs.end()?;
        let signature = algorithms::signature(algorithm)?;
        let (serial, issuer_hash) = (serial.into(), fold::hash(&issuer));
        Some(Self {
            subject,
            issuer,
            issuer_hash,
            serial,
            not_before,
            not_after,
            usual_times: usual_begin && usual_end,
            key,
            signature,
            spki_sha256,
            extensions,
        })
    }

    /// Bytes on the heap, for whoever bounds them.
    pub fn size(&self) -> usize {
        let Extensions { names, subject_key, authority, .. } = &self.extensions;
        let authority = authority.as_ref().and_then(|authority| authority.key.as_deref());
        let bytes = [names.as_deref(), subject_key.as_deref(), authority, Some(&self.serial)];
        size_of::<Self>()
            + self.subject.len()
            + self.issuer.len()
            + bytes.iter().flatten().map(|b| b.len()).sum::<usize>()
    }
}

/// The time, and whether it is written as one of its year should be.
fn moment(validity: &mut Der<'_>) -> Option<(i64, bool)> {
    let (tag, contents) = validity.any()?;
    let second = der::time(tag, contents)?;
    Some((second, tag == der::UTC_TIME || !YEARS_OF_UTC_TIME.contains(&second)))
}
