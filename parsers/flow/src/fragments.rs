//! Ports of later IP fragments: only the first one has a transport header, but every fragment counts to its flow.

use crate::limits::MAX_FRAGMENTS;
use std::collections::{HashMap, VecDeque};
use transitproof_wire::packet::{Address, Packet};

/// RFC 791: fragments of one packet agree in addresses, protocol and identification.
type PacketId = (Address, Address, u8, u32);

#[derive(Debug, Default)]
pub struct FirstFragments {
    ports: HashMap<PacketId, (u16, u16)>,
    oldest: VecDeque<PacketId>,
}

impl FirstFragments {
    /// Remembers a first fragment, or fills in the ports of a later one. False if its first one was not seen.
    pub fn resolve(&mut self, packet: &mut Packet<'_>) -> bool {
        let Some(fragment) = packet.fragment else { return true };
        let id = (packet.src, packet.dst, packet.transport, fragment.id);
        if fragment.offset == 0 {
            if self.ports.insert(id, (packet.src_port, packet.dst_port)).is_none() {
                self.oldest.push_back(id);
            }
            if self.oldest.len() > MAX_FRAGMENTS
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.ports.remove(&oldest);
            }
            return true;
        }
        packet.payload = &[];
        packet.payload_length = 0;
        match self.ports.get(&id) {
            Some(ports) => {
                (packet.src_port, packet.dst_port) = *ports;
                true
            }
            None => !crate::endpoint::has_ports(packet.transport),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::packet::Fragment;

    fn part(id: u32, offset: u32, src_port: u16) -> Packet<'static> {
        Packet {
            v6: false,
            transport: 17,
            flags: 0,
            src: Address::v4([10, 0, 0, 1]),
            dst: Address::v4([10, 0, 0, 2]),
            src_port,
            dst_port: src_port,
            seq: 0,
            ip_length: 100,
            payload_length: 80,
            payload: &[1; 80],
            fragment: Some(Fragment { id, offset, more: true }),
        }
    }

    #[test]
    fn later_fragments_get_the_ports_of_the_first() {
        let mut first = FirstFragments::default();
        assert!(first.resolve(&mut part(7, 0, 500)));
        let mut later = part(7, 1480, 0);
        assert!(first.resolve(&mut later));
        assert_eq!((later.src_port, later.dst_port, later.payload.len()), (500, 500, 0));
        assert!(!first.resolve(&mut part(8, 1480, 0)), "its first fragment was not seen");
    }

    #[test]
    fn memory_is_bounded() {
        let mut first = FirstFragments::default();
        for id in 0..3 * MAX_FRAGMENTS as u32 {
            first.resolve(&mut part(id, 0, 500));
        }
        assert_eq!((first.ports.len(), first.oldest.len()), (MAX_FRAGMENTS, MAX_FRAGMENTS));
    }
}
