//! What is carried by IP itself, without ports: groups and their routers (IGMP, PIM, DVMRP within IGMP), gateways (EGP, IGRP, EIGRP, OSPF,
//! IS-IS, NHRP), standby (VRRP, CARP), reservations (RSVP), reliable multicast (PGM), host identity (HIP, Shim6), L2TP 3 and PPP in GRE.
//!
//! The protocol number says what it is meant to be; that it is, its header has to say as well: version, type, length, and the
//! Internet checksum (RFC 1071) where the captured bytes are whole and no pseudo-header is part of it.

use super::look::{be16, be32, byte, may_be_sealed};
use super::routing::ospf;
use crate::Protocol;
use crate::packet::{Packet, ip_protocol as ip, is_summed};

/// IANA protocol numbers of what is told here and nowhere else.
mod number {
    pub const IGMP: u8 = 2;
    pub const EGP: u8 = 8;
    pub const IGRP: u8 = 9;
    pub const RSVP: u8 = 46;
    pub const NHRP: u8 = 54;
    pub const EIGRP: u8 = 88;
    pub const PIM: u8 = 103;
    pub const VRRP: u8 = 112;
    pub const PGM: u8 = 113;
    pub const ISIS: u8 = 124;
    pub const RSVP_E2E_IGNORE: u8 = 134;
}

/// What a packet without ports is, if its header bears its protocol number out.
pub fn over_ip(packet: &Packet<'_>) -> Option<Protocol> {
    let (b, length) = (packet.payload, packet.payload_length as usize);
    let protocol = match packet.transport {
        number::IGMP => Protocol::Igmp,
        number::EGP => Protocol::Egp,
        number::IGRP => Protocol::Igrp,
        number::RSVP | number::RSVP_E2E_IGNORE => Protocol::Rsvp,
        number::NHRP => Protocol::Nhrp,
        number::EIGRP => Protocol::Eigrp,
        ip::OSPF => Protocol::Ospf,
        number::PIM => Protocol::Pim,
        // Two protocols have this number: OpenBSD's has a fixed size and says how long its digest is.
        number::VRRP if b.first() == Some(&0x21) && length == 36 && b.get(3) == Some(&7) => Protocol::Carp,
        number::VRRP => Protocol::Vrrp,
        number::PGM => Protocol::Pgm,
        ip::L2TP => Protocol::L2tp,
        number::ISIS => Protocol::Isis,
        ip::MOBILITY => Protocol::Mobileip,
        ip::HIP => Protocol::Hip,
        ip::SHIM6 => Protocol::Shim6,
        ip::GRE => return ppp_in_gre(b),
        _ => return None,
    };
    bears_out(protocol, packet.v6, b, length).filter(|fits| *fits).map(|_| protocol)
}

fn bears_out(protocol: Protocol, v6: bool, b: &[u8], length: usize) -> Option<bool> {
    let sums = || b.len() < length || is_summed(b);
    Some(match protocol {
        // RFC 2236, 3376, 4286; 0x13 is DVMRP, 0x14 PIM's first version, 0x1e and 0x1f trace routes.
        Protocol::Igmp => {
            matches!(byte(b, 0)?, 0x11..=0x17 | 0x1e | 0x1f | 0x22 | 0x24..=0x26 | 0x30..=0x32) && length >= 8 && sums()
        }
        // RFC 904 appendix A.
        Protocol::Egp => byte(b, 0)? == 2 && matches!(byte(b, 1)?, 1..=3 | 5 | 8) && sums(),
        // Version 1, update or request, and three counts of entries of 14 bytes.
        Protocol::Igrp => matches!(byte(b, 0)?, 0x11 | 0x12) && length % 14 == 12 && sums(),
        // RFC 2205 section 3.1.1: a length that fills the packet. The checksum may be left out.
        Protocol::Rsvp => {
            let checked = be16(b, 2)? == 0 || sums();
            byte(b, 0)? >> 4 == 1 && usize::from(be16(b, 6)?) == length && length >= 8 && checked
        }
        // RFC 2332 section 5.2.1: version 1, a type, the packet's size.
        Protocol::Nhrp => byte(b, 16)? == 1 && (1..=7).contains(&byte(b, 17)?) && usize::from(be16(b, 10)?) == length,
        // RFC 7868 section 6.2.
        Protocol::Eigrp => byte(b, 0)? == 2 && matches!(byte(b, 1)?, 1..=6 | 10 | 11) && sums(),
        Protocol::Ospf => ospf(b),
        // RFC 7761 section 4.9: a register's checksum is over its header alone, one over IPv6 has a pseudo-header.
        Protocol::Pim => {
            const REGISTER: u8 = 1;
            let sums = || sums() || byte(b, 0) == Some(0x20 | REGISTER) && b.get(..8).is_some_and(is_summed);
            byte(b, 0)? >> 4 == 2 && byte(b, 0)? & 0x0f <= 13 && length >= 4 && (v6 || sums())
        }
        // RFC 3768 section 5.1; RFC 9568 section 5.1 has a pseudo-header, but not in every router.
        Protocol::Vrrp => {
            let (first, count) = (byte(b, 0)?, usize::from(byte(b, 3)?));
            let addresses = count * if v6 { 16 } else { 4 };
            match first {
                0x21 => byte(b, 4)? <= 2 && length >= 8 + addresses && sums(),
                0x31 => byte(b, 4)? & 0xf0 == 0 && count > 0 && length == 8 + addresses,
                _ => false,
            }
        }
        Protocol::Carp => sums(),
        // RFC 3208 section 8.1: the checksum of data may be left out.
        Protocol::Pgm => {
            let known = matches!(byte(b, 4)?, 0..=2 | 4 | 5 | 8..=10 | 16);
            known && usize::from(be16(b, 14)?) < length && length >= 16 && (be16(b, 6)? == 0 || sums())
        }
        // RFC 3931 section 4.1.1: session 0 is control: flags, version 3 and a length that fills the rest.
        Protocol::L2tp => {
            let control = be32(b, 0)? == 0 && matches!(be16(b, 4)?, 0xc803) && usize::from(be16(b, 6)?) + 4 == length;
            // A message that only acknowledges is as long as its header.
            control && length >= 16
        }
        // ISO 10589 section 9: discriminator, length of the header, version twice.
        Protocol::Isis => {
            byte(b, 0)? == 0x83 && (8..=33).contains(&byte(b, 1)?) && byte(b, 2)? == 1 && byte(b, 5)? == 1
        }
        // RFC 6275 section 6.1.1: nothing behind it, its length, a type, zero.
        Protocol::Mobileip => is_last_header(b, length)? && byte(b, 2)? <= 21 && byte(b, 3)? == 0,
        // RFC 7401 section 5.1: a type, version 1 or 2 and a bit that Shim6 does not have.
        Protocol::Hip => {
            let known = matches!(byte(b, 2)?, 1..=5 | 16..=20 | 32);
            is_last_header(b, length)? && known && matches!(byte(b, 3)?, 0x11 | 0x21) && length >= 40
        }
        // RFC 5533 section 5.3: control, its type.
        Protocol::Shim6 => {
            let known = matches!(byte(b, 2)?, 1..=6 | 64..=69);
            is_last_header(b, length)? && known && byte(b, 3)? & 0x01 == 0
        }
        _ => false,
    })
}

/// An extension header with nothing behind it: the next header is none, and its length is the packet's.
fn is_last_header(b: &[u8], length: usize) -> Option<bool> {
    Some(byte(b, 0)? == ip::NO_NEXT && (usize::from(byte(b, 1)?) + 1) * 8 == length)
}

/// PPTP's PPP (RFC 2637 section 4.1) or Cisco's: what is agreed on is in the clear; MPPE (RFC 3078 section 3.1) encrypts where it says so.
/// IP that can be read has been taken out before.
fn ppp_in_gre(b: &[u8]) -> Option<Protocol> {
    const SEQUENCE: u8 = 0x10;
    const PPP: u16 = 0x880b;
    let (flags, version) = (byte(b, 0)?, byte(b, 1)?);
    if version & 0x07 != 1 || be16(b, 2)? != PPP || flags & SEQUENCE == 0 {
        return None;
    }
    let body = b.get(if version & 0x80 != 0 { 16 } else { 12 }..)?;
    let body = body.strip_prefix(&[0xff, 0x03]).unwrap_or(body);
    match body {
        [0x00, 0xfd, rest @ ..] | [0xfd, rest @ ..] => is_mppe(rest).then_some(Protocol::Mppe),
        // LCP, PAP, CHAP, EAP, and the control of IPv4, IPv6, compression and encryption: code, identifier and a length within the packet.
        [0xc0, 0x21 | 0x23, code, _, a, b, ..]
        | [0xc2, 0x23 | 0x27, code, _, a, b, ..]
        | [0x80, 0x21 | 0x57 | 0xfd | 0x53, code, _, a, b, ..] => {
            let length = usize::from(u16::from_be_bytes([*a, *b]));
            ((1..=15).contains(code) && (4..=body.len()).contains(&(length))).then_some(Protocol::Ppp)
        }
        _ => None,
    }
}

/// Flags A and D stand for flushed and encrypted; B and C are of compression; then a count of 12 bits.
fn is_mppe(b: &[u8]) -> bool {
    const ENCRYPTED: u8 = 0x10;
    byte(b, 0).is_some_and(|flags| flags & ENCRYPTED != 0) && b.get(2..).is_some_and(may_be_sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Random, fair};

    fn told(transport: u8, payload: &[u8]) -> Option<Protocol> {
        let packet = Packet {
            v6: false,
            transport,
            flags: 0,
            src: Default::default(),
            dst: Default::default(),
            src_port: 0,
            dst_port: 0,
            seq: 0,
            ip_length: 20 + payload.len() as u32,
            payload_length: payload.len() as u32,
            payload,
            fragment: None,
        };
        over_ip(&packet)
    }

    /// The number alone says nothing, nor do random bytes behind it.
    #[test]
    fn random_bytes_are_nothing_whatever_their_number() {
        let mut random = Random(5);
        let hits = (0..60_000u32).filter(|round| {
            let n = 4 + random.below(60);
            let transport = if round % 8 == 0 { number::PIM } else { (round % 145) as u8 };
            told(transport, &random.bytes(n)).is_some()
        });
        assert!(hits.count() <= 4);
    }

    #[test]
    fn headers_bear_numbers_out() {
        let query = b"\x11\x64\xee\x9b\0\0\0\0";
        assert_eq!(told(2, query), Some(Protocol::Igmp));
        assert_eq!(told(2, b"\x11\x64\xee\x9c\0\0\0\0"), None, "checksum");
        assert_eq!(told(103, query), None);
        let i1 = [&b"\x3b\x04\x01\x11\0\0\0\0"[..], &[9; 32]].concat();
        assert_eq!(told(139, &i1), Some(Protocol::Hip));
        assert_eq!(told(140, &i1), None, "a bit that Shim6 does not have");
        assert_eq!(told(139, &i1[..39]), None);
    }

    /// RFC 3078 section 3: what MPPE encrypts, and LCP in front of it.
    #[test]
    fn ppp_of_pptp() {
        let gre = |body: &[u8]| [&b"\x30\x01\x88\x0b\0\x20\0\x07\0\0\0\x01"[..], body].concat();
        let sealed = fair(40);
        assert_eq!(told(47, &gre(&[&b"\0\xfd\x90\x01"[..], &sealed].concat())), Some(Protocol::Mppe));
        assert_eq!(told(47, &gre(&[&b"\xfd\x90\x01"[..], &sealed].concat())), Some(Protocol::Mppe));
        assert_eq!(told(47, &gre(&[&b"\0\xfd\x80\x01"[..], &sealed].concat())), None, "compressed alone");
        assert_eq!(told(47, &gre(&[&b"\0\xfd\x90\x01"[..], &[b'a'; 40]].concat())), None);
        assert_eq!(told(47, &gre(b"\xff\x03\xc0\x21\x01\x01\0\x08\x05\x06\x07\x08")), Some(Protocol::Ppp));
    }
}
