//! IKE messages: ISAKMP and IKEv1 (RFC 2408, RFC 2409) and IKEv2 (RFC 7296), up to where encryption begins.
//!
//! Borrows from the datagram and allocates nothing. May not know flows, nor which side spoke before: header, payload
//! chain and security associations only. Payload bodies other than SA, KE and Notify stay bytes.

mod recognise;
mod sa;

pub use recognise::{looks_like_ike, plausible_ike, strip_non_esp_marker};
pub use sa::{Attribute, Attributes, Proposal, Proposals, Transform, Transforms};

use crate::{ParseError, Reader};

const LAYER: &str = "ike";

/// Fixed header of both versions (RFC 7296 section 3.1).
pub const HEADER_LENGTH: usize = 28;

/// More payloads than any real message carries (certificate chains included); ends the walk over a hostile one.
pub const MAX_PAYLOADS: usize = 64;

/// Payload types that this probe reads; the others are walked over.
pub mod payload {
    pub const SA_V1: u8 = 1;
    pub const KE_V1: u8 = 4;
    pub const HASH_V1: u8 = 8;
    pub const NOTIFY_V1: u8 = 11;
    /// NAT-D (RFC 3947 section 3.2), and as its drafts numbered it.
    pub const NAT_D_V1: u8 = 20;
    pub const NAT_D_DRAFT_V1: u8 = 130;
    pub const VENDOR_ID_V1: u8 = 13;
    /// A fragment of a whole message, sent by Cisco and Microsoft before RFC 7383 (its "FRAGMENTATION" vendor id).
    pub const FRAGMENT_V1: u8 = 132;
    pub const SA: u8 = 33;
    pub const KE: u8 = 34;
    pub const ID_I: u8 = 35;
    pub const ID_R: u8 = 36;
    pub const CERT: u8 = 37;
    pub const AUTH: u8 = 39;
    pub const NOTIFY: u8 = 41;
    pub const VENDOR_ID: u8 = 43;
    pub const TS_I: u8 = 44;
    pub const TS_R: u8 = 45;
    pub const ENCRYPTED: u8 = 46;
    pub const EAP: u8 = 48;
    pub const ENCRYPTED_FRAGMENT: u8 = 53;
}

/// Exchange types that this probe tells apart (names are in [`crate::registry::ike`]).
pub mod exchange {
    pub const BASE: u8 = 1;
    pub const MAIN: u8 = 2;
    pub const AGGRESSIVE: u8 = 4;
    pub const INFORMATIONAL_V1: u8 = 5;
    pub const QUICK: u8 = 32;
    pub const TRANSACTION: u8 = 6;
    pub const IKE_SA_INIT: u8 = 34;
    pub const IKE_AUTH: u8 = 35;
    pub const CREATE_CHILD_SA: u8 = 36;
    pub const INFORMATIONAL: u8 = 37;
    pub const IKE_INTERMEDIATE: u8 = 43;
    pub const IKE_FOLLOWUP_KE: u8 = 44;
}

/// The header. `version` is as on the wire: major in the upper half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub initiator_spi: [u8; 8],
    pub responder_spi: [u8; 8],
    pub next_payload: u8,
    pub version: u8,
    pub exchange: u8,
    pub flags: u8,
    pub message_id: u32,
    pub length: u32,
}

impl Header {
    /// IKEv1: everything after the header is encrypted (RFC 2408 section 3.1).
    const FLAG_ENCRYPTED: u8 = 0x01;
    /// IKEv2: the sender is the original initiator of this IKE SA.
    const FLAG_INITIATOR: u8 = 0x08;
    /// IKEv2: this message answers one with the same message id.
    const FLAG_RESPONSE: u8 = 0x20;

    pub fn parse(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut ahead = *r;
        let header = Self {
            initiator_spi: ahead.array()?,
            responder_spi: ahead.array()?,
            next_payload: ahead.u8()?,
            version: ahead.u8()?,
            exchange: ahead.u8()?,
            flags: ahead.u8()?,
            message_id: ahead.u32()?,
            length: ahead.u32()?,
        };
        *r = ahead;
        Ok(header)
    }

    pub fn major(&self) -> u8 {
        self.version >> 4
    }

    pub fn is_v1(&self) -> bool {
        self.major() == 1
    }

    /// The whole body is ciphertext (IKEv1 only; IKEv2 has an encrypted payload instead).
    pub fn is_encrypted_v1(&self) -> bool {
        self.is_v1() && self.flags & Self::FLAG_ENCRYPTED != 0
    }

    pub fn is_response(&self) -> bool {
        !self.is_v1() && self.flags & Self::FLAG_RESPONSE != 0
    }

    pub fn from_initiator(&self) -> bool {
        !self.is_v1() && self.flags & Self::FLAG_INITIATOR != 0
    }
}

/// One message: header and what of its body is in the datagram.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub header: Header,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram without its non-ESP marker. A body cut short is kept: the payload walk reports it.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(datagram, LAYER);
        let header = Header::parse(&mut r)?;
        if !matches!(header.major(), 1 | 2) {
            return Err(ParseError::Malformed("ike version"));
        }
        let declared =
            (header.length as usize).checked_sub(HEADER_LENGTH).ok_or(ParseError::Malformed("ike length"))?;
        let body = r.rest().get(..declared).unwrap_or(r.rest());
        Ok(Self { header, body })
    }

    /// The payloads that can be read; ends at an encrypted payload (which is yielded) or before an encrypted body.
    pub fn payloads(&self) -> Payloads<'a> {
        let next = if self.header.is_encrypted_v1() { 0 } else { self.header.next_payload };
        Payloads { r: Reader::new(self.body, LAYER), next, left: MAX_PAYLOADS }
    }
}

/// A payload: its type and the body behind the generic header (RFC 7296 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    pub kind: u8,
    pub critical: bool,
    pub body: &'a [u8],
}

/// The walk along the chain of payloads; stops after the first error.
#[derive(Clone, Debug)]
pub struct Payloads<'a> {
    r: Reader<'a>,
    next: u8,
    left: usize,
}

impl<'a> Payloads<'a> {
    /// Those inside an encrypted payload, once it is opened; `first` is the type of the first one.
    pub fn of(first: u8, content: &'a [u8]) -> Self {
        Self { r: Reader::new(content, LAYER), next: first, left: MAX_PAYLOADS }
    }

    /// Bytes of the message behind the last payload read.
    pub fn rest(&self) -> &'a [u8] {
        self.r.rest()
    }

    fn payload(&mut self) -> Result<Payload<'a>, ParseError> {
        self.left = self.left.checked_sub(1).ok_or(ParseError::Limited("ike payloads"))?;
        let kind = self.next;
        let next = self.r.u8()?;
        let critical = self.r.u8()? & 0x80 != 0;
        let body = usize::from(self.r.u16()?).checked_sub(4).ok_or(ParseError::Malformed("ike payload length"))?;
        let body = self.r.take(body)?;
        // The next payload that an encrypted one names is the first inside it, not one behind it.
        self.next = if matches!(kind, payload::ENCRYPTED | payload::ENCRYPTED_FRAGMENT) { 0 } else { next };
        Ok(Payload { kind, critical, body })
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Result<Payload<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == 0 {
            return None;
        }
        let payload = self.payload();
        if payload.is_err() {
            self.next = 0;
        }
        Some(payload)
    }
}

/// The key exchange method of an IKEv2 KE payload (IKEv1 names the group in the SA alone).
pub fn key_exchange_method(body: &[u8]) -> Result<u16, ParseError> {
    Reader::new(body, LAYER).u16()
}

/// Number of a fragment, from 1, and how many there are (RFC 7383 section 2.5).
pub fn fragment_number(body: &[u8]) -> Result<(u16, u16), ParseError> {
    let mut r = Reader::new(body, LAYER);
    Ok((r.u16()?, r.u16()?))
}

/// A notification of either version (RFC 7296 section 3.10, RFC 2408 section 3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify<'a> {
    pub protocol: u8,
    pub kind: u16,
    pub spi: &'a [u8],
    pub data: &'a [u8],
}

impl<'a> Notify<'a> {
    pub fn parse(body: &'a [u8], v1: bool) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, LAYER);
        if v1 {
            r.u32()?; // domain of interpretation
        }
        let protocol = r.u8()?;
        let spi_size = r.u8()?;
        let kind = r.u16()?;
        let spi = r.take(usize::from(spi_size))?;
        Ok(Self { protocol, kind, spi, data: r.rest() })
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
