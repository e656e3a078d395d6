//! Strict DER (X.690 section 10): definite minimal lengths, one-byte tags, minimal integers. What is not plainly so is `None`.
//!
//! Never laxer than what `cryptography` reads with (rust-asn1), often stricter: what is refused here is read there.

use transitproof_wire::Reader;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTF8_STRING: u8 = 0x0c;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const T61_STRING: u8 = 0x14;
pub const IA5_STRING: u8 = 0x16;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const VISIBLE_STRING: u8 = 0x1a;
pub const BMP_STRING: u8 = 0x1e;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// Bytes of the longest object identifier that rust-asn1 takes.
const MAX_OID: usize = 63;
/// Bytes of one arc: what fits into 63 bits, more than any registered one needs.
const MAX_ARC: usize = 9;

/// A run of elements.
#[derive(Clone, Copy)]
pub struct Der<'a>(Reader<'a>);

impl<'a> Der<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes, "certificate"))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0.rest()
    }

    /// The tag of the next element, if there is one.
    pub fn peek(&self) -> Option<u8> {
        self.0.rest().first().copied()
    }

    /// Any element: its tag and its contents.
    #[inline]
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let tag = self.0.u8().ok()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let length = match self.0.u8().ok()? {
            short @ 0..=0x7f => usize::from(short),
            0x81 => usize::from(self.0.u8().ok().filter(|n| *n >= 0x80)?),
            0x82 => usize::from(self.0.u16().ok().filter(|n| *n >= 0x100)?),
            0x83 => self.0.u24().ok().filter(|n| *n >= 0x1_0000)? as usize,
            _ => return None,
        };
        Some((tag, self.0.take(length).ok()?))
    }

    /// The contents of the next element, which must have this tag.
    #[inline]
    pub fn get(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
    }

    /// The next element with its tag and length, which must have this tag.
    pub fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0.rest();
        self.get(tag)?;
        before.get(..before.len() - self.0.len())
    }

    pub fn nested(&mut self, tag: u8) -> Option<Der<'a>> {
        self.get(tag).map(Der::new)
    }

    /// The next element if it has this tag; the outer `None` if it is broken.
    pub fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.peek() == Some(tag) { self.get(tag).map(Some) } else { Some(None) }
    }

    pub fn end(&self) -> Option<()> {
        self.is_empty().then_some(())
    }
}

/// The contents of an element that must be all there is.
pub fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut der = Der::new(bytes);
    let contents = der.get(tag)?;
    der.end().map(|()| contents)
}

/// A minimal INTEGER that is not negative; with its leading zero if it has one.
pub fn unsigned(contents: &[u8]) -> Option<&[u8]> {
    match contents {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => None,
        _ => Some(contents),
    }
}

/// Without the zero that only says that it is not negative. Zero itself is empty.
pub fn magnitude(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// The bytes of a BIT STRING without unused bits.
pub fn whole_bytes(contents: &[u8]) -> Option<&[u8]> {
    contents.strip_prefix(&[0])
}

/// An object identifier whose arcs are minimal and fit into 63 bits.
pub fn oid(contents: &[u8]) -> Option<&[u8]> {
    if contents.len() > MAX_OID || contents.last().is_none_or(|last| last & 0x80 != 0) {
        return None;
    }
    let mut arc = 0;
    for byte in contents {
        if arc == 0 && *byte == 0x80 {
            return None;
        }
        arc = if byte & 0x80 != 0 { arc + 1 } else { 0 };
        if arc >= MAX_ARC {
            return None;
        }
    }
    Some(contents)
}

/// The arcs of an [`oid`] in dots.
pub fn dotted(oid: &[u8], out: &mut String) {
    use std::fmt::Write;
    let (mut arc, mut first) = (0u64, true);
    for byte in oid {
        arc = (arc & (u64::MAX >> 7)) << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        let written = if first {
            let root = (arc / 40).min(2);
            write!(out, "{root}.{}", arc - 40 * root)
        } else {
            write!(out, ".{arc}")
        };
        debug_assert!(written.is_ok(), "a String takes everything");
        (arc, first) = (0, false);
    }
}

/// UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 wants it, in seconds since the Unix epoch. Years before 1000 are left to
/// the library, since the two disagree on how to write them.
pub fn time(tag: u8, contents: &[u8]) -> Option<i64> {
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits(contents, 2)?;
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        GENERALIZED_TIME => digits(contents, 4).filter(|(year, _)| *year >= 1000)?,
        _ => return None,
    };
    let (month, rest) = digits(rest, 2)?;
    let (day, rest) = digits(rest, 2)?;
    let (hour, rest) = digits(rest, 2)?;
    let (minute, rest) = digits(rest, 2)?;
    let (second, rest) = digits(rest, 2)?;
    if rest != b"Z" || hour > 23 || minute > 59 || second > 59 || !(1..=days_of(year, month)?).contains(&day) {
        return None;
    }
    Some(crate::time::days_before(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn digits(bytes: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    let value = digits.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))?;
    Some((value, rest))
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    })
}
