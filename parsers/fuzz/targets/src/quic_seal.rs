//! The other side of what the core does: frames sealed into QUIC Initial packets, after RFC 9001 section 5 and RFC 9369.

use aes_gcm::aead::{AeadInOut, inout::InOutBuf};
use aes_gcm::aes::{Aes128, cipher::BlockCipherEncrypt};
use aes_gcm::{Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

/// Number, salt, front of the labels, and type of an Initial in the first byte.
pub type Version = (u32, [u8; 20], &'static [u8], u8);

pub const VERSIONS: [Version; 3] = [
    (1, *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", b"quic ", 0xc0),
    (
        0x6b33_43cf,
        *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
        b"quicv2 ",
        0xd0,
    ),
    (0xff00_001d, *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99", b"quic ", 0xc0),
];

#[derive(Default)]
pub struct Sealer {
    number: u32,
}

impl Sealer {
    /// One Initial packet of a client whose first Destination Connection ID is `id`, or of the server that answers it.
    pub fn seal(&mut self, version: Version, id: &[u8; 8], by_server: bool, frames: &[u8]) -> Vec<u8> {
        self.number += 1;
        let (number, salt, prefix, first) = version;
        let (_, initial) = Hkdf::<Sha256>::extract(Some(&salt), id);
        let side: &[u8] = if by_server { b"server in" } else { b"client in" };
        let secret = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, b"", side)).expect("32 bytes");
        let mut nonce = expand::<12>(&secret, prefix, b"iv");
        nonce[8..].iter_mut().zip(self.number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);

        let mut packet = vec![first | 3];
        packet.extend(number.to_be_bytes());
        packet.push(8);
        packet.extend(id);
        packet.extend([0, 0]); // no source connection id, no token
        packet.extend((0x8000_0000 | (4 + frames.len() as u32 + 16)).to_be_bytes());
        let number_at = packet.len();
        packet.extend(self.number.to_be_bytes());
        let mut sealed = frames.to_vec();
        let key = Aes128Gcm::new(&expand::<16>(&secret, prefix, b"key").into());
        let tag = key.encrypt_inout_detached(&nonce.into(), &packet, InOutBuf::from(&mut sealed[..])).expect("short");
        packet.extend(sealed);
        packet.extend(tag);

        let mut mask = *packet[number_at + 4..].first_chunk::<16>().expect("the tag is that long");
        Aes128::new(&expand::<16>(&secret, prefix, b"hp").into()).encrypt_block((&mut mask).into());
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at..number_at + 4].iter_mut().zip(&mask[1..]).for_each(|(byte, mask)| *byte ^= mask);
        packet
    }
}

/// HKDF-Expand-Label of RFC 8446 section 7.1, with an empty context.
fn expand<const N: usize>(secret: &Hkdf<Sha256>, prefix: &[u8], label: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let length = 6 + prefix.len() + label.len();
    let info: [&[u8]; 5] = [&[0, N as u8, length as u8], b"tls13 ", prefix, label, &[0]];
    secret.expand_multi_info(&info, &mut out).expect("a short length");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_flow::Direction;
    use transitproof_flow::certificates::Certificates;
    use transitproof_flow::quic::QuicFollower;

    /// Were they not opened, the fuzzer would knock at a locked door: RFC 9000 section 19.19, a TLS alert.
    #[test]
    fn what_is_sealed_here_is_opened_there() {
        const CLOSED_BY_ALERT: &[u8] = b"\x1c\x41\x28\x00\x00";
        for version in VERSIONS {
            let mut sealer = Sealer::default();
            let mut follower = QuicFollower::new(version.0, true);
            for by_server in [false, true] {
                let packet = sealer.seal(version, b"12345678", by_server, CLOSED_BY_ALERT);
                let from = if by_server { Direction::Reverse } else { Direction::Forward };
                follower.datagram(from, &packet, 1, &mut Certificates::new(1));
            }
            assert_eq!(follower.session().fatal_alert().map(|alert| alert.description), Some(0x28), "{:x}", version.0);
        }
    }
}
