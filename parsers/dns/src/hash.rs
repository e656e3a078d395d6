//! Keyed hashes of labels and names, without regard to case (RFC 4343).

use transitproof_wire::dns::{LABELS_LIMIT, Name};

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

/// Up to seven bytes as a number, without a loop: those that are read twice stand at different places.
#[inline]
fn few(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        (_, _, [first, .., last]) => {
            let middle = bytes.get(bytes.len() / 2).copied().unwrap_or(0);
            u64::from(*first) | u64::from(middle) << 8 | u64::from(*last) << 16
        }
        (_, _, [only]) => u64::from(*only),
        _ => 0,
    }
}

impl Seed {
    #[inline]
    pub fn label(self, label: &[u8]) -> u64 {
        let mut h = self.0 ^ label.len() as u64;
        let (words, rest) = label.as_chunks::<8>();
        for word in words {
            h = fold(h, lower(u64::from_le_bytes(*word)));
        }
        fold(h, lower(few(rest)))
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

/// Hashes of a name: of its labels, and of every name that one comes to by leaving out labels on the left.
pub struct Hashed {
    labels: [u64; HASHED_LABELS],
    tails: [u64; HASHED_LABELS + 1],
    /// How many labels are told apart.
    len: usize,
    /// Hash of the whole name.
    pub name: u64,
}

impl Hashed {
    #[inline]
    pub fn new(seed: Seed, name: &Name<'_>) -> Self {
        let len = name.len().min(HASHED_LABELS);
        let (mut labels, mut tails) = ([0; HASHED_LABELS], [seed.0; HASHED_LABELS + 1]);
        let mut h = seed.0;
        for (at, label) in name.labels().rev().take(HASHED_LABELS).enumerate() {
            labels[at] = seed.label(label);
            h = fold(h, labels[at]);
            tails[at + 1] = h;
        }
        if name.len() > HASHED_LABELS {
            debug_assert!(name.len() <= LABELS_LIMIT);
            name.labels().rev().skip(HASHED_LABELS).for_each(|label| h = fold(h, seed.label(label)));
        }
        Self { labels, tails, len, name: h }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Hash of a label, counted from the right.
    #[inline]
    pub fn label(&self, from_right: usize) -> u64 {
        self.labels.get(from_right).copied().unwrap_or(0)
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
}
