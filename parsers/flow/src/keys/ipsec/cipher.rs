//! Removal of the protection of ESP and of IKEv2's encrypted payload. RFC 4303, RFC 7296 section 3.14, RFC 4106, 4309,
//! 5282, 7634; RFC 3602 (CBC), 3686 (counter mode), 2451 (3DES); RFC 2403, 2404, 4868 (HMAC).
//!
//! Nothing is given out whose integrity check value is not right: that is what tells keys that fit from those that do not.

use super::super::aead::open_with;
use aes_gcm::AesGcm;
use aes_gcm::aead::KeyInit;
use aes_gcm::aead::consts::U12;
use aes_gcm::aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, typenum::Unsigned};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use ccm::Ccm;
use ccm::consts::{U8, U11, U16};
use chacha20poly1305::ChaCha20Poly1305;
use des::TdesEde3;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

type Bytes = Zeroizing<Box<[u8]>>;

/// What hides the content, and how long its tag is if it has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    TripleDes,
    AesCbc,
    AesCtr,
    AesGcm(u8),
    AesCcm(u8),
    ChaCha20Poly1305,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// An HMAC, cut to so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integrity {
    pub hash: Hash,
    pub length: u8,
}

/// Keys of one direction.
pub struct Protection {
    cipher: Cipher,
    key: Bytes,
    integrity: Option<(Integrity, Bytes)>,
}

/// Behind the key of a cipher: salt or nonce.
fn salt(cipher: Cipher) -> usize {
    match cipher {
        Cipher::TripleDes | Cipher::AesCbc => 0,
        Cipher::AesCcm(_) => 3,
        Cipher::AesCtr | Cipher::AesGcm(_) | Cipher::ChaCha20Poly1305 => 4,
    }
}

impl Cipher {
    fn is_combined(self) -> bool {
        matches!(self, Self::AesGcm(_) | Self::AesCcm(_) | Self::ChaCha20Poly1305)
    }

    fn has_key_of(self, length: usize) -> bool {
        match self {
            Self::TripleDes => length == 24,
            Self::ChaCha20Poly1305 => length == 36,
            _ => matches!(length.wrapping_sub(salt(self)), 16 | 24 | 32),
        }
    }
}

impl Protection {
    /// `None` if the keys have not the length that the algorithms want, or nothing would tell whether they fit.
    pub fn new(cipher: Cipher, key: Bytes, integrity: Option<(Integrity, Bytes)>) -> Option<Self> {
        let integrity = integrity.filter(|_| !cipher.is_combined());
        (cipher.has_key_of(key.len()) && (cipher.is_combined() || integrity.is_some())).then_some(Self {
            cipher,
            key,
            integrity,
        })
    }

    /// What was sealed, padding included. `front`: what is authenticated in front of it; `high`: the upper half of an extended
    /// sequence number, which is not sent.
    pub fn open(&self, front: &[u8], sealed: &[u8], high: Option<u32>) -> Option<Vec<u8>> {
        if self.cipher.is_combined() {
            return self.combined(front, sealed, high);
        }
        let (integrity, key) = self.integrity.as_ref()?;
        let (text, icv) = sealed.split_at_checked(sealed.len().checked_sub(usize::from(integrity.length))?)?;
        let high = high.map(u32::to_be_bytes);
        let parts: [&[u8]; 3] = [front, text, high.as_ref().map_or(&[], |high| high)];
        if !integrity.is_right(key, &parts, icv) {
            return None;
        }
        match (self.cipher, self.key.len()) {
            (Cipher::TripleDes, _) => cbc::<TdesEde3>(&self.key, text),
            (Cipher::AesCbc, 16) => cbc::<Aes128>(&self.key, text),
            (Cipher::AesCbc, 24) => cbc::<Aes192>(&self.key, text),
            (Cipher::AesCbc, _) => cbc::<Aes256>(&self.key, text),
            (_, 20) => counter::<Aes128>(&self.key, text),
            (_, 28) => counter::<Aes192>(&self.key, text),
            (_, _) => counter::<Aes256>(&self.key, text),
        }
    }

    fn combined(&self, front: &[u8], sealed: &[u8], high: Option<u32>) -> Option<Vec<u8>> {
        const IV: usize = 8;
        let tag = match self.cipher {
            Cipher::AesGcm(length) | Cipher::AesCcm(length) => usize::from(length),
            _ => 16,
        };
        let (iv, rest) = sealed.split_at_checked(IV)?;
        let (text, tag) = rest.split_at_checked(rest.len().checked_sub(tag)?)?;
        let (key, salt) = self.key.split_at_checked(self.key.len().checked_sub(salt(self.cipher))?)?;
        let nonce = [salt, iv].concat();
        let front = match high {
            // SPI, upper half, lower half: RFC 4106 section 5.
            Some(high) => [front.get(..4)?, &high.to_be_bytes(), front.get(4..)?].concat(),
            None => front.to_vec(),
        };
        let mut text = text.to_vec();
        let fits = match (self.cipher, key.len(), tag.len()) {
            (Cipher::AesGcm(_), 16, _) => open_with::<AesGcm<Aes128, U12>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesGcm(_), 24, _) => open_with::<AesGcm<Aes192, U12>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesGcm(_), _, _) => open_with::<AesGcm<Aes256, U12>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 16, 8) => open_with::<Ccm<Aes128, U8, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 24, 8) => open_with::<Ccm<Aes192, U8, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), _, 8) => open_with::<Ccm<Aes256, U8, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 16, 12) => open_with::<Ccm<Aes128, U12, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 24, 12) => open_with::<Ccm<Aes192, U12, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), _, 12) => open_with::<Ccm<Aes256, U12, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 16, _) => open_with::<Ccm<Aes128, U16, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), 24, _) => open_with::<Ccm<Aes192, U16, U11>>(key, &nonce, &front, &mut text, tag),
            (Cipher::AesCcm(_), _, _) => open_with::<Ccm<Aes256, U16, U11>>(key, &nonce, &front, &mut text, tag),
            (_, _, _) => open_with::<ChaCha20Poly1305>(key, &nonce, &front, &mut text, tag),
        };
        fits.map(|()| text)
    }
}

impl Integrity {
    fn is_right(self, key: &[u8], parts: &[&[u8]], icv: &[u8]) -> bool {
        match self.hash {
            Hash::Md5 => is_right::<Hmac<Md5>>(key, parts, icv),
            Hash::Sha1 => is_right::<Hmac<Sha1>>(key, parts, icv),
            Hash::Sha256 => is_right::<Hmac<Sha256>>(key, parts, icv),
            Hash::Sha384 => is_right::<Hmac<Sha384>>(key, parts, icv),
            Hash::Sha512 => is_right::<Hmac<Sha512>>(key, parts, icv),
        }
    }
}

fn is_right<M: Mac + hmac::KeyInit>(key: &[u8], parts: &[&[u8]], icv: &[u8]) -> bool {
    let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(key) else { return false };
    parts.iter().for_each(|part| mac.update(part));
    !icv.is_empty() && mac.verify_truncated_left(icv).is_ok()
}

/// The IV stands in front.
fn cbc<C: BlockCipherDecrypt + BlockSizeUser + KeyInit>(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let size = C::BlockSize::USIZE;
    let (mut before, text) = text.split_at_checked(size)?;
    if !text.len().is_multiple_of(size) {
        return None;
    }
    let mut out = text.to_vec();
    for (block, sealed) in out.chunks_exact_mut(size).zip(text.chunks_exact(size)) {
        cipher.decrypt_block(<&mut Array<u8, C::BlockSize>>::try_from(&mut *block).ok()?);
        block.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        before = sealed;
    }
    Some(out)
}

/// Counter blocks are the nonce behind the key, the IV in front of the text and a number from 1.
fn counter<C: BlockCipherEncrypt + BlockSizeUser + KeyInit>(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let (key, nonce) = key.split_at_checked(key.len().checked_sub(4)?)?;
    let (iv, text) = text.split_at_checked(8)?;
    let cipher = C::new_from_slice(key).ok()?;
    let mut out = text.to_vec();
    for (chunk, number) in out.chunks_mut(C::BlockSize::USIZE).zip(1u32..) {
        let mut block = [nonce, iv, &number.to_be_bytes()].concat();
        cipher.encrypt_block(<&mut Array<u8, C::BlockSize>>::try_from(&mut *block).ok()?);
        chunk.iter_mut().zip(block).for_each(|(byte, mask)| *byte ^= mask);
    }
    Some(out)
}
