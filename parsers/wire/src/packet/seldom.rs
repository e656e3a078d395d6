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
    pub const ATM_CLIP: u16 = 106;
    pub const FRELAY: u16 = 107;
    pub const ENC: u16 = 109;
    pub const PFLOG: u16 = 117;
    pub const PRISM: u16 = 119;
    pub const IP_OVER_FC: u16 = 122;
    pub const SUNATM: u16 = 123;
    pub const RADIOTAP: u16 = 127;
    pub const APPLE_IP_OVER_IEEE1394: u16 = 138;
    pub const DOCSIS: u16 = 143;
    pub const USER2: u16 = 149;
    pub const AVS: u16 = 163;
    pub const PPP_PPPD: u16 = 166;
    pub const JUNIPER_PPPOE: u16 = 167;
    pub const JUNIPER_ETHER: u16 = 178;
    pub const JUNIPER_PPP: u16 = 179;
    pub const JUNIPER_FRELAY: u16 = 180;
    pub const JUNIPER_CHDLC: u16 = 181;
    pub const PPI: u16 = 192;
    pub const ERF: u16 = 197;
    pub const PPP_WITH_DIR: u16 = 204;
    pub const C_HDLC_WITH_DIR: u16 = 205;
    pub const FRELAY_WITH_DIR: u16 = 206;
    pub const MPLS: u16 = 219;
    pub const IPNET: u16 = 226;
    pub const NFLOG: u16 = 239;
    pub const NETANALYZER: u16 = 240;
    pub const NETANALYZER_TRANSPARENT: u16 = 241;
    pub const IPOIB: u16 = 242;
    pub const PKTAP: u16 = 258;
    pub const EPON: u16 = 259;
    pub const ETHERNET_MPACKET: u16 = 274;
    pub const DSA_TAG_BRCM: u16 = 281;
    pub const DSA_TAG_BRCM_PREPEND: u16 = 282;
    pub const DSA_TAG_DSA: u16 = 284;
    pub const DSA_TAG_EDSA: u16 = 285;
}
use linktype::*;

pub fn supported(link: u16) -> bool {
    const ALL: [u16; 44] = [
        TOKEN_RING,
        SLIP,
        FDDI,
        PPP_HDLC,
        PPP_ETHER,
        ATM_RFC1483,
        C_HDLC,
        IEEE802_11,
        ATM_CLIP,
        FRELAY,
        ENC,
        PFLOG,
        PRISM,
        IP_OVER_FC,
        SUNATM,
        RADIOTAP,
        APPLE_IP_OVER_IEEE1394,
        DOCSIS,
        USER2,
        AVS,
        PPP_PPPD,
        JUNIPER_PPPOE,
        JUNIPER_ETHER,
        JUNIPER_PPP,
        JUNIPER_FRELAY,
        JUNIPER_CHDLC,
        PPI,
        ERF,
        PPP_WITH_DIR,
        C_HDLC_WITH_DIR,
        FRELAY_WITH_DIR,
        MPLS,
        IPNET,
        NFLOG,
        NETANALYZER,
        NETANALYZER_TRANSPARENT,
        IPOIB,
        PKTAP,
        EPON,
        ETHERNET_MPACKET,
        DSA_TAG_BRCM,
        DSA_TAG_BRCM_PREPEND,
        DSA_TAG_DSA,
        DSA_TAG_EDSA,
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
        ATM_RFC1483 => atm(frame),
        ATM_CLIP if frame.starts_with(&[0xaa, 0xaa]) => link::llc(frame),
        ATM_CLIP => link::raw(frame),
        SUNATM => match frame {
            [kind, _, _, _, rest @ ..] if kind & 0x0f == 2 => atm(rest),
            _ => Err(Stop::NotIp("atm")),
        },
        // RFC 4338 section 4: two names.
        IP_OVER_FC => link::llc(behind(frame, 16, "fibre_channel")?),
        APPLE_IP_OVER_IEEE1394 => link::behind_addresses(behind(frame, 16, "ieee1394")?),
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
        JUNIPER_ETHER | JUNIPER_PPPOE => juniper(frame, link::ethernet),
        JUNIPER_PPP => juniper(frame, link::ppp),
        JUNIPER_FRELAY => juniper(frame, frame_relay),
        JUNIPER_CHDLC => juniper(frame, cisco_hdlc),
        DOCSIS => docsis(frame),
        PPI => ppi(frame),
        ERF => erf(frame),
        PPP_WITH_DIR => link::ppp(behind(frame, 1, "ppp")?),
        C_HDLC_WITH_DIR => cisco_hdlc(behind(frame, 1, "hdlc")?),
        FRELAY_WITH_DIR => frame_relay(behind(frame, 1, "frame_relay")?),
        // Solaris: version, family, lengths, interfaces and zones.
        IPNET => link::raw(behind(frame, 24, "ipnet")?),
        MPLS => Ok((link::MPLS, frame)),
        NFLOG => nflog(frame),
        NETANALYZER => link::ethernet(behind(frame, 4, "netanalyzer")?),
        // The same with the preamble of eight bytes, which others capture without a header.
        NETANALYZER_TRANSPARENT => link::ethernet(behind(frame, 12, "netanalyzer")?),
        EPON => link::ethernet(behind(frame, 8, "epon")?),
        ETHERNET_MPACKET => mpacket(frame),
        // A switch's tag in front of the frame, or between its addresses and what it carries; Marvell's has an EtherType of its own.
        DSA_TAG_BRCM_PREPEND => link::ethernet(behind(frame, 4, "dsa")?),
        DSA_TAG_BRCM | DSA_TAG_DSA => link::behind_addresses(behind(frame, 16, "dsa")?),
        DSA_TAG_EDSA if frame.get(12..14) == Some(&[0xda, 0xda]) => link::behind_addresses(behind(frame, 20, "dsa")?),
        DSA_TAG_EDSA => link::ethernet(frame),
        // RFC 4391 section 6 behind the 40 bytes that say from and to whom.
        IPOIB => {
            let mut r = Reader::new(behind(frame, 40, "ipoib")?, "ipoib");
            let ethertype = r.u16()?;
            r.u16()?;
            Ok((ethertype, r.rest()))
        }
        PKTAP | USER2 => pktap(frame),
        _ => Err(Stop::NotIp(refused(linktype))),
    }
}

/// The summary's word for frames of a link type that is not read: they carry no IP, or in a way that is not known here.
fn refused(linktype: u16) -> &'static str {
    match linktype {
        3 | 202 => "ax25",
        7 | 129 => "arcnet",
        139..=142 => "ss7",
        177 => "lapd",
        186 | 189 | 220 | 249 | 266 | 288 | 292..=295 => "usb",
        187 | 201 | 251 | 254..=256 | 272 => "bluetooth",
        190 | 227 => "can",
        191 | 195 | 215 | 230 | 283 => "ieee802_15_4",
        217 | 218 => "gsmtap",
        225 | 224 => "fibre_channel",
        231 => "dbus",
        243 => "mpegts",
        247 => "infiniband",
        248 => "sctp",
        252 => "exported_pdu",
        253 => "netlink",
        271 => "vsock",
        _ => "link_type",
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

/// RFC 2684: LLC in front of a protocol (section 5.1), of a bridged Ethernet frame behind two bytes (section 5.2), or of PPP (RFC 2364
/// section 6).
fn atm(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    match frame {
        [0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0x00, 0x01 | 0x07, _, _, frame @ ..] => link::ethernet(frame),
        [0xfe, 0xfe, 0x03, 0xcf, rest @ ..] => link::ppp(rest),
        [0xfe, 0xfe, 0x03, ..] => Err(Stop::NotIp("atm")),
        _ => link::llc(frame),
    }
}

/// Magic, flags (extensions follow with a length; no second layer), then the frame.
fn juniper<'a>(
    frame: &'a [u8],
    inside: impl Fn(&'a [u8]) -> Result<(u16, &'a [u8]), Stop>,
) -> Result<(u16, &'a [u8]), Stop> {
    let ([b'M', b'G', b'C', flags], rest) = frame.split_first_chunk::<4>().ok_or(ParseError::Truncated("juniper"))?
    else {
        return Err(ParseError::Malformed("juniper").into());
    };
    let mut r = Reader::new(rest, "juniper");
    if flags & 0x80 != 0 {
        let length = usize::from(r.u16()?);
        r.take(length)?;
    }
    if flags & 0x02 != 0 { link::raw(behind(r.rest(), 4, "juniper")?) } else { inside(r.rest()) }
}

/// Frame control (type, parameters, whether a header extends it), its length, lengths, a checksum; type 0 is an Ethernet frame.
fn docsis(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    const EXTENDED: u8 = 0x01;
    let ([control, parameter, ..], _) = frame.split_first_chunk::<6>().ok_or(ParseError::Truncated("docsis"))?;
    if control & !EXTENDED != 0 {
        return Err(Stop::NotIp("docsis"));
    }
    let extension = if control & EXTENDED != 0 { usize::from(*parameter) } else { 0 };
    link::ethernet(behind(frame, 6 + extension, "docsis")?)
}

/// CACE's per-packet information: version, flags, length and link type of what is behind its fields.
fn ppi(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let ([_, _, a, b, c, d, e, f], _) = frame.split_first_chunk::<8>().ok_or(ParseError::Truncated("ppi"))?;
    let length = usize::from(u16::from_le_bytes([*a, *b]));
    match u16::try_from(u32::from_le_bytes([*c, *d, *e, *f])) {
        // One of the two in the other is enough.
        Ok(PPI | PKTAP | USER2) | Err(_) => Err(ParseError::Malformed("ppi").into()),
        Ok(link) if length >= 8 => link::network(link, behind(frame, length, "ppi")?),
        Ok(_) => Err(ParseError::Malformed("ppi").into()),
    }
}

/// Endace's record: time, type, flags, lengths; extension headers of eight bytes while their first bit says so; two bytes before
/// an Ethernet frame.
fn erf(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    const MORE: u8 = 0x80;
    let kind = *frame.get(8).ok_or(ParseError::Truncated("erf"))?;
    let mut rest = behind(frame, 16, "erf")?;
    let mut more = kind & MORE != 0;
    while more {
        more = rest.first().ok_or(ParseError::Truncated("erf"))? & MORE != 0;
        rest = behind(rest, 8, "erf")?;
    }
    match kind & !MORE {
        1 => cisco_hdlc(rest),
        2 | 11 | 16 => link::ethernet(behind(rest, 2, "erf")?),
        22 | 23 => link::raw(rest),
        _ => Err(Stop::NotIp("erf")),
    }
}

/// IEEE 802.3br: a preamble whose last byte says whether a whole frame follows, or a part of one that was interrupted.
fn mpacket(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    const WHOLE: u8 = 0xd5;
    const FIRST_PARTS: [u8; 4] = [0xe6, 0x4c, 0x7f, 0xb3];
    let (preamble, rest) = frame.split_first_chunk::<8>().ok_or(ParseError::Truncated("mpacket"))?;
    let begins = preamble[7] == WHOLE || FIRST_PARTS.contains(&preamble[7]);
    if begins { link::ethernet(rest) } else { Err(Stop::NotIp("mpacket")) }
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
