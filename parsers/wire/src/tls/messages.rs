//! The smaller messages: handshake header, Certificate up to TLS 1.2, alert. RFC 5246 sections 7.2 and 7.4.

use super::handshake;
use crate::{ParseError, Reader};

/// The ticket in a NewSessionTicket up to TLS 1.2, RFC 5077 section 3.3; `None` for an empty one, which means nothing.
pub fn new_session_ticket(body: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(body, "tls new session ticket");
    r.take(4).ok()?;
    Some(r.vec16().ok()?.rest()).filter(|ticket| !ticket.is_empty())
}

/// How many signed certificate timestamps a list has that is all of an extension, RFC 6962 section 3.3.
pub fn sct_count(mut extension: Reader<'_>) -> u16 {
    let Ok(mut list) = extension.vec16() else { return 0 };
    let mut count = 0;
    while !list.is_empty() && list.vec16().is_ok() {
        count += 1;
    }
    count
}

/// The four bytes in front of every handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageHeader {
    pub kind: u8,
    pub length: u32,
}

impl MessageHeader {
    pub const LEN: usize = 4;

    #[inline]
    pub fn parse([kind, a, b, c]: [u8; 4]) -> Self {
        Self { kind, length: u32::from_be_bytes([0, a, b, c]) }
    }

    /// Whether a message in the clear can begin so: an assigned type with a length that such a message can have.
    pub fn is_plausible(self) -> bool {
        let hello = 38..=0x1_0000;
        match self.kind {
            handshake::HELLO_REQUEST | handshake::SERVER_HELLO_DONE => self.length == 0,
            handshake::CLIENT_HELLO | handshake::SERVER_HELLO => hello.contains(&self.length),
            kind => handshake::is_assigned(kind) && self.length <= 0x4_0000,
        }
    }
}

/// The certificates of a Certificate message of TLS 1.2 and below, in wire order. RFC 5246 section 7.4.2.
#[derive(Clone, Copy, Debug)]
pub struct CertificateList<'a>(Reader<'a>);

impl<'a> CertificateList<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body, "tls certificate");
        let list = r.vec24()?;
        if r.is_empty() { Ok(Self(list)) } else { Err(ParseError::Malformed("tls certificate")) }
    }
}

impl<'a> Iterator for CertificateList<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        Some(self.0.vec24().ok()?.rest())
    }
}

/// An alert in the clear, RFC 8446 section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    pub level: u8,
    pub description: u8,
}

impl Alert {
    pub const FATAL: u8 = 2;

    /// `None` for what cannot be an alert in the clear: encrypted ones are longer or have other values.
    pub fn parse([level, description]: [u8; 2]) -> Option<Self> {
        let known = crate::registry::tls::alert_name(description).is_some();
        (matches!(level, 1 | 2) && known).then_some(Self { level, description })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_in_order_and_an_empty_list() {
        let list = CertificateList::parse(&[0, 0, 9, 0, 0, 2, 7, 8, 0, 0, 1, 9]).unwrap();
        assert_eq!(list.collect::<Vec<_>>(), [&[7, 8][..], &[9]]);
        assert_eq!(CertificateList::parse(&[0, 0, 0]).unwrap().count(), 0);
    }

    #[test]
    fn a_list_that_does_not_fill_its_message_is_refused() {
        assert_eq!(CertificateList::parse(&[0, 0, 4, 0, 0, 1]).unwrap_err(), ParseError::Truncated("tls certificate"));
        assert_eq!(CertificateList::parse(&[0, 0, 0, 0]).unwrap_err(), ParseError::Malformed("tls certificate"));
    }

    #[test]
    fn tickets_and_timestamps() {
        assert_eq!(new_session_ticket(&[0, 0, 1, 2, 0, 2, 7, 8]), Some(&[7, 8][..]));
        assert_eq!(new_session_ticket(&[0, 0, 1, 2, 0, 0]), None);
        assert_eq!(new_session_ticket(&[0, 0, 1, 2, 0, 3, 7]), None);
        assert_eq!(sct_count(Reader::new(&[0, 7, 0, 1, 5, 0, 2, 6, 7], "t")), 2);
        assert_eq!(sct_count(Reader::new(&[0, 4, 0, 1, 5, 9], "t")), 1);
        assert_eq!(sct_count(Reader::new(&[0, 3, 0, 9, 5], "t")), 0);
    }

    #[test]
    fn alerts() {
        assert_eq!(Alert::parse([2, 40]), Some(Alert { level: 2, description: 40 }));
        assert_eq!(Alert::parse([3, 40]), None);
        assert_eq!(Alert::parse([2, 200]), None);
    }
}
