//! The expression as a tree, and what it says of a flow of which class and protocol may not be known yet.

use crate::endpoint::has_ports;
use crate::key::{Family, Key};
use transitproof_wire::packet::Address;
use transitproof_wire::{Class, Protocol};

#[derive(Clone, Debug)]
pub enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Is(Condition),
}

#[derive(Clone, Debug)]
pub enum Condition {
    /// Either end lies in this network.
    Host(Network),
    /// Either end has a port between these two.
    Port(u16, u16),
    /// A protocol of IP; none for EAP over a LAN, where there is no IP.
    Transport(Option<u8>),
    Class(Class),
    /// By its word in the record.
    Protocol(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub family: Family,
    pub address: Address,
    pub mask: Address,
}

impl Network {
    /// `length` leading bits of the address count.
    pub fn new(family: Family, address: Address, length: u32) -> Self {
        let (high, low) = (length.min(64), length.saturating_sub(64));
        let ones = |bits: u32| u64::MAX.checked_shl(64 - bits).unwrap_or(0);
        let mask = Address { high: ones(high), low: ones(low) };
        Self { family, address: masked(address, mask), mask }
    }

    fn has(&self, address: Address) -> bool {
        masked(address, self.mask) == self.address
    }
}

fn masked(address: Address, mask: Address) -> Address {
    Address { high: address.high & mask.high, low: address.low & mask.low }
}

impl Node {
    /// Three-valued (Kleene): without the protocol, what depends on it is `None`.
    pub fn holds(&self, key: &Key, protocol: Option<Protocol>) -> Option<bool> {
        match self {
            Self::All(nodes) => all(nodes.iter().map(|node| node.holds(key, protocol))),
            Self::Any(nodes) => all(nodes.iter().map(|node| not(node.holds(key, protocol)))).map(|none| !none),
            Self::Not(node) => not(node.holds(key, protocol)),
            Self::Is(condition) => condition.holds(key, protocol),
        }
    }

    /// Whether class or protocol is asked for.
    pub fn is_late(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(Self::is_late),
            Self::Not(node) => node.is_late(),
            Self::Is(condition) => matches!(condition, Condition::Class(_) | Condition::Protocol(_)),
        }
    }
}

fn all(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for value in values {
        match value {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

fn not(value: Option<bool>) -> Option<bool> {
    value.map(|holds| !holds)
}

impl Condition {
    fn holds(&self, key: &Key, protocol: Option<Protocol>) -> Option<bool> {
        match self {
            Self::Host(network) => {
                Some(network.family == key.family() && (network.has(key.low()) || network.has(key.high())))
            }
            Self::Port(first, last) => {
                let among = |low: bool| (*first..=*last).contains(&key.end(low).1);
                Some(has_ports(key.transport()) && (among(true) || among(false)))
            }
            Self::Transport(number) => {
                let of_ip = Some(key.transport()).filter(|_| key.family() != Family::Link);
                Some(of_ip == *number)
            }
            Self::Class(class) => protocol.map(|protocol| protocol.class() == *class),
            Self::Protocol(name) => protocol.map(|protocol| protocol.name() == *name),
        }
    }
}
