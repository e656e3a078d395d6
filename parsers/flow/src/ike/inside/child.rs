//! One child SA: what was agreed on, and for which traffic. RFC 7296 sections 1.3 and 3.13.

use super::super::proposal::{Algorithm, Kind};
use crate::json;
use std::net::{Ipv4Addr, Ipv6Addr};
use transitproof_wire::ike::{Header, Payload, Proposal, Proposals, Transform, payload};

use super::super::write::name_or_hex;

/// Traffic selectors kept of each side.
const MAX_SELECTORS: usize = 32;
const REKEY_SA: u16 = 16393;
const AH: u8 = 2;
const ESP: u8 = 3;

/// A request for a child SA.
#[derive(Debug)]
pub struct Asked {
    exchange: u8,
    id: u32,
    spi: Option<u32>,
    rekeys: bool,
}

#[derive(Debug)]
pub struct Child {
    pub made_by: u8,
    protocol: u8,
    /// Of what the one who asked receives, and the one who answered.
    spis: [Option<u32>; 2],
    rekeys: bool,
    pub has_key_exchange: bool,
    algorithms: Vec<Algorithm>,
    extended_sequence: bool,
    transport_mode: bool,
    /// Of the one who asked, of the one who answered.
    selectors: [Vec<Selector>; 2],
}

/// Addresses, ports and protocol, as a range each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    pub v6: bool,
    pub first: u128,
    pub last: u128,
    /// IP protocol, 0 for any.
    pub protocol: u8,
    pub ports: (u16, u16),
}

impl Asked {
    pub fn of(header: &Header, payloads: &[Payload<'_>]) -> Option<Self> {
        let proposal = proposal(payloads)?;
        let rekeys = notifies(payloads).any(|kind| kind == REKEY_SA);
        Some(Self { exchange: header.exchange, id: header.message_id, spi: spi(&proposal), rekeys })
    }

    pub fn is_of(&self, header: &Header) -> bool {
        self.exchange == header.exchange && self.id == header.message_id
    }
}

impl Child {
    /// What an answer grants, if it grants a child SA.
    pub fn agreed(header: &Header, payloads: &[Payload<'_>], asked: Option<&Asked>) -> Option<Self> {
        const USE_TRANSPORT_MODE: u16 = 16391;
        const ESN: u8 = 5;
        let proposal = proposal(payloads)?;
        let asked = asked.filter(|asked| asked.exchange == header.exchange);
        let mut child = Self {
            made_by: header.exchange,
            protocol: proposal.protocol,
            spis: [asked.and_then(|asked| asked.spi), spi(&proposal)],
            rekeys: asked.is_some_and(|asked| asked.rekeys),
            has_key_exchange: payloads.iter().any(|payload| payload.kind == payload::KE),
            algorithms: Vec::new(),
            extended_sequence: false,
            transport_mode: notifies(payloads).any(|kind| kind == USE_TRANSPORT_MODE),
            selectors: [payload::TS_I, payload::TS_R].map(|kind| selectors(payloads, kind)),
        };
        for transform in proposal.transforms.map_while(Result::ok) {
            let kind = match transform.kind {
                Transform::ENCR => Kind::Encr,
                Transform::INTEG => Kind::Integ,
                Transform::KE => Kind::Ke,
                ESN => {
                    child.extended_sequence = transform.id == 1;
                    continue;
                }
                _ => continue,
            };
            if transform.id != 0 && !child.algorithms.iter().any(|algorithm| algorithm.kind == kind) {
                child.algorithms.push(Algorithm { kind, id: transform.id, key_length: transform.key_length() });
            }
        }
        Some(child)
    }

    /// An element of `children` in the record.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        json::word(out, "protocol", if self.protocol == AH { "ah" } else { "esp" });
        json::word(out, "mode", if self.transport_mode { "transport" } else { "tunnel" });
        json::list(out, "spis", self.spis.iter().flatten(), |out, spi| {
            out.extend_from_slice(b"\"0x");
            json::hex(out, &spi.to_be_bytes());
            out.push(b'"');
        });
        self.write_algorithms(out, "");
        json::boolean(out, "extended_sequence", self.extended_sequence);
        if self.made_by == transitproof_wire::ike::exchange::CREATE_CHILD_SA {
            json::boolean(out, "pfs", self.has_key_exchange);
        }
        if self.rekeys {
            json::boolean(out, "rekey", true);
        }
        for (member, selectors) in ["initiator_ts", "responder_ts"].into_iter().zip(&self.selectors) {
            json::list(out, member, selectors, |out, selector| json::quoted(out, &selector.text()));
        }
        out.push(b'}');
    }

    /// The traffic that it is for, of both sides, and the same as text.
    pub fn policy(&self) -> ([Vec<Selector>; 2], String) {
        let side = |selectors: &[Selector]| selectors.iter().map(Selector::text).collect::<Vec<_>>().join(" ");
        let [one, other] = &self.selectors;
        (self.selectors.clone(), format!("{} <-> {}", side(one), side(other)))
    }

    /// The facts that rules judge, appended to an open object. Of ESP only.
    pub fn write_facts(&self, out: &mut Vec<u8>) -> bool {
        if self.protocol == ESP {
            self.write_algorithms(out, "esp.");
        }
        self.protocol == ESP
    }

    fn write_algorithms(&self, out: &mut Vec<u8>, prefix: &str) {
        for algorithm in &self.algorithms {
            json::key(out, &format!("{prefix}{}", algorithm.kind.word()));
            name_or_hex(out, algorithm.kind.name(algorithm.id, false), algorithm.id);
            if let Some(bits) = algorithm.key_length.filter(|_| algorithm.kind == Kind::Encr) {
                json::number(out, &format!("{prefix}key_length"), u64::from(bits));
            }
        }
    }
}

impl Selector {
    /// `10.0.0.0/24`, or both ends where they are no prefix; protocol and ports if not any.
    fn text(&self) -> String {
        let host = |address: u128| match self.v6 {
            true => Ipv6Addr::from(address).to_string(),
            false => Ipv4Addr::from(address as u32).to_string(),
        };
        let bits: u32 = if self.v6 { 128 } else { 32 };
        let different = self.first ^ self.last;
        let mut text = if (different & different.wrapping_add(1)) == 0 && self.first & different == 0 {
            format!("{}/{}", host(self.first), bits - (128 - different.leading_zeros()))
        } else {
            format!("{}-{}", host(self.first), host(self.last))
        };
        match (self.protocol, self.ports) {
            (0, (0, 0xffff)) => {}
            (protocol, (0, 0xffff)) => text += &format!(" protocol {protocol}"),
            (protocol, (first, last)) if first == last => text += &format!(" protocol {protocol} port {first}"),
            (protocol, (first, last)) => text += &format!(" protocol {protocol} ports {first}-{last}"),
        }
        text
    }
}

/// The first proposal for a child SA: the only one of an answer.
fn proposal<'a>(payloads: &[Payload<'a>]) -> Option<Proposal<'a>> {
    let sa = payloads.iter().find(|payload| payload.kind == payload::SA)?;
    let proposal = Proposals::parse(sa.body, false).ok()?.next()?.ok()?;
    matches!(proposal.protocol, AH | ESP).then_some(proposal)
}

fn spi(proposal: &Proposal<'_>) -> Option<u32> {
    proposal.spi.try_into().ok().map(u32::from_be_bytes)
}

fn notifies(payloads: &[Payload<'_>]) -> impl Iterator<Item = u16> {
    let notifies = payloads.iter().filter(|payload| payload.kind == payload::NOTIFY);
    notifies.filter_map(|payload| Some(super::Notify::parse(payload.body, false).ok()?.kind))
}

fn selectors(payloads: &[Payload<'_>], kind: u8) -> Vec<Selector> {
    const FRONT: usize = 4;
    let Some(body) = payloads.iter().find(|payload| payload.kind == kind).map(|payload| payload.body) else {
        return Vec::new();
    };
    let mut rest = body.get(FRONT..).unwrap_or_default();
    let mut found = Vec::new();
    while let [kind, protocol, high, low, ..] = *rest
        && found.len() < MAX_SELECTORS
        && let Some((selector, behind)) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))
        && !selector.is_empty()
    {
        rest = behind;
        found.extend(one_selector(kind, protocol, selector.get(FRONT..).unwrap_or_default()));
    }
    found
}

fn one_selector(kind: u8, protocol: u8, body: &[u8]) -> Option<Selector> {
    let (ports, addresses) = body.split_first_chunk::<4>()?;
    let [a, b, c, d] = *ports;
    let ports = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum: u128, byte| sum << 8 | u128::from(*byte));
    let v6 = match (kind, addresses.len()) {
        (7, 8) => false,
        (8, 32) => true,
        _ => return None,
    };
    let (first, last) = addresses.split_at_checked(addresses.len() / 2)?;
    Some(Selector { v6, first: number(first), last: number(last), protocol, ports })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_written_as_prefixes_where_they_are_some() {
        let of = |first: [u8; 4], last: [u8; 4], ports: [u8; 4], protocol| {
            one_selector(7, protocol, &[&ports[..], &first, &last].concat()).unwrap().text()
        };
        assert_eq!(of([10, 1, 0, 0], [10, 1, 0, 255], [0, 0, 255, 255], 0), "10.1.0.0/24");
        assert_eq!(of([0; 4], [255; 4], [0, 0, 255, 255], 6), "0.0.0.0/0 protocol 6");
        assert_eq!(of([10, 1, 0, 1], [10, 1, 0, 4], [0, 53, 0, 53], 17), "10.1.0.1-10.1.0.4 protocol 17 port 53");
        assert_eq!(of([10, 1, 0, 1], [10, 1, 0, 1], [0, 1, 0, 9], 17), "10.1.0.1/32 protocol 17 ports 1-9");
        assert!(one_selector(7, 0, &[0; 11]).is_none());
    }
}
