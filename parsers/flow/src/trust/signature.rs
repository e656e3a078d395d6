//! Signatures and keys of certificates, checked and remembered: signatures by ring.
//!
//! The algorithms are those that `cryptography` permits in a chain (CA/B Baseline Requirements section 7.1.3.2) and ring knows; they are
//! compared as whole AlgorithmIdentifiers, as it does. Everything else is its business: P-521, ML-DSA, ECDSA with SHA-512.

use super::Known;
use super::weak;
use crate::certificates::{Certificate, CertificateId, Certificates};
use crate::hash::Map;
use crate::x509::{Facts, Parts, RsaKey};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use std::collections::hash_map::Entry;

/// Signatures and keys remembered, 80 bytes each: as many as there are certificates kept. More only cost a check again.
const MAX_REMEMBERED: usize = 65_536;

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA384: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];

/// Which of those sent was signed with which key (the SHA-256 of its SubjectPublicKeyInfo), and whether that is so.
#[derive(Default)]
pub struct Signatures {
    known: Map<(CertificateId, [u8; 32]), bool>,
    /// By SHA-256 of the SubjectPublicKeyInfo.
    weak: Map<[u8; 32], Option<Box<str>>>,
}

impl Signatures {
    /// Why the key protects nothing, whatever its size.
    pub fn weakness(&mut self, certificate: &Certificate, facts: &Facts, known: &Known) -> Option<&str> {
        if facts.key.algorithm != "rsa" {
            return None;
        }
        if self.weak.len() >= MAX_REMEMBERED {
            self.weak.clear();
        }
        let check = || {
            let key = RsaKey::read(&Parts::read(&certificate.der)?)?;
            weak::why(&key, &known.weak_keys).map(Into::into)
        };
        self.weak.entry(facts.spki_sha256).or_insert_with(check).as_deref()
    }

    /// Whether `issuer` signed `child`; `None` if only a library can tell. Ring never takes a signature that OpenSSL refuses.
    pub fn check(
        &mut self,
        id: CertificateId,
        child: &Parts<'_>,
        issuer: &Facts,
        issuer_parts: &Parts<'_>,
    ) -> Option<bool> {
        let algorithm = algorithm(child.algorithm, issuer)?;
        if self.known.len() >= MAX_REMEMBERED {
            self.known.clear();
        }
        Some(match self.known.entry((id, issuer.spki_sha256)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let key = UnparsedPublicKey::new(algorithm, issuer_parts.key);
                *new.insert(key.verify(child.signed, child.signature).is_ok())
            }
        })
    }
}

fn algorithm(identifier: &[u8], issuer: &Facts) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (issuer.key.algorithm, issuer.key.bits?, identifier) {
        ("rsa", 2048..=8192, _) => rsa(identifier)?,
        ("ec", 256, ECDSA_SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
        ("ec", 256, ECDSA_SHA384) => &signature::ECDSA_P256_SHA384_ASN1,
        ("ec", 384, ECDSA_SHA256) => &signature::ECDSA_P384_SHA256_ASN1,
        ("ec", 384, ECDSA_SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
        _ => return None,
    })
}

fn rsa(identifier: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    // RFC 4055 section 5: the arc of the algorithm, then NULL.
    if let [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, arc, 5, 0] = identifier {
        return Some(match arc {
            11 => &signature::RSA_PKCS1_2048_8192_SHA256,
            12 => &signature::RSA_PKCS1_2048_8192_SHA384,
            13 => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        });
    }
    Some(match identifier {
        _ if identifier == pss(1, 32) => &signature::RSA_PSS_2048_8192_SHA256,
        _ if identifier == pss(2, 48) => &signature::RSA_PSS_2048_8192_SHA384,
        _ if identifier == pss(3, 64) => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// RSASSA-PSS (RFC 4055 section 3.1) with one hash in both places and a salt of its length.
#[rustfmt::skip]
const fn pss(hash: u8, salt: u8) -> [u8; 67] {
    [
        0x30, 65, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 0x30, 52,
        0xa0, 15, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash, 5, 0,
        0xa1, 28, 0x30, 26, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8,
        0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash, 5, 0,
        0xa2, 3, 2, 1, salt,
    ]
}

/// Whether a signature in a handshake was made with the key of this certificate; `None` if only a library can tell. The schemes are
/// those of RFC 8446 section 4.2.3 that a CertificateVerify may have.
pub fn proves(
    certificates: &Certificates,
    leaf: CertificateId,
    scheme: u16,
    signed: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let certificate = certificates.kept(leaf)?;
    let key = &certificate.facts.as_ref()?.key;
    let algorithm: &'static dyn VerificationAlgorithm = match (key.algorithm, key.bits, scheme) {
        ("ec", Some(256), 0x0403) => &signature::ECDSA_P256_SHA256_ASN1,
        ("ec", Some(384), 0x0503) => &signature::ECDSA_P384_SHA384_ASN1,
        ("rsa", Some(2048..=8192), 0x0804) => &signature::RSA_PSS_2048_8192_SHA256,
        ("rsa", Some(2048..=8192), 0x0805) => &signature::RSA_PSS_2048_8192_SHA384,
        ("rsa", Some(2048..=8192), 0x0806) => &signature::RSA_PSS_2048_8192_SHA512,
        ("ed25519", _, 0x0807) => &signature::ED25519,
        _ => return None,
    };
    let parts = Parts::read(&certificate.der)?;
    Some(UnparsedPublicKey::new(algorithm, parts.key).verify(signed, signature).is_ok())
}
