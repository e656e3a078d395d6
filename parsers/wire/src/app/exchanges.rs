//! Short exchanges of the Internet's own services: certificates (CMP), directories (IDMP), records of usage (IPDR), access points (IAPP), realm specific
//! addresses (RSIP), and the hash table of Vuze.

use super::Datagram;
use super::look::{Look, be16, be32, byte, weak, yes};

/// RFC 6712's predecessor (draft-ietf-pkix-cmp-transport-protocols section 3.1): length, version 10, flags, type, then a message in DER of the size
/// that is left.
pub fn certificate_management(b: &[u8]) -> Look {
    let (length, size) = (be32(b, 0)?, u32::from(be16(b, 9)?));
    let typed = byte(b, 4)? == 10 && byte(b, 5)? <= 1 && byte(b, 6)? <= 6;
    weak(typed && be16(b, 7)? == 0x3082 && length == size + 7)
}

/// ITU-T X.519 section 9.1: version 1, whether it is the last part, its length, one of its PDUs.
pub fn directory_mapped(b: &[u8]) -> Look {
    let known = matches!(byte(b, 6)?, 0xa0..=0xad | 0x30);
    weak(byte(b, 0)? == 1 && byte(b, 1)? <= 1 && (2..1 << 16).contains(&be32(b, 2)?) && known)
}

/// IPDR/SP 2 section 4.1: version, message, session, flags, length.
pub fn usage_records(b: &[u8]) -> Look {
    let known = matches!(byte(b, 1)?, 1..=8 | 0x10..=0x17 | 0x1a..=0x1d | 0x20..=0x23 | 0x30 | 0x31 | 0x40);
    weak(byte(b, 0)? == 2 && known && byte(b, 3)? == 0 && (8..1 << 16).contains(&be32(b, 4)?))
}

/// IEEE 802.11F section 5: version, command, identifier, a length that fills the datagram.
pub fn access_points(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? <= 1 && byte(b, 1)? <= 9 && usize::from(be16(b, 4)?) == b.len())
}

/// RFC 3103 section 7: version 1, a type, a length that fills the datagram.
pub fn realm_specific(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? == 1 && (1..=25).contains(&byte(b, 1)?) && usize::from(be16(b, 2)?) == b.len())
}

/// Vuze's table (its source's PRUDPPacketRequest and PRUDPPacketReply): a connection whose first bit is set, an action, a transaction, a version;
/// the answer's action comes first.
pub fn vuze_table(d: &Datagram) -> Look {
    let b = d.payload;
    let version = (5..=60).contains(&byte(b, 16)?);
    let asks = byte(b, 0)? & 0x80 != 0 && (1024..=1040).contains(&be32(b, 8)?) && be32(b, 8)? % 2 == 0;
    let answers = (1025..=1041).contains(&be32(b, 0)?) && be32(b, 0)? % 2 == 1 && byte(b, 8)? & 0x80 != 0;
    yes(version && (asks || answers))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{Message, client_on, each, udp};

    #[test]
    fn streams() {
        let messages: [Message; 3] = [
            (b"\0\0\x01\x0b\x0a\0\0\x30\x82\x01\x04\x30\x82", 829, 8, Protocol::Cmp),
            (b"\x01\x01\0\0\0\x20\xa0\x1e\x80\x01", 1102, 0, Protocol::Idmp),
            (b"\x02\x05\x01\0\0\0\0\x1c\x0a\0\0\x01", 4737, 3, Protocol::Ipdr),
        ];
        each(client_on, &messages);
    }

    #[test]
    fn datagrams() {
        let messages: [Message; 4] = [
            (b"\x01\0\0\x07\0\x0a\x01\0\0\x02", 2313, 5, Protocol::Iapp),
            (b"\x01\x02\0\x0c\0\0\0\x07\x01\0\x01\0", 4555, 3, Protocol::Rsip),
            (b"\x91\x02\x03\x04\x05\x06\x07\x08\0\0\x04\0\0\0\0\x09\x32\0\0\0\0\0", 40_001, 9, Protocol::Vuze),
            (b"\0\0\x04\x01\0\0\0\x09\x91\x02\x03\x04\x05\x06\x07\x08\x32\0\0\0\0\0", 40_001, 1, Protocol::Vuze),
        ];
        each(udp, &messages);
    }
}
