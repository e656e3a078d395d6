//! Controllers, robots and vehicles, beside those of `industrial` and `automation`: ADS, CODESYS, Fox, GE-SRTP, TriStation,
//! Ether-S-I/O, ROS, MAVLink, MQTT-SN, DIS.

use super::Datagram;
use super::look::{Look, NO, at, be16, be24, be32, byte, le16, le32, starts, weak, yes};

/// Beckhoff's AMS/TCP: two zeros, the length; then two addresses of eight bytes, a command, its data's length (TwinCAT ADS specification).
pub fn ams(b: &[u8]) -> Look {
    const HEADER: u32 = 32;
    let (reserved, length, data) = (be16(b, 0)?, le32(b, 2)?, le32(b, 26)?);
    let (command, state) = (le16(b, 22)?, le16(b, 24)?);
    yes(reserved == 0 && data.checked_add(HEADER) == Some(length) && command <= 9 && matches!(state & !0x40, 4 | 5))
}

/// TwinCAT looks for its kind: a magic number, then zero.
pub fn ams_search(d: &Datagram) -> Look {
    yes(le32(d.payload, 0)? == 0x7114_6603 && le32(d.payload, 4)? == 0 && d.payload.len() >= 16)
}

/// CODESYS V3's block driver over TCP: magic number and the length with its header.
pub fn codesys(b: &[u8]) -> Look {
    yes(starts(b, b"\0\x01\x17\xe8")? && (8..1 << 20).contains(&le32(b, 4)?))
}

/// Niagara's Fox: version `a`, a sequence, a greeting.
pub fn fox(b: &[u8]) -> Look {
    yes(starts(b, b"fox a ")?)
}

/// GE's SRTP: a connection begins with 56 zeros, and is answered with a one before 55.
pub fn ge_srtp(b: &[u8]) -> Look {
    const PACKET: usize = 56;
    if b.get(1..b.len().min(PACKET))?.iter().any(|c| *c != 0) {
        return NO;
    }
    weak(b.get(..PACKET)?[0] <= 1 && b.len() == PACKET)
}

/// Triconex' TriStation: kind of message, channel, the length between this header and the checksum.
pub fn tristation(d: &Datagram) -> Look {
    const AROUND: usize = 6;
    let b = d.payload;
    weak((1..=0x0b).contains(&byte(b, 0)?) && byte(b, 1)? <= 7 && usize::from(le16(b, 2)?) + AROUND == b.len())
}

/// SAIA's Ether-S-I/O: magic number.
pub fn ether_s_io(d: &Datagram) -> Look {
    yes(starts(d.payload, b"ESIO")? && d.payload.len() >= 16)
}

/// ROS 1, both sides of a topic's or a service's connection: a length, then fields of length and `name=value` (TCPROS).
pub fn ros(b: &[u8]) -> Look {
    const NAMES: &[&[u8]] = &[
        b"callerid=",
        b"topic=",
        b"md5sum=",
        b"type=",
        b"service=",
        b"message_definition=",
        b"tcp_nodelay=",
        b"latching=",
    ];
    let (total, field) = (le32(b, 0)?, le32(b, 4)?);
    if !(8..1 << 20).contains(&total) || field < 6 || field > total - 4 {
        return NO;
    }
    super::look::one_of(b.get(8..)?, NAMES).and_then(yes)
}

/// MAVLink 1 and 2: frames whose lengths fill the datagram; a heartbeat proves itself by its checksum (CRC-16/MCRF4XX over the frame
/// and the message's own byte, 50).
pub fn mavlink(d: &Datagram) -> Look {
    const HEARTBEAT_EXTRA: u8 = 50;
    let b = d.payload;
    let length = usize::from(byte(b, 1)?);
    let (head, id, signature) = match byte(b, 0)? {
        0xfe => (6, u32::from(byte(b, 5)?), 0),
        0xfd => (10, be24(&[byte(b, 9)?, byte(b, 8)?, byte(b, 7)?], 0)?, usize::from(byte(b, 2)? & 1) * 13),
        _ => return NO,
    };
    let end = head + length;
    let sum = le16(b, end)?;
    if id == 0 {
        let covered = b.get(1..end)?.iter().chain([&HEARTBEAT_EXTRA]);
        return yes(covered.fold(0xffff, |crc, byte| crc16_mcrf4xx(crc, *byte)) == sum);
    }
    let next = b.get(end + 2 + signature..)?;
    weak(id < 1 << 16 && (next.is_empty() || next[0] == b[0]))
}

fn crc16_mcrf4xx(crc: u16, byte: u8) -> u16 {
    (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
}

/// MQTT-SN 1.2: its own length, then a message whose size or content is fixed (section 5.4).
pub fn mqtt_sn(d: &Datagram) -> Look {
    const CONNECT: u8 = 0x04;
    let b = d.payload;
    if usize::from(byte(b, 0)?) != b.len() {
        return NO;
    }
    weak(match byte(b, 1)? {
        // Flags with reserved bits, protocol 1, duration, an id.
        CONNECT => {
            b.len() > 6 && byte(b, 2)? & 0xf3 == 0 && byte(b, 3)? == 1 && b.get(6..)?.iter().all(u8::is_ascii_graphic)
        }
        0x05 => b.len() == 3 && byte(b, 2)? <= 3,
        // REGISTER and PUBLISH with a name and a text.
        0x0a => b.len() > 8 && b.get(6..)?.iter().all(u8::is_ascii_graphic),
        0x0c => b.len() > 9 && byte(b, 2)? & 3 <= 2 && super::look::is_text(b.get(7..)?),
        0x18 => b.len() == 2,
        _ => false,
    })
}

/// IEEE 1278.1: version, exercise, a PDU and its family, time, a length that is the datagram's.
pub fn dis(d: &Datagram) -> Look {
    let b = d.payload;
    let known = (1..=7).contains(&byte(b, 0)?) && (1..=72).contains(&byte(b, 2)?) && (1..=13).contains(&byte(b, 3)?);
    weak(known && usize::from(be16(b, 8)?) == b.len())
}

/// DoIP's announcements and searches: as over TCP, and the length is the datagram's.
pub fn doip_datagram(d: &Datagram) -> Look {
    let length = usize::try_from(be32(d.payload, 4)?).ok()?;
    if length + 8 != d.payload.len() {
        return NO;
    }
    // A search that does not know the version says 0xff (ISO 13400-2 table 16).
    if at(d.payload, 0, b"\xff\0\0")? { yes(byte(d.payload, 3)? <= 3) } else { super::industrial::doip(d.payload) }
}

/// Modbus over UDP: the header's length is the datagram's.
pub fn modbus_datagram(d: &Datagram) -> Look {
    if usize::from(be16(d.payload, 4)?) + 6 == d.payload.len() { super::industrial::modbus(d.payload) } else { NO }
}

/// DLMS/COSEM's wrapper over UDP: version 1, addresses, the datagram's length, an APDU that exists.
pub fn cosem_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    weak(
        be16(b, 0)? == 1
            && usize::from(be16(b, 6)?) + 8 == b.len()
            && matches!(byte(b, 8)?, 0x0f | 0x60..=0x63 | 0xc0..=0xc7 | 0xd8),
    )
}

#[cfg(test)]
mod tests {
    use super::crc16_mcrf4xx;
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, udp};

    #[test]
    fn controllers() {
        let read = b"\0\0\x2c\0\0\0\xc0\xa8\x0a\x0a\x01\x01\x53\x03\xc0\xa8\x0a\x14\x01\x01\x01\x80\x02\0\x04\0\x0c\0\0\0\0\0\0\0\x01\0\0\0\x05\xf0\0\0";
        assert_eq!(client(read), Some(Protocol::Ads));
        let mut other = *read;
        other[26] = 13;
        assert_eq!(client(&other), None);
        assert_eq!(
            udp(b"\x03\x66\x14\x71\0\0\0\0\x01\0\0\0\xc0\xa8\0\x01\x01\x01\x10\x27", 48899),
            Some(Protocol::Ads)
        );
        assert_eq!(client(b"\0\x01\x17\xe8\x24\0\0\0\x00\xcd\0\0"), Some(Protocol::Codesys));
        assert_eq!(client(b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\n"), Some(Protocol::Fox));
        let mut answer = [0; 56];
        answer[0] = 1;
        assert_eq!((both(&[0; 56], &answer), client(&[0; 56])), (Some(Protocol::Gesrtp), None));
        assert_eq!(client_on(&[0; 56], 18245), Some(Protocol::Gesrtp));
        assert_eq!(udp(b"\x05\x00\x04\0\x19\0\x12\x34\xab\xcd", 1502), Some(Protocol::Tristation));
        assert_eq!(udp(b"ESIO\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0", 40_001), Some(Protocol::Ethersio));
    }

    #[test]
    fn robots() {
        let topic = b"\x26\0\0\0\x12\0\0\0callerid=/listener\x0e\0\0\0topic=/chatter";
        assert_eq!(client(topic), Some(Protocol::Ros));
        // The check value of CRC-16/MCRF4XX for the digits 1 to 9.
        assert_eq!(b"123456789".iter().fold(0xffff, |crc, c| crc16_mcrf4xx(crc, *c)), 0x6f91);
        let mut beat = b"\xfe\x09\x4e\x01\x01\0\0\0\0\0\x02\x03\x51\x03\x03".to_vec();
        let sum = beat[1..].iter().chain(&[50]).fold(0xffff, |crc, c| crc16_mcrf4xx(crc, *c));
        beat.extend_from_slice(&sum.to_le_bytes());
        assert_eq!(udp(&beat, 40_001), Some(Protocol::Mavlink));
        beat[8] ^= 1;
        assert_eq!(udp(&beat, 14550), None);
    }

    #[test]
    fn things() {
        assert_eq!(udp(b"\x0c\x04\x04\x01\0\x1esensor", 1884), Some(Protocol::Mqttsn));
        assert_eq!(udp(b"\x0d\x04\x04\x01\0\x1esensor", 1884), None);
        let state = [b"\x06\x01\x01\x01\x12\x34\x56\x78\0\x20\0\0".as_slice(), &[0; 20]].concat();
        assert_eq!((udp(&state, 3000), udp(&state, 40_001)), (Some(Protocol::Dis), None));
        assert_eq!(udp(b"\x02\xfd\0\x04\0\0\0\x03abc", 13400), Some(Protocol::Doip));
        assert_eq!(udp(b"\xff\0\0\x01\0\0\0\0", 13400), Some(Protocol::Doip));
        assert_eq!(udp(b"\0\x07\0\0\0\x06\x01\x03\0\x10\0\x02", 502), Some(Protocol::Modbus));
        assert_eq!(udp(b"\0\x01\0\x10\0\x01\0\x05\xc0\x01\xc1\0\x0f", 4059), Some(Protocol::Cosem));
    }
}
