//! What an SA payload offers or chooses, in one form for both versions.
//!
//! An [`Offer`] is a proposal of IKEv2, with alternatives of each kind, or one transform of IKEv1, which is a complete
//! set. Numbers stay those of the wire until they are written; then the version says which registry names them.

use transitproof_wire::ike::{Attribute, Proposals, Transform};
use transitproof_wire::registry::ike as registry;

/// Offers kept of one SA payload; IKEv1 peers spell every combination out, 24 being usual for Windows and phones.
pub const MAX_OFFERS: usize = 64;
/// Algorithms kept of one offer: the whole of the four registries fits twice.
pub const MAX_ALGORITHMS: usize = 128;

/// The kinds of algorithm, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Encr,
    Prf,
    Integ,
    Ke,
    AdditionalKe,
    /// IKEv1 only.
    AuthMethod,
}

impl Kind {
    /// The member of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Encr => "encr",
            Self::Prf => "prf",
            Self::Integ => "integ",
            Self::Ke => "ke",
            Self::AdditionalKe => "additional_ke",
            Self::AuthMethod => "auth_method",
        }
    }

    pub fn name(self, id: u16, v1: bool) -> Option<&'static str> {
        let names = match (self, v1) {
            (Self::Encr, false) => registry::encr,
            (Self::Encr, true) => registry::encr_v1,
            (Self::Prf, false) => registry::prf,
            (Self::Prf, true) => registry::prf_v1,
            (Self::Integ, false) => registry::integ,
            (Self::Integ, true) => registry::integ_v1,
            (Self::Ke, true) => registry::group_v1,
            (Self::Ke | Self::AdditionalKe, _) => registry::key_exchange,
            (Self::AuthMethod, _) => registry::auth_method_v1,
        };
        names(id)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub kind: Kind,
    pub id: u16,
    /// In bits, of encryption algorithms that have a choice.
    pub key_length: Option<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub number: u8,
    pub algorithms: Vec<Algorithm>,
    /// Life time of the IKE SA, which only IKEv1 negotiates.
    pub lifetime: Option<u32>,
}

impl Offer {
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Algorithm> {
        self.algorithms.iter().filter(move |algorithm| algorithm.kind == kind)
    }

    fn push(&mut self, kind: Kind, id: u16, key_length: Option<u16>) {
        let algorithm = Algorithm { kind, id, key_length };
        if self.algorithms.len() < MAX_ALGORITHMS && !self.algorithms.contains(&algorithm) {
            self.algorithms.push(algorithm);
        }
    }
}

/// The offers of an SA payload for IKE itself, and whether some were left out or could not be read.
pub fn offers(body: &[u8], v1: bool) -> (Vec<Offer>, bool) {
    /// PROTO_ISAKMP, and IKE in IKEv2.
    const PROTOCOL_IKE: u8 = 1;
    let Ok(proposals) = Proposals::parse(body, v1) else { return (Vec::new(), true) };
    let mut found = Vec::new();
    let mut truncated = false;
    for proposal in proposals {
        let Ok(proposal) = proposal else { return (found, true) };
        if proposal.protocol != PROTOCOL_IKE {
            continue;
        }
        let mut combined = Offer { number: proposal.number, ..Offer::default() };
        for transform in proposal.transforms {
            match transform {
                Ok(transform) if v1 && found.len() < MAX_OFFERS => found.push(offer_v1(proposal.number, &transform)),
                Ok(transform) if !v1 => add(&mut combined, &transform),
                _ => truncated = true,
            }
        }
        if !v1 && !combined.algorithms.is_empty() {
            if found.len() == MAX_OFFERS {
                return (found, true);
            }
            found.push(combined);
        }
    }
    (found, truncated)
}

fn add(offer: &mut Offer, transform: &Transform<'_>) {
    let kind = match transform.kind {
        Transform::ENCR => Kind::Encr,
        Transform::PRF => Kind::Prf,
        Transform::INTEG => Kind::Integ,
        Transform::KE => Kind::Ke,
        Transform::ADDITIONAL_KE_FIRST..=Transform::ADDITIONAL_KE_LAST => Kind::AdditionalKe,
        _ => return,
    };
    offer.push(kind, transform.id, transform.key_length());
}

/// One transform of IKEv1, whose hash is both pseudorandom function and integrity (RFC 2409 section 4).
fn offer_v1(number: u8, transform: &Transform<'_>) -> Offer {
    const LIFE_IN_SECONDS: u32 = 1;
    let mut offer = Offer { number, ..Offer::default() };
    let mut life_type = 0;
    let mut encr = None;
    let mut key_length = None;
    for attribute in transform.attributes.clone().map_while(Result::ok) {
        let Some(value) = attribute.number() else { continue };
        // Every attribute but a duration is registered as a 16-bit number.
        let id = value as u16;
        match attribute.kind {
            Attribute::V1_ENCRYPTION => encr = Some(id),
            Attribute::V1_KEY_LENGTH => key_length = Some(id),
            Attribute::V1_HASH => {
                offer.push(Kind::Prf, id, None);
                offer.push(Kind::Integ, id, None);
            }
            Attribute::V1_GROUP => offer.push(Kind::Ke, id, None),
            Attribute::V1_AUTHENTICATION => offer.push(Kind::AuthMethod, id, None),
            Attribute::V1_LIFE_TYPE => life_type = value,
            Attribute::V1_LIFE_DURATION if life_type == LIFE_IN_SECONDS => offer.lifetime = Some(value),
            _ => {}
        }
    }
    if let Some(id) = encr {
        offer.push(Kind::Encr, id, key_length);
    }
    offer
}
