//! Routers and what they carry to many, beside `routing`: AODV (RFC 3561), LMP (RFC 4204), DLEP (RFC 8175), MSDP (RFC 3618), PCEP
//! (RFC 5440), BMP (RFC 7854), FLUTE (RFC 6726), GLBP, Auto-RP, Check Point's CCP, BitTorrent's transport and trackers.

use super::Datagram;
use super::look::{Look, NO, at, be16, be24, be32, byte, starts, weak, yes};

/// Route request, reply, error, acknowledgement: reserved bits and exact sizes (sections 5.1 to 5.4); of IPv6 12 bytes an address more.
pub fn aodv(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, flags, reserved) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?);
    weak(match (kind, b.len()) {
        (1, 24 | 48) => flags & 0x07 == 0 && reserved == 0,
        (2, 20 | 44) => flags & 0x3f == 0 && reserved & 0xe0 == 0 && byte(b, b.len() - 4)? == 0,
        (3, length) => {
            let count = usize::from(byte(b, 3)?);
            flags & 0x7f == 0 && reserved == 0 && count > 0 && (length == 4 + 8 * count || length == 4 + 20 * count)
        }
        (4, 2) => flags == 0,
        _ => false,
    })
}

/// The common header: version 1, reserved bits, a message type, the datagram's length (section 13.1).
pub fn lmp(d: &Datagram) -> Look {
    let b = d.payload;
    yes(be16(b, 0)? == 0x1000
        && byte(b, 2)? <= 3
        && (1..=32).contains(&byte(b, 3)?)
        && usize::from(be16(b, 4)?) == b.len())
}

/// Peer discovery and offer: the word, a signal, what follows (section 11.1).
pub fn dlep_signal(d: &Datagram) -> Look {
    let b = d.payload;
    yes(starts(b, b"DLEP")? && (1..=2).contains(&be16(b, 4)?) && usize::from(be16(b, 6)?) + 8 == b.len())
}

/// Session initialisation, request or response, whose data items fill it (sections 11.2, 11.3).
pub fn dlep_session(b: &[u8]) -> Look {
    if !(1..=2).contains(&be16(b, 0)?) {
        return NO;
    }
    let mut items = b.get(4..4 + usize::from(be16(b, 2)?))?;
    let mut seen = 0;
    while let [_, _, high, low, rest @ ..] = items {
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(next) = rest.get(size..).filter(|_| (1..=25).contains(&be16(items, 0).unwrap_or(0))) else {
            return NO;
        };
        (items, seen) = (next, seen + 1);
    }
    weak(items.is_empty() && seen >= 1)
}

/// Source-active messages and keep-alives.
pub fn msdp(b: &[u8]) -> Look {
    let (kind, length) = (byte(b, 0)?, usize::from(be16(b, 1)?));
    weak(match kind {
        4 => length == 3,
        // The rendezvous point, then entries of reserved bits, a host's prefix, group and source.
        1 => byte(b, 3)? > 0 && length >= 8 + 12 * usize::from(byte(b, 3)?) && be32(b, 8)? == 32,
        _ => false,
    })
}

/// Open: version 1, the message's length, an object of class 1 and type 1 with version 1 again (sections 6.1, 7.3).
pub fn pcep(b: &[u8]) -> Look {
    let (length, object) = (be16(b, 2)?, be16(b, 6)?);
    yes(starts(b, b"\x20\x01")?
        && byte(b, 4)? == 1
        && byte(b, 5)? & 0xfc == 0x10
        && object <= length
        && byte(b, 8)? >> 5 == 1
        && object >= 8)
}

/// Initiation: version 3, the message's length, type 4, information that fills it (section 4.3).
pub fn bmp(b: &[u8]) -> Look {
    let length = usize::try_from(be32(b, 1)?).ok()?;
    if byte(b, 0)? != 3 || byte(b, 5)? != 4 || !(10..=1024).contains(&length) {
        return NO;
    }
    let mut rest = b.get(6..length)?;
    while let [0, 0..=4, high, low, tail @ ..] = rest {
        let Some(next) = tail.get(usize::from(u16::from_be_bytes([*high, *low]))..) else { return NO };
        rest = next;
    }
    yes(rest.is_empty())
}

/// A file delivery table in ALC: LCT's header of version 1 with object 0, the table's extension, then XML (RFC 5651, RFC 6726 section 3.4.1).
pub fn flute(d: &Datagram) -> Look {
    const EXT_FDT: u8 = 192;
    let b = d.payload;
    let (first, flags, words) = (byte(b, 0)?, byte(b, 1)?, usize::from(byte(b, 2)?));
    let half = usize::from(flags >> 4 & 1) * 2;
    let session = usize::from(flags >> 7) * 4 + half;
    let object = usize::from(flags >> 5 & 3) * 4 + half;
    let at_object = 4 + 4 * (usize::from(first >> 2 & 3) + 1) + session;
    let extension = at_object + object;
    if first >> 4 != 1 || flags & 0x0c != 0 || object == 0 || extension + 4 > words * 4 {
        return NO;
    }
    let table = b.get(at_object..extension)?.iter().all(|c| *c == 0);
    // The payload comes behind FEC's identification, of four bytes or eight.
    let content = b.get(words * 4..)?;
    let text = content.get(..24).unwrap_or(content);
    yes(table
        && byte(b, extension)? == EXT_FDT
        && (memchr::memmem::find(text, b"<?xml").is_some() || memchr::memmem::find(text, b"<FDT-").is_some()))
}

/// GLBP: version 1, a group, the sender's address, then fields of type and length that fill the datagram.
pub fn glbp(d: &Datagram) -> Look {
    const HEADER: usize = 12;
    let b = d.payload;
    if byte(b, 0)? != 1 || byte(b, 1)? != 0 || be16(b, 4)? != 0 {
        return NO;
    }
    let mut fields = b.get(HEADER..)?;
    while let [1..=4, length, ..] = fields {
        let Some(next) = fields.get(usize::from(*length).max(2)..) else { return NO };
        fields = next;
    }
    weak(fields.is_empty() && b.len() > HEADER)
}

/// Auto-RP: version 1, announcement or mapping, rendezvous points with their groups that fill the datagram.
pub fn auto_rp(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, points) = (byte(b, 0)?, byte(b, 1)?);
    if !matches!(kind, 0x11 | 0x12) || points == 0 || be32(b, 4)? != 0 {
        return NO;
    }
    let mut rest = b.get(8..)?;
    for _ in 0..points {
        let Some(next) = rest.get(6 + 6 * usize::from(byte(rest, 5)?)..) else { return NO };
        rest = next;
    }
    weak(rest.is_empty())
}

/// Check Point's cluster control: magic number, version, cluster, an opcode.
pub fn cpha(d: &Datagram) -> Look {
    let b = d.payload;
    weak(be16(b, 0)? == 0x1a90 && (1..=20).contains(&be16(b, 6)?) && b.len() >= 20)
}

/// A tracker is asked for a connection: the protocol's number, action 0 (BEP 15).
pub fn tracker(d: &Datagram) -> Look {
    yes(at(d.payload, 0, b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0")? && d.payload.len() == 16)
}

/// BitTorrent's transport, its first packet (BEP 29): SYN of version 1, no time to compare with, sequence 1, nothing acknowledged.
pub fn utp(d: &Datagram) -> Look {
    let b = d.payload;
    yes(byte(b, 0)? == 0x41
        && byte(b, 1)? <= 2
        && be32(b, 8)? == 0
        && be16(b, 16)? == 1
        && be16(b, 18)? == 0
        && be24(b, 4)? != 0)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, udp};

    #[test]
    fn routers() {
        let reply = b"\x02\0\0\x01\x0a\0\0\x02\0\0\0\x05\x0a\0\0\x01\0\0\x27\x10";
        assert_eq!((udp(reply, 654), udp(&reply[..19], 654), udp(reply, 40_001)), (Some(Protocol::Aodv), None, None));
        assert_eq!(udp(b"\x03\0\0\x01\x0a\0\0\x02\0\0\0\x05", 654), Some(Protocol::Aodv));
        assert_eq!(udp(b"\x10\0\0\x01\0\x0c\0\0\0\0\0\0", 701), Some(Protocol::Lmp));
        assert_eq!(udp(b"DLEP\0\x01\0\0", 854), Some(Protocol::Dlep));
        assert_eq!(client_on(b"\0\x01\0\x08\0\x05\0\x04\0\0\x03\xe8", 854), Some(Protocol::Dlep));
        assert_eq!(both(b"\x04\0\x03", b"\x04\0\x03"), Some(Protocol::Msdp));
        assert_eq!(client(b"\x20\x01\0\x0c\x01\x10\0\x08\x20\x1e\x78\x01"), Some(Protocol::Pcep));
        assert_eq!(client(b"\x03\0\0\0\x16\x04\0\x01\0\x03one\0\x02\0\x05route"), Some(Protocol::Bmp));
        assert_eq!(client(b"\x03\0\0\0\x16\x04\0\x01\0\x03one\0\x02\0\x06route"), None);
    }

    #[test]
    fn gateways() {
        let hello = [b"\x01\0\0\x0a\0\0\0\x01\x02\x03\x04\x05\x01\x1c".as_slice(), &[0; 26]].concat();
        assert_eq!((udp(&hello, 3222), udp(&hello[..39], 3222)), (Some(Protocol::Glbp), None));
        let announce = b"\x11\x01\0\xb5\0\0\0\0\x0a\0\0\x01\x02\x01\0\x04\xe0\0\0\0";
        assert_eq!((udp(announce, 496), udp(&announce[..19], 496)), (Some(Protocol::Autorp), None));
        let state = [b"\x1a\x90\x0c\x31\x27\x85\0\x01\0\x16".as_slice(), &[0; 40]].concat();
        assert_eq!(udp(&state, 8116), Some(Protocol::Cpha));
    }

    #[test]
    fn to_many() {
        let mut table =
            b"\x10\x10\x08\0\0\0\0\0\0\0\0\0\xc0\x10\0\x02\x40\x04\0\0\0\0\x02\x36\0\0\x05\x9c\0\0\0\x40\0\0\0\0"
                .to_vec();
        table.extend_from_slice(b"<?xml version=\"1.0\"?><FDT-Instance/>");
        assert_eq!(udp(&table, 40_085), Some(Protocol::Flute));
        table[11] = 1;
        assert_eq!(udp(&table, 40_085), None, "another object");
    }

    #[test]
    fn torrents() {
        assert_eq!(udp(b"\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0\x01\x02\x03\x04", 40_001), Some(Protocol::Bittorrent));
        let syn = b"\x41\0\x12\x34\x5a\x5b\x5c\x5d\0\0\0\0\0\x10\0\0\0\x01\0\0";
        assert_eq!((udp(syn, 40_001), udp(&syn[..18], 40_001)), (Some(Protocol::Bittorrent), None));
    }
}
