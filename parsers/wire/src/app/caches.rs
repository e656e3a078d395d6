//! Caches, by what their clients or servers say first: Redis (RESP), memcached. May not read keys, values or passwords.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, is_text, line, number, one_of, starts, weak, yes};

const REDIS_INLINE: &[&[u8]] = &[
    b"PING\r\n",
    b"INFO\r\n",
    b"AUTH ",
    b"HELLO ",
    b"MONITOR\r\n",
    b"SYNC\r\n",
    b"COMMAND\r\n",
    b"PSYNC ",
    b"SET ",
    b"DEL ",
    b"KEYS ",
    b"CONFIG ",
];

/// A RESP array of bulk strings, or an inline command.
pub fn redis_client(b: &[u8]) -> Look {
    match byte(b, 0)? {
        b'*' => {}
        // Any other RESP value is no command: servers answer it with an error.
        b'$' | b'+' | b':' => return weak(line(b)?.get(1..).and_then(number).is_some_and(|(_, rest)| rest.is_empty())),
        _ => return weak(one_of(b, REDIS_INLINE)?),
    }
    let first = line(b).or((b.len() > 8).then_some(&[]))?;
    let Some((count, [])) = first.get(1..).and_then(number) else {
        // A count that no array has, which servers answer with an error.
        let digits = first.get(1..).map(|count| count.strip_prefix(b"-").unwrap_or(count)).unwrap_or_default();
        return weak(!digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    };
    let second = b.get(first.len() + 2..)?;
    if !(1..=100_000).contains(&count) || byte(second, 0)? != b'$' {
        return NO;
    }
    yes(matches!(line(second)?.get(1..).and_then(number), Some((n, [])) if n <= 1 << 20))
}

/// A simple string, error, integer, bulk or array reply. "+OK" with text behind it is POP3's.
pub fn redis_server(b: &[u8]) -> Look {
    // An unknown command is quoted back, which POP3 servers do not do.
    let quotes: [&[u8]; 2] = [b"-ERR unknown command '", b"-ERR unknown command `"];
    if starts(b, b"+PONG\r\n") == Some(true)
        || quotes.iter().any(|q| b.starts_with(q))
        || matches!(one_of(b, &[b"-NOAUTH ", b"-WRONGPASS ", b"-WRONGTYPE ", b"-DENIED Redis"]), Some(true))
    {
        return yes(true);
    }
    let first = line(b).or((b.len() > 128).then_some(&[]))?;
    weak(match first.split_first() {
        Some((b'+', text)) => text == b"OK" || text.len() > 2 && !text.starts_with(b"OK") && is_text(text),
        Some((b'-', text)) => text.starts_with(b"ERR ") && is_text(text),
        Some((b':' | b'$' | b'*' | b'%', digits)) => digits == b"-1" || matches!(number(digits), Some((_, []))),
        _ => false,
    })
}

const MEMCACHED_COMMANDS: &[&[u8]] = &[
    b"get ",
    b"gets ",
    b"set ",
    b"add ",
    b"replace ",
    b"delete ",
    b"incr ",
    b"decr ",
    b"touch ",
    b"stats\r\n",
    b"stats ",
    b"version\r\n",
    b"flush_all",
    b"cas ",
    b"append ",
    b"prepend ",
];
const MEMCACHED_ANSWERS: &[&[u8]] = &[
    b"STORED\r\n",
    b"NOT_STORED\r\n",
    b"EXISTS\r\n",
    b"NOT_FOUND\r\n",
    b"END\r\n",
    b"VALUE ",
    b"STAT ",
    b"VERSION ",
    b"DELETED\r\n",
    b"CLIENT_ERROR ",
];

pub fn memcached_client(b: &[u8]) -> Look {
    if byte(b, 0)? == 0x80 {
        // Binary request: opcode, key length, extras, data type 0, vbucket, body at least as long as key and extras.
        let (opcode, key, extras, kind) = (byte(b, 1)?, be16(b, 2)?, byte(b, 4)?, byte(b, 5)?);
        let body = be32(b, 8)?;
        return weak(
            opcode <= 0x22
                && key <= 250
                && extras <= 20
                && kind == 0
                && be16(b, 6)? == 0
                && (u32::from(key) + u32::from(extras)..=1 << 20).contains(&body),
        );
    }
    weak(one_of(b, MEMCACHED_COMMANDS)? && is_text(line(b).unwrap_or(b)))
}

pub fn memcached_server(b: &[u8]) -> Look {
    if byte(b, 0)? == 0x81 {
        return weak(byte(b, 1)? <= 0x22 && byte(b, 5)? == 0 && be16(b, 6)? <= 0x86 && be32(b, 8)? <= 1 << 20);
    }
    if one_of(b, &[b"STORED\r\n", b"VERSION ", b"STAT pid "]) == Some(true) {
        yes(is_text(b))
    } else {
        weak(one_of(b, MEMCACHED_ANSWERS)?)
    }
}

/// Over UDP: request id, sequence, datagrams, reserved zero, then text.
pub fn memcached_datagram(d: &Datagram) -> Look {
    let (sequence, total, reserved) = (be16(d.payload, 2)?, be16(d.payload, 4)?, be16(d.payload, 6)?);
    let text = d.payload.get(8..)?;
    // Words are compared only behind a header that fits: any datagram may come here.
    let says = || one_of(text, MEMCACHED_COMMANDS) == Some(true) || one_of(text, MEMCACHED_ANSWERS) == Some(true);
    yes(sequence < total && reserved == 0 && says())
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, server, server_on, udp};

    #[test]
    fn redis_and_pop3_are_kept_apart() {
        assert_eq!(client(b"*1\r\n$4\r\nPING\r\n"), Some(Protocol::Redis));
        assert_eq!(client(b"*2\r\n"), None);
        assert_eq!(server(b"+PONG\r\n"), Some(Protocol::Redis));
        assert_eq!(server(b"-ERR unknown command '-'\r\n"), Some(Protocol::Redis));
        assert_eq!(server(b"-ERR Unknown command.\r\n"), None);
        assert_eq!(both(b"AUTH secret\r\n", b"-ERR invalid password\r\n"), Some(Protocol::Redis));
        assert_eq!(server_on(b"+OK\r\n", 110), Some(Protocol::Pop3));
    }

    #[test]
    fn memcached_in_both_transports() {
        assert_eq!(both(b"get key\r\n", b"END\r\n"), Some(Protocol::Memcached));
        assert_eq!(udp(b"\0\x01\0\0\0\x01\0\0stats\r\n", 11211), Some(Protocol::Memcached));
    }
}
