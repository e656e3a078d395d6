//! Keyed hashes of labels and names, without regard to case (RFC 4343).

use transitproof_wire::dns::Name;

/// Labels of a name that are told apart, from the right; those further left are hashed into one.
pub const HASHED_LABELS: usize = 12;

/// Key of the hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// Folded multiplication (in the manner of wyhash): every bit of both goes into every bit of the outcome.
#[inline]
pub fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (wide >> 64) as u64 ^ wide as u64
}

/// ASCII letters of eight bytes at once as small ones.
#[inline]
fn lower(x: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let low = x & (0x7f * ONES);
    let from_a = low.wrapping_add((0x80 - 0x41) * ONES);
    let past_z = low.wrapping_add((0x7f - 0x5a) * ONES);
    let capital = !x & (0x80 * ONES) & (from_a ^ past_z);
    x | capital >> 2
}

/// A hash on its way through labels, and whether any letter was a capital.
#[derive(Clone, Copy)]
struct Chain {
    h: u64,
    capitals: u64,
}

impl Chain {
    fn new(seed: Seed) -> Self {
        Self { h: seed.0, capitals: 0 }
    }

    /// Goes on with a label of so many bytes, from its end: `eight` gives those that end at a place, counted from its begin.
    #[inline]
    fn label(&mut self, length: usize, eight: impl Fn(usize) -> [u8; 8]) {
        let mut left = length;
        self.h ^= left as u64;
        while left > 8 {
            self.word(u64::from_le_bytes(eight(left)));
            left = left.wrapping_sub(8);
        }
        let beyond = 8usize.wrapping_sub(left).min(7) as u32;
        self.word(u64::from_le_bytes(eight(left)) >> (8 * beyond));
    }

    /// A label that stands alone.
    fn alone(&mut self, label: &[u8]) {
        self.label(label.len(), |to| {
            let front = label.get(..to).unwrap_or(label);
            front.last_chunk().copied().unwrap_or_else(|| {
                let mut few = [0; 8];
                few.iter_mut().rev().zip(front.iter().rev()).for_each(|(to, from)| *to = *from);
                few
            })
        });
    }

    #[inline]
    fn word(&mut self, word: u64) {
        let small = lower(word);
        self.capitals |= word ^ small;
        self.h = fold(self.h, small);
    }
}

impl Seed {
    #[inline]
    pub fn label(self, label: &[u8]) -> u64 {
        let mut chain = Chain::new(self);
        chain.alone(label);
        chain.h
    }

    /// Hash of a name in writing.
    pub fn name(self, name: &str) -> u64 {
        let mut chain = Chain::new(self);
        name.rsplit('.').for_each(|label| chain.alone(label.as_bytes()));
        chain.h
    }

    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> u64 {
        let mut h = self.0 ^ bytes.len() as u64;
        for word in bytes.chunks(8) {
            let mut last = [0; 8];
            last.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
            h = fold(h, u64::from_le_bytes(last));
        }
        h
    }
}

/// Hashes of a name: of every name that one comes to by leaving out labels on the left.
pub struct Hashed {
    tails: [u64; HASHED_LABELS + 1],
    /// How many labels are told apart.
    len: usize,
    /// Hash of the whole name.
    pub name: u64,
    /// There are capital letters in it.
    pub capitals: bool,
}

impl Hashed {
    #[inline]
    pub fn new(seed: Seed, name: &Name<'_>) -> Self {
        let all = name.len();
        let mut tails = [seed.0; HASHED_LABELS + 1];
        let mut chain = Chain::new(seed);
        let mut to = name.wire().len();
        for at in (0..all).rev() {
            let start = name.start(at);
            let first = start.wrapping_add(1);
            chain.label(to.wrapping_sub(first), |at| name.eight(first.wrapping_add(at)));
            to = start;
            if let Some(tail) = tails.get_mut(all - at) {
                *tail = chain.h;
            }
        }
        Self { tails, len: all.min(HASHED_LABELS), name: chain.h, capitals: chain.capitals != 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Hash of the name that the last `labels` labels make.
    #[inline]
    pub fn tail(&self, labels: usize) -> u64 {
        self.tails.get(labels).copied().unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_all_else_does() {
        let seed = Seed(7);
        for (a, b) in [("eXample", "EXaMPLE"), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ09-_", "abcdefghijklmnopqrstuvwxyz09-_")] {
            assert_eq!(seed.label(a.as_bytes()), seed.label(b.as_bytes()));
        }
        for (a, b) in
            [("a", "b"), ("a", "aa"), ("abcdefgh", "abcdefgh\0"), ("@", "`"), ("[", "{"), ("\u{c1}", "\u{e1}")]
        {
            assert_ne!(seed.label(a.as_bytes()), seed.label(b.as_bytes()), "{a} {b}");
        }
        assert_ne!(Seed(7).label(b"a"), Seed(8).label(b"a"));
    }

    #[test]
    fn a_name_hashes_the_same_in_writing_and_on_the_wire() {
        let seed = Seed(7);
        for text in
            ["a", "a.b", "example.com", "internationalization.of.a-long-label-of-many-letters.example", "x.12345678.y"]
        {
            let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            text.split('.').for_each(|label| query.extend([&[label.len() as u8], label.as_bytes()].concat()));
            query.extend([0, 0, 1, 0, 1]);
            let hashed = Hashed::new(seed, &transitproof_wire::dns::Message::read(&query).unwrap().question.name);
            assert_eq!((hashed.name, hashed.capitals), (seed.name(text), false), "{text}");
            for (labels, (dot, _)) in text.rmatch_indices('.').enumerate() {
                assert_eq!(hashed.tail(labels + 1), seed.name(&text[dot + 1..]), "{text}");
            }
        }
    }
}
