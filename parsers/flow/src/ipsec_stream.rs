//! IKE and ESP over TCP: a prefix from the initiator, then messages with their length in front. RFC 9329 section 3.
//!
//! May not know what the messages say. What comes behind a hole cannot be told apart any more: that side is given up.

use crate::Direction;

/// What the one who connects sends first.
pub const PREFIX: &[u8] = b"IKETCP";
/// Bytes of the length, which counts itself.
const LENGTH: usize = 2;

/// Does a client's first speech begin like this, as far as it goes?
pub fn may_begin(head: &[u8]) -> bool {
    !head.is_empty() && (head.starts_with(PREFIX) || PREFIX.starts_with(head))
}

#[derive(Default)]
pub struct Framing([Side; 2]);

#[derive(Default)]
struct Side {
    begun: bool,
    lost: bool,
    /// A message that came in parts, with its length; no longer than a length can say.
    partial: Vec<u8>,
}

impl Framing {
    /// Bytes in their order; each message that is whole is handed on, without its length.
    pub fn bytes(&mut self, from: Direction, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let side = &mut self.0[from as usize];
        let mut rest = bytes;
        if !std::mem::replace(&mut side.begun, true) {
            rest = rest.strip_prefix(PREFIX).unwrap_or(rest);
        }
        while !side.lost && !rest.is_empty() {
            side.take(&mut rest, &mut each);
        }
    }

    /// Some bytes will never come.
    pub fn gap(&mut self, from: Direction) {
        let side = &mut self.0[from as usize];
        *side = Side { begun: true, lost: true, partial: Vec::new() };
    }

    /// Neither side can be read on.
    pub fn is_lost(&self) -> bool {
        self.0.iter().all(|side| side.lost)
    }
}

impl Side {
    fn take(&mut self, rest: &mut &[u8], each: &mut impl FnMut(&[u8])) {
        if self.partial.is_empty()
            && let Some(length) = length(rest)
            && let Some((message, behind)) = rest.split_at_checked(length)
        {
            *rest = behind;
            return self.hand_on(message, each);
        }
        let wanted = length(&self.partial).unwrap_or(LENGTH);
        let missing = wanted.saturating_sub(self.partial.len()).min(rest.len());
        self.partial.extend_from_slice(&rest[..missing]);
        *rest = &rest[missing..];
        if let Some(length) = length(&self.partial)
            && self.partial.len() >= length
        {
            let message = std::mem::take(&mut self.partial);
            self.hand_on(&message, each);
        }
    }

    fn hand_on(&mut self, message: &[u8], each: &mut impl FnMut(&[u8])) {
        match message.get(LENGTH..) {
            Some(content) => each(content),
            // A length that does not even count itself: this is not what it was taken for.
            None => self.lost = true,
        }
    }
}

fn length(bytes: &[u8]) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(*bytes.first_chunk()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Forward, Reverse};

    fn read(framing: &mut Framing, from: Direction, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        pieces.iter().for_each(|piece| framing.bytes(from, piece, |message| all.push(message.to_vec())));
        all
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let stream = b"IKETCP\x00\x05abc\x00\x02\x00\x03d";
        let whole = read(&mut Framing::default(), Forward, &[stream]);
        assert_eq!(whole, [b"abc".to_vec(), vec![], b"d".to_vec()]);
        for cut in 6..stream.len() {
            let (first, second) = stream.split_at(cut);
            assert_eq!(read(&mut Framing::default(), Forward, &[first, second]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream[6..].chunks(1).collect();
        assert_eq!(read(&mut Framing::default(), Reverse, &bytes), whole, "the responder sends no prefix");
    }

    #[test]
    fn a_hole_or_an_impossible_length_ends_a_side_alone() {
        let mut framing = Framing::default();
        framing.gap(Forward);
        assert!(read(&mut framing, Forward, &[b"\x00\x05abc"]).is_empty());
        assert_eq!(read(&mut framing, Reverse, &[b"\x00\x05abc\x00\x01\x00\x05abc"]), [b"abc".to_vec()]);
        assert!(framing.is_lost());
    }
}
