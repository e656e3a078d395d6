//! Between the machines of data centres: Corosync, DLM, Performance Co-Pilot, TPM commands, TIPC, IPVS, Hazelcast, SASP, Zebra, SMC, Fibre Channel over
//! IP, Tuxedo, SAP's router, Linux's pktgen, LANforge, CORBA's compression, ACAP, KINK, Kerberos 4, RELOAD.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, either, le16, le32, one_of, starts, weak, yes};

/// Totem without encryption, which would stand in front of it: of Corosync 3 a magic number, a version, a type; of 2 a type, then a
/// number that shows the order of bytes.
pub fn corosync(d: &Datagram) -> Look {
    let b = d.payload;
    let either_order = |at: usize, magic: u16| Some(be16(b, at)? == magic || le16(b, at)? == magic);
    let third = either_order(0, 0xc070)? && byte(b, 2)? <= 4 && byte(b, 3)? <= 6 && byte(b, 4)? <= 2;
    let second = byte(b, 0)? <= 6 && byte(b, 1)? <= 2 && either_order(2, 0xff22)?;
    weak(third || second)
}

/// Linux's lock manager: its version, lock space, node, length, one of two commands.
pub fn lock_manager(b: &[u8]) -> Look {
    const VERSION: u32 = 0x0003_0000;
    yes(le32(b, 0)? & 0xffff_fff8 == VERSION && (16..=16_384).contains(&le16(b, 12)?) && matches!(byte(b, 14)?, 1 | 2))
}

/// PCP's PDU: length, type, sender.
pub fn co_pilot(b: &[u8]) -> Look {
    yes((12..1 << 20).contains(&be32(b, 0)?) && (0x7000..=0x7015).contains(&be32(b, 4)?))
}

pub fn co_pilot_proxy(b: &[u8]) -> Look {
    yes(one_of(b, &[b"pmproxy-client ", b"pmproxy-server "])?)
}

/// The simulators' way to send TPM commands: 8 (TPM_SEND_COMMAND), locality, size, then a tag and the same size.
pub fn tpm_client(b: &[u8]) -> Look {
    let size = be32(b, 5)?;
    yes(be32(b, 0)? == 8 && matches!(be16(b, 9)?, 0x8001 | 0x8002) && be32(b, 11)? == size)
}

pub fn tpm_server(b: &[u8]) -> Look {
    yes(matches!(be16(b, 4)?, 0x8001 | 0x8002) && be32(b, 6)? == be32(b, 0)?)
}

/// Version 2, a header's size in words, a size that fills the datagram.
pub fn tipc(d: &Datagram) -> Look {
    let first = be32(d.payload, 0)?;
    weak(first >> 29 == 2 && (6..=15).contains(&(first >> 21 & 0x0f)) && (first & 0x1_ffff) as usize == d.payload.len())
}

/// Connections of Linux's load balancer, version 1 with zeros, or 0 whose first connection is TCP or UDP; a size that fills the datagram.
pub fn ip_virtual_server(d: &Datagram) -> Look {
    let b = d.payload;
    let fills = usize::from(be16(b, 2)?) == b.len();
    let first = byte(b, 0)? == 0 && byte(b, 5)? == 1 && be16(b, 6)? == 0;
    weak(fills && (first || byte(b, 0)? > 0 && byte(b, 4)? == 0 && matches!(byte(b, 5)?, 6 | 17)))
}

/// What a connection is for, of a member or a client.
pub fn hazelcast(b: &[u8]) -> Look {
    weak(starts(b, b"HZC")? || starts(b, b"CB2")? || starts(b, b"CP2")?)
}

/// RFC 4678 section 4: the header's type and length, version 1, then another component.
pub fn workload(b: &[u8]) -> Look {
    yes(be16(b, 0)? == 0x2010 && (9..=32).contains(&be16(b, 2)?) && byte(b, 4)? == 1)
}

/// Routing daemons to their kernel's keeper (Quagga, FRR): length, marker, version, a command behind a number of the table.
pub fn zebra(b: &[u8]) -> Look {
    let (length, marker, version) = (be16(b, 0)?, byte(b, 2)?, byte(b, 3)?);
    let command = match version {
        1 | 2 => be16(b, 4)?,
        3 => be16(b, 6)?,
        _ => be16(b, 8)?,
    };
    weak((6..=4096).contains(&length) && marker >= 0xfe && (1..=6).contains(&version) && command <= 150)
}

/// RFC 7609 section A.2: SMC-R or SMC-D in EBCDIC, a message, its length.
pub fn shared_memory(b: &[u8]) -> Look {
    let known = starts(b, &[0xe2, 0xd4, 0xc3])? && matches!(byte(b, 3)?, 0xd9 | 0xc4);
    yes(known && (1..=4).contains(&byte(b, 4)?) && (12..=4096).contains(&be16(b, 5)?))
}

/// RFC 3643: a protocol (1 is FCIP, 2 iFCP), version 1, and the complement of both; FCIP repeats the word.
pub fn fibre_channel(b: &[u8]) -> Look {
    let fcip = be32(b, 0)? == 0x0101_fefe && be32(b, 4)? == 0x0101_fefe;
    yes(fcip || be32(b, 0)? == 0x0201_fdfe)
}

pub fn tuxedo(b: &[u8]) -> Look {
    yes(matches!(be32(b, 0)?, 0x9103_9858 | 0x7390_3842))
}

/// SAP's network interface: a length, and words of its router.
pub fn sap_router(b: &[u8]) -> Look {
    let words: [&[u8]; 5] = [b"NI_ROUTE\0", b"NI_PING\0", b"NI_PONG\0", b"NI_RTERR\0", b"ROUTER_ADM\0"];
    yes(be32(b, 0)? < 1 << 16 && one_of(b.get(4..)?, &words)?)
}

/// Linux's generator of packets: its magic number, a sequence, a time.
pub fn packet_generator(d: &Datagram) -> Look {
    let b = d.payload;
    yes(be32(b, 0)? == 0xbe9b_e955 && be32(b, 12)? < 1_000_000)
}

/// A checksum, the magic number.
pub fn lan_forge(d: &Datagram) -> Look {
    yes(be32(d.payload, 4)? == 0x1a2b_3c4d)
}

/// GIOP compressed (OMG's ZIOP): a version, flags, a type.
pub fn compressed_orb(b: &[u8]) -> Look {
    yes(starts(b, b"ZIOP")? && byte(b, 4)? == 1 && byte(b, 7)? <= 7)
}

/// RFC 2244 section 6.1.1.
pub fn acap_server(b: &[u8]) -> Look {
    yes(starts(b, b"* ACAP (")?)
}

/// RFC 4430 section 4: type, version 1, a length that fills the datagram, IPsec's domain of interpretation.
pub fn kink(d: &Datagram) -> Look {
    let b = d.payload;
    let fits = (1..=7).contains(&byte(b, 0)?) && byte(b, 1)? >> 4 == 1 && usize::from(be16(b, 2)?) == b.len();
    yes(fits && be32(b, 4)? == 1)
}

/// Version 4, a type with the order of bytes, three names of a request or an answer.
pub fn kerberos4(d: &Datagram) -> Look {
    let b = d.payload;
    if byte(b, 0)? != 4 || !matches!(byte(b, 1)? >> 1, 1..=5 | 16) {
        return NO;
    }
    let mut names = b.get(2..)?.split(|c| *c == 0).take(3);
    let first = names.next()?;
    let readable = |name: &[u8]| name.len() <= 40 && name.iter().all(u8::is_ascii_graphic);
    weak((1..=40).contains(&first.len()) && readable(first) && names.all(readable))
}

/// RFC 6940 section 6.3.2: the token of an overlay's messages, at once or within a frame of data (section 6.6.2).
pub fn overlay(b: &[u8]) -> Look {
    const TOKEN: &[u8] = &[0xd2, b'E', b'L', b'O'];
    const DATA: u8 = 128;
    either(yes(starts(b, TOKEN)?), if byte(b, 0)? == DATA { yes(at(b, 8, TOKEN)?) } else { NO })
}

pub fn overlay_datagram(d: &Datagram) -> Look {
    overlay(d.payload)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{Message, client_on, each, server_on, udp};

    #[test]
    fn datagrams() {
        let messages: [Message; 9] = [
            (b"\x70\xc0\x03\x01\0\x01\0\0\0\xff\xff\xff\xff", 5405, 0, Protocol::Corosync),
            (b"\0\0\x22\xff\x01\0\0\0\0\0\0\0", 5405, 3, Protocol::Corosync),
            (b"\x5a\xc0\0\x18aaaabbbbccccddddeeee", 6118, 0, Protocol::Tipc),
            (b"\0\x01\0\x0c\x01\x01\0\0abcd", 8848, 3, Protocol::Ipvs),
            (b"\xbe\x9b\xe9\x55\0\0\0\x01\x60\0\0\0\0\x01\0\0", 9, 0, Protocol::Pktgen),
            (b"\x12\x34\x56\x78\x1a\x2b\x3c\x4d\0\0\0\0", 40_001, 4, Protocol::Lanforge),
            (b"\x01\x10\0\x10\0\0\0\x01\0\0\0\x07\x01\0\0\0", 910, 7, Protocol::Kink),
            (b"\x04\x02user\0\0REALM\0\x01\x02\x03\x04", 750, 0, Protocol::Kerberos),
            (b"\xd2ELO\x01\x02\x03\x04\0\x01\x0a\x64", 6084, 1, Protocol::Reload),
        ];
        each(udp, &messages);
    }

    #[test]
    fn streams() {
        let messages: [Message; 12] = [
            (b"\x01\0\x03\0abcd\x01\0\0\0\x40\0\x01\0", 21064, 2, Protocol::Dlm),
            (b"\0\0\0\x14\0\0\x70\x09\0\0\0\0\0\0\0\0\0\0\0\0", 44321, 6, Protocol::Pcp),
            (b"pmproxy-client 1\n", 44322, 3, Protocol::Pcp),
            (b"\0\0\0\x08\0\0\0\0\x0c\x80\x01\0\0\0\x0c\0\0\x01\x44\0\0", 2321, 8, Protocol::Tpm),
            (b"HZC", 5701, 1, Protocol::Hazelcast),
            (b"\x20\x10\0\x0d\x01\0\0\0\x20\0\0\0\x01\x10\x10", 3860, 0, Protocol::Sasp),
            (b"\0\x0a\xfe\x06\0\0\0\0\0\x17\x09", 2600, 3, Protocol::Zebra),
            (b"\xe2\xd4\xc3\xd9\x01\0\x34\x10abcdefgh", 40_001, 0, Protocol::Smc),
            (b"\x01\x01\xfe\xfe\x01\x01\xfe\xfe\x80\0\x7f\xff", 3225, 5, Protocol::Fcip),
            (b"\x91\x03\x98\x58\0\0\0\x10", 40_001, 2, Protocol::Tuxedo),
            (b"\0\0\0\x20NI_ROUTE\0\x02\x28\x02\0", 3299, 5, Protocol::Saprouter),
            (b"ZIOP\x01\x02\0\0\0\0\0\x10", 40_001, 0, Protocol::Ziop),
        ];
        each(client_on, &messages);
        let answers: [Message; 2] = [
            (b"* ACAP (IMPLEMENTATION \"x\")\r\n", 674, 3, Protocol::Acap),
            (b"\0\0\0\x0a\x80\x01\0\0\0\x0a\0\0\0\0\0\0\0\0", 2321, 3, Protocol::Tpm),
        ];
        each(server_on, &answers);
    }
}
