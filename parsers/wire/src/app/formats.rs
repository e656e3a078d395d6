//! Content without a protocol around it: files (FTP's data connection, netcat), directory listings, XML and JSON.
//!
//! What is recognised here can be read by anybody on the way, whatever protocol it belongs to. Rows of this file come last, so
//! that a protocol which begins like this keeps its name.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le16, line, one_of, starts, weak, yes};

/// As much of a text as is looked at.
const HEAD: usize = 512;

/// Magic numbers of at least 32 bits. Sources: each format's specification, by way of RFC 4288's registrations and file(1)'s manual.
const MAGIC: &[&[u8]] = &[
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"%PDF-1.",
    b"%PDF-2.",
    b"7z\xbc\xaf\x27\x1c",
    b"\xfd7zXZ\0",
    b"Rar!\x1a\x07",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"SQLite format 3\0",
    b"!<arch>\n",
    b"%!PS-Adobe-",
    b"{\\rtf1",
    b"OggS\0",
];

/// First bytes of what [`file`] knows.
pub const FILE_FIRST: &[(u8, u8)] = &[
    (0x1f, 0x1f),
    (b'!', b'!'),
    (b'%', b'%'),
    (b'7', b'7'),
    (b'B', b'B'),
    (b'G', b'G'),
    (b'M', b'M'),
    (b'O', b'P'),
    (b'R', b'S'),
    (b'{', b'{'),
    (0x7f, 0x7f),
    (0x89, 0x89),
    (0xd0, 0xd0),
    (0xfd, 0xfd),
    (0xff, 0xff),
];

/// A known file from its first byte.
pub fn file(b: &[u8]) -> Look {
    match byte(b, 0)? {
        // Zip's local file header: version needed, a known method (APPNOTE 4.3.7).
        b'P' => {
            yes(starts(b, b"PK\x03\x04")? && le16(b, 4)? <= 63 && matches!(le16(b, 8)?, 0 | 8 | 9 | 12 | 14 | 93 | 95))
        }
        // gzip: deflate, flags, then level and system (RFC 1952 section 2.3).
        0x1f => yes(starts(b, b"\x1f\x8b\x08")?
            && byte(b, 3)? < 0x20
            && matches!(byte(b, 8)?, 0 | 2 | 4)
            && matches!(byte(b, 9)?, 0..=13 | 255)),
        0x7f => yes(starts(b, b"\x7fELF")?
            && (1..=2).contains(&byte(b, 4)?)
            && (1..=2).contains(&byte(b, 5)?)
            && byte(b, 6)? == 1),
        b'M' => yes(starts(b, b"MZ")? && memchr::memmem::find(b.get(..128)?, b"DOS mode").is_some()),
        0xff => yes(starts(b, b"\xff\xd8\xff")? && (at(b, 6, b"JFIF\0")? || at(b, 6, b"Exif\0")?)),
        b'B' => yes(starts(b, b"BZh")? && at(b, 4, b"1AY&SY")?),
        b'R' if starts(b, b"RIFF").unwrap_or(false) => yes(one_of(b.get(8..)?, &[b"WAVE", b"AVI ", b"WEBP"])?),
        first => {
            let mut open = false;
            for magic in MAGIC.iter().filter(|magic| magic.first() == Some(&first)) {
                match starts(b, magic) {
                    Some(true) => return yes(true),
                    Some(false) => {}
                    None => open = true,
                }
            }
            if open { None } else { NO }
        }
    }
}

/// A directory as ls(1) lists it, as Windows does, or as MLSD's facts (RFC 3659 section 7.2): what FTP's data connection begins with.
pub fn listing(b: &[u8]) -> Look {
    if byte(b, 0)? == b't' && one_of(b, &[b"total "]).is_some_and(|total| total) {
        // The sum of blocks, then the first entry.
        let rest = b.get(line(b)?.len() + 1..)?;
        return long_format(rest.strip_prefix(b"\n").unwrap_or(rest));
    }
    if byte(b, 0)?.is_ascii_digit() {
        return windows_format(b);
    }
    match one_of(b, &[b"type=", b"modify=", b"size=", b"perm="])? {
        true => {
            let facts = line(b)?;
            let fields = facts.split(|c| *c == b';').take_while(|fact| fact.contains(&b'=')).count();
            yes(fields >= 2 && is_text(facts))
        }
        false => long_format(b),
    }
}

/// Kind, nine permissions, the number of links.
fn long_format(b: &[u8]) -> Look {
    if !b"-dlbcps".contains(&byte(b, 0)?) {
        return NO;
    }
    let modes = b.get(1..10)?;
    let triple = |m: &[u8]| b"r-".contains(&m[0]) && b"w-".contains(&m[1]) && b"xsStT-".contains(&m[2]);
    if !modes.chunks(3).all(triple) {
        return NO;
    }
    let entry = line(b)?;
    let links = entry.get(10..).unwrap_or_default().trim_ascii_start();
    yes(links.first().is_some_and(u8::is_ascii_digit) && is_text(entry) && entry.split(|c| *c == b' ').count() >= 6)
}

/// `02-23-25  09:24AM       2245 name`.
fn windows_format(b: &[u8]) -> Look {
    const SHAPE: &[u8; 17] = b"00-00-00  00:00AM";
    let stamp = b.get(..SHAPE.len())?;
    let fits = |(have, want): (&u8, &u8)| match want {
        b'0' => have.is_ascii_digit(),
        b'A' => matches!(have, b'A' | b'P'),
        _ => have == want,
    };
    yes(stamp.iter().zip(SHAPE).all(fits))
}

/// An XML declaration (XML 1.0 section 2.8), text, and a root that is not XMPP's stream: that may go on to TLS.
pub fn xml(b: &[u8]) -> Look {
    if !starts(b, b"<?xml ")? {
        return NO;
    }
    let head = b.get(..HEAD).unwrap_or(b);
    let end = memchr::memmem::find(head, b"?>");
    match end.and_then(|end| head.get(end + 2..)).map(<[u8]>::trim_ascii_start) {
        Some(root @ [b'<', ..]) if is_text(head) => yes(!starts(root, b"<stream:")?),
        _ if !is_text(head) || b.len() >= HEAD => NO,
        _ => None,
    }
}

pub fn xml_datagram(d: &Datagram) -> Look {
    yes(starts(d.payload, b"<?xml ")? && is_text(d.payload.strip_suffix(&[0]).unwrap_or(d.payload)))
}

/// An object whose first member has a name (RFC 8259 section 4), as text; once it is whole or long enough.
pub fn json(b: &[u8]) -> Look {
    let quote = b.iter().skip(1).find(|c| !c.is_ascii_whitespace())?;
    if byte(b, 0)? != b'{' || *quote != b'"' {
        return NO;
    }
    let head = b.get(..HEAD).unwrap_or(b);
    let name = head.splitn(3, |c| *c == b'"').nth(1)?;
    let value = head.splitn(3, |c| *c == b'"').nth(2)?.trim_ascii_start();
    if name.is_empty() || name.len() > 64 || !is_text(head.strip_suffix(&[0]).unwrap_or(head)) {
        return NO;
    }
    let whole = head.trim_ascii_end().ends_with(b"}") || head.ends_with(b"}\0") || b.len() >= HEAD;
    match value {
        [b':', ..] if whole => yes(true),
        [] | [b':', ..] => None,
        _ => NO,
    }
}

pub fn json_datagram(d: &Datagram) -> Look {
    json(d.payload)
}

/// Samples for Graphite: a dotted name, a number, a time in seconds of ten digits.
pub fn graphite(b: &[u8]) -> Look {
    let head = b.get(..HEAD).unwrap_or(b);
    // A name is graphic from its first byte on: what is not ends the question early.
    if !head.iter().take(4).all(u8::is_ascii_graphic) {
        return NO;
    }
    let sample = line(head).or((b.len() >= HEAD || !is_text(head)).then_some(&[]))?;
    let mut fields = sample.split(|c| *c == b' ');
    let (name, value, time) = (fields.next()?, fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let number =
        !value.is_empty() && value.iter().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'e' | b'+'));
    yes(fields.next().is_none()
        && name.contains(&b'.')
        && name.iter().all(u8::is_ascii_graphic)
        && number
        && time.len() == 10
        && time.iter().all(u8::is_ascii_digit))
}

pub fn graphite_datagram(d: &Datagram) -> Look {
    graphite(d.payload)
}

/// Graylog's GELF: an object with its version and message, or a part of one (magic, id, number, count).
pub fn gelf(d: &Datagram) -> Look {
    let b = d.payload;
    if starts(b, b"\x1e\x0f")? {
        let (number, count) = (byte(b, 10)?, byte(b, 11)?);
        return weak(number < count && count <= 128 && b.len() > 12);
    }
    let head = b.get(..HEAD).unwrap_or(b);
    let object = starts(b, b"{")? && is_text(head);
    yes(object
        && memchr::memmem::find(b, b"\"short_message\"").is_some()
        && memchr::memmem::find(b, b"\"version\"").is_some())
}

/// NMEA 0183 and AIS: talker and sentence, fields, an exclusive or over all between `$` and `*`.
pub fn nmea(b: &[u8]) -> Look {
    if !b"$!".contains(&byte(b, 0)?) {
        return NO;
    }
    let Some(sentence) = line(b.get(..HEAD).unwrap_or(b)) else {
        return if b.len() > 128 || !is_text(b) { NO } else { None };
    };
    let Some((body, sum)) = sentence.get(1..).and_then(|s| s.split_last_chunk::<3>()) else { return NO };
    let known = body.get(..6).is_some_and(|head| head[..5].iter().all(u8::is_ascii_uppercase) && head[5] == b',');
    let want = body.iter().fold(0, |sum, c| sum ^ c);
    yes(known
        && is_text(body)
        && sum[0] == b'*'
        && std::str::from_utf8(&sum[1..]).is_ok_and(|s| u8::from_str_radix(s, 16) == Ok(want)))
}

pub fn nmea_datagram(d: &Datagram) -> Look {
    nmea(d.payload)
}

/// Open Sound Control 1.0: an address and type tags, or a bundle with its time; all in steps of four bytes.
pub fn osc(d: &Datagram) -> Look {
    let b = d.payload;
    if !b.len().is_multiple_of(4) {
        return NO;
    }
    if starts(b, b"#bundle\0")? {
        let size = usize::try_from(be32(b, 16)?).ok()?;
        return yes(size % 4 == 0 && size + 20 <= b.len());
    }
    let Some(end) = b.iter().position(|c| *c == 0) else { return NO };
    let (path, tags) = (b.get(..end)?, b.get((end + 1).next_multiple_of(4)..)?);
    let kinds = tags.iter().take_while(|c| **c != 0).count();
    let padded = b.get(end..(end + 1).next_multiple_of(4))?.iter().all(|c| *c == 0);
    yes(padded
        && path.len() >= 3
        && path[0] == b'/'
        && path.iter().all(u8::is_ascii_graphic)
        && tags.first() == Some(&b',')
        && kinds < tags.len()
        && tags[1..kinds].iter().all(|c| b"ifsbhtdScrmTFNI[]".contains(c)))
}

/// RTP-MIDI's session (AppleMIDI): all ones, an invitation or its answer with version 2, or the exchange of clocks.
pub fn apple_midi(d: &Datagram) -> Look {
    let b = d.payload;
    match (be16(b, 0)?, b.get(2..4)?) {
        (0xffff, b"IN" | b"OK" | b"NO" | b"BY") => yes(be32(b, 4)? == 2),
        (0xffff, b"CK") => yes(byte(b, 8)? <= 2 && b.get(9..12)? == [0; 3]),
        _ => NO,
    }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, client_on, server, udp};

    #[test]
    fn files() {
        assert_eq!(server(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"), Some(Protocol::File));
        assert_eq!(server(b"PK\x03\x04\x14\0\0\0\x08\0\x21\x5a"), Some(Protocol::File));
        assert_eq!(server(b"PK\x03\x04\xff\xff\0\0\x08\0\x21\x5a"), None);
        assert_eq!(client(b"\x1f\x8b\x08\x08\x12\x34\x56\x78\0\x03name\0"), Some(Protocol::File));
        assert_eq!(client(b"\x1f\x8b\x08\x08\x12\x34\x56\x78\x01\x03name\0"), None);
        assert_eq!(server(b"\x7fELF\x02\x01\x01\0\0\0\0\0"), Some(Protocol::File));
        assert_eq!(server(b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"), Some(Protocol::File));
        let mut program = b"MZ\x90\0\x03\0\0\0".to_vec();
        program.resize(78, 0);
        program.extend_from_slice(b"This program cannot be run in DOS mode.\r\r\n$\0\0\0\0\0\0\0");
        assert_eq!((server(&program), server(b"MZ")), (Some(Protocol::File), None));
    }

    #[test]
    fn listings() {
        assert_eq!(server(b"-rw-r--r--    1 0   0     1073 Feb 19  2016 a.zip\r\n"), Some(Protocol::Ftpdata));
        assert_eq!(server(b"total 8\r\ndrwxr-xr-x 2 ftp ftp 4096 Jan  1 00:00 pub\r\n"), Some(Protocol::Ftpdata));
        assert_eq!(server(b"02-23-25  09:24AM       <DIR>          in\r\n"), Some(Protocol::Ftpdata));
        assert_eq!(server(b"type=file;size=12;modify=20250101000000; a\r\n"), Some(Protocol::Ftpdata));
        assert_eq!(server(b"-rw-q--r--    1 0   0     1073 Feb 19  2016 a.zip\r\n"), None);
    }

    #[test]
    fn text_formats() {
        assert_eq!(client(b"<?xml version=\"1.0\"?>\n<policy a=\"b\"/>"), Some(Protocol::Xml));
        assert_eq!(client(b"<?xml version=\"1.0\"?>\n<soap:Envelope>"), Some(Protocol::Xml));
        assert_eq!(client(b"<?xml version=\"1.0\"?>\n<stream:other>"), None, "XMPP may go on to TLS");
        assert_eq!(client(b"<?xml version=\"1.0\"?>\n"), None);
        assert_eq!(client(b"{\"QMP\": {\"version\": {}}}\r\n"), Some(Protocol::Json));
        assert_eq!(client(b"{\"a\": \"b"), None);
        assert_eq!(client(b"{\"a\": \"\x01\x02\"}"), None);
        assert_eq!(udp(b"{\"system\":{\"get_sysinfo\":{}}}", 40_001), Some(Protocol::Json));
        assert_eq!(udp(b"{\"system\":{\"get_sys", 40_001), None);
        assert_eq!(udp(b"<?xml version=\"1.0\" encoding=\"utf-8\"?><Probe/>", 37020), Some(Protocol::Xml));
    }

    #[test]
    fn samples_and_logs() {
        assert_eq!(client(b"servers.web1.load 0.42 1700000000\n"), Some(Protocol::Graphite));
        assert_eq!(udp(b"servers.web1.load 0.42 1700000000\n", 2003), Some(Protocol::Graphite));
        assert_eq!(client(b"servers.web1.load 0.42 yesterday\n"), None);
        assert_eq!(udp(b"{\"version\":\"1.1\",\"host\":\"a\",\"short_message\":\"x\"}", 40_001), Some(Protocol::Gelf));
        let part = [b"\x1e\x0f".as_slice(), &[7; 8], b"\0\x02zz"].concat();
        assert_eq!((udp(&part, 12201), udp(&part, 40_001)), (Some(Protocol::Gelf), None));
    }

    #[test]
    fn places_and_sounds() {
        // The example of the NMEA 0183 standard that every receiver's manual shows.
        let fix = b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n";
        assert_eq!((client(fix), udp(fix, 10110)), (Some(Protocol::Nmea), Some(Protocol::Nmea)));
        assert_eq!(client_on(&fix.map(|c| if c == b'8' { b'9' } else { c }), 10110), None);
        assert_eq!(udp(b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0\0", 40_001), Some(Protocol::Osc));
        assert_eq!(udp(b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0", 40_001), None);
        assert_eq!(udp(b"\xff\xffIN\0\0\0\x02\x01\x02\x03\x04\x05\x06\x07\x08Mac\0", 5004), Some(Protocol::Midi));
    }

    #[test]
    fn weak_ones_have_nothing_to_say_here() {
        assert_eq!(client(b"{\"\": 1}"), None);
    }
}
