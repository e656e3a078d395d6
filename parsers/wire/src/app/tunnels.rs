//! Tunnels and proxies: WireGuard, OpenVPN, ZeroTier, DNSCrypt, SOCKS (RFC 1928).
//!
//! All but SOCKS encrypt; their headers are small, so exact sizes and reserved bytes carry the weight.

use super::Datagram;
use super::look::{Look, Match, NO, at, be16, byte, le32, starts, weak, yes};
use crate::openvpn::hard_reset;

/// WireGuard's messages (whitepaper section 5.4): type, three zeros, exact sizes.
pub fn wireguard(d: &Datagram) -> Look {
    let b = d.payload;
    match (le32(b, 0)?, b.len()) {
        // Three reserved bytes, a type and an exact size: random bytes of this size fit once in 2^32.
        (1, 148) | (2, 92) | (3, 64) => yes(true),
        // Transport data of 16-byte steps with its tag; the counter of a young session is small.
        (4, 32..) if b.len().is_multiple_of(16) => yes(b.get(12..16) == Some(&[0; 4]) || b.len() == 32),
        _ => NO,
    }
}

/// Tailscale's disco messages between peers (disco.go): magic, the sender's key, a nonce, a sealed box with its tag.
pub fn tailscale_disco(d: &Datagram) -> Look {
    const LEAST: usize = 6 + 32 + 24 + 16;
    yes(starts(d.payload, b"TS\xf0\x9f\x92\xac")? && d.payload.len() > LEAST)
}

/// A hard reset, the only packet of OpenVPN that can be told from anything else.
fn openvpn_packet(b: &[u8]) -> Look {
    yes(hard_reset(b).is_some())
}

pub fn openvpn(d: &Datagram) -> Look {
    openvpn_packet(d.payload)
}

/// Over TCP behind a length of two bytes.
pub fn openvpn_stream(b: &[u8]) -> Look {
    let length = usize::from(be16(b, 0)?);
    if !(14..=1200).contains(&length) || !matches!(byte(b, 2)?, 0x38 | 0x40 | 0x50) {
        NO
    } else {
        openvpn_packet(b.get(2..2 + length)?)
    }
}

/// DNSCrypt v2: the resolver's magic in answers; queries carry a magic that only the certificate tells.
pub fn dnscrypt(d: &Datagram) -> Look {
    yes(starts(d.payload, b"r6fnvWj8").unwrap_or(false) && d.payload.len() >= 48)
}

/// SOCKS5's methods, as many as it says and no more before the answer; SOCKS4's request.
pub fn socks_client(b: &[u8]) -> Look {
    match byte(b, 0)? {
        5 => {
            let count = usize::from(byte(b, 1)?);
            let methods = b.get(2..2 + count)?;
            weak(
                (1..=9).contains(&count)
                    && methods.iter().all(|m| *m <= 9 || *m >= 0x80)
                    && (b.len() == 2 + count || at(b, 2 + count, &[5]).or(Some(true))? || at(b, 2 + count, &[1])?),
            )
        }
        4 => {
            let user = b.get(8..)?;
            let end = memchr::memchr(0, user)?;
            weak(
                matches!(byte(b, 1)?, 1 | 2)
                    && be16(b, 2)? != 0
                    && end <= 64
                    && user.get(..end)?.iter().all(u8::is_ascii_graphic),
            )
        }
        _ => NO,
    }
}

pub fn socks_server(b: &[u8]) -> Look {
    match byte(b, 0)? {
        // The chosen method, and behind it only an answer of SOCKS or of the method.
        5 => weak((byte(b, 1)? <= 2 || byte(b, 1)? == 0xff) && (b.len() == 2 || matches!(byte(b, 2)?, 1 | 5))),
        0 => weak((0x5a..=0x5d).contains(&byte(b, 1)?) && b.len() == 8),
        _ => NO,
    }
}

/// ZeroTier's HELLO (verb 1, cipher suite without encryption, so its protocol version is in clear) on its port.
pub fn zerotier(d: &Datagram) -> Look {
    let b = d.payload;
    // Packet id 8, destination 5, source 5, flags, MAC 8, then verb, protocol version, software version.
    let (flags, verb, version) = (byte(b, 18)?, byte(b, 27)?, byte(b, 28)?);
    weak(
        flags & 0x38 == 0
            && verb & 0x1f == 1
            && (4..=20).contains(&version)
            && byte(b, 29)? <= 2
            && byte(b, 13)? != 0xff,
    )
}

/// Cloudflare's WARP is WireGuard with a client id in the reserved bytes: only its port tells.
pub fn warp(d: &Datagram) -> Look {
    let b = d.payload;
    let shape = matches!((byte(b, 0)?, b.len()), (1, 148) | (2, 92));
    Some(if shape && b.get(b.len() - 16..)?.iter().all(|z| *z == 0) { Match::Weak } else { Match::No })
}

#[cfg(test)]
mod tests {
    use crate::app::tests::{both, client, udp};
    use crate::{Class, Protocol};

    #[test]
    fn tailscale_says_its_name() {
        let ping = [b"TS\xf0\x9f\x92\xac".as_slice(), &[3; 32 + 24 + 16 + 46]].concat();
        assert_eq!(udp(&ping, 41641), Some(Protocol::Tailscale));
        assert_eq!(udp(&ping[..60], 41641), None);
    }

    #[test]
    fn wireguard_by_exact_sizes() {
        for (kind, size) in [(1, 148), (2, 92), (3, 64), (4, 32)] {
            let mut b = vec![0xaau8; size];
            b[..4].copy_from_slice(&[kind, 0, 0, 0]);
            assert_eq!(udp(&b, 4000), Some(Protocol::WireGuard), "type {kind}");
            b.push(1);
            assert_eq!(udp(&b, 51820), None);
            b.pop();
            b[2] = 1;
            assert_eq!(udp(&b, 51820), None);
        }
    }

    #[test]
    fn openvpn_resets() {
        let mut reset = vec![0x38];
        reset.extend_from_slice(&[0x5c; 8]);
        reset.extend_from_slice(&[0; 5]);
        assert_eq!(udp(&reset, 1194), Some(Protocol::OpenVpn));
        assert_eq!(Protocol::OpenVpn.class(), Class::Encrypted);
        let mut tcp = vec![0, 14];
        tcp.extend_from_slice(&reset);
        assert_eq!(client(&tcp), Some(Protocol::OpenVpn));
        reset[13] = 1;
        assert_eq!(udp(&reset, 1194), None);
    }

    #[test]
    fn socks_needs_both_sides() {
        assert_eq!(both(b"\x05\x01\0", b"\x05\0"), Some(Protocol::Socks));
        assert_eq!(client(b"\x05\x01\0"), None);
    }
}
