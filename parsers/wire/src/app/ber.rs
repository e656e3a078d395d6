//! Just enough BER (X.690) to tell LDAP, SNMP and Kerberos messages: one tag, one definite length, one value.
//!
//! May not know the messages themselves. High tag numbers and indefinite lengths do not occur in them and are refused.

use super::look::{NO, byte};

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const SEQUENCE: u8 = 0x30;

/// One element; the value may be cut short where the bytes end, `length` is what was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    pub tag: u8,
    pub length: usize,
    pub value: &'a [u8],
    pub rest: &'a [u8],
}

impl Element<'_> {
    pub fn is_whole(&self) -> bool {
        self.value.len() == self.length
    }

    /// The value of a non-negative INTEGER of up to four bytes.
    pub fn integer(&self) -> Option<u32> {
        if self.tag != INTEGER || !self.is_whole() || !(1..=5).contains(&self.length) {
            return None;
        }
        let value = self.value.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        (self.value.first()? & 0x80 == 0).then_some(u32::try_from(value).ok()?)
    }
}

/// Reads one element. `Ok(None)` when the bytes end inside tag or length, `Err` when they cannot be an element.
pub fn element(b: &[u8]) -> Result<Option<Element<'_>>, NotBer> {
    let Some(tag) = byte(b, 0) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(NotBer);
    }
    let Some(short) = byte(b, 1) else { return Ok(None) };
    let size = match short {
        0..=0x7f => 0,
        // Four bytes of length are 4 GB: no message of these protocols needs more.
        0x81..=0x84 => usize::from(short & 0x7f),
        _ => return Err(NotBer),
    };
    let Some(long) = b.get(2..2 + size) else { return Ok(None) };
    let length = if size == 0 { usize::from(short) } else { long.iter().fold(0, |n, x| n << 8 | usize::from(*x)) };
    let body = b.get(2 + size..).unwrap_or_default();
    let (value, rest) = body.split_at(length.min(body.len()));
    Ok(Some(Element { tag, length, value, rest }))
}

/// The bytes are not BER as these protocols write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBer;

/// Reads the element in a test of the table: ends the test with "no" or "not yet" where there is none.
macro_rules! tagged {
    ($bytes:expr, $tag:expr) => {
        match $crate::app::ber::element($bytes) {
            Ok(Some(e)) if e.tag == $tag => e,
            Ok(None) => return None,
            _ => return $crate::app::ber::REFUSED,
        }
    };
}
pub(super) use tagged;

pub const REFUSED: super::look::Look = NO;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_cut_and_refused_lengths() {
        let e = element(&[0x02, 0x01, 0x07, 0xff]).unwrap().unwrap();
        assert_eq!((e.tag, e.integer(), e.rest), (INTEGER, Some(7), &[0xff][..]));
        let e = element(&[0x30, 0x82, 0x01, 0x00, 9]).unwrap().unwrap();
        assert_eq!((e.length, e.value, e.is_whole()), (256, &[9][..], false));
        assert_eq!(element(&[0x30, 0x82, 0x01]), Ok(None));
        assert_eq!(element(&[0x30, 0x80, 0x01]), Err(NotBer));
        assert_eq!(element(&[0x3f, 0x80]), Err(NotBer));
    }
}
