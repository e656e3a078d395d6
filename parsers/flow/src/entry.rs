//! What is kept of one flow. The hot part is two cache lines; what a handshake needs is boxed and freed after it.

use crate::{
    Direction, conversation::Conversation, intern::FragmentId, key::Key, limits::idle, time::SECOND, why::Why,
};
use transitproof_wire::{Class, Protocol, packet::ip_protocol as ip};

/// How far the question "what is this?" has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Payload is looked at.
    Open,
    /// Nothing more to learn: packets are counted.
    Settled,
    /// The same, but its record was written and the next packet begins another.
    Cut,
    /// Nothing more to learn of the flow itself, but it may tell of others.
    Listening,
    /// HTTP that has served something: what its client asks next may show a login, and nothing else is to be learnt.
    Served,
}

impl Phase {
    #[inline]
    pub fn is_heard(self) -> bool {
        matches!(self, Self::Open | Self::Listening)
    }
}

/// Why a flow's record was written; the contract's `end_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    Fin,
    Rst,
    Idle,
    /// Another negotiation began on the same ports, or a live flow has lasted long.
    Active,
    Evicted,
    Answered,
    Eof,
}

impl EndReason {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Evicted => "evicted",
            Self::Answered => "answered",
            Self::Eof => "eof",
        }
    }
}

/// Single facts about a flow, as bits of [`Entry::marks`].
pub mod mark {
    /// The initiator is the low end of the key.
    pub const INITIATOR_LOW: u8 = 1;
    /// A SYN was seen, so the initiator is certain.
    pub const SYN: u8 = 1 << 1;
    /// Of DNS over UDP, where no SYN is: answers have to be looked at.
    pub const AWAITED: u8 = SYN;
    /// FIN seen from the initiator, from the responder.
    pub const FIN: [u8; 2] = [1 << 2, 1 << 3];
    pub const RST: u8 = 1 << 4;
    /// `next_seq` of the direction is known.
    pub const SEQ: [u8; 2] = [1 << 5, 1 << 6];
    /// Of HTTP that has served something, where order is of no interest any more: something was said since the client's segment that was
    /// looked at last; and `next_seq` has been put to its other use, see [`crate::later`].
    pub const ANSWERED: u8 = SEQ[0];
    pub const COUNTS: u8 = SEQ[1];
    /// Class or protocol is known from statistics or ports, not from content.
    pub const INFERRED: u8 = 1 << 7;
}

/// Laid out for the processor's cache: two lines, never three. Counting a packet over IPv4 needs the first alone.
#[repr(C, align(128))]
pub struct Entry {
    // First cache line: what counting a packet needs.
    /// Time of the latest packet, ns.
    pub last: u64,
    /// Bytes of the IP layer by [`Direction`].
    pub bytes: [u64; 2],
    /// Packets by [`Direction`], the lower half.
    packets_low: [u32; 2],
    pub protocol: Protocol,
    pub phase: Phase,
    pub marks: u8,
    /// Hash of the key, kept for removal from the index.
    pub hash: u32,
    /// The half of it that IPv4 does without begins the second line.
    pub key: Key,
    // Second cache line: what everything else needs.
    /// What a handshake or a dialogue in progress needs.
    pub conversation: Option<Box<Conversation>>,
    /// Time of the first packet, ns.
    pub start: u64,
    /// Sequence number that the next byte of each direction will have; of ICMP type and code of the first packet.
    pub next_seq: [u32; 2],
    /// The finished part of the record, see [`crate::intern`].
    pub fragment: FragmentId,
    /// Packets by [`Direction`], the upper half.
    packets_high: [u16; 2],
    /// What decided the class.
    pub why: Why,
    /// What its first packet was unwrapped from, a number of [`crate::tunnels`].
    pub tunnel: u16,
    /// An earlier record is of the same flow.
    pub continues: bool,
}

impl Entry {
    /// One of which no packet was counted yet.
    pub fn new(key: Key, hash: u32, start: u64, protocol: Protocol, marks: u8) -> Self {
        Self {
            last: start,
            bytes: [0; 2],
            packets_low: [0; 2],
            protocol,
            phase: Phase::Open,
            marks,
            continues: false,
            tunnel: key.tunnel(),
            hash,
            key,
            conversation: None,
            start,
            next_seq: [0; 2],
            fragment: 0,
            packets_high: [0; 2],
            why: Why::default(),
        }
    }

    /// One of a DNS flow of which no more is known.
    pub fn of_dns(key: Key, start: u64, marks: u8, packets: [u64; 2]) -> Self {
        let mut entry = Self::new(key, 0, start, Protocol::Dns, marks);
        entry.set_packets(packets);
        entry
    }

    /// By [`Direction`].
    #[inline]
    pub fn packets(&self) -> [u64; 2] {
        let whole = |way: usize| u64::from(self.packets_high[way]) << 32 | u64::from(self.packets_low[way]);
        [whole(0), whole(1)]
    }

    pub fn add_packets(&mut self, from: Direction, more: u64) {
        let mut packets = self.packets();
        packets[from as usize] += more;
        self.set_packets(packets);
    }

    /// Up to 2^48, which no capture reaches.
    pub fn set_packets(&mut self, packets: [u64; 2]) {
        self.packets_low = packets.map(|count| count as u32);
        self.packets_high = packets.map(|count| u16::try_from(count >> 32).unwrap_or(u16::MAX));
    }

    /// The next packet begins another record of the same flow, which nobody has learnt anything new about.
    pub fn cut(&mut self) {
        self.set_packets([0; 2]);
        self.bytes = [0; 2];
        self.start = self.last;
        self.continues = true;
        if self.phase == Phase::Settled {
            self.phase = Phase::Cut;
        }
    }

    /// Whether no packet came since its record was written.
    pub fn is_empty(&self) -> bool {
        self.packets_low == [0; 2] && self.packets_high == [0; 2]
    }

    /// The first packet of a record.
    pub fn begin(&mut self, time: u64) {
        self.start = time;
        if self.phase == Phase::Cut {
            self.phase = Phase::Settled;
        }
    }

    /// The same without what is in progress.
    pub fn outline(&self) -> Self {
        Self { conversation: None, ..*self }
    }

    /// Whether anything hangs off it that its next packet will need.
    #[inline]
    pub fn converses(&self) -> bool {
        self.phase != Phase::Settled && self.conversation.is_some()
    }

    /// Reads what hangs off an entry that was sent for before.
    #[inline]
    pub fn touch_conversation(&self) -> u64 {
        self.conversation.as_ref().map_or(0, |conversation| conversation.touch())
    }

    /// Reads what hangs off a conversation that was touched before.
    #[inline]
    pub fn touch_follower(&self, sender_low: bool) -> u64 {
        self.conversation.as_ref().map_or(0, |conversation| conversation.touch_follower(self.direction(sender_low)))
    }

    /// One packet, `length` bytes at the IP layer; the direction that it went.
    #[inline]
    pub fn count(&mut self, sender_low: bool, time: u64, length: u32) -> Direction {
        let from = self.direction(sender_low);
        self.last = self.last.max(time);
        self.bytes[from as usize] += u64::from(length);
        let (count, over) = self.packets_low[from as usize].overflowing_add(1);
        self.packets_low[from as usize] = count;
        if over {
            self.carry(from);
        }
        from
    }

    #[cold]
    fn carry(&mut self, from: Direction) {
        let high = &mut self.packets_high[from as usize];
        *high = high.saturating_add(1);
    }

    /// Packets of one direction, in whole multiples of which something is done.
    #[inline]
    pub fn is_multiple_of(&self, from: Direction, packets: u32) -> bool {
        self.packets_low[from as usize].is_multiple_of(packets)
    }

    #[inline]
    pub fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    #[inline]
    pub fn direction(&self, sender_low: bool) -> Direction {
        if sender_low == self.has(mark::INITIATOR_LOW) { Direction::Forward } else { Direction::Reverse }
    }

    pub fn class(&self) -> Class {
        self.protocol.class()
    }

    pub fn half_open(&self) -> bool {
        self.key.transport() == ip::TCP
            && self.packets()[1] == 0
            && self.has(mark::SYN)
            && self.phase == Phase::Open
            && !self.continues
    }

    pub fn closed(&self) -> bool {
        self.has(mark::RST) || (self.has(mark::FIN[0]) && self.has(mark::FIN[1]))
    }

    /// Time at which silence ends the flow, ns.
    #[inline]
    pub fn deadline(&self) -> u64 {
        let seconds = match (self.key.transport(), self.protocol) {
            (ip::TCP, _) if self.closed() => idle::CLOSED,
            (ip::TCP, _) if self.half_open() => idle::HALF_OPEN,
            (ip::TCP, _) => idle::TCP,
            (ip::UDP, Protocol::Dns) => idle::DNS,
            (_, Protocol::Ike | Protocol::Esp | Protocol::Ah) => idle::IPSEC,
            _ => idle::DATAGRAM,
        };
        self.last.saturating_add(seconds * SECOND)
    }

    /// Why it ended when its time had come.
    pub fn silent_end(&self) -> EndReason {
        if self.has(mark::RST) {
            EndReason::Rst
        } else if self.closed() {
            EndReason::Fin
        } else {
            EndReason::Idle
        }
    }

    /// The content showed that the one taken for the initiator is the responder.
    pub fn turn(&mut self) {
        self.marks ^= mark::INITIATOR_LOW;
        self.bytes.swap(0, 1);
        self.packets_low.swap(0, 1);
        self.packets_high.swap(0, 1);
        self.next_seq.swap(0, 1);
        for pair in [mark::FIN, mark::SEQ] {
            let (a, b) = (self.has(pair[0]), self.has(pair[1]));
            self.marks &= !(pair[0] | pair[1]);
            self.marks |= if b { pair[0] } else { 0 } | if a { pair[1] } else { 0 };
        }
    }
}

/// The budget of issue and README: what a tracked flow costs past its handshake.
const _: () = assert!(size_of::<Option<Entry>>() == 128);

#[cfg(test)]
mod tests {
    use super::*;

    /// The hot line holds the lower half of the count only.
    #[test]
    fn packets_are_counted_beyond_32_bits() {
        let mut entry = Entry::new(Key::NONE, 0, 0, Protocol::Unknown, mark::INITIATOR_LOW);
        entry.add_packets(Direction::Forward, u64::from(u32::MAX) - 1);
        (0..3).for_each(|time| _ = entry.count(true, time, 40));
        assert_eq!(entry.packets(), [(1 << 32) + 1, 0]);
        entry.turn();
        assert_eq!(entry.packets(), [0, (1 << 32) + 1]);
        entry.cut();
        assert!(entry.is_empty());
    }
}
