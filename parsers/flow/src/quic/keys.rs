//! Protection of Initial packets: keys from the client's first Destination Connection ID, by version, and its removal.
//! RFC 9001 sections 5.2 to 5.4, RFC 9369 section 3.3.
//!
//! Knows nothing of frames or flows. Every packet is authenticated: what opens was meant so by its sender.

use aes_gcm::aead::{AeadInOut, inout::InOutBuf};
use aes_gcm::aes::{Aes128, cipher::BlockCipherEncrypt};
use aes_gcm::{Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;
use std::ops::Range;
use transitproof_wire::quic::{LongPacket, VERSION_1, VERSION_2, VERSION_T050, VERSION_T051};

/// Of the packet protection, and of the sample for header protection.
const TAG: usize = 16;
/// The sample lies where it would if the packet number had its greatest length.
const LONGEST_NUMBER: usize = 4;

/// What distinguishes the Initial keys of one version from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    salt: [u8; 20],
    /// In front of `key`, `iv` and `hp`.
    label: &'static [u8],
}

const fn scheme(salt: [u8; 20]) -> Scheme {
    Scheme { salt, label: b"quic " }
}

const V1: Scheme = scheme(*b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a");
const V2: Scheme = Scheme {
    salt: *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
    label: b"quicv2 ",
};
const DRAFT_29: Scheme = scheme(*b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99");
const DRAFT_23: Scheme = scheme(*b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02");
const DRAFT_22: Scheme = scheme(*b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a");
const T050: Scheme = scheme(*b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10");
const T051: Scheme = scheme(*b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d");

/// The schemes that a version may use, the likeliest first. Facebook's mvfst went through the drafts under few numbers, and
/// reserved versions have no keys of their own; authentication tells which is right.
pub fn schemes(version: u32) -> &'static [Scheme] {
    match version {
        VERSION_1 | 0xff00_0021..=0xff00_0022 => &[V1],
        VERSION_2 => &[V2],
        0xff00_001d..=0xff00_0020 => &[DRAFT_29],
        0xff00_0017..=0xff00_001c => &[DRAFT_23],
        0xff00_0016 => &[DRAFT_22],
        VERSION_T050 => &[T050],
        VERSION_T051 => &[T051],
        0xface_b000..=0xface_b0ff => &[DRAFT_23, DRAFT_22, DRAFT_29, V1],
        _ if version & 0x0f0f_0f0f == 0x0a0a_0a0a => &[V1, DRAFT_29],
        _ => &[],
    }
}

/// Who protects with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// The keys of one side.
pub struct Keys {
    packet: Aes128Gcm,
    iv: [u8; 12],
    header: Aes128,
}

impl Keys {
    /// `None` never comes: HKDF refuses only lengths that are not asked for here.
    pub fn new(scheme: &Scheme, connection_id: &[u8], side: Side) -> Option<Self> {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&scheme.salt), connection_id);
        let label: &[u8] = if side == Side::Client { b"client in" } else { b"server in" };
        let secret = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, b"", label)?).ok()?;
        let key = expand::<16>(&secret, scheme.label, b"key")?;
        let iv = expand::<12>(&secret, scheme.label, b"iv")?;
        let header = expand::<16>(&secret, scheme.label, b"hp")?;
        Some(Self { packet: Aes128Gcm::new(&key.into()), iv, header: Aes128::new(&header.into()) })
    }

    /// Removes the protection of a packet. `buffer` is overwritten and then holds the packet in the clear. `largest` is the
    /// largest packet number of this side so far.
    pub fn open(&self, packet: &LongPacket<'_>, largest: u64, buffer: &mut Vec<u8>) -> Option<Opened> {
        let mut mask = sample(packet)?;
        self.header.encrypt_block((&mut mask).into());
        let (number, start) = unmask(packet, *mask.first_chunk()?, largest, buffer)?;
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);

        let (associated, sealed) = buffer.split_at_mut_checked(start)?;
        let (payload, tag) = sealed.split_last_chunk_mut::<TAG>()?;
        let end = start + payload.len();
        self.packet.decrypt_inout_detached(&nonce.into(), associated, InOutBuf::from(payload), (&*tag).into()).ok()?;
        Some(Opened { number, payload: start..end })
    }
}

/// What the mask of the header is made from.
pub fn sample(packet: &LongPacket<'_>) -> Option<[u8; TAG]> {
    packet.bytes.get(packet.number_offset..)?.get(LONGEST_NUMBER..)?.first_chunk().copied()
}

/// Copies the packet into `buffer`, its header in the clear; gives the packet number and where the payload begins.
pub fn unmask(packet: &LongPacket<'_>, mask: [u8; 5], largest: u64, buffer: &mut Vec<u8>) -> Option<(u64, usize)> {
    buffer.clear();
    buffer.extend_from_slice(packet.bytes);
    let (header, rest) = buffer.split_at_mut_checked(packet.number_offset)?;
    let first = header.first_mut()?;
    *first ^= mask[0] & 0x0f;
    let length = usize::from(*first & 3) + 1;
    let number = rest.get_mut(..length)?;
    number.iter_mut().zip(&mask[1..]).for_each(|(byte, mask)| *byte ^= mask);
    let truncated = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some((full_number(truncated, length, largest), packet.number_offset + length))
}

pub struct Opened {
    pub number: u64,
    /// Where in the buffer the frames are.
    pub payload: Range<usize>,
}

/// HKDF-Expand-Label with an empty context, RFC 8446 section 7.1; `label` in two parts.
fn expand<const N: usize>(secret: &Hkdf<Sha256>, prefix: &[u8], label: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let label_length = 6 + prefix.len() + label.len();
    let parts: [&[u8]; 5] = [&[0, N as u8, label_length as u8], b"tls13 ", prefix, label, &[0]];
    secret.expand_multi_info(&parts, &mut out).ok()?;
    Some(out)
}

/// The packet number of which the low `length` bytes were sent: the one nearest to what was expected. RFC 9000 appendix A.3.
fn full_number(truncated: u64, length: usize, largest: u64) -> u64 {
    let window = 1u64 << (8 * length);
    let expected = largest.saturating_add(1);
    let candidate = (expected & !(window - 1)) | truncated;
    if candidate.saturating_add(window / 2) <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_of_rfc_9000_appendix_a_3() {
        assert_eq!(full_number(0x9b32, 2, 0xa82f_30ea), 0xa82f_9b32);
        assert_eq!(full_number(2, 4, 0), 2);
        assert_eq!(full_number(0xff, 1, 0x100), 0xff);
    }

    /// Without a ciphertext to open, the keys show themselves by what they encrypt: RFC 9001 appendix A.1 gives key and iv.
    #[test]
    fn keys_of_rfc_9001_appendix_a_1_and_rfc_9369_appendix_a_1() {
        let id = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";
        let iv = |scheme, side| Keys::new(scheme, id, side).unwrap().iv;
        assert_eq!(iv(&V1, Side::Client), *b"\xfa\x04\x4b\x2f\x42\xa3\xfd\x3b\x46\xfb\x25\x5c");
        assert_eq!(iv(&V1, Side::Server), *b"\x0a\xc1\x49\x3c\xa1\x90\x58\x53\xb0\xbb\xa0\x3e");
        assert_eq!(iv(&V2, Side::Server), *b"\xdd\x13\xc2\x76\x49\x9c\x02\x49\xd3\x31\x06\x52");
        let header_mask = |scheme, side, mut sample: [u8; 16]| {
            Keys::new(scheme, id, side).unwrap().header.encrypt_block((&mut sample).into());
            sample.first_chunk::<5>().copied()
        };
        let sample = *b"\xd1\xb1\xc9\x8d\xd7\x68\x9f\xb8\xec\x11\xd2\x42\xb1\x23\xdc\x9b";
        assert_eq!(header_mask(&V1, Side::Client, sample), Some(*b"\x43\x7b\x9a\xec\x36"));
        let sample = *b"\xff\xe6\x7b\x6a\xbc\xdb\x42\x98\xb4\x85\xdd\x04\xde\x80\x60\x71";
        assert_eq!(header_mask(&V2, Side::Client, sample), Some(*b"\x94\xa0\xc9\x5e\x80"));
    }
}
