//! Link layers down to an EtherType: Ethernet II and 802.3 SNAP, 802.1Q and QinQ, Linux cooked, raw IP, BSD loopback; others in [`super::seldom`].

use super::{Stop, seldom};
use crate::{ParseError, Reader};

pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
pub const MPLS: u16 = 0x8847;
pub const MPLS_UPSTREAM: u16 = 0x8848;
pub const PPPOE_SESSION: u16 = 0x8864;
/// EAP over a LAN.
pub const EAPOL: u16 = 0x888e;
pub const MACSEC: u16 = 0x88e5;
pub const EAPOL_WORD: &str = "eapol";
/// Cisco MetaData: a security group tag between the addresses and the real EtherType.
const CMD: u16 = 0x8909;
const VN_TAG: u16 = 0x8926;
const E_TAG: u16 = 0x893f;
const PBB: u16 = 0x88e7;
const TRILL: u16 = 0x22f3;
const FABRIC_PATH: u16 = 0x8903;
pub const VLAN: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// Stacked tags: two are usual (802.1ad), more are provider oddities; beyond this it is an attack or garbage.
const MAX_VLAN_TAGS: usize = 4;

pub const ETHERNET: u16 = linktype::ETHERNET;
pub const LINUX_SLL: u16 = linktype::LINUX_SLL;
pub const LINUX_SLL2: u16 = linktype::LINUX_SLL2;

/// LINKTYPE_ values (tcpdump.org/linktypes.html). Raw IP has several for historical reasons.
mod linktype {
    pub const NULL: u16 = 0;
    pub const ETHERNET: u16 = 1;
    pub const PPP: u16 = 9;
    pub const RAW_BSD: u16 = 12;
    pub const RAW_OPENBSD: u16 = 14;
    pub const RAW: u16 = 101;
    pub const LOOP: u16 = 108;
    pub const LINUX_SLL: u16 = 113;
    pub const IPV4: u16 = 228;
    pub const IPV6: u16 = 229;
    pub const LINUX_SLL2: u16 = 276;
}

pub fn supported(link: u16) -> bool {
    use linktype::*;
    matches!(
        link,
        NULL | ETHERNET
            | PPP
            | RAW_BSD
            | RAW_OPENBSD
            | RAW
            | LOOP
            | LINUX_SLL
            | LINUX_SLL2
            | self::linktype::IPV4
            | self::linktype::IPV6
    ) || seldom::supported(link)
}

/// EtherType and the bytes of the network layer.
#[inline]
pub fn network(link: u16, frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    if link == linktype::ETHERNET {
        return ethernet(frame);
    }
    other_link(link, frame)
}

/// From the EtherType on.
pub fn behind_addresses(bytes: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let (ethertype, rest) = bytes.split_first_chunk::<2>().ok_or(ParseError::Truncated("ethernet"))?;
    after_ethertype(u16::from_be_bytes(*ethertype), rest)
}

#[inline]
pub fn ethernet(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let (header, rest) = frame.split_first_chunk::<14>().ok_or(ParseError::Truncated("ethernet"))?;
    after_ethertype(u16::from_be_bytes([header[12], header[13]]), rest)
}

/// Follows VLAN tags and, where the field is a length, LLC/SNAP.
#[inline]
pub fn after_ethertype(mut ethertype: u16, mut rest: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let mut tags = 0;
    while VLAN.contains(&ethertype) {
        if tags == MAX_VLAN_TAGS {
            return Err(ParseError::Limited("vlan").into());
        }
        let (tag, inner) = rest.split_first_chunk::<4>().ok_or(ParseError::Truncated("vlan"))?;
        ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        rest = inner;
        tags += 1;
    }
    match ethertype {
        0..0x0600 => llc(rest),
        IPV4 | IPV6 => Ok((ethertype, rest)),
        _ => seldom_shim(ethertype, rest),
    }
}

/// What else stands between the addresses and the real EtherType: tags of switches, a protection that leaves the content readable, and
/// the addresses or the frame of a customer.
#[cold]
fn seldom_shim(ethertype: u16, rest: &[u8]) -> Result<(u16, &[u8]), Stop> {
    // Of what is left, an EtherType of this kind is no packet: these do not nest.
    let then = |at: usize| match rest.get(at..).unwrap_or_default() {
        [a, b, inner @ ..] => Ok((u16::from_be_bytes([*a, *b]), inner)),
        _ => Err(Stop::Bad(ParseError::Truncated("ethernet"))),
    };
    let framed = |at: usize| {
        let (ethertype, mut inner) = then(at + 12)?;
        match (ethertype, inner) {
            // The customer's tag.
            (0x8100 | 0x88a8, [_, _, a, b, rest @ ..]) => {
                inner = rest;
                Ok((u16::from_be_bytes([*a, *b]), inner))
            }
            _ => Ok((ethertype, inner)),
        }
    };
    match ethertype {
        CMD => cisco_metadata(rest),
        VN_TAG => then(4),
        E_TAG => then(6),
        // IEEE 802.1ah: flags and service, then the customer's addresses.
        PBB => framed(4),
        // RFC 6325 section 3: two bytes of flags with the options' length in words, two nicknames, the frame.
        TRILL => framed(6 + 4 * usize::from(u16::from_be_bytes([byte(rest, 0), byte(rest, 1)]) >> 6 & 0x1f)),
        FABRIC_PATH => framed(2),
        // IEEE 802.1AE: neither encrypted nor changed.
        _ => Ok((ethertype, rest)),
    }
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Version, length in words, then options, each with its length in 4-byte units above two bytes of its own; one is usual.
#[cold]
fn cisco_metadata(rest: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match rest {
        [1, 1, _, _, _, _, a, b, inner @ ..] => Ok((u16::from_be_bytes([*a, *b]), inner)),
        _ => Err(Stop::NotIp("cisco_metadata")),
    }
}

/// IEEE 802.3 with LLC: SNAP carries an EtherType again (RFC 1042); LLC 0x06 is bare IP; others carry no IP.
pub fn llc(rest: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match rest {
        [0xaa, 0xaa, 0x03, 0, 0, 0, a, b, inner @ ..] => Ok((u16::from_be_bytes([*a, *b]), inner)),
        [0x06, 0x06, 0x03, inner @ ..] => Ok((IPV4, inner)),
        [0x42, 0x42, ..] => Err(Stop::NotIp("stp")),
        _ => Err(Stop::NotIp("llc")),
    }
}

fn other_link(link: u16, frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match link {
        linktype::RAW_BSD | linktype::RAW_OPENBSD | linktype::RAW | linktype::IPV4 | linktype::IPV6 => raw(frame),
        linktype::NULL | linktype::LOOP => loopback(frame),
        linktype::LINUX_SLL => {
            let mut r = Reader::new(frame, "linux_sll");
            r.take(14)?;
            let ethertype = r.u16()?;
            cooked(ethertype, r.rest())
        }
        linktype::LINUX_SLL2 => {
            let mut r = Reader::new(frame, "linux_sll2");
            let ethertype = r.u16()?;
            r.take(18)?;
            cooked(ethertype, r.rest())
        }
        linktype::PPP => ppp(frame),
        _ => seldom::network(link, frame),
    }
}

/// The protocol field of a cooked header holds an EtherType or one of Linux's own small numbers (1: 802.3, 4: 802.2 LLC).
fn cooked(ethertype: u16, rest: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match ethertype {
        4 => llc(rest),
        small if small < 0x0600 => Err(Stop::NotIp("cooked")),
        _ => after_ethertype(ethertype, rest),
    }
}

pub fn raw(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match frame.first().ok_or(ParseError::Truncated("ip"))? >> 4 {
        4 => Ok((IPV4, frame)),
        6 => Ok((IPV6, frame)),
        _ => Err(ParseError::Malformed("ip").into()),
    }
}

/// BSD loopback: an address family in the byte order of the capturing host (NULL) or the network's (LOOP).
/// IPv6 is 24, 28 or 30 depending on the BSD, 10 on Linux.
fn loopback(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let (family, rest) = frame.split_first_chunk::<4>().ok_or(ParseError::Truncated("loopback"))?;
    let little = u32::from_le_bytes(*family);
    let family = if little > 0xffff { u32::from_be_bytes(*family) } else { little };
    match family {
        2 => Ok((IPV4, rest)),
        10 | 24 | 28 | 30 => Ok((IPV6, rest)),
        _ => Err(Stop::NotIp("loopback")),
    }
}

/// PPP with or without the HDLC address and control bytes (RFC 1661, 1662).
pub fn ppp(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    // pppd's own captures put the direction, 0 or 1, in the address's place.
    let body = match frame {
        [0xff | 0x00 | 0x01, 0x03, body @ ..] => body,
        _ => frame,
    };
    match body {
        [0x00, 0x21, rest @ ..] | [0x21, rest @ ..] => Ok((IPV4, rest)),
        [0x00, 0x57, rest @ ..] | [0x57, rest @ ..] => Ok((IPV6, rest)),
        // A whole packet in one part of a multilink (RFC 1990 section 3), its number in 24 bits.
        [0x00, 0x3d, 0xc0, _, _, _, rest @ ..] | [0x3d, 0xc0, _, _, _, rest @ ..] => match rest {
            [0x00, 0x21, rest @ ..] | [0x21, rest @ ..] => Ok((IPV4, rest)),
            [0x00, 0x57, rest @ ..] | [0x57, rest @ ..] => Ok((IPV6, rest)),
            _ => Err(Stop::NotIp("ppp")),
        },
        // A bridged Ethernet frame (RFC 3518 section 4.2).
        [0x00, 0x31, _, 0x01, frame @ ..] => ethernet(frame),
        [0x02, 0x81, rest @ ..] => Ok((MPLS, rest)),
        [0x02, 0x83, rest @ ..] => Ok((MPLS_UPSTREAM, rest)),
        _ => Err(Stop::NotIp("ppp")),
    }
}

/// The summary's word for a frame without IP.
pub fn ethertype_word(ethertype: u16) -> &'static str {
    match ethertype {
        0x0806 => "arp",
        0x8035 => "rarp",
        0x88cc => "lldp",
        EAPOL => EAPOL_WORD,
        MACSEC => "macsec",
        MPLS | MPLS_UPSTREAM => "mpls",
        0x8863 | PPPOE_SESSION => "pppoe",
        0x8137 | 0x8138 => "ipx",
        0x88f7 => "ptp",
        0x8892 => "profinet",
        0x88a4 => "ethercat",
        0x88b8 => "goose",
        0x88ba => "sampled_values",
        0x9000 => "loop",
        _ => "ethertype",
    }
}
