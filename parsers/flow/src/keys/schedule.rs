//! The key schedule of TLS 1.3 from a traffic secret down: keys, Finished, and the transcript that it is made over.
//! RFC 8446 sections 4.4 and 7, RFC 9147 section 5.9, RFC 9001 section 5.1, RFC 9369 section 3.3.2.

use super::Secret;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

/// The hash of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
}

/// Words in front of the labels, by what carries the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    Tls,
    Dtls,
    Quic,
    QuicV2,
}

impl Labels {
    /// Of all labels; DTLS has its own, without a space.
    fn protocol(self) -> &'static [u8] {
        if self == Self::Dtls { b"dtls13" } else { b"tls13 " }
    }

    /// Of the keys that protect packets.
    fn packet(self) -> &'static [u8] {
        match self {
            Self::Tls | Self::Dtls => b"",
            Self::Quic => b"quic ",
            Self::QuicV2 => b"quicv2 ",
        }
    }
}

/// HKDF-Expand-Label with an empty context. `None` never comes: HKDF refuses only lengths that are not asked for here.
fn expand(hash: Hash, secret: &Secret, label: [&[u8]; 3], out: &mut [u8]) -> Option<()> {
    let label_length = label.iter().map(|part| part.len()).sum::<usize>() as u8;
    let length = (out.len() as u16).to_be_bytes();
    let parts: [&[u8]; 6] = [&length, &[label_length], label[0], label[1], label[2], &[0]];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret.bytes()).ok()?.expand_multi_info(&parts, out).ok(),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret.bytes()).ok()?.expand_multi_info(&parts, out).ok(),
    }
}

/// A key of the packet protection, `label` one of `key`, `iv`, `hp`, `sn`.
pub fn packet_key<const N: usize>(
    hash: Hash,
    secret: &Secret,
    labels: Labels,
    label: &[u8],
) -> Option<Zeroizing<[u8; N]>> {
    let mut key = Zeroizing::new([0; N]);
    expand(hash, secret, [labels.protocol(), labels.packet(), label], &mut *key)?;
    Some(key)
}

impl Hash {
    pub fn len(self) -> usize {
        if self == Self::Sha256 { 32 } else { 48 }
    }

    /// Whether `verify_data` is that of a Finished behind `transcript`.
    pub fn is_finished(self, secret: &Secret, labels: Labels, transcript: &[u8], verify_data: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; super::MAX_HASH]);
        let Some(key) = key.get_mut(..self.len()) else { return false };
        if expand(self, secret, [labels.protocol(), b"", b"finished"], key).is_none() {
            return false;
        }
        match self {
            Self::Sha256 => Hmac::<Sha256>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(transcript).verify_slice(verify_data).is_ok()),
            Self::Sha384 => Hmac::<Sha384>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(transcript).verify_slice(verify_data).is_ok()),
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
        }
    }
}

/// The messages so far; as bytes while the hash is not known.
pub enum Transcript {
    Bytes(Vec<u8>),
    Sha256(Sha256),
    Sha384(Sha384),
}

impl Transcript {
    pub fn message(&mut self, kind: u8, body: &[u8]) {
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        self.add(&[kind, a, b, c]);
        self.add(body);
    }

    fn add(&mut self, bytes: &[u8]) {
        match self {
            Self::Bytes(all) => all.extend_from_slice(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
        }
    }

    /// The bytes so far are hashed from here on.
    pub fn start(&mut self, hash: Hash) {
        if let Self::Bytes(bytes) = self {
            *self = match hash {
                Hash::Sha256 => Self::Sha256(Sha256::new_with_prefix(bytes)),
                Hash::Sha384 => Self::Sha384(Sha384::new_with_prefix(bytes)),
            };
        }
    }

    /// A HelloRetryRequest comes: what is there becomes one message, its hash (RFC 8446 section 4.4.1).
    pub fn retry(&mut self, hash: Hash) {
        const MESSAGE_HASH: u8 = 254;
        if let Self::Bytes(bytes) = self {
            let digest = hash.digest(bytes);
            bytes.clear();
            self.message(MESSAGE_HASH, &digest);
        }
    }

    pub fn hash(&self) -> Vec<u8> {
        match self {
            Self::Bytes(_) => Vec::new(),
            Self::Sha256(hash) => hash.clone().finalize().to_vec(),
            Self::Sha384(hash) => hash.clone().finalize().to_vec(),
        }
    }
}
