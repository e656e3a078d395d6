//! A keyed hash of secrets: shows that the same one is used twice, and to nobody without the key which it is.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use transitproof_wire::app::credentials::Secret;

/// The first half of HMAC-SHA-256 (RFC 2104) over the secret's bytes alone: whatever carried them, equal ones look equal.
pub type SecretHmac = [u8; 16];

pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A shorter key could be guessed along with the secret.
    pub const MIN_LENGTH: usize = 16;

    /// None if the key is too short.
    pub fn new(key: &[u8]) -> Option<Self> {
        (key.len() >= Self::MIN_LENGTH).then(|| Hmac::new_from_slice(key).ok().map(Self))?
    }

    /// None for what is no secret by itself: a challenge's response, say.
    pub fn hash(&self, secret: Secret<'_>) -> Option<SecretHmac> {
        let mut mac = self.0.clone();
        secret.feed(|bytes| mac.update(bytes)).then(|| mac.finalize().into_bytes().first_chunk().copied())?
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4231() {
        // Test case 1, the first 128 bits.
        let key = HashKey::new(&[0x0b; 20]).unwrap();
        let expected = [0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b];
        assert_eq!(key.hash(Secret::Bytes(b"Hi There")), Some(expected));
        let text = b"eDpIaSBUaGVyZQ=="; // x:Hi There
        let coded = Secret::Base64 { text, separator: b':', separators: 1, end: None };
        assert_eq!(key.hash(coded), Some(expected), "the coding does not matter");
        assert_eq!((key.hash(Secret::None), key.hash(Secret::Bytes(b""))), (None, None));
        assert_eq!(format!("{key:?}"), "HashKey");
    }

    #[test]
    fn short_keys_are_refused() {
        assert!(HashKey::new(&[1; 15]).is_none() && HashKey::new(&[1; 16]).is_some());
    }
}
