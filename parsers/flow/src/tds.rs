//! TLS in TDS (MS-TDS section 2.2.6.5): during the handshake its records travel in PRELOGIN packets, behind it they stand bare.

/// Header of a TDS packet, section 2.2.3.1: type, status, length with the header, and four bytes that say nothing here.
const HEADER: usize = 8;
const PRELOGIN: u8 = 0x12;
/// What a server answers with; some answer a PRELOGIN with PRELOGIN.
const RESPONSE: u8 = 0x04;

/// Takes the packets of one direction off.
#[derive(Debug, Default)]
pub struct Unwrap {
    header: [u8; HEADER],
    have: usize,
    /// Of the packet in hand.
    left: usize,
    bare: bool,
}

impl Unwrap {
    /// Bytes are missing: where packets begin is not known any more, but records can still be found.
    pub fn lost(&mut self) {
        self.bare = true;
    }

    /// Splits off what belongs to TLS at the front of `bytes`; `None` when there is no more.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
        while !bytes.is_empty() {
            if self.bare || self.left > 0 {
                let length = if self.bare { bytes.len() } else { bytes.len().min(self.left) };
                let (inside, rest) = bytes.split_at(length);
                self.left = self.left.saturating_sub(length);
                *bytes = rest;
                return Some(inside);
            }
            if self.have == 0 && !matches!(bytes.first(), Some(&(PRELOGIN | RESPONSE))) {
                self.bare = true;
                continue;
            }
            let (taken, rest) = bytes.split_at(bytes.len().min(HEADER - self.have));
            self.header.iter_mut().skip(self.have).zip(taken).for_each(|(to, byte)| *to = *byte);
            self.have += taken.len();
            *bytes = rest;
            if self.have == HEADER {
                self.have = 0;
                self.left = usize::from(u16::from_be_bytes([self.header[2], self.header[3]])).saturating_sub(HEADER);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_taken_off_wherever_they_are_cut() {
        let packet = |kind: u8, inside: &[u8]| [&[kind, 1, 0, 8 + inside.len() as u8, 0, 0, 0, 0], inside].concat();
        let all =
            [packet(PRELOGIN, b"\x16abc"), packet(RESPONSE, b""), packet(PRELOGIN, b"de"), b"\x17\x12fgh".to_vec()]
                .concat();
        for size in 1..all.len() {
            let (mut unwrap, mut got) = (Unwrap::default(), Vec::new());
            for mut piece in all.chunks(size) {
                while let Some(inside) = unwrap.next(&mut piece) {
                    got.extend_from_slice(inside);
                }
            }
            assert_eq!(got, b"\x16abcde\x17\x12fgh", "in pieces of {size}");
        }
    }
}
