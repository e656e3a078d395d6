//! Peers and games: BitTorrent (BEP 3, 5, 29), Gnutella, eDonkey, Ethereum discovery, Bitcoin, RakNet.

use super::Datagram;
use super::look::{Look, NO, be16, byte, is_text, le32, starts, weak, yes};

pub fn bittorrent(b: &[u8]) -> Look {
    yes(starts(b, b"\x13BitTorrent protocol")?)
}

/// A Kademlia message: a bencoded dictionary with one of its keys first, closed at the end.
pub fn bittorrent_dht(d: &Datagram) -> Look {
    let b = d.payload;
    let key = [&b"d1:ad2:id20:"[..], b"d1:rd2:id20:", b"d2:ip6:", b"d1:eli", b"d1:el"].iter().any(|k| b.starts_with(k));
    yes(key && b.last() == Some(&b'e'))
}

/// Local service discovery (BEP 14).
pub fn bittorrent_lsd(d: &Datagram) -> Look {
    yes(starts(d.payload, b"BT-SEARCH * HTTP/1.1\r\n")?)
}

pub fn gnutella(b: &[u8]) -> Look {
    yes(starts(b, b"GNUTELLA CONNECT/").or_else(|| starts(b, b"GNUTELLA/0."))? || starts(b, b"GNUTELLA/0.")?)
}

/// A descriptor: id of 16 bytes, type, time to live, hops, payload length that fills the datagram; or GND framing.
pub fn gnutella_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    if b.starts_with(b"GND") {
        let (flags, part, parts) = (byte(b, 3)?, byte(b, 6)?, byte(b, 7)?);
        return yes(flags & 0xe0 == 0 && (part <= parts || parts == 0));
    }
    let (kind, ttl, hops) = (byte(b, 16)?, byte(b, 17)?, byte(b, 18)?);
    let length = usize::try_from(le32(b, 19)?).ok()?;
    let known = matches!(kind, 0x00 | 0x01 | 0x02 | 0x30..=0x32 | 0x40 | 0x44 | 0x80 | 0x81);
    yes(known && ttl <= 10 && hops <= 10 && length == b.len() - 23)
}

const EDONKEY_HELLO_ANSWER: u8 = 0x4c;

/// eDonkey: 0xe3 or 0xc5, a length, a hello of a client or a server login.
pub fn edonkey(b: &[u8]) -> Look {
    let (magic, length, opcode) = (byte(b, 0)?, le32(b, 1)?, byte(b, 5)?);
    weak(
        matches!(magic, 0xe3 | 0xc5)
            && (2..1 << 16).contains(&length)
            && (opcode == 1 && matches!(byte(b, 6)?, 0x00..=0x10) || opcode == EDONKEY_HELLO_ANSWER && length >= 37),
    )
}

/// devp2p discovery v4: hash 32, signature 65 ending in a recovery id, packet type, an RLP list that fills the rest.
pub fn ethereum_discovery(d: &Datagram) -> Look {
    let b = d.payload;
    let (recovery, kind, list) = (byte(b, 96)?, byte(b, 97)?, byte(b, 98)?);
    let rest = b.len().checked_sub(99)?;
    let fits = match list {
        0xc0..=0xf7 => usize::from(list - 0xc0) <= rest,
        0xf8 => usize::from(byte(b, 99)?) < rest,
        0xf9 => usize::from(be16(b, 99)?) + 2 <= rest,
        _ => false,
    };
    yes(recovery <= 1 && (1..=6).contains(&kind) && fits && rest <= 1300 && list_fields(b.get(99..)?, kind))
}

/// A ping opens with a version of 3 to 5, other packets with a target or a hash: RLP strings of 64 or 32 bytes.
fn list_fields(list: &[u8], kind: u8) -> bool {
    let body = list.iter().position(|c| *c >= 0x01 && *c < 0xf8).and_then(|at| list.get(at..)).unwrap_or_default();
    match kind {
        1 => body.iter().take(4).any(|c| (3..=5).contains(c)),
        2..=4 => list.iter().take(4).any(|c| matches!(c, 0xb8 | 0xa0 | 0xc9 | 0xcb | 0xd7 | 0xf8 | 0xf9)),
        _ => list.iter().take(4).any(|c| matches!(c, 0x84 | 0xa0)),
    }
}

/// Message header: network magic, a command padded with zeros, a length.
pub fn bitcoin(b: &[u8]) -> Look {
    let magic = le32(b, 0)?;
    let known = [0xd9b4_bef9, 0xdab5_bffa, 0x0709_110b, 0x40cf_030a, 0xfeb4_bef9].contains(&magic);
    let command = b.get(4..16)?;
    let name = command.iter().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).count();
    yes(known && name >= 2 && command.get(name..)?.iter().all(|z| *z == 0) && le32(b, 16)? <= 1 << 25)
}

/// Monero's peers (Levin header, levin_base.h): signature, length, whether an answer is wanted, command, code, flags, version 1.
pub fn monero(b: &[u8]) -> Look {
    yes(starts(b, b"\x01\x21\x01\x01\x01\x01\x01\x01")?)
}

const RAKNET_MAGIC: &[u8] = b"\0\xff\xff\0\xfe\xfe\xfe\xfe\xfd\xfd\xfd\xfd\x124Vx";

/// Offline messages: the id, then the magic at the place that the id says.
pub fn raknet(d: &Datagram) -> Look {
    let b = d.payload;
    let at = match byte(b, 0)? {
        0x01 | 0x02 => 9,
        0x05..=0x08 => 1,
        0x1c => 17,
        0x19 => 2,
        // Roblox numbers its offline messages anew.
        0x78..=0x7f => 1,
        0x80..=0x8d => return raknet_frame(b),
        0xa0 | 0xc0 => return raknet_numbers(b),
        _ => return NO,
    };
    // Some games put a header of their own before it.
    let head = b.get(..64).unwrap_or(b);
    yes(b.get(at..at + 16)? == RAKNET_MAGIC || memchr::memmem::find(head, RAKNET_MAGIC).is_some())
}

/// A datagram of one frame: sequence, flags of reliability and no more, the frame's length in bits, the numbers that its reliability
/// calls for, and a message of a connection whose size is known.
fn raknet_frame(b: &[u8]) -> Look {
    let (flags, bits) = (byte(b, 4)?, usize::from(be16(b, 5)?));
    let (reliability, split) = (flags >> 5, flags & 0x10 != 0);
    // Sequence, order and channel (RakNet's ReliabilityLayer).
    let numbers = match reliability {
        0 => 0,
        1 => 4,
        2 => 3,
        3 => 7,
        _ => return NO,
    };
    let message = b.get(7 + numbers..)?;
    let known = matches!((byte(message, 0)?, bits), (0x00, 72) | (0x03, 136) | (0x09, 144) | (0x15, 8));
    yes(flags & 0x0f == 0 && !split && known && message.len() == bits / 8)
}

/// Acknowledged or missed: as many records, of one number or two, as fill the datagram.
fn raknet_numbers(b: &[u8]) -> Look {
    let records = be16(b, 1)?;
    let mut rest = b.get(3..)?;
    for _ in 0..records {
        let size = match byte(rest, 0)? {
            0 => 7,
            1 => 4,
            _ => return NO,
        };
        let Some(next) = rest.get(size..) else { return NO };
        rest = next;
    }
    yes((1..=64).contains(&records) && rest.is_empty())
}

/// Stratum and kin: JSON-RPC, one object a line.
pub fn json_rpc(b: &[u8]) -> Look {
    if byte(b, 0)? != b'{' {
        return NO;
    }
    let head = b.get(..512).unwrap_or(b);
    let has = |key: &[u8]| memchr::memmem::find(head, key).is_some();
    let call = has(b"\"jsonrpc\"") || has(b"\"method\"") && has(b"\"params\"") || has(b"\"result\"") && has(b"\"id\"");
    if call || b.len() >= 512 || memchr::memchr(b'\n', b).is_some() { yes(call && is_text(head)) } else { None }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, udp};

    #[test]
    fn sharing() {
        assert_eq!(client(b"\x13BitTorrent protocol\0\0\0\0"), Some(Protocol::Bittorrent));
        assert_eq!(udp(b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", 6881), Some(Protocol::Bittorrent));
        assert_eq!(client(b"GNUTELLA CONNECT/0.6\r\n"), Some(Protocol::Gnutella));
        let ping = b"0123456789abcdef\0\x01\0\0\0\0\0";
        assert_eq!(udp(ping, 6346), Some(Protocol::Gnutella));
    }

    #[test]
    fn chains_and_games() {
        let mut version = b"\xf9\xbe\xb4\xd9version\0\0\0\0\0".to_vec();
        version.extend_from_slice(&[0x55, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(client(&version), Some(Protocol::Bitcoin));
        assert_eq!(client(b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n"), Some(Protocol::JsonRpc));
        assert_eq!(client(b"\x01\x21\x01\x01\x01\x01\x01\x01\x06\x01\0\0"), Some(Protocol::Monero));
        let answer = [b"\xe3\x7f\0\0\0\x4c".as_slice(), &[7; 122]].concat();
        let hello = [b"\xe3\x77\0\0\0\x01\x10".as_slice(), &[9; 112]].concat();
        assert_eq!((both(&hello, &answer), client(&answer)), (Some(Protocol::Edonkey), None));
        let mut ping = vec![1, 0, 0, 0, 0, 0, 0, 0, 1];
        ping.extend_from_slice(super::RAKNET_MAGIC);
        assert_eq!(udp(&ping, 19132), Some(Protocol::Raknet));
        let framed = [b"\x01\0\0\x1f\x01\x11\x01\xa3\x7b".as_slice(), super::RAKNET_MAGIC, b"\x05"].concat();
        assert_eq!(udp(&framed, 40_002), Some(Protocol::Raknet));
        let pong = b"\x84\x02\0\0\0\0\x88\x03\0\0\0\0\0\x15\xe9\x5e\0\0\0\x13\x0c\x20\x15\x46";
        assert_eq!(udp(pong, 40_002), Some(Protocol::Raknet));
        assert_eq!(udp(&pong[..23], 40_002), None);
        let request = b"\x84\0\0\0\x40\0\x90\0\0\0\x09\0\0\0\0\x49\x0f\x02\x7c\0\0\0\0\0\x15\xe9\x3b\0";
        assert_eq!((udp(request, 40_002), udp(&request[..27], 40_002)), (Some(Protocol::Raknet), None));
        assert_eq!(udp(b"\xc0\0\x01\0\x01\0\0\x02\0\0", 40_002), Some(Protocol::Raknet));
        assert_eq!(udp(b"\xc0\0\x02\x01\x01\0\0\x01\x03\0\0", 40_002), Some(Protocol::Raknet));
        assert_eq!(udp(b"\xc0\0\x02\x01\x01\0\0\x01\x03\0", 40_002), None);
    }
}
