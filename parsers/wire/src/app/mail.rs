//! Mail and news: SMTP (RFC 5321), IMAP (RFC 9051), POP3 (RFC 1939), NNTP (RFC 3977), ManageSieve (RFC 5804).
//!
//! Their servers greet first; several share `220` and `+OK` with others, so a greeting without a telling word is weak.

use super::look::{
    Look, Match, NO, contains_nocase, either, is_text, line, number, one_of, starts, starts_nocase, weak, yes,
};

/// A reply line `CODE` SP or `-`, text; `None` until the code is whole.
pub fn reply(b: &[u8], code: &[u8; 3]) -> Option<bool> {
    if !starts(b, code)? {
        return Some(false);
    }
    let fits = matches!(b.get(3)?, b' ' | b'-');
    Some(fits && is_text(line(b).unwrap_or(b)))
}

/// Any reply, of a conversation that was joined behind its greeting: three digits and text (RFC 5321 section 4.2).
fn is_reply(b: &[u8]) -> bool {
    let code = |[class, group, digit]: [u8; 3]| {
        matches!(class, b'2'..=b'5') && matches!(group, b'0'..=b'5') && digit.is_ascii_digit()
    };
    b.first_chunk::<3>().is_some_and(|digits| code(*digits)) && matches!(b.get(3), Some(b' ' | b'-'))
}

/// Whether the first line, or what is there of it, holds one of the words.
pub fn says(b: &[u8], words: &[&[u8]]) -> bool {
    let text = line(b).unwrap_or(b);
    words.iter().any(|w| contains_nocase(text, w))
}

pub fn smtp_server(b: &[u8]) -> Look {
    if starts(b, b"220")? {
        return if !reply(b, b"220")? {
            NO
        } else if says(b, &[b"SMTP", b"LMTP", b"Postfix", b"Sendmail", b"Exim"]) {
            yes(!says(b, &[b"FTP"]))
        } else {
            weak(!says(b, &[b"FTP"]))
        };
    }
    if b.len() < 4 { None } else { weak(is_reply(b) && is_text(line(b).unwrap_or(b))) }
}

pub fn smtp_client(b: &[u8]) -> Look {
    const COMMANDS: &[&[u8]] = &[b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"STARTTLS\r\n"];
    if one_of(b, COMMANDS)? {
        // STARTTLS alone is NNTP's as well.
        return if b.len() >= 8 && starts_nocase(b, b"STARTTLS")? {
            weak(true)
        } else {
            yes(is_text(line(b).unwrap_or(b)))
        };
    }
    weak(one_of(
        b,
        &[
            b"QUIT\r\n",
            b"EHLO\r\n",
            b"HELO\r\n",
            b"RSET\r\n",
            b"NOOP\r\n",
            b"RCPT TO:",
            b"DATA\r\n",
            b"BDAT ",
            b"VRFY ",
        ],
    )?)
}

/// The same: IMAP's data (RFC 9051 section 7): a star, a number, what it counts; or a word of state.
fn imap_data(b: &[u8]) -> Option<bool> {
    const COUNTED: &[&[u8]] = &[b" EXISTS", b" RECENT", b" FETCH (", b" EXPUNGE"];
    const LISTED: &[&[u8]] =
        &[b"FLAGS (", b"LIST (", b"LSUB (", b"SEARCH", b"STATUS ", b"CAPABILITY ", b"NAMESPACE ", b"ID ("];
    let rest = b.strip_prefix(b"* ").unwrap_or_default();
    match number(rest) {
        Some((_, counted)) => one_of(counted, COUNTED),
        None => one_of(rest, LISTED),
    }
}

pub fn imap_server(b: &[u8]) -> Look {
    let greeting = one_of(b, &[b"* OK", b"* PREAUTH", b"* BYE", b"* CAPABILITY IMAP4"]);
    if greeting? {
        return yes(is_text(line(b).unwrap_or(b)));
    }
    if b.starts_with(b"* ") {
        return weak(imap_data(b)?);
    }
    // The end of a command: the client's tag, and how it went.
    let Some(tag) = memchr::memchr(b' ', b.get(..17).unwrap_or(b)) else { return NO };
    let (tag, rest) = b.split_at(tag);
    weak(!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric) && one_of(rest, &[b" OK ", b" NO ", b" BAD "])?)
}

/// `tag SP command`: the tag is the client's own.
pub fn imap_client(b: &[u8]) -> Look {
    const COMMANDS: &[&[u8]] = &[
        b"CAPABILITY",
        b"LOGIN ",
        b"AUTHENTICATE ",
        b"STARTTLS",
        b"SELECT ",
        b"EXAMINE ",
        b"ID ",
        b"LIST ",
        b"NOOP",
        b"LOGOUT",
        b"NAMESPACE",
        b"UID ",
        b"IDLE",
        b"ENABLE ",
        b"FETCH ",
        b"STORE ",
        b"SEARCH ",
        b"STATUS ",
        b"APPEND ",
        b"CLOSE\r\n",
        b"EXPUNGE\r\n",
    ];
    let tag = b.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'.').count();
    if tag == b.len() && tag <= 16 {
        return None;
    }
    let Some(rest) = b.get(tag..).and_then(|r| r.strip_prefix(b" ")).filter(|_| (1..=16).contains(&tag)) else {
        return NO;
    };
    // Words of English prose follow other words too: the greeting has to fit.
    weak(one_of(rest, COMMANDS)?)
}

pub fn pop3_server(b: &[u8]) -> Look {
    let ok = starts(b, b"+OK")?;
    if !ok {
        return weak(starts(b, b"-ERR ")?);
    }
    let text = line(b);
    match b.get(3)? {
        b' ' if says(b, &[b"POP3", b"POP server", b"Dovecot"]) => yes(is_text(text.unwrap_or(b))),
        // Redis answers "+OK" and ends the line.
        b' ' => weak(is_text(text.unwrap_or(b))),
        _ => weak(text == Some(b"+OK")),
    }
}

pub fn pop3_client(b: &[u8]) -> Look {
    if one_of(b, &[b"APOP ", b"STLS\r\n"])? {
        return weak(true);
    }
    weak(one_of(
        b,
        &[b"USER ", b"CAPA\r\n", b"AUTH\r\n", b"AUTH ", b"QUIT\r\n", b"STAT\r\n", b"RETR ", b"UIDL\r\n", b"TOP "],
    )?)
}

pub fn nntp_server(b: &[u8]) -> Look {
    let ready = reply(b, b"200").or_else(|| reply(b, b"201"))? || reply(b, b"201")?;
    if !ready {
        return if b.len() < 4 { None } else { weak(is_reply(b) && is_text(line(b).unwrap_or(b))) };
    }
    if says(b, &[b"NNTP", b"news", b"InterNetNews", b"usenet"]) { yes(true) } else { weak(true) }
}

pub fn nntp_client(b: &[u8]) -> Look {
    const OWN: &[&[u8]] = &[b"MODE READER", b"AUTHINFO USER", b"LIST ACTIVE", b"NEWGROUPS ", b"XOVER ", b"MODE STREAM"];
    let own = one_of(b, OWN).map(|s| if s { Match::Yes } else { Match::No });
    either(own, one_of(b, &[b"GROUP ", b"CAPABILITIES\r\n", b"STARTTLS\r\n", b"ARTICLE ", b"QUIT\r\n"]).and_then(weak))
}

/// ManageSieve greets with its capabilities.
pub fn sieve_server(b: &[u8]) -> Look {
    yes(one_of(b, &[b"\"IMPLEMENTATION\" ", b"\"SIEVE\" ", b"\"SASL\" "])?)
}

pub fn sieve_client(b: &[u8]) -> Look {
    weak(one_of(b, &[b"AUTHENTICATE \"", b"STARTTLS\r\n", b"CAPABILITY\r\n", b"LISTSCRIPTS\r\n", b"LOGOUT\r\n"])?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server, server_on};

    #[test]
    fn smtp() {
        assert_eq!(server(b"220 mx.example ESMTP Postfix\r\n"), Some(Protocol::Smtp));
        assert_eq!(server(b"220 mx.example ready\r\n"), None);
        assert_eq!(server_on(b"220 mx.example ready\r\n", 25), Some(Protocol::Smtp));
        assert_eq!(both(b"EHLO a\r\n", b"220 mx.example ready\r\n"), Some(Protocol::Smtp));
        assert_eq!(client(b"MAIL FROM:<a@b>\r\n"), Some(Protocol::Smtp));
    }

    #[test]
    fn imap_pop3_nntp_sieve() {
        assert_eq!(server(b"* OK [CAPABILITY IMAP4rev1] ready\r\n"), Some(Protocol::Imap));
        assert_eq!(both(b"a001 LOGIN joe x\r\n", b"* OK hi\r\n"), Some(Protocol::Imap));
        assert_eq!(server(b"+OK POP3 ready <1896.6@dbc.mtview.ca.us>\r\n"), Some(Protocol::Pop3));
        assert_eq!(both(b"USER mrose\r\n", b"+OK hello there\r\n"), Some(Protocol::Pop3));
        assert_eq!(server(b"+OK hello there\r\n"), None);
        assert_eq!(server(b"200 news.example InterNetNews NNRP server ready\r\n"), Some(Protocol::Nntp));
        assert_eq!(client(b"MODE READER\r\n"), Some(Protocol::Nntp));
        assert_eq!(
            server(b"\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n\"SIEVE\" \"fileinto\"\r\n"),
            Some(Protocol::Sieve)
        );
    }

    #[test]
    fn behind_the_greeting() {
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
    }
}
