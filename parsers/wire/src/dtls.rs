//! DTLS records and handshake fragments in a datagram. RFC 6347 section 4, RFC 9146 section 4 (connection ids), RFC 9147 section 4 (the
//! unified header).

use crate::registry::tls::version_name;
use crate::tls::{content, handshake};
use crate::{ParseError, Reader};

const LAYER: &str = "dtls";
/// As TLS, RFC 5246 section 6.2.3.
const MAX_LENGTH: usize = (1 << 14) + 2048;

/// One record; `body` is cut where the datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub content_type: u8,
    pub version: u16,
    pub epoch: u16,
    /// Length in the header; more than `body` has if the datagram was cut.
    pub length: usize,
    /// The unified header as it was sent, its sequence number masked; empty for the other kind.
    pub header: &'a [u8],
    pub body: &'a [u8],
}

impl<'a> Record<'a> {
    /// The version that a unified header stands for, having none itself.
    pub const DTLS13: u16 = 0xfefc;

    pub fn parse(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        match r.rest().first() {
            Some(0x20..=0x3f) => Self::unified(r),
            _ => Self::plaintext(r),
        }
    }

    fn plaintext(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let content_type = r.u8()?;
        let version = r.u16()?;
        let epoch = r.u16()?;
        r.take(6)?;
        if content_type == content::TLS12_CID {
            r.take(id_length(r.rest()).ok_or(ParseError::Malformed(LAYER))?)?;
        }
        let length = usize::from(r.u16()?);
        let known = matches!(content_type, 20..=26) && matches!(version, 0x0100 | 0xfeff | 0xfefd);
        if !known || length > MAX_LENGTH {
            return Err(ParseError::Malformed(LAYER));
        }
        let body = r.take(length.min(r.len()))?;
        Ok(Self { content_type, version, epoch, length, header: &[], body })
    }

    /// `001CSLEE`, RFC 9147 section 4. Content type and most of the epoch are hidden; so is the length of a connection id,
    /// and a record that has one is taken to fill the datagram.
    fn unified(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let start = *r;
        let flags = r.u8()?;
        let has = |flag: u8| flags & flag != 0;
        let length = if has(0x10) {
            r.len()
        } else {
            r.take(if has(0x08) { 2 } else { 1 })?;
            if has(0x04) { usize::from(r.u16()?) } else { r.len() }
        };
        // The tag of the shortest AEAD and the content type, at the least.
        if !(9..=MAX_LENGTH).contains(&length) {
            return Err(ParseError::Malformed(LAYER));
        }
        let header = start.rest().get(..start.len() - r.len()).unwrap_or_default();
        let body = r.take(length.min(r.len()))?;
        let epoch = u16::from(flags & 3);
        Ok(Self { content_type: content::APPLICATION_DATA, version: Self::DTLS13, epoch, length, header, body })
    }

    /// Header with its sequence number unmasked, which is what is authenticated, and the number. RFC 9147 sections 4.2.2 and 4.2.3.
    /// `next` is the number that is expected. `None` with a connection id, whose length cannot be told.
    pub fn unmask(&self, mask: [u8; 5], next: u64) -> Option<(u64, [u8; 5], usize)> {
        let (flags, rest) = self.header.split_first()?;
        if flags & 0x10 != 0 {
            return None;
        }
        let digits = if flags & 0x08 != 0 { 2 } else { 1 };
        let mut header = [0; 5];
        header.iter_mut().zip(self.header).for_each(|(to, from)| *to = *from);
        let mut low = 0;
        for ((place, sent), mask) in header.get_mut(1..=digits)?.iter_mut().zip(rest).zip(mask) {
            *place = sent ^ mask;
            low = low << 8 | u64::from(*place);
        }
        // The one nearest to what is expected that ends so.
        let size = 1u64 << (8 * digits);
        let near = (next & !(size - 1)) | low;
        let number = match near.abs_diff(next) {
            far if far > size / 2 && near < next => near.wrapping_add(size),
            far if far > size / 2 && near >= size => near - size,
            _ => near,
        };
        Some((number, header, self.header.len()))
    }

    /// Encrypted: a later epoch, or the unified header, which only encrypted records have.
    pub fn is_protected(&self) -> bool {
        self.epoch > 0 || self.version == Self::DTLS13
    }
}

/// The length of the connection id in front of a record's own length (RFC 9146 section 4), which only the hellos tell: the first that lets the
/// record end with the datagram, or where another of its kind begins.
fn id_length(rest: &[u8]) -> Option<usize> {
    const LONGEST: usize = 32;
    (1..=LONGEST).find(|id| {
        let length = rest.get(*id..).and_then(|rest| rest.first_chunk()).map(|length| u16::from_be_bytes(*length));
        let behind = length.and_then(|length| rest.get(id + 2 + usize::from(length)..));
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(&[content::TLS12_CID, 0xfe, 0xfd]))
    })
}

/// The records of a datagram, up to the first that is none.
pub fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut r = Reader::new(datagram, LAYER);
    std::iter::from_fn(move || if r.is_empty() { None } else { Record::parse(&mut r).ok() })
}

/// A handshake message or a piece of one, RFC 6347 section 4.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    pub kind: u8,
    /// Of the whole message.
    pub length: u32,
    pub sequence: u16,
    pub offset: u32,
    pub body: &'a [u8],
}

impl<'a> Fragment<'a> {
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (kind, length, sequence, offset, here) = (r.u8()?, r.u24()?, r.u16()?, r.u24()?, r.u24()?);
        if !handshake::is_assigned(kind) || offset + here > length {
            return Err(ParseError::Malformed(LAYER));
        }
        Ok(Self { kind, length, sequence, offset, body: r.take(here as usize)? })
    }
}

/// Whether a datagram is DTLS, strictly: records of one version that fill it exactly. A first record that was cut counts
/// if it is a hello. DTLS 1.3 is recognised by its hellos, which have the old header: the unified one says too little.
pub fn looks_like_dtls(payload: &[u8]) -> bool {
    let mut r = Reader::new(payload, LAYER);
    let Ok(first) = Record::parse(&mut r) else { return false };
    if first.version == Record::DTLS13 || version_name(first.version).is_none() || !content_fits(&first) {
        return false;
    }
    if first.length > first.body.len() {
        return is_hello(&first);
    }
    while !r.is_empty() {
        match Record::parse(&mut r) {
            Ok(next) if next.length == next.body.len() && (next.version == first.version || next.is_protected()) => {}
            _ => return false,
        }
    }
    true
}

/// What a record in the clear says must be possible; of an encrypted one only its size.
fn content_fits(record: &Record<'_>) -> bool {
    match record.content_type {
        _ if record.epoch > 0 => record.epoch < 0x100 && record.length >= 8,
        content::TLS12_CID => false,
        content::HANDSHAKE if record.length > record.body.len() => is_hello(record),
        content::HANDSHAKE => {
            let mut r = Reader::new(record.body, LAYER);
            Fragment::parse(&mut r).is_ok_and(|fragment| fragment.length <= 0x2_0000)
        }
        content::ALERT => matches!(record.body, [1 | 2, _]),
        content::CHANGE_CIPHER_SPEC => matches!(record.body, [1] | [1, _, _]),
        _ => false,
    }
}

/// The front of a hello, whether or not all of it is there.
fn is_hello(record: &Record<'_>) -> bool {
    use handshake::{CLIENT_HELLO, HELLO_VERIFY_REQUEST, SERVER_HELLO};
    let kind =
        record.body.first().is_some_and(|kind| matches!(*kind, CLIENT_HELLO | SERVER_HELLO | HELLO_VERIFY_REQUEST));
    record.content_type == content::HANDSHAKE && record.epoch == 0 && kind && record.body.len() >= 12
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The HelloVerifyRequest that OpenSSL 3.0's `s_server -dtls -listen` sends, with its cookie shortened to 4 bytes.
    const VERIFY: &[u8] = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x13\x03\0\0\x07\0\0\0\0\0\0\0\x07\xfe\xff\x04abcd";

    #[test]
    fn a_record_and_its_fragment() {
        let record = records(VERIFY).next().unwrap();
        assert_eq!((record.content_type, record.version, record.epoch, record.length), (22, 0xfeff, 0, 19));
        let fragment = Fragment::parse(&mut Reader::new(record.body, "t")).unwrap();
        assert_eq!((fragment.kind, fragment.length, fragment.offset, fragment.body.len()), (3, 7, 0, 7));
        assert!(looks_like_dtls(VERIFY));
    }

    #[test]
    fn records_must_fill_the_datagram() {
        let mut longer = VERIFY.to_vec();
        longer.push(0);
        assert!(!looks_like_dtls(&longer));
        longer.pop();
        longer.extend(b"\x16\xfe\xff\0\x01\0\0\0\0\0\0\0\x02ab");
        assert!(looks_like_dtls(&longer));
        for n in 0..25 {
            assert!(!looks_like_dtls(&VERIFY[..n]), "{n}");
        }
    }

    /// A record under a connection id, as RFC 9146 section 4 draws it.
    #[test]
    fn connection_ids_are_stepped_over() {
        let record = |id: &[u8], epoch: u8, body: &[u8]| {
            [&[25, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 7][..], id, &[0, body.len() as u8], body].concat()
        };
        for id in [&b"\xc1"[..], b"\x9c\0\x01\xaa", &[0xd7; 20]] {
            let one = record(id, 1, &[0xa5; 40]);
            let found = |datagram: &[u8]| {
                records(datagram).map(|record| (record.content_type, record.length)).collect::<Vec<_>>()
            };
            assert_eq!(found(&one), [(25, 40)]);
            assert_eq!(found(&[&one[..], &record(id, 1, &[0x5a; 50])].concat()), [(25, 40), (25, 50)]);
            assert!(looks_like_dtls(&one) && !looks_like_dtls(&one[..one.len() - 1]));
            assert!(!looks_like_dtls(&record(id, 0, &[0xa5; 40])), "nothing is in the clear under an id");
        }
    }

    #[test]
    fn neighbours_on_the_same_port_are_no_dtls() {
        let stun = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
        let rtp = b"\x80\x60\0\x01\0\0\0\xa0\x12\x34\x56\x78payload";
        let quic = b"\xc0\0\0\0\x01\x08abcdefgh\0\0\x44\x9e";
        let ntp = [0x23; 48];
        let unified = [0x2f; 60];
        assert!(![&stun[..], rtp, quic, &ntp, &unified, b""].into_iter().any(looks_like_dtls));
    }

    #[test]
    fn a_fragment_beyond_its_message_is_refused() {
        let mut r = Reader::new(b"\x01\0\0\x04\0\0\0\0\x02\0\0\x03abc", "t");
        assert_eq!(Fragment::parse(&mut r).unwrap_err(), ParseError::Malformed(LAYER));
    }

    #[test]
    fn numbers_are_unmasked_to_the_nearest() {
        let unmask = |datagram: &[u8], next| records(datagram).next()?.unmask([0xf0, 0x0f, 0, 0, 0], next);
        let two = b"\x2e\xf1\x0f\0\x0a0123456789";
        for (next, number) in [(0, 0x0100), (0x1_00ff, 0x1_0100), (0x1_ff00, 0x2_0100), (0x2_0000, 0x2_0100)] {
            assert_eq!(unmask(two, next), Some((number, [0x2e, 0x01, 0, 0, 0x0a], 5)), "{next}");
        }
        let one = b"\x22\x0eabcdefghijkl";
        assert_eq!(unmask(one, 0x101), Some((0xfe, [0x22, 0xfe, 0, 0, 0], 2)));
        assert_eq!(unmask(b"\x32\x0eabcdefghijkl", 0), None);
    }

    #[test]
    fn unified_headers_are_walked() {
        // S and L set, then neither: the second record fills the datagram.
        let mut datagram = b"\x2e\0\x01\0\x0a0123456789".to_vec();
        datagram.extend(b"\x22\x02abcdefghijkl");
        let lengths: Vec<_> = records(&datagram).map(|record| (record.epoch, record.body.len())).collect();
        assert_eq!(lengths, [(2, 10), (2, 12)]);
    }
}
