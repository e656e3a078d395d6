//! The first look at a frame: whose it is and what counts, before anything is done about it. Of the header's fields it holds
//! those that every packet needs.

use crate::core::Frame;
use crate::key::{Key, Seed};
use crate::table::{NO_SLOT, Slot};
use transitproof_wire::packet::{Packet, plain};

/// What a frame turned out to be at the first look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without a readable packet, or another core's.
    Nothing,
    /// Another core's answer about services, which all cores hear.
    Said,
    /// No ordinary packet: to be looked at layer by layer.
    Odd,
    /// Read in a straight line.
    Plain,
    /// Read layer by layer.
    Walked,
    Fragment,
    /// EAP over a LAN.
    Eapol,
}

/// A packet with its place in the table half looked up, and what it takes to count it. The rest is read once more where it
/// is wanted: of nearly every packet it is not, and a batch of these stays small.
#[derive(Clone, Copy)]
pub struct Looked {
    pub(crate) key: Key,
    pub(crate) hash: u32,
    /// The slot that its flow probably has.
    pub(crate) candidate: Slot,
    pub(crate) ip_length: u32,
    pub(crate) flags: u8,
    pub(crate) kind: Kind,
    /// The sender is the low end of the key.
    pub(crate) low: bool,
}

impl Looked {
    pub const NOTHING: Self =
        Self { key: Key::NONE, hash: 0, candidate: NO_SLOT, ip_length: 0, flags: 0, kind: Kind::Nothing, low: false };

    /// The first look at a frame, with the seed of the core that it is for.
    #[inline]
    pub(crate) fn at(frame: &Frame<'_>, seed: Seed) -> Self {
        match plain(frame.link, frame.bytes) {
            Some(packet) => Self::of(&packet, 0, seed, Kind::Plain),
            None => Self { kind: Kind::Odd, ..Self::NOTHING },
        }
    }

    #[inline]
    pub(crate) fn of(packet: &Packet<'_>, tunnel: u16, seed: Seed, kind: Kind) -> Self {
        let (key, low) = Key::of(packet, tunnel);
        let (ip_length, flags) = (packet.ip_length, packet.flags);
        Self { key, hash: key.hash(seed), candidate: NO_SLOT, ip_length, flags, kind, low }
    }
}
