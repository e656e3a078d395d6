//! Removal of record and packet protection with the five suites of TLS 1.3. RFC 8446 sections 5.2, 5.3 and B.4.

use super::schedule::packet_key;
use super::{Hash, Labels, Secret};
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::aead::{AeadCore, AeadInOut, Key, KeyInit, Nonce, Tag, inout::InOutBuf};
use aes_gcm::aes::{Aes128, Aes256, cipher::BlockCipherEncrypt};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use ccm::Ccm;
use ccm::consts::{U8, U12, U16};
use chacha20poly1305::ChaCha20Poly1305;
use zeroize::Zeroizing;

/// Of the ciphertext from which the mask of header or sequence number is made.
pub const SAMPLE: usize = 16;

enum Aead {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
    Aes128Ccm(Box<Ccm<Aes128, U16, U12>>),
    Aes128Ccm8(Box<Ccm<Aes128, U8, U12>>),
}

/// What hides packet numbers (RFC 9001 section 5.4) and sequence numbers (RFC 9147 section 4.2.3).
enum Mask {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    ChaCha20(Zeroizing<[u8; 32]>),
}

/// The keys of one side of one session, for its handshake.
pub struct Protection {
    aead: Aead,
    iv: Zeroizing<[u8; 12]>,
    mask: Option<Mask>,
}

/// The hash of a suite, `None` for a suite that is not of TLS 1.3.
pub fn hash_of(suite: u16) -> Option<Hash> {
    match suite {
        0x1301 | 0x1303 | 0x1304 | 0x1305 => Some(Hash::Sha256),
        0x1302 => Some(Hash::Sha384),
        _ => None,
    }
}

/// Bytes that the AEAD of a TLS 1.3 suite adds.
pub fn tag_length(suite: u16) -> u16 {
    if suite == 0x1305 { 8 } else { 16 }
}

impl Protection {
    /// `None` if the secret is not as long as the suite's.
    pub fn new(suite: u16, secret: &Secret, labels: Labels) -> Option<Self> {
        let hash = hash_of(suite).filter(|hash| hash.len() == secret.bytes().len())?;
        let aead = match suite {
            0x1301 => Aead::Aes128Gcm(cipher::<_, 16>(hash, secret, labels)?),
            0x1302 => Aead::Aes256Gcm(cipher::<_, 32>(hash, secret, labels)?),
            0x1303 => Aead::ChaCha20Poly1305(cipher::<_, 32>(hash, secret, labels)?),
            0x1304 => Aead::Aes128Ccm(cipher::<_, 16>(hash, secret, labels)?),
            _ => Aead::Aes128Ccm8(cipher::<_, 16>(hash, secret, labels)?),
        };
        let label: Option<&[u8]> = match labels {
            Labels::Tls => None,
            Labels::Dtls => Some(b"sn"),
            Labels::Quic | Labels::QuicV2 => Some(b"hp"),
        };
        let mask = match label {
            None => None,
            Some(label) => Some(match suite {
                0x1302 => {
                    Mask::Aes256(Box::new(Aes256::new((&*packet_key::<32>(hash, secret, labels, label)?).into())))
                }
                0x1303 => Mask::ChaCha20(packet_key(hash, secret, labels, label)?),
                _ => Mask::Aes128(Box::new(Aes128::new((&*packet_key::<16>(hash, secret, labels, label)?).into()))),
            }),
        };
        Some(Self { aead, iv: packet_key(hash, secret, labels, b"iv")?, mask })
    }

    /// Opens in place; gives the length of what was sealed. `number` is that of the record or packet.
    pub fn open(&self, number: u64, associated: &[u8], sealed: &mut [u8]) -> Option<usize> {
        let mut nonce = *self.iv;
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
        match &self.aead {
            Aead::Aes128Gcm(aead) => open(&**aead, &nonce, associated, sealed),
            Aead::Aes256Gcm(aead) => open(&**aead, &nonce, associated, sealed),
            Aead::ChaCha20Poly1305(aead) => open(&**aead, &nonce, associated, sealed),
            Aead::Aes128Ccm(aead) => open(&**aead, &nonce, associated, sealed),
            Aead::Aes128Ccm8(aead) => open(&**aead, &nonce, associated, sealed),
        }
    }

    /// What is to be combined with the hidden number by exclusive or; none in TLS, which hides no numbers.
    pub fn mask(&self, sample: &[u8; SAMPLE]) -> Option<[u8; 5]> {
        let mut block = *sample;
        match self.mask.as_ref()? {
            Mask::Aes128(aes) => aes.encrypt_block((&mut block).into()),
            Mask::Aes256(aes) => aes.encrypt_block((&mut block).into()),
            Mask::ChaCha20(key) => return Some(chacha20_mask(key, sample)),
        }
        block.first_chunk().copied()
    }
}

/// ChaCha20 keystream at the counter and nonce of the sample: what it makes of five zeros.
fn chacha20_mask(key: &[u8; 32], sample: &[u8; SAMPLE]) -> [u8; 5] {
    use chacha20::ChaCha20;
    use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
    let [c0, c1, c2, c3, nonce @ ..] = *sample;
    let mut mask = [0; 5];
    let mut cipher = ChaCha20::new(key.into(), (&nonce).into());
    cipher.seek(u64::from(u32::from_le_bytes([c0, c1, c2, c3])) * 64);
    cipher.apply_keystream(&mut mask);
    mask
}

fn cipher<A: KeyInit, const N: usize>(hash: Hash, secret: &Secret, labels: Labels) -> Option<Box<A>> {
    let key = packet_key::<N>(hash, secret, labels, b"key")?;
    let key: &Key<A> = key.as_slice().try_into().ok()?;
    Some(Box::new(A::new(key)))
}

fn open<A: AeadInOut + AeadCore>(aead: &A, nonce: &[u8; 12], associated: &[u8], sealed: &mut [u8]) -> Option<usize> {
    let length = sealed.len().checked_sub(A::TagSize::USIZE)?;
    let (content, tag) = sealed.split_at_mut_checked(length)?;
    let nonce: &Nonce<A> = nonce.as_slice().try_into().ok()?;
    let tag: &Tag<A> = (&*tag).try_into().ok()?;
    aead.decrypt_inout_detached(nonce, associated, InOutBuf::from(content), tag).ok()?;
    Some(length)
}

/// Opens in place with a key and nonce of its own; a tag shorter than the algorithm's is the beginning of one.
pub fn open_with<A: AeadInOut + AeadCore + KeyInit>(
    key: &[u8],
    nonce: &[u8],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Option<()> {
    let aead = A::new_from_slice(key).ok()?;
    let nonce: &Nonce<A> = nonce.try_into().ok()?;
    if let Ok(whole) = <&Tag<A>>::try_from(tag) {
        return aead.decrypt_inout_detached(nonce, associated, InOutBuf::from(text), whole).ok();
    }
    // The keystream goes both ways; sealing again makes the tag of what was opened.
    aead.encrypt_inout_detached(nonce, associated, InOutBuf::from(&mut *text)).ok()?;
    let mut again = Zeroizing::new(text.to_vec());
    let made = aead.encrypt_inout_detached(nonce, associated, InOutBuf::from(again.as_mut_slice())).ok()?;
    (!tag.is_empty() && made.get(..tag.len()) == Some(tag)).then_some(())
}
