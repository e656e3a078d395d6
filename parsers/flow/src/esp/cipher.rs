//! What the sizes of an association's packets say of its cipher: inferred, never certain.
//!
//! A block cipher in CBC fills whole blocks: behind IV and ICV, which are constant, all sizes agree modulo the block.
//! AES-GCM, ChaCha20 and counter modes fill words of four bytes only (RFC 4303 section 2.4, RFC 4106, RFC 7634, RFC 3602).

/// Sizes that differ before anything is said: of a cipher that fills words, one in 4^5 such sets looks like blocks.
const ENOUGH: u32 = 6;
const MANY: u32 = 16;
/// Every fourth size in words: those that agree modulo 16 bytes.
const BLOCKS_OF_16: u64 = 0x1111_1111_1111_1111;
/// Those that agree modulo 8 bytes.
const BLOCKS_OF_8: u64 = 0x5555_5555_5555_5555;

/// Bit n: a size of n words, modulo 64, was seen.
#[derive(Clone, Debug, Default)]
pub struct Sizes(u64);

impl Sizes {
    #[inline]
    pub fn add(&mut self, length: u32) {
        self.0 |= 1 << (length / 4 % 64);
    }

    /// Enough different sizes for a judgement: one in 2^15 sets of a cipher that fills words agrees modulo 8 bytes.
    pub fn are_many(&self) -> bool {
        self.0.count_ones() >= MANY
    }

    /// `cbc_128` (AES and others with blocks of 128 bits), `cbc_64` (3DES and its like), `aead_or_counter`.
    pub fn family(&self) -> Option<&'static str> {
        if self.0.count_ones() < ENOUGH {
            return None;
        }
        let agree = |mask: u64, words: u32| (0..words).any(|rest| self.0 & !(mask << rest) == 0);
        Some(match () {
            () if agree(BLOCKS_OF_16, 4) => "cbc_128",
            () if agree(BLOCKS_OF_8, 2) => "cbc_64",
            () => "aead_or_counter",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The family after packets with contents of these lengths, each with padding and trailer to the block.
    fn family(contents: impl Iterator<Item = u32>, block: u32, fixed: u32) -> Option<&'static str> {
        let mut sizes = Sizes::default();
        contents.for_each(|content| sizes.add(fixed + (content + 2).next_multiple_of(block)));
        sizes.family()
    }

    #[test]
    fn blocks_show_in_sizes() {
        let contents = || (40..1500).step_by(37);
        assert_eq!(family(contents(), 16, 16 + 12), Some("cbc_128"), "AES-CBC, HMAC-SHA1-96");
        assert_eq!(family(contents(), 16, 16 + 24), Some("cbc_128"), "AES-CBC, HMAC-SHA2-384-192");
        assert_eq!(family(contents(), 8, 8 + 12), Some("cbc_64"), "3DES");
        assert_eq!(family(contents(), 4, 8 + 16), Some("aead_or_counter"), "AES-GCM");
    }

    #[test]
    fn few_sizes_say_nothing() {
        assert_eq!(family([52, 1400, 52, 1400, 84].into_iter(), 4, 24), None);
    }
}
