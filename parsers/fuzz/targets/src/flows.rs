//! `flows`: conversations over TCP and UDP packed into packets, through the core. What `core` is promised, deeper inside: here
//! every input is connections that open, lose, repeat and reorder segments, fall silent, end and begin anew.
//!
//! The first two bytes are the server's port. The kind of a step says how its bytes travel, the bits above what happens besides.

use crate::app::port;
use crate::script::{GAP, REVERSE, Step, steps};
use crate::whole::{Owned, check_all};
use transitproof_wire::packet::{ip_protocol as ip, tcp_flags as flag};

const FIN: u8 = 0x10;
const RST: u8 = 0x20;
/// On a second connection, which the capture joins in its middle.
const OTHER: u8 = 0x40;
/// After long silence.
const LATER: u8 = 0x80;

const RAW_IP: u16 = 101;
const MILLISECOND: u64 = 1_000_000;
const LONGEST: usize = 65_000;

/// How the bytes of a step travel.
const UDP: usize = 1;
const REPEATED: usize = 2;
const EARLY: usize = 3;

pub fn flows(input: &[u8]) {
    let Some((port, script)) = port(input) else { return };
    check_all(&Network::new(port).carry(&steps(script)), input.len());
}

/// Both connections and the capture of them.
struct Network {
    server: u16,
    time: u64,
    /// The next sequence number of either side of each connection.
    next: [[u32; 2]; 2],
    opened: bool,
    frames: Vec<Owned>,
}

impl Network {
    fn new(server: u16) -> Self {
        Self { server, time: 1 << 60, next: [[1000, u32::MAX - 1000]; 2], opened: false, frames: Vec::new() }
    }

    fn carry(mut self, steps: &[Step<'_>]) -> Vec<Owned> {
        for step in steps {
            self.time += if step.flags & LATER != 0 { 40_000 } else { 1 } * MILLISECOND;
            if step.kind() == UDP { self.datagram(step) } else { self.segments(step) }
        }
        self.frames
    }

    fn segments(&mut self, step: &Step<'_>) {
        let (other, side) = (usize::from(step.flags & OTHER != 0), usize::from(step.flags & REVERSE));
        if other == 0 && !self.opened {
            self.opened = true;
            self.segment(step.flags & !REVERSE, flag::SYN, 999, &[]);
            self.segment(step.flags | REVERSE, flag::SYN | flag::ACK, u32::MAX - 1001, &[]);
        }
        let mut seq = self.next[other][side];
        if step.flags & GAP != 0 {
            seq = seq.wrapping_add(1 + step.bytes.len() as u32);
        }
        let (first, second) = step.bytes.split_at(step.bytes.len() / 2);
        let middle = seq.wrapping_add(first.len() as u32);
        match step.kind() {
            REPEATED => {
                self.segment(step.flags, flag::ACK, seq, step.bytes);
                self.segment(step.flags, flag::ACK, middle, second);
            }
            EARLY => {
                self.segment(step.flags, flag::ACK, middle, second);
                self.segment(step.flags, flag::ACK, seq, first);
            }
            _ => self.segment(step.flags, flag::ACK, seq, step.bytes),
        }
        self.next[other][side] = seq.wrapping_add(step.bytes.len() as u32);
        for (bit, flags) in [(FIN, flag::FIN | flag::ACK), (RST, flag::RST)] {
            if step.flags & bit != 0 {
                self.segment(step.flags, flags, self.next[other][side], &[]);
                self.opened &= other == 1;
            }
        }
    }

    fn segment(&mut self, flags: u8, tcp: u8, seq: u32, payload: &[u8]) {
        let mut rest = [&seq.to_be_bytes()[..], &[0, 0, 0, 0, 0x50, tcp, 0xff, 0xff, 0, 0, 0, 0]].concat();
        rest.extend(&payload[..payload.len().min(LONGEST)]);
        self.packet(flags, ip::TCP, &rest);
    }

    fn datagram(&mut self, step: &Step<'_>) {
        let payload = &step.bytes[..step.bytes.len().min(LONGEST)];
        let length = (8 + payload.len()) as u16;
        self.packet(step.flags, ip::UDP, &[&length.to_be_bytes()[..], &[0, 0], payload].concat());
    }

    /// `rest` is what stands behind the ports.
    fn packet(&mut self, flags: u8, transport: u8, rest: &[u8]) {
        let client = if flags & OTHER == 0 { 40_000 } else { 40_001 };
        let ends = [([10, 0, 0, 1], client), ([10, 0, 0, 2], self.server)];
        let [(src, sport), (dst, dport)] = if flags & REVERSE == 0 { ends } else { [ends[1], ends[0]] };
        let length = (24 + rest.len()) as u16;
        let mut bytes = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0, 0, 64, transport, 0, 0];
        bytes.extend([src, dst].concat());
        bytes.extend([sport, dport].map(u16::to_be_bytes).concat());
        bytes.extend(rest);
        self.frames.push((self.time, RAW_IP, bytes));
    }
}
