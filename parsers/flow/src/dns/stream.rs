//! DNS over TCP: messages one after another, each behind its length (RFC 1035 section 4.2.2, RFC 7766), taken out of the two directions.

use crate::Direction;

/// Bytes of a message that are kept together: more than names and what hosts are answered need. The rest of a longer one, as transfers
/// of zones have them, is passed over.
const MAX_MESSAGE: usize = 4096;
const LENGTH: usize = 2;

#[derive(Debug, Default)]
pub struct DnsStream {
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    /// The beginning of a message, its length included.
    part: Vec<u8>,
    /// Bytes of a message still to come that are passed over.
    skip: usize,
}

impl DnsStream {
    /// Calls `each` for every message that is complete, or of which as much as is kept has come.
    pub fn bytes(&mut self, from: Direction, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let side = &mut self.sides[from as usize];
        while !bytes.is_empty() {
            let passed = side.skip.min(bytes.len());
            (side.skip, bytes) = (side.skip - passed, &bytes[passed..]);
            let wanted = match side.part.first_chunk() {
                None => LENGTH,
                Some(length) => LENGTH + usize::from(u16::from_be_bytes(*length)).min(MAX_MESSAGE),
            };
            let taken = (wanted - side.part.len()).min(bytes.len());
            side.part.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if let Some((length, message)) = side.part.split_first_chunk::<LENGTH>() {
                let length = usize::from(u16::from_be_bytes(*length));
                if message.len() >= length.min(MAX_MESSAGE) {
                    each(message);
                    side.skip = length - message.len();
                    side.part.clear();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction::{Forward, Reverse};

    fn behind_length(message: &[u8]) -> Vec<u8> {
        [&(message.len() as u16).to_be_bytes(), message].concat()
    }

    #[test]
    fn messages_however_they_are_cut() {
        let long = vec![b'l'; 9000];
        let messages: [&[u8]; 4] = [b"first", &long, b"", b"last one"];
        let whole: Vec<u8> = messages.iter().flat_map(|message| behind_length(message)).collect();
        for size in [1, 2, 3, 7, 1460, whole.len()] {
            let (mut stream, mut seen) = (DnsStream::default(), Vec::new());
            for part in whole.chunks(size) {
                stream.bytes(Forward, part, |message| seen.push(message.to_vec()));
                stream.bytes(Reverse, b"\0", |_| {});
            }
            assert_eq!(seen, [&b"first"[..], &long[..MAX_MESSAGE], b"", b"last one"], "{size}");
        }
    }
}
