//! What providers manage their networks with: policies (COPS), agents (AgentX, SMUX), access nodes (ANCP), leases (DHCP failover, OMAPI,
//! bulk leasequery), data link switches, measurements (TWAMP), multicast tunnels (AMT), base stations, short messages (CMPP), RFID readers,
//! media gateways (H.248), surveillance (ASTERIX), HF radio, controllers (PCOM).

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le16, le32, one_of, starts, weak, yes};
use super::{ber, voice};

/// COPS (RFC 2748 section 2.1): version 1, an operation, a length in words, a first object that fits; keep-alives have none.
pub fn cops(b: &[u8]) -> Look {
    let (first, operation, length) = (byte(b, 0)?, byte(b, 1)?, be32(b, 4)?);
    if first & 0xfe != 0x10 || !(1..=10).contains(&operation) || length % 4 != 0 || !(8..1 << 16).contains(&length) {
        return NO;
    }
    if length == 8 {
        return yes(operation == 9);
    }
    let (object, class, kind) = (u32::from(be16(b, 8)?), byte(b, 10)?, byte(b, 11)?);
    yes((4..=length - 8).contains(&object) && (1..=16).contains(&class) && (1..=2).contains(&kind))
}

/// AgentX (RFC 2741 section 6.1): version 1, a PDU, flags, reserved, a payload's length in words and in the byte order that a flag tells.
pub fn agentx(b: &[u8]) -> Look {
    const NETWORK_BYTE_ORDER: u8 = 0x10;
    let (kind, flags) = (byte(b, 1)?, byte(b, 2)?);
    let length = if flags & NETWORK_BYTE_ORDER != 0 { be32(b, 16)? } else { le32(b, 16)? };
    let fixed = byte(b, 0)? == 1 && (1..=18).contains(&kind) && flags & 0xe0 == 0 && byte(b, 3)? == 0;
    yes(fixed && length % 4 == 0 && length < 1 << 16)
}

/// SMUX opens with version 0 and an identity (RFC 1227 section 3.1).
pub fn smux(b: &[u8]) -> Look {
    yes(byte(b, 0)? == 0x60 && (8..0x80).contains(&byte(b, 1)?) && at(b, 2, b"\x02\x01\0\x06")?)
}

/// DHCP failover (draft-ietf-dhc-failover section 6.1): length, a type, where the options begin, time and transaction; an option that fits.
pub fn dhcp_failover(b: &[u8]) -> Look {
    const HEADER: u16 = 12;
    let (length, kind, offset) = (be16(b, 0)?, byte(b, 2)?, byte(b, 3)?);
    let known = (1..=13).contains(&kind) && u16::from(offset) == HEADER && (HEADER..=2048).contains(&length);
    if !known || length == HEADER {
        return weak(known);
    }
    weak((1..=40).contains(&be16(b, 12)?) && u32::from(be16(b, 14)?) + 16 <= u32::from(length))
}

/// DHCPv6 over TCP for bulk leasequery (RFC 5460 section 5.1): a length, one of its messages, an option that fits.
pub fn bulk_leasequery(b: &[u8]) -> Look {
    let (length, kind) = (be16(b, 0)?, byte(b, 2)?);
    weak(
        (8..=4096).contains(&length)
            && (14..=17).contains(&kind)
            && be16(b, 6)? <= 143
            && u32::from(be16(b, 8)?) + 8 <= u32::from(length),
    )
}

/// OMAPI: version 100 and the size of a header, from both sides.
pub fn omapi(b: &[u8]) -> Look {
    yes(be32(b, 0)? == 100 && be32(b, 4)? == 24)
}

/// ANCP (RFC 6320 section 3.2): GSMP's identifier, a length, version 3 in its first or second form, adjacency or port messages.
pub fn ancp(b: &[u8]) -> Look {
    yes(be16(b, 0)? == 0x880c
        && (12..=2048).contains(&be16(b, 2)?)
        && matches!(byte(b, 4)?, 0x31 | 0x32)
        && matches!(byte(b, 5)?, 10 | 32 | 80 | 81 | 85 | 91 | 93 | 144..=147))
}

/// Data link switching (RFC 1795 section 4): version 1 in an ASCII digit, the size of one of two headers, reserved bits, a message.
pub fn dlsw(b: &[u8]) -> Look {
    let (header, kind) = (byte(b, 1)?, byte(b, 14)?);
    let control = header == 72 && matches!(kind, 0x03..=0x0f | 0x10..=0x1d | 0x20 | 0x2a | 0x7a);
    yes(byte(b, 0)? == 0x31 && be16(b, 12)? == 0 && (control || header == 16 && matches!(kind, 0x0a | 0x1d)))
}

/// A server of OWAMP or TWAMP greets (RFC 4656 section 3.1, RFC 5357 section 3.1) and offers nothing but the unauthenticated mode.
pub fn twamp_server(b: &[u8]) -> Look {
    const PROTECTED: u32 = 2 | 4 | 8;
    let greeting = b.first_chunk::<64>()?;
    let (unused, count, rest) = (&greeting[..12], be32(greeting, 48)?, &greeting[52..]);
    let zero = |bytes: &[u8]| bytes.iter().all(|zero| *zero == 0);
    let modes = be32(greeting, 12)?;
    let counts = count.is_power_of_two() && count >= 1024;
    yes(zero(unused) && zero(rest) && modes & 1 == 1 && modes < 1 << 16 && modes & PROTECTED == 0 && counts)
}

/// Automatic multicast tunnelling (RFC 7450 section 5.1): version 0, the sizes and reserved bytes of each message.
pub fn amt(d: &Datagram) -> Look {
    let b = d.payload;
    let ip = |start: usize| byte(b, start).is_some_and(|first| matches!(first, 0x45..=0x4f | 0x60));
    weak(match (byte(b, 0)?, b.len()) {
        (1, 8) => at(b, 1, &[0; 3])?,
        (2, 12 | 24) => at(b, 1, &[0; 3])?,
        (3, 8) => byte(b, 1)? <= 1 && be16(b, 2)? == 0,
        (4, 32..) => byte(b, 1)? <= 3 && ip(12),
        (5, 32..) => byte(b, 1)? == 0 && ip(12),
        (6, 22..) => byte(b, 1)? == 0 && ip(2),
        _ => false,
    })
}

/// China Mobile's CMPP: CONNECT of 39 bytes with the version that is asked for, and what answers it.
pub fn cmpp_client(b: &[u8]) -> Look {
    yes(be32(b, 0)? == 39 && be32(b, 4)? == 1 && matches!(byte(b, 34)?, 0x10 | 0x12 | 0x20 | 0x21 | 0x30))
}

pub fn cmpp_server(b: &[u8]) -> Look {
    weak(matches!(be32(b, 0)?, 30 | 33) && be32(b, 4)? == 0x8000_0001)
}

/// GSM's Abis over IP (ip.access, 3GPP TS 48.058 behind it): a length, then connection management: ping, pong, identities.
pub fn ip_access(b: &[u8]) -> Look {
    let (length, stream, message) = (be16(b, 0)?, byte(b, 2)?, byte(b, 3)?);
    weak(stream == 0xfe && (length == 1 && message <= 1 || (1..=512).contains(&length) && (4..=6).contains(&message)))
}

/// A reader of RFID (EPCglobal LLRP 1.1 section 9.1) tells of the connection: READER_EVENT_NOTIFICATION with its one parameter.
pub fn llrp_server(b: &[u8]) -> Look {
    yes(matches!(be16(b, 0)?, 0x043f | 0x083f) && (14..=1024).contains(&be32(b, 2)?) && be16(b, 10)? == 246)
}

/// Megaco over TCP stands behind TPKT (RFC 3525 annex D.2).
pub fn megaco_stream(b: &[u8]) -> Look {
    if !starts(b, &[3, 0])? {
        return NO;
    }
    let payload = b.get(4..)?;
    if byte(payload, 0)? == ber::SEQUENCE {
        h248(payload)
    } else {
        voice::megaco(&Datagram { payload, from_client: true })
    }
}

/// H.248 in BER (annex A): a message without authentication, its version.
fn h248(b: &[u8]) -> Look {
    let Ok(outer) = ber::element(b) else { return NO };
    let Ok(message) = ber::element(outer?.value) else { return NO };
    let message = message?;
    let version = at(message.value, 0, b"\x80\x01")? && (1..=3).contains(&byte(message.value, 2)?);
    yes(byte(b, 0)? == ber::SEQUENCE && message.tag == 0xa1 && version)
}

pub fn h248_datagram(d: &Datagram) -> Look {
    h248(d.payload)
}

/// L2TP's control messages (RFC 2661 section 3.1): length and sequence numbers are there, version 2; the message's type comes first (section
/// 4.1), or nothing does. Its data messages are opened as a tunnel.
pub fn l2tp_control(d: &Datagram) -> Look {
    const HEADER: usize = 12;
    let b = d.payload;
    if be16(b, 0)? & 0xfcff != 0xc802 & 0xfcff || usize::from(be16(b, 2)?) != b.len() {
        return NO;
    }
    if b.len() == HEADER {
        return weak(true);
    }
    yes(at(b, HEADER, b"\x80\x08\0\0\0\0")? && (1..=28).contains(&be16(b, HEADER + 6)?))
}

/// Anybus modules are looked for and set up in words (HICP).
pub fn hicp(d: &Datagram) -> Look {
    const WORDS: &[&[u8]] = &[
        b"Module scan",
        b"Protocol version =",
        b"Reconfigured:",
        b"Invalid Configuration:",
        b"Invalid Password:",
        b"To: ",
    ];
    weak(one_of(d.payload, WORDS)?)
}

/// Surveillance data in ASTERIX (EUROCONTROL-SPEC-0149 section 4.2): blocks of a category and a length, which fill the datagram; every
/// record begins with what fields it has.
pub fn asterix(d: &Datagram) -> Look {
    let mut rest = d.payload;
    while !rest.is_empty() {
        let (category, length, fields) = (byte(rest, 0)?, usize::from(be16(rest, 1)?), byte(rest, 3)?);
        let Some(next) = rest.get(length..).filter(|_| category != 0 && length >= 5 && fields > 1) else { return NO };
        rest = next;
    }
    weak(!d.payload.is_empty())
}

/// Subnetwork services of HF radio (STANAG 5066 annex A): preamble, version 0, a size, a primitive.
pub fn stanag5066(b: &[u8]) -> Look {
    weak(starts(b, b"\x90\xeb\0")? && (1..=2200).contains(&be16(b, 3)?) && (1..=29).contains(&byte(b, 5)?))
}

/// Unitronics' PCOM over TCP: a transaction, ASCII or binary, a length, and how either begins.
pub fn pcom(b: &[u8]) -> Look {
    let (mode, length) = (byte(b, 2)?, le16(b, 4)?);
    if byte(b, 3)? != 0 || !(4..=2048).contains(&length) {
        return NO;
    }
    yes(match mode {
        // A unit in two digits behind the stroke, or behind the letter of an answer.
        0x65 => {
            let unit = if at(b, 6, b"/A")? { b.get(8..10)? } else { b.get(7..9)? };
            byte(b, 6)? == b'/' && unit.iter().all(u8::is_ascii_hexdigit)
        }
        0x66 => at(b, 6, b"/_OPLC")?,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client_on, each, server_on, udp};

    #[test]
    fn clients() {
        each(client_on, &[
            (b"\x10\x06\0\x01\0\0\0\x1c\0\x14\x0b\x01router.example\0\0", 3288, 4, Protocol::Cops),
            (b"\x10\x09\0\0\0\0\0\x08", 40001, 1, Protocol::Cops),
            (b"\x01\x01\x10\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x18\x05\0\0\0\0\0\0\0\0\0\0\x06agent\0\0\0\0\0\0\0", 705, 3, Protocol::Agentx),
            (b"\x01\x01\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x18\0\0\0\x05\0\0\0\0\0\0\0\x06\0\0\0agent\0\0\0\0\0\0\0", 705, 19, Protocol::Agentx),
            (b"`\x1d\x02\x01\0\x06\x08+\x06\x01\x04\x01\x04\x01\x02\x04\x06daemon\x04\x06secret", 199, 4, Protocol::Smux),
            (b"\0\x18\x05\x0c_^\x10\0\0\0\0\x01\0\x02\0\x04\xc0\0\x02\x01\0\x17\0\0", 647, 3, Protocol::Dhcpfo),
            (b"\0\x18\x0e\xa1\xb2\xc3\0\x01\0\x0a\0\x03\0\x01\xaa\xbb\xcc\xdd\xee\xff\0\x02\0\x02\0\x01", 547, 2, Protocol::Dhcpv6),
            (b"\0\0\0d\0\0\0\x18", 7911, 3, Protocol::Omapi),
            (b"\x88\x0c\0(2\x0a\x0a\x01\xaa\xbb\xcc\xdd\xee\xff\x11\x223DUf\0\0\0\x01\0\0\0\x02\x01\0\0\x03\x01\0\0\x0c\0\x01\0\x04\0\x02\0\0", 6068, 4, Protocol::Ancp),
            (b"1H\0\x0c\0\0\0\0\0\0\0\0\0\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0c\x15 \0\0\x02\x81\0\0\0\0", 2065, 12, Protocol::Dlsw),
            (b"\0\0\0'\0\0\0\x01\0\0\0\x01901234\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91 \x11\x223D", 7890, 4, Protocol::Cmpp),
            (b"\0\x01\xfe\0", 3002, 2, Protocol::Ipaccess),
            (b"\0\x10\xfe\x05\0\x08\x01BTS-001\0\0\x03\x07\0", 3002, 2, Protocol::Ipaccess),
            (b"\x03\0\0@MEGACO/1 [192.0.2.1]:2944\x0aTransaction=1{Context=-{}}\x0a       ", 2944, 4, Protocol::Megaco),
            (b"\x90\xeb\0\0\x04\x01\0\xff\0\0", 5066, 0, Protocol::Stanag5066),
            (b"\x124e\0\x06\0/00ID\xed", 20256, 6, Protocol::Pcom),
            (b"\x124f\0\x18\0/_OPLC\0\0\xfe\x01\0\0\0\x0c\0\0\0\0\0\0\0\0\xb8\xfa", 20256, 7, Protocol::Pcom),
            (b"\0\x0a\0$\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x02\0\x14\x01\0\0\x03\0\x08\0\x04\0\x0c\0\x04\0\x04\0\x01", 4739, 1, Protocol::Netflow),
            (b"0\xe1\x22\x04\x80", 5683, 1, Protocol::Coap),
            (b"\x03\0\0\0\0\x04\0\x01\x01\x07", 104, 5, Protocol::Dicom),
        ]);
    }

    #[test]
    fn servers() {
        each(server_on, &[
            (b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f !\x22#$%&\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0", 862, 0, Protocol::Twamp),
            (b"\x04?\0\0\0 \0\0\0\x01\0\xf6\0\x16\0\x80\0\x0c\0\x04\x85\xab\x01\xaa\xbb\xcc\x01\0\0\x06\0\0", 5084, 10, Protocol::Llrp),
        ]);
    }

    #[test]
    fn datagrams() {
        each(udp, &[
            (b"0 \xa1\x1e\x80\x01\x01\xa1\x06\x80\x04\xc0\0\x02\x01\xa2\x11\xa1\x0f\xa1\x0d\x80\x01\x01\xa1\x080\x06\x80\x01\0\xa1\x01\0", 2945, 2, Protocol::Megaco),
            (b"\x01\0\0\0\x124Vx", 2268, 1, Protocol::Amt),
            (b"\x06\0E\0\0$\0\0@\0\xff\x11\0\0\xc0\0\x02\x01\xe8\x01\x01\x01\x0b\xb8\x0b\xb8\0\x10\0\x0012345678", 2268, 1, Protocol::Amt),
            (b"0\0\x0f\xfd\x01\x02\xa0\x124Vx\x01\x02\x03\x04", 8600, 1, Protocol::Asterix),
            (b"\xc8\x02\0\x1c\0\0\0\0\0\0\0\0\x80\x08\0\0\0\0\0\x01\x80\x08\0\0\0\x02\x01\0", 1701, 12, Protocol::L2tp),
            (b"\xc8\x02\0\x0c\0\x01\0\0\0\x01\0\x01", 1701, 3, Protocol::L2tp),
            (b"Module scan\0", 3250, 3, Protocol::Hicp),
            (b"@\x01\xa1\xb2", 5683, 1, Protocol::Coap),
            (b"2\x01\0\x04\0\0\0\0\0\0\0\0", 2152, 3, Protocol::Gtp),
            (b"\x82\x01\0\x0c\x0a\x0b\x0c\x01\0\x10\x08\0", 47808, 3, Protocol::Bacnet),
        ]);
    }

    /// An object longer than its message, and a block of no category.
    #[test]
    fn what_does_not_fit() {
        assert_eq!(client_on(b"\x10\x06\0\x01\0\0\0\x1c\0\x15\x0b\x01router.example\0\0", 3288), None);
        assert_eq!(udp(b"\0\0\x0f\xfd\x01\x02\xa0\x124Vx\x01\x02\x03\x04", 8600), None);
    }
}
