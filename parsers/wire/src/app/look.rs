//! What the tests of the table are made of: bounded peeks into bytes that may end anywhere.
//!
//! `None` always means that the bytes ran out before the answer, so a test reads with `?` and a stream that is still
//! arriving stays undecided. Nothing here knows a protocol.

/// How well bytes fit a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    No,
    /// They fit, but fewer than about 30 bits speak for it: the other side or the port has to confirm.
    Weak,
    Yes,
}

/// A test's answer; `None` while the bytes end before it.
pub type Look = Option<Match>;

pub const NO: Look = Some(Match::No);

#[inline]
pub fn yes(holds: bool) -> Look {
    Some(if holds { Match::Yes } else { Match::No })
}

#[inline]
pub fn weak(holds: bool) -> Look {
    Some(if holds { Match::Weak } else { Match::No })
}

/// Lowers a yes to weak, for formats that several protocols share and only the port tells apart.
pub fn at_most_weak(look: Look) -> Look {
    look.map(|m| if m == Match::Yes { Match::Weak } else { m })
}

/// The stronger of two answers.
pub fn either(a: Look, b: Look) -> Look {
    match (a, b) {
        (Some(Match::Yes), _) | (_, Some(Match::Yes)) => Some(Match::Yes),
        (None, _) | (_, None) => None,
        (Some(Match::Weak), _) | (_, Some(Match::Weak)) => Some(Match::Weak),
        _ => NO,
    }
}

#[inline]
pub fn byte(b: &[u8], at: usize) -> Option<u8> {
    b.get(at).copied()
}

#[inline]
fn array<const N: usize>(b: &[u8], at: usize) -> Option<[u8; N]> {
    b.get(at..)?.first_chunk::<N>().copied()
}

#[inline]
pub fn be16(b: &[u8], at: usize) -> Option<u16> {
    array(b, at).map(u16::from_be_bytes)
}

#[inline]
pub fn be24(b: &[u8], at: usize) -> Option<u32> {
    array(b, at).map(|[x, y, z]| u32::from_be_bytes([0, x, y, z]))
}

#[inline]
pub fn be32(b: &[u8], at: usize) -> Option<u32> {
    array(b, at).map(u32::from_be_bytes)
}

#[inline]
pub fn le16(b: &[u8], at: usize) -> Option<u16> {
    array(b, at).map(u16::from_le_bytes)
}

#[inline]
pub fn le32(b: &[u8], at: usize) -> Option<u32> {
    array(b, at).map(u32::from_le_bytes)
}

/// Whether `b` starts with `token`; `None` while `b` is only a beginning of it.
pub fn starts(b: &[u8], token: &[u8]) -> Option<bool> {
    at(b, 0, token)
}

/// Whether `token` stands at an offset.
pub fn at(b: &[u8], offset: usize, token: &[u8]) -> Option<bool> {
    let rest = b.get(offset..)?;
    let n = rest.len().min(token.len());
    let same = rest.get(..n) == token.get(..n);
    if same && n < token.len() { None } else { Some(same) }
}

/// Whether `b` starts with `token`, letter case aside.
pub fn starts_nocase(b: &[u8], token: &[u8]) -> Option<bool> {
    let n = b.len().min(token.len());
    let same = b.iter().zip(token).all(|(x, y)| x.eq_ignore_ascii_case(y));
    if same && n < token.len() { None } else { Some(same) }
}

/// Whether `b` starts with one of the words, letter case aside.
pub fn one_of(b: &[u8], words: &[&[u8]]) -> Option<bool> {
    let mut open = false;
    for word in words {
        match starts_nocase(b, word) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => open = true,
        }
    }
    if open { None } else { Some(false) }
}

/// The first line without its end, once the end has come.
pub fn line(b: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'\n', b)?;
    let line = b.get(..end)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Text as protocols write it: no control characters but tabs and line ends. Bytes above 127 pass (UTF-8 and its elders).
pub fn is_text(b: &[u8]) -> bool {
    b.iter().all(|c| *c >= 0x20 && *c != 0x7f || matches!(c, b'\t' | b'\r' | b'\n'))
}

/// Whether bytes may be ciphertext or a key, in which every value is as likely: half of them differ, and one in 16 has its top
/// bit set. Of 16 fair bytes one sample in 65,000 has none, longer ones do not fail; text, counters and padding do.
pub fn may_be_sealed(b: &[u8]) -> bool {
    const SAMPLE: usize = 64;
    let sample = b.get(..SAMPLE).unwrap_or(b);
    let mut seen = [0u64; 4];
    for byte in sample {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    let different: u32 = seen.iter().map(|word| word.count_ones()).sum();
    let high = sample.iter().filter(|byte| **byte >= 0x80).count();
    2 * different as usize >= sample.len() && 16 * high >= sample.len()
}

pub fn contains_nocase(b: &[u8], needle: &[u8]) -> bool {
    b.windows(needle.len().max(1)).any(|w| w.eq_ignore_ascii_case(needle))
}

/// Digits at the start as a number, and what follows; `None` where there are none or too many.
pub fn number(b: &[u8]) -> Option<(u32, &[u8])> {
    let digits = b.iter().take_while(|c| c.is_ascii_digit()).count();
    let (text, rest) = b.split_at_checked(digits)?;
    Some((std::str::from_utf8(text).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_neither_yes_nor_no() {
        assert_eq!(starts(b"SS", b"SSH-"), None);
        assert_eq!(starts(b"SX", b"SSH-"), Some(false));
        assert_eq!(starts(b"SSH-2", b"SSH-"), Some(true));
        assert_eq!(one_of(b"eh", &[b"EHLO", b"HELO"]), None);
        assert_eq!(one_of(b"helo", &[b"EHLO", b"HELO"]), Some(true));
        assert_eq!(be16(&[1], 0), None);
        assert_eq!(be32(&[0, 0, 0, 1, 2], 1), Some(0x102));
        assert_eq!(at(b"abc", 9, b"x"), None);
    }

    #[test]
    fn lines_and_numbers() {
        assert_eq!(line(b"220 hi\r\nrest"), Some(&b"220 hi"[..]));
        assert_eq!(line(b"220 hi"), None);
        assert_eq!(number(b"34>x"), Some((34, &b">x"[..])));
        assert_eq!(number(b">x"), None);
        assert_eq!(number(b"99999999999"), None);
    }
}
