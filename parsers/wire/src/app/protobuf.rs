//! Protocol Buffers (protobuf.dev, "Encoding") without a protocol around them: whole fields to the end, most of them text.
//!
//! Anybody can read what is recognised here. Bytes that are neither text nor fields may be ciphertext: few of them are let pass.

use super::Datagram;
use super::look::{Look, NO, yes};

/// Messages in messages that are looked into.
const DEPTH: u8 = 4;
/// Characters of text that make a message: 95 of 256 values are printable, so that 20 of them have 28 bits, and the exact ends more.
const TEXT: usize = 20;

#[derive(Default)]
struct Found {
    text: usize,
    opaque: usize,
}

/// A base-128 number of up to ten bytes and what follows it.
fn varint(b: &[u8]) -> Option<(u64, &[u8])> {
    let more = b.iter().take(10).take_while(|c| **c >= 0x80).count();
    let (digits, rest) = b.split_at_checked(more + 1)?;
    let value = digits.iter().rev().fold(0u64, |n, c| n << 7 | u64::from(c & 0x7f));
    Some((value, rest))
}

/// Whether fields fill `b`.
fn fields(mut b: &[u8], depth: u8, found: &mut Found) -> Option<()> {
    while !b.is_empty() {
        let (key, rest) = varint(b)?;
        // Numbers of fields go to 2²⁹; the ones in use are small.
        if !(1..=1000).contains(&(key >> 3)) {
            return None;
        }
        b = match key & 7 {
            0 => varint(rest)?.1,
            1 => rest.get(8..)?,
            5 => rest.get(4..)?,
            2 => {
                let (size, rest) = varint(rest)?;
                let (value, rest) = rest.split_at_checked(usize::try_from(size).ok()?)?;
                content(value, depth, found);
                rest
            }
            _ => return None,
        };
    }
    Some(())
}

fn content(value: &[u8], depth: u8, found: &mut Found) {
    if value.len() >= 3 && value.iter().all(|c| matches!(c, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        found.text += value.len();
        return;
    }
    let mut inside = Found::default();
    if depth > 0 && fields(value, depth - 1, &mut inside).is_some() {
        found.text += inside.text;
        found.opaque += inside.opaque;
    } else {
        found.opaque += value.len();
    }
}

fn message(b: &[u8]) -> Look {
    let mut found = Found::default();
    if fields(b, DEPTH, &mut found).is_none() {
        return NO;
    }
    yes(found.text >= TEXT && found.opaque <= b.len() / 8)
}

pub fn protobuf(b: &[u8]) -> Look {
    message(b)
}

pub fn protobuf_datagram(d: &Datagram) -> Look {
    message(d.payload)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp};

    #[test]
    fn fields_of_text_that_end_where_the_bytes_do() {
        let message = b"\x0a\x0bhello world\x10\x96\x01\x1a\x0f\x0a\x07inside.\x12\x04text";
        assert_eq!((client(message), udp(message, 9000)), (Some(Protocol::Protobuf), Some(Protocol::Protobuf)));
        assert_eq!(client(&message[..message.len() - 1]), None);
        let sealed = [&message[..], b"\x22\x10", &[0x9c; 16]].concat();
        assert_eq!(client(&sealed), None, "a third of it cannot be read");
        assert_eq!(client(b"\x0a\x05hello\x10\x96\x01"), None, "too little");
    }
}
