//! Conversations that were joined in their middle: the messages that follow the greetings which the other files know. Each is whole, its
//! lengths fit, and it counts only with the port or with the other side's (never more than weak); TLS would stand here as its records.

use super::look::{Look, NO, be16, be32, byte, le16, le32, number, weak};
use super::messaging::remaining_length;

/// MQTT's packets behind CONNECT and CONNACK (MQTT 3.1.1 section 2.2, fixed flags of table 2.2): they fill what is there.
pub fn mqtt(b: &[u8]) -> Look {
    let mut rest = b;
    while !rest.is_empty() {
        let Some(Some((length, body))) = remaining_length(rest) else { return NO };
        let end = usize::try_from(length).ok().and_then(|length| length.checked_add(body));
        let Some((packet, next)) = end.and_then(|end| rest.split_at_checked(end)) else { return NO };
        let content = packet.get(body..)?;
        let fits = match byte(packet, 0)? {
            // PUBLISH: a topic in text; quality of service 3 does not exist.
            flags @ 0x30..=0x3f => flags & 6 != 6 && topic(content),
            0x40 | 0x50 | 0x62 | 0x70 | 0xb0 => length == 2,
            0x82 | 0xa2 => content.get(2..).is_some_and(topic),
            0x90 => length >= 3 && content.iter().skip(2).all(|code| matches!(code, 0..=2 | 0x80)),
            0xc0 | 0xd0 | 0xe0 => length == 0,
            _ => false,
        };
        if !fits {
            return NO;
        }
        rest = next;
    }
    weak(!b.is_empty())
}

fn topic(b: &[u8]) -> bool {
    let name = be16(b, 0).and_then(|length| b.get(2..2 + usize::from(length)));
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|c| *c > b' ') && std::str::from_utf8(name).is_ok())
}

/// AMQP 0-9-1's frames (section 2.3.5): type, channel, size, and the octet that ends each; a method names its class.
pub fn amqp(b: &[u8]) -> Look {
    const END: u8 = 0xce;
    const LARGEST: u32 = 1 << 17;
    let (kind, channel, size) = (byte(b, 0)?, be16(b, 1)?, be32(b, 3)?);
    let known = match kind {
        1 => size >= 4 && matches!(be16(b, 7)?, 10 | 20 | 30 | 40 | 50 | 60 | 85 | 90) && be16(b, 9)? <= 121,
        2 => size >= 14 && be16(b, 7)? == 60 && be16(b, 9)? == 0,
        8 => size == 0 && channel == 0,
        _ => false,
    };
    if !known || size > LARGEST {
        return NO;
    }
    weak(byte(b, 7 + usize::try_from(size).ok()?)? == END)
}

/// A command of MySQL (COM_QUERY and others, one packet of sequence 0 that ends with the segment).
pub fn mysql_command(b: &[u8]) -> Look {
    let (length, command) = (le32(b, 0)?, byte(b, 4)?);
    let whole = usize::try_from(length).is_ok_and(|length| length + 4 == b.len());
    let text = || b.get(5..).is_some_and(|text| text.iter().take(64).all(|c| *c >= b' ' || c.is_ascii_whitespace()));
    weak(
        whole
            && match command {
                // Quit, statistics, ping, reset: nothing more.
                0x01 | 0x09 | 0x0e | 0x1f => length == 1,
                0x02 | 0x03 | 0x16 => length > 4 && text(),
                0x19 => length == 5,
                _ => false,
            },
    )
}

/// What MySQL answers: packet 1 is OK, an error with its code and state, or the number of columns, whose first description follows.
pub fn mysql_answer(b: &[u8]) -> Look {
    let header = le32(b, 0)?;
    let (length, sequence, first) = (header & 0x00ff_ffff, header >> 24, byte(b, 4)?);
    if sequence != 1 {
        return NO;
    }
    let whole = usize::try_from(length).is_ok_and(|length| length + 4 == b.len());
    weak(match first {
        0 => whole && (7..=512).contains(&length),
        0xff => whole && (1000..=4999).contains(&le16(b, 5)?) && byte(b, 7)? == b'#',
        1..=250 => length == 1 && byte(b, 8)? == 2 && b.get(9..13)? == b"\x03def",
        _ => false,
    })
}

/// PostgreSQL's messages behind the login (section 55.7): letters of either side, each with a length, which fill what is there.
fn postgresql(b: &[u8], letters: &[u8], first: impl Fn(u8, &[u8]) -> bool) -> Look {
    let mut rest = b;
    while let [letter, tail @ ..] = rest {
        let Some(length) = be32(tail, 0) else { return if rest.len() == b.len() { None } else { weak(true) } };
        if !letters.contains(letter) || !(4..1 << 24).contains(&length) {
            return NO;
        }
        let whole = usize::try_from(length).ok().and_then(|length| tail.split_at_checked(length));
        let Some((message, next)) = whole else { return weak(rest.len() < b.len()) };
        if rest.len() == b.len() && !first(*letter, message.get(4..)?) {
            return NO;
        }
        rest = next;
    }
    weak(!b.is_empty())
}

/// A query or a password in text, a statement to be prepared, or the end.
pub fn postgresql_client(b: &[u8]) -> Look {
    postgresql(b, b"QPBEDCHSXFpdcf", |letter, content| match letter {
        b'Q' | b'p' => content.len() > 1 && content.last() == Some(&0) && content.iter().all(|c| *c != 0x7f),
        b'P' | b'B' | b'D' | b'C' | b'E' => content.contains(&0),
        b'S' | b'H' | b'X' => content.is_empty(),
        _ => false,
    })
}

pub fn postgresql_server(b: &[u8]) -> Look {
    postgresql(b, b"1234TDCEISZKNnstAVWGHdcR", |letter, content| match letter {
        b'1'..=b'3' | b'n' | b's' | b'I' => content.is_empty(),
        b'T' => be16(content, 0).is_some_and(|fields| content.len() >= 2 + 19 * usize::from(fields)),
        b'C' | b'S' | b'N' | b'E' => content.last() == Some(&0),
        b'Z' => matches!(content, [b'I' | b'T' | b'E']),
        _ => false,
    })
}

/// Words on Telnet's port without any option: RFC 854's terminal. A login's prompt is enough, other text has to be longer.
pub fn terminal(b: &[u8]) -> Look {
    const ENOUGH: usize = 16;
    let head = b.get(..64).unwrap_or(b);
    // Bell, backspace, escape, and the zero behind a carriage return.
    let typed = |c: &u8| matches!(c, b' '..=b'~' | 0 | 7..=13 | 27);
    if !head.iter().all(typed) {
        return NO;
    }
    let printed = head.iter().filter(|c| c.is_ascii_graphic() || **c == b' ').count();
    let asks = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    if asks(b"ogin:") || asks(b"assword:") || b.len() >= ENOUGH && 2 * printed > head.len() {
        return weak(true);
    }
    if b.len() < 64 { None } else { NO }
}

/// Any reply of a server of mail: three digits and text (RFC 5321 section 4.2).
pub fn reply(b: &[u8]) -> bool {
    let code = |[class, group, digit]: [u8; 3]| {
        matches!(class, b'2'..=b'5') && matches!(group, b'0'..=b'5') && digit.is_ascii_digit()
    };
    b.first_chunk::<3>().is_some_and(|digits| code(*digits)) && matches!(b.get(3), Some(b' ' | b'-'))
}

/// IMAP's data (RFC 9051 section 7): a star, a number, what it counts; or a word of state.
pub fn imap_data(b: &[u8]) -> Option<bool> {
    const COUNTED: &[&[u8]] = &[b" EXISTS", b" RECENT", b" FETCH (", b" EXPUNGE"];
    const LISTED: &[&[u8]] =
        &[b"FLAGS (", b"LIST (", b"LSUB (", b"SEARCH", b"STATUS ", b"CAPABILITY ", b"NAMESPACE ", b"ID ("];
    let rest = b.strip_prefix(b"* ").unwrap_or_default();
    match number(rest) {
        Some((_, counted)) => super::look::one_of(counted, COUNTED),
        None => super::look::one_of(rest, LISTED),
    }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server_on};

    #[test]
    fn brokers() {
        for packet in
            [&b"\x30\x0d\0\x06room/1hello"[..], b"\xc0\0", b"\x82\x0b\0\x01\0\x06room/1\0", b"\x40\x02\0\x01\xc0\0"]
        {
            assert_eq!((client_on(packet, 1883), client(packet)), (Some(Protocol::Mqtt), None), "{packet:02x?}");
        }
        assert_eq!(server_on(b"\x90\x03\0\x01\0", 1883), Some(Protocol::Mqtt));
        assert_eq!(both(b"\xc0\0", b"\xd0\0"), Some(Protocol::Mqtt));
        for other in
            [&b"\x36\x0d\0\x06room/1hello"[..], b"\x30\x0d\0\x06room 1hello", b"\x30\x0c\0\x06room/1hello", b"\xc0\x01"]
        {
            assert_eq!(client_on(other, 1883), None, "{other:02x?}");
        }
        let declare = b"\x01\0\x01\0\0\0\x0d\0\x32\0\x0a\0\0\x01q\0\0\0\0\xce";
        assert_eq!(client_on(declare, 5672), None, "the size is not its own");
        let declare = b"\x01\0\x01\0\0\0\x0c\0\x32\0\x0a\0\0\x01q\0\0\0\0\xce";
        assert_eq!((client_on(declare, 5672), client(declare)), (Some(Protocol::Amqp), None));
        assert_eq!(both(b"\x08\0\0\0\0\0\0\xce", b"\x08\0\0\0\0\0\0\xce"), Some(Protocol::Amqp));
    }

    #[test]
    fn databases() {
        assert_eq!(client_on(b"\x09\0\0\0\x03SELECT 1", 3306), Some(Protocol::Mysql));
        assert_eq!(client_on(b"\x08\0\0\0\x03SELECT 1", 3306), None);
        assert_eq!(both(b"\x01\0\0\0\x0e", b"\x07\0\0\x01\0\0\0\x02\0\0\0"), Some(Protocol::Mysql));
        assert_eq!(server_on(b"\x07\0\0\x01\0\0\0\x02\0\0\0", 3306), Some(Protocol::Mysql));
        assert_eq!(server_on(b"\x06\0\0\x01\0\0\0\x02\0\0", 3306), None, "shorter than OK is");
        let columns = b"\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0";
        assert_eq!(server_on(columns, 3306), Some(Protocol::Mysql));
        assert_eq!(client_on(b"Q\0\0\0\x0eselect 1;\0", 5432), Some(Protocol::Postgresql));
        assert_eq!(client_on(b"Q\0\0\0\x0eselect 1;\0garbage", 5432), None);
        assert_eq!(both(b"X\0\0\0\x04", b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"), Some(Protocol::Postgresql));
        assert_eq!(server_on(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I", 5432), Some(Protocol::Postgresql));
    }

    #[test]
    fn terminals_and_mail() {
        assert_eq!(server_on(b"\r\nUser Access Verification\r\n\r\nPassword: ", 23), Some(Protocol::Telnet));
        assert_eq!((server_on(b"login: ", 23), server_on(b"login: ", 24)), (Some(Protocol::Telnet), None));
        assert_eq!(server_on(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03login:", 23), None);
        for words in [&b"250 Ok\r\n"[..], b"354 go ahead\r\n"] {
            assert_eq!(server_on(words, 25), Some(Protocol::Smtp));
        }
        for words in [&b"RCPT TO:<a@b.example>\r\n"[..], b"DATA\r\n"] {
            assert_eq!(client_on(words, 25), Some(Protocol::Smtp));
        }
        assert_eq!(client_on(b"RETR a.txt\r\n", 21), Some(Protocol::Ftp));
        for words in [&b"* 18 EXISTS\r\n"[..], b"* FLAGS (\\Seen)\r\n", b"a1 OK LOGIN completed\r\n"] {
            assert_eq!(server_on(words, 143), Some(Protocol::Imap));
        }
        assert_eq!(server_on(b"211 3 1 3 misc.test\r\n", 119), Some(Protocol::Nntp));
        assert_eq!(client_on(b"PUB a 2\r\nhi\r\n", 4222), Some(Protocol::Nats));
        assert_eq!(client_on(b"<presence/>", 5222), Some(Protocol::Xmpp));
    }
}
