//! The DNS message: its header, and whether bytes are one at all (RFC 1035 section 4, RFC 6762 section 18).
//!
//! May not know what the names mean, and keeps no state: pairing queries with answers is the caller's.

use super::Datagram;
use super::look::{Look, Match, NO, at_most_weak, be16};
use crate::{ParseError, Reader};

const LAYER: &str = "dns";
const HEADER: usize = 12;
/// RFC 1035 section 2.3.4: a name is at most 255 bytes on the wire.
const NAME_LIMIT: usize = 255;
/// Questions in one message beyond which it is not believed: mDNS browsers ask a few dozen at once.
const QUESTIONS_LIMIT: u16 = 64;
/// Records in one section beyond which it is not believed: a zone transfer puts hundreds into one message.
const RECORDS_LIMIT: u16 = 4096;

const RESPONSE: u16 = 0x8000;
const RESERVED: u16 = 0x0040;
const OPCODE_UPDATE: u16 = 5;

/// The fixed header, RFC 1035 section 4.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsHeader {
    pub id: u16,
    pub flags: u16,
    pub qd: u16,
    pub an: u16,
    pub ns: u16,
    pub ar: u16,
}

impl DnsHeader {
    #[inline]
    pub fn is_response(&self) -> bool {
        self.flags & RESPONSE != 0
    }

    #[inline]
    pub fn opcode(&self) -> u16 {
        self.flags >> 11 & 0xf
    }
}

/// Reads the header of a message (over TCP: what follows the length).
#[inline]
pub fn header(payload: &[u8]) -> Result<DnsHeader, ParseError> {
    let header: &[u8; HEADER] = payload.first_chunk().ok_or(ParseError::Truncated(LAYER))?;
    let [id, flags, qd, an, ns, ar] = [0, 2, 4, 6, 8, 10].map(|at| u16::from_be_bytes([header[at], header[at + 1]]));
    Ok(DnsHeader { id, flags, qd, an, ns, ar })
}

/// Whether a payload is a response; false as well for what is no message.
#[inline]
pub fn is_response(payload: &[u8]) -> bool {
    header(payload).is_ok_and(|h| h.is_response())
}

/// Walks one name and leaves the cursor behind it. Compression pointers end it, as they do on the wire.
fn skip_name(r: &mut Reader) -> Result<(), ParseError> {
    let mut length = 0usize;
    loop {
        let n = usize::from(r.u8()?);
        match n {
            0 => return Ok(()),
            1..=63 => {
                r.take(n)?;
                length += n + 1;
                if length > NAME_LIMIT {
                    return Err(ParseError::Malformed(LAYER));
                }
            }
            0xc0.. => return r.u8().map(|_| ()),
            _ => return Err(ParseError::Malformed(LAYER)),
        }
    }
}

/// IN, CH, HS, NONE, ANY; mDNS uses the top bit for itself.
fn is_class(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

fn skip_question(r: &mut Reader) -> Result<(), ParseError> {
    skip_name(r)?;
    let (kind, class) = (r.u16()?, r.u16()?);
    if kind == 0 || !is_class(class) { Err(ParseError::Malformed(LAYER)) } else { Ok(()) }
}

fn skip_record(r: &mut Reader) -> Result<(), ParseError> {
    skip_name(r)?;
    let (kind, class, _ttl) = (r.u16()?, r.u16()?, r.u32()?);
    // OPT carries a payload size where others carry the class (RFC 6891 section 6.1.2).
    if kind == 0 || (kind != 41 && !is_class(class)) {
        return Err(ParseError::Malformed(LAYER));
    }
    r.vec16().map(|_| ())
}

/// The strict walk: header, every question up to the first, one record where records are promised.
pub(super) fn message(payload: &[u8]) -> Look {
    let Ok(h) = header(payload) else { return None };
    if !plausible(&h) {
        return NO;
    }
    let mut r = Reader::new(payload.get(HEADER..)?, LAYER);
    let records = h.an.saturating_add(h.ns).saturating_add(h.ar);
    if h.qd == 0 {
        // An answer to what could not be read repeats no question (RFC 1035 section 4.1.1, FORMERR).
        return match skip_record(&mut r) {
            Ok(()) if records > 0 => Some(Match::Weak),
            _ => Some(if records == 0 && r.is_empty() && h.is_response() { Match::Weak } else { Match::No }),
        };
    }
    let walked = skip_question(&mut r).and_then(|()| match h.qd {
        1 if records > 0 => skip_record(&mut r),
        _ => Ok(()),
    });
    match walked {
        Ok(()) => Some(Match::Yes),
        // Cut by the snap length or by the end of the segment: the header and a part of the walk fit.
        Err(ParseError::Truncated(_)) => Some(if h.qd == 1 { Match::Weak } else { Match::No }),
        Err(_) => NO,
    }
}

fn plausible(h: &DnsHeader) -> bool {
    let counts = h.qd <= QUESTIONS_LIMIT && h.an.max(h.ns).max(h.ar) <= RECORDS_LIMIT;
    let opcode = matches!(h.opcode(), 0..=2 | 4..=6);
    // A query holds no answers, but for mDNS, which lists those it knows, and updates, whose sections are others.
    let query = h.is_response() || h.opcode() == OPCODE_UPDATE || (h.an <= 255 && h.ns <= 255 && h.ar <= 255);
    h.flags & RESERVED == 0 && opcode && counts && query
}

/// Unicast DNS over UDP. A response sent by the initiator is a flow seen the wrong way round: the port has to say so.
pub(super) fn unicast(d: &Datagram) -> Look {
    let look = message(d.payload);
    if d.from_client && is_response(d.payload) { at_most_weak(look) } else { look }
}

/// Multicast DNS and LLMNR: the same message, told apart by their ports alone.
pub(super) fn by_port(d: &Datagram) -> Look {
    at_most_weak(message(d.payload))
}

/// DNS over TCP: each message behind its length (RFC 1035 section 4.2.2).
pub(super) fn stream(b: &[u8]) -> Look {
    let length = usize::from(be16(b, 0)?);
    if length < HEADER {
        return NO;
    }
    let body = b.get(2..)?;
    if body.len() < HEADER && header(body).is_err() {
        return None;
    }
    message(body.get(..length).unwrap_or(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use crate::app::tests::{client, udp, udp_back};

    /// `dig example.com A` without EDNS, and the answer of RFC 1035 form.
    pub const QUERY: &[u8] = b"\xdb\x42\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
    const ANSWER: &[u8] = b"\xdb\x42\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x01\x00\x01\x00\x01\x51\x80\x00\x04\x5d\xb8\xd8\x22";

    #[test]
    fn reads_the_header() {
        let h = header(ANSWER).unwrap();
        assert_eq!((h.id, h.qd, h.an, h.ns, h.ar, h.is_response()), (0xdb42, 1, 1, 0, 0, true));
        assert!(!is_response(QUERY));
        assert_eq!(header(&ANSWER[..11]), Err(ParseError::Truncated("dns")));
    }

    #[test]
    fn is_told_on_any_port_and_its_kin_by_theirs() {
        assert_eq!(udp(QUERY, 53), Some(Protocol::Dns));
        assert_eq!(udp(QUERY, 5300), Some(Protocol::Dns));
        assert_eq!(udp_back(ANSWER, 5300), Some(Protocol::Dns));
        assert_eq!(udp(ANSWER, 5300), None);
        assert_eq!(udp(QUERY, 5353), Some(Protocol::Mdns));
        assert_eq!(udp(QUERY, 5355), Some(Protocol::Llmnr));
    }

    #[test]
    fn a_damaged_message_is_none() {
        let mut bad = QUERY.to_vec();
        bad[2] |= 0x78; // opcode 15
        assert_eq!(udp(&bad, 53), None);
        let mut bad = QUERY.to_vec();
        bad[12] = 0x47; // label type 01
        assert_eq!(udp(&bad, 53), None);
        let mut bad = QUERY.to_vec();
        *bad.last_mut().unwrap() = 9; // class 9
        assert_eq!(udp(&bad, 53), None);
    }

    #[test]
    fn over_tcp_behind_its_length() {
        let mut b = vec![0, QUERY.len() as u8];
        b.extend_from_slice(QUERY);
        assert_eq!(client(&b), Some(Protocol::Dns));
        b[1] = 3;
        assert_eq!(client(&b), None);
    }
}
