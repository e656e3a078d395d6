//! Sound, pictures and light: RTMP, MPEG transport streams, SAP (RFC 2974), IAX2 (RFC 5456), HEP, Art-Net, E1.31, NTRIP.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, le16, starts, weak, yes};

/// RTMP's C0 and C1 (1.0, 5.2): version 3, a time, zeros; players write their version instead of the zeros.
pub fn rtmp_client(b: &[u8]) -> Look {
    weak(byte(b, 0)? == 3 && (be32(b, 5)? == 0 || byte(b, 5)? & 0x7f <= 40 && byte(b, 8)? <= 9) && b.get(64).is_some())
}

/// S0 and S1.
pub fn rtmp_server(b: &[u8]) -> Look {
    weak(byte(b, 0)? == 3 && byte(b, 5)? <= 13 && byte(b, 8)? <= 9 && b.get(64).is_some())
}

const TS_PACKET: usize = 188;

/// An MPEG transport stream (ISO 13818-1): whole packets of 188 bytes, each with its sync byte and not scrambled.
pub fn mpeg_ts(d: &Datagram) -> Look {
    let b = d.payload;
    if !b.len().is_multiple_of(TS_PACKET) || b.len() < 4 * TS_PACKET {
        return NO;
    }
    yes(b.chunks(TS_PACKET).all(|p| p.first() == Some(&0x47) && p.get(3).is_some_and(|c| c & 0xc0 == 0)))
}

/// Session announcements: version 1, neither encrypted nor compressed; a session description.
pub fn sap(d: &Datagram) -> Look {
    let b = d.payload;
    let (flags, words) = (byte(b, 0)?, usize::from(byte(b, 1)?));
    let address = if flags & 0x10 == 0 { 4 } else { 16 };
    let body = b.get(4 + address + 4 * words..)?;
    let description = body.strip_prefix(b"application/sdp\0").unwrap_or(body);
    yes(flags & 0xe3 == 0x20 && description.starts_with(b"v=0\r\n"))
}

/// A full frame: its bit, sequence numbers at their start, an IAX control frame.
pub fn iax2(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? & 0x80 != 0 && byte(b, 2)? & 0x80 == 0 && byte(b, 10)? == 6 && (1..=40).contains(&byte(b, 11)?))
}

/// Calls mirrored by a capture agent (HEP 3): its length is the datagram's.
pub fn hep(d: &Datagram) -> Look {
    yes(starts(d.payload, b"HEP3")? && usize::from(be16(d.payload, 4)?) == d.payload.len())
}

pub fn artnet(d: &Datagram) -> Look {
    yes(starts(d.payload, b"Art-Net\0")?)
}

/// Streaming ACN: the preamble and the identifier of ACN packets (ANSI E1.31).
pub fn e131(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\0\x10\0\0ASC-E1.17\0\0\0")?)
}

/// Discovery of lights by Pathway: a header, then version 2.
pub fn pathport(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\xed\x01\x02\0")?)
}

/// Bulbs: size, protocol 1024 with its address bit.
pub fn lifx(d: &Datagram) -> Look {
    let b = d.payload;
    let (size, protocol) = (le16(b, 0)?, le16(b, 2)?);
    weak(usize::from(size) == b.len() && protocol & 0x1fff == 0x1400 && b.len() >= 36)
}

/// A caster of corrections for satellite navigation lists its streams (NTRIP 1); what else it answers looks like HTTP.
pub fn ntrip_server(b: &[u8]) -> Look {
    yes(starts(b, b"SOURCETABLE 200 OK\r\n")?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, server, udp};

    #[test]
    fn players() {
        let mut hello = vec![3, 0, 0, 0, 9, 0, 0, 0, 0];
        hello.resize(1537, 0x5c);
        let mut answer = vec![3, 0, 0, 0, 9, 5, 0, 0, 1];
        answer.resize(1537, 0x5c);
        assert_eq!(both(&hello, &answer), Some(Protocol::Rtmp));
        assert_eq!(client(&hello), None);
        assert_eq!(server(b"SOURCETABLE 200 OK\r\nServer: x\r\n"), Some(Protocol::Ntrip));
    }

    #[test]
    fn transport_streams_are_whole_and_open() {
        let mut packet = vec![0x47, 0x01, 0x00, 0x10];
        packet.resize(188, 0xa5);
        let seven = packet.repeat(7);
        assert_eq!(udp(&seven, 1234), Some(Protocol::Mpegts));
        assert_eq!(udp(&seven[..188 * 3], 1234), None);
        packet[3] = 0x90;
        assert_eq!(udp(&packet.repeat(7), 1234), None, "scrambled");
    }

    #[test]
    fn announcements_and_calls() {
        assert_eq!(
            udp(b"\x20\0\x12\x34\x0a\0\0\x01application/sdp\0v=0\r\no=- 1 1 IN IP4 h\r\n", 9875),
            Some(Protocol::Sap)
        );
        assert_eq!(udp(b"\x80\x01\0\0\0\0\0\x03\0\0\x06\x01\x0b\x02\0\x02", 4569), Some(Protocol::Iax2));
        assert_eq!(udp(b"\x80\x01\0\0\0\0\0\x03\0\0\x06\x01\x0b\x02\0\x02", 4570), None);
        assert_eq!(udp(b"HEP3\0\x0c\0\0\0\x01\0\x07", 9060), Some(Protocol::Hep));
        assert_eq!(udp(b"HEP3\0\x0d\0\0\0\x01\0\x07", 9060), None);
    }

    #[test]
    fn lights() {
        assert_eq!(udp(b"Art-Net\0\0\x50\0\x0e\0\0", 6454), Some(Protocol::Artnet));
        assert_eq!(udp(b"\0\x10\0\0ASC-E1.17\0\0\0\x72\x6e", 5568), Some(Protocol::Sacn));
        assert_eq!(udp(b"\xed\x01\x02\0\0\0\x06\x58", 3792), Some(Protocol::Pathport));
        let mut lifx = vec![36, 0, 0, 0x34];
        lifx.resize(36, 0);
        assert_eq!((udp(&lifx, 56_700), udp(&lifx, 56_701)), (Some(Protocol::Lifx), None));
    }
}
