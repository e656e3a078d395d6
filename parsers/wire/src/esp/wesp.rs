//! Wrapped ESP (RFC 5840): a header in front of ESP that says whether it encrypts, and where the content begins.
//!
//! It is the sender's word: that nothing is encrypted is proven as for ESP without it. May not know flows.

use crate::{ParseError, Reader};

/// IP protocol number of WESP (IANA protocol-numbers).
pub const IP_PROTOCOL: u8 = 141;

/// What stands in front of WESP on UDP 4500 in the place of an SPI (RFC 5840 section 2.1).
pub const UDP_IDENTIFIER: [u8; 4] = [0, 0, 0, 2];

/// WESP's own header: next header, two lengths, flags.
const HEADER_LENGTH: u8 = 4;
/// Less than header, SPI and sequence number is none (RFC 5840 section 2).
const LEAST_HEADER_LENGTH: u8 = 12;
const FLAG_VERSION: u8 = 0xc0;
const FLAG_ENCRYPTED: u8 = 0x20;
const FLAG_PADDING: u8 = 0x10;

/// A wrapped packet: what its header says, and the ESP packet behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wesp<'a> {
    /// The sender says that the content is encrypted.
    pub encrypted: bool,
    /// Of the content, where it is not encrypted.
    pub next_header: u8,
    pub esp: &'a [u8],
}

impl<'a> Wesp<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes, "wesp");
        let [next_header, header_length, _trailer_length, flags] = r.array()?;
        let encrypted = flags & FLAG_ENCRYPTED != 0;
        // RFC 5840 section 2: version 0; of encrypted content no next header is shown; lengths in words.
        let plausible = flags & FLAG_VERSION == 0
            && (header_length == 0
                || header_length >= LEAST_HEADER_LENGTH && header_length.is_multiple_of(HEADER_LENGTH))
            && !(encrypted && next_header != 0);
        if !plausible {
            return Err(ParseError::Malformed("wesp"));
        }
        if flags & FLAG_PADDING != 0 {
            r.u32()?;
        }
        Ok(Self { encrypted, next_header, esp: r.rest() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5840 figure 2: ESP-NULL with an ICV of 16 bytes, IPv4 inside.
    const CLEAR: [u8; 14] = [4, 12, 16, 0, 0xc0, 0xff, 0xee, 1, 0, 0, 0, 1, 0x45, 0];

    #[test]
    fn what_the_header_says() {
        let wesp = Wesp::parse(&CLEAR).unwrap();
        assert_eq!((wesp.encrypted, wesp.next_header, wesp.esp), (false, 4, &CLEAR[4..]));
        let encrypted = [0, 0, 0, 0x20, 0xc0, 0xff, 0xee, 1, 0, 0, 0, 1];
        assert!(Wesp::parse(&encrypted).unwrap().encrypted);
        let padded = [&[0, 16, 12, 0x30, 0, 0, 0, 0][..], &CLEAR[4..]].concat();
        assert_eq!(Wesp::parse(&padded).unwrap().esp, &CLEAR[4..]);
    }

    #[test]
    fn what_contradicts_itself_is_none() {
        for header in [[4, 12, 16, 0x40], [4, 12, 16, 0x20], [4, 8, 16, 0], [4, 13, 16, 0]] {
            assert_eq!(Wesp::parse(&header), Err(ParseError::Malformed("wesp")), "{header:?}");
        }
        assert!(Wesp::parse(&CLEAR[..3]).is_err());
    }
}
