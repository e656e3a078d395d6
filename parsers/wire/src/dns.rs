//! What a DNS message asks and answers (RFC 1035 section 4), read as far as whoever scores it needs: header, first question,
//! records without their owners' names.
//!
//! Names in records are stepped over, pointers are never followed: what they point to has been read already, or is a loop. Whether
//! bytes are a message at all is asked of [`crate::app`]. May not know: earlier messages, registered domains.

use crate::app::dns::{DnsHeader, header};
use crate::{ParseError, Reader};

const LAYER: &str = "dns";
const HEADER: usize = 12;
/// RFC 1035 section 2.3.4: a name takes at most 255 bytes, its end included.
const NAME_LIMIT: usize = 255;
/// So many labels of one byte fit into a name.
pub const LABELS_LIMIT: usize = 127;
/// Labels whose places are noted: as many as a reverse name of IPv6 has (RFC 3596), and more than nearly every other. Those behind
/// are looked for.
const NOTED: usize = 34;
/// Records of one message that are looked at: more than any answer to a host has; the rest of a zone transfer tells nothing new.
pub const RECORDS_LIMIT: usize = 64;

/// Types of records (IANA, DNS Resource Record TYPEs).
pub mod kind {
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const NULL: u16 = 10;
    pub const PTR: u16 = 12;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const SRV: u16 = 33;
    pub const NAPTR: u16 = 35;
    pub const OPT: u16 = 41;
    pub const DS: u16 = 43;
    pub const RRSIG: u16 = 46;
    pub const NSEC: u16 = 47;
    pub const DNSKEY: u16 = 48;
    pub const NSEC3: u16 = 50;
    pub const NSEC3PARAM: u16 = 51;
    pub const TLSA: u16 = 52;
    pub const SVCB: u16 = 64;
    pub const HTTPS: u16 = 65;
    pub const ANY: u16 = 255;
    pub const CAA: u16 = 257;
    /// IANA: private use, from here to 65534.
    pub const PRIVATE: u16 = 65280;
}

/// A name as it stands in a message, without compression. Labels are counted from the left.
#[derive(Clone, Debug)]
pub struct Name<'a> {
    /// The message up to the name's end, which is not in it.
    message: &'a [u8],
    starts: [u8; NOTED],
    labels: u8,
}

impl<'a> Name<'a> {
    /// The name behind the header.
    #[inline]
    fn read(message: &'a [u8]) -> Result<Self, ParseError> {
        let rest = message.get(HEADER..).unwrap_or_default();
        let (mut starts, mut labels, mut length) = ([0; NOTED], 0usize, 0usize);
        loop {
            match rest.get(length) {
                Some(0) => break,
                Some(n @ 1..=63) => {
                    if let Some(start) = starts.get_mut(labels) {
                        *start = length as u8;
                    }
                    labels += 1;
                    length += usize::from(*n) + 1;
                    if length >= NAME_LIMIT {
                        return Err(ParseError::Malformed(LAYER));
                    }
                }
                Some(_) => return Err(ParseError::Malformed(LAYER)),
                None => return Err(ParseError::Truncated(LAYER)),
            }
        }
        Ok(Self { message: message.get(..HEADER + length).unwrap_or_default(), starts, labels: labels as u8 })
    }

    /// How many labels it has; none for the root.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.labels)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.labels == 0
    }

    /// Bytes in writing, dots included.
    #[inline]
    pub fn written(&self) -> usize {
        self.wire().len().saturating_sub(1)
    }

    /// Each label behind its length, without the end.
    #[inline]
    pub fn wire(&self) -> &'a [u8] {
        self.message.get(HEADER..).unwrap_or_default()
    }

    /// The eight bytes of the message in front of a place in [`Self::wire`], for whoever takes a label from its end: there are always as
    /// many, of the header if not of the name.
    #[inline]
    pub fn eight(&self, to: usize) -> [u8; 8] {
        let bytes = self.message.get(to + HEADER - 8..).and_then(|from| from.first_chunk());
        bytes.copied().unwrap_or_default()
    }

    /// Where in [`Self::wire`] a label's length is.
    #[inline]
    pub fn start(&self, at: usize) -> usize {
        if let Some(start) = self.starts.get(at) {
            return usize::from(*start);
        }
        let last = usize::from(self.starts[NOTED - 1]);
        let wire = self.wire();
        (NOTED - 1..at).fold(last, |start, _| start + 1 + usize::from(wire.get(start).copied().unwrap_or(0)))
    }

    /// A label, empty beyond the last.
    #[inline]
    pub fn label(&self, at: usize) -> &'a [u8] {
        if at >= self.len() {
            return &[];
        }
        let (wire, start) = (self.wire(), self.start(at));
        let length = usize::from(wire.get(start).copied().unwrap_or(0));
        wire.get(start + 1..start + 1 + length).unwrap_or_default()
    }

    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + '_ {
        (0..self.len()).map(|at| self.label(at))
    }
}

/// The first question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub name: Name<'a>,
    pub kind: u16,
    pub class: u16,
}

/// One record, without its owner's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub kind: u16,
    /// OPT: the payload size.
    pub class: u16,
    /// OPT: extended code, version and flags.
    pub ttl: u32,
    pub data: &'a [u8],
}

/// A message with one question; others tell nothing of who asked what.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    pub header: DnsHeader,
    pub question: Question<'a>,
    sections: Reader<'a>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Answer,
    Authority,
    Additional,
}

impl<'a> Message<'a> {
    /// Over TCP: what follows the length.
    #[inline]
    pub fn read(payload: &'a [u8]) -> Result<Self, ParseError> {
        let header = header(payload)?;
        if header.qd != 1 {
            return Err(ParseError::Malformed(LAYER));
        }
        let name = Name::read(payload)?;
        let mut sections = Reader::new(payload.get(name.message.len() + 1..).unwrap_or_default(), LAYER);
        let [a, b, c, d] = sections.array()?;
        let (kind, class) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Ok(Self { header, question: Question { name, kind, class }, sections })
    }

    /// Bytes behind the question.
    #[inline]
    pub fn rest(&self) -> usize {
        self.sections.len()
    }

    /// Records up to the first that cannot be read, [`RECORDS_LIMIT`] at most.
    #[inline]
    pub fn records(&self) -> Records<'a> {
        Records { rest: self.sections, left: [self.header.an, self.header.ns, self.header.ar], limit: RECORDS_LIMIT }
    }

    /// Those that answer.
    #[inline]
    pub fn answers(&self) -> impl Iterator<Item = Record<'a>> {
        let mut rest = self.sections;
        (0..usize::from(self.header.an).min(RECORDS_LIMIT)).map_while(move |_| record(&mut rest).ok())
    }

    /// What is left behind the last record, if all could be read and are not too many.
    pub fn trailer(&self) -> Option<&'a [u8]> {
        let mut records = self.records();
        let total = usize::from(self.header.an) + usize::from(self.header.ns) + usize::from(self.header.ar);
        (records.by_ref().count() == total).then(|| records.rest.rest())
    }
}

pub struct Records<'a> {
    rest: Reader<'a>,
    left: [u16; 3],
    limit: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = (Section, Record<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.limit = self.limit.checked_sub(1)?;
        let sections = [Section::Answer, Section::Authority, Section::Additional];
        let (left, section) = self.left.iter_mut().zip(sections).find(|(left, _)| **left > 0)?;
        *left -= 1;
        record(&mut self.rest).ok().map(|record| (section, record))
    }
}

#[inline]
fn record<'a>(r: &mut Reader<'a>) -> Result<Record<'a>, ParseError> {
    skip_name(r)?;
    let [a, b, c, d, e, f, g, h, i, j] = r.array()?;
    let data = r.take(usize::from(u16::from_be_bytes([i, j])))?;
    Ok(Record {
        kind: u16::from_be_bytes([a, b]),
        class: u16::from_be_bytes([c, d]),
        ttl: u32::from_be_bytes([e, f, g, h]),
        data,
    })
}

/// Whether a message answers, without error and whole, a question about services (RFC 9460): a quick look, as most do not.
#[inline]
pub fn is_service_answer(payload: &[u8]) -> bool {
    const QR: u8 = 0x80;
    const OPCODE: u8 = 0x78;
    const TC: u8 = 0x02;
    const RCODE: u8 = 0x0f;
    let [_, _, high, low, 0, 1, ..] = payload else { return false };
    if high & (QR | OPCODE | TC) != QR || low & RCODE != 0 {
        return false;
    }
    let mut at = HEADER;
    while let Some(length @ 1..=63) = payload.get(at) {
        at += 1 + usize::from(*length);
    }
    matches!(payload.get(at..at + 3), Some([0, 0, 64..=65]))
}

/// A pointer ends a name, as it does on the wire.
#[inline]
fn skip_name(r: &mut Reader<'_>) -> Result<(), ParseError> {
    let mut length = 0;
    loop {
        match usize::from(r.u8()?) {
            0 => return Ok(()),
            n @ 1..=63 => {
                length += n + 1;
                if length >= NAME_LIMIT {
                    return Err(ParseError::Malformed(LAYER));
                }
                r.take(n)?;
            }
            0xc0.. => return r.u8().map(|_| ()),
            _ => return Err(ParseError::Malformed(LAYER)),
        }
    }
}

/// An option of an OPT record (RFC 6891 section 6.1.2): code and data.
pub fn options(data: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut r = Reader::new(data, LAYER);
    std::iter::from_fn(move || {
        let code = r.u16().ok()?;
        Some((code, r.vec16().ok()?.rest()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dig example.com A` with its answer, and an OPT record with a cookie.
    const ANSWER: &[u8] = b"\xdb\x42\x81\x80\x00\x01\x00\x01\x00\x00\x00\x01\x07exAmple\x03com\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x5d\xb8\xd8\x22\
        \x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0a\x00\x08\x01\x02\x03\x04\x05\x06\x07\x08";

    #[test]
    fn reads_question_and_records() {
        let message = Message::read(ANSWER).unwrap();
        let question = &message.question;
        assert_eq!((question.kind, question.class, question.name.len(), question.name.written()), (1, 1, 2, 11));
        assert_eq!(question.name.labels().collect::<Vec<_>>(), [&b"exAmple"[..], b"com"]);
        assert_eq!((question.name.label(1), question.name.label(2)), (&b"com"[..], &b""[..]));
        let records: Vec<_> = message.records().collect();
        assert_eq!(records[0].0, Section::Answer);
        assert!(message.answers().eq(records.iter().take(1).map(|(_, record)| *record)));
        assert_eq!(records[0].1, Record { kind: 1, class: 1, ttl: 86400, data: &[0x5d, 0xb8, 0xd8, 0x22] });
        assert_eq!((records[1].0, records[1].1.kind), (Section::Additional, kind::OPT));
        assert_eq!(options(records[1].1.data).collect::<Vec<_>>(), [(10, &[1, 2, 3, 4, 5, 6, 7, 8][..])]);
        assert_eq!(message.trailer(), Some(&b""[..]));
    }

    #[test]
    fn hostile_names_end() {
        let with = |name: &[u8]| [&ANSWER[..12], name, &[0, 1, 0, 1]].concat();
        for (name, expected) in [
            (&b"\xc0\x0c"[..], Err(ParseError::Malformed("dns"))), // points at itself
            (b"\x40a\x00", Err(ParseError::Malformed("dns"))),
            (b"\x3fshort", Err(ParseError::Truncated("dns"))),
            (&[[1, b'a'].repeat(127), vec![0]].concat(), Ok(127)),
            (&[[1, b'a'].repeat(128), vec![0]].concat(), Err(ParseError::Malformed("dns"))),
            (b"\x00", Ok(0)),
        ] {
            assert_eq!(Message::read(&with(name)).map(|m| m.question.name.len()), expected);
        }
    }

    #[test]
    fn labels_that_are_not_noted_are_found() {
        let labels: Vec<Vec<u8>> = (0..60).map(|n| vec![b'a' + n % 26; 1 + usize::from(n % 3)]).collect();
        let mut query = ANSWER[..12].to_vec();
        labels.iter().for_each(|label| query.extend([&[label.len() as u8], &label[..]].concat()));
        query.extend([0, 0, 1, 0, 1]);
        let name = Message::read(&query).unwrap().question.name;
        assert!(name.labels().eq(labels.iter().map(|label| &label[..])));
        assert_eq!(name.label(60), b"");
    }

    #[test]
    fn records_end_where_they_cannot_be_read() {
        for length in 0..ANSWER.len() {
            if let Ok(message) = Message::read(&ANSWER[..length]) {
                assert!(message.records().count() < 2);
                assert_eq!(message.trailer(), None);
            }
        }
        let mut many = ANSWER[..33].to_vec();
        many[6] = 0xff;
        many.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00".repeat(0xff00));
        assert_eq!(Message::read(&many).unwrap().records().count(), RECORDS_LIMIT);
    }
}
