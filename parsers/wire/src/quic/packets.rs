//! The packets that one datagram holds, one behind the other: RFC 9000 section 12.2. A packet with a short header has no
//! length and so is the last.
//!
//! Finds where the protected packet number begins; protection itself is not this module's matter.

use super::{PacketType, QuicHeader, is_ietf, long_header, varint};
use crate::Reader;

/// The least that a packet with a short header is: its first byte, a packet number and a sample for header protection, with
/// an empty connection id. RFC 9001 section 5.4.2.
const SHORTEST: usize = 1 + 4 + 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuicPacket<'a> {
    Long(LongPacket<'a>),
    /// 1-RTT: what it carries belongs to a finished handshake.
    Short(&'a [u8]),
}

/// An Initial, 0-RTT or Handshake packet, or a Retry or version negotiation, which fill the rest of their datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPacket<'a> {
    pub header: QuicHeader<'a>,
    /// The whole packet as it lies in the datagram, without those behind it.
    pub bytes: &'a [u8],
    /// Where in `bytes` the packet number begins; the end in packets without one.
    pub number_offset: usize,
    /// Bytes that its length promises beyond the end of the datagram, or of what was captured of it.
    pub missing: usize,
}

/// Walks a datagram of a flow that is known to be QUIC, up to the first thing that is no packet of it.
#[derive(Clone, Copy, Debug)]
pub struct QuicPackets<'a>(&'a [u8]);

pub fn packets(datagram: &[u8]) -> QuicPackets<'_> {
    QuicPackets(datagram)
}

impl<'a> Iterator for QuicPackets<'a> {
    type Item = QuicPacket<'a>;

    fn next(&mut self) -> Option<QuicPacket<'a>> {
        let datagram = std::mem::take(&mut self.0);
        let first = *datagram.first()?;
        if first & 0x80 == 0 {
            // Some senders fill datagrams up with zeros. The fixed bit need not be set: RFC 9287.
            return (first != 0 && datagram.len() >= SHORTEST).then_some(QuicPacket::Short(datagram));
        }
        let version = Reader::new(datagram.get(1..)?, "quic").u32().ok()?;
        if !is_ietf(version) {
            return None;
        }
        let header = long_header(datagram, first, version)?;
        let packet = cut(datagram, header)?;
        self.0 = datagram.get(packet.bytes.len()..).unwrap_or_default();
        Some(QuicPacket::Long(packet))
    }
}

fn cut<'a>(datagram: &'a [u8], header: QuicHeader<'a>) -> Option<LongPacket<'a>> {
    let mut r = Reader::new(header.rest, "quic");
    if header.packet_type == PacketType::Retry {
        return Some(LongPacket { header, bytes: datagram, number_offset: datagram.len(), missing: 0 });
    }
    if header.packet_type == PacketType::Initial {
        let token = varint(&mut r)?;
        r.take(usize::try_from(token).ok()?).ok()?;
    }
    let length = usize::try_from(varint(&mut r)?).ok()?;
    let number_offset = datagram.len().checked_sub(r.len())?;
    let end = number_offset.saturating_add(length);
    let bytes = datagram.get(..end).unwrap_or(datagram);
    Some(LongPacket { header, bytes, number_offset, missing: end - bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Headers of version 1 with a connection id of one byte each and 20 bytes of protected packet.
    const INITIAL: &[u8] = b"\xc3\0\0\0\x01\x01D\x01S\x02tk\x14aaaaaaaaaaaaaaaaaaaa";
    const HANDSHAKE: &[u8] = b"\xe3\0\0\0\x01\x01D\x01S\x14bbbbbbbbbbbbbbbbbbbb";
    const SHORT: &[u8] = b"\x41Dcccccccccccccccccccccc";

    #[test]
    fn coalesced_packets_are_taken_apart() {
        let datagram = [INITIAL, HANDSHAKE, SHORT].concat();
        let all: Vec<_> = packets(&datagram).collect();
        let [QuicPacket::Long(initial), QuicPacket::Long(handshake), QuicPacket::Short(short)] = all[..] else {
            panic!("{all:?}")
        };
        assert_eq!((initial.bytes, initial.number_offset, initial.missing), (INITIAL, INITIAL.len() - 20, 0));
        assert_eq!((handshake.header.packet_type, handshake.bytes), (PacketType::Handshake, HANDSHAKE));
        assert_eq!(short, SHORT);
    }

    #[test]
    fn zeros_at_the_end_are_no_packet() {
        let datagram = [INITIAL, &[0; 100]].concat();
        assert_eq!(packets(&datagram).count(), 1);
    }

    #[test]
    fn the_fixed_bit_may_be_greased() {
        let grease = |packet: &[u8]| [&[packet[0] & !0x40], &packet[1..]].concat();
        assert_eq!(packets(&[grease(INITIAL), grease(SHORT)].concat()).count(), 2);
    }

    #[test]
    fn what_was_cut_is_said() {
        let Some(QuicPacket::Long(packet)) = packets(&INITIAL[..INITIAL.len() - 3]).next() else { panic!() };
        assert_eq!(packet.missing, 3);
    }

    proptest! {
        #[test]
        fn packets_never_reach_beyond_the_datagram(bytes: Vec<u8>, version in prop_oneof![Just(1u32), Just(0x6b33_43cf)]) {
            let mut datagram = bytes;
            if let Some(place) = datagram.get_mut(1..5) {
                place.copy_from_slice(&version.to_be_bytes());
            }
            let long = |packet| match packet { QuicPacket::Long(long) => long.bytes.len(), QuicPacket::Short(s) => s.len() };
            prop_assert!(packets(&datagram).map(long).sum::<usize>() <= datagram.len());
        }
    }
}
