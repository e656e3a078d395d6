//! Brokers behind their handshakes: Kafka, AMQP 0-9-1 (section 4.2.3) and 1.0 (section 2.3), MQTT 3.1.1 and 5.0, STOMP 1.2, NATS.

use super::{BROKEN, Step, message, spelt};
use crate::app::look::{at, be16, be32, byte, number};
use crate::app::messaging::remaining_length;

const WORDS: u32 = 20;

/// A request: key and version of the call, a number one above the last, the client's name.
pub fn kafka_client(b: &[u8], before: &[u8]) -> Step {
    let (length, key, version, name) = (be32(b, 0)?, be16(b, 4)?, be16(b, 6)?, be16(b, 12)?);
    let follows = be32(before, 8).is_none_or(|last| last.wrapping_add(1) == be32(b, 8).unwrap_or_default());
    let named = (1..=255).contains(&name);
    let words = if named { b.get(14..14 + usize::from(name))? } else { &[] };
    let bits = 17 + if named { 8 + spelt(words, WORDS) } else { 0 };
    let fits = key <= 92 && version <= 20 && (named && bits > 25 || name == 0xffff);
    message(fits && follows && (10..=1 << 24).contains(&length), 4 + length as usize, bits)
}

/// A frame: type, channel, size, 0xce behind it.
pub fn amqp_0_9_1(b: &[u8], _: &[u8]) -> Step {
    const END: u8 = 0xce;
    let (kind, channel, size) = (byte(b, 0)?, be16(b, 1)?, be32(b, 3)?);
    if size >= 1 << 24 {
        return BROKEN;
    }
    let size = size as usize;
    // connection, access, channel, exchange, queue, basic, confirm, tx.
    let class = |at| Some(matches!(be16(b, at)?, 10 | 20 | 30 | 40 | 50 | 60 | 85 | 90));
    let (fits, bits) = match kind {
        1 => (size >= 4 && class(7)? && (10..=120).contains(&be16(b, 9)?), 24),
        // A content's header: class, weight 0.
        2 => (size >= 14 && class(7)? && be16(b, 9)? == 0, 24),
        3 => (channel > 0 && size > 0, 8),
        8 => (channel == 0 && size == 0, 30),
        _ => return BROKEN,
    };
    match b.get(7 + size) {
        Some(end) => message(fits && *end == END, 8 + size, bits + 8),
        None => message(fits, 8 + size, bits),
    }
}

/// A frame: size, offset of its data, type of AMQP or SASL, channel; a described list from open to close, or nothing.
pub fn amqp_1_0(b: &[u8], _: &[u8]) -> Step {
    let (size, offset, kind, channel) = (be32(b, 0)?, byte(b, 4)?, byte(b, 5)?, be16(b, 6)?);
    if offset != 2 || !(8..1 << 24).contains(&size) {
        return BROKEN;
    }
    let (fits, bits) = match kind {
        0 if size == 8 => (channel == 0, 24),
        0 => (
            at(b, 8, b"\0\x53")? && (0x10..=0x18).contains(&byte(b, 10)?) && matches!(byte(b, 11)?, 0x45 | 0xc0 | 0xd0),
            36,
        ),
        1 => (channel == 0 && at(b, 8, b"\0\x53")? && (0x40..=0x44).contains(&byte(b, 10)?), 50),
        _ => return BROKEN,
    };
    message(fits, size as usize, bits)
}

pub fn mqtt_client(b: &[u8], _: &[u8]) -> Step {
    mqtt(b, true)
}

pub fn mqtt_server(b: &[u8], _: &[u8]) -> Step {
    mqtt(b, false)
}

/// A control packet (MQTT 5.0 section 2.1): type and flags, length; of PUBLISH its topic, of the others their sizes.
fn mqtt(b: &[u8], from_client: bool) -> Step {
    let first = byte(b, 0)?;
    let Some((length, body)) = remaining_length(b)? else { return BROKEN };
    let id = |at| Some(be16(b, at)? != 0);
    // Two bytes, and that no more was said.
    let ping = if b.len() == 2 { 24 } else { 16 };
    let (fits, bits) = match first {
        // Quality of service 3 is none.
        0x30..=0x3d if first & 6 != 6 => {
            let size = usize::from(be16(b, body)?);
            let topic = b.get(body + 2..body + 2 + size)?;
            let named = !topic.is_empty() && size <= 512 && !topic.iter().any(|byte| matches!(byte, b'#' | b'+'));
            let words = spelt(topic, WORDS);
            (named && words > 0 && size + 2 <= length as usize, 10 + words)
        }
        0x20 if !from_client => {
            ((2..=127).contains(&length) && byte(b, body)? <= 1 && matches!(byte(b, body + 1)?, 0..=5 | 0x80..), 10)
        }
        // Of version 5 with a reason (section 2.4), of which few are in use.
        0x40 | 0x50 | 0x62 | 0x70 => {
            let reason = length == 2 || matches!(byte(b, body + 2)?, 0 | 0x10 | 0x80..=0x9f);
            ((2..=4).contains(&length) && id(body)? && reason, 10)
        }
        0x82 | 0xa2 if from_client => {
            let filter = b.get(body + 4..body + 4 + usize::from(be16(b, body + 2)?).min(255))?;
            let words = spelt(filter, WORDS);
            (id(body)? && words > 0 && length >= 5, 8 + words)
        }
        0x90 if !from_client => (
            (3..=64).contains(&length) && id(body)? && matches!(byte(b, body + length as usize - 1)?, 0..=2 | 0x80..),
            8,
        ),
        0xb0 if !from_client => ((2..=64).contains(&length) && id(body)?, 8),
        0xc0 | 0xe0 if from_client => (length == 0, ping),
        0xd0 if !from_client => (length == 0, ping),
        _ => return BROKEN,
    };
    message(fits, body + length as usize, bits)
}

pub fn stomp_client(b: &[u8], _: &[u8]) -> Step {
    const COMMANDS: &[&[u8]] =
        &[b"SEND", b"SUBSCRIBE", b"UNSUBSCRIBE", b"ACK", b"NACK", b"BEGIN", b"COMMIT", b"ABORT", b"DISCONNECT"];
    stomp(b, COMMANDS)
}

pub fn stomp_server(b: &[u8], _: &[u8]) -> Step {
    stomp(b, &[b"MESSAGE", b"RECEIPT", b"ERROR", b"CONNECTED"])
}

/// A frame: command, headers, an empty line, a body that a zero ends, and ends of lines as heartbeats between them.
fn stomp(b: &[u8], commands: &[&[u8]]) -> Step {
    const LONGEST: usize = 1024;
    let mut rest = b;
    let mut content = None;
    let mut bits = 0;
    loop {
        let Some(end) = memchr::memchr(b'\n', rest) else { return if rest.len() > LONGEST { BROKEN } else { None } };
        let (line, behind) = rest.split_at_checked(end)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = behind.get(1..)?;
        let at = b.len() - rest.len();
        match line {
            [] if bits > 0 => {
                // Where no length says how long the body is, a zero ends it.
                let size = content.or_else(|| memchr::memchr(0, rest));
                let end = size.and_then(|size| rest.get(size));
                let length = size.map_or(b.len() + 1, |size| at.saturating_add(size).saturating_add(1));
                let fed = rest.get(size.unwrap_or(rest.len()) + 1..).unwrap_or_default();
                let fed = fed.iter().take_while(|byte| **byte == b'\n').count();
                return message(end.is_none_or(|byte| *byte == 0), length + fed, bits);
            }
            command if bits == 0 => {
                if !commands.contains(&command) {
                    return BROKEN;
                }
                bits = 24;
            }
            header => {
                let Some(colon) = memchr::memchr(b':', header).filter(|_| spelt(header, 1) > 0) else { return BROKEN };
                if header.get(..colon) == Some(b"content-length") {
                    content = number(header.get(colon + 1..)?).and_then(|(size, _)| usize::try_from(size).ok());
                }
                bits = (bits + 6).min(40);
            }
        }
    }
}

pub fn nats_client(b: &[u8], _: &[u8]) -> Step {
    nats(b, &[b"PUB ", b"HPUB "], &[b"SUB ", b"UNSUB ", b"PING\r\n", b"PONG\r\n"])
}

pub fn nats_server(b: &[u8], _: &[u8]) -> Step {
    nats(b, &[b"MSG ", b"HMSG "], &[b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"-ERR '", b"INFO {\""])
}

/// A line; behind one that carries a message as many bytes as it says last, and the end of a line.
fn nats(b: &[u8], carrying: &[&[u8]], others: &[&[u8]]) -> Step {
    const LONGEST: usize = 4096;
    let Some(end) = memchr::memmem::find(b, b"\r\n") else { return if b.len() > LONGEST { BROKEN } else { None } };
    let line = b.get(..end + 2)?;
    if others.iter().any(|word| line.starts_with(word)) {
        return message(true, line.len(), if line.len() <= 6 { 16 } else { 24 });
    }
    let size = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next().and_then(number);
    let (Some((size, [])), true) = (size, carrying.iter().any(|word| line.starts_with(word))) else { return BROKEN };
    let at = line.len() + size as usize;
    let ended = b.get(at..).is_none_or(|rest| b"\r\n".starts_with(rest.get(..2).unwrap_or(rest)));
    message(ended && spelt(line, 1) > 0, at + 2, 40)
}
