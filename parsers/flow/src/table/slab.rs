//! Entries by slot, in chunks: growing copies nothing and never holds the table twice.

use super::Slot;
use crate::entry::Entry;

/// Entries of a chunk: 512 KB, so that a small capture does not pay for a large table.
const CHUNK: usize = 1 << 12;

#[derive(Default)]
pub struct Slab {
    /// All but the last one full.
    chunks: Vec<Vec<Option<Entry>>>,
    free: Vec<Slot>,
    len: usize,
}

impl Slab {
    /// Slots in use or freed.
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub fn get(&self, slot: Slot) -> Option<&Entry> {
        self.chunks.get(slot as usize / CHUNK)?.get(slot as usize % CHUNK)?.as_ref()
    }

    #[inline]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?.as_mut()
    }

    pub fn insert(&mut self, entry: Entry) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = Some(entry);
            return slot;
        }
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[self.len / CHUNK].push(Some(entry));
        self.len += 1;
        (self.len - 1) as Slot
    }

    pub fn remove(&mut self, slot: Slot) -> Option<Entry> {
        let entry = self.chunks.get_mut(slot as usize / CHUNK)?.get_mut(slot as usize % CHUNK)?.take()?;
        self.free.push(slot);
        Some(entry)
    }
}
