//! Distinguished names as RFC 4514 strings, letter for letter as `cryptography` writes them, and general names.

use super::der::{self, Der};

/// Characters of a name kept in a record, as in probe/trust/certificates.py: no honest one is longer.
const MAX_TEXT: usize = 4096;

/// The name in this element (SEQUENCE OF SET OF attribute).
pub fn rfc4514(contents: &[u8]) -> Option<Box<str>> {
    let mut parts = Vec::with_capacity(8);
    let mut sequence = Der::new(contents);
    while !sequence.is_empty() {
        parts.push(sequence.get(der::SET)?);
    }
    let mut out = String::with_capacity(contents.len() + 16);
    for part in parts.iter().rev() {
        if !out.is_empty() {
            out.push(',');
        }
        relative(part, &mut out)?;
    }
    if let Some((end, _)) = out.char_indices().nth(MAX_TEXT) {
        out.truncate(end);
    }
    Some(out.into())
}

/// One relative name. Several attributes must be of different types: the library refuses equal ones, and what it takes as equal is
/// its business.
fn relative(contents: &[u8], out: &mut String) -> Option<()> {
    let mut set = Der::new(contents);
    let (mut last, mut types): (&[u8], Vec<&[u8]>) = (&[], Vec::new());
    loop {
        let before = set.whole(der::SEQUENCE)?;
        let mut attribute = Der::new(der::only(before, der::SEQUENCE)?);
        let oid = der::oid(attribute.get(der::OID)?)?;
        let (tag, value) = attribute.any()?;
        attribute.end()?;
        if before < last || types.contains(&oid) {
            return None;
        }
        last = before;
        label(oid, out);
        out.push('=');
        escape(&text(tag, value)?, out)?;
        if set.is_empty() {
            return Some(());
        }
        types.push(oid);
        out.push('+');
    }
}

/// RFC 4514 section 3.
fn label(oid: &[u8], out: &mut String) {
    out.push_str(match oid {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => return der::dotted(oid, out),
    });
}

/// The characters of a string of one of the usual types.
fn text(tag: u8, value: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    match tag {
        der::PRINTABLE_STRING if !value.iter().all(|b| is_printable(*b)) => None,
        // The library reads these as UTF-8, whatever the standard says of them.
        der::PRINTABLE_STRING | der::UTF8_STRING | der::IA5_STRING | der::T61_STRING => {
            std::str::from_utf8(value).ok().map(Into::into)
        }
        der::BMP_STRING => bmp(value).map(Into::into),
        _ => None,
    }
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

pub fn bmp(value: &[u8]) -> Option<String> {
    let (pairs, rest) = value.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    if rest.is_empty() { char::decode_utf16(units).collect::<Result<_, _>>().ok() } else { None }
}

/// RFC 4514 section 2.4. Control characters are left to Python, whose JSON writes them in another way.
fn escape(value: &str, out: &mut String) -> Option<()> {
    let start = out.len();
    for c in value.chars() {
        match c {
            '\\' | '"' | '+' | ',' | ';' | '<' | '>' => out.extend(['\\', c]),
            '\0' => out.push_str("\\00"),
            c if c.is_control() => return None,
            c => out.push(c),
        }
    }
    let written = out.get(start..)?;
    if written.starts_with('#') || (written.starts_with(' ') && written.len() > 1) {
        out.insert(start, '\\');
    }
    if value.ends_with(' ') {
        out.pop();
        out.push_str("\\ ");
    }
    Some(())
}

/// A general name that every reader takes (RFC 5280 section 4.2.1.6); its kind is told by the tag.
pub fn general(der: &mut Der<'_>) -> Option<()> {
    let (tag, contents) = der.any()?;
    match tag {
        // rfc822Name, dNSName, URI
        0x81 | 0x82 | 0x86 => contents.iter().all(|b| matches!(b, 0x20..0x7f)).then_some(()),
        // iPAddress; networks belong into constraints. Languages differ in how they write mapped addresses.
        0x87 => match contents {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..] => None,
            _ => matches!(contents.len(), 4 | 16).then_some(()),
        },
        // directoryName
        0xa4 => rfc4514(der::only(contents, der::SEQUENCE)?).map(|_| ()),
        // registeredID
        0x88 => der::oid(contents).map(|_| ()),
        // otherName
        0xa0 => {
            let mut other = Der::new(contents);
            der::oid(other.get(der::OID)?)?;
            let mut value = other.nested(0xa0)?;
            value.any()?;
            value.end()?;
            other.end()
        }
        _ => None,
    }
}

/// `count` is how many there are at most; `None` if there are more.
pub fn generals(contents: &[u8], most: usize) -> Option<usize> {
    let (mut der, mut count) = (Der::new(contents), 0);
    while !der.is_empty() {
        general(&mut der)?;
        count += 1;
    }
    (count <= most).then_some(count)
}
