//! Machines and buildings: IEC 60870-5-104, Modbus, DNP3, S7, OPC UA, BACnet, EtherNet/IP, MMS, synchrophasors, HART-IP, FINS.
//!
//! Short binary headers; where fewer than 30 bits are fixed, both sides or the port have to agree.

use super::Datagram;
use super::look::{Look, Match, NO, at, be16, be32, byte, le16, le32, starts, weak, yes};

/// APCI (IEC 60870-5-104 section 5): start 0x68, length, a control field of one of three formats.
pub fn iec104(b: &[u8]) -> Look {
    let (start, length, control) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?);
    if start != 0x68 || !(4..=253).contains(&length) {
        return NO;
    }
    match control & 3 {
        // U format: one of STARTDT, STOPDT, TESTFR, act or con.
        3 => yes(length == 4 && matches!(control, 0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83) && b.get(3..6)? == [0; 3]),
        1 => weak(length == 4 && control == 1 && byte(b, 3)? == 0 && byte(b, 4)? & 1 == 0),
        // I format: the receive number is even, then an ASDU with a known type and cause.
        _ => {
            let (kind, qualifier, cause) = (byte(b, 6)?, byte(b, 7)?, byte(b, 8)?);
            let known = matches!(kind, 1..=51 | 58..=64 | 70 | 100..=107 | 110..=113 | 120..=127);
            let whole = byte(b, usize::from(length) + 1).is_some();
            // Causes from 48 on are for private use (IEC 60870-5-101 section 7.2.3).
            let sane = qualifier & 0x7f != 0 && cause & 0x3f != 0;
            weak(length >= 10 && whole && byte(b, 4)? & 1 == 0 && known && sane)
        }
    }
}

/// MBAP: transaction, protocol 0, length that fits the function (Modbus messaging guide section 3.1.3).
pub fn modbus(b: &[u8]) -> Look {
    let (protocol, length, function) = (be16(b, 2)?, be16(b, 4)?, byte(b, 7)?);
    let fits = matches!(function & 0x7f, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 90);
    let error = function & 0x80 == 0 || length == 3;
    if protocol != 0 || !(2..=254).contains(&length) || !fits || !error || byte(b, 0)? >= 0x40 {
        return NO;
    }
    // Another one right behind it: 30 bits each.
    let next = b.get(6 + usize::from(length)..).unwrap_or_default();
    let follows = be16(next, 2) == Some(0)
        && be16(next, 4).is_some_and(|n| (2..=254).contains(&n))
        && byte(next, 6) == byte(b, 6);
    if follows { yes(true) } else { weak(true) }
}

/// Link frame (IEEE 1815 section 9): start 0x0564, length, control, and the header's CRC-16/DNP.
pub fn dnp3(b: &[u8]) -> Look {
    if !starts(b, &[0x05, 0x64])? {
        return NO;
    }
    yes(byte(b, 2)? >= 5 && crc16_dnp(b.get(..8)?) == le16(b, 8)?)
}

pub fn dnp3_datagram(d: &Datagram) -> Look {
    dnp3(d.payload)
}

fn crc16_dnp(b: &[u8]) -> u16 {
    !b.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 })
    })
}

/// The user data of a COTP data packet (ISO 8073) behind TPKT.
fn cotp_data(b: &[u8]) -> Option<Option<&[u8]>> {
    let fits =
        starts(b, &[3, 0])? && be16(b, 2)? >= 8 && byte(b, 4)? == 2 && byte(b, 5)? == 0xf0 && byte(b, 6)? & 0x7f == 0;
    Some(if fits { Some(b.get(7..)?) } else { None })
}

/// A COTP connection as S7 asks for it: transport selectors of two bytes (RFC 1006; parameters 0xc1, 0xc2 of length 2).
pub fn s7(b: &[u8]) -> Look {
    if !starts(b, &[3, 0])? {
        return NO;
    }
    if matches!(byte(b, 5)?, 0xe0 | 0xd0) {
        let parameters = b.get(11..).filter(|p| !p.is_empty())?;
        let selectors = [[0xc1, 2, 1], [0xc1, 2, 2], [0xc1, 2, 3], [0xc2, 2, 1], [0xc2, 2, 3]];
        // The newer family names itself in its selector: SIMATIC-ROOT-HMI, -ES and others.
        if memchr::memmem::find(parameters, b"SIMATIC-ROOT").is_some() {
            return yes(true);
        }
        // What comes over the connection decides.
        if let Some(data) = b.get(usize::from(be16(b, 2)?)..)
            && s7_data(data) == Some(Match::Yes)
        {
            return yes(true);
        }
        // Local and remote selector of the S7 family: 01 xx (PG), 02 xx (OP), 03 xx (basic).
        return weak(selectors.iter().any(|s| memchr::memmem::find(parameters, s).is_some()));
    }
    s7_data(b)
}

fn s7_data(b: &[u8]) -> Look {
    let Some(data) = cotp_data(b)? else { return NO };
    let (id, kind) = (byte(data, 0)?, byte(data, 1)?);
    yes(id == 0x32 && matches!(kind, 1 | 2 | 3 | 7) && be16(data, 2)? == 0 || id == 0x72 && matches!(kind, 1..=3))
}

/// MMS, or another user of the OSI session: CONNECT or data of ISO 8327 in COTP data.
pub fn mms(b: &[u8]) -> Look {
    if starts(b, &[3, 0])? && matches!(byte(b, 5)?, 0xe0 | 0xd0) {
        // Selectors 00 01 are what IEC 61850 stacks use.
        let parameters = b.get(11..).filter(|p| !p.is_empty())?;
        return weak(
            [[0xc2, 2, 0, 1], [0xc1, 2, 0, 1], [0xc1, 2, 0, 0]]
                .iter()
                .any(|s| memchr::memmem::find(parameters, s).is_some()),
        );
    }
    let Some(data) = cotp_data(b)? else { return NO };
    yes(starts(data, &[0x0d])? && be16(data, 2).is_some()
        || starts(data, &[1, 0, 1, 0, 0x61])?
        || starts(data, &[0x0e])?)
}

/// Hello, Acknowledge, Open, Message, Close, Error, chunk type, length (OPC 10000-6 section 7.1.2).
pub fn opcua(b: &[u8]) -> Look {
    let kind = b.get(..3)?;
    let known = [b"HEL", b"ACK", b"ERR", b"OPN", b"MSG", b"CLO", b"RHE"].iter().any(|k| kind == &k[..]);
    yes(known && matches!(byte(b, 3)?, b'F' | b'C' | b'A') && (8..1 << 24).contains(&le32(b, 4)?))
}

/// BACnet virtual link (ASHRAE 135 annex J): type 0x81, function, exact length, then NPDU version 1.
pub fn bacnet(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, function, length) = (byte(b, 0)?, byte(b, 1)?, usize::from(be16(b, 2)?));
    // BVLC for IPv6 (ASHRAE 135 annex U.2).
    if kind == 0x82 {
        return weak(function <= 0x0c && length == b.len() && length >= 7);
    }
    if kind != 0x81 || function > 0x0c || length != b.len() {
        return NO;
    }
    match function {
        4 => yes(byte(b, 10)? == 1),
        9..=11 => yes(byte(b, 4)? == 1),
        _ => weak(true),
    }
}

/// Encapsulation header (CIP volume 2, section 2-3): command, length, session, status 0, options 0.
pub fn ethernet_ip(b: &[u8]) -> Look {
    let command = le16(b, 0)?;
    let known = matches!(command, 0x04 | 0x63..=0x66 | 0x6f | 0x70);
    if !known || le16(b, 2)? > 4096 || le32(b, 8)? > 0x65 || le32(b, 20)? != 0 {
        return NO;
    }
    // RegisterSession and its answer: version 1, no options (section 2-4.4).
    if command == 0x65 && le16(b, 2)? == 4 && le32(b, 24)? == 1 { yes(le32(b, 8)? == 0) } else { weak(true) }
}

pub fn ethernet_ip_datagram(d: &Datagram) -> Look {
    ethernet_ip(d.payload)
}

/// IEEE C37.118: sync byte and frame type with a version, exact size, CRC-CCITT over the frame.
fn synchrophasor(b: &[u8]) -> Look {
    let (sync, kind, size) = (byte(b, 0)?, byte(b, 1)?, usize::from(be16(b, 2)?));
    if sync != 0xaa || kind & 0x80 != 0 || kind >> 4 > 5 || !matches!(kind & 0x0f, 1 | 2) || size < 16 {
        return NO;
    }
    let crc = b.get(..size - 2)?.iter().fold(0xffffu16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 })
    });
    yes(crc == be16(b, size - 2)?)
}

pub fn synchrophasor_stream(b: &[u8]) -> Look {
    synchrophasor(b)
}

pub fn synchrophasor_datagram(d: &Datagram) -> Look {
    synchrophasor(d.payload)
}

/// HART-IP (FieldComm TP10300): version 1, message type, id, status, sequence, the whole message's length.
pub fn hart_ip(b: &[u8]) -> Look {
    let (version, kind, id) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?);
    weak(version == 1 && kind <= 3 && id <= 3 && (8..=512).contains(&be16(b, 6)?) && byte(b, 3)? <= 15)
}

pub fn hart_ip_datagram(d: &Datagram) -> Look {
    let length = usize::from(be16(d.payload, 6)?);
    if length != d.payload.len() {
        return NO;
    }
    // A session begins with the kind of master and a time of inactivity, asked for and answered in five bytes.
    let begins = length == 13 && at(d.payload, 2, b"\0\0")? && byte(d.payload, 8)? <= 1;
    if begins && byte(d.payload, 0)? == 1 && byte(d.payload, 1)? <= 1 { yes(true) } else { hart_ip(d.payload) }
}

/// Omron FINS: "FINS" over TCP; over UDP ICF, RSV 0, GCT 2 and a command class that exists.
pub fn fins(b: &[u8]) -> Look {
    yes(starts(b, b"FINS")? && be32(b, 4)? <= 4096)
}

pub fn fins_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    let (icf, reserved, gateways) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?);
    weak(
        matches!(icf, 0x80 | 0x81 | 0xc0 | 0xc1)
            && reserved == 0
            && gateways <= 7
            && matches!(byte(b, 10)?, 1..=9 | 0x0c | 0x20..=0x26)
            && byte(b, 11)? <= 0x40,
    )
}

/// ANSI C12.22: an ACSE APDU whose first elements are the context and addresses.
pub fn c1222(b: &[u8]) -> Look {
    if byte(b, 0)? != 0x60 {
        return NO;
    }
    let at = if byte(b, 1)? & 0x80 == 0 { 2 } else { 2 + usize::from(byte(b, 1)? & 0x7f).min(4) };
    weak(matches!(byte(b, at)?, 0xa1 | 0xa2 | 0xa6) && matches!(byte(b, at + 2)?, 0x06 | 0x80 | 0x0d))
}

pub fn c1222_datagram(d: &Datagram) -> Look {
    c1222(d.payload)
}

/// DoIP (ISO 13400-2): version and its inverse, payload type, length.
pub fn doip(b: &[u8]) -> Look {
    let (version, inverse, kind) = (byte(b, 0)?, byte(b, 1)?, be16(b, 2)?);
    let known = matches!(kind, 0..=8 | 0x4001..=0x4004 | 0x8001..=0x8003);
    yes(version == !inverse && (1..=4).contains(&version) && known && be32(b, 4)? < 1 << 16)
}

/// SOME/IP: message, length, request, protocol version 1, message type, return code.
pub fn someip_stream(b: &[u8]) -> Look {
    let length = be32(b, 4)?;
    let kind = matches!(byte(b, 14)?, 0..=2 | 0x20..=0x22 | 0x40..=0x42 | 0x80 | 0x81 | 0xa0 | 0xa1 | 0xc0 | 0xc1);
    yes(byte(b, 12)? == 1 && kind && byte(b, 15)? <= 0x5e && (8..1 << 16).contains(&length))
}

pub fn someip(d: &Datagram) -> Look {
    let length = usize::try_from(be32(d.payload, 4)?).ok()?;
    if length <= d.payload.len().saturating_sub(8) { someip_stream(d.payload) } else { NO }
}

/// DDS (RTPS 2.x section 8.3.3): "RTPS", version 2 or 1.
pub fn rtps(d: &Datagram) -> Look {
    yes(at(d.payload, 0, b"RTPS")? && matches!(byte(d.payload, 4)?, 1 | 2) && byte(d.payload, 5)? <= 5)
}

/// CAN over UDP ("ISO11898").
pub fn can(d: &Datagram) -> Look {
    yes(at(d.payload, 0, b"ISO11898")?)
}

/// HiSLIP (IVI-6.1): "HS", a message type, control, parameter, payload length.
pub fn hislip(b: &[u8]) -> Look {
    yes(starts(b, b"HS")? && byte(b, 2)? <= 25 && be32(b, 8)? == 0 && be32(b, 12)? <= 1 << 20)
}

/// Ethernet Global Data: type 13, version 1.
pub fn egd(d: &Datagram) -> Look {
    weak(byte(d.payload, 0)? == 13 && byte(d.payload, 1)? == 1 && d.payload.len() >= 32)
}

/// CIP's cyclic data: two items, a sequenced address of eight bytes, connected data.
pub fn cip_io(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\x02\0\x02\x80\x08\0")? && at(d.payload, 14, b"\xb1\0")?)
}

/// GigE Vision's control: key, flags, a known command, a length that fills the datagram.
pub fn gvcp(d: &Datagram) -> Look {
    let b = d.payload;
    weak(
        byte(b, 0)? == 0x42
            && matches!(be16(b, 2)?, 2 | 4 | 0x40 | 0x80 | 0x82 | 0x84 | 0x86 | 0xc0)
            && usize::from(be16(b, 4)?) + 8 == b.len(),
    )
}

/// LonWorks over IP (EIA-852 section 7.3): a length that fills the datagram, version 1, a type of packet.
pub fn cnp_ip(d: &Datagram) -> Look {
    let b = d.payload;
    let kind = byte(b, 3)?;
    weak(
        b.len() >= 20 && usize::from(be16(b, 0)?) == b.len() && byte(b, 2)? == 1 && matches!(kind, 1..=8 | 0x60..=0x7f),
    )
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, udp};

    /// On other ports than theirs, from one side alone.
    #[test]
    fn a_second_message_tells() {
        let read = b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x02";
        assert_eq!(client(read), None);
        assert_eq!(client(&read.repeat(2)), Some(Protocol::Modbus));
        assert_eq!(client(&[&read[..], b"\0\x02\0\x01\0\x06\x01\x03"].concat()), None);
        let register = b"\x65\0\x04\0\0\0\0\0\0\0\0\0abcdefgh\0\0\0\0\x01\0\0\0";
        assert_eq!(client(register), Some(Protocol::Enip));
        assert_eq!(client(&[&register[..24], &[2, 0, 0, 0]].concat()), None);
        let connect = b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a";
        let set_up = b"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\x01\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0";
        assert_eq!(client(connect), None);
        assert_eq!(client(&[&connect[..], set_up].concat()), Some(Protocol::S7));
        let newer = b"\x03\0\0\x24\x1f\xe0\0\0\0\x01\x12\0\xc1\x02\x06\x20\xc2\x10SIMATIC-ROOT-HMI\xc0\x01\x0a";
        assert_eq!(client(newer), Some(Protocol::S7));
    }

    #[test]
    fn power() {
        assert_eq!(client(b"\x68\x04\x07\0\0\0"), Some(Protocol::Iec104));
        assert_eq!(
            both(b"\x68\x0e\0\0\0\0\x64\x01\x06\0\x01\0\0\0\0\x14", b"\x68\x04\x01\0\x02\0"),
            Some(Protocol::Iec104)
        );
        assert_eq!(client(b"\x68\x04\x08\0\0\0\x01\x02"), None);
        let private_cause = b"\x68\x0e\0\0\0\0\x01\x01\x31\x01\0\x01\0\0\0\0";
        assert_eq!(client_on(private_cause, 2404), Some(Protocol::Iec104));
        let session = b"\x01\x01\0\0\0\x02\0\x0d\x01\0\0\xea\x60";
        assert_eq!(udp(session, 5095), Some(Protocol::Hartip));
        assert_eq!(udp(&session[..12], 5095), None);
        let wrapped = b"\0\x1c\x01\x01\0\0\0\0\0\0\0\x07\0\0\0\x01\0\0\0\0\0\x09\x01\xa9\x01\xaa\x01\x23";
        assert_eq!(udp(wrapped, 1628), Some(Protocol::Cnpip));
        assert_eq!(udp(&wrapped[..27], 1628), None);
        assert_eq!(client(b"\x05\x64\x05\xc0\x01\0\0\x04\xe9\x21"), Some(Protocol::Dnp3));
        assert_eq!(client(b"\x05\x64\x05\xc0\x01\0\0\x04\xe9\x22"), None);
    }

    #[test]
    fn factory() {
        assert_eq!(client_on(b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a", 502), Some(Protocol::Modbus));
        assert_eq!(
            both(b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a", b"\0\x01\0\0\0\x05\x01\x03\x02\0\x01"),
            Some(Protocol::Modbus)
        );
        assert_eq!(
            client(b"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\0\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0"),
            Some(Protocol::S7)
        );
        assert_eq!(client(b"HELF\x2a\0\0\0\0\0\0\0"), Some(Protocol::Opcua));
        assert_eq!(client(b"\x02\xfd\0\x05\0\0\0\x07\x0e\0\0"), Some(Protocol::Doip));
    }

    #[test]
    fn buildings() {
        assert_eq!(udp(b"\x81\x0b\0\x0c\x01\x20\xff\xff\0\xff\x10\x08", 47808), Some(Protocol::Bacnet));
        assert_eq!(udp(b"\x81\x0b\0\x0d\x01\x20\xff\xff\0\xff\x10\x08", 47808), None);
    }
}
