//! Voice and video: STUN and TURN (RFC 8489, 8656), RTP and RTCP (RFC 3550), MGCP and Megaco, H.323, Skinny.
//!
//! RTP has no magic: one packet is at most weak; the caller asks again with the next one and decides on sequences.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le32, line, number, one_of, starts, weak, yes};

const MAGIC_COOKIE: u32 = 0x2112_a442;

/// The header, then attributes that walk to the end; without the cookie (RFC 3489) the port has to confirm.
fn stun_message(b: &[u8], whole: bool) -> Look {
    let (kind, length) = (be16(b, 0)?, usize::from(be16(b, 2)?));
    let cookie = be32(b, 4)?;
    if kind & 0xc000 != 0 || length % 4 != 0 {
        return NO;
    }
    if cookie == MAGIC_COOKIE {
        return yes(!whole || b.len() >= 20 && length + 20 <= b.len() + 4);
    }
    let classic = matches!(kind, 1 | 2 | 0x101 | 0x102 | 0x111 | 0x112) && length + 20 == b.len();
    if !whole || !classic {
        return NO;
    }
    let mut attributes = b.get(20..)?;
    let (mut seen, mut foreign) = (0, false);
    while !attributes.is_empty() {
        let (kind, size) = (be16(attributes, 0)?, usize::from(be16(attributes, 2)?));
        // Products add their own (Zoom's 0x0101): then only the lengths speak for it.
        foreign |= !matches!(kind, 1..=0x22 | 0x8000..=0x80ff);
        attributes = attributes.get(4 + size.next_multiple_of(4)..)?;
        seen += 1;
    }
    if seen >= 2 && !foreign { yes(true) } else { weak(seen > 0 && length <= 1024 || length == 0) }
}

pub fn stun(d: &Datagram) -> Look {
    stun_message(d.payload, true)
}

/// As it is, or behind RFC 4571's length (ICE over TCP, RFC 6544 section 3).
pub fn stun_stream(b: &[u8]) -> Look {
    let framed = be32(b, 6)? == MAGIC_COOKIE && be16(b, 0)? == be16(b, 4)?.saturating_add(20) && be16(b, 2)? >> 14 == 0;
    if framed { yes(true) } else { stun_message(b, false) }
}

/// TURN's ChannelData: channel number, length of what follows (RFC 8656 section 12.4).
pub fn turn_channel(d: &Datagram) -> Look {
    let b = d.payload;
    let (channel, length) = (be16(b, 0)?, usize::from(be16(b, 2)?));
    let padded = length.next_multiple_of(4) + 4 == b.len() || length + 4 == b.len();
    weak((0x4000..=0x4fff).contains(&channel) && padded && length >= 8)
}

/// A compound packet: sender or receiver report first, and every length ends on the next packet or on the end. A single report whose blocks
/// fill it exactly has 31 bits that its size determines; SRTCP's index and tag would stand behind it (RFC 3711 section 3.4).
pub fn rtcp(d: &Datagram) -> Look {
    let b = d.payload;
    let mut rest = b;
    let (mut packets, mut exact) = (0, true);
    while !rest.is_empty() {
        let (first, kind, words) = (byte(rest, 0)?, byte(rest, 1)?, usize::from(be16(rest, 2)?));
        if first >> 6 != 2 || !(200..=207).contains(&kind) || packets == 0 && !matches!(kind, 200 | 201 | 205 | 206) {
            return NO;
        }
        // A report has room for its blocks of 24 bytes (section 6.4).
        let least = match kind {
            200 => 6 + 6 * usize::from(first & 0x1f),
            201 => 1 + 6 * usize::from(first & 0x1f),
            _ => 1,
        };
        let Some(next) = rest.get(4 * (words + 1)..) else { return NO };
        if words < least {
            return NO;
        }
        exact &= matches!(kind, 200 | 201) && words == least && first & 0x20 == 0;
        rest = next;
        packets += 1;
    }
    if packets >= 2 || exact { yes(true) } else { weak(true) }
}

/// Static payload types that occur, with the size of a frame where it is fixed: only exact frames count.
pub fn rtp(d: &Datagram) -> Look {
    rtp_frame(d.payload)
}

pub(super) fn rtp_frame(b: &[u8]) -> Look {
    let (first, kind) = (byte(b, 0)?, byte(b, 1)?);
    // Version 2 without padding, extension or contributing sources.
    if first != 0x80 {
        return NO;
    }
    let payload = b.len().checked_sub(12)?;
    let frames = match kind & 0x7f {
        // G.711 and G.722: 10 ms are 80 bytes.
        0 | 8 | 9 => payload % 80 == 0 && (80..=480).contains(&payload),
        // GSM, G.723, G.729: frames of 33, 24 or 20, 10 bytes, and a silence frame of 2.
        3 => payload % 33 == 0 && payload > 0 && byte(b, 12)? >> 4 == 0xd,
        4 => matches!(payload, 24 | 20 | 48 | 72),
        18 => matches!(payload, 10 | 20 | 30 | 40 | 60 | 2 | 12 | 22),
        13 => (1..=12).contains(&payload),
        // MPEG audio (RFC 2250 section 3.5) has zeros, an offset of zero and a frame's header; a transport stream its packets.
        14 => return yes(at(b, 12, &[0, 0, 0, 0, 0xff])? && byte(b, 17)? >= 0xe2 && be32(b, 8)? != 0),
        33 | 96..=127 if payload.is_multiple_of(188) && payload >= 3 * 188 => {
            return yes(b.get(12..)?.chunks(188).all(|packet| packet.first() == Some(&0x47)));
        }
        // Telephone events of four bytes (RFC 4733).
        96..=127 => payload == 4 && byte(b, 12)? <= 16 && byte(b, 13)? & 0x40 == 0,
        _ => false,
    };
    weak(frames && be32(b, 8)? != 0 && be16(b, 2).is_some())
}

/// MGCP (RFC 3435): verb, transaction, endpoint, version; or a response code and transaction.
pub fn mgcp(d: &Datagram) -> Look {
    const VERBS: &[&[u8]] = &[b"EPCF ", b"CRCX ", b"MDCX ", b"DLCX ", b"RQNT ", b"NTFY ", b"AUEP ", b"AUCX ", b"RSIP "];
    let first = line(d.payload)?;
    if one_of(first, VERBS) == Some(true) {
        return yes(memchr::memmem::find(first, b" MGCP 1.0").is_some());
    }
    let Some((code, [b' ', rest @ ..])) = number(first) else { return NO };
    weak((100..1000).contains(&code) && matches!(number(rest), Some((_, [] | [b' ', ..]))) && is_text(d.payload))
}

/// Megaco (RFC 3525) in text, long and short form.
pub fn megaco(d: &Datagram) -> Look {
    yes(starts(d.payload, b"MEGACO/").or_else(|| starts(d.payload, b"!/1 "))?
        || one_of(d.payload, &[b"!/1 ", b"!/2 ", b"!/3 "])?)
}

/// H.225 call signalling: Q.931 behind TPKT (RFC 1006): discriminator 8, a call reference of two bytes, a message type.
pub fn h323(b: &[u8]) -> Look {
    if !starts(b, &[3, 0])? {
        return NO;
    }
    // H.245: the capabilities of a terminal, with the protocol's object identifier.
    if byte(b, 4)? == 2 && byte(b, 5)? == 0x70 {
        return yes(b.get(6..24)?.windows(6).any(|w| w == [0x06, 0x00, 0x08, 0x81, 0x75, 0x00]));
    }
    let (length, discriminator, reference) = (be16(b, 2)?, byte(b, 4)?, byte(b, 5)?);
    yes(length >= 9
        && discriminator == 8
        && reference == 2
        && matches!(byte(b, 8)?, 1 | 2 | 3 | 5 | 7 | 0x0d | 0x0f | 0x45..=0x5a | 0x62 | 0x6e | 0x75 | 0x7b | 0x7d))
}

/// H.225 RAS: a gatekeeper request in packed encoding, with the protocol's object identifier in it.
pub fn h225_ras(d: &Datagram) -> Look {
    let head = d.payload.get(..24).unwrap_or(d.payload);
    yes(head.windows(6).any(|w| w == [0x06, 0x00, 0x08, 0x91, 0x4a, 0x00]))
}

/// Cisco Skinny: little-endian length, header version, message id.
pub fn skinny(b: &[u8]) -> Look {
    let (length, version, message) = (le32(b, 0)?, le32(b, 4)?, le32(b, 8)?);
    weak((4..2048).contains(&length) && matches!(version, 0 | 0x12 | 0x11 | 0x14 | 0x16) && message <= 0x15f)
}

/// Binary Floor Control (RFC 8855): version 1, a primitive, and the payload's length in words.
pub fn bfcp(b: &[u8]) -> Look {
    let (first, primitive) = (byte(b, 0)?, byte(b, 1)?);
    weak(
        first >> 5 == 1
            && first & 7 == 0
            && (1..=18).contains(&primitive)
            && be16(b, 2)? <= 64
            && be16(b, 4)? == 0
            && be32(b, 8)? != 0,
    )
}

/// Over UDP (RFC 8855 section 6.2): version 1 or 2, the datagram's length, attributes of type and length that fill it.
pub fn bfcp_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    let (first, primitive) = (byte(b, 0)?, byte(b, 1)?);
    let header = matches!(first >> 5, 1 | 2) && first & 7 == 0 && (1..=18).contains(&primitive);
    let mut attributes = b.get(12..)?;
    if !header || 4 * usize::from(be16(b, 2)?) != attributes.len() {
        return NO;
    }
    let mut seen = 0;
    while !attributes.is_empty() {
        let (kind, size) = (byte(attributes, 0)? >> 1, usize::from(byte(attributes, 1)?));
        let Some(next) = attributes.get(size.next_multiple_of(4).max(4)..) else { return NO };
        if size < 2 || !(1..=18).contains(&kind) {
            return NO;
        }
        attributes = next;
        seen += 1;
    }
    if seen > 0 { yes(true) } else { weak(true) }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::Serial;
    use crate::app::tests::{client, udp};

    #[test]
    fn one_report_that_fills_its_datagram() {
        let mut report = b"\x81\xc8\0\x0c\xde\xad\xbe\xef".to_vec();
        report.resize(52, 7);
        assert_eq!(udp(&report, 20_001), Some(Protocol::Rtcp));
        report.extend_from_slice(&[0; 4]);
        report[3] = 13;
        assert_eq!(udp(&report, 20_001), None, "four bytes of something else");
        report.truncate(52);
        report[3] = 12;
        report.extend_from_slice(&[0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(udp(&report, 20_001), None, "SRTCP");
    }

    #[test]
    fn films_in_rtp() {
        let mut film = b"\x80\x21\0\x01\0\0\0\xa0\xde\xad\xbe\xef".to_vec();
        for _ in 0..7 {
            film.push(0x47);
            film.resize(film.len() + 187, 0x9b);
        }
        assert_eq!(udp(&film, 9000), Some(Protocol::Rtp));
        film[12 + 188] = 0x48;
        assert_eq!(udp(&film, 9000), None);
        let sound = b"\x80\x0e\0\x01\0\0\0\xa0\xde\xad\xbe\xef\0\0\0\0\xff\xfb\x90\x64";
        assert_eq!(udp(sound, 9000), Some(Protocol::Rtp));
    }

    #[test]
    fn floors_and_capabilities() {
        // RFC 8855 section 5.3: a FloorRequest with a FLOOR-ID.
        let request = b"\x40\x01\0\x01\0\0\0\x01\0\x01\0\x02\x05\x04\0\x01";
        assert_eq!(udp(request, 9000), Some(Protocol::Bfcp));
        assert_eq!(udp(&[&request[..], &[0; 4]].concat(), 9000), None);
        let set =
            b"\x03\0\0\x20\x02\x70\x01\x06\0\x08\x81\x75\0\x05\x80\x13\x80\0\x0a\0\x01\0\0\x01\0\0\x01\0\0\x01\0\0";
        assert_eq!(client(set), Some(Protocol::H323));
    }

    #[test]
    fn stun_with_and_without_the_cookie() {
        // RFC 5769 section 2.1 (its first attribute).
        let request = b"\0\x01\0\x14\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x80\x22\0\x10STUN test client";
        assert_eq!(udp(request, 9000), Some(Protocol::Stun));
        assert_eq!(client(request), Some(Protocol::Stun));
        let classic = b"\0\x01\0\x08aaaabbbbccccdddd\0\x03\0\x04\0\0\0\0";
        assert_eq!(udp(classic, 3478), Some(Protocol::Stun));
        assert_eq!(udp(classic, 9000), None);
        let foreign = b"\0\x01\0\x08aaaabbbbccccdddd\x01\x01\0\x04\0\0\0\0";
        assert_eq!((udp(foreign, 3478), udp(foreign, 9000)), (Some(Protocol::Stun), None));
        let mut framed = vec![0, 40];
        framed.extend_from_slice(request);
        assert_eq!(client(&framed), Some(Protocol::Stun));
        framed[1] = 41;
        assert_eq!(client(&framed), None);
    }

    #[test]
    fn media_of_exact_frames() {
        let mut rtp = vec![0x80, 0, 0x9a, 1, 0, 0, 0, 0xa0, 0xde, 0xad, 0xbe, 0xef];
        rtp.resize(12 + 160, 0xd5);
        assert_eq!(udp(&rtp, 5004), Some(Protocol::Rtp));
        assert_eq!(udp(&rtp, 9000), None);
        let first = Serial::of(&rtp).unwrap();
        rtp[3] = 2;
        assert!(Serial::of(&rtp).unwrap().follows(first));
        assert!(!first.follows(first));
        rtp.push(0);
        assert_eq!(Serial::of(&rtp), None);
        assert_eq!(udp(&rtp, 5004), None);
        let rtcp = b"\x80\xc9\0\x01\xde\xad\xbe\xef\x81\xca\0\x03\xde\xad\xbe\xef\x01\x03a@b\0\0\0";
        assert_eq!(udp(rtcp, 20_001), Some(Protocol::Rtcp));
    }

    #[test]
    fn signalling() {
        assert_eq!(udp(b"RSIP 1200 *@ca.example MGCP 1.0\r\nRM: restart\r\n", 2427), Some(Protocol::Mgcp));
        assert_eq!(udp(b"MEGACO/1 [124.124.124.222] Transaction = 9998 {}", 2944), Some(Protocol::Megaco));
        assert_eq!(client(b"\x03\0\x01\x2c\x08\x02\x12\x34\x05\x04\x03"), Some(Protocol::H323));
    }
}
