//! Security association payloads: proposals, transforms and attributes of both versions.
//!
//! A proposal looks the same in both (RFC 2408 section 3.5, RFC 7296 section 3.3.1); a transform of IKEv1 is one
//! complete alternative made of attributes, one of IKEv2 a single algorithm with perhaps a key length.

use super::LAYER;
use crate::{ParseError, Reader};

/// The IPsec domain of interpretation and its plain situation (RFC 2407 section 4.2), the only ones in use.
const DOI_IPSEC: u32 = 1;
const SIT_IDENTITY_ONLY: u32 = 1;

/// The one attribute of IKEv2 transforms (RFC 7296 section 3.3.5).
const KEY_LENGTH: u16 = 14;

/// The proposals of an SA payload; stops after the first error.
#[derive(Clone, Debug)]
pub struct Proposals<'a> {
    r: Reader<'a>,
    v1: bool,
}

impl<'a> Proposals<'a> {
    pub fn parse(body: &'a [u8], v1: bool) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, LAYER);
        // A DOI of zero is generic ISAKMP, whose situation is empty in theory and this one in practice.
        if v1 && (r.u32()? > DOI_IPSEC || r.u32()? != SIT_IDENTITY_ONLY) {
            return Err(ParseError::Malformed("ike situation"));
        }
        Ok(Self { r, v1 })
    }

    fn proposal(&mut self) -> Result<Proposal<'a>, ParseError> {
        let mut r = substructure(&mut self.r)?;
        let number = r.u8()?;
        let protocol = r.u8()?;
        let spi_size = r.u8()?;
        let count = r.u8()?;
        let spi = r.take(usize::from(spi_size))?;
        Ok(Proposal { number, protocol, spi, transforms: Transforms { r, left: count, v1: self.v1 } })
    }
}

impl<'a> Iterator for Proposals<'a> {
    type Item = Result<Proposal<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.r.is_empty() {
            return None;
        }
        let proposal = self.proposal();
        if proposal.is_err() {
            self.r = Reader::new(&[], LAYER);
        }
        Some(proposal)
    }
}

/// One proposal. `protocol` is 1 for IKE itself, 2 AH, 3 ESP.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    pub number: u8,
    pub protocol: u8,
    pub spi: &'a [u8],
    pub transforms: Transforms<'a>,
}

/// The transforms of a proposal; stops after the first error.
#[derive(Clone, Debug)]
pub struct Transforms<'a> {
    r: Reader<'a>,
    left: u8,
    v1: bool,
}

impl<'a> Transforms<'a> {
    fn transform(&mut self) -> Result<Transform<'a>, ParseError> {
        let mut r = substructure(&mut self.r)?;
        // IKEv1: number, id, two reserved bytes. IKEv2: type, a reserved byte, id.
        let [kind, id_v1, high, low] = r.array()?;
        let attributes = Attributes { r };
        Ok(if self.v1 {
            Transform { kind: 0, id: u16::from(id_v1), attributes }
        } else {
            Transform { kind, id: u16::from_be_bytes([high, low]), attributes }
        })
    }
}

impl<'a> Iterator for Transforms<'a> {
    type Item = Result<Transform<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let transform = self.transform();
        if transform.is_err() {
            self.left = 0;
        }
        Some(transform)
    }
}

/// One transform. `kind` is the transform type of IKEv2 and 0 in IKEv1.
#[derive(Clone, Debug)]
pub struct Transform<'a> {
    pub kind: u8,
    pub id: u16,
    pub attributes: Attributes<'a>,
}

impl Transform<'_> {
    pub const ENCR: u8 = 1;
    pub const PRF: u8 = 2;
    pub const INTEG: u8 = 3;
    pub const KE: u8 = 4;
    pub const ADDITIONAL_KE_FIRST: u8 = 6;
    pub const ADDITIONAL_KE_LAST: u8 = 12;

    /// The key length in bits that an IKEv2 transform carries.
    pub fn key_length(&self) -> Option<u16> {
        let found = self.attributes.clone().flatten().find(|attribute| attribute.kind == KEY_LENGTH)?;
        u16::try_from(found.number()?).ok()
    }
}

/// The attributes of a transform; stops after the first error.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    r: Reader<'a>,
}

impl<'a> Attributes<'a> {
    /// The high bit says that two bytes of value follow, else a length and that many (RFC 2408 section 3.3).
    fn attribute(&mut self) -> Result<Attribute<'a>, ParseError> {
        const SHORT: u16 = 0x8000;
        let head = self.r.u16()?;
        let value = if head & SHORT != 0 { self.r.take(2)? } else { self.r.vec16()?.rest() };
        Ok(Attribute { kind: head & !SHORT, value })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.r.is_empty() {
            return None;
        }
        let attribute = self.attribute();
        if attribute.is_err() {
            self.r = Reader::new(&[], LAYER);
        }
        Some(attribute)
    }
}

/// One attribute, short or long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub kind: u16,
    pub value: &'a [u8],
}

impl Attribute<'_> {
    pub const V1_ENCRYPTION: u16 = 1;
    pub const V1_HASH: u16 = 2;
    pub const V1_AUTHENTICATION: u16 = 3;
    pub const V1_GROUP: u16 = 4;
    pub const V1_LIFE_TYPE: u16 = 11;
    pub const V1_LIFE_DURATION: u16 = 12;
    pub const V1_KEY_LENGTH: u16 = KEY_LENGTH;

    /// The value as a number, if it is not longer than four bytes.
    pub fn number(&self) -> Option<u32> {
        let short = self.value.len() <= 4 && !self.value.is_empty();
        short.then(|| self.value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }
}

/// "More follow", a reserved byte, and a length that includes these four bytes.
fn substructure<'a>(r: &mut Reader<'a>) -> Result<Reader<'a>, ParseError> {
    let mut ahead = *r;
    ahead.u16()?;
    let body = usize::from(ahead.u16()?).checked_sub(4).ok_or(ParseError::Malformed("ike substructure length"))?;
    let body = ahead.take(body)?;
    *r = ahead;
    Ok(Reader::new(body, LAYER))
}
