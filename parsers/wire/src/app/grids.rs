//! Computers that work together: Ice, RDMA over TCP (RFC 5044), CTDB, PVFS, Rserve, SAP HANA, Firebird, Tomcat's Tribes; controls for
//! stages (AES70, HiQnet), digital radio (ETSI TS 102 821), Aeron, UDT, Nano's nodes, toy drones.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le16, le32, starts, weak, yes};

/// ZeroC's Ice: magic, versions of protocol and encoding, a message, compression, a size.
pub fn ice(b: &[u8]) -> Look {
    yes(starts(b, b"IceP\x01")?
        && byte(b, 5)? <= 1
        && byte(b, 6)? == 1
        && byte(b, 8)? <= 4
        && byte(b, 9)? <= 2
        && (14..1 << 24).contains(&le32(b, 10)?))
}

pub fn ice_datagram(d: &Datagram) -> Look {
    ice(d.payload)
}

/// Markers for RDMA over TCP (RFC 5044 section 7.1): the keys of request and reply.
pub fn mpa(b: &[u8]) -> Look {
    yes(starts(b, b"MPA ID Req Frame").or_else(|| starts(b, b"MPA ID Rep Frame"))? || starts(b, b"MPA ID Rep Frame")?)
}

/// Samba's cluster database: a length, the magic number in the host's byte order, version 1.
pub fn ctdb(b: &[u8]) -> Look {
    yes(at(b, 4, b"BDTC")? && le32(b, 8)? == 1 && (36..1 << 26).contains(&le32(b, 0)?))
}

/// PVFS' transport over TCP: magic number, a mode, a tag and a size of eight bytes each.
pub fn pvfs(b: &[u8]) -> Look {
    yes(le32(b, 0)? == 51_903 && matches!(le32(b, 4)?, 1 | 2 | 4 | 8) && le32(b, 20)? == 0)
}

/// Rserve's identification; one that can go on to TLS says so.
pub fn rserve_server(b: &[u8]) -> Look {
    let greeting = b.first_chunk::<32>()?;
    yes(starts(b, b"Rsrv")? && at(b, 8, b"QAP1")? && memchr::memmem::find(greeting, b"TLS").is_none())
}

/// A client of SAP HANA asks for an initialisation (SQL Command Network Protocol section 2.1.1). Encrypted, it would be inside of TLS.
pub fn hana_client(b: &[u8]) -> Look {
    yes(be32(b, 0)? == u32::MAX && at(b, 4, b"\x04\x20\0\x04\x01\0")?)
}

/// Firebird before version 3, which brought encryption of its own: op_connect to op_attach, version 2, the generic architecture.
pub fn firebird_client(b: &[u8]) -> Look {
    yes(be32(b, 0)? == 1 && be32(b, 4)? == 19 && be32(b, 8)? == 2 && (1..=64).contains(&be32(b, 12)?))
}

/// Tomcat's cluster tells of its members.
pub fn tribes(d: &Datagram) -> Look {
    yes(starts(d.payload, b"TRIBES-B")?)
}

/// OCP.1 (AES70-3 section 6): sync, version 1, a size, a type of message, how many.
fn ocp1(b: &[u8]) -> Option<(bool, u32)> {
    let size = be32(b, 3)?;
    let fixed = byte(b, 0)? == 0x3b && be16(b, 1)? == 1 && byte(b, 7)? <= 4 && (1..=1024).contains(&be16(b, 8)?);
    Some((fixed && (9..1 << 16).contains(&size), size))
}

pub fn ocp1_stream(b: &[u8]) -> Look {
    yes(ocp1(b)?.0)
}

pub fn ocp1_datagram(d: &Datagram) -> Look {
    let (fixed, size) = ocp1(d.payload)?;
    yes(fixed && usize::try_from(size) == Ok(d.payload.len() - 1))
}

/// Harman's HiQnet: version 2, the size of the header, that of the message.
pub fn hiqnet(d: &Datagram) -> Look {
    let b = d.payload;
    yes(byte(b, 0)? == 2 && (25..=64).contains(&byte(b, 1)?) && usize::try_from(be32(b, 2)?) == Ok(b.len()))
}

/// Digital radio's distribution (ETSI TS 102 821 section 6.1): AF, a length, revision 1 with or without a checksum, tagged items.
pub fn distribution(d: &Datagram) -> Look {
    let b = d.payload;
    let length = usize::try_from(be32(b, 2)?).ok()?;
    yes(starts(b, b"AF")?
        && length.checked_add(12) == Some(b.len())
        && byte(b, 8)? & 0x70 == 0x10
        && byte(b, 9)? == b'T')
}

/// Aeron's frames that begin a session (Aeron transport protocol specification): SETUP, NAK, status and round-trip messages, of version
/// 0 and fixed lengths.
pub fn aeron(d: &Datagram) -> Look {
    let b = d.payload;
    let length = usize::try_from(le32(b, 0)?).ok()?;
    let known = matches!((le16(b, 6)?, length), (2, 28) | (3, 36) | (5 | 6, 40));
    yes(known && length == b.len() && byte(b, 4)? == 0)
}

/// UDT 4's handshake for a stream (draft-gg-udt section 4.1): control, version 4, type 1, a segment's size; the length is fixed.
pub fn udt(d: &Datagram) -> Look {
    let b = d.payload;
    let fixed = be32(b, 0)? == 0x8000_0000 && be32(b, 16)? == 4 && be32(b, 20)? == 1;
    yes(fixed && b.len() == 64 && (64..=65_535).contains(&be32(b, 28)?))
}

/// Nodes of Nano: magic number, network, the versions in their order, a message.
pub fn nano(b: &[u8]) -> Look {
    let (newest, own, oldest) = (byte(b, 2)?, byte(b, 3)?, byte(b, 4)?);
    let versions = oldest <= own && own <= newest && newest <= 0x20;
    weak(byte(b, 0)? == b'R' && matches!(byte(b, 1)?, b'A'..=b'C' | b'X') && versions && byte(b, 5)? <= 0x10)
}

pub fn nano_datagram(d: &Datagram) -> Look {
    nano(d.payload)
}

/// A toy is flown (AR.Drone developer guide section 6): AT*, a command, a number.
pub fn drone(d: &Datagram) -> Look {
    let rest = d.payload.strip_prefix(b"AT*").unwrap_or_default();
    let word = rest.iter().take_while(|c| c.is_ascii_uppercase() || **c == b'_').count();
    if !(3..=12).contains(&word) {
        return NO;
    }
    yes(byte(rest, word)? == b'=' && byte(rest, word + 1)?.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client_on, each, server_on, udp};

    #[test]
    fn clients() {
        each(client_on, &[
            (b"MPA ID Req Frame\0\x01\0\0", 40001, 0, Protocol::Mpa),
            (b"8\0\0\0BDTC\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 4379, 4, Protocol::Ctdb),
            (b"\xbf\xca\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 3334, 1, Protocol::Pvfs),
            (b"\xff\xff\xff\xff\x04 \0\x04\x01\0\0\x01\x01\x01", 30015, 4, Protocol::Hana),
            (b"\0\0\0\x01\0\0\0\x13\0\0\0\x02\0\0\0\x01\0\0\0\x08/a.b.fdb\0\0\0\x01\0\0\0\0\0\0\0\x0a\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x02", 3050, 3, Protocol::Firebird),
            (b";\0\x01\0\0\0\x0b\x04\0\x01\0\x01", 65000, 1, Protocol::Ocp1),
        ]);
    }

    #[test]
    fn servers() {
        each(
            server_on,
            &[
                (b"IceP\x01\0\x01\0\x03\0\x0e\0\0\0", 4061, 0, Protocol::Ice),
                (b"Rsrv0103QAP1\x0d\x0a\x0d\x0a--------------\x0d\x0a", 6311, 0, Protocol::Rserve),
            ],
        );
    }

    #[test]
    fn datagrams() {
        each(udp, &[
            (b"IceP\x01\0\x01\0\0\x000\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 4061, 8, Protocol::Ice),
            (b"TRIBES-B\x01\0\0\0\0`\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0TRIBES-E\x01\0", 45564, 0, Protocol::Tribes),
            (b";\0\x01\0\0\0\x0b\x04\0\x01\0\x01", 65000, 1, Protocol::Ocp1),
            (b"\x02\x19\0\0\0\x1d\0\x01\0\0\0\0\xff\xff\0\0\0\0\0\0\0 \x05\0\x01\0\0\0\0", 3804, 5, Protocol::Hiqnet),
            (b"AF\0\0\0\x14\0\x01\x90T*ptr\0\0\0@DRM\0\0\0\0\0\0\0\0\0\0\0", 40001, 5, Protocol::Dcp),
            (b"(\0\0\0\0\0\x05\0\0\0\0\0\x124Vx\x01\0\0\0\x9a\xbc\xde\xf0\x9a\xbc\xde\xf0\0\0\0\x01\xdc\x05\0\0\0\0\0\0", 40123, 0, Protocol::Aeron),
            (b"\x80\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x04\0\0\0\x01\0\0\x01#\0\0\x05\xdc\0\0d\0\0\0\0\x01\0\0\x04V\0\0\0\0\xc0\0\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 40001, 19, Protocol::Udt),
            (b"RC\x12\x12\x12\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 7075, 0, Protocol::Nano),
            (b"AT*REF=101,290718208\x0d", 5556, 0, Protocol::Ardrone),
        ]);
    }

    /// A byte behind the fixed length, and an oldest version that is newer than one's own.
    #[test]
    fn what_does_not_fit() {
        let status =
            b"(\0\0\0\0\0\x05\0\0\0\0\0\x124Vx\x01\0\0\0\x9a\xbc\xde\xf0\x9a\xbc\xde\xf0\0\0\0\x01\xdc\x05\0\0\0\0\0\0";
        assert_eq!(udp(&[&status[..], &[0]].concat(), 40123), None);
        let asks = |own: u8| udp(&[&[b'R', b'C', 0x12, own, 0x12, 2][..], &[0; 136]].concat(), 7075);
        assert_eq!((asks(0x12), asks(0x11)), (Some(Protocol::Nano), None));
    }
}
