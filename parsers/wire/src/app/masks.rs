//! From the table's rows, when this is compiled: which rows a first byte and a port leave. One bit a row.

use super::rows::{DATAGRAMS, First, STREAMS};

/// A set of rows by their number, given back in that order.
#[derive(Clone, Copy)]
pub(super) struct Rows<const WORDS: usize>([u128; WORDS]);

pub(super) type StreamRows = Rows<3>;
pub(super) type DatagramRows = Rows<2>;

impl<const WORDS: usize> Rows<WORDS> {
    pub(super) const LIMIT: usize = WORDS * 128;
    pub(super) const NONE: Self = Self([0; WORDS]);

    const fn with(self, row: usize) -> Self {
        let mut words = self.0;
        words[row / 128] |= 1 << (row % 128);
        Self(words)
    }

    #[inline]
    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] | other.0[n]))
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] & other.0[n]))
    }
}

impl<const WORDS: usize> Iterator for Rows<WORDS> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let (n, word) = self.0.iter_mut().enumerate().find(|(_, word)| **word != 0)?;
        let row = n * 128 + word.trailing_zeros() as usize;
        *word &= *word - 1;
        Some(row)
    }
}

const fn holds(first: First, byte: u8) -> bool {
    let mut i = 0;
    while i < first.len() {
        if first[i].0 <= byte && byte <= first[i].1 {
            return true;
        }
        i += 1;
    }
    false
}

pub(super) const fn stream_masks(client: bool) -> [StreamRows; 256] {
    let mut masks = [StreamRows::NONE; 256];
    let mut row = 0;
    while row < STREAMS.len() {
        let first = if client { STREAMS[row].client.first } else { STREAMS[row].server.first };
        let mut byte = 0;
        while byte < 256 {
            if holds(first, byte as u8) {
                masks[byte] = masks[byte].with(row);
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}

pub(super) const fn datagram_masks() -> [DatagramRows; 256] {
    let mut masks = [DatagramRows::NONE; 256];
    let mut row = 0;
    while row < DATAGRAMS.len() {
        let mut byte = 0;
        while byte < 256 {
            if holds(DATAGRAMS[row].first, byte as u8) {
                masks[byte] = masks[byte].with(row);
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}

pub(super) const fn port_masks() -> [DatagramRows; 256] {
    let mut masks = [DatagramRows::NONE; 256];
    let mut row = 0;
    while row < DATAGRAMS.len() {
        let mut byte = 0;
        while byte < 256 {
            let mut named = !DATAGRAMS[row].ported;
            let mut port = 0;
            while port < DATAGRAMS[row].ports.len() {
                named |= (DATAGRAMS[row].ports[port] & 0xff) as usize == byte;
                port += 1;
            }
            if named {
                masks[byte] = masks[byte].with(row);
            }
            byte += 1;
        }
        row += 1;
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::StreamRows;

    #[test]
    fn rows_come_in_their_order() {
        let none = StreamRows::NONE;
        let rows = [383, 255, 0, 127, 128, 5].into_iter().fold(none, |rows, row| rows.with(row));
        assert_eq!(rows.collect::<Vec<_>>(), [0, 5, 127, 128, 255, 383]);
        assert_eq!(rows.and(none.with(128)).or(none.with(9)).collect::<Vec<_>>(), [9, 128]);
    }
}
