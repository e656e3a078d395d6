//! Protocols that one packet does not prove and several do: RTP (RFC 3550), SRTCP (RFC 3711), BitTorrent's transport (BEP 29), DTLS 1.3 behind its
//! handshake (RFC 9147). What numbers their packets is here; who counts how many followed one another is the caller.

use super::codecs::Codec;
use super::look::{Match, be16, be32, byte, may_be_sealed};
use super::voice::rtp_frame;
use crate::Protocol;

/// What makes successive packets one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    Rtp {
        kind: u8,
        sequence: u16,
        source: u32,
        codec: Codec,
    },
    Srtcp {
        source: u32,
        index: u32,
    },
    /// `sent` in microseconds of the sender's clock.
    Utp {
        connection: u16,
        sequence: u16,
        sent: u32,
    },
    /// The sequence number is masked.
    Dtls13 {
        flags: u8,
        masked: u16,
    },
}

impl Serial {
    pub fn of(payload: &[u8]) -> Option<Self> {
        match byte(payload, 0)? {
            0x80 => Self::clear_frame(payload).or_else(|| Self::srtcp(payload)),
            0x81..=0x9f => Self::srtcp(payload),
            0x01 | 0x11 | 0x21 | 0x31 => Self::utp(payload),
            0x2c..=0x2f => Self::dtls13(payload),
            _ => None,
        }
    }

    pub fn protocol(self) -> Protocol {
        match self {
            Self::Rtp { .. } => Protocol::Rtp,
            Self::Srtcp { .. } => Protocol::Srtp,
            Self::Utp { .. } => Protocol::Bittorrent,
            Self::Dtls13 { .. } => Protocol::Dtls,
        }
    }

    /// How many in a row prove it: 100 bits of source, kind and sequence, of agreed payload types 30 of the codec, of DTLS flags and lengths.
    pub fn run(self) -> u8 {
        match self {
            Self::Rtp { codec: Codec::Amr { .. } | Codec::Avc(_), .. } | Self::Dtls13 { .. } => 4,
            _ => 3,
        }
    }

    /// Of a packet whose frames have a size that SRTP's tag of 4, 10 or 16 bytes cannot make up: G.711, G.722 and GSM; or of an agreed
    /// payload type whose frames show their codec.
    fn clear_frame(payload: &[u8]) -> Option<Self> {
        let kind = byte(payload, 1)? & 0x7f;
        let codec = match kind {
            0 | 3 | 8 | 9 if rtp_frame(payload) == Some(Match::Weak) => Codec::Sized,
            96..=127 => Codec::of(payload)?,
            _ => return None,
        };
        Some(Self::Rtp { kind, sequence: be16(payload, 2)?, source: be32(payload, 8)?, codec })
    }

    /// A report (section 3.4) with the bit that says "encrypted", a young index and a tag of 80 bits behind it. Three in a row have
    /// more than 100 bits in common.
    fn srtcp(b: &[u8]) -> Option<Self> {
        const TAG: usize = 10;
        const ENCRYPTED: u32 = 1 << 31;
        const YOUNG: u32 = 1 << 16;
        let end = b.len().checked_sub(4 + TAG)?;
        let (words, index) = (usize::from(be16(b, 2)?), be32(b, end)?);
        let report = matches!(byte(b, 1)?, 200 | 201) && words >= 1 && 4 * (words + 1) <= end;
        let young = (ENCRYPTED..ENCRYPTED | YOUNG).contains(&index);
        (report && young).then_some(Self::Srtcp { source: be32(b, 4)?, index })
    }

    /// Data, a state, FIN or reset: version 1, an extension that exists and whose length fits, a window, something acknowledged.
    fn utp(b: &[u8]) -> Option<Self> {
        const WINDOWS: std::ops::Range<u32> = 1..1 << 27;
        let extension = match byte(b, 1)? {
            0 => true,
            1 | 2 => byte(b, 20)? == 0 && matches!(byte(b, 21)?, 4..=32) && byte(b, 21)? % 4 == 0,
            _ => false,
        };
        let (connection, acknowledged) = (be16(b, 2)?, be16(b, 18)?);
        let fits = extension && connection != 0 && acknowledged != 0 && WINDOWS.contains(&be32(b, 12)?);
        fits.then_some(Self::Utp { connection, sequence: be16(b, 16)?, sent: be32(b, 4)? })
    }

    /// Records under the unified header (section 4) with a sequence number of 16 bits and a length, without a connection id, that fill the datagram.
    fn dtls13(b: &[u8]) -> Option<Self> {
        const HEADER: usize = 5;
        /// The tag of every cipher suite but those that shorten it, and the content type.
        const SHORTEST: usize = 17;
        let flags = byte(b, 0)?;
        let mut rest = b;
        while !rest.is_empty() {
            let length = usize::from(be16(rest, 3)?);
            let body = rest.get(HEADER..HEADER + length)?;
            if byte(rest, 0)? != flags || length < SHORTEST || !may_be_sealed(body) {
                return None;
            }
            rest = rest.get(HEADER + length..)?;
        }
        Some(Self::Dtls13 { flags, masked: be16(b, 1)? })
    }

    /// Whether this packet comes next: of RTP the next number; of SRTCP one of the next; of BitTorrent's transport one of the next, or the same of a state,
    /// 16 µs to 100 s later; of DTLS any number but one of those next to it, which a counter in the clear would have.
    pub fn follows(self, earlier: Self) -> bool {
        match (self, earlier) {
            (
                Self::Rtp { kind, sequence, source, codec },
                Self::Rtp { kind: k, sequence: n, source: s, codec: before },
            ) => (kind, source) == (k, s) && sequence == n.wrapping_add(1) && codec.goes_on(before),
            (Self::Utp { connection, sequence, sent }, Self::Utp { connection: c, sequence: n, sent: t }) => {
                connection == c && sequence.wrapping_sub(n) <= 16 && (16..100_000_000).contains(&sent.wrapping_sub(t))
            }
            (Self::Srtcp { source, index }, Self::Srtcp { source: s, index: n }) => {
                source == s && (1..=4).contains(&index.wrapping_sub(n))
            }
            (Self::Dtls13 { flags, masked }, Self::Dtls13 { flags: f, masked: n }) => {
                flags == f && !(1..=4).contains(&masked.wrapping_sub(n))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_counts_up() {
        let frame = |sequence: u8| {
            [b"\x80\x08\0".as_slice(), &[sequence], b"\0\0\0\xa0\x12\x34\x56\x78", &[0xd5; 160]].concat()
        };
        let (one, two) = (Serial::of(&frame(1)).unwrap(), Serial::of(&frame(2)).unwrap());
        assert!(two.follows(one) && !one.follows(two) && !two.follows(two));
        assert_eq!((one.protocol(), Serial::of(&frame(1)[..100])), (Protocol::Rtp, None));
    }

    #[test]
    fn transports_count_up() {
        let state = |sequence: u8, sent: u8| {
            let stamp = [b"\x21\0\x12\x34\0\0".as_slice(), &[sent, 0]].concat();
            [&stamp, b"\0\0\0\0\0\x10\0\0\0".as_slice(), &[sequence], b"\0\x07"].concat()
        };
        let (one, two) = (Serial::of(&state(5, 1)).unwrap(), Serial::of(&state(6, 2)).unwrap());
        assert!(two.follows(one) && !one.follows(two));
        assert_eq!(one.protocol(), Protocol::Bittorrent);
        assert_eq!(Serial::of(b"\x21\0\x12\x34\0\0\x01\0\0\0\0\0\0\x10\0\0\0\x05\0\0"), None, "nothing acknowledged");
    }

    #[test]
    fn records_whose_numbers_are_masked() {
        use crate::app::tests::fair;
        let record = |flags: u8, number: u16, size: u8| {
            [&[flags][..], &number.to_be_bytes(), &[0, size], &fair(usize::from(size))].concat()
        };
        let (one, two) =
            (Serial::of(&record(0x2f, 0x3798, 17)).unwrap(), Serial::of(&record(0x2f, 0xc40a, 49)).unwrap());
        assert!(two.follows(one) && one.follows(two));
        assert_eq!((one.protocol(), one.run()), (Protocol::Dtls, 4));
        let counted = [0x3799, 0x379c, 0x379d].map(|n| Serial::of(&record(0x2f, n, 40)).unwrap().follows(one));
        assert_eq!(counted, [false, false, true]);
        assert!(!Serial::of(&record(0x2e, 0xc40a, 49)).unwrap().follows(one), "another epoch");
        // Two in a datagram; a byte too many, one of another kind, too short, a connection id, text.
        let both = [record(0x2f, 7, 40), record(0x2f, 8, 40)].concat();
        assert!(Serial::of(&both).is_some());
        for other in [
            [&record(0x2f, 7, 40)[..], &[0]].concat(),
            [record(0x2f, 7, 40), record(0x2e, 8, 40)].concat(),
            record(0x2f, 7, 16),
            record(0x3f, 7, 40),
            [&[0x2f, 0, 7, 0, 40][..], &[b'a'; 40]].concat(),
        ] {
            assert_eq!(Serial::of(&other), None, "{other:02x?}");
        }
    }

    #[test]
    fn reports_with_an_index_and_a_tag() {
        let report = |mark: u8, index: u8| {
            [b"\x81\xc9\0\x07\x0b\x86\x55\x19".as_slice(), &[0x5a; 56], &[mark, 0, 0, index], &[0x77; 10]].concat()
        };
        let (one, two) = (Serial::of(&report(0x80, 1)).unwrap(), Serial::of(&report(0x80, 2)).unwrap());
        assert!(two.follows(one) && !one.follows(two));
        assert_eq!((one.protocol(), Serial::of(&report(0, 1))), (Protocol::Srtp, None));
    }
}
