//! Packets of the openings of flows, kept for a while, so that those behind a finding can be written once it is one.

use crate::Frame;
use std::collections::VecDeque;

/// What a packet costs besides its bytes, with the room that the allocator leaves.
const OVERHEAD: usize = 96;

/// One packet as it was captured.
pub struct Packet {
    number: u64,
    flow: u64,
    pub time_ns: u64,
    pub original: u32,
    pub link: u16,
    pub bytes: Box<[u8]>,
}

/// The latest of them, within a bound of memory.
pub struct Kept {
    packets: VecDeque<Packet>,
    held: usize,
    most: usize,
}

impl Kept {
    /// As many as fit into so many bytes.
    pub fn new(most: usize) -> Self {
        Self { packets: VecDeque::new(), held: 0, most }
    }

    /// Numbers must ascend.
    pub fn keep(&mut self, (number, flow): (u64, u64), frame: &Frame, bytes: &[u8]) {
        self.held += bytes.len() + OVERHEAD;
        let Frame { time_ns, original, link, .. } = *frame;
        self.packets.push_back(Packet { number, flow, time_ns, original, link, bytes: bytes.into() });
        while self.held > self.most
            && let Some(oldest) = self.packets.pop_front()
        {
            self.held -= oldest.bytes.len() + OVERHEAD;
        }
    }

    /// What is kept of the flow that a frame belongs to; nothing if that is not kept any more.
    pub fn of_flow(&self, number: u64) -> impl Iterator<Item = &Packet> {
        let found = self.packets.binary_search_by_key(&number, |packet| packet.number).ok();
        let flow = found.and_then(|at| self.packets.get(at)).map(|packet| packet.flow);
        self.packets.iter().filter(move |packet| Some(packet.flow) == flow)
    }
}

impl Packet {
    pub fn number(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(kept: &mut Kept, number: u64, flow: u64, bytes: &[u8]) {
        let captured = bytes.len() as u32;
        let frame = Frame { time_ns: number, offset: 0, captured, original: captured, link: 1, interface: 0 };
        kept.keep((number, flow), &frame, bytes);
    }

    fn numbers(kept: &Kept, number: u64) -> Vec<u64> {
        kept.of_flow(number).map(Packet::number).collect()
    }

    #[test]
    fn packets_of_a_flow_are_found_by_one_of_them_until_there_is_no_room() {
        let mut kept = Kept::new(4 * (100 + OVERHEAD));
        for number in [3, 4, 7, 9] {
            keep(&mut kept, number, number % 2, &[0; 100]);
        }
        assert_eq!(numbers(&kept, 7), [3, 7, 9]);
        assert_eq!(numbers(&kept, 4), [4]);
        assert_eq!(numbers(&kept, 5), [0; 0]);
        keep(&mut kept, 10, 1, &[0; 101]);
        assert_eq!(numbers(&kept, 10), [7, 9, 10], "the oldest went");
        keep(&mut kept, 11, 1, &[0; 4096]);
        assert_eq!(numbers(&kept, 11), [0; 0], "too large for the whole");
        assert_eq!(kept.held, 0);
    }
}
