//! What a label can tell, in bits: the shortest of a few codes for it, as an upper bound of what somebody could have put into it.
//!
//! Parts between hyphens are coded by themselves, each as a word (letters as they follow one another in words) or as characters of
//! the smallest alphabet that has them all, whichever is shorter. So a word costs what words cost, a UUID its 128 bits, and ciphertext
//! in base32 five bits a letter.

use crate::letters::LETTERS;

/// Costs are in sixteenths of a bit.
const BIT: u32 = 16;
/// Which alphabet, and how long.
const ALPHABET: u32 = 4 * BIT;
/// log2 10.
const DIGIT: u32 = 53;
/// From letters to digits or back.
const TURN: u32 = 2 * BIT;
const HYPHEN: u32 = 2 * BIT;
/// Parts of fewer characters are not called random: abbreviations look so.
const RANDOM: usize = 10;

/// Bits of the table of bytes.
mod class {
    pub const DIGIT_2_TO_7: u8 = 1;
    pub const OTHER_DIGIT: u8 = 2;
    pub const A_TO_F: u8 = 4;
    pub const G_TO_V: u8 = 8;
    pub const W_TO_Z: u8 = 16;
    pub const HYPHEN: u8 = 32;
    pub const SIGN: u8 = 64;
    pub const HIGH: u8 = 128;
    pub const DIGITS: u8 = DIGIT_2_TO_7 | OTHER_DIGIT;
    pub const LETTERS: u8 = A_TO_F | G_TO_V | W_TO_Z;
}

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [class::SIGN; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = match at as u8 {
            b'2'..=b'7' => class::DIGIT_2_TO_7,
            b'0'..=b'9' => class::OTHER_DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => class::A_TO_F,
            b'g'..=b'v' | b'G'..=b'V' => class::G_TO_V,
            b'w'..=b'z' | b'W'..=b'Z' => class::W_TO_Z,
            b'-' | b'_' => class::HYPHEN,
            0..0x20 | 0x7f.. => class::HIGH,
            _ => class::SIGN,
        };
        at += 1;
    }
    table
}

/// What a label comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Sixteenths of a bit.
    pub cost: u32,
    /// Most of it is no words, but characters of some alphabet.
    pub random: bool,
    /// Bytes that no host name has (RFC 952, RFC 8552).
    pub binary: bool,
}

#[inline]
pub fn label(label: &[u8]) -> Told {
    // The next name after one in the order of a zone (RFC 4470, RFC 4471): so they are asked for who walks through it.
    let label = label.strip_suffix(b"\0").unwrap_or(label);
    let (mut cost, mut random, mut all) = (0, 0, 0);
    for part in label.split(|byte| matches!(byte, b'-' | b'_')) {
        let (part_cost, is_random, classes) = coded(part);
        cost += part_cost + HYPHEN;
        all |= classes;
        random += if is_random { part.len() } else { 0 };
    }
    cost = cost.saturating_sub(HYPHEN);
    let hyphens = label.len() - random;
    // A UUID: its parts are short, but there is hardly a letter in it that is no hex digit.
    let hex = label.len() >= 2 * RANDOM && all & !(class::DIGITS | class::A_TO_F) == 0 && all & class::DIGITS != 0;
    Told { cost, random: hex || (random > 0 && random >= hyphens), binary: all & (class::SIGN | class::HIGH) != 0 }
}

/// Cost of a part, whether it is random, and the classes of its bytes.
#[inline]
fn coded(part: &[u8]) -> (u32, bool, u8) {
    let (mut word, mut all, mut before, mut digits) = (0, 0, 0, false);
    for byte in part {
        let class = CLASSES[usize::from(*byte)];
        all |= class;
        let is_letter = class & class::LETTERS != 0;
        if is_letter {
            let letter = usize::from((byte | 0x20).wrapping_sub(b'a')) % 26;
            word += u32::from(LETTERS[before][letter]);
            before = letter + 1;
        } else {
            word += DIGIT;
            before = 0;
        }
        word += if is_letter == digits { TURN } else { 0 };
        digits = !is_letter;
    }
    let spelled = part.len() as u32 * alphabet(all) + ALPHABET;
    let random = part.len() >= RANDOM && spelled < word;
    (word.min(spelled), random, all)
}

/// Cost of a character of the smallest alphabet that has all of these classes.
#[inline]
fn alphabet(classes: u8) -> u32 {
    use class::*;
    match classes {
        c if c & HIGH != 0 => 7 * BIT,
        c if c & SIGN != 0 => 6 * BIT,
        c if c & !DIGITS == 0 => DIGIT,
        c if c & !(DIGITS | A_TO_F) == 0 => 4 * BIT,
        c if c & DIGITS == 0 => 75,                      // log2 26
        c if c & (OTHER_DIGIT | HYPHEN) == 0 => 5 * BIT, // base32
        c if c & (W_TO_Z | HYPHEN) == 0 => 5 * BIT,      // base32hex
        _ => 83,                                         // log2 36
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str) -> u32 {
        label(text.as_bytes()).cost / BIT
    }

    #[test]
    fn words_cost_less_than_what_is_random() {
        assert!(bits("ip-10-2-61-165") <= 56);
        assert_eq!((bits("www"), bits("static"), bits("monitoring")), (18, 17, 31));
        assert_eq!(bits("0c8a97e1b2d3f4a5968778695a4b3c2d"), 4 + 32 * 4);
        let uuid = bits("5ad5be04-8b64-4841-af65-8724abad508f");
        assert!((128..=160).contains(&uuid), "{uuid}");
        assert_eq!(bits("mfrggzdfmztwq2lknnwg23tpob2xe43u"), 4 + 32 * 5);

        assert_eq!(bits(""), 0);
    }

    #[test]
    fn random_and_binary() {
        for (text, random, binary) in [
            (&b"monitoring"[..], false, false),
            (b"internationalization", false, false),
            (b"qzkxvwpjhgbf", true, false),
            (b"0c8a97e1b2d3f4a5", true, false),
            (b"5ad5be04-8b64-4841-af65-8724abad508f", true, false),
            (b"ec2-119-223-156-60", false, false),
            (b"8wn1ikx", false, false),
            (b"_domainkey", false, false),
            (b"ab+cd/ef=", false, true),
            (b"\xc3\xa4\xd6", false, true),
        ] {
            let told = label(text);
            assert_eq!((told.random, told.binary), (random, binary), "{}", String::from_utf8_lossy(text));
        }
    }
}
