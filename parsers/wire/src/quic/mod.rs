//! QUIC long headers, and how to tell QUIC by them: RFC 9000 section 17.2, RFC 9369 (version 2), RFC 8999 (what all
//! versions share), and the older headers of Google's QUIC, which is another protocol. Then the packets of a datagram and
//! the frames of an Initial packet.
//!
//! Nothing here removes protection.

mod frames;
mod packets;

pub use frames::{InitialFrame, InitialFrames, initial_frames};
pub use packets::{LongPacket, QuicPacket, QuicPackets, packets};

use crate::{Protocol, Reader};

pub const VERSION_1: u32 = 0x0000_0001;
pub const VERSION_2: u32 = 0x6b33_43cf;
/// Google's QUIC with TLS, the last steps before version 1.
pub const VERSION_T050: u32 = 0x5430_3530;
pub const VERSION_T051: u32 = 0x5430_3531;

/// The kind of a packet with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    VersionNegotiation,
    /// Of Google's QUIC, which has types of its own.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuicHeader<'a> {
    pub packet_type: PacketType,
    /// Zero in a version negotiation.
    pub version: u32,
    pub destination_id: &'a [u8],
    pub source_id: &'a [u8],
    /// What follows the connection ids.
    pub rest: &'a [u8],
}

impl QuicHeader<'_> {
    /// Google's QUIC up to Q050 has a handshake of its own; T050 and T051 have TLS.
    pub fn protocol(&self) -> Protocol {
        if is_gquic(self.version) { Protocol::GQuic } else { Protocol::Quic }
    }
}

/// The header, if this datagram is QUIC without doubt. Short headers say nothing and are never taken for it.
pub fn looks_like_quic(payload: &[u8]) -> Option<QuicHeader<'_>> {
    let first = *payload.first()?;
    match (first & 0x80 != 0, first & 0x40 != 0) {
        (false, _) => gquic_public_header(payload, first),
        (true, fixed) => {
            let version = Reader::new(payload.get(1..)?, "quic").u32().ok()?;
            match version {
                0 => version_negotiation(payload),
                // Q046 has both connection id lengths in one byte.
                0x5130_3436 if fixed => gquic_046(payload),
                _ if fixed && is_known(version) => long_header(payload, first, version),
                _ => None,
            }
        }
    }
}

fn is_known(version: u32) -> bool {
    is_ietf(version) || is_gquic(version)
}

/// Versions with the long header of RFC 9000: 1, 2, drafts, Facebook's mvfst, Google's T050 and T051, and those reserved
/// to exercise version negotiation.
fn is_ietf(version: u32) -> bool {
    matches!(version, VERSION_1 | VERSION_2 | 0xff00_0014..=0xff00_00ff | VERSION_T050 | VERSION_T051)
        || version & 0xffff_ff00 == 0xface_b000
        || version & 0x0f0f_0f0f == 0x0a0a_0a0a
}

/// `Q0` and two digits.
pub fn is_gquic(version: u32) -> bool {
    let [q, zero, tens, ones] = version.to_be_bytes();
    q == b'Q' && zero == b'0' && tens.is_ascii_digit() && ones.is_ascii_digit()
}

fn connection_ids<'a>(r: &mut Reader<'a>, longest: usize) -> Option<(&'a [u8], &'a [u8])> {
    let ids = (r.vec8().ok()?.rest(), r.vec8().ok()?.rest());
    (ids.0.len() <= longest && ids.1.len() <= longest).then_some(ids)
}

fn long_header(payload: &[u8], first: u8, version: u32) -> Option<QuicHeader<'_>> {
    let mut r = Reader::new(payload.get(5..)?, "quic");
    let (destination_id, source_id) = connection_ids(&mut r, 20)?;
    let packet_type = packet_type(first >> 4 & 3, version);
    let header = QuicHeader { packet_type, version, destination_id, source_id, rest: r.rest() };
    let possible = match packet_type {
        // A token of any length, and the integrity tag.
        PacketType::Retry => r.len() >= 16,
        PacketType::Initial => {
            let token = varint(&mut r)?;
            r.take(usize::try_from(token).ok()?).ok()?;
            length_fits(&mut r)
        }
        _ => length_fits(&mut r),
    };
    possible.then_some(header)
}

/// The length must hold a packet number and a sample for header protection; a datagram that was cut may hold less of it.
fn length_fits(r: &mut Reader<'_>) -> bool {
    varint(r).is_some_and(|length| (20..=65_527).contains(&length) && !r.is_empty())
}

fn packet_type(bits: u8, version: u32) -> PacketType {
    use PacketType::*;
    let order =
        if version == VERSION_2 { [Retry, Initial, ZeroRtt, Handshake] } else { [Initial, ZeroRtt, Handshake, Retry] };
    order[usize::from(bits & 3)]
}

/// A variable-length integer, RFC 9000 section 16.
pub fn varint(r: &mut Reader<'_>) -> Option<u64> {
    let first = r.u8().ok()?;
    let more = (1usize << (first >> 6)) - 1;
    let rest = r.take(more).ok()?;
    Some(rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
}

/// Lists versions only; at least one must be known, for nothing else tells it from another protocol.
fn version_negotiation(payload: &[u8]) -> Option<QuicHeader<'_>> {
    let mut r = Reader::new(payload.get(5..)?, "quic");
    let (destination_id, source_id) = connection_ids(&mut r, 255)?;
    let (versions, tail) = r.rest().as_chunks::<4>();
    let known = versions.iter().any(|version| is_known(u32::from_be_bytes(*version)));
    let packet_type = PacketType::VersionNegotiation;
    let header = QuicHeader { packet_type, version: 0, destination_id, source_id, rest: r.rest() };
    (known && tail.is_empty()).then_some(header)
}

/// Q046: `11TTxxxx`, version, one byte with both lengths (0, or 3 more than the nibble says), ids.
fn gquic_046(payload: &[u8]) -> Option<QuicHeader<'_>> {
    let mut r = Reader::new(payload.get(5..)?, "quic");
    let lengths = r.u8().ok()?;
    let length = |nibble: u8| if nibble == 0 { 0 } else { usize::from(nibble) + 3 };
    let destination_id = r.take(length(lengths >> 4)).ok()?;
    let source_id = r.take(length(lengths & 15)).ok()?;
    Some(QuicHeader { packet_type: PacketType::Other, version: 0x5130_3436, destination_id, source_id, rest: r.rest() })
}

/// Up to Q043: flags (version present, 8-byte connection id), id, version. Packets without a version say too little.
fn gquic_public_header(payload: &[u8], flags: u8) -> Option<QuicHeader<'_>> {
    if flags & 0x09 != 0x09 || flags & 0xc2 != 0 {
        return None;
    }
    let mut r = Reader::new(payload.get(1..)?, "quic");
    let destination_id = r.take(8).ok()?;
    let version = r.u32().ok()?;
    let header = QuicHeader { packet_type: PacketType::Other, version, destination_id, source_id: &[], rest: r.rest() };
    (is_gquic(version) && !r.is_empty()).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The front of the client Initial of RFC 9001 appendix A.2, then of its QUIC version 2 twin (RFC 9369 appendix A.2).
    const INITIAL: &[u8] = b"\xc0\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e\x7b\x9a\xec\x34";
    const INITIAL_V2: &[u8] = b"\xd7\x6b\x33\x43\xcf\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e\xa0\xc9\x5e\x82";
    /// The Retry of RFC 9001 appendix A.4.
    const RETRY: &[u8] = b"\xff\0\0\0\x01\0\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token\x04\xa2\x65\xba\x2e\xff\x4d\x82\x90\x58\xfb\x3f\x0f\x24\x96\xba";

    #[test]
    fn rfc_examples() {
        let header = looks_like_quic(INITIAL).unwrap();
        assert_eq!((header.packet_type, header.version, header.source_id), (PacketType::Initial, VERSION_1, &[][..]));
        assert_eq!(header.destination_id, b"\x83\x94\xc8\xf0\x3e\x51\x57\x08");
        let header = looks_like_quic(INITIAL_V2).unwrap();
        assert_eq!((header.packet_type, header.version), (PacketType::Initial, VERSION_2));
        assert_eq!(looks_like_quic(RETRY).unwrap().packet_type, PacketType::Retry);
        assert_eq!(header.protocol(), Protocol::Quic);
    }

    #[test]
    fn version_negotiation_lists_known_versions() {
        let header = looks_like_quic(b"\x8a\0\0\0\0\x01a\x01b\x1a\x2a\x3a\x4a\0\0\0\x01").unwrap();
        assert_eq!((header.packet_type, header.rest.len()), (PacketType::VersionNegotiation, 8));
        assert_eq!(looks_like_quic(b"\x80\0\0\0\0\x01a\x01b\0\0\0\x07"), None);
    }

    #[test]
    fn google_quic_is_told_apart() {
        for packet in [
            &b"\x0d12345678Q043\x01data"[..],
            b"\xc3Q046\x5012345678\0\0\0\x01",
            b"\xc0Q050\x0812345678\0\0\x44\x9edata",
        ] {
            assert_eq!(looks_like_quic(packet).map(|header| header.protocol()), Some(Protocol::GQuic), "{packet:?}");
        }
        assert_eq!(looks_like_quic(b"\xc0T051\x0812345678\0\0\x44\x9edata").unwrap().protocol(), Protocol::Quic);
    }

    #[test]
    fn others_on_port_443_are_no_quic() {
        let stun = b"\0\x01\0\x08\x21\x12\xa4\x42abcdefghijkl\0\x22\0\x04Q043";
        let channel_data = b"\x40\x01\0\x04data";
        let rtp = b"\x80\xe0\0\0\0\x01\0\0\x12\x34\x56\x78";
        let dtls = b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x13";
        assert!(
            [&stun[..], channel_data, rtp, dtls, b"", &INITIAL[..17]].into_iter().all(|p| looks_like_quic(p).is_none())
        );
    }

    #[test]
    fn variable_length_integers_of_rfc_9000_appendix_a_1() {
        let read = |bytes: &[u8]| varint(&mut Reader::new(bytes, "t"));
        assert_eq!(read(b"\xc2\x19\x7c\x5e\xff\x14\xe8\x8c"), Some(151_288_809_941_952_652));
        assert_eq!(read(b"\x9d\x7f\x3e\x7d"), Some(494_878_333));
        assert_eq!(read(b"\x7b\xbd"), Some(15_293));
        assert_eq!((read(b"\x25"), read(b"\x40\x25"), read(b"\x40")), (Some(37), Some(37), None));
    }
}
