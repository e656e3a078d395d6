//! Tunnels and proxies: WireGuard, OpenVPN, ZeroTier, DNSCrypt, SOCKS (RFC 1928).
//!
//! All but SOCKS encrypt; their headers are small, so exact sizes and reserved bytes carry the weight.

use super::look::{Look, Match, NO, at, be16, byte, le32, may_be_sealed, starts, weak, yes};
use super::{Datagram, http, proxies};
use crate::openvpn::hard_reset;

/// WireGuard's messages (whitepaper section 5.4): type, three zeros, exact sizes, and keys or ciphertext where they must be. A counter
/// of 32 bits in front of text or numbers may begin like this and have such a size as well.
pub fn wireguard(d: &Datagram) -> Look {
    let b = d.payload;
    let (sealed, fits) = match (le32(b, 0)?, b.len()) {
        // Three reserved bytes, a type and an exact size: random bytes of this size fit once in 2^32. Behind them and the senders'
        // numbers a key, or a nonce.
        (1, 148) | (3, 64) => (8, true),
        (2, 92) => (12, true),
        // Transport data of 16-byte steps with its tag; the counter of a young session is small.
        (4, 32..) if b.len().is_multiple_of(16) => (16, b.get(12..16) == Some(&[0; 4]) || b.len() == 32),
        _ => return NO,
    };
    yes(fits && may_be_sealed(b.get(sealed..)?))
}

/// Tailscale's disco messages between peers (disco.go): magic, the sender's key, a nonce, a sealed box with its tag.
pub fn tailscale_disco(d: &Datagram) -> Look {
    const LEAST: usize = 6 + 32 + 24 + 16;
    yes(starts(d.payload, b"TS\xf0\x9f\x92\xac")? && d.payload.len() > LEAST && may_be_sealed(d.payload.get(6..)?))
}

/// Tailscale's control connection (controlhttp and controlbase) and its relays (DERP), which begin as HTTP, most often on port 80: both sides
/// agree to switch. The control server answers the key in the request with its own, an ephemeral one and a tag, and records under these keys
/// follow; a relay shows the key for the boxes in which it is told who comes, and passes on what peers have sealed. `None` while that is not there.
pub fn tailscale_control(client: &[u8], server: &[u8]) -> Option<bool> {
    let (to, switched) = http::switched_to_tailscale(server)?;
    let asked = proxies::field(proxies::http_head(client)?, b"Upgrade:")?;
    let sealed = switched.get(..to.answer.len() + to.sealed)?.strip_prefix(to.answer);
    Some(asked.eq_ignore_ascii_case(to.name) && sealed.is_some_and(may_be_sealed))
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
    yes(starts(d.payload, b"r6fnvWj8").unwrap_or(false) && d.payload.len() >= 48 && may_be_sealed(d.payload.get(8..)?))
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
    // Packet id 8, destination 5, source 5, flags, MAC 8, then verb, protocol version, software version, time, and the sender's
    // identity: address, type, public keys.
    const KEYS: usize = 46;
    let (flags, verb, version) = (byte(b, 18)?, byte(b, 27)?, byte(b, 28)?);
    weak(
        flags & 0x38 == 0
            && verb & 0x1f == 1
            && (4..=20).contains(&version)
            && byte(b, 29)? <= 2
            && byte(b, 13)? != 0xff
            && may_be_sealed(b.get(KEYS..KEYS + 64)?),
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
    use crate::app::tests::{both, client, fair, udp};
    use crate::{Class, Protocol};

    #[test]
    fn tailscale_says_its_name() {
        let ping = [b"TS\xf0\x9f\x92\xac".as_slice(), &fair(32 + 24 + 16 + 46)].concat();
        assert_eq!(udp(&ping, 41641), Some(Protocol::Tailscale));
        let words = [&ping[..6], &prose(118)].concat();
        assert_eq!(udp(&words, 41641), None);
        assert_eq!(udp(&ping[..60], 41641), None);
    }

    #[test]
    fn tailscale_s_control_is_sealed_behind_an_upgrade() {
        use crate::app::http::exchange;
        let ask =
            b"POST /ts2021 HTTP/1.1\r\nUpgrade: tailscale-control-protocol\r\nX-Tailscale-Handshake: AAE=\r\n\r\n";
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tailscale-control-protocol\r\n\r\n";
        let answer = [&head[..], &[2, 0, 48], &fair(48)].concat();
        let goes_on = |client: &[u8], server: &[u8]| crate::app::goes_on_as(Protocol::Http, client, server);
        assert_eq!(goes_on(ask, &answer), Some(Protocol::Tailscale));
        for cut in 0..answer.len() {
            assert_eq!((goes_on(ask, &answer[..cut]), exchange(ask, &answer[..cut]).served), (None, false), "{cut}");
        }
        assert_eq!(goes_on(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", &answer), Some(Protocol::Http));
        assert_eq!(goes_on(ask, &[&head[..], &[3, 0, 48], &prose(48)].concat()), Some(Protocol::Http));
        let other = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        assert!(goes_on(ask, other).is_none() && exchange(ask, other).served);
    }

    /// Relayed in clear HTTP: what follows is boxes and what peers sealed.
    #[test]
    fn tailscale_s_relay_behind_an_upgrade() {
        use crate::app::http::exchange;
        let ask = b"GET /derp HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n\r\n";
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\nConnection: Upgrade\r\n\r\n";
        let key = |magic: &[u8]| [&head[..], b"\x01\0\0\0\x28", magic, &fair(32)].concat();
        let answer = key(b"DERP\xf0\x9f\x94\x91");
        let goes_on = |client: &[u8], server: &[u8]| crate::app::goes_on_as(Protocol::Http, client, server);
        assert_eq!(goes_on(ask, &answer), Some(Protocol::Tailscale));
        for cut in 0..answer.len() {
            assert_eq!((goes_on(ask, &answer[..cut]), exchange(ask, &answer[..cut]).served), (None, false), "{cut}");
        }
        assert_eq!(goes_on(ask, &key(b"DERP\xf0\x9f\x94\x92")), Some(Protocol::Http));
        assert_eq!(goes_on(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", &answer), Some(Protocol::Http));
    }

    #[test]
    fn wireguard_by_exact_sizes() {
        for (kind, size) in [(1, 148), (2, 92), (3, 64), (4, 32)] {
            let mut b = fair(size);
            b[12..16].fill(0);
            b[..4].copy_from_slice(&[kind, 0, 0, 0]);
            assert_eq!(udp(&b, 4000), Some(Protocol::WireGuard), "type {kind}");
            b.push(1);
            assert_eq!(udp(&b, 51820), None);
            b.pop();
            b[2] = 1;
            assert_eq!(udp(&b, 51820), None);
        }
    }

    /// Text, counters and numbers of floating point in a format that begins with a small number of 32 bits, in WireGuard's sizes.
    #[test]
    fn what_begins_like_a_tunnel_and_can_be_read_is_none() {
        let counters: Vec<u8> = (0..40u32).flat_map(u32::to_le_bytes).collect();
        let floats: Vec<u8> = (0..20u32).flat_map(|n| (20.5 + f64::from(n)).to_be_bytes()).collect();
        for (kind, size) in [(1, 148), (2, 92), (3, 64), (4, 32), (4, 48), (4, 96)] {
            for content in [&prose(160), &counters, &floats, &vec![0; 160]] {
                let mut b = [&[kind, 0, 0, 0], &content[..size - 4]].concat();
                if kind == 4 {
                    b[8..16].copy_from_slice(&7u64.to_le_bytes());
                }
                assert_ne!(udp(&b, 51820), Some(Protocol::WireGuard), "{b:x?}");
            }
        }
        let hello = |keys: &[u8]| {
            let head = [&[9; 18][..], &[0], &[9; 8], &[1, 11, 1, 10], &[9; 15]].concat();
            [&head, keys, &[0; 40]].concat()
        };
        assert_eq!(udp(&hello(&fair(64)), 9993), Some(Protocol::ZeroTier));
        assert_eq!(udp(&hello(&prose(64)), 9993), None);
        assert_eq!(udp(&[&b"r6fnvWj8"[..], &fair(80)].concat(), 443), Some(Protocol::DnsCrypt));
        assert_ne!(udp(&[&b"r6fnvWj8"[..], &prose(80)].concat(), 443), Some(Protocol::DnsCrypt));
        for id in [b"ABCDEFGH", b"\0\0\0\0\0\0\0\0"] {
            assert_eq!(udp(&[&b"8"[..], id, &[0; 5]].concat(), 1194), None);
        }
    }

    fn prose(n: usize) -> Vec<u8> {
        b"The quick brown fox jumps over the lazy dog. ".iter().copied().cycle().take(n).collect()
    }

    #[test]
    fn openvpn_resets() {
        let mut reset = vec![0x38];
        reset.extend_from_slice(&[0x9c; 8]);
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
