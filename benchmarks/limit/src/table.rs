//! One entry per five-tuple, in open addressing with linear steps; never more than half full.

use crate::headers::{Headers, Key};

const FIRST_SLOTS: usize = 1 << 16;

/// 2^64 divided by the golden ratio (Knuth, volume 3, section 6.4).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Clone, Copy, Default)]
struct Entry {
    key: Key,
    /// Zero marks a free slot.
    packets: u32,
    tcp_flags: u32,
    bytes: u64,
    first: u64,
    last: u64,
}

pub struct FlowTable {
    slots: Vec<Entry>,
    used: usize,
}

impl FlowTable {
    pub fn new() -> Self {
        Self { slots: vec![Entry::default(); FIRST_SLOTS], used: 0 }
    }

    pub fn len(&self) -> usize {
        self.used
    }

    #[inline]
    pub fn count(&mut self, headers: Headers, bytes: u64, microseconds: u64) {
        if self.used * 2 > self.slots.len() {
            self.grow();
        }
        let slot = slot_of(&mut self.slots, &headers.key);
        if slot.packets == 0 {
            *slot = Entry { key: headers.key, first: microseconds, ..Entry::default() };
            self.used += 1;
        }
        slot.packets = slot.packets.wrapping_add(1);
        slot.tcp_flags |= u32::from(headers.tcp_flags);
        slot.bytes = slot.bytes.wrapping_add(bytes);
        slot.first = slot.first.min(microseconds);
        slot.last = slot.last.max(microseconds);
    }

    #[cold]
    fn grow(&mut self) {
        let doubled = vec![Entry::default(); self.slots.len() * 2];
        for entry in std::mem::replace(&mut self.slots, doubled) {
            if entry.packets > 0 {
                *slot_of(&mut self.slots, &entry.key) = entry;
            }
        }
    }
}

/// The entry of the key, or the free slot where it belongs.
#[inline]
fn slot_of<'a>(slots: &'a mut [Entry], key: &Key) -> &'a mut Entry {
    let mask = slots.len() - 1;
    let mut index = hash(key) as usize & mask;
    while slots[index].packets > 0 && differs(&slots[index].key, key) {
        index = (index + 1) & mask;
    }
    &mut slots[index]
}

/// Without a call of memcmp, which a comparison of arrays this long becomes.
#[inline]
fn differs(one: &Key, other: &Key) -> bool {
    one.iter().zip(other).fold(0, |bits, (one, other)| bits | (one ^ other)) != 0
}

#[inline]
fn hash(key: &Key) -> u64 {
    let mixed = key.iter().fold(0u64, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER));
    mixed ^ mixed >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_every_flow() {
        let mut table = FlowTable::new();
        let flows = FIRST_SLOTS as u64;
        for microseconds in [7, 9] {
            for flow in 0..flows {
                table.count(Headers { key: [flow, 0, 1, 0, 6], tcp_flags: 1 << (microseconds - 7) }, 100, microseconds);
            }
        }
        assert_eq!(table.len() as u64, flows);
        assert!(table.slots.len() >= 2 * FIRST_SLOTS);
        let entry = slot_of(&mut table.slots, &[flows / 2, 0, 1, 0, 6]);
        assert_eq!((entry.packets, entry.bytes, entry.first, entry.last, entry.tcp_flags), (2, 200, 7, 9, 0b101));
    }
}
