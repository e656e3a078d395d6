//! Databases, each by what its client or server says first.
//!
//! MySQL (client/server protocol, v10), PostgreSQL (chapter 55), TDS (MS-TDS), MongoDB (OP_MSG),
//! Cassandra (CQL binary v1-v5), Elasticsearch transport, ZooKeeper. May not read statements or passwords.

use super::look::{Look, NO, at, be16, be24, be32, byte, is_text, le32, one_of, starts, weak, yes};

fn le24(b: &[u8], at: usize) -> Option<u32> {
    Some(le32(b, at)? & 0x00ff_ffff)
}

/// The greeting: packet 0, protocol version 10, a version string that starts with a digit, ended by zero.
pub fn mysql_server(b: &[u8]) -> Look {
    let (length, sequence, version) = (le24(b, 0)?, byte(b, 3)?, byte(b, 4)?);
    if sequence != 0 || !(2..=512).contains(&length) {
        return NO;
    }
    if version == 0xff {
        // An error instead of a greeting: code, text ("Host … is not allowed").
        return weak((1000..=1999).contains(&u16::from_le_bytes([byte(b, 5)?, byte(b, 6)?])) && is_text(b.get(7..)?));
    }
    if version != 10 {
        return NO;
    }
    let text = b.get(5..)?;
    let end = memchr::memchr(0, text).or((text.len() > 64).then_some(64))?;
    let name = text.get(..end)?;
    yes(end < 64 && name.first()?.is_ascii_digit() && name.contains(&b'.') && is_text(name))
}

/// The handshake response: packet 1 with the 4.1 capabilities and 23 reserved zeros (or the SSL request, which ends there).
pub fn mysql_client(b: &[u8]) -> Look {
    let (length, sequence, flags) = (le24(b, 0)?, byte(b, 3)?, le32(b, 4)?);
    if sequence != 1 || !(32..=4096).contains(&length) || flags & 0x200 == 0 {
        return NO;
    }
    // MariaDB keeps its own capabilities in the last four of the reserved bytes.
    yes(b.get(13..32)?.iter().all(|z| *z == 0) && le32(b, 8)? <= 0x4000_0000)
}

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

pub fn postgresql_client(b: &[u8]) -> Look {
    let length = be32(b, 0)?;
    if !(8..=10_000).contains(&length) {
        return NO;
    }
    match be32(b, 4)? {
        SSL_REQUEST | GSSENC_REQUEST => yes(length == 8),
        CANCEL_REQUEST => yes(length == 16),
        // Version 3.0 to 3.2; then name, zero, value, zero.
        0x0003_0000..=0x0003_0002 => yes(is_text(b.get(8..12)?)),
        _ => NO,
    }
}

/// Authentication request or error, each with a length that fits it.
pub fn postgresql_server(b: &[u8]) -> Look {
    let length = be32(b, 1)?;
    match byte(b, 0)? {
        // Which login is asked for: none, the password, its MD5 with a salt, SASL's mechanisms by name; the rest is rare.
        b'R' => match (length, be32(b, 5)?) {
            (8, 0 | 3) | (12, 5) => yes(true),
            (10..=512, 10) => yes(starts(b.get(9..)?, b"SCRAM-SHA-256")? || is_text(b.get(9..13)?)),
            (8..=512, code) => weak(code <= 12),
            _ => NO,
        },
        b'E' => yes((8..=4096).contains(&length) && one_of(b.get(5..)?, &[b"SERROR\0", b"SFATAL\0"])?),
        _ => NO,
    }
}

/// Its length, that of its one header, and that header's type.
const ALL_HEADERS: &[u8] = &[22, 0, 0, 0, 18, 0, 0, 0, 2, 0];
/// The largest packet that can be negotiated (MS-TDS 2.2.6.4).
const MAX_TDS_PACKET: u16 = 32767;

/// TDS packet header (MS-TDS 2.2.3.1): type, status, length, SPID, packet id, window 0.
pub fn tds(b: &[u8]) -> Look {
    let (kind, status, length) = (byte(b, 0)?, byte(b, 1)?, be16(b, 2)?);
    let (packet, window) = (byte(b, 6)?, byte(b, 7)?);
    if status & !0x1d != 0 || window != 0 || packet > 1 || !(9..=MAX_TDS_PACKET).contains(&length) {
        return NO;
    }
    match kind {
        // PRELOGIN: the first option is VERSION, six bytes long (2.2.6.5).
        0x12 => yes(byte(b, 8)? == 0 && be16(b, 11)? == 6 || byte(b, 8)? == 0x16),
        // LOGIN7: its own length, then TDS version 7.x.
        0x10 => yes(le32(b, 8)? <= 4096 && byte(b, 15)? & 0xf0 == 0x70),
        // The answer to PRELOGIN has its form.
        0x04 if status == 1 && byte(b, 8)? == 0 => yes(be16(b, 11)? == 6 && be16(b, 9)? < length),
        0x04 => weak(status == 1 && matches!(byte(b, 8)?, 0xaa | 0xab | 0xad | 0xe3 | 0x81 | 0xfd)),
        // SQL batch, RPC: the connection may be reset with it (status 0x08, 0x10).
        // In the middle of a session: TDS 7.2 puts ALL_HEADERS in front, here the transaction's alone (2.2.5.3).
        0x01 | 0x03 if at(b, 8, ALL_HEADERS)? => yes(true),
        0x01 | 0x03 => weak(status & 1 == 1),
        _ => NO,
    }
}

/// Message header: length, request id, response to, opcode (MongoDB wire protocol).
pub fn mongodb(b: &[u8]) -> Look {
    let (length, response_to, opcode) = (le32(b, 0)?, le32(b, 8)?, le32(b, 12)?);
    if !(16..=48_000_000).contains(&length) {
        return NO;
    }
    match opcode {
        // OP_QUERY: flags, then the collection's name; OP_MSG: flags, a section of kind 0 or 1.
        2004 => yes(matches!(response_to, 0 | u32::MAX)
            && le32(b, 16)? & 0xffff_ff00 == 0
            && byte(b, 20)?.is_ascii_graphic()),
        2013 => yes(le32(b, 16)? & 0xfffc == 0 && byte(b, 20)? <= 2),
        // OP_REPLY: documents from byte 36 on, here one alone, with its own length.
        1 if length >= 41 && le32(b, 36)? == length - 36 => yes(le32(b, 32)? == 1),
        1 | 2012 => weak(length >= 36 || opcode == 2012),
        _ => NO,
    }
}

/// Between Cassandra's own nodes: PROTOCOL_MAGIC of its Message.java opens every handshake.
pub fn cassandra_internode(b: &[u8]) -> Look {
    yes(be32(b, 0)? == 0xca55_2dfa)
}

/// Native protocol header: version, flags, stream, opcode, length (two bytes of stream from v3 on).
fn cassandra(b: &[u8], direction: u8, opcodes: &[u8]) -> Look {
    let version = byte(b, 0)?;
    if version & 0x80 != direction || !(1..=5).contains(&(version & 0x7f)) || byte(b, 1)? > 0x1f {
        return NO;
    }
    let at = if version & 0x7f < 3 { 3 } else { 4 };
    let (opcode, length) = (byte(b, at)?, be32(b, at + 1)?);
    if !opcodes.contains(&opcode) || length > 1 << 20 {
        return NO;
    }
    // STARTUP (1) is a map with CQL_VERSION in it; OPTIONS (5) is empty.
    match (direction, opcode) {
        (0, 1) => yes(memchr::memmem::find(b.get(at + 5..)?, b"CQL_VERSION").is_some()),
        (0, _) => weak(length == 0),
        _ => weak(length >= 4 || opcode == 2),
    }
}

pub fn cassandra_client(b: &[u8]) -> Look {
    cassandra(b, 0, &[1, 5])
}

/// ERROR, READY, AUTHENTICATE, SUPPORTED.
pub fn cassandra_server(b: &[u8]) -> Look {
    cassandra(b, 0x80, &[0, 2, 3, 6])
}

/// The transport of Elasticsearch nodes: "ES", a length, a request id that starts at a small number.
pub fn elasticsearch(b: &[u8]) -> Look {
    if !starts(b, b"ES")? {
        return NO;
    }
    if be32(b, 2)? == u32::MAX {
        return weak(b.len() == 6);
    }
    yes((13..=1 << 28).contains(&be32(b, 2)?) && be32(b, 6)? < 1 << 16 && byte(b, 14)? <= 0x0f)
}

/// ZooKeeper's words for administrators, alone, and what the short ones are answered (ZooKeeper administrator's guide).
pub fn zookeeper_words(b: &[u8]) -> Look {
    const WORDS: &[&[u8]] = &[b"ruok", b"mntr", b"srvr", b"stat", b"envi", b"conf", b"cons", b"dump", b"wchs", b"imok"];
    weak(one_of(b.trim_ascii_end(), WORDS)? && b.trim_ascii_end().len() == 4)
}

/// ZooKeeper's ConnectRequest: length 44 or 45, protocol version 0, a session of 16 bytes of password.
pub fn zookeeper(b: &[u8]) -> Look {
    let (length, version) = (be32(b, 0)?, be32(b, 4)?);
    if !matches!(length, 44 | 45) || version != 0 {
        return NO;
    }
    yes(be32(b, 8)? <= 0xffff && be32(b, 16)? <= 3_600_000 && be32(b, 28)? == 16)
}

/// A Kafka request of version 2 headers: length, API key, API version, correlation, client id as text.
pub fn kafka_client(b: &[u8]) -> Look {
    let (length, key, version) = (be32(b, 0)?, be16(b, 4)?, be16(b, 6)?);
    if !(10..=1 << 24).contains(&length) || key > 92 || version > 20 {
        return NO;
    }
    let name = be16(b, 12)?;
    // No client id, or an empty one: little is left that tells.
    if matches!(name, 0 | 0xffff) {
        return weak(be32(b, 8)? < 0x1000);
    }
    let text = b.get(14..14 + usize::from(name.min(255)))?;
    yes((1..=255).contains(&name) && be24(b, 8)? < 0x10 && text.iter().all(u8::is_ascii_graphic))
}

pub fn kafka_server(b: &[u8]) -> Look {
    let (length, correlation) = (be32(b, 0)?, be32(b, 4)?);
    weak((6..=1 << 24).contains(&length) && correlation < 0x1000)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server};

    #[test]
    fn sql() {
        let greeting = b"\x4a\0\0\0\x0a8.0.33\0\x0b\0\0\0abcdefgh\0\xff\xf7\xff\x02\0";
        assert_eq!(server(greeting), Some(Protocol::Mysql));
        assert_eq!(client(b"\0\0\0\x08\x04\xd2\x16\x2f"), Some(Protocol::Postgresql));
        let call = b"\x03\x04\x1f\x40\0\0\x01\0\x16\0\0\0\x12\0\0\0\x02\0\0\0";
        assert_eq!(client(call), Some(Protocol::Tds));
        assert_eq!(client(&[&call[..16], b"\x05\0\0\0"].concat()), None);
        assert_eq!(client(b"\0\0\0\x22\0\x03\0\0user\0postgres\0\0"), Some(Protocol::Postgresql));
        assert_eq!(client(b"\0\0\0\x07\x04\xd2\x16\x2f"), None);
        assert_eq!(client(b"\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01\x02"), Some(Protocol::Tds));
    }

    /// What servers say first, where nothing else was captured.
    #[test]
    fn servers_alone() {
        assert_eq!(server(b"R\0\0\0\x08\0\0\0\x03"), Some(Protocol::Postgresql));
        assert_eq!(server(b"R\0\0\0\x0c\0\0\0\x05abcd"), Some(Protocol::Postgresql));
        assert_eq!(server(b"R\0\0\0\x08\0\0\0\x04"), None);
        let prelogin = b"\x04\x01\0\x20\0\0\x01\0\0\0\x10\0\x06\x01\0\x16\0\x01\xff\x0f\0\x0f\xa1\0\0\x02";
        assert_eq!(server(prelogin), Some(Protocol::Tds));
        assert_eq!(server(&[&prelogin[..12], &[7], &prelogin[13..]].concat()), None);
        let reply = |size: u8| {
            let document = [&[size, 0, 0, 0][..], &[0; 10]].concat();
            [&b"\x32\0\0\0\x09\0\0\0\x01\0\0\0\x01\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0"[..], &document]
                .concat()
        };
        assert_eq!((server(&reply(14)), server(&reply(15))), (Some(Protocol::Mongodb), None));
        assert_eq!(both(b"ruok", b"imok"), Some(Protocol::Zookeeper));
        assert_eq!(client_on(b"mntr\n", 2181), Some(Protocol::Zookeeper));
    }

    #[test]
    fn documents_and_columns() {
        let hello = b"\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0\0\0\0\0admin.$cmd\0";
        assert_eq!(client(hello), Some(Protocol::Mongodb));
        let startup = b"\x04\0\0\x01\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0";
        assert_eq!(client(startup), Some(Protocol::Cassandra));
        assert_eq!(client(b"\xca\x55\x2d\xfa\x0c\x0a\x0c\x0a"), Some(Protocol::Cassandra));
        assert_eq!(client(b"ES\0\0\0\x30\0\0\0\0\0\0\0\x01\0\0\0"), Some(Protocol::Elasticsearch));
    }

    #[test]
    fn kafka_names_its_client() {
        assert_eq!(client(b"\0\0\0\x1a\0\x12\0\x03\0\0\0\x01\0\x07rdkafka\0\x08rdkafka\x06"), Some(Protocol::Kafka));
        let unnamed = b"\0\0\0\x4b\0\x02\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\0\0\0\x01";
        assert_eq!(client_on(unnamed, 9092), Some(Protocol::Kafka));
        assert_eq!(client_on(unnamed, 9999), None);
        let connect = b"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10";
        assert_eq!(client(connect), Some(Protocol::Zookeeper));
    }
}
