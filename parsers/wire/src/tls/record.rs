//! The record header, and how to tell a TLS stream by its first bytes on any port. RFC 8446 section 5.
//!
//! The recogniser is strict: what it answers `Yes` to has a record header and, behind it, something that only TLS puts
//! there: a hello, an alert, a ChangeCipherSpec, or the next record header just where this record's length ends.

use super::{Alert, MessageHeader, content, handshake, sslv2};

/// Five bytes in front of every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub content_type: u8,
    pub version: u16,
    pub length: u16,
}

impl RecordHeader {
    pub const LEN: usize = 5;
    /// 2^14 of plaintext and what compression and encryption may add, RFC 5246 section 6.2.3.
    pub const MAX_LENGTH: u16 = (1 << 14) + 2048;

    /// `None` if these bytes cannot be a header of SSLv3 to TLS 1.3.
    #[inline]
    pub fn parse(bytes: [u8; 5]) -> Option<Self> {
        let [content_type, major, minor, high, low] = bytes;
        let length = u16::from_be_bytes([high, low]);
        let possible = matches!(content_type, 20..=24) && major == 3 && minor <= 4 && length <= Self::MAX_LENGTH;
        possible.then_some(Self { content_type, version: u16::from_be_bytes([major, minor]), length })
    }
}

/// What the first bytes of one direction say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Yes,
    No,
    NeedMore,
}

/// Whether a stream that begins with (or is joined at) `bytes` is TLS.
pub fn looks_like_tls(bytes: &[u8]) -> Seen {
    let Some((header, body)) = bytes.split_first_chunk::<{ RecordHeader::LEN }>() else {
        return match bytes {
            [0x80..=0xff, ..] | [] => Seen::NeedMore,
            [20..=23] | [20..=23, 3] => Seen::NeedMore,
            [20..=23, 3, 0..=4, ..] => Seen::NeedMore,
            _ => Seen::No,
        };
    };
    let Some(header) = RecordHeader::parse(*header) else { return looks_like_sslv2(bytes) };
    let length = usize::from(header.length);
    match header.content_type {
        content::HANDSHAKE => looks_like_handshake(body, length),
        content::ALERT => looks_like_alert(body, length),
        content::CHANGE_CIPHER_SPEC => match body {
            _ if length != 1 => Seen::No,
            [] => Seen::NeedMore,
            [1, rest @ ..] => header_at(rest),
            _ => Seen::No,
        },
        content::APPLICATION_DATA if length > 0 => looks_like_protected(body, length),
        _ => Seen::No,
    }
}

fn looks_like_handshake(body: &[u8], length: usize) -> Seen {
    if length == 0 {
        return Seen::No;
    }
    let Some((message, rest)) = body.split_first_chunk::<{ MessageHeader::LEN }>() else {
        return match body.first() {
            // A first record may hold less than a message header, then more must come.
            Some(kind) if !handshake::is_assigned(*kind) => looks_like_protected(body, length),
            _ => Seen::NeedMore,
        };
    };
    let message = MessageHeader::parse(*message);
    match message.kind {
        handshake::CLIENT_HELLO | handshake::SERVER_HELLO if message.is_plausible() => match rest {
            [] => Seen::NeedMore,
            [3, ..] => Seen::Yes,
            [0x7f | 0xfb, ..] if message.kind == handshake::SERVER_HELLO => Seen::Yes,
            _ => Seen::No,
        },
        // Joined in the middle: a later message in the clear, or an encrypted one that may hold any bytes.
        _ => looks_like_protected(body, length),
    }
}

fn looks_like_alert(body: &[u8], length: usize) -> Seen {
    match (length, body) {
        (2, [level, description, rest @ ..]) => match Alert::parse([*level, *description]) {
            Some(_) => header_at(rest),
            None => Seen::No,
        },
        (2, _) => Seen::NeedMore,
        (16..=80, _) => looks_like_protected(body, length),
        _ => Seen::No,
    }
}

/// Whether bytes begin with a hello of one side, by what follows its message header.
pub fn looks_like_hello(bytes: &[u8], of_client: bool) -> bool {
    let kind = if of_client { handshake::CLIENT_HELLO } else { handshake::SERVER_HELLO };
    bytes.first() == Some(&content::HANDSHAKE) && bytes.get(5) == Some(&kind) && looks_like_tls(bytes) == Seen::Yes
}

/// Content that says nothing itself: believed if the next header lies where the length says, or the segment ends there;
/// or, if the record goes on beyond what is seen, if that is long enough to be told from text and from sparse binaries.
fn looks_like_protected(body: &[u8], length: usize) -> Seen {
    /// Bytes of a ciphertext that must be seen: of 128 fair ones, fewer than 40 or more than 88 have their top bit set in one case of 40,000.
    const ENOUGH: usize = 128;
    match body.split_at_checked(length) {
        // Nothing but its length speaks for a record alone: it is no text and no padding.
        Some((content, [])) if !may_be_content(content) => Seen::NeedMore,
        Some((_, rest)) => header_at(rest),
        None if body.len() < ENOUGH => Seen::NeedMore,
        None => {
            let sample = body.get(..ENOUGH).unwrap_or_default();
            let high = sample.iter().filter(|byte| **byte >= 0x80).count();
            if (40..=88).contains(&high) { Seen::Yes } else { Seen::NeedMore }
        }
    }
}

/// Of 16 fair bytes none has its top bit set in one case of 65,000; of text and padding, all.
fn may_be_content(content: &[u8]) -> bool {
    const SHORT: usize = 16;
    content.len() < SHORT || content.iter().any(|byte| *byte >= 0x80)
}

/// The bytes behind a record: nothing yet, or as much of a header as there is.
fn header_at(rest: &[u8]) -> Seen {
    let possible = match rest {
        [] => true,
        [kind] => matches!(kind, 20..=24),
        [kind, major] => matches!(kind, 20..=24) && *major == 3,
        [kind, major, minor, ..] => matches!(kind, 20..=24) && *major == 3 && *minor <= 4,
    };
    if possible { Seen::Yes } else { Seen::No }
}

/// Where in a stream that lost bytes a record begins. At the very front, where a segment often begins a record, a header
/// that nothing contradicts is enough.
pub fn find_record(bytes: &[u8]) -> Option<usize> {
    let front = bytes.first_chunk().and_then(|header| RecordHeader::parse(*header)).filter(|header| header.length > 0);
    let contradicted = |header: RecordHeader| {
        let behind = bytes.get(RecordHeader::LEN + usize::from(header.length)..);
        behind.is_some_and(|rest| header_at(rest) == Seen::No)
    };
    match front {
        Some(header) if !contradicted(header) => Some(0),
        _ => joined_inside(bytes),
    }
}

/// The first record in bytes that begin inside another one: its end must be the end of the bytes or a whole header. Random
/// bytes pass once in 10^11 places, so this also recognises a stream joined in the middle of a record.
pub fn joined_inside(bytes: &[u8]) -> Option<usize> {
    // Its second byte is the version's first, which one byte in 256 is.
    let places = memchr::memchr_iter(3, bytes).filter_map(|major| major.checked_sub(1));
    places.into_iter().find(|at| {
        let behind = bytes.get(*at..).unwrap_or_default();
        let Some((header, behind)) = behind.split_first_chunk::<{ RecordHeader::LEN }>() else { return false };
        let Some(header) = RecordHeader::parse(*header) else { return false };
        match behind.get(usize::from(header.length)..) {
            _ if header.length == 0 => false,
            Some([]) => may_be_content(behind),
            Some(rest) => rest.first_chunk().is_some_and(|next| RecordHeader::parse(*next).is_some()),
            None => false,
        }
    })
}

/// A certificate and three lists; more is no hello, and would keep a caller waiting for it.
pub const MAX_SSLV2_HELLO: usize = 8192;

fn looks_like_sslv2(bytes: &[u8]) -> Seen {
    let Some((header, rest)) = bytes.split_first_chunk::<2>() else { return Seen::No };
    let Some(length) = sslv2::record_length(*header) else { return Seen::No };
    // Type and version first, so that other protocols are refused by their first bytes.
    if !matches!(
        rest,
        [sslv2::CLIENT_HELLO, 0, 2, ..] | [sslv2::CLIENT_HELLO, 3, ..] | [sslv2::SERVER_HELLO, 0 | 1, ..]
    ) {
        return Seen::No;
    }
    match rest.get(..length) {
        None if length <= MAX_SSLV2_HELLO => Seen::NeedMore,
        None => Seen::No,
        Some(record) if sslv2::ClientHello::parse(record).is_ok() || sslv2::ServerHello::parse(record).is_ok() => {
            Seen::Yes
        }
        Some(_) => Seen::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_alerts_and_change_cipher_spec() {
        assert_eq!(looks_like_tls(b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"), Seen::Yes);
        assert_eq!(looks_like_tls(b"\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03"), Seen::Yes);
        assert_eq!(looks_like_tls(b"\x15\x03\x01\x00\x02\x02\x28"), Seen::Yes);
        assert_eq!(looks_like_tls(b"\x14\x03\x03\x00\x01\x01\x17\x03\x03"), Seen::Yes);
        for n in 0..10 {
            assert_eq!(
                looks_like_tls(&b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"[..n.min(9)]),
                Seen::NeedMore,
                "{n}"
            );
        }
    }

    #[test]
    fn joined_in_the_middle() {
        let mut data = b"\x17\x03\x03\x00\x20".to_vec();
        data.extend([0xa7; 20]);
        assert_eq!(looks_like_tls(&data), Seen::NeedMore);
        data.extend([0xa7; 12]);
        assert_eq!(looks_like_tls(&data), Seen::Yes);
        data.extend(b"\x17\x03\x03\x01");
        assert_eq!(looks_like_tls(&data), Seen::Yes);
        data[37] = b'x';
        assert_eq!(looks_like_tls(&data), Seen::No);
    }

    #[test]
    fn joined_inside_a_record() {
        let mut bytes = b"\x01\xb0\x64\x85\x09\x06\x0d\x2c".to_vec();
        bytes.extend(b"\x17\x03\x03\0\x06abcdef\x17\x03\x03\x04\x10");
        assert_eq!((find_record(&bytes), joined_inside(&bytes)), (Some(8), Some(8)));
        assert_eq!(find_record(&bytes[8..]), Some(0));
        // Only the front may be believed with nothing behind it.
        assert_eq!((find_record(&bytes[19..]), joined_inside(&bytes[19..])), (Some(0), None));
        bytes[19] = b'x';
        assert_eq!(find_record(&bytes), None);
    }

    /// A record's header with the right length, and nothing behind it that is ciphertext.
    #[test]
    fn text_and_padding_of_the_right_length_are_no_record() {
        let text = b"The quick brown fox jumps over the lazy dog, and nobody knows why";
        for kind in [22, 23] {
            for content in [&text[..64], &[0; 64]] {
                let record = [&[kind, 3, 1, 0, 64][..], content].concat();
                assert_eq!((looks_like_tls(&record), joined_inside(&record)), (Seen::NeedMore, None));
            }
            let fair: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(167)).collect();
            assert_eq!(looks_like_tls(&[&[kind, 3, 1, 0, 64][..], &fair].concat()), Seen::Yes);
        }
    }

    #[test]
    fn plaintext_is_never_tls() {
        for text in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-OpenSSH",
            b"220 mail ESMTP",
            b"\x00\x00\x00\x2d\xffSMB",
            b"\x16\x03\x01\x00\x05hello world",
            b"\x17\x03\x03\x00\x02ok\r\nmore",
            b"\x15\x03\x01\x00\x02\x07\x07",
            b"\x16\x05\x00\x00\x10",
            b"\x80\x2e\x01\x07\x02\x00\x15",
            b"\x14\x03\x03\x00\x01\x02",
            b"\x03\x00\x00\x13\x0e\xe0",
            b"\x17\x03\x03\x00\x00\x17\x03",
        ] {
            assert_eq!(looks_like_tls(text), Seen::No, "{text:?}");
        }
        let mut long = b"\x17\x03\x03\x40\x00".to_vec();
        long.extend([b'a'; 400]);
        assert_ne!(looks_like_tls(&long), Seen::Yes);
    }

    #[test]
    fn sslv2_format_hello() {
        let mut hello = b"\x80\x22\x01\x03\x01\x00\x09\x00\x00\x00\x10\x00\x00\x39\x00\x00\x35\x07\x00\xc0".to_vec();
        assert_eq!(looks_like_tls(&hello), Seen::NeedMore);
        hello.extend([0x5a; 16]);
        assert_eq!(looks_like_tls(&hello), Seen::Yes);
        hello[6] = 8;
        assert_eq!(looks_like_tls(&hello), Seen::No);
    }
}
