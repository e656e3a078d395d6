//! What SCTP carries (RFC 9260): user messages name their protocol by a number (IANA sctp-parameters, payload protocol identifiers),
//! and each protocol's header has to bear it out where it has one of its own. Association set-up carries nothing.

use super::look::{Match, be16, be32, byte};
use super::routing::diameter;
use crate::Protocol;

/// The first part of a user message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub identifier: u32,
    pub bytes: &'a [u8],
    /// The message ends in this chunk.
    pub whole: bool,
}

/// Messages that begin in a packet, by its chunks: DATA (section 3.3.1) and I-DATA (RFC 8260 section 2.1), up to where the capture cut it.
pub fn messages(chunks: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = chunks;
    std::iter::from_fn(move || {
        loop {
            let (header, _) = rest.split_first_chunk::<4>()?;
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            if length < 4 {
                return None;
            }
            let chunk = rest.get(..length).unwrap_or(rest);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            if let Some(message) = message(chunk) {
                return Some(message);
            }
        }
    })
}

fn message(chunk: &[u8]) -> Option<Message<'_>> {
    const BEGINS: u8 = 0x02;
    const ENDS: u8 = 0x01;
    let (kind, flags) = (byte(chunk, 0)?, byte(chunk, 1)?);
    let (identifier, header) = match kind {
        0 => (be32(chunk, 12)?, 16),
        64 => (be32(chunk, 16)?, 20),
        _ => return None,
    };
    let bytes = chunk.get(header..).filter(|bytes| !bytes.is_empty() && flags & BEGINS != 0)?;
    Some(Message { identifier, bytes, whole: flags & ENDS != 0 })
}

/// What a message is by its number and its own header.
pub fn protocol(message: &Message<'_>) -> Option<Protocol> {
    let (protocol, format) = named(message.identifier)?;
    let fits = match format {
        Format::Adaptation => is_adaptation(message),
        Format::Pool => is_pool(message),
        Format::Packed => is_packed(message.bytes),
        Format::Diameter => Some(diameter(message.bytes) == Some(Match::Yes)),
        Format::Any => Some(true),
    };
    fits.filter(|fits| *fits).map(|_| protocol)
}

/// How the protocols write their messages.
#[derive(Clone, Copy)]
enum Format {
    /// SIGTRAN's common header (RFC 4666 section 1.3).
    Adaptation,
    /// RSerPool's (RFC 5354 section 4).
    Pool,
    /// A PDU of one of 3GPP's application parts in aligned PER.
    Packed,
    Diameter,
    Any,
}

fn named(identifier: u32) -> Option<(Protocol, Format)> {
    use Format::{Adaptation, Any, Packed, Pool};
    Some(match identifier {
        1 => (Protocol::Iua, Adaptation),
        2 => (Protocol::M2ua, Adaptation),
        3 => (Protocol::M3ua, Adaptation),
        4 => (Protocol::Sua, Adaptation),
        5 => (Protocol::M2pa, Adaptation),
        6 => (Protocol::V5ua, Adaptation),
        7 => (Protocol::Megaco, Any),
        8 => (Protocol::Bicc, Any),
        10 => (Protocol::Dua, Adaptation),
        11 => (Protocol::Asap, Pool),
        12 => (Protocol::Enrp, Pool),
        13 => (Protocol::H323, Any),
        18 => (Protocol::S1ap, Packed),
        19 => (Protocol::Rua, Packed),
        20 => (Protocol::Hnbap, Packed),
        21..=23 => (Protocol::Forces, Any),
        24 => (Protocol::Sbcap, Packed),
        25 => (Protocol::Nbap, Any),
        27 => (Protocol::X2ap, Packed),
        29 => (Protocol::Lcsap, Packed),
        31 => (Protocol::Sabp, Packed),
        36 | 37 => (Protocol::Netperfmeter, Any),
        43 => (Protocol::M2ap, Packed),
        44 => (Protocol::M3ap, Packed),
        46 => (Protocol::Diameter, Format::Diameter),
        60 => (Protocol::Ngap, Packed),
        61 => (Protocol::Xnap, Packed),
        62 => (Protocol::F1ap, Packed),
        64 => (Protocol::E1ap, Packed),
        70..=72 => (Protocol::E2ap, Packed),
        _ => return None,
    })
}

/// Version 1, zero, class and type, then the message's length with its header; padding may be counted or not.
fn is_adaptation(message: &Message<'_>) -> Option<bool> {
    let b = message.bytes;
    let length = usize::try_from(be32(b, 4)?).ok()?;
    let fits = if message.whole { length.abs_diff(b.len()) < 4 } else { length > b.len() };
    Some(be16(b, 0)? == 0x0100 && byte(b, 2)? <= 12 && byte(b, 3)? <= 22 && fits)
}

/// Type, flags, the message's length.
fn is_pool(message: &Message<'_>) -> Option<bool> {
    let length = usize::from(be16(message.bytes, 2)?);
    Some((1..=16).contains(&byte(message.bytes, 0)?) && length.abs_diff(message.bytes.len()) < 4)
}

/// One of the alternatives of the PDU, its procedure, one of three criticalities (3GPP TS 36.413 section 9.3.2 and its likes).
fn is_packed(b: &[u8]) -> Option<bool> {
    Some(byte(b, 0)? & 0x9f == 0 && matches!(byte(b, 2)?, 0 | 0x40 | 0x80) && b.len() >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(identifier: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
        let length = (16 + bytes.len() as u16).to_be_bytes();
        let mut chunk = [&[0, flags], &length[..], &[0; 8], &identifier.to_be_bytes(), bytes].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn told(chunks: &[u8]) -> Vec<Option<Protocol>> {
        messages(chunks).map(|message| protocol(&message)).collect()
    }

    /// M3UA ASP Up (RFC 4666 section 3.5.1), behind an acknowledgement, and a NGAP NG Setup's first bytes.
    #[test]
    fn numbers_are_borne_out_by_headers() {
        let up = [1, 0, 3, 1, 0, 0, 0, 8];
        let acknowledgement = [3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
        let both = [&acknowledgement[..], &data(3, 3, &up), &data(60, 3, b"\0\x15\0\x33\0\0\x04\0\x1b\0")].concat();
        assert_eq!(told(&both), [Some(Protocol::M3ua), Some(Protocol::Ngap)]);
        assert_eq!(told(&data(3, 3, &[1, 0, 3, 1, 0, 0, 0, 40])), [None]);
        assert_eq!(told(&data(3, 2, &[1, 0, 3, 1, 0, 0, 0, 40])), [Some(Protocol::M3ua)], "more is to come");
        assert_eq!(told(&data(3, 0, &up)), [], "the middle of a message");
        assert_eq!(told(&data(60, 3, b"\0\x15\x01\x33")), [None]);
        assert_eq!(told(&data(0, 3, &up)), [None]);
        assert_eq!(told(&[0, 3, 0, 0, 1, 2, 3, 4]), [], "a length that leads nowhere");
    }
}
