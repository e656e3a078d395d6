//! The flow table: a slab of entries, an open-addressing index into it, and a lazy timer wheel over it.
//!
//! The index holds the upper hash bits beside the slot number, so that a lookup costs one cache line of the index and the
//! entry itself; [`Table::fetch_index`], [`Table::candidate`] and [`Table::fetch_entry`] get them early for a whole batch of packets.
//! May not know what an entry means beyond its key and deadline.

mod slab;

use crate::{entry::Entry, key::Key, time::SECOND};
use slab::Slab;
use transitproof_prefetch::prefetch;

/// Slots of one second; longer deadlines are looked at again when the wheel has turned once.
const WHEEL_SECONDS: usize = 512;

/// Entries looked at to find one that has been silent for long, when the table is full.
const EVICTION_CANDIDATES: usize = 8;

const EMPTY: u64 = 0;

pub type Slot = u32;

/// No slot has this number.
pub const NO_SLOT: Slot = u32::MAX;

pub struct Table {
    /// 0, or hash in the upper and slot + 1 in the lower half.
    index: Vec<u64>,
    entries: Slab,
    /// By slot: the second for which the wheel has it noted, 0 for none. Outlives the tenant, so that a slot that
    /// changes hands a thousand times a second is noted once.
    noted: Vec<u64>,
    wheel: Vec<Vec<Slot>>,
    /// The second up to which the wheel has turned, once it has begun to.
    now: u64,
    begun: bool,
    live: usize,
    max: usize,
    hand: Slot,
    /// How long, in ns, a flow may last until it is looked at although it is not silent.
    active: u64,
}

impl Table {
    pub fn new(max: usize) -> Self {
        Self {
            index: vec![EMPTY; 1024],
            entries: Slab::default(),
            noted: Vec::new(),
            wheel: vec![Vec::new(); WHEEL_SECONDS],
            now: 0,
            begun: false,
            live: 0,
            max: max.clamp(1, (u32::MAX - 1) as usize),
            hand: 0,
            active: u64::MAX,
        }
    }

    /// From now on flows that have lasted so long, in ns, are among the expired.
    pub fn limit_age(&mut self, age: u64) {
        self.active = age;
    }

    fn due(&self, entry: &Entry) -> u64 {
        entry.deadline().min(entry.start.saturating_add(self.active))
    }

    pub fn len(&self) -> usize {
        self.live
    }

    pub fn is_full(&self) -> bool {
        self.live >= self.max
    }

    /// Sends for the index line of a hash.
    #[inline]
    pub fn fetch_index(&self, hash: u32) {
        prefetch(&self.index[hash as usize & (self.index.len() - 1)]);
    }

    /// Sends for an entry: both of its lines, for a table too large for the caches would otherwise be waited for twice.
    #[inline]
    pub fn fetch_entry(&self, slot: Slot) {
        self.entries.place(slot).inspect(|place| prefetch(*place));
    }

    /// The slot that a hash probably belongs to, or [`NO_SLOT`]: its entry's key is not looked at.
    #[inline]
    pub fn candidate(&self, hash: u32) -> Slot {
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.index[at] {
                EMPTY => return NO_SLOT,
                line if (line >> 32) as u32 == hash => return line as u32 - 1,
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[inline]
    pub fn peek(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot)
    }

    /// Sends for what ending these flows will need, level by level as for the packets of a batch.
    pub fn warm(&self, slots: &[Slot]) {
        slots.iter().for_each(|slot| self.fetch_entry(*slot));
        let mut sum = 0;
        for entry in slots.iter().filter_map(|slot| self.peek(*slot)) {
            self.fetch_index(entry.hash);
            sum ^= entry.touch_conversation();
        }
        std::hint::black_box(sum);
    }

    /// The entry of a slot if it is that of the key.
    #[inline]
    pub fn candidate_entry(&mut self, slot: Slot, key: &Key) -> Option<&mut Entry> {
        self.entries.get_mut(slot).filter(|entry| entry.key.equals(key))
    }

    /// The slot of a key. `candidate` may be out of date, which costs a search.
    #[inline]
    pub fn find(&self, key: &Key, hash: u32, candidate: Slot) -> Option<Slot> {
        if self.peek(candidate).is_some_and(|entry| entry.key.equals(key)) {
            return Some(candidate);
        }
        self.search(key, hash)
    }

    fn search(&self, key: &Key, hash: u32) -> Option<Slot> {
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.index[at] {
                EMPTY => return None,
                line if (line >> 32) as u32 == hash => {
                    let slot = line as u32 - 1;
                    if self.peek(slot).is_some_and(|entry| entry.key.equals(key)) {
                        return Some(slot);
                    }
                }
                _ => {}
            }
            at = (at + 1) & mask;
        }
    }

    /// The entry of a slot that [`Self::find`] or [`Self::insert`] gave and that was not removed since.
    #[inline]
    pub fn entry(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot)
    }

    pub fn insert(&mut self, entry: Entry) -> Slot {
        if (self.live + 1) * 2 > self.index.len() {
            self.grow();
        }
        let hash = entry.hash;
        let slot = self.entries.insert(entry);
        if self.noted.len() < self.entries.len() {
            self.noted.push(0);
        }
        self.live += 1;
        self.link(hash, slot);
        self.schedule(slot);
        slot
    }

    fn link(&mut self, hash: u32, slot: Slot) {
        let mask = self.index.len() - 1;
        let mut at = hash as usize & mask;
        while self.index[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.index[at] = u64::from(hash) << 32 | u64::from(slot + 1);
    }

    fn grow(&mut self) {
        let doubled = vec![EMPTY; self.index.len() * 2];
        let old = std::mem::replace(&mut self.index, doubled);
        for line in old.into_iter().filter(|line| *line != EMPTY) {
            self.link((line >> 32) as u32, line as u32 - 1);
        }
    }

    /// Takes the entry out. Lines behind it in the same run move up, so that no tombstones pile up.
    pub fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.entries.remove(slot)?;
        let mask = self.index.len() - 1;
        let mut hole = entry.hash as usize & mask;
        while self.index[hole] as u32 != slot + 1 {
            hole = (hole + 1) & mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let line = self.index[at];
            if line == EMPTY {
                break;
            }
            let home = (line >> 32) as usize & mask;
            // The line may move into the hole unless its home lies behind the hole.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.index[hole] = line;
                hole = at;
            }
        }
        self.index[hole] = EMPTY;
        self.live -= 1;
        Some(entry)
    }

    /// Notes the slot for the second in which its deadline falls, unless it is noted for an earlier one.
    pub fn schedule(&mut self, slot: Slot) {
        let now = self.now;
        let Some(entry) = self.entries.get(slot) else { return };
        let due = (self.due(entry) / SECOND + 1).clamp(now + 1, now + WHEEL_SECONDS as u64 - 1);
        let noted = &mut self.noted[slot as usize];
        if *noted <= now || *noted > due {
            *noted = due;
            self.wheel[due as usize % WHEEL_SECONDS].push(slot);
        }
    }

    /// Turns the wheel to `time`, collecting the slots whose deadline or greatest age lies before it, in the order (deadline,
    /// start, key).
    pub fn expire(&mut self, time: u64, expired: &mut Vec<Slot>) {
        let second = time / SECOND;
        if !self.begun {
            self.begun = true;
            self.now = second;
        }
        let turns = second.saturating_sub(self.now).min(WHEEL_SECONDS as u64);
        let first = second - turns.min(second);
        for tick in first + 1..=second {
            let noted = std::mem::take(&mut self.wheel[tick as usize % WHEEL_SECONDS]);
            self.now = tick;
            for slot in noted {
                self.look_at(slot, time, expired);
            }
        }
        self.now = self.now.max(second);
        self.in_order(expired, |entry| self.due(entry));
    }

    /// Sorts slots by something of their entries, then by start, then by key, which is looked at only where the others are equal.
    fn in_order(&self, slots: &mut Vec<Slot>, first: impl Fn(&Entry) -> u64) {
        let entry = |slot: &Slot| Some((*slot, self.entries.get(*slot)?));
        let mut order: Vec<_> = slots.iter().filter_map(entry).map(|(slot, e)| (first(e), e.start, slot)).collect();
        let key = |slot: Slot| self.entries.get(slot).map(|e| e.key);
        order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| key(a.2).cmp(&key(b.2))));
        order.dedup();
        slots.clear();
        slots.extend(order.into_iter().map(|(_, _, slot)| slot));
    }

    fn look_at(&mut self, slot: Slot, time: u64, expired: &mut Vec<Slot>) {
        if !(1..=self.now).contains(&self.noted[slot as usize]) {
            return; // done with, or noted anew for a later second
        }
        self.noted[slot as usize] = 0;
        let Some(entry) = self.entries.get(slot) else { return };
        if self.due(entry) <= time {
            expired.push(slot);
        } else {
            self.schedule(slot);
        }
    }

    /// The clock was set, by so many ns forward or, if `back`, backward: what is in the table was seen so much later or earlier.
    pub fn shift(&mut self, by: u64, back: bool) {
        let moved = |time: u64| if back { time.saturating_sub(by) } else { time.saturating_add(by) };
        self.rewind();
        for slot in 0..self.entries.len() as Slot {
            if let Some(entry) = self.entries.get_mut(slot) {
                (entry.start, entry.last) = (moved(entry.start), moved(entry.last));
                self.now = self.now.max(entry.last / SECOND);
            }
        }
        self.begun = true;
        (0..self.entries.len() as Slot).for_each(|slot| self.schedule(slot));
    }

    /// Forgets the time of an emptied table, so that a capture of an earlier day may follow. A large one gives its room back: what
    /// is said at the end takes room as well.
    pub fn rewind(&mut self) {
        if self.live == 0 && self.entries.is_large() {
            *self = Self { active: self.active, ..Self::new(self.max) };
        }
        self.begun = false;
        self.now = 0;
        self.noted.fill(0);
        self.wheel.iter_mut().for_each(Vec::clear);
    }

    /// One that has been silent for long: the longest silent of the next few in the slab.
    pub fn victim(&mut self) -> Option<Slot> {
        let mut best: Option<(u64, Slot)> = None;
        let mut seen = 0;
        for _ in 0..self.entries.len() {
            self.hand = (self.hand + 1) % self.entries.len() as Slot;
            if let Some(entry) = self.entries.get(self.hand) {
                if best.is_none_or(|(last, _)| entry.last < last) {
                    best = Some((entry.last, self.hand));
                }
                seen += 1;
                if seen == EVICTION_CANDIDATES {
                    break;
                }
            }
        }
        best.map(|(_, slot)| slot)
    }

    /// Every slot in use, in the order (start, key).
    pub fn all(&self) -> Vec<Slot> {
        let mut slots = (0..self.entries.len() as Slot).collect();
        self.in_order(&mut slots, |entry| entry.start);
        slots
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
