//! First bytes of a stream. They may hold a password, so they are overwritten before their memory is given back.
//!
//! Covered: what a flow keeps of its payload (heads, segments held back), also where the buffer grows. Not covered: the
//! buffers of the capture reader, in which every packet stands until the next ones overwrite it; the block of the hash
//! function; registers and the stack. Overwriting is kept from the optimiser by `black_box`, which is best effort.

use std::ops::Deref;

#[derive(Default)]
pub struct Head(Vec<u8>);

impl Head {
    /// Appends as much as stays within `limit` bytes in all.
    pub fn keep(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.0.len());
        let bytes = bytes.get(..room).unwrap_or(bytes);
        let wanted = self.0.len() + bytes.len();
        if wanted > self.0.capacity() {
            // A vector that grows by itself leaves its old bytes behind.
            let mut larger = Vec::with_capacity(wanted.max(2 * self.0.capacity()).min(limit.max(wanted)));
            larger.extend_from_slice(&self.0);
            self.clear();
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    #[inline]
    pub fn clear(&mut self) {
        // Most conversations are over before they keep anything; the optimiser then leaves out their allocation.
        if !self.0.is_empty() {
            self.0.fill(0);
            std::hint::black_box(&self.0);
            self.0.clear();
        }
    }
}

impl From<&[u8]> for Head {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        self.clear();
    }
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Head of {} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_up_to_the_limit_and_does_not_show() {
        let mut head = Head::default();
        for piece in [&b"open "[..], b"sesame", b", please"] {
            head.keep(piece, 13);
        }
        assert_eq!(&*head, b"open sesame, ");
        assert_eq!(format!("{head:?}"), "Head of 13 bytes");
        head.clear();
        assert!(head.is_empty());
        head.keep(b"x", 13);
        assert_eq!(&*head, b"x");
    }
}
