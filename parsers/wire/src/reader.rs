//! The bounded cursor that every parser reads through: the only place where a length meets a slice.

use crate::ParseError;

/// A cursor over borrowed bytes. Every read either advances or returns `Truncated` and leaves it where it was.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    layer: &'static str,
}

impl<'a> Reader<'a> {
    /// `layer` names what is being read, for the error.
    #[inline]
    pub fn new(bytes: &'a [u8], layer: &'static str) -> Self {
        Self { rest: bytes, layer }
    }

    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], ParseError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(ParseError::Truncated(self.layer))?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(ParseError::Truncated(self.layer))?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub fn u8(&mut self) -> Result<u8, ParseError> {
        Ok(self.array::<1>()?[0])
    }

    /// Big-endian, as all integers on the network are.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, ParseError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    #[inline]
    pub fn u24(&mut self) -> Result<u32, ParseError> {
        let [a, b, c] = self.array()?;
        Ok(u32::from_be_bytes([0, a, b, c]))
    }

    #[inline]
    pub fn u32(&mut self) -> Result<u32, ParseError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    #[inline]
    pub fn u64(&mut self) -> Result<u64, ParseError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A vector with a length of one byte in front (`opaque x<0..2^8-1>` of RFC 8446 section 3.4).
    #[inline]
    pub fn vec8(&mut self) -> Result<Reader<'a>, ParseError> {
        self.prefixed(|r| r.u8().map(usize::from))
    }

    /// A vector with a length of two bytes in front.
    #[inline]
    pub fn vec16(&mut self) -> Result<Reader<'a>, ParseError> {
        self.prefixed(|r| r.u16().map(usize::from))
    }

    /// A vector with a length of three bytes in front.
    #[inline]
    pub fn vec24(&mut self) -> Result<Reader<'a>, ParseError> {
        self.prefixed(|r| r.u24().map(|n| n as usize))
    }

    #[inline]
    fn prefixed(
        &mut self,
        length: impl FnOnce(&mut Self) -> Result<usize, ParseError>,
    ) -> Result<Reader<'a>, ParseError> {
        let mut ahead = *self;
        let n = length(&mut ahead)?;
        let body = ahead.take(n)?;
        *self = ahead;
        Ok(Reader::new(body, self.layer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_read_leaves_the_cursor_where_it_was() {
        let mut r = Reader::new(&[0, 5, 1, 2], "test");
        assert_eq!(r.vec16().unwrap_err(), ParseError::Truncated("test"));
        assert_eq!(r.len(), 4);
        assert_eq!(r.u16(), Ok(5));
        assert_eq!(r.take(3), Err(ParseError::Truncated("test")));
        assert_eq!(r.rest(), &[1, 2]);
    }

    #[test]
    fn vectors_are_bounded_by_their_own_length() {
        let mut r = Reader::new(&[2, 7, 8, 9], "test");
        let mut inner = r.vec8().unwrap();
        assert_eq!(inner.u16(), Ok(0x0708));
        assert_eq!(inner.u8(), Err(ParseError::Truncated("test")));
        assert_eq!(r.u8(), Ok(9));
    }
}
