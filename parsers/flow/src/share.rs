//! Whose a packet is when several cores work on one capture. Every core is given every frame, so that all have the same time and
//! the same fragments, and passes over the packets of the others: those between two addresses are all one core's.

use crate::key::Seed;
use transitproof_wire::packet::{Address, Packet, addresses};

/// The same in every run, and so is the order in which the cores' records come. Whoever chooses addresses so that all are one
/// core's makes it as slow as one.
const SEED: Seed = Seed::new(1);

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

    /// The upper half of the hash, scaled, says whose it is: no division.
    #[inline]
    fn owns(self, (src, dst): (Address, Address)) -> bool {
        let hash = SEED.of_pair(src, dst) >> 32;
        ((hash * u64::from(self.of)) >> 32) as u32 == self.mine
    }

    /// What is nobody's in particular is counted by the first.
    pub fn is_first(self) -> bool {
        self.mine == 0
    }
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
