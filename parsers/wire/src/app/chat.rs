//! Chat and collection: IRC (RFC 2812), XMPP (RFC 6120), collectd, Munin, Checkmk, HL7, Thrift.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, is_text, line, one_of, starts, weak, yes};

pub fn irc_client(b: &[u8]) -> Look {
    if one_of(b, &[b"CAP LS", b"CAP REQ "]).is_some_and(|c| c) {
        return yes(true);
    }
    weak(
        one_of(b, &[b"NICK ", b"USER ", b"PASS ", b"JOIN ", b"PRIVMSG ", b"PONG ", b"STARTTLS\r\n"])?
            && is_text(line(b).unwrap_or(b)),
    )
}

/// `:prefix COMMAND` with a numeric or a notice, or a notice before registration.
pub fn irc_server(b: &[u8]) -> Look {
    if one_of(b, &[b"NOTICE AUTH :", b"NOTICE * :"]).is_some_and(|n| n) {
        return yes(true);
    }
    if byte(b, 0)? != b':' {
        return weak(one_of(b, &[b"PING :", b"ERROR :", b"NOTICE "])?);
    }
    let mut words = line(b)?.split(|c| *c == b' ').skip(1);
    let command = words.next().unwrap_or_default();
    let numeric = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
    yes((numeric || matches!(command, b"NOTICE" | b"CAP" | b"MODE" | b"JOIN" | b"PRIVMSG" | b"NICK"))
        && words.next().is_some())
}

pub fn xmpp(b: &[u8]) -> Look {
    let open = one_of(b, &[b"<stream:stream", b"<?xml"])?;
    if !open {
        // Picked up within a stream.
        const WITHIN: &[&[u8]] = &[
            b"<iq ",
            b"<presence ",
            b"<presence/",
            b"<presence>",
            b"<message ",
            b"</stream:stream>",
            b"<stream:features",
            b"<starttls ",
            b"<proceed ",
        ];
        return weak(one_of(b, WITHIN)?);
    }
    let head = b.get(..512).unwrap_or(b);
    if memchr::memmem::find(head, b"<stream:stream").is_some() {
        return yes(true);
    }
    // Any XML may begin so; only a stream goes on so.
    if b.len() < 512 { None } else { NO }
}

/// collectd's binary protocol: parts of type, length and value; one of the first is the host, ended by zero, and a part that
/// exists follows it. A signature may stand before all (type 0x0200).
pub fn collectd(d: &Datagram) -> Look {
    const BEFORE_HOST: usize = 4;
    let mut rest = d.payload;
    for _ in 0..BEFORE_HOST {
        let (kind, length) = (be16(rest, 0)?, usize::from(be16(rest, 2)?));
        let value = rest.get(4..length.max(4))?;
        let next = rest.get(length..)?;
        if kind == 0 {
            let host = (6..=140).contains(&length)
                && value.last() == Some(&0)
                && value.iter().rev().skip(1).all(u8::is_ascii_graphic);
            return yes(host && matches!(be16(next, 0), Some(1..=9 | 0x100 | 0x101)));
        }
        // Times and intervals are numbers of eight bytes; names end with zero.
        let fits = match kind {
            1 | 7 | 8 | 9 => length == 12,
            2..=5 => value.last() == Some(&0),
            0x0200 => length > 36,
            _ => false,
        };
        if !fits {
            return NO;
        }
        rest = next;
    }
    NO
}

pub fn munin_server(b: &[u8]) -> Look {
    yes(starts(b, b"# munin node at ")?)
}

pub fn checkmk_server(b: &[u8]) -> Look {
    yes(starts(b, b"<<<check_mk>>>\n").or_else(|| starts(b, b"<<<>>>\n"))?)
}

/// Minimal lower layer protocol: 0x0b, then an MSH segment.
pub fn hl7(b: &[u8]) -> Look {
    yes(starts(b, b"\x0bMSH|")?)
}

/// Binary protocol, strict: 0x8001, message type, name; framed or not. Compact: 0x82, version 1.
pub fn thrift(b: &[u8]) -> Look {
    let at = if byte(b, 0)? == 0 { 4 } else { 0 };
    let (version, name) = (be32(b, at)?, be32(b, at + 4)?);
    if version & 0xffff_fff8 != 0x8001_0000 || !(1..=64).contains(&name) {
        return NO;
    }
    yes(b.get(at + 8..at + 10)?.iter().all(|c| c.is_ascii_graphic()))
}

/// Thrift's compact protocol: 0x82, version 1 with the message's type, sequence id and name length as varints, a name.
pub fn thrift_compact(d: &Datagram) -> Look {
    let b = d.payload;
    if byte(b, 0)? != 0x82 || !matches!(byte(b, 1)?, 0x21 | 0x41 | 0x61 | 0x81) {
        return NO;
    }
    let id = b.get(2..7)?.iter().take_while(|c| **c >= 0x80).count();
    let length = usize::from(byte(b, id + 3)?);
    let name = b.get(id + 4..id + 4 + length)?;
    yes((4..=127).contains(&length)
        && name.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b':')))
}

/// XDMCP (X.Org): version 1, opcode, exact length.
pub fn xdmcp(d: &Datagram) -> Look {
    let b = d.payload;
    weak(be16(b, 0)? == 1 && (1..=15).contains(&be16(b, 2)?) && usize::from(be16(b, 4)?) + 6 == b.len())
}

/// CORBA's GIOP: magic, version 1.0 to 1.2, flags, type.
pub fn giop(b: &[u8]) -> Look {
    yes(starts(b, b"GIOP")? && byte(b, 4)? == 1 && byte(b, 5)? <= 3 && byte(b, 7)? <= 7)
}

pub fn giop_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    if b.starts_with(b"MIOP") { yes(byte(b, 4)? == 0x10) } else { giop(b) }
}

/// PPTP control (RFC 2637): length, type 1, magic cookie.
pub fn pptp(b: &[u8]) -> Look {
    yes(be16(b, 2)? == 1 && be32(b, 4)? == 0x1a2b_3c4d)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, server, udp};

    #[test]
    fn compact_thrift_names_its_method() {
        assert_eq!(udp(b"\x82\x81\x01\x09emitBatch\x1c\x1c", 40_001), Some(Protocol::Thrift));
        assert_eq!(udp(b"\x82\x81\xb2\x81\x01\x09emitBatch\x1c\x1c", 40_001), Some(Protocol::Thrift));
        assert_eq!(udp(b"\x82\x81\x01\x09emit\x00atch\x1c\x1c", 6831), None);
    }

    #[test]
    fn talk() {
        assert_eq!(
            both(b"NICK joe\r\nUSER joe 0 * :Joe\r\n", b":irc.example 001 joe :Welcome\r\n"),
            Some(Protocol::Irc)
        );
        assert_eq!(client(b"NICK joe\r\n"), None);
        assert_eq!(client(b"<?xml version='1.0'?><stream:stream to='a'>"), Some(Protocol::Xmpp));
        assert_eq!(client(b"<?xml version='1.0'?><other>"), Some(Protocol::Xml));
    }

    #[test]
    fn collection() {
        assert_eq!(udp(b"\0\0\0\x0clocalho\0\0\x01\0\x0c\0\0\0\0\x4d\x5a\0\0", 25826), Some(Protocol::Collectd));
        let time_first = b"\0\x01\0\x0c\0\0\0\0\x4d\x5a\0\0\0\0\0\x0clocalho\0\0\x02\0\x08cpu\0";
        assert_eq!((udp(time_first, 25826), udp(&time_first[..20], 25826)), (Some(Protocol::Collectd), None));
        assert_eq!(server(b"# munin node at host\n"), Some(Protocol::Munin));
        assert_eq!(client(b"\x0bMSH|^~\\&|A\r"), Some(Protocol::Hl7));
        assert_eq!(client(b"\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0"), Some(Protocol::Thrift));
        assert_eq!(client(b"\0\x9c\0\x01\x1a\x2b\x3c\x4d\0\x01\0\0"), Some(Protocol::Pptp));
    }
}
