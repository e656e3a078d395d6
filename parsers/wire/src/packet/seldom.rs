//! Link types that are seldom met, down to an EtherType: other media, and what kernels and taps put in front of a packet.

use super::{Stop, link, wlan};
use crate::{ParseError, Reader};

/// LINKTYPE_ values (tcpdump.org/linktypes.html).
pub mod linktype {
    pub const TOKEN_RING: u16 = 6;
    pub const SLIP: u16 = 8;
    pub const FDDI: u16 = 10;
    pub const PPP_HDLC: u16 = 50;
    pub const PPP_ETHER: u16 = 51;
    pub const ATM_RFC1483: u16 = 100;
    pub const C_HDLC: u16 = 104;
    pub const IEEE802_11: u16 = 105;
    pub const FRELAY: u16 = 107;
    pub const ENC: u16 = 109;
    pub const PFLOG: u16 = 117;
    pub const PRISM: u16 = 119;
    pub const RADIOTAP: u16 = 127;
    pub const USER2: u16 = 149;
    pub const AVS: u16 = 163;
    pub const PPP_PPPD: u16 = 166;
    pub const JUNIPER_ETHER: u16 = 178;
    pub const MPLS: u16 = 219;
    pub const NFLOG: u16 = 239;
    pub const NETANALYZER: u16 = 240;
    pub const IPOIB: u16 = 242;
    pub const PKTAP: u16 = 258;
}
use linktype::*;

pub fn supported(link: u16) -> bool {
    const ALL: [u16; 22] = [
        TOKEN_RING,
        SLIP,
        FDDI,
        PPP_HDLC,
        PPP_ETHER,
        ATM_RFC1483,
        C_HDLC,
        IEEE802_11,
        FRELAY,
        ENC,
        PFLOG,
        PRISM,
        RADIOTAP,
        USER2,
        AVS,
        PPP_PPPD,
        JUNIPER_ETHER,
        MPLS,
        NFLOG,
        NETANALYZER,
        IPOIB,
        PKTAP,
    ];
    ALL.contains(&link)
}

/// EtherType and the bytes of the network layer.
#[cold]
pub fn network(linktype: u16, frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match linktype {
        TOKEN_RING => token_ring(frame),
        FDDI => link::llc(behind(frame, 13, "fddi")?),
        SLIP => link::raw(behind(frame, 16, "slip")?),
        PPP_HDLC | PPP_PPPD => link::ppp(frame),
        PPP_ETHER => Ok((link::PPPOE_SESSION, frame)),
        ATM_RFC1483 => link::llc(frame),
        C_HDLC => cisco_hdlc(frame),
        FRELAY => frame_relay(frame),
        // Address family, SPI and flags; address family and more, by a length of its own.
        ENC => link::raw(behind(frame, 12, "enc")?),
        PFLOG => {
            let length = usize::from(*frame.first().ok_or(ParseError::Truncated("pflog"))?).next_multiple_of(4);
            link::raw(behind(frame, length, "pflog")?)
        }
        IEEE802_11 => wlan::data(frame, false, false),
        RADIOTAP => wlan::radiotap(frame),
        PRISM | AVS => wlan::monitor(frame),
        JUNIPER_ETHER => juniper_ethernet(frame),
        MPLS => Ok((link::MPLS, frame)),
        NFLOG => nflog(frame),
        NETANALYZER => link::ethernet(behind(frame, 4, "netanalyzer")?),
        // RFC 4391 section 6 behind the 40 bytes that say from and to whom.
        IPOIB => {
            let mut r = Reader::new(behind(frame, 40, "ipoib")?, "ipoib");
            let ethertype = r.u16()?;
            r.u16()?;
            Ok((ethertype, r.rest()))
        }
        PKTAP | USER2 => pktap(frame),
        _ => Err(Stop::NotIp("link_type")),
    }
}

/// From the MAC header of 802.11 on, where the link type has one.
pub fn wlan(linktype: u16, frame: &[u8]) -> Option<&[u8]> {
    match linktype {
        IEEE802_11 => Some(frame),
        RADIOTAP => wlan::behind_radiotap(frame).ok(),
        PRISM | AVS => wlan::behind_monitor(frame).ok(),
        _ => None,
    }
}

fn behind<'a>(frame: &'a [u8], header: usize, layer: &'static str) -> Result<&'a [u8], ParseError> {
    frame.get(header..).ok_or(ParseError::Truncated(layer))
}

/// IEEE 802.5: two bytes of control, two addresses; the first bit of the source says that a route of some length follows.
fn token_ring(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let rest = behind(frame, 14, "token_ring")?;
    let routed = frame.get(8).is_some_and(|first| first & 0x80 != 0);
    let route = if routed { rest.first().map_or(0, |control| usize::from(control & 0x1f)) } else { 0 };
    link::llc(behind(rest, route, "token_ring")?)
}

/// Cisco HDLC (RFC 1547 section 4.3.1): address (unicast or broadcast), zero, EtherType.
fn cisco_hdlc(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match frame {
        [0x0f | 0x8f, 0, a, b, rest @ ..] => Ok((u16::from_be_bytes([*a, *b]), rest)),
        [0xff, 0x03, ..] => link::ppp(frame),
        _ => Err(Stop::NotIp("hdlc")),
    }
}

/// RFC 2427: a Q.922 address that ends with the first odd byte, UI, a pad, and the network layer's identifier.
fn frame_relay(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let end = frame.iter().take(4).position(|byte| byte & 1 != 0).ok_or(ParseError::Malformed("frame_relay"))?;
    match frame.get(end + 1..).unwrap_or_default() {
        [0x03, 0xcc, rest @ ..] | [0x03, 0x00, 0xcc, rest @ ..] => Ok((link::IPV4, rest)),
        [0x03, 0x8e, rest @ ..] | [0x03, 0x00, 0x8e, rest @ ..] => Ok((link::IPV6, rest)),
        [0x03, 0x00, 0x80, 0, 0, 0, a, b, rest @ ..] => Ok((u16::from_be_bytes([*a, *b]), rest)),
        // Cisco's own encapsulation has an EtherType right behind the address.
        [a @ (0x08 | 0x86 | 0x88), b, rest @ ..] => Ok((u16::from_be_bytes([*a, *b]), rest)),
        _ => Err(Stop::NotIp("frame_relay")),
    }
}

/// Magic, flags (extensions follow with a length; no second layer), then the Ethernet frame.
fn juniper_ethernet(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let ([b'M', b'G', b'C', flags], rest) = frame.split_first_chunk::<4>().ok_or(ParseError::Truncated("juniper"))?
    else {
        return Err(ParseError::Malformed("juniper").into());
    };
    let mut r = Reader::new(rest, "juniper");
    if flags & 0x80 != 0 {
        let length = usize::from(r.u16()?);
        r.take(length)?;
    }
    if flags & 0x02 != 0 { link::raw(behind(r.rest(), 4, "juniper")?) } else { link::ethernet(r.rest()) }
}

/// Linux netfilter's log: family, version, resource, then attributes in the byte order of the capturing host; the packet is
/// the one of type 9 (NFULA_PAYLOAD).
fn nflog(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    const PAYLOAD: u16 = 9;
    let mut rest = behind(frame, 4, "nflog")?;
    while let Some((header, _)) = rest.split_first_chunk::<4>() {
        let little = u16::from_le_bytes([header[0], header[1]]);
        let swap = usize::from(little) > rest.len() || little < 4;
        let read = |a, b| if swap { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) };
        let (length, kind) = (usize::from(read(header[0], header[1])), read(header[2], header[3]));
        if length < 4 {
            return Err(ParseError::Malformed("nflog").into());
        }
        if kind & 0x7fff == PAYLOAD {
            return link::raw(rest.get(4..length).unwrap_or(&rest[4..]));
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Err(Stop::NotIp("nflog"))
}

/// Darwin's packet tap: a header with its length and the link type of the frame behind it.
fn pktap(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let (header, _) = frame.split_first_chunk::<12>().ok_or(ParseError::Truncated("pktap"))?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, link) = (word(0) as usize, word(8));
    match u16::try_from(link) {
        Ok(PKTAP | USER2) | Err(_) => Err(ParseError::Malformed("pktap").into()),
        Ok(link) if length >= 12 => link::network(link, behind(frame, length, "pktap")?),
        Ok(_) => Err(ParseError::Malformed("pktap").into()),
    }
}
