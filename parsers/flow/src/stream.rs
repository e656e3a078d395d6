//! TCP's byte order for the head of a stream: holds early segments, cuts what was already seen, says where bytes are missing.
//!
//! Only as far as a handshake or a banner needs it; a settled flow has none of this. RFC 9293 section 3.4.

use crate::head::Head;
use crate::limits::{MAX_HELD_BYTES, MAX_HELD_SEGMENTS};

/// Segments of one direction that came before their turn.
#[derive(Debug, Default)]
pub struct Held {
    segments: Vec<Segment>,
    bytes: usize,
}

#[derive(Debug)]
struct Segment {
    seq: u32,
    /// Length by the header; longer than `bytes` where the capture was cut.
    length: u32,
    bytes: Head,
}

/// What is to be done with bytes of one direction, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Bytes(&'a [u8]),
    /// Some bytes will never come.
    Gap,
}

impl Held {
    /// Keeps a segment that lies ahead; false if that is more than may be kept.
    pub fn keep(&mut self, seq: u32, length: u32, bytes: &[u8]) -> bool {
        if self.segments.len() >= MAX_HELD_SEGMENTS || self.bytes + bytes.len() > MAX_HELD_BYTES {
            return false;
        }
        if !self.segments.iter().any(|s| s.seq == seq && s.length >= length) {
            self.bytes += bytes.len();
            self.segments.push(Segment { seq, length, bytes: bytes.into() });
        }
        true
    }

    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Delivers what has come to its turn at `next`; with `force`, also what lies beyond a gap. Returns the new `next`.
    pub fn release(&mut self, mut next: u32, force: bool, mut deliver: impl FnMut(Piece<'_>)) -> u32 {
        loop {
            let first = self.segments.iter().enumerate().min_by_key(|(_, s)| distance(next, s.seq)).map(|(at, _)| at);
            let Some(at) = first else { return next };
            let ahead = distance(next, self.segments[at].seq);
            if ahead > 0 && !force {
                return next;
            }
            let segment = self.segments.swap_remove(at);
            self.bytes -= segment.bytes.len();
            if ahead > 0 {
                deliver(Piece::Gap);
                next = segment.seq;
            }
            next = in_order(next, segment.seq, segment.length, &segment.bytes, &mut deliver);
        }
    }
}

/// How far `seq` lies ahead of `next` (negative: behind) in the circle of 32-bit sequence numbers.
#[inline]
pub fn distance(next: u32, seq: u32) -> i32 {
    seq.wrapping_sub(next) as i32
}

/// Delivers the part of a segment at or behind `next` that is new. Returns the new `next`.
pub fn in_order(next: u32, seq: u32, length: u32, bytes: &[u8], deliver: &mut impl FnMut(Piece<'_>)) -> u32 {
    let seen = next.wrapping_sub(seq);
    if seen >= length {
        return next;
    }
    if let Some(new) = bytes.get(seen as usize..).filter(|new| !new.is_empty()) {
        deliver(Piece::Bytes(new));
    }
    if bytes.len() < length as usize {
        deliver(Piece::Gap);
    }
    seq.wrapping_add(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collect(parts: &[(u32, &[u8])], start: u32, force: bool) -> (Vec<u8>, usize) {
        let (mut got, mut gaps, mut next, mut held) = (Vec::new(), 0, start, Held::default());
        let mut sink = |p: Piece<'_>| match p {
            Piece::Bytes(b) => got.extend_from_slice(b),
            Piece::Gap => gaps += 1,
        };
        for (seq, bytes) in parts {
            if distance(next, *seq) > 0 {
                assert!(held.keep(*seq, bytes.len() as u32, bytes));
            } else {
                next = in_order(next, *seq, bytes.len() as u32, bytes, &mut sink);
                next = held.release(next, false, &mut sink);
            }
        }
        held.release(next, force, &mut sink);
        (got, gaps)
    }

    #[test]
    fn overlap_and_wrap() {
        let start = u32::MAX - 2;
        let parts: [(u32, &[u8]); 4] =
            [(start, b"abc"), (start.wrapping_add(6), b"ghi"), (start, b"abcd"), (start.wrapping_add(2), b"cdefg")];
        assert_eq!(collect(&parts, start, false), (b"abcdefghi".to_vec(), 0));
    }

    #[test]
    fn a_hole_is_said_once() {
        assert_eq!(collect(&[(10, b"ab"), (20, b"xy"), (22, b"z")], 10, true), (b"abxyz".to_vec(), 1));
        assert_eq!(collect(&[(10, b"ab"), (20, b"xy")], 10, false), (b"ab".to_vec(), 0));
    }

    #[test]
    fn what_may_be_held_is_bounded() {
        let mut held = Held::default();
        assert!((0..MAX_HELD_SEGMENTS as u32).all(|n| held.keep(n * 10, 1, b"x")));
        assert!(!held.keep(9999, 1, b"x"));
        let mut held = Held::default();
        assert!(held.keep(5, 60_000, &[0; 60_000]) && !held.keep(70_000, 6000, &[0; 6000]));
    }

    proptest! {
        /// Whatever the order and overlap of the segments, the stream comes out whole.
        #[test]
        fn any_order_gives_the_stream(
            start: u32,
            cuts in prop::collection::vec((0usize..200, 1usize..57), 1..40),
            order: u64,
        ) {
            let whole: Vec<u8> = (0..=255).collect();
            let mut parts: Vec<(u32, &[u8])> = cuts.iter().map(|(at, n)| (start.wrapping_add(*at as u32), &whole[*at..at + n])).collect();
            parts.extend((0..256).step_by(16).map(|at| (start.wrapping_add(at as u32), &whole[at..at + 16])));
            let mut state = order | 1;
            for i in (1..parts.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                parts.swap(i, (state >> 33) as usize % (i + 1));
            }
            prop_assert_eq!(collect(&parts, start, false), (whole.clone(), 0));
        }
    }
}
