//! Is this datagram IKE? By content alone, on any port.
//!
//! IKE has no magic number, but its header repeats what the datagram and its own payload chain say: lengths must agree
//! to the byte, and version, exchange, flags, message id and payload types constrain one another.

use super::{HEADER_LENGTH, Header, Message, exchange, payload};
use crate::Reader;

/// Header in front of IKE on UDP 4500 (RFC 3948 section 2.2): an SPI of zero, which no ESP packet has.
const NON_ESP_MARKER: &[u8] = &[0; 4];

/// The message behind the non-ESP marker.
#[inline]
pub fn strip_non_esp_marker(datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(NON_ESP_MARKER)
}

/// True only for a complete IKE message whose every length fits; safe on any port and any content.
pub fn looks_like_ike(datagram: &[u8]) -> bool {
    // Cheap enough for every first datagram of every flow: most fail on the length, four bytes at a fixed place.
    let Some(length) = datagram.get(24..HEADER_LENGTH) else { return false };
    if usize::try_from(u32::from_be_bytes([length[0], length[1], length[2], length[3]])) != Ok(datagram.len()) {
        return false;
    }
    let Ok(message) = Message::parse(datagram) else { return false };
    plausible_header(&message.header) && agrees(&message.header) && body_fits(&message, datagram.len())
}

/// The header alone is one of IKE: enough behind a non-ESP marker or on port 500, where a message may be cut by the
/// snap length or be a fragment, and not enough anywhere else.
pub fn plausible_ike(datagram: &[u8]) -> bool {
    let Ok(header) = Header::parse(&mut Reader::new(datagram, super::LAYER)) else { return false };
    header.length as usize >= HEADER_LENGTH && plausible_header(&header)
}

/// Known version, exchange and payload, and the initiator's SPI never zero (RFC 7296 section 3.1).
fn plausible_header(header: &Header) -> bool {
    let known = match header.major() {
        1 => known_payload_v1(header.next_payload) && matches!(header.exchange, 1..=6 | 32 | 33),
        2 => known_payload(header.next_payload) && matches!(header.exchange, 34..=44),
        _ => false,
    };
    known && header.initiator_spi != [0; 8]
}

/// Version, flags and message id fit the exchange.
fn agrees(header: &Header) -> bool {
    let reserved_flags = if header.is_v1() { !0x07 } else { !0x38 };
    if header.version & 0x0f != 0 || header.flags & reserved_flags != 0 {
        return false;
    }
    match header.exchange {
        exchange::MAIN | exchange::AGGRESSIVE | exchange::BASE => header.message_id == 0,
        exchange::QUICK => header.message_id != 0 && header.responder_spi != [0; 8],
        // A request that starts an SA has no responder yet; everything but that exchange belongs to an SA.
        exchange::IKE_SA_INIT => header.message_id == 0 && (header.is_response() || header.responder_spi == [0; 8]),
        exchange::IKE_AUTH => header.message_id != 0 && header.responder_spi != [0; 8],
        _ => true,
    }
}

/// The chain of payloads ends with the message, or the ciphertext is whole cipher blocks.
fn body_fits(message: &Message<'_>, length: usize) -> bool {
    if message.header.is_encrypted_v1() {
        // All ciphers of IKEv1 are in CBC with blocks of 8 or 16 bytes (RFC 2409 appendix B).
        let ciphertext = length - HEADER_LENGTH;
        return ciphertext >= 8 && ciphertext.is_multiple_of(8) && message.header.responder_spi != [0; 8];
    }
    let v1 = message.header.is_v1();
    let mut payloads = message.payloads();
    let mut count = 0;
    for payload in payloads.by_ref() {
        match payload {
            Ok(payload) if v1 && known_payload_v1(payload.kind) || !v1 && known_payload(payload.kind) => count += 1,
            // Unknown payloads may only come behind a known one: they are for extension (RFC 7296 section 2.5).
            Ok(_) if count > 0 => count += 1,
            _ => return false,
        }
    }
    count > 0 && payloads.rest().is_empty()
}

/// RFC 2408 section 3.1 and mode configuration (14), RFC 3947 (20, 21), its drafts (130, 131), fragments (132).
fn known_payload_v1(kind: u8) -> bool {
    matches!(kind, 1..=14 | 20 | 21 | 130 | 131 | payload::FRAGMENT_V1)
}

/// RFC 7296 section 3.2 and later additions up to the puzzle solution (54).
fn known_payload(kind: u8) -> bool {
    matches!(kind, 33..=54)
}
