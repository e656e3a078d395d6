//! IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5), within a table of bounded size. Nothing of this is
//! touched by a packet that is whole.
//!
//! A fragment is counted to its flow together with the others of its datagram: once that is complete, or given up after
//! [`FRAGMENT_TIMEOUT`] or for want of room, with as much of its beginning as has come. May not know flows.

mod parts;
#[cfg(test)]
mod tests;

use crate::limits::{FRAGMENT_TIMEOUT, MAX_FRAGMENT_BYTES, MAX_FRAGMENTED, REPEATED_FRAGMENTS};
use crate::time::SECOND;
use parts::Parts;
use std::collections::{HashMap, VecDeque};
use transitproof_wire::ParseError;
use transitproof_wire::packet::{Address, Packet, Tunnels, reassembled};

/// What the fragments of one datagram agree in; the protocol only in IPv4, the tunnels because networks share addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Id {
    src: Address,
    dst: Address,
    protocol: u8,
    id: u32,
    tunnels: Tunnels,
}

/// Fragments, as they are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub packets: u64,
    /// Of the IP layer.
    pub bytes: u32,
    /// Of the first of them.
    pub time: u64,
    pub frame: u64,
}

/// A datagram that is over, complete or not.
#[derive(Debug)]
pub struct Datagram {
    pub tunnels: Tunnels,
    /// The fragments before the last one, and that.
    pub earlier: Seen,
    pub last: Seen,
    header: Packet<'static>,
    /// As it stands behind the IP header, as far as it came without a hole.
    bytes: Vec<u8>,
    length: u32,
    disputed: bool,
    /// Its frames, if they are traced.
    pub frames: Vec<u64>,
}

impl Datagram {
    /// What the fragments were parts of, and in which tunnels; without payload if it cannot be trusted.
    pub fn packet(&self) -> Option<(Packet<'_>, Tunnels)> {
        if self.bytes.is_empty() {
            return None;
        }
        let mut tunnels = self.tunnels;
        let joined = Packet {
            payload: &self.bytes,
            payload_length: self.length,
            fragment: None,
            ip_length: self.last.bytes,
            ..self.header
        };
        let packet = reassembled(joined, &mut tunnels).ok()?;
        if !self.disputed {
            return Some((packet, tunnels));
        }
        Some((
            Packet { payload: &[], payload_length: 0, flags: 0, fragment: self.header.fragment, ..packet },
            self.tunnels,
        ))
    }

    /// The last fragment as a packet that says nothing but its addresses.
    pub fn mute(&self) -> Packet<'static> {
        Packet { ip_length: self.last.bytes, ..self.header }
    }
}

/// What became of a datagram that began.
#[derive(Debug)]
enum Slot {
    Open(Parts),
    /// Whole at this time; a fragment that is repeated behind that counts to this packet's flow.
    Done(u64, Option<Packet<'static>>),
}

#[derive(Debug, Default)]
pub struct Fragments {
    slots: HashMap<Id, (u64, Slot)>,
    /// Datagrams in the order in which they began: time, and a number because an id comes back.
    begun: VecDeque<(u64, u64, Id)>,
    number: u64,
    /// Held in all slots.
    bytes: usize,
    over: VecDeque<Datagram>,
    /// Datagrams name their frames.
    pub trace: bool,
    faults: Vec<ParseError>,
}

impl Fragments {
    /// Takes a fragment in. What is over by it is handed out by [`Self::next_over`].
    pub fn add(&mut self, packet: &Packet<'_>, tunnels: Tunnels, time: u64, frame: u64) {
        let Some(fragment) = packet.fragment else { return };
        let protocol = if packet.v6 { 0 } else { packet.transport };
        let id = Id { src: packet.src, dst: packet.dst, protocol, id: fragment.id, tunnels };
        let seen = Seen { packets: 1, bytes: packet.ip_length, time, frame };
        if let Some((_, Slot::Done(when, known))) = self.slots.get(&id) {
            if time.saturating_sub(*when) <= REPEATED_FRAGMENTS * SECOND {
                self.over.extend(known.map(|header| Datagram::repeated(header, tunnels, seen)));
                return;
            }
            self.slots.remove(&id);
        }
        if !self.slots.contains_key(&id) {
            self.begin(id, packet, time);
        }
        let Some((_, Slot::Open(parts))) = self.slots.get_mut(&id) else { return };
        let before = parts.held();
        if self.trace {
            parts.trace(frame);
        }
        if let Err(fault) = parts.add(packet, seen) {
            self.faults.push(fault);
        }
        self.bytes = (self.bytes + parts.held()).saturating_sub(before);
        if parts.is_complete() {
            self.complete(id, time);
        }
        while self.bytes > MAX_FRAGMENT_BYTES {
            self.faults.push(ParseError::Limited("ip_fragment_bytes"));
            self.give_up_oldest();
        }
    }

    fn begin(&mut self, id: Id, packet: &Packet<'_>, time: u64) {
        while self.begun.len() >= MAX_FRAGMENTED {
            self.faults.push(ParseError::Limited("ip_fragments"));
            self.give_up_oldest();
        }
        self.number += 1;
        self.begun.push_back((time, self.number, id));
        self.slots.insert(id, (self.number, Slot::Open(Parts::new(packet))));
    }

    fn complete(&mut self, id: Id, time: u64) {
        let Some((number, Slot::Open(parts))) = self.slots.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(parts.held());
        let datagram = parts.join(id.tunnels);
        // The content of a tunnel is nothing that its fragments could be counted to.
        let known = datagram.packet().filter(|(_, tunnels)| *tunnels == id.tunnels).map(|(packet, _)| Packet {
            payload: &[],
            payload_length: 0,
            flags: 0,
            fragment: datagram.header.fragment,
            ..packet
        });
        self.slots.insert(id, (number, Slot::Done(time, known)));
        self.over.push_back(datagram);
    }

    fn give_up_oldest(&mut self) {
        let Some((_, number, id)) = self.begun.pop_front() else { return };
        if self.slots.get(&id).is_none_or(|(own, _)| *own != number) {
            return;
        }
        if let Some((_, Slot::Open(parts))) = self.slots.remove(&id) {
            self.bytes = self.bytes.saturating_sub(parts.held());
            let datagram = parts.join(id.tunnels);
            if datagram.bytes.is_empty() && !datagram.disputed {
                self.faults.push(ParseError::Limited("fragment_without_first"));
            }
            self.over.push_back(datagram);
        }
    }

    /// Gives up what began too long before `time`; that is before the end of any flow which it belongs to.
    pub fn expire(&mut self, time: u64) {
        while self.begun.front().is_some_and(|(begun, ..)| begun.saturating_add(FRAGMENT_TIMEOUT * SECOND) <= time) {
            self.give_up_oldest();
        }
    }

    /// The capture ends: gives up all.
    pub fn finish(&mut self) {
        while !self.begun.is_empty() {
            self.give_up_oldest();
        }
    }

    /// The next datagram that is over.
    pub fn next_over(&mut self) -> Option<Datagram> {
        self.over.pop_front()
    }

    /// What went wrong since this was last asked.
    pub fn faults(&mut self) -> std::vec::Drain<'_, ParseError> {
        self.faults.drain(..)
    }
}

impl Datagram {
    fn repeated(header: Packet<'static>, tunnels: Tunnels, last: Seen) -> Self {
        Self {
            tunnels,
            earlier: Seen::default(),
            last,
            header,
            bytes: Vec::new(),
            length: 0,
            disputed: true,
            frames: vec![last.frame],
        }
    }
}
