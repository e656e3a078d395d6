//! Games and their hosts: Quake and Source servers, Steam's discovery, GameSpy queries, and their players' chat (OSCAR, MSRP, RFC 4975).

use super::Datagram;
use super::look::{Look, NO, at, be16, byte, is_text, one_of, starts, weak, yes};

/// Connectionless packets of Quake III and kin: four bytes of ones, a word.
pub fn quake(d: &Datagram) -> Look {
    const WORDS: &[&[u8]] = &[
        b"getstatus",
        b"getinfo",
        b"getchallenge",
        b"challengeResponse",
        b"connect ",
        b"connectResponse",
        b"statusResponse\n",
        b"infoResponse\n",
        b"getservers",
        b"rcon ",
        b"print\n",
    ];
    let b = d.payload;
    yes(starts(b, b"\xff\xff\xff\xff")? && one_of(b.get(4..)?, WORDS)?)
}

/// Queries of Source servers, and answers to them: a letter after the same four bytes.
pub fn source(d: &Datagram) -> Look {
    let b = d.payload;
    if !starts(b, b"\xff\xff\xff\xff")? {
        return NO;
    }
    let rest = b.get(4..)?;
    if starts(rest, b"TSource Engine Query\0").is_some_and(|same| same) {
        return yes(true);
    }
    match (byte(rest, 0)?, rest.len()) {
        (b'U' | b'V' | b'A', 5) | (b'I', 20..) => weak(true),
        _ => NO,
    }
}

/// Steam looks for its own kind in the same network: signature, then a header and a body in protobuf.
pub fn steam(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\xff\xff\xff\xff\x21\x4c\x5f\xa0")?)
}

/// GameSpy 4 as Minecraft servers answer it: a challenge is asked for (9), or a status (0); ids without high bits.
pub fn gamespy(d: &Datagram) -> Look {
    let b = d.payload;
    weak(starts(b, b"\xfe\xfd")? && matches!(byte(b, 2)?, 0 | 9) && matches!(b.len(), 7 | 11 | 15))
}

/// OSCAR, a new connection: FLAP's mark, channel 1, version 1.
pub fn oscar(b: &[u8]) -> Look {
    yes(starts(b, b"\x2a\x01")? && at(b, 6, b"\0\0\0\x01")? && be16(b, 4)? >= 4)
}

/// A message session (RFC 4975): transaction, method or status.
pub fn msrp(b: &[u8]) -> Look {
    if !starts(b, b"MSRP ")? {
        return NO;
    }
    let line = super::look::line(b)?;
    let method = line.split(|c| *c == b' ').nth(2).unwrap_or_default();
    yes(is_text(line) && (matches!(method, b"SEND" | b"REPORT" | b"AUTH") || method.iter().all(u8::is_ascii_digit)))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp, udp_back};

    #[test]
    fn servers_are_asked() {
        assert_eq!(udp(b"\xff\xff\xff\xffgetstatus\n", 27960), Some(Protocol::Quake));
        assert_eq!(udp_back(b"\xff\xff\xff\xffstatusResponse\n\\sv_hostname\\x", 27960), Some(Protocol::Quake));
        assert_eq!(udp(b"\xff\xff\xff\xffTSource Engine Query\0", 40_001), Some(Protocol::Source));
        assert_eq!(udp(b"\xff\xff\xff\xffV\x01\x02\x03\x04", 27015), Some(Protocol::Source));
        assert_eq!(udp(b"\xff\xff\xff\xffV\x01\x02\x03\x04", 40_001), None);
        assert_eq!(udp(b"\xff\xff\xff\xff\x21\x4c\x5f\xa0\x15\0\0\0", 27036), Some(Protocol::Steam));
        assert_eq!(udp(b"\xfe\xfd\x09\0\0\0\x01", 25565), Some(Protocol::Gamespy));
    }

    #[test]
    fn players_talk() {
        assert_eq!(client(b"\x2a\x01\x12\x34\0\x04\0\0\0\x01"), Some(Protocol::Oscar));
        assert_eq!(client(b"MSRP a786hjs2 SEND\r\nTo-Path: msrp://b\r\n"), Some(Protocol::Msrp));
        assert_eq!(client(b"MSRP a786hjs2 THROW\r\n"), None);
    }
}
