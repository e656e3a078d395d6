//! Ports, TCP sequence and flags, and where the payload begins (RFC 9293, 768, 9260, 3828, 4340, 792, 4443).

use super::{Packet, Stop, ip::number};
use crate::ParseError;

/// TCP control bits (RFC 9293 section 3.1).
pub mod tcp_flags {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
}

/// Fills in the transport's fields. A fragment passes as it is: even the first one may end within the transport header.
#[inline]
pub fn ports(packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    if packet.fragment.is_some() {
        return Ok(packet);
    }
    match packet.transport {
        number::TCP => tcp(packet),
        number::UDP => udp(packet),
        number::SCTP => sctp(packet),
        number::UDP_LITE => udp_lite(packet),
        number::DCCP => dccp(packet),
        number::ICMP | number::ICMPV6 => icmp(packet),
        _ => Ok(packet),
    }
}

#[inline]
fn tcp(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, _) = packet.payload.split_first_chunk::<20>().ok_or(ParseError::Truncated("tcp"))?;
    let header_length = usize::from(header[12] >> 4) * 4;
    if header_length < 20 || header_length > packet.payload_length as usize {
        return Err(ParseError::Malformed("tcp").into());
    }
    packet.src_port = u16::from_be_bytes([header[0], header[1]]);
    packet.dst_port = u16::from_be_bytes([header[2], header[3]]);
    packet.seq = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    packet.flags = header[13];
    packet.payload = packet.payload.get(header_length..).unwrap_or(&[]);
    packet.payload_length -= header_length as u32;
    Ok(packet)
}

#[inline]
fn udp(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, body) = packet.payload.split_first_chunk::<8>().ok_or(ParseError::Truncated("udp"))?;
    packet.src_port = u16::from_be_bytes([header[0], header[1]]);
    packet.dst_port = u16::from_be_bytes([header[2], header[3]]);
    let room = packet.payload_length.saturating_sub(8);
    // 0 is a jumbogram or an offloaded datagram.
    packet.payload_length = match u32::from(u16::from_be_bytes([header[4], header[5]])) {
        0 => room,
        n if n < 8 => return Err(ParseError::Malformed("udp").into()),
        n => (n - 8).min(room),
    };
    packet.payload = body.get(..packet.payload_length as usize).unwrap_or(body);
    Ok(packet)
}

fn sctp(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, body) = packet.payload.split_first_chunk::<12>().ok_or(ParseError::Truncated("sctp"))?;
    packet.src_port = u16::from_be_bytes([header[0], header[1]]);
    packet.dst_port = u16::from_be_bytes([header[2], header[3]]);
    packet.payload = body;
    packet.payload_length = packet.payload_length.saturating_sub(12);
    Ok(packet)
}

/// As UDP, with the checksum's coverage in the place of the length.
fn udp_lite(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, body) = packet.payload.split_first_chunk::<8>().ok_or(ParseError::Truncated("udp_lite"))?;
    packet.src_port = u16::from_be_bytes([header[0], header[1]]);
    packet.dst_port = u16::from_be_bytes([header[2], header[3]]);
    packet.payload = body;
    packet.payload_length = packet.payload_length.saturating_sub(8);
    Ok(packet)
}

/// RFC 4340 section 5.1: the header's length in words; a request, its answer and data carry some of the application's.
fn dccp(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, _) = packet.payload.split_first_chunk::<12>().ok_or(ParseError::Truncated("dccp"))?;
    let header_length = usize::from(header[4]) * 4;
    if header_length < 12 || header_length > packet.payload_length as usize {
        return Err(ParseError::Malformed("dccp").into());
    }
    packet.src_port = u16::from_be_bytes([header[0], header[1]]);
    packet.dst_port = u16::from_be_bytes([header[2], header[3]]);
    let carries = matches!(header[8] >> 1 & 0x0f, 0 | 1 | 2 | 4);
    packet.payload = packet.payload.get(header_length..).filter(|_| carries).unwrap_or(&[]);
    packet.payload_length = if carries { packet.payload_length - header_length as u32 } else { 0 };
    Ok(packet)
}

/// Type and code stand where others have ports: Community ID wants them.
fn icmp(mut packet: Packet<'_>) -> Result<Packet<'_>, Stop> {
    let (header, body) = packet.payload.split_first_chunk::<4>().ok_or(ParseError::Truncated("icmp"))?;
    packet.src_port = u16::from(header[0]);
    packet.dst_port = u16::from(header[1]);
    packet.payload = body;
    packet.payload_length = packet.payload_length.saturating_sub(4);
    Ok(packet)
}
