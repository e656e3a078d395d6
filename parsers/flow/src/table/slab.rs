//! Entries by slot, in chunks: growing copies nothing and never holds the table twice.

use super::Slot;
use crate::entry::Entry;

/// Entries of a chunk: 512 KB, so that a small capture does not pay for a large table.
const CHUNK: usize = 1 << 12;

#[derive(Default)]
pub struct Slab {
    /// Of fixed length, so that a look at one needs no second comparison.
    chunks: Vec<Box<[Option<Entry>; CHUNK]>>,
    free: Vec<Slot>,
    len: usize,
}

impl Slab {
    /// Slots in use or freed.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_large(&self) -> bool {
        self.chunks.len() > 1
    }

    /// Where a slot is, whether in use or not.
    #[inline]
    pub fn place(&self, slot: Slot) -> Option<&Option<Entry>> {
        Some(&self.chunks.get(slot as usize / CHUNK)?[slot as usize % CHUNK])
    }

    #[inline]
    pub fn get(&self, slot: Slot) -> Option<&Entry> {
        self.chunks.get(slot as usize / CHUNK)?[slot as usize % CHUNK].as_ref()
    }

    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.chunks.get_mut(slot as usize / CHUNK)?[slot as usize % CHUNK].as_mut()
    }

    pub fn insert(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = Some(entry);
            return slot;
        }
        if self.len.is_multiple_of(CHUNK) {
            let chunk: Vec<_> = (0..CHUNK).map(|_| None).collect();
            // Never fails: the length is right.
            self.chunks.extend(<Box<[_; CHUNK]>>::try_from(chunk));
        }
        self.chunks[self.len / CHUNK][self.len % CHUNK] = Some(entry);
        self.len += 1;
        (self.len - 1) as Slot
    }

    pub fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.chunks.get_mut(slot as usize / CHUNK)?[slot as usize % CHUNK].take()?;
        self.free.push(slot);
        Some(entry)
    }
}
