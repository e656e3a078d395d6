//! IPv4 with options (RFC 791) and IPv6 with extension headers (RFC 8200) down to the transport.

use super::{Address, Fragment, Packet, Stop, transport};
use crate::{ParseError, Reader};

/// IP protocol numbers that the walk itself must know (IANA protocol-numbers).
pub mod number {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IPIP: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const DCCP: u8 = 33;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const ESP: u8 = 50;
    pub const AH: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT: u8 = 59;
    pub const DESTINATION: u8 = 60;
    pub const OSPF: u8 = 89;
    pub const ETHERIP: u8 = 97;
    pub const L2TP: u8 = 115;
    pub const SCTP: u8 = 132;
    pub const MOBILITY: u8 = 135;
    pub const UDP_LITE: u8 = 136;
    pub const MPLS_IN_IP: u8 = 137;
    pub const HIP: u8 = 139;
    pub const SHIM6: u8 = 140;
}

/// Extension headers in one packet: real ones have up to three; a longer chain only costs us time.
const MAX_EXTENSION_HEADERS: usize = 10;

#[inline]
pub fn v4(bytes: &[u8]) -> Result<Packet<'_>, Stop> {
    let (header, _) = bytes.split_first_chunk::<20>().ok_or(ParseError::Truncated("ipv4"))?;
    let header_length = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_length < 20 {
        return Err(ParseError::Malformed("ipv4").into());
    }
    // Segmentation offload leaves 0 in the length of frames captured on the sending host: the frame tells then.
    let total = match u16::from_be_bytes([header[2], header[3]]) {
        0 => bytes.len(),
        n => usize::from(n),
    };
    if total < header_length {
        return Err(ParseError::Malformed("ipv4").into());
    }
    let body = bytes.get(header_length..).ok_or(ParseError::Truncated("ipv4"))?;
    let length = total - header_length;
    let flags_and_offset = u16::from_be_bytes([header[6], header[7]]);
    // More-fragments flag and offset; the don't-fragment bit is no fragment.
    let fragment = (flags_and_offset & 0x3fff != 0).then(|| Fragment {
        id: u32::from(u16::from_be_bytes([header[4], header[5]])),
        offset: u32::from(flags_and_offset & 0x1fff) * 8,
        more: flags_and_offset & 0x2000 != 0,
    });
    let packet = Packet {
        v6: false,
        transport: header[9],
        flags: 0,
        src: Address::v4([header[12], header[13], header[14], header[15]]),
        dst: Address::v4([header[16], header[17], header[18], header[19]]),
        src_port: 0,
        dst_port: 0,
        seq: 0,
        ip_length: total as u32,
        payload_length: length as u32,
        payload: body.get(..length).unwrap_or(body),
        fragment,
    };
    transport::ports(packet)
}

#[inline]
pub fn v6(bytes: &[u8]) -> Result<Packet<'_>, Stop> {
    let (header, body) = bytes.split_first_chunk::<40>().ok_or(ParseError::Truncated("ipv6"))?;
    if header[0] >> 4 != 6 {
        return Err(ParseError::Malformed("ipv6").into());
    }
    // 0 is a jumbogram (RFC 2675) or an offloaded segment: the frame tells then.
    let length = match u16::from_be_bytes([header[4], header[5]]) {
        0 => body.len(),
        n => usize::from(n),
    };
    let (src, dst) = addresses(header);
    let packet = Packet {
        v6: true,
        transport: header[6],
        flags: 0,
        src,
        dst,
        src_port: 0,
        dst_port: 0,
        seq: 0,
        ip_length: 40 + length as u32,
        payload_length: length as u32,
        payload: body.get(..length).unwrap_or(body),
        fragment: None,
    };
    match packet.transport {
        number::TCP | number::UDP => transport::ports(packet),
        _ => transport::ports(extension_headers(packet)?),
    }
}

#[inline]
fn addresses(header: &[u8; 40]) -> (Address, Address) {
    let mut src = [0; 16];
    let mut dst = [0; 16];
    src.copy_from_slice(&header[8..24]);
    dst.copy_from_slice(&header[24..40]);
    (Address::v6(src), Address::v6(dst))
}

/// Whether the one's complement sum over these bytes is right (RFC 1071).
pub fn is_summed(b: &[u8]) -> bool {
    let sum: u32 = b.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two.get(1).copied().unwrap_or(0))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// What fragments were put together to: read on where they began, behind the fragment header.
pub fn whole(packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let packet = if packet.v6 { extension_headers(packet)? } else { packet };
    // A packet is fragmented once (RFC 8200 section 4.5): another fragment header in the whole is an attack or an error.
    if packet.fragment.is_some() { Err(ParseError::Malformed("ip_fragment").into()) } else { transport::ports(packet) }
}

/// Skips the extension headers; stops behind the fragment header of a part, because what follows is cut anywhere.
fn extension_headers(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    for _ in 0..MAX_EXTENSION_HEADERS {
        let mut r = Reader::new(packet.payload, "ipv6_extension");
        let header = match packet.transport {
            number::HOP_BY_HOP
            | number::ROUTING
            | number::DESTINATION
            | number::MOBILITY
            | number::HIP
            | number::SHIM6 => {
                let next = r.u8()?;
                let is_signalling = matches!(packet.transport, number::MOBILITY | number::HIP | number::SHIM6);
                if is_signalling && next == number::NO_NEXT {
                    // It is what the packet is about.
                    return Ok(packet);
                }
                let units = usize::from(r.u8()?);
                r.take(units * 8 + 6)?;
                packet.transport = next;
                (units + 1) * 8
            }
            number::FRAGMENT => {
                packet.transport = r.u8()?;
                r.u8()?;
                let offset_and_more = r.u16()?;
                let fragment = Fragment {
                    id: r.u32()?,
                    offset: u32::from(offset_and_more & 0xfff8),
                    more: offset_and_more & 1 != 0,
                };
                // An atomic fragment (RFC 6946) is a whole packet.
                packet.fragment = (fragment.offset != 0 || fragment.more).then_some(fragment);
                8
            }
            _ => return Ok(packet),
        };
        packet.payload = r.rest();
        packet.payload_length =
            packet.payload_length.checked_sub(header as u32).ok_or(ParseError::Malformed("ipv6_extension"))?;
        if packet.fragment.is_some() {
            return Ok(packet);
        }
    }
    Err(ParseError::Limited("ipv6_extension").into())
}
