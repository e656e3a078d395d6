//! What routers and meters say to each other: BGP (RFC 4271), BFD (RFC 5880), RIP (RFC 2453), LDP (RFC 5036), HSRP, OLSR,
//! Babel (RFC 8966), LISP (RFC 9301), GTP control and PFCP, Diameter (RFC 6733), OpenFlow, NetFlow, IPFIX, sFlow, PTP.

use super::Datagram;
use super::look::{Look, NO, be16, be24, be32, byte, starts, weak, yes};

/// The marker of sixteen ones, a length and a type.
pub fn bgp(b: &[u8]) -> Look {
    if !starts(b, &[0xff; 16])? {
        return NO;
    }
    yes((19..=4096).contains(&be16(b, 16)?) && (1..=5).contains(&byte(b, 18)?))
}

/// The payload of IP protocol 89: OSPF 2 (RFC 2328 A.3.1) or 3 (RFC 5340 A.3.1), one of five types, its length within the
/// packet.
pub fn ospf(b: &[u8]) -> bool {
    let (Some([version, 1..=5]), Some(length)) = (b.first_chunk(), be16(b, 2)) else { return false };
    let header = match version {
        2 => 24,
        3 => 16,
        _ => return false,
    };
    (header..=b.len()).contains(&usize::from(length))
}

/// Version 1, a known diagnostic, exact length, a detection multiplier, an own discriminator, a sane pace.
pub fn bfd(d: &Datagram) -> Look {
    let b = d.payload;
    let (first, length, pace) = (byte(b, 0)?, usize::from(byte(b, 3)?), be32(b, 12)?);
    let fixed = first >> 5 == 1 && first & 0x1f <= 9 && byte(b, 1)? & 1 == 0 && byte(b, 2)? != 0 && be32(b, 4)? != 0;
    weak(fixed && (24..=52).contains(&length) && length == b.len() && pace <= 1 << 30)
}

/// Command, version, zero, then entries of 20 bytes.
pub fn rip(d: &Datagram) -> Look {
    let b = d.payload;
    let entries = b.len() >= 4 && b.len() % 20 == 4 && b.len() <= 504;
    weak(
        entries
            && matches!(byte(b, 0)?, 1 | 2)
            && matches!(byte(b, 1)?, 1 | 2)
            && be16(b, 2)? == 0
            && matches!(be16(b, 4), None | Some(0 | 2 | 0xffff)),
    )
}

/// PDU header of version 1, and a first message that fits into it.
pub fn ldp(b: &[u8]) -> Look {
    let (version, length) = (be16(b, 0)?, be16(b, 2)?);
    let (kind, inner) = (be16(b, 10)? & 0x7fff, be16(b, 12)?);
    let known = matches!(kind, 0x0001 | 0x0100 | 0x0200..=0x0202 | 0x0300 | 0x0301 | 0x0400..=0x0404);
    weak(version == 1 && (14..=4096).contains(&length) && be16(b, 8)? == 0 && known && inner <= length)
}

pub fn ldp_datagram(d: &Datagram) -> Look {
    ldp(d.payload)
}

/// HSRP version 0 by its size, version 2 by its group TLV.
pub fn hsrp(d: &Datagram) -> Look {
    let b = d.payload;
    let first = byte(b, 0)? == 0
        && byte(b, 1)? <= 3
        && matches!(byte(b, 2)?, 0 | 1 | 2 | 4 | 8 | 16)
        && byte(b, 7)? == 0
        && b.len() >= 20;
    weak(first || byte(b, 0)? == 1 && byte(b, 1)? == 40 && byte(b, 2)? == 2)
}

/// The packet's own length in front, then a message type and size that fit.
pub fn olsr(d: &Datagram) -> Look {
    let b = d.payload;
    let own = usize::from(be16(b, 0)?) == b.len();
    weak(own && matches!(byte(b, 4)?, 1..=4 | 128..=131 | 200..=203) && usize::from(be16(b, 6)?) <= b.len() - 4)
}

pub fn babel(d: &Datagram) -> Look {
    weak(
        byte(d.payload, 0)? == 42
            && byte(d.payload, 1)? == 2
            && usize::from(be16(d.payload, 2)?) <= d.payload.len() - 4
            && byte(d.payload, 4)? <= 20,
    )
}

/// Control messages of types 1 to 4 with their reserved bits clear, a record count and a nonce.
pub fn lisp(d: &Datagram) -> Look {
    let b = d.payload;
    let (records, reserved, family) = (byte(b, 3)?, be16(b, 1)?, be16(b, 12)?);
    match byte(b, 0)? {
        // Map-Request: the source's address family. Map-Register and Map-Notify: key id, length of the authentication data.
        0x10..=0x1f => weak((1..=16).contains(&records) && matches!(family, 0..=2 | 16387) && reserved & 0x3fe0 == 0),
        0x30..=0x40 => weak(
            records <= 16 && reserved & 0x00e0 == 0 && family <= 0x0203 && matches!(be16(b, 14)?, 0 | 16 | 20 | 32),
        ),
        0x20..=0x2f => weak((1..=16).contains(&records) && reserved == 0 && byte(b, 16)? <= 32),
        // Encapsulated control message: an IP header follows.
        0x80..=0x8f => weak(reserved == 0 && records == 0 && matches!(byte(b, 4)?, 0x45 | 0x60)),
        _ => NO,
    }
}

/// Reliable transport (draft-ietf-lisp-map-server-reliable-transport): type, length, id, and an end marker at that length.
pub fn lisp_reliable(b: &[u8]) -> Look {
    let (kind, length) = (be16(b, 0)?, usize::from(be16(b, 2)?));
    if !(16..=32).contains(&kind) || length < 12 {
        return NO;
    }
    yes(be32(b, length - 4)? == 0x9fac_ade9)
}

/// CAPWAP in clear (RFC 5415 section 4.3): preamble 0, header length in words, wireless binding, reserved bits zero.
pub fn capwap(d: &Datagram) -> Look {
    let b = d.payload;
    let (word, fragment) = (be32(b, 0)?, be32(b, 4)?);
    let (words, binding) = ((word >> 19 & 0x1f) as usize, word >> 9 & 0x1f);
    let fits = (2..=8).contains(&words) && words * 4 < b.len();
    weak(fits && word >> 24 == 0 && matches!(binding, 0 | 1 | 3) && word & 7 == 0 && fragment & 7 == 0)
}

/// LSP ping (RFC 8029): version 1, flags, message type, reply mode.
pub fn mpls_echo(d: &Datagram) -> Look {
    let b = d.payload;
    weak(b.len() >= 32 && be16(b, 0)? == 1 && be16(b, 2)? <= 7 && (1..=4).contains(&byte(b, 4)?) && byte(b, 5)? <= 5)
}

/// GTP version 2 control (3GPP TS 29.274) and version 1 control, by lengths.
pub fn gtp_control(d: &Datagram) -> Look {
    let b = d.payload;
    let (flags, kind, length) = (byte(b, 0)?, byte(b, 1)?, usize::from(be16(b, 2)?));
    match flags >> 5 {
        // GTP' (TS 32.295): protocol type 0 and spare bits of one.
        0..=2 if flags & 0x1e == 0x0e => weak(kind != 0 && length + 6 == b.len()),
        // Another message may ride behind (section 5.5.1, P flag).
        2 if flags & 0x10 != 0 => {
            let next = length + 4;
            let whole = next + 4 + usize::from(be16(b, next + 2)?) == b.len();
            weak(flags & 3 == 0 && kind != 0 && byte(b, next)? >> 5 == 2 && whole)
        }
        2 => weak(flags & 7 == 0 && kind != 0 && length + 4 == b.len()),
        1 => weak(flags & 0x18 == 0x10 && kind != 0 && kind != 255 && length + 8 == b.len()),
        _ => NO,
    }
}

/// PFCP (3GPP TS 29.244): version 1, exact length.
pub fn pfcp(d: &Datagram) -> Look {
    let b = d.payload;
    let kind = matches!(byte(b, 1)?, 1..=15 | 50..=57);
    weak(byte(b, 0)? & 0xf8 == 0x20 && kind && usize::from(be16(b, 2)?) + 4 == b.len())
}

/// Version 1, a length in steps of four, reserved flag bits clear, a registered command.
pub fn diameter(b: &[u8]) -> Look {
    let (version, length, flags, command) = (byte(b, 0)?, be24(b, 1)?, byte(b, 4)?, be24(b, 5)?);
    let known = matches!(command, 257..=300 | 301..=330 | 8_388_600..=8_388_760);
    yes(version == 1
        && length % 4 == 0
        && (20..1 << 20).contains(&length)
        && flags & 0x0f == 0
        && known
        && be32(b, 8)? <= 0x0200_0000)
}

/// Version 1.0 to 1.5, HELLO first.
pub fn openflow(b: &[u8]) -> Look {
    let (version, kind, length) = (byte(b, 0)?, byte(b, 1)?, be16(b, 2)?);
    // TPKT (RFC 1006) begins as version 1.2 does; a COTP header behind it (ISO 8073) is no transaction: RDP may be encrypted there.
    let is_tpkt = version == 3 && kind == 0 && matches!(byte(b, 5)?, 0xd0 | 0xe0 | 0xf0);
    if !(1..=6).contains(&version) || kind > 35 || length < 8 || is_tpkt {
        return NO;
    }
    // A hello, or within a session messages of one version back to back.
    let end = usize::from(length);
    let next = || byte(b, end) == Some(version) && byte(b, end + 1).is_some_and(|k| k <= 35);
    weak(be32(b, 4).is_some() && (kind == 0 && length <= 64 || end == b.len() || next()))
}

/// RPKI to router (RFC 8210): versions 0 to 2, reset or serial query.
pub fn rpki_rtr(b: &[u8]) -> Look {
    let (version, kind, length) = (byte(b, 0)?, byte(b, 1)?, be32(b, 4)?);
    // Notify, queries, response, reset, prefixes (RFC 8210 section 5).
    let known = matches!((kind, length), (0 | 1, 12) | (2 | 3 | 8, 8) | (4, 20) | (6, 32));
    weak(version <= 2 && known)
}

/// NetFlow 1, 5, 7, 9 and IPFIX: version and a count or length that fits the datagram.
pub fn netflow(d: &Datagram) -> Look {
    let b = d.payload;
    let (version, count) = (be16(b, 0)?, usize::from(be16(b, 2)?));
    match version {
        5 => {
            let fills = (1..=30).contains(&count) && b.len() == 24 + 48 * count;
            // A day since 1995.
            if fills && (0x2f00_0000..0x8000_0000).contains(&be32(b, 8)?) { yes(true) } else { weak(fills) }
        }
        1 | 7 => {
            weak((1..=30).contains(&count) && b.len() == if version == 1 { 16 + 52 * count } else { 24 + 52 * count })
        }
        9 if sets_fill(b, 20) && count <= 64 && be16(b, 20)? <= 1 => yes(true),
        9 => weak(
            (1..=64).contains(&count)
                && usize::from(be16(b, 22)?) <= b.len() - 20
                && (be16(b, 20)? <= 1 || be16(b, 20)? >= 256),
        ),
        10 if count == b.len() && sets_fill(b, 16) => yes(be16(b, 16)? >= 2),
        10 => weak(count == b.len() && (matches!(be16(b, 16)?, 2 | 3) || be16(b, 16)? >= 256)),
        _ => NO,
    }
}

/// Whether sets with their lengths fill a message (RFC 3954 section 5, RFC 7011 section 3.3.2).
fn sets_fill(b: &[u8], mut at: usize) -> bool {
    while let Some(length) = be16(b, at + 2).filter(|length| *length >= 4) {
        at += usize::from(length);
    }
    at == b.len()
}

/// IPFIX over TCP (RFC 7011 section 10.4): a message whose first set fits.
pub fn ipfix_stream(b: &[u8]) -> Look {
    let (length, set, size) = (be16(b, 2)?, be16(b, 16)?, be16(b, 18)?);
    weak(be16(b, 0)? == 10 && (4..=length.saturating_sub(16)).contains(&size) && (matches!(set, 2 | 3) || set >= 256))
}

/// sFlow 5 and 4: version, address type, a count of samples.
pub fn sflow(d: &Datagram) -> Look {
    let b = d.payload;
    let family = be32(b, 4)?;
    let at = if family == 1 { 8 + 4 } else { 8 + 16 };
    yes(matches!(be32(b, 0)?, 2 | 4 | 5) && matches!(family, 1 | 2) && be32(b, at + 4).is_some())
}

/// Precision Time Protocol (IEEE 1588): version 2, the message's own length, domain.
pub fn ptp(d: &Datagram) -> Look {
    let b = d.payload;
    let kind = matches!(byte(b, 0)? & 0x0f, 0..=3 | 8..=13);
    weak(kind && byte(b, 1)? & 0x0f == 2 && usize::from(be16(b, 2)?) <= b.len() && (34..=128).contains(&be16(b, 2)?))
}

/// RIPng (RFC 2080): a command, version 1, zeros, whole entries.
pub fn ripng(d: &Datagram) -> Look {
    let b = d.payload;
    weak(matches!(byte(b, 0)?, 1 | 2) && byte(b, 1)? == 1 && be16(b, 2)? == 0 && b.len() % 20 == 4)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp};

    #[test]
    fn openflow_is_no_tpkt() {
        use crate::app::tests::client_on;
        let hello = b"\x03\0\0\x08\0\0\0\x07";
        assert_eq!(client_on(hello, 6653), Some(Protocol::Openflow));
        // MCS within RDP (T.125 section 7): a domain erected, a channel joined.
        for pdu in [&b"\x03\0\0\x0c\x02\xf0\x80\x04\x01\0\x01\0"[..], b"\x03\0\0\x0c\x02\xf0\x80\x38\0\x06\x03\xeb"] {
            assert_eq!(client_on(pdu, 6653), None);
        }
    }

    /// A Hello of RFC 2328 A.3.2: no neighbour yet.
    #[test]
    fn ospf_hello() {
        let mut hello = vec![2, 1, 0, 44, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        hello.extend([0; 8].iter().chain(&[255, 255, 255, 0, 0, 10, 2, 1, 0, 0, 0, 40]));
        hello.extend([0; 8]);
        assert!(super::ospf(&hello));
        for (at, wrong) in [(0, 4), (1, 6), (1, 0), (2, 1), (3, 23)] {
            let mut other = hello.clone();
            other[at] = wrong;
            assert!(!super::ospf(&other), "{at}");
        }
        assert!(!super::ospf(&hello[..43]) && !super::ospf(&[]));
    }

    #[test]
    fn access_points_locators_and_charging() {
        let discovery = b"\0\x10\x02\0\0\0\0\0\0\0\0\x01\0\0\x08\0";
        assert_eq!(udp(discovery, 5246), Some(Protocol::Capwap));
        assert_eq!(udp(b"\x01\0\0\0\x16\xfe\xff\0\0\0\0\0\0\0\0\0", 5246), None, "DTLS follows");
        let end = b"\0\x14\0\x0f\0\0\0\0\0\0\0\x9f\xac\xad\xe9";
        assert_eq!(client(end), Some(Protocol::Lisp));
        assert_eq!(client(b"\0\x14\0\x0f\0\0\0\0\0\0\0\x9f\xac\xad\xe8"), None);
        assert_eq!(udp(b"\x4e\x01\0\0\0\x01", 3386), Some(Protocol::Gtp));
        assert_eq!(udp(b"\x4e\x01\0\x01\0\x01", 3386), None);
        let piggyback = b"\x50\x01\0\x05\0\x01\0\0\x03\x48\x21\0\x04\0\0\0\0";
        assert_eq!(udp(piggyback, 2123), Some(Protocol::Gtp));
        assert_eq!(udp(&piggyback[..16], 2123), None);
        let register = b"\x32\0\x11\x02\0\0\0\0\0\0\0\x01\0\x01\0\x14";
        assert_eq!(udp(register, 4342), Some(Protocol::Lisp));
    }

    #[test]
    fn neighbours() {
        let mut keepalive = [0xffu8; 19];
        keepalive[16..].copy_from_slice(&[0, 19, 4]);
        assert_eq!(client(&keepalive), Some(Protocol::Bgp));
        keepalive[18] = 9;
        assert_eq!(client(&keepalive), None);
        let bfd = b"\x20\xc0\x03\x18\0\0\0\x01\0\0\0\0\0\x0f\x42\x40\0\x0f\x42\x40\0\0\0\0";
        assert_eq!(udp(bfd, 3784), Some(Protocol::Bfd));
        assert_eq!(udp(b"\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10", 520), Some(Protocol::Rip));
        let capabilities = b"\x01\0\0\x14\x80\0\x01\x01\0\0\0\0\0\0\0\x01\0\0\0\x02";
        assert_eq!(client(capabilities), Some(Protocol::Diameter));
    }

    #[test]
    fn caches_of_route_origins() {
        use crate::app::tests::client_on;
        assert_eq!(client_on(b"\x01\0\0\x07\0\0\0\x0c\0\0\0\x01", 323), Some(Protocol::Rpkirtr));
        assert_eq!(
            client_on(b"\x01\x04\0\0\0\0\0\x14\x01\x18\x18\0\xc0\0\x02\0\0\0\xfd\xe8", 323),
            Some(Protocol::Rpkirtr)
        );
        assert_eq!(client_on(b"\x01\x04\0\0\0\0\0\x0c\x01\x18\x18\0", 323), None);
    }

    #[test]
    fn meters() {
        let mut v5 = vec![0, 5, 0, 1];
        v5.resize(72, 0);
        assert_eq!(udp(&v5, 2055), Some(Protocol::Netflow));
        assert_eq!(udp(&v5, 40_001), None);
        v5[8] = 0x65;
        assert_eq!(udp(&v5, 40_001), Some(Protocol::Netflow), "a day as well");
        v5.push(0);
        assert_eq!(udp(&v5, 2055), None);
        // A template of two fields that fills the message (RFC 7011 section 3.4.1).
        let template = b"\0\x02\0\x10\x01\0\0\x02\0\x08\0\x04\0\x0c\0\x04";
        let message = [&b"\0\x0a\0\x20\x65\x55\0\x01\0\0\0\x01\0\0\0\x01"[..], template].concat();
        assert_eq!(udp(&message, 40_001), Some(Protocol::Netflow));
        assert_eq!(udp(&message[..31], 40_001), None);
        assert_eq!(
            udp(b"\0\0\0\x05\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\0\x2a\0\0\x10\0\0\0\0\x01", 6343),
            Some(Protocol::Sflow)
        );
    }
}
