//! Finished parts of flow records, kept once however many flows share them.
//!
//! A flow past its handshake keeps the number of its fragment (`"tls":{…}` as it will stand in the record) and nothing else.
//! Equal fragments share one copy; the last flow that lets go frees it.

use crate::hash::Map;
use crate::tls::Volume;
use foldhash::quality::RandomState;
use std::hash::BuildHasher;

/// 0 stands for none.
pub type FragmentId = u32;

#[derive(Debug, Default)]
struct Fragment {
    bytes: Box<[u8]>,
    /// What the flow's end is judged by; most often equal for equal bytes.
    volume: Volume,
    users: u32,
    hash: u64,
    /// Another one with the same hash, 0 for none.
    next: FragmentId,
}

/// The keyed hash only spreads the table: two fragments are equal if their bytes are.
#[derive(Debug, Default)]
pub struct Fragments {
    /// The first of those with a hash.
    by_hash: Map<u64, FragmentId>,
    slab: Vec<Fragment>,
    free: Vec<FragmentId>,
    hasher: RandomState,
}

impl Fragments {
    /// The id of these bytes, counted as used once more.
    pub fn hold(&mut self, bytes: &[u8], volume: Volume) -> FragmentId {
        if bytes.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(bytes);
        let first = self.by_hash.get(&hash).copied().unwrap_or_default();
        let mut at = first;
        while at != 0 {
            let fragment = &mut self.slab[at as usize - 1];
            if *fragment.bytes == *bytes && fragment.volume == volume && fragment.users < u32::MAX {
                fragment.users += 1;
                return at;
            }
            at = fragment.next;
        }
        let fragment = Fragment { bytes: bytes.into(), volume, users: 1, hash, next: first };
        let id = match self.free.pop() {
            Some(id) => {
                self.slab[id as usize - 1] = fragment;
                id
            }
            None => {
                self.slab.push(fragment);
                self.slab.len() as FragmentId
            }
        };
        self.by_hash.insert(hash, id);
        id
    }

    pub fn get(&self, id: FragmentId) -> &[u8] {
        match id {
            0 => &[],
            id => &self.slab[id as usize - 1].bytes,
        }
    }

    pub fn volume(&self, id: FragmentId) -> Volume {
        match id {
            0 => Volume::default(),
            id => self.slab[id as usize - 1].volume,
        }
    }

    pub fn release(&mut self, id: FragmentId) {
        if id == 0 {
            return;
        }
        let fragment = &mut self.slab[id as usize - 1];
        fragment.users -= 1;
        if fragment.users > 0 {
            return;
        }
        let (hash, next) = (fragment.hash, fragment.next);
        fragment.bytes = Box::default();
        let first = self.by_hash.get(&hash).copied().unwrap_or_default();
        if first != id {
            let mut before = first;
            while self.slab[before as usize - 1].next != id {
                before = self.slab[before as usize - 1].next;
            }
            self.slab[before as usize - 1].next = next;
        } else if next == 0 {
            self.by_hash.remove(&hash);
        } else {
            self.by_hash.insert(hash, next);
        }
        self.free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_until_the_last_user_lets_go() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.hold(b"", Volume::default()), 0);
        let a = fragments.hold(b"\"tls\":{}", Volume::default());
        let b = fragments.hold(b"\"tls\":{}", Volume::default());
        let other = fragments.hold(b"\"ike\":{}", Volume::default());
        assert_eq!(a, b);
        assert_ne!(a, other);
        fragments.release(a);
        assert_eq!(fragments.get(b), b"\"tls\":{}");
        fragments.release(b);
        assert_eq!(fragments.hold(b"new", Volume::default()), a, "the place is used again");
        assert_eq!(fragments.get(other), b"\"ike\":{}");
        assert_eq!(fragments.by_hash.len(), 2);
    }
}
