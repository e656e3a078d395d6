//! One CRYPTO stream put together from its frames, which come in any order and may overlap: RFC 9000 sections 2.2 and 19.6.
//!
//! Hands out handshake messages; what they mean is not its matter.

use super::limits::{MAX_CRYPTO, MAX_PIECES};
use std::ops::Range;
use transitproof_wire::Reader;

#[derive(Debug)]
pub struct CryptoStream {
    /// Bytes that are kept.
    most: usize,
    bytes: Vec<u8>,
    /// What of `bytes` has come: sorted, apart from one another.
    pieces: Vec<Range<usize>>,
    /// Where the next message begins.
    next: usize,
}

impl Default for CryptoStream {
    fn default() -> Self {
        Self::with_room(MAX_CRYPTO)
    }
}

impl CryptoStream {
    /// For up to `most` bytes.
    pub fn with_room(most: usize) -> Self {
        Self { most, bytes: Vec::new(), pieces: Vec::new(), next: 0 }
    }

    /// `false` if the frame is beyond what is kept, or something else had to go for it.
    pub fn add(&mut self, offset: u64, data: &[u8]) -> bool {
        let Some(start) = usize::try_from(offset).ok().filter(|start| *start <= self.most) else { return false };
        let end = start + data.len();
        if end > self.most {
            return false;
        }
        // All pieces that the new one touches become one with it.
        let first = self.pieces.partition_point(|piece| piece.end < start);
        let last = self.pieces.partition_point(|piece| piece.start <= end);
        let touched = self.pieces.get(first..last).unwrap_or_default();
        let full = touched.is_empty() && self.pieces.len() >= MAX_PIECES;
        if full && first == self.pieces.len() {
            return false;
        }
        let from = touched.first().map_or(start, |piece| piece.start.min(start));
        let to = touched.last().map_or(end, |piece| piece.end.max(end));
        if full {
            // What is nearest to the beginning is read first: pieces far ahead must not keep it out.
            self.pieces.pop();
        }
        self.pieces.splice(first..last, std::iter::once(from..to));
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(data);
        }
        !full
    }

    /// The next message that is whole: its type and body.
    pub fn message(&mut self) -> Option<(u8, &[u8])> {
        let have = self.pieces.first().filter(|piece| piece.start == 0)?.end;
        let mut r = Reader::new(self.bytes.get(self.next..have)?, "quic crypto");
        let kind = r.u8().ok()?;
        let body = r.vec24().ok()?.rest();
        self.next = have - r.len();
        Some((kind, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn messages(stream: &mut CryptoStream) -> Vec<(u8, Vec<u8>)> {
        std::iter::from_fn(|| stream.message().map(|(kind, body)| (kind, body.to_vec()))).collect()
    }

    #[test]
    fn messages_come_when_they_are_whole() {
        let mut stream = CryptoStream::default();
        assert!(stream.add(6, b"cd\x02\0\0") && stream.message().is_none());
        assert!(stream.add(0, b"\x01\0\0\x04ab") && stream.add(3, b"\x04abc"));
        assert_eq!(messages(&mut stream), [(1, b"abcd".to_vec())]);
        assert!(stream.add(11, b"\x01z"));
        assert_eq!(messages(&mut stream), [(2, b"z".to_vec())]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut stream = CryptoStream::default();
        assert!(!stream.add(MAX_CRYPTO as u64, b"x") && !stream.add(u64::MAX, b"x") && stream.bytes.is_empty());
        assert!((1..=MAX_PIECES as u64).all(|n| stream.add(2 * n, b"x")));
        assert!(!stream.add(1000, b"x") && stream.add(3, b"y"));
        assert!(
            stream.add(1000, b"x") && !stream.add(0, b"z"),
            "the beginning takes the place of the end, which is counted"
        );
        assert_eq!((stream.pieces.len(), stream.pieces.first()), (MAX_PIECES, Some(&(0..1))));
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_messages(
            body in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec((0usize..200, 1usize..60), 0..12),
        ) {
            let whole = [&[1, 0, 0, body.len() as u8][..], &body].concat();
            let mut stream = CryptoStream::default();
            for (start, length) in cuts {
                let start = start.min(whole.len());
                let piece = &whole[start..whole.len().min(start + length)];
                prop_assert!(stream.add(start as u64, piece));
            }
            for (n, piece) in whole.chunks(7).enumerate().collect::<Vec<_>>().into_iter().rev() {
                prop_assert!(stream.add(n as u64 * 7, piece));
            }
            prop_assert_eq!(messages(&mut stream), [(1, body)]);
        }
    }
}
