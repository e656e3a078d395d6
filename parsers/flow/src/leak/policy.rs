//! What has to be inside a tunnel: two or more sides, and all traffic from one of them to another.
//!
//! Given as prefixes, read in traffic selectors (RFC 7296 section 2.9), or taken from the host's own database (RFC 4301 section 4.4.1).

use crate::entry::{Entry, mark};
use crate::ike::Selector;
use crate::key::{Family, Key};
use crate::select::network;
use std::sync::Arc;
use transitproof_wire::packet::Address;

/// Prefixes of one policy: the networks of a company with many sites. Each flow that ends is held against all of them.
const MAX_SIDES: usize = 64;

/// Where a policy is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Given,
    /// Of a child SA that was read with keys.
    Selectors,
    /// The kernel's security policy database.
    Host,
}

impl Source {
    pub fn word(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Selectors => "traffic_selectors",
            Self::Host => "host",
        }
    }
}

impl Selector {
    fn of(text: &str) -> Result<Self, String> {
        let network = network(text)?;
        let v6 = network.family == Family::V6;
        let shift = if v6 { 0 } else { 96 };
        let (first, mask) = (network.address.to_number() >> shift, network.mask.to_number() >> shift);
        let all = u128::MAX >> shift;
        Ok(Self { v6, first, last: first | (all & !mask), protocol: 0, ports: (0, u16::MAX) })
    }

    fn everything(v6: bool) -> Self {
        Self { v6, first: 0, last: if v6 { u128::MAX } else { u32::MAX.into() }, protocol: 0, ports: (0, u16::MAX) }
    }

    fn is_everything(&self) -> bool {
        let all = Self::everything(self.v6);
        (self.first, self.last) == (all.first, all.last)
    }

    /// How many addresses there are, less one, if the end is among them.
    fn holds(&self, key: &Key, (address, port): (Address, u16)) -> Option<u128> {
        let number = if key.v6() { address.to_number() } else { u32::from_be_bytes(address.to_v4()).into() };
        let held = self.v6 == key.v6()
            && (self.first..=self.last).contains(&number)
            && (self.protocol == 0 || self.protocol == key.transport())
            && (self.ports == (0, u16::MAX) || (self.ports.0..=self.ports.1).contains(&port));
        held.then(|| self.last - self.first)
    }
}

/// Which of its packets are outside, as the policy looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    Both,
    /// From this side alone, to this side alone.
    Outbound,
    Inbound,
    /// One of them; which side is this one is not known.
    OneWay,
}

impl Course {
    pub fn word(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
            Self::OneWay => "one_way",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Policy {
    /// As people write it.
    pub text: Box<str>,
    pub source: Source,
    /// This side first, where that is known.
    sides: Vec<Vec<Selector>>,
    /// From when on it holds, ns.
    since: u64,
}

impl Policy {
    /// `10.1.0.0/16` (all that enters or leaves it) or `10.1.0.0/16,10.2.0.0/16` (all between two of them), this side first.
    /// Err says what is wrong with it.
    pub fn of(text: &str, source: Source) -> Result<Self, String> {
        let prefixes: Vec<_> = text.split(',').map(str::trim).collect();
        if prefixes.len() > MAX_SIDES {
            return Err(format!("{} prefixes, {MAX_SIDES} at most", prefixes.len()));
        }
        let mut sides =
            prefixes.iter().map(|text| Ok(vec![Selector::of(text)?])).collect::<Result<Vec<_>, String>>()?;
        if let [only] = &mut *sides {
            let everything = Selector::everything(only[0].v6);
            sides.push(vec![everything]);
        }
        if sides.iter().flatten().filter(|range| range.is_everything()).count() > 1 {
            return Err(format!("\"{text}\" is everything: name the networks whose traffic has to be inside"));
        }
        Ok(Self { text: prefixes.join(",").into(), source, sides, since: 0 })
    }

    /// Of a child SA from `since` on. None where its selectors are everything to everything: then routes say what goes inside.
    pub fn learned(text: String, sides: [Vec<Selector>; 2], since: u64) -> Option<Arc<Self>> {
        let says = |side: &Vec<Selector>| !side.is_empty() && !side.iter().any(Selector::is_everything);
        let [one, other] = &sides;
        let useful = (says(one) || says(other)) && !one.is_empty() && !other.is_empty();
        useful.then(|| Arc::new(Self { text: text.into(), source: Source::Selectors, sides: Vec::from(sides), since }))
    }

    pub fn same(&self, other: &Self) -> bool {
        self.sides == other.sides && self.source == other.source
    }

    /// Whether a flow has to be inside, and which of its packets are those that are not.
    pub fn covers(&self, entry: &Entry) -> Option<Course> {
        let key = &entry.key;
        if entry.last < self.since || stays_on_its_link(key) {
            return None;
        }
        let [low, high] = [self.side(key, true)?, self.side(key, false)?];
        if low == high {
            return None;
        }
        let [forward, reverse] = entry.packets();
        let low_first = entry.has(mark::INITIATOR_LOW);
        let initiator_here = (low < high) == low_first;
        Some(match (forward > 0, reverse > 0) {
            (true, true) => Course::Both,
            _ if self.source == Source::Selectors => Course::OneWay,
            (from_initiator, _) if from_initiator == initiator_here => Course::Outbound,
            _ => Course::Inbound,
        })
    }

    /// The side of an end: the smallest network that holds it.
    fn side(&self, key: &Key, low: bool) -> Option<usize> {
        let end = key.end(low);
        let sides = self.sides.iter().enumerate();
        let holding = sides
            .filter_map(|(side, ranges)| Some((ranges.iter().filter_map(|range| range.holds(key, end)).min()?, side)));
        holding.min().map(|(_, side)| side)
    }
}

/// Multicast, broadcast, link-local, loopback and unspecified addresses are never routed into a tunnel, nor is what has none.
fn stays_on_its_link(key: &Key) -> bool {
    key.family() == Family::Link
        || [key.low(), key.high()].into_iter().any(|address| {
            if key.v6() {
                let address = std::net::Ipv6Addr::from(address.to_v6());
                address.is_multicast()
                    || address.is_unicast_link_local()
                    || address.is_unspecified()
                    || address.is_loopback()
            } else {
                let address = std::net::Ipv4Addr::from(address.to_v4());
                address.is_multicast()
                    || address.is_broadcast()
                    || address.is_link_local()
                    || address.is_unspecified()
                    || address.is_loopback()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::packet::{Packet, ip_protocol as ip};

    /// A flow whose initiator sent three packets and whose responder two.
    fn flow(src: [u8; 4], dst: [u8; 4], port: u16) -> Entry {
        let packet = Packet {
            v6: false,
            transport: ip::TCP,
            flags: 0,
            src: Address::v4(src),
            dst: Address::v4(dst),
            src_port: 40000,
            dst_port: port,
            seq: 0,
            ip_length: 40,
            payload_length: 0,
            payload: &[],
            fragment: None,
        };
        let (key, low) = Key::of(&packet, 0);
        Entry::of_dns(key, 5, if low { mark::INITIATOR_LOW } else { 0 }, [3, 2])
    }

    #[test]
    fn between_networks_of_a_policy() {
        let policy = Policy::of("10.0.0.0/8, 10.2.0.0/16,192.168.0.0/16", Source::Given).unwrap();
        let covered = |src, dst| policy.covers(&flow(src, dst, 80)).is_some();
        assert!(covered([10, 1, 0, 1], [10, 2, 0, 1]) && covered([192, 168, 3, 4], [10, 9, 9, 9]));
        assert!(!covered([10, 1, 0, 1], [10, 3, 0, 1]), "one side");
        assert!(!covered([10, 1, 0, 1], [8, 8, 8, 8]), "outside all of them");
        assert_eq!(&*policy.text, "10.0.0.0/8,10.2.0.0/16,192.168.0.0/16");
    }

    #[test]
    fn one_network_means_all_that_leaves_it() {
        let policy = Policy::of("10.1.0.0/16", Source::Given).unwrap();
        let covers = |src, dst| policy.covers(&flow(src, dst, 80));
        assert_eq!(covers([10, 1, 0, 1], [8, 8, 8, 8]), Some(Course::Both));
        assert_eq!(covers([10, 1, 0, 1], [10, 1, 2, 3]), None);
        assert_eq!(covers([10, 1, 0, 1], [224, 0, 0, 251]), None, "multicast stays on its link");
        let mut one_way = flow([10, 1, 0, 1], [8, 8, 8, 8], 80);
        one_way.set_packets([1, 0]);
        assert_eq!(policy.covers(&one_way), Some(Course::Outbound));
        one_way.set_packets([0, 1]);
        assert_eq!(policy.covers(&one_way), Some(Course::Inbound));
    }

    #[test]
    fn selectors_have_transports_ports_and_a_beginning() {
        let here = Selector { protocol: ip::TCP, ports: (80, 80), ..Selector::of("10.2.0.0/16").unwrap() };
        let sides = [vec![Selector::of("10.1.0.0/16").unwrap()], vec![here]];
        let policy = Policy::learned(String::new(), sides.clone(), 5).unwrap();
        assert!(policy.covers(&flow([10, 1, 0, 1], [10, 2, 0, 1], 80)).is_some());
        assert!(policy.covers(&flow([10, 1, 0, 1], [10, 2, 0, 1], 81)).is_none());
        let later = Policy::learned(String::new(), sides, 6).unwrap();
        assert!(later.covers(&flow([10, 1, 0, 1], [10, 2, 0, 1], 80)).is_none(), "it was over before");
        let everything = vec![Selector::everything(false)];
        assert!(Policy::learned(String::new(), [everything.clone(), everything], 0).is_none());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| Policy::of(text, Source::Given).unwrap_err();
        assert!(wrong("10.1.0.0/33").contains("from 0 to 32"));
        assert!(wrong("ten").contains("\"ten\" is not an address or network"));
        assert!(wrong("0.0.0.0/0").contains("is everything"));
        assert!(wrong(&"10.0.0.0/8,".repeat(65)).contains("64 at most"));
    }
}
