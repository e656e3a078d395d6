//! Which flow a packet belongs to: the 5-tuple without direction, its seeded hash, and its Community ID.
//!
//! Attackers choose flow keys, so the hash is keyed; records do not depend on it.

use crate::json;
use sha1::{Digest, Sha1};
use std::cmp::Ordering;
use transitproof_wire::packet::{Address, Mac, Packet, ip_protocol as ip};

/// What addresses the ends have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    V4,
    V6,
    /// Stations of one link, where there is no IP: EAP over a LAN.
    Link,
}

impl Family {
    pub fn ip(v6: bool) -> Self {
        if v6 { Self::V6 } else { Self::V4 }
    }
}

/// IANA keeps the number, so that no protocol of IP has it; what else has it is told apart by [`Family`].
pub const EAPOL: u8 = 255;
const ETHERTYPE_EAPOL: [u8; 2] = [0x88, 0x8e];

/// The two ends in ascending order of (address, port).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Key {
    /// The upper halves of the low and the high address: all of them in IPv4.
    upper: [u64; 2],
    /// low port, high port, tunnel, transport, [`Family`]: packed so that a comparison is one word.
    rest: u64,
    /// The lower halves, last because IPv4 does without.
    lower: [u64; 2],
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.low(), self.high(), self.rest).cmp(&(other.low(), other.high(), other.rest))
    }
}

impl Key {
    pub const NONE: Self = Self { upper: [0; 2], rest: 0, lower: [0; 2] };

    /// The key, and whether the sender is the low end.
    ///
    /// `tunnel` is what it was unwrapped from, as a number of [`crate::tunnels`]: two networks may use the same addresses.
    /// Which end is low changes from packet to packet, so that a branch on it would be guessed wrong: there is none.
    #[inline]
    pub fn of(packet: &Packet<'_>, tunnel: u16) -> (Self, bool) {
        let (src_port, dst_port) = match packet.transport {
            ip::ICMP | ip::ICMPV6 => (0, 0),
            _ => (u64::from(packet.src_port), u64::from(packet.dst_port)),
        };
        let about = u64::from(tunnel) << 16 | u64::from(packet.transport) << 8 | u64::from(packet.v6);
        if !packet.v6 {
            // Address and port are one word, and its order is theirs.
            let (src, dst) = (packet.src.high | src_port, packet.dst.high | dst_port);
            let (low, high) = (src.min(dst), src.max(dst));
            let rest = low << 48 | (high & 0xffff) << 32 | about;
            return (Self { upper: [low & !0xffff, high & !0xffff], rest, lower: [0; 2] }, src <= dst);
        }
        let (src, dst) = (packet.src.to_number(), packet.dst.to_number());
        let forward = (src < dst) | ((src == dst) & (src_port <= dst_port));
        let swap = u64::from(forward).wrapping_sub(1);
        let sorted = |a: u64, b: u64| (a ^ ((a ^ b) & swap), b ^ ((a ^ b) & swap));
        let (low_high, high_high) = sorted(packet.src.high, packet.dst.high);
        let (low_low, high_low) = sorted(packet.src.low, packet.dst.low);
        let (low_port, high_port) = sorted(src_port, dst_port);
        let rest = low_port << 48 | high_port << 32 | about;
        (Self { upper: [low_high, high_high], rest, lower: [low_low, high_low] }, forward)
    }

    /// The key of what two stations say on their link, or on one that this `tunnel` leads to, and whether the sender is the low end.
    pub fn of_stations(src: Mac, dst: Mac, tunnel: u16) -> (Self, bool) {
        let number = |[a, b, c, d, e, f]: Mac| u64::from_be_bytes([a, b, c, d, e, f, 0, 0]);
        let (src, dst) = (number(src), number(dst));
        let rest = u64::from(tunnel) << 16 | u64::from(EAPOL) << 8 | Family::Link as u64;
        (Self { upper: [src.min(dst), src.max(dst)], rest, lower: [0; 2] }, src <= dst)
    }

    pub fn low(&self) -> Address {
        Address { high: self.upper[0], low: self.lower[0] }
    }

    pub fn high(&self) -> Address {
        Address { high: self.upper[1], low: self.lower[1] }
    }

    #[inline]
    pub fn v6(&self) -> bool {
        self.rest & 1 != 0
    }

    pub fn family(&self) -> Family {
        match self.rest & 3 {
            0 => Family::V4,
            1 => Family::V6,
            _ => Family::Link,
        }
    }

    #[inline]
    pub fn transport(&self) -> u8 {
        (self.rest >> 8) as u8
    }

    pub fn tunnel(&self) -> u16 {
        (self.rest >> 16) as u16
    }

    /// The same without what it was unwrapped from.
    pub fn bare(&self) -> Self {
        const TUNNEL: u64 = 0xffff << 16;
        Self { rest: self.rest & !TUNNEL, ..*self }
    }

    /// Address and port of the low or the high end.
    pub fn end(&self, low: bool) -> (Address, u16) {
        if low { (self.low(), (self.rest >> 48) as u16) } else { (self.high(), (self.rest >> 32) as u16) }
    }

    /// Without a call of memcmp, and without a look at what IPv4 does without.
    #[inline]
    pub fn equals(&self, other: &Self) -> bool {
        let differing = (self.upper[0] ^ other.upper[0]) | (self.upper[1] ^ other.upper[1]) | (self.rest ^ other.rest);
        differing == 0 && (!self.v6() || self.lower == other.lower)
    }

    /// Folded multiplication over the words that vary (in the manner of wyhash), 32 bits of it.
    #[inline]
    pub fn hash(&self, seed: Seed) -> u32 {
        let mut h = fold(self.upper[0] ^ seed.0, self.rest ^ seed.1);
        h = fold(h ^ self.upper[1], seed.1);
        if self.v6() {
            h = fold(h ^ self.lower[0], self.lower[1] ^ seed.0);
        }
        (h ^ (h >> 32)) as u32
    }
}

/// The address of a station, which has the place of an IPv4 address and the two bytes behind it.
pub fn station(address: Address) -> Mac {
    let [a, b, c, d, e, f, ..] = address.high.to_be_bytes();
    [a, b, c, d, e, f]
}

/// Key of the hash; both halves are made odd so that no multiplication loses everything.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64, u64);

impl Seed {
    pub const fn new(seed: u64) -> Self {
        let a = fold(seed ^ 0x9e37_79b9_7f4a_7c15, 0xe703_7ed1_a0b4_28db);
        let b = fold(a ^ 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3);
        Self(a | 1, b | 1)
    }

    /// A hash of two addresses that does not depend on which comes first.
    #[inline]
    pub fn of_pair(self, a: Address, b: Address) -> u64 {
        let hash = |address: Address| fold(address.high ^ self.0, address.low ^ self.1);
        fold(hash(a).wrapping_add(hash(b)), self.1)
    }
}

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let wide = a as u128 * b as u128;
    (wide >> 64) as u64 ^ wide as u64
}

/// Community ID version 1: what is written in base64 behind `1:`.
pub type CommunityId = [u8; 20];

/// Community ID version 1 with seed 0 (github.com/corelight/community-id-spec); [`write_community_id`] writes it.
///
/// `icmp` is type and code of the flow's first packet: for echo and the like the answer's type stands for a port. Of stations it is
/// made in the same way from their addresses and the EtherType, of which the specification says nothing.
pub fn community_id(key: &Key, initiator_low: bool, icmp: (u8, u8)) -> CommunityId {
    let transport = key.transport();
    let (src, sport) = key.end(initiator_low);
    let (dst, dport) = key.end(!initiator_low);
    let (sport, dport, one_way) = match transport {
        ip::ICMP | ip::ICMPV6 => icmp_ports(transport == ip::ICMPV6, icmp),
        _ => (sport, dport, false),
    };
    let forward = one_way || (src, sport) <= (dst, dport);
    let (a, pa, b, pb) = if forward { (src, sport, dst, dport) } else { (dst, dport, src, sport) };
    // Hashed in one call: each would cost about as much as the hash of so few bytes.
    let (mut bytes, mut len) = ([0; 2 + 16 + 16 + 2 + 4], 2);
    let mut append = |part: &[u8]| {
        if let Some(place) = bytes.get_mut(len..len + part.len()) {
            place.copy_from_slice(part);
            len += part.len();
        }
    };
    for address in [a, b] {
        match key.family() {
            Family::V4 => append(&address.to_v4()),
            Family::V6 => append(&address.to_v6()),
            Family::Link => append(&station(address)),
        }
    }
    if key.family() == Family::Link {
        append(&ETHERTYPE_EAPOL)
    } else {
        append(&[transport, 0])
    }
    if matches!(transport, ip::ICMP | ip::ICMPV6 | ip::TCP | ip::UDP | ip::SCTP) {
        append(&pa.to_be_bytes());
        append(&pb.to_be_bytes());
    }
    Sha1::digest(bytes.get(..len).unwrap_or_default()).into()
}

/// With its version, as a string.
pub fn write_community_id(out: &mut Vec<u8>, id: &CommunityId) {
    out.extend_from_slice(b"\"1:");
    json::base64(out, id);
    out.push(b'"');
}

/// The specification's port pairs for ICMP: (type, its counterpart), or (type, code) for one-way messages.
fn icmp_ports(v6: bool, (kind, code): (u8, u8)) -> (u16, u16, bool) {
    const V4: [(u8, u8); 10] =
        [(8, 0), (0, 8), (13, 14), (14, 13), (15, 16), (16, 15), (10, 9), (9, 10), (17, 18), (18, 17)];
    const V6: [(u8, u8); 14] = [
        (128, 129),
        (129, 128),
        (133, 134),
        (134, 133),
        (135, 136),
        (136, 135),
        (130, 131),
        (131, 130),
        (144, 145),
        (145, 144),
        (139, 140),
        (140, 139),
        (146, 147),
        (147, 146),
    ];
    let table: &[(u8, u8)] = if v6 { &V6 } else { &V4 };
    match table.iter().find(|(t, _)| *t == kind) {
        Some((_, counterpart)) => (u16::from(kind), u16::from(*counterpart), false),
        None => (u16::from(kind), u16::from(code), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(transport: u8, src: [u8; 4], sport: u16, dst: [u8; 4], dport: u16) -> Packet<'static> {
        Packet {
            v6: false,
            transport,
            flags: 0,
            src: Address::v4(src),
            dst: Address::v4(dst),
            src_port: sport,
            dst_port: dport,
            seq: 0,
            ip_length: 0,
            payload_length: 0,
            payload: &[],
            fragment: None,
        }
    }

    fn id(p: Packet<'_>) -> String {
        let (key, low) = Key::of(&p, 0);
        let mut out = Vec::new();
        write_community_id(&mut out, &community_id(&key, low, (p.src_port as u8, p.dst_port as u8)));
        String::from_utf8(out).unwrap()
    }

    /// Baseline values of the specification's own test data.
    #[test]
    fn community_ids_of_the_specification() {
        let (a, b) = ([128, 232, 110, 120], [66, 35, 250, 204]);
        assert_eq!(id(packet(6, a, 34855, b, 80)), r#""1:LQU9qZlK+B5F3KDmev6m5PMibrg=""#);
        assert_eq!(id(packet(6, b, 80, a, 34855)), r#""1:LQU9qZlK+B5F3KDmev6m5PMibrg=""#);
        let (a, b) = ([192, 168, 1, 52], [8, 8, 8, 8]);
        assert_eq!(id(packet(17, a, 54585, b, 53)), r#""1:d/FP5EW3wiY1vCndhwleRRKHowQ=""#);
        let (a, b) = ([192, 168, 0, 89], [192, 168, 0, 1]);
        assert_eq!(id(packet(1, a, 8, b, 0)), r#""1:X0snYXpgwiv9TZtqg64sgzUn6Dk=""#);
        assert_eq!(id(packet(1, b, 0, a, 8)), r#""1:X0snYXpgwiv9TZtqg64sgzUn6Dk=""#);
    }

    #[test]
    fn both_directions_share_key_and_hash() {
        let (forward, low) = Key::of(&packet(6, [10, 0, 0, 1], 40000, [10, 0, 0, 2], 443), 3);
        let (back, other) = Key::of(&packet(6, [10, 0, 0, 2], 443, [10, 0, 0, 1], 40000), 3);
        assert_eq!((forward, low), (back, !other));
        assert_eq!(forward.hash(Seed::new(7)), back.hash(Seed::new(7)));
        assert_ne!(forward.hash(Seed::new(7)), forward.hash(Seed::new(8)));
        assert_eq!((forward.tunnel(), forward.transport(), forward.end(low).1), (3, 6, 40000));
    }

    /// Who knows the seed of one table can fill one bucket of it. The same keys spread over a table with another seed as
    /// others do: with 4096 keys in 4096 buckets, one of nine or more is not to be expected.
    #[test]
    fn keys_chosen_to_collide_under_one_seed_do_not_under_another() {
        const BUCKETS: u32 = 4096;
        let candidate = |n: u32| {
            let [a, b, c, d] = n.to_be_bytes();
            Key::of(&packet(17, [10, a, b, c], 1024 + u16::from(d), [192, 0, 2, 1], 53), 0).0
        };
        let (known, other) = (Seed::new(1), Seed::new(2));
        let chosen: Vec<Key> = (0..).map(candidate).filter(|key| key.hash(known) % BUCKETS < 4).take(4096).collect();
        let fullest = |seed| {
            let mut buckets = vec![0; BUCKETS as usize];
            chosen.iter().for_each(|key| buckets[(key.hash(seed) % BUCKETS) as usize] += 1);
            buckets.into_iter().max()
        };
        assert!(fullest(known) >= Some(1000), "the attack works where the seed is known");
        assert!(fullest(other) <= Some(8), "{:?}", fullest(other));
    }
}
