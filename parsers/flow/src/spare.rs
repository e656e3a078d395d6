//! Buffers for messages that come in parts, used again: a certificate chain has some thousand bytes, and memory of that size is
//! what an allocator takes longest over.

/// Buffers that wait to be used: as many handshakes as are usually in the middle of a message at one time.
const MAX_SPARE: usize = 64;
/// Bytes of one. A larger one is given back, so that all of them stay below a MiB whatever messages come.
const MAX_CAPACITY: usize = 16 << 10;

#[derive(Debug, Default)]
pub struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// An empty buffer.
    pub fn take(&mut self) -> Vec<u8> {
        self.0.pop().unwrap_or_default()
    }

    /// Keeps a buffer that is not needed any more.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if self.0.len() < MAX_SPARE && buffer.capacity() <= MAX_CAPACITY {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_empty_and_bounded() {
        let mut spare = Spare::default();
        spare.give(b"left over".to_vec());
        let buffer = spare.take();
        assert!(buffer.is_empty() && buffer.capacity() >= 9);
        spare.give(Vec::with_capacity(MAX_CAPACITY + 1));
        assert_eq!(spare.take().capacity(), 0);
        (0..=MAX_SPARE).for_each(|_| spare.give(vec![0]));
        assert_eq!(spare.0.len(), MAX_SPARE);
    }
}
