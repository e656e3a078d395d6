//! Whose a packet is when several cores work on one capture: those between two addresses are all one core's. The one who reads
//! gives each core its own frames, and all of them what needs a closer look (fragments, tunnels, damage) and the frames at which
//! time comes to where flows may end: so all have the same time and the same fragments.

use crate::core::Frame;
use crate::key::Seed;
use crate::looked::{Kind, Looked};
use crate::time::SECOND;
use transitproof_wire::dns::is_service_answer;
use transitproof_wire::packet::{Address, Packet, addresses, ip_protocol, plain};

/// The same in every run, and so is the order in which the cores' records come. Whoever chooses addresses so that all are one
/// core's makes it as slow as one.
const SEED: Seed = Seed::new(1);
const DNS_PORT: u16 = 53;

#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Number of this core, from 0.
    pub mine: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    pub const ALL: Self = Self { mine: 0, of: 1 };

    /// Whether a frame with all that is in it is this core's, as far as a look at its addresses shows.
    #[inline]
    pub fn has_frame(self, link: u16, bytes: &[u8]) -> Option<bool> {
        if self.of == 1 {
            return Some(true);
        }
        addresses(link, bytes).map(|ends| self.owns(ends))
    }

    pub fn has(self, packet: &Packet<'_>) -> bool {
        self.of == 1 || self.owns((packet.src, packet.dst))
    }

    #[inline]
    fn owns(self, ends: (Address, Address)) -> bool {
        owner(ends, self.of) == self.mine
    }

    /// What is nobody's in particular is counted by the first.
    pub fn is_first(self) -> bool {
        self.mine == 0
    }
}

/// The upper half of the hash, scaled, says whose it is: no division.
#[inline]
fn owner((src, dst): (Address, Address), of: u32) -> u32 {
    let hash = SEED.of_pair(src, dst) >> 32;
    ((hash * u64::from(of)) >> 32) as u32
}

/// Gives frames to several cores, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    of: u32,
    /// That of the cores.
    seed: Seed,
    /// As that of a core: the second behind the latest frame's.
    next_turn: u64,
}

impl Shares {
    /// `seed`: as in the cores' [`crate::Config`].
    pub fn new(of: u32, seed: u64) -> Self {
        Self { of, seed: Seed::new(seed), next_turn: 0 }
    }

    /// Looks at a frame and gives it to the cores that need it, by number.
    #[inline]
    pub fn give(&mut self, frame: &Frame<'_>, mut to: impl FnMut(u32, Looked)) {
        let looked = Looked::at(frame, self.seed);
        let owner = match looked.kind {
            Kind::Plain => Some(owner((looked.key.low(), looked.key.high()), self.of)),
            _ => addresses(frame.link, frame.bytes).map(|ends| owner(ends, self.of)),
        };
        let others = if is_said_to_all(frame, &looked) { Kind::Said } else { Kind::Nothing };
        if let Some(owner) = owner
            && frame.time < self.next_turn
            && others == Kind::Nothing
        {
            return to(owner, looked);
        }
        self.next_turn = self.next_turn.max(behind(frame.time));
        for core in 0..self.of {
            let mine = owner.is_none_or(|owner| owner == core);
            to(core, if mine { looked } else { Looked { kind: others, ..Looked::NOTHING } });
        }
    }

    /// Frames of these times are given by another one, a copy from before them.
    pub fn pass(&mut self, times: impl Iterator<Item = u64>) {
        if let Some(latest) = times.max() {
            self.next_turn = self.next_turn.max(behind(latest));
        }
    }

    /// The capture is over; another one may be of an earlier day.
    pub fn rewind(&mut self) {
        self.next_turn = 0;
    }
}

/// The second behind this time.
fn behind(time: u64) -> u64 {
    (time / SECOND + 1).saturating_mul(SECOND)
}

/// Whether it is an answer about services, from the port of DNS: handshakes of every core are read with what it says.
#[inline]
fn is_said_to_all(frame: &Frame<'_>, looked: &Looked) -> bool {
    looked.kind == Kind::Plain
        && looked.key.transport() == ip_protocol::UDP
        && looked.key.end(looked.low).1 == DNS_PORT
        && plain(frame.link, frame.bytes).is_some_and(|packet| is_service_answer(packet.payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::packet::Address;

    const NOTHING: Packet<'_> = Packet {
        v6: false,
        transport: 17,
        flags: 0,
        src: Address { high: 0, low: 0 },
        dst: Address { high: 0, low: 0 },
        src_port: 0,
        dst_port: 0,
        seq: 0,
        ip_length: 0,
        payload_length: 0,
        payload: &[],
        fragment: None,
    };

    #[test]
    fn both_directions_are_one_cores_and_each_has_its_part() {
        for of in [1, 2, 3, 7] {
            let mut parts = vec![0; of as usize];
            for n in 0..3000u32 {
                let [_, a, b, c] = n.to_be_bytes();
                let (src, dst) = (Address::v4([10, a, b, c]), Address::v4([192, 0, 2, c]));
                let packet = Packet { src, dst, ..NOTHING };
                let back = Packet { src: dst, dst: src, ..NOTHING };
                let owners: Vec<u32> = (0..of).filter(|mine| Share { mine: *mine, of }.has(&packet)).collect();
                assert_eq!(owners.len(), 1);
                assert!(Share { mine: owners[0], of }.has(&back));
                parts[owners[0] as usize] += 1;
            }
            assert!(parts.iter().all(|part| *part > 3000 / of * 3 / 4), "{parts:?}");
        }
    }
}
