//! How much an encrypted payload can hold at most, by the cipher of its IKE SA (RFC 7296 section 3.14, RFC 5282).

use super::proposal::{Kind, Offer};

/// What an encrypted payload has around the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cipher {
    iv: u8,
    icv: u8,
    /// Bytes that are padded to; 1 where the cipher needs no padding.
    block: u8,
}

impl Cipher {
    /// Of what was agreed; `None` of a cipher that is not known here.
    pub fn of(chosen: &Offer) -> Option<Self> {
        let encr = chosen.of(Kind::Encr).next()?.id;
        let integ = chosen.of(Kind::Integ).next().map(|integ| integ.id);
        Some(match encr {
            14 | 18 => Self { iv: 8, icv: 8, block: 1 },
            15 | 19 => Self { iv: 8, icv: 12, block: 1 },
            16 | 20 | 28 => Self { iv: 8, icv: 16, block: 1 },
            2 | 3 => Self { iv: 8, icv: icv(integ?)?, block: 8 },
            12 | 23 => Self { iv: 16, icv: icv(integ?)?, block: 16 },
            _ => return None,
        })
    }

    /// Bytes of payloads in an encrypted payload of this length: one for the pad length is always there. `None` if the
    /// length does not fit the cipher.
    pub fn content_at_most(self, length: usize) -> Option<usize> {
        let ciphertext = length.checked_sub(usize::from(self.iv) + usize::from(self.icv))?;
        ciphertext.is_multiple_of(usize::from(self.block)).then(|| ciphertext.checked_sub(1)).flatten()
    }

    /// The content is told to the byte, if the sender does not pad without need.
    pub fn is_exact(self) -> bool {
        self.block == 1
    }
}

/// Bytes of the integrity check value of transform type 3.
fn icv(integ: u16) -> Option<u8> {
    Some(match integ {
        1 | 2 | 5 | 8 => 12,
        6 | 12 => 16,
        7 => 20,
        13 => 24,
        14 => 32,
        _ => return None,
    })
}
