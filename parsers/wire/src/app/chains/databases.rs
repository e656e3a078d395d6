//! Databases behind their logins: MySQL, also compressed, PostgreSQL (chapter 55), Oracle's TNS, Cassandra, TDS, MongoDB, Redis.
//!
//! Whoever agreed on TLS there writes its records from then on. Oracle's native encryption leaves TNS's headers as they are, so there
//! words in the data count alone. May not read statements.

use super::{BROKEN, Link, Step, Test, message, spelt};
use crate::app::look::{at, be16, be32, byte, le16, le32, line, number};

/// What a column's definition begins with: its catalogue is always this (protocol of MySQL 4.1 and later).
const CATALOGUE: &[u8] = b"\x03def";
const WORDS: u32 = 24;

/// A packet of the compressed protocol: its length, a number, the length of what it holds, which is 0 where it is as it was. What is
/// as it was is given to `test`.
fn compressed(b: &[u8], number: u8, test: Test) -> Option<Option<(usize, u32)>> {
    const HEADER: usize = 7;
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
    let (length, size) = ((le32(b, 0)? & 0x00ff_ffff) as usize, le32(b, 4)? & 0x00ff_ffff);
    let inside = b.get(HEADER..)?;
    if size == 0 {
        let inner = le32(inside, 0)?;
        let fits = inner >> 24 == u32::from(number) && (inner & 0x00ff_ffff) as usize + 4 <= length;
        let Some(Link::Message { bits, .. }) = test(inside, &[]).filter(|_| fits) else { return Some(None) };
        return Some(Some((HEADER + length, bits)));
    }
    let bits = match be16(inside, 0)? {
        // Deflate with a window of 32 KB, at any level.
        0x7801 | 0x785e | 0x789c | 0x78da => 14,
        _ if at(inside, 0, ZSTD)? => 30,
        _ => return Some(None),
    };
    Some(Some((HEADER + length, bits)).filter(|_| length < size as usize))
}

/// A command: packet 0, its number, what follows it.
pub fn mysql_client(b: &[u8], _: &[u8]) -> Step {
    if byte(b, 3)? == 0
        && let Some((length, bits)) = compressed(b, 0, plain_client).flatten()
    {
        return message(true, length, bits);
    }
    plain_client(b, &[])
}

fn plain_client(b: &[u8], _: &[u8]) -> Step {
    let header = le32(b, 0)?;
    let (length, command) = ((header & 0x00ff_ffff) as usize, byte(b, 4)?);
    if header >> 24 != 0 {
        return BROKEN;
    }
    let body = b.get(5..)?;
    let body = body.get(..length.saturating_sub(1)).unwrap_or(body);
    let (fits, bits) = match command {
        // COM_QUERY, with attributes of a query none and one set of them; COM_STMT_PREPARE, COM_INIT_DB.
        3 | 0x16 | 2 => {
            let text = body.strip_prefix(b"\0\x01").unwrap_or(body);
            let text = text.get(..WORDS as usize).unwrap_or(text);
            let bits = spelt(text, WORDS);
            (bits > 0 && length > 1, 14 + bits)
        }
        // COM_QUIT, COM_STATISTICS, COM_PING, COM_RESET_CONNECTION have nothing but their number.
        1 | 9 | 0x0e | 0x1f => (length == 1, 24),
        // COM_STMT_EXECUTE: the statement, a cursor, once.
        0x17 => (byte(b, 9)? <= 4 && le32(b, 10)? == 1, 24),
        // COM_STMT_CLOSE and COM_STMT_RESET: the statement.
        0x19 | 0x1a => (length == 5, 24),
        _ => return BROKEN,
    };
    message(fits, 4 + length, bits)
}

/// Packets of an answer, numbered from 1 on: OK, EOF, an error, columns and their definitions, rows.
pub fn mysql_server(b: &[u8], before: &[u8]) -> Step {
    let number = byte(b, 3)?;
    if (number == 1 || before.get(3).is_some_and(|last| last.wrapping_add(1) == number))
        && let Some((length, bits)) = compressed(b, 1, plain_server).flatten()
    {
        return message(true, length, bits);
    }
    plain_server(b, before)
}

fn plain_server(b: &[u8], before: &[u8]) -> Step {
    let header = le32(b, 0)?;
    let (length, sequence, kind) = ((header & 0x00ff_ffff) as usize, (header >> 24) as u8, byte(b, 4)?);
    if sequence != 1 && before.get(3).is_some_and(|last| last.wrapping_add(1) != sequence) || length == 0 {
        return BROKEN;
    }
    let bits = match (length, kind) {
        // Rows and id as one byte each; a status in whose upper half little is set, no warnings.
        (7, 0) if byte(b, 8)? & 0x80 == 0 && le16(b, 9)? == 0 => 24,
        // With larger numbers, or words on what changed of the session.
        (8..=512, 0) if sequence == 1 => 8,
        (5, 0xfe) if byte(b, 8)? & 0x80 == 0 && le16(b, 5)? < 256 => 26,
        (9.., 0xff) if byte(b, 7)? == b'#' && (1000..=5000).contains(&le16(b, 5)?) => 18 + spelt(b.get(8..13)?, 6),
        // How many columns.
        (1, 1..=250) if sequence == 1 => 20,
        (20.., 3) if at(b, 4, CATALOGUE)? => 32,
        _ => return message(sequence > 1 || !before.is_empty(), 4 + length, 0),
    };
    message(true, 4 + length, bits)
}

/// Messages by their letter (55.7). Lengths include themselves.
fn postgresql(b: &[u8], test: fn(&[u8], u8, u32) -> Option<u32>) -> Step {
    const LONGEST: u32 = 1 << 24;
    let (kind, length) = (byte(b, 0)?, be32(b, 1)?);
    if !(4..=LONGEST).contains(&length) {
        return BROKEN;
    }
    let length = length as usize;
    let body = b.get(5..)?;
    let body = body.get(..length - 4).unwrap_or(body);
    match test(body, kind, length as u32) {
        Some(bits) => message(true, 1 + length, bits),
        None => BROKEN,
    }
}

/// Words that end with a zero.
fn words(body: &[u8], length: u32) -> Option<u32> {
    let end = memchr::memchr(0, body).unwrap_or(body.len()).min(WORDS as usize);
    let bits = spelt(body.get(..end)?, WORDS);
    let whole = body.len() + 4 == length as usize;
    (end == 0 || bits > 0).then_some(())?;
    (!whole || body.last() == Some(&0)).then_some(8 + bits)
}

pub fn postgresql_client(b: &[u8], _: &[u8]) -> Step {
    postgresql(b, |body, kind, length| match kind {
        b'Q' if length > 5 => words(body, length),
        b'S' | b'H' | b'X' | b'c' => (length == 4).then_some(22),
        // Close and Describe: a statement or a portal.
        b'C' | b'D' if length >= 6 => (body.first().is_none_or(|of| matches!(of, b'S' | b'P'))).then_some(15),
        b'P' if length >= 8 => Some(8 + spelt(body.split(|c| *c == 0).nth(1)?.get(..16)?, 16)),
        b'B' if length >= 12 => Some(8),
        // Execute: a portal, then how many rows, mostly all.
        b'E' if length >= 9 => Some(if length == 9 && body == [0; 5] { 24 } else { 8 }),
        b'd' | b'f' | b'F' | b'p' => Some(6),
        _ => None,
    })
}

pub fn postgresql_server(b: &[u8], _: &[u8]) -> Step {
    postgresql(b, |body, kind, length| match kind {
        // ReadyForQuery: idle, in a transaction, in a failed one.
        b'Z' => (length == 5 && body.first().is_none_or(|state| matches!(state, b'I' | b'T' | b'E'))).then_some(32),
        b'1' | b'2' | b'3' | b'n' | b'I' | b's' | b'c' => (length == 4).then_some(22),
        b'C' if length > 6 => words(body, length),
        // Who logged in, and the key to cancel with.
        b'R' if (8..=512).contains(&length) => {
            be32(body, 0).is_none_or(|code| code <= 12).then_some(if length == 8 { 20 } else { 8 })
        }
        b'K' => (length == 12).then_some(20),
        b'S' | b'A' if length > 6 => Some(8),
        b'E' | b'N' if length > 10 => body.starts_with(b"S").then(|| 12 + spelt(body.get(1..5).unwrap_or_default(), 4)),
        b'T' if length > 6 => be16(body, 0).is_none_or(|columns| (1..=1664).contains(&columns)).then_some(10),
        b'D' if length >= 6 => row(body, length),
        b't' | b'G' | b'H' | b'W' | b'd' => Some(6),
        _ => None,
    })
}

/// DataRow: its values, each with a length, none where it is null, fill it.
fn row(body: &[u8], length: u32) -> Option<u32> {
    let columns = be16(body, 0)?;
    let mut rest = body.get(2..)?;
    for _ in 0..columns {
        let Some(size) = be32(rest, 0) else { return (body.len() + 4 < length as usize).then_some(8) };
        let size = if size == u32::MAX { 0 } else { usize::try_from(size).ok()? };
        match rest.get(4..)?.get(size..) {
            Some(behind) => rest = behind,
            None => return (body.len() + 4 < length as usize).then_some(8),
        }
    }
    (rest.is_empty() && columns <= 1664).then_some(10 + 4 * u32::from(columns.min(4)))
}

/// Oracle's TNS: DATA packets, their length in two bytes or, since version 315, in four.
pub fn oracle(b: &[u8], _: &[u8]) -> Step {
    const DATA: u8 = 6;
    let short = usize::from(be16(b, 0)?);
    let length = if short == 0 { be32(b, 0)? as usize } else { short };
    let quiet = (short == 0 || be16(b, 2)? == 0) && byte(b, 5)? <= 8 && be16(b, 6)? == 0;
    if byte(b, 4)? != DATA || !quiet || !(10..=1 << 21).contains(&length) {
        return BROKEN;
    }
    let body = b.get(10..)?;
    message(true, length, longest_words(body.get(..length - 10).unwrap_or(body)))
}

/// Bits of the longest words in binary data, less what finding them was worth.
fn longest_words(b: &[u8]) -> u32 {
    const MOST: u32 = 40;
    let longest = b.split(|byte| !(b' '..=b'~').contains(byte)).max_by_key(|words| words.len()).unwrap_or_default();
    spelt(longest, u32::MAX).saturating_sub(b.len().max(1).ilog2() + 1).min(MOST)
}

/// A frame of version 3 or 4, or 5 in its handshake (CQL binary protocol section 2).
fn cassandra(b: &[u8], opcodes: &[u8], own: fn(&[u8], u8) -> Option<u32>) -> Step {
    let (flags, opcode, length) = (byte(b, 1)?, byte(b, 4)?, be32(b, 5)?);
    if flags > 0x1f || length >= 1 << 24 || !opcodes.contains(&opcode) {
        return BROKEN;
    }
    message(true, 9 + length as usize, 14 + if flags == 0 { own(b, opcode)? } else { 0 })
}

/// OPTIONS, QUERY, PREPARE, EXECUTE, REGISTER, BATCH.
pub fn cassandra_client(b: &[u8], _: &[u8]) -> Step {
    cassandra(b, &[5, 7, 9, 10, 11, 13], |b, opcode| match opcode {
        7 | 9 if be32(b, 5)? > 4 && be32(b, 9)? < be32(b, 5)? => Some(8),
        _ => Some(0),
    })
}

/// ERROR, READY, SUPPORTED, RESULT, EVENT.
pub fn cassandra_server(b: &[u8], _: &[u8]) -> Step {
    cassandra(b, &[0, 2, 6, 8, 12], |b, opcode| match opcode {
        // Void, rows, keyspace, prepared, schema.
        8 => Some(if (1..=5).contains(&be32(b, 9)?) { 16 } else { 0 }),
        _ => Some(0),
    })
}

/// A frame of version 5 (native_protocol_v5.spec section 2.2): a header that tells lengths, of which the upper bits are unused, and its checksum;
/// the payload and another checksum. The header is longer where payloads may be compressed.
pub fn cassandra_framed(b: &[u8], _: &[u8]) -> Step {
    const CHECKSUM: usize = 3;
    const TRAILER: usize = 4;
    for (size, unused) in [(3, 2), (5, 3)] {
        let (header, sent) = (b.get(..size)?, b.get(size..size + CHECKSUM)?);
        if header[size - 1] >> unused == 0 && crc24(header).to_le_bytes().starts_with(sent) {
            let length = le32(b, 0)? as usize & 0x1ffff;
            return message(length > 0, size + CHECKSUM + length + TRAILER, 24);
        }
    }
    BROKEN
}

/// Section 2.2.1 leaves it to Koopman's polynomial 0x1974f0b, begun with 0x875060.
fn crc24(header: &[u8]) -> u32 {
    header.iter().fold(0x0087_5060, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            if crc & 0x0080_0000 == 0 { crc << 1 } else { (crc << 1 ^ 0x0197_4f0b) & 0x00ff_ffff }
        })
    })
}

/// What a transaction's descriptor puts in front of a batch or a call (MS-TDS 2.2.5.3).
const ALL_HEADERS: &[u8] = &[22, 0, 0, 0, 18, 0, 0, 0, 2, 0];

/// A packet's header (MS-TDS 2.2.3.1): status, length, packet id, window 0.
fn tds(b: &[u8]) -> Option<(bool, usize)> {
    let (status, length) = (byte(b, 1)?, be16(b, 2)?);
    Some((status & !0x1d == 0 && (8..=32767).contains(&length) && byte(b, 7)? == 0, usize::from(length)))
}

/// SQL batch, RPC, attention, transaction manager.
pub fn tds_client(b: &[u8], before: &[u8]) -> Step {
    let (fits, length) = tds(b)?;
    let starts = byte(b, 6)? <= 1 || before.get(1) == Some(&1);
    let bits = match byte(b, 0)? {
        1 | 3 | 14 if fits && starts && at(b, 8, ALL_HEADERS)? => 36,
        6 => 20 * u32::from(length == 8),
        1 | 3 | 7 | 14 => 12,
        _ => return BROKEN,
    };
    message(fits, length, bits)
}

/// Tabular results: tokens (MS-TDS 2.2.7), the last of which is DONE, DONEPROC or DONEINPROC with a count of rows in eight bytes.
pub fn tds_server(b: &[u8], _: &[u8]) -> Step {
    const DONE: usize = 13;
    let (fits, length) = tds(b)?;
    let done = length
        .checked_sub(DONE)
        .and_then(|at| b.get(at..length))
        .is_some_and(|token| matches!(token[0], 0xfd..=0xff) && token[2] <= 1 && token[10..] == [0; 3]);
    let ends = byte(b, 1)? & 1 == 1;
    let first = matches!(byte(b, 8)?, 0x79 | 0x81 | 0xa4 | 0xa5 | 0xa9..=0xae | 0xd1..=0xd2 | 0xe3 | 0xfd..=0xff);
    let bits = 12 + if byte(b, 6)? == 1 && first { 3 } else { 0 } + if ends && done { 24 } else { 0 };
    message(fits && byte(b, 0)? == 4, length, bits)
}

/// A message's header: OP_MSG with flags and a section, OP_COMPRESSED of one.
pub fn mongodb(b: &[u8], _: &[u8]) -> Step {
    const OP_MSG: u32 = 2013;
    let (length, opcode) = (le32(b, 0)?, le32(b, 12)?);
    let (fits, bits) = match opcode {
        OP_MSG => (le32(b, 16)? & 0xfffc == 0 && le32(b, 16)? >> 17 == 0 && byte(b, 20)? <= 1, 32),
        2012 => (le32(b, 16)? == OP_MSG && byte(b, 24)? <= 3, 40),
        _ => return BROKEN,
    };
    message(fits && (26..=48_000_000).contains(&length), length as usize, bits)
}

/// RESP, the first line of a value and where it ends; bulk strings have their bytes and the end of a line behind them.
fn redis(b: &[u8]) -> Step {
    const LONGEST: usize = 128;
    let Some(first) = line(b) else { return if b.len() > LONGEST { BROKEN } else { None } };
    let (kind, text) = first.split_first()?;
    let at = first.len() + 2;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let counted = matches!(number(digits), Some((_, [])));
    match kind {
        _ if b.get(first.len()) != Some(&b'\r') || text.is_empty() || first.len() > LONGEST => BROKEN,
        b'$' if text == b"-1" => message(true, at, 30),
        b'$' => {
            let Some((size, [])) = number(text) else { return BROKEN };
            let size = size as usize;
            let ended = b.get(at + size..).is_none_or(|end| b"\r\n".starts_with(end.get(..2).unwrap_or(end)));
            message(ended && size <= 512 << 20, at + size + 2, 22)
        }
        b':' | b'*' => message(counted, at, 22),
        b'+' | b'-' => {
            let bits = spelt(text, WORDS);
            message(bits > 0 && text[0].is_ascii_uppercase(), at, bits)
        }
        _ => BROKEN,
    }
}

/// Commands are arrays of bulk strings.
pub fn redis_client(b: &[u8], before: &[u8]) -> Step {
    match byte(b, 0)? {
        b'*' => redis(b),
        b'$' if !before.is_empty() => redis(b),
        _ => BROKEN,
    }
}

pub fn redis_server(b: &[u8], _: &[u8]) -> Step {
    redis(b)
}
