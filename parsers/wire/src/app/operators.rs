//! Networks at work, beside `routing` and `mesh`: access points (RFC 5412, PAPI), homes (RFC 7787), access control (RFC 5191, VQP), mobile
//! hosts (RFC 5944), X.25 (RFC 1613), short messages (UCP); and what people of old asked: finger (RFC 1288), rwho, printers, messengers.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, is_text, le32, line, number, one_of, starts, weak, yes};

/// LWAPP (RFC 5412 section 3.3): version 0, the length of what follows; a control message has the length of its elements too. Behind it, or
/// behind the address of the access point.
pub fn lwapp(d: &Datagram) -> Look {
    let b = d.payload;
    let header = |at: usize| {
        let (Some(first), Some(length)) = (byte(b, at), be16(b, at + 2)) else { return false };
        let control =
            first & 4 == 0 || be16(b, at + 8).is_some_and(|elements| usize::from(elements) + 14 + at == b.len());
        first >> 6 == 0 && control && length > 0 && usize::from(length) + 6 + at == b.len()
    };
    weak(header(0) || header(6))
}

/// HNCP's messages (RFC 7787 section 7, RFC 7788 section 10): elements of type and length, padded to four bytes, that fill the datagram.
pub fn hncp(d: &Datagram) -> Look {
    let mut rest = d.payload;
    while !rest.is_empty() {
        let (kind, length) = (be16(rest, 0)?, usize::from(be16(rest, 2)?));
        if !(1..=127).contains(&kind) {
            return NO;
        }
        let Some(next) = rest.get(4 + length.next_multiple_of(4)..) else { return NO };
        rest = next;
    }
    weak(!d.payload.is_empty())
}

/// AHCP (draft-chroboczek-ahcp-00): 43, version 1, hops, two nodes; a message with its length.
pub fn ahcp(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, length) = (byte(b, 24)?, usize::from(be16(b, 26)?));
    weak(byte(b, 0)? == 43 && byte(b, 1)? == 1 && byte(b, 3)? >= byte(b, 2)? && kind <= 6 && length + 28 == b.len())
}

/// Cisco's VLAN query protocol: version 1, an operation, an answer's code, items of known types.
pub fn vqp(d: &Datagram) -> Look {
    let b = d.payload;
    let header =
        byte(b, 0)? == 1 && (1..=4).contains(&byte(b, 1)?) && byte(b, 2)? <= 5 && (1..=16).contains(&byte(b, 3)?);
    yes(header && (0x0c01..=0x0c08).contains(&be32(b, 8)?) && usize::from(be16(b, 12)?) + 14 <= b.len())
}

/// PANA (RFC 5191 section 6.2): reserved bits, its own length, a type.
pub fn pana(d: &Datagram) -> Look {
    let b = d.payload;
    let fixed = be16(b, 0)? == 0 && be16(b, 4)? & 0x03ff == 0 && (1..=4).contains(&be16(b, 6)?);
    weak(fixed && b.len() >= 16 && usize::from(be16(b, 2)?) == b.len())
}

/// Mobile IP (RFC 5944 sections 3.3, 3.4): a registration or its answer, and extensions to the end, one of which authenticates.
pub fn mobile_ip(d: &Datagram) -> Look {
    let b = d.payload;
    let mut rest = match byte(b, 0)? {
        1 => b.get(24..)?,
        3 => b.get(20..)?,
        _ => return NO,
    };
    let mut authentic = false;
    while let [kind, size, ..] = rest {
        authentic |= matches!(kind, 32..=34) && *size >= 4;
        let Some(next) = rest.get(2 + usize::from(*size)..) else { return NO };
        rest = next;
    }
    weak(authentic && rest.is_empty())
}

/// Aruba's access points: a magic number, a version up to 4.
pub fn papi(d: &Datagram) -> Look {
    weak(be16(d.payload, 0)? == 0x4972 && (1..=4).contains(&be16(d.payload, 2)?) && d.payload.len() >= 16)
}

/// X.25 over TCP (RFC 1613): version 0, a length; the first packet requests a call, the answer accepts it.
fn x25(b: &[u8], packet: u8) -> Look {
    let framed = be16(b, 0)? == 0 && (3..=4100).contains(&be16(b, 2)?);
    weak(framed && matches!(byte(b, 4)? & 0x30, 0x10 | 0x20) && byte(b, 6)? == packet)
}

pub fn x25_call(b: &[u8]) -> Look {
    x25(b, 0x0b)
}

pub fn x25_accepted(b: &[u8]) -> Look {
    x25(b, 0x0f)
}

/// Short messages to a centre (EMI-UCP, section 3): start, transaction, length, operation or result, its number.
pub fn ucp(b: &[u8]) -> Look {
    const SHAPE: &[u8; 15] = b"\x0200/00000/O/00/";
    let head = b.get(..SHAPE.len())?;
    yes(head.iter().zip(SHAPE).all(|(c, shape)| match shape {
        b'0' => c.is_ascii_digit(),
        b'O' => matches!(c, b'O' | b'R'),
        fixed => c == fixed,
    }))
}

/// A user is asked for by a line (RFC 1288 section 2.3); the answer is prose.
pub fn finger_client(b: &[u8]) -> Look {
    let asked = line(b)?;
    let name = |c: &u8| c.is_ascii_alphanumeric() || b"@.-_/ ".contains(c);
    weak(asked.len() <= 64 && b.ends_with(b"\r\n") && b.len() == asked.len() + 2 && asked.iter().all(name))
}

pub fn finger_server(b: &[u8]) -> Look {
    const WORDS: &[&[u8]] = &[b"Login", b"No one logged on", b"finger: ", b"In real life: "];
    let head = b.get(..128).unwrap_or(b);
    weak(one_of(b.trim_ascii_start(), WORDS)? && is_text(head))
}

/// rwhod tells who is logged in: version 1, type 1, zeros, two times, the host's name, users of 24 bytes each.
pub fn rwho(d: &Datagram) -> Look {
    const HEADER: usize = 60;
    let b = d.payload;
    let name = b.get(12..44)?;
    let length = name.iter().take_while(|c| c.is_ascii_graphic()).count();
    let named = length >= 1 && name.get(length..)?.iter().all(|zero| *zero == 0);
    yes(starts(b, &[1, 1, 0, 0])? && named && b.len() >= HEADER && (b.len() - HEADER).is_multiple_of(24))
}

/// CUPS tells of its printers: type and state in hexadecimal, the printer's address.
pub fn cups(d: &Datagram) -> Look {
    let mut words = d.payload.splitn(3, |c| *c == b' ');
    let hexadecimal = |word: &[u8]| (1..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_hexdigit);
    let (kind, state, rest) = (words.next()?, words.next()?, words.next()?);
    yes(hexadecimal(kind) && hexadecimal(state) && one_of(rest, &[b"ipp://", b"ipps://", b"http://"])?)
}

/// Yahoo's messenger: a word, a length, a session.
pub fn yahoo(b: &[u8]) -> Look {
    yes(starts(b, b"YMSG")? && be16(b, 4)? <= 0x0020 && be16(b, 8)? <= 8192)
}

/// Microsoft's messenger: versions that the client speaks.
pub fn microsoft(b: &[u8]) -> Look {
    if !starts(b, b"VER ")? {
        return NO;
    }
    let Some((_, rest)) = b.get(4..).and_then(number) else { return NO };
    yes(starts(rest, b" MSNP")?)
}

/// Gadu-Gadu's server begins with a seed for the password: packet 1, four bytes.
pub fn gadu_gadu(b: &[u8]) -> Look {
    yes(le32(b, 0)? == 1 && le32(b, 4)? == 4 && b.len() == 12)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server, udp};

    #[test]
    fn access_points_and_homes() {
        let discovery = b"\x04\0\0\x0c\0\0\x01\x07\0\x04\0\0\0\0\x03\0\x01\0";
        assert_eq!((udp(discovery, 12223), udp(&discovery[..17], 12223)), (Some(Protocol::Lwapp), None));
        assert_eq!(udp(&[&[0x3c, 1, 2, 3, 4, 5][..], discovery].concat(), 12223), Some(Protocol::Lwapp));
        let hncp = b"\0\x03\0\x08\x01\x02\x03\x04\0\0\0\x01\0\x01\0\0";
        assert_eq!((udp(hncp, 8231), udp(&hncp[..14], 8231), udp(hncp, 9000)), (Some(Protocol::Hncp), None, None));
        let mut ahcp = b"\x2b\x01\0\x01\0\0\0\x01abcdefgh\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x02\0\0".to_vec();
        assert_eq!(udp(&ahcp, 5359), Some(Protocol::Ahcp));
        ahcp.push(0);
        assert_eq!(udp(&ahcp, 5359), None);
        assert_eq!(udp(b"\x49\x72\0\x03\x0a\0\0\x01\x0a\0\0\x02\0\0\x20\x13", 8211), Some(Protocol::Papi));
    }

    #[test]
    fn access_control_and_mobile_hosts() {
        assert_eq!(udp(b"\x01\x01\0\x06\0\0\x12\x34\0\0\x0c\x02\0\x05Fa0/1", 1589), Some(Protocol::Vqp));
        assert_eq!(udp(b"\x01\x01\0\x06\0\0\x12\x34\0\0\x0d\x02\0\x05Fa0/1", 1589), None);
        let start = b"\0\0\0\x10\x80\0\0\x02\0\0\0\x01\0\0\0\x02";
        assert_eq!((udp(start, 716), udp(&start[..12], 716)), (Some(Protocol::Pana), None));
        let mut registration = vec![1, 0x02, 0x07, 0x08];
        registration.resize(24, 10);
        registration.extend_from_slice(&[32, 20, 0, 0, 1, 0]);
        registration.resize(46, 0x5a);
        assert_eq!(udp(&registration, 434), Some(Protocol::Mobileip));
        registration.push(1);
        registration.push(9);
        assert_eq!(udp(&registration, 434), None);
    }

    #[test]
    fn calls_and_short_messages() {
        assert_eq!(client_on(b"\0\0\0\x05\x10\x01\x0b\x11\x22", 1998), Some(Protocol::Xot));
        assert_eq!(both(b"\0\0\0\x05\x10\x01\x0b\x11\x22", b"\0\0\0\x03\x10\x01\x0f"), Some(Protocol::Xot));
        assert_eq!(client(b"\x0201/00070/O/01/01234567890/09876543210//3//48/E2\x03"), Some(Protocol::Ucp));
        assert_eq!(client(b"\x0201/00070/X/01/"), None);
    }

    #[test]
    fn who_is_there() {
        assert_eq!(client_on(b"joe\r\n", 79), Some(Protocol::Finger));
        assert_eq!(client(b"joe\r\n"), None);
        assert_eq!(both(b"joe\r\n", b"Login: joe   \t\t\tName: Joe\r\n"), Some(Protocol::Finger));
        let mut who = b"\x01\x01\0\0\x40\0\0\0\0\0\0\0host".to_vec();
        who.resize(84, 0);
        assert_eq!((udp(&who, 513), udp(&who[..80], 513)), (Some(Protocol::Rwho), None));
        assert_eq!(udp(b"6 3 ipp://host:631/printers/a \"\" \"\"\n", 631), Some(Protocol::Cups));
        assert_eq!(client(b"VER 1 MSNP8 CVR0\r\n"), Some(Protocol::Msnp));
        assert_eq!(client(b"YMSG\0\x10\0\0\0\0\0\x4b\0\0\0\0\0\0\0\0"), Some(Protocol::Ymsg));
        assert_eq!(server(b"\x01\0\0\0\x04\0\0\0\x12\x34\x56\x78"), Some(Protocol::Gadugadu));
    }
}
