//! Protocol Buffers (protobuf.dev, "Encoding") without a protocol around them: whole fields to the end, most of them text.
//!
//! Anybody can read what is recognised here. Bytes that are neither text nor fields may be ciphertext: few of them are let pass.

use super::Datagram;
use super::look::{Look, NO, is_text, yes};

/// Messages in messages that are looked into.
const DEPTH: u8 = 4;
/// Characters of text that make a message: 95 of 256 values are printable, so that 20 of them have 28 bits, and the exact end more. Where a
/// stream is cut within a field, more have to do.
const TEXT: usize = 20;
const TEXT_BEFORE_CUT: usize = 24;

#[derive(Default)]
struct Found {
    text: usize,
    opaque: usize,
}

enum End {
    Exact,
    /// The bytes end within a field.
    Cut,
    Malformed,
}

/// A base-128 number of up to ten bytes and what follows it.
fn varint(b: &[u8]) -> Result<(u64, &[u8]), End> {
    let more = b.iter().take_while(|c| **c >= 0x80).count();
    if more >= 10 {
        return Err(End::Malformed);
    }
    let (digits, rest) = b.split_at_checked(more + 1).ok_or(End::Cut)?;
    Ok((digits.iter().rev().fold(0u64, |n, c| n << 7 | u64::from(c & 0x7f)), rest))
}

/// Fields up to the end.
fn fields(mut b: &[u8], depth: u8, found: &mut Found) -> End {
    while !b.is_empty() {
        match field(b, depth, found) {
            Ok(rest) => b = rest,
            Err(end) => return end,
        }
    }
    End::Exact
}

fn field<'a>(b: &'a [u8], depth: u8, found: &mut Found) -> Result<&'a [u8], End> {
    let (key, rest) = varint(b)?;
    // Numbers of fields go to 2²⁹; the ones in use are small.
    if !(1..=1000).contains(&(key >> 3)) {
        return Err(End::Malformed);
    }
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..).ok_or(End::Cut),
        5 => rest.get(4..).ok_or(End::Cut),
        2 => {
            let (size, rest) = varint(rest)?;
            let size = usize::try_from(size).map_err(|_| End::Malformed)?;
            let (value, rest) = rest.split_at_checked(size).ok_or(End::Cut)?;
            content(value, depth, found);
            Ok(rest)
        }
        _ => Err(End::Malformed),
    }
}

fn content(value: &[u8], depth: u8, found: &mut Found) {
    if value.len() >= 3 && value.iter().all(|c| matches!(c, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        found.text += value.len();
        return;
    }
    let mut inside = Found::default();
    if depth > 0 && matches!(fields(value, depth - 1, &mut inside), End::Exact) {
        found.text += inside.text;
        found.opaque += inside.opaque;
    } else {
        found.opaque += value.len();
    }
}

fn message(b: &[u8], may_be_cut: bool) -> Look {
    let mut found = Found::default();
    let least = match fields(b, DEPTH, &mut found) {
        End::Exact => TEXT,
        End::Cut if may_be_cut => TEXT_BEFORE_CUT,
        _ => return NO,
    };
    // Letters are keys and lengths as well: text alone is no message.
    yes(found.text >= least && found.opaque <= b.len() / 8 && !is_text(b))
}

pub fn protobuf(b: &[u8]) -> Look {
    message(b, true)
}

pub fn protobuf_datagram(d: &Datagram) -> Look {
    message(d.payload, false)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp};

    #[test]
    fn fields_of_text_that_end_where_the_bytes_do() {
        let message = b"\x0a\x0bhello world\x10\x96\x01\x1a\x0f\x0a\x07inside.\x12\x04text";
        assert_eq!((client(message), udp(message, 9000)), (Some(Protocol::Protobuf), Some(Protocol::Protobuf)));
        let cut = &message[..message.len() - 1];
        assert_eq!((client(cut), udp(cut, 9000)), (None, None), "18 characters");
        let next = [&message[..], b"\x0a\x0bhe"].concat();
        assert_eq!((client(&next), udp(&next, 9000)), (None, None), "22, and more is to come");
        let long = [&message[..], b"\x2a\x08and more\x0a\x0bhe"].concat();
        assert_eq!((client(&long), udp(&long, 9000)), (Some(Protocol::Protobuf), None));
        assert_eq!(client(b"2 is the number of lines that follow\n"), None, "only text");
        let sealed = [&message[..], b"\x22\x10", &[0x9c; 16]].concat();
        assert_eq!(client(&sealed), None, "a third of it cannot be read");
        assert_eq!(client(b"\x0a\x05hello\x10\x96\x01"), None, "too little");
    }
}
