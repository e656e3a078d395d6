//! From the table's rows, when this is compiled: which rows a first byte and a port leave. One bit a row.

use super::rows::{DATAGRAMS, First, STREAMS};

/// A set of rows by their number, given back in that order.
#[derive(Clone, Copy)]
pub(super) struct Rows([u128; 2]);

impl Rows {
    pub(super) const LIMIT: usize = 256;
    pub(super) const NONE: Self = Self([0; 2]);

    const fn with(self, row: usize) -> Self {
        let mut words = self.0;
        words[row / 128] |= 1 << (row % 128);
        Self(words)
    }

    #[inline]
    pub(super) fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    #[inline]
    pub(super) fn and(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }
}

impl Iterator for Rows {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let (start, word) = match &mut self.0 {
            [0, 0] => return None,
            [0, second] => (128, second),
            [first, _] => (0, first),
        };
        let row = start + word.trailing_zeros() as usize;
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

pub(super) const fn stream_masks(client: bool) -> [Rows; 256] {
    let mut masks = [Rows::NONE; 256];
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

pub(super) const fn datagram_masks() -> [Rows; 256] {
    let mut masks = [Rows::NONE; 256];
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

pub(super) const fn port_masks() -> [Rows; 256] {
    let mut masks = [Rows::NONE; 256];
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
    use super::Rows;

    #[test]
    fn rows_come_in_their_order() {
        let rows = [255, 0, 127, 128, 5].into_iter().fold(Rows::NONE, |rows, row| rows.with(row));
        assert_eq!(rows.collect::<Vec<_>>(), [0, 5, 127, 128, 255]);
        assert_eq!(rows.and(Rows::NONE.with(128)).or(Rows::NONE.with(9)).collect::<Vec<_>>(), [9, 128]);
    }
}
