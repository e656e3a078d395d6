//! Signature algorithms and public keys, named as `cryptography` names them.

use super::curve;
use super::der::{self, Der};
use sha2::{Digest, Sha256};

/// Bits of the largest RSA modulus that OpenSSL works with.
const MAX_RSA_BITS: u16 = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The usual name, as in the record.
    pub name: &'static str,
    /// Made over a hash that RFC 9155 forbids.
    pub weak: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub algorithm: &'static str,
    pub bits: Option<u16>,
    pub curve: Option<&'static str>,
}

impl Key {
    /// Fewer bits than RFC 9325 section 4.5 wants.
    pub fn is_weak(&self) -> bool {
        matches!((self.algorithm, self.bits), ("rsa", Some(..2048)) | ("ec", Some(..224)))
    }
}

/// An AlgorithmIdentifier's contents. Parameters are absent, or NULL where RFC 4055 has it so; older habits are the library's.
pub fn signature(contents: &[u8]) -> Option<Signature> {
    let mut der = Der::new(contents);
    let oid = der.get(der::OID)?;
    let parameters = der.rest();
    let null_or_nothing = matches!(parameters, [] | [5, 0]);
    let (name, fits) = match oid {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last] => match last {
            4 => ("md5WithRSAEncryption", null_or_nothing),
            5 => ("sha1WithRSAEncryption", null_or_nothing),
            10 => ("rsassaPss", is_pss(parameters).is_some()),
            11 => ("sha256WithRSAEncryption", null_or_nothing),
            12 => ("sha384WithRSAEncryption", null_or_nothing),
            13 => ("sha512WithRSAEncryption", null_or_nothing),
            14 => ("sha224WithRSAEncryption", null_or_nothing),
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => ("ecdsa-with-SHA1", parameters.is_empty()),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1] => ("ecdsa-with-SHA224", parameters.is_empty()),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => ("ecdsa-with-SHA256", parameters.is_empty()),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => ("ecdsa-with-SHA384", parameters.is_empty()),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => ("ecdsa-with-SHA512", parameters.is_empty()),
        [0x2b, 0x65, 0x70] => ("ed25519", parameters.is_empty()),
        [0x2b, 0x65, 0x71] => ("ed448", parameters.is_empty()),
        _ => return None,
    };
    let weak = matches!(name, "md5WithRSAEncryption" | "sha1WithRSAEncryption" | "ecdsa-with-SHA1");
    fits.then_some(Signature { name, weak })
}

/// RSASSA-PSS-params (RFC 4055 section 3.1) with SHA-256, 384 or 512 in both places; SHA-1, the default, is the library's.
fn is_pss(parameters: &[u8]) -> Option<()> {
    const MGF1: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    let mut der = Der::new(der::only(parameters, der::SEQUENCE)?);
    let hash = der.get(0xa0)?;
    let mut inner = Der::new(der::only(hash, der::SEQUENCE)?);
    if !matches!(inner.get(der::OID)?, [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1..=3])
        || !matches!(inner.rest(), [] | [5, 0])
    {
        return None;
    }
    let mut mask = Der::new(der::only(der.get(0xa1)?, der::SEQUENCE)?);
    if mask.get(der::OID)? != MGF1 || mask.rest() != hash {
        return None;
    }
    let salt = der::unsigned(der::only(der.get(0xa2)?, der::INTEGER)?)?;
    // 20 is the default, which DER does not write.
    if salt == [20] || der::magnitude(salt).len() > 2 {
        return None;
    }
    der.end()
}

/// A whole SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) and the SHA-256 of its bytes. The library hashes what it would write
/// itself, so only a key that is written so is read here.
pub fn public_key(whole: &[u8]) -> Option<(Key, [u8; 32])> {
    let mut spki = Der::new(der::only(whole, der::SEQUENCE)?);
    let mut algorithm = spki.nested(der::SEQUENCE)?;
    let bits = der::whole_bytes(spki.get(der::BIT_STRING)?)?;
    spki.end()?;
    let oid = algorithm.get(der::OID)?;
    let key = match (oid, algorithm.rest()) {
        ([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], [5, 0]) => rsa(bits)?,
        ([0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], curve) => elliptic(der::only(curve, der::OID)?, bits)?,
        ([0x2b, 0x65, 0x70], []) if bits.len() == 32 => Key { algorithm: "ed25519", bits: None, curve: None },
        ([0x2b, 0x65, 0x71], []) if bits.len() == 57 => Key { algorithm: "ed448", bits: None, curve: None },
        _ => return None,
    };
    Some((key, Sha256::digest(whole).into()))
}

/// RSAPublicKey (RFC 8017 appendix A.1.1) that is one: odd, and with an exponent that fits.
fn rsa(key: &[u8]) -> Option<Key> {
    let mut der = Der::new(der::only(key, der::SEQUENCE)?);
    let modulus = der::magnitude(der::unsigned(der.get(der::INTEGER)?)?);
    let exponent = der::magnitude(der::unsigned(der.get(der::INTEGER)?)?);
    der.end()?;
    let bits = u16::try_from(modulus.len() * 8).ok()?.checked_sub(modulus.first()?.leading_zeros() as u16)?;
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if bits > MAX_RSA_BITS || !odd(modulus) || !odd(exponent) || exponent == [1] || exponent.len() >= modulus.len() {
        return None;
    }
    Some(Key { algorithm: "rsa", bits: Some(bits), curve: None })
}

fn elliptic(oid: &[u8], point: &[u8]) -> Option<Key> {
    let (name, bits) = match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] => ("secp256r1", 256),
        [0x2b, 0x81, 4, 0, 34] => ("secp384r1", 384),
        [0x2b, 0x81, 4, 0, 35] => ("secp521r1", 521),
        _ => return None,
    };
    curve::has_point(bits, point).then_some(Key { algorithm: "ec", bits: Some(bits), curve: Some(name) })
}
