//! What nearly every packet is, read in one straight line: TCP, UDP or ESP in whole IPv4 without options or IPv6 without
//! extension headers, in Ethernet with at most one tag, and no tunnel's port. Anything else, damage above all, is left to
//! [`super::dissect`], which reads these packets the same.

use super::{Address, Packet, ip::number, link, tunnel};

/// Version 4, five words of header.
const IPV4_WITHOUT_OPTIONS: u8 = 0x45;

/// The packet in a frame if it is an ordinary one. `link` is the LINKTYPE_ value of its interface.
/// Inlined, so that who wants a few of its members does not pay for all.
#[inline(always)]
pub fn read(link: u16, frame: &[u8]) -> Option<Packet<'_>> {
    if link != link::ETHERNET {
        return None;
    }
    let (ethernet, mut bytes) = frame.split_first_chunk::<14>()?;
    let mut ethertype = be16(ethernet[12], ethernet[13]);
    if ethertype == link::VLAN[0] {
        let (tag, rest) = bytes.split_first_chunk::<4>()?;
        (ethertype, bytes) = (be16(tag[2], tag[3]), rest);
    }
    match ethertype {
        link::IPV4 => v4(bytes),
        link::IPV6 => v6(bytes),
        _ => None,
    }
}

/// What is behind the IP header of a frame that [`read`] read, which found this version and this length of the packet, and its
/// length on the wire: shorter where the capture was cut.
#[inline]
pub fn body(frame: &[u8], v6: bool, ip_length: u32) -> (&[u8], u32) {
    let tagged = frame.get(12..14) == Some(&link::VLAN[0].to_be_bytes());
    let header = if v6 { 40 } else { 20 };
    let body = frame.get(14 + 4 * usize::from(tagged) + header..).unwrap_or_default();
    let length = ip_length.saturating_sub(header as u32);
    (body.get(..length as usize).unwrap_or(body), length)
}

/// The addresses of a frame that is about them alone, whatever else is wrong with it: it carries neither a fragment nor a
/// tunnel, so [`super::dissect`] finds these addresses or nothing. Of every frame that [`read`] reads.
#[inline]
pub fn addresses(link: u16, frame: &[u8]) -> Option<(Address, Address)> {
    if link != link::ETHERNET {
        return None;
    }
    let (mut ethertype, mut at) = (be16(*frame.get(12)?, *frame.get(13)?), 14);
    if ethertype == link::VLAN[0] {
        (ethertype, at) = (be16(*frame.get(16)?, *frame.get(17)?), 18);
    }
    let bytes = frame.get(at..)?;
    let (transport, ends, body) = match ethertype {
        link::IPV4 => {
            let (header, body) = bytes.split_first_chunk::<20>()?;
            if header[0] != IPV4_WITHOUT_OPTIONS || be16(header[6], header[7]) & 0x3fff != 0 {
                return None;
            }
            let src = Address::v4([header[12], header[13], header[14], header[15]]);
            let dst = Address::v4([header[16], header[17], header[18], header[19]]);
            (header[9], (src, dst), body)
        }
        link::IPV6 => {
            let (header, body) = bytes.split_first_chunk::<40>()?;
            if header[0] >> 4 != 6 {
                return None;
            }
            let (source, rest) = header[8..].split_first_chunk::<16>()?;
            (header[6], (Address::v6(*source), Address::v6(*rest.first_chunk::<16>()?)), body)
        }
        _ => return None,
    };
    let ports = body.first_chunk::<4>()?;
    let alone = match transport {
        number::TCP | number::ESP => true,
        number::UDP => !tunnel::may_be_port(be16(ports[0], ports[1]), be16(ports[2], ports[3])),
        _ => false,
    };
    alone.then_some(ends)
}

#[inline(always)]
fn v4(bytes: &[u8]) -> Option<Packet<'_>> {
    let (header, body) = bytes.split_first_chunk::<20>()?;
    let more_and_offset = be16(header[6], header[7]) & 0x3fff;
    let total = u32::from(be16(header[2], header[3]));
    if header[0] != IPV4_WITHOUT_OPTIONS || more_and_offset != 0 || total < 20 {
        return None;
    }
    let ip = Packet {
        v6: false,
        transport: header[9],
        src: Address::v4([header[12], header[13], header[14], header[15]]),
        dst: Address::v4([header[16], header[17], header[18], header[19]]),
        ip_length: total,
        ..NOTHING
    };
    transport(ip, total - 20, body)
}

#[inline(always)]
fn v6(bytes: &[u8]) -> Option<Packet<'_>> {
    let (header, body) = bytes.split_first_chunk::<40>()?;
    let length = u32::from(be16(header[4], header[5]));
    if header[0] >> 4 != 6 || length == 0 {
        return None;
    }
    let (source, rest) = header[8..].split_first_chunk::<16>()?;
    let destination = rest.first_chunk::<16>()?;
    let ip = Packet {
        v6: true,
        transport: header[6],
        src: Address::v6(*source),
        dst: Address::v6(*destination),
        ip_length: 40 + length,
        ..NOTHING
    };
    transport(ip, length, body)
}

#[inline(always)]
fn transport<'a>(ip: Packet<'a>, length: u32, body: &'a [u8]) -> Option<Packet<'a>> {
    // Shorter where the capture was cut; what follows the packet in the frame is padding.
    let body = body.get(..length as usize).unwrap_or(body);
    let ports = body.first_chunk::<4>()?;
    let (src_port, dst_port) = (be16(ports[0], ports[1]), be16(ports[2], ports[3]));
    match ip.transport {
        number::TCP => {
            let header = body.first_chunk::<20>()?;
            let header_length = u32::from(header[12] >> 4) * 4;
            if header_length < 20 || header_length > length {
                return None;
            }
            let payload = body.get(header_length as usize..).unwrap_or_default();
            let seq = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
            let payload_length = length - header_length;
            Some(Packet { src_port, dst_port, seq, flags: header[13], payload_length, payload, ..ip })
        }
        number::UDP if !tunnel::may_be_port(src_port, dst_port) => {
            let (header, payload) = body.split_first_chunk::<8>()?;
            // Any other length than the packet's is an oddity.
            if u32::from(be16(header[4], header[5])) != length {
                return None;
            }
            Some(Packet { src_port, dst_port, payload_length: length - 8, payload, ..ip })
        }
        number::ESP => Some(Packet { payload_length: length, payload: body, ..ip }),
        _ => None,
    }
}

const NOTHING: Packet<'static> = Packet {
    v6: false,
    transport: 0,
    flags: 0,
    src: Address { high: 0, low: 0 },
    dst: Address { high: 0, low: 0 },
    src_port: 0,
    dst_port: 0,
    seq: 0,
    ip_length: 0,
    payload_length: 0,
    payload: &[],
    fragment: None,
};

#[inline]
fn be16(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}
