//! Mail and news behind their greetings: SMTP (RFC 5321), NNTP (RFC 3977), POP3 (RFC 1939), IMAP (RFC 9051).
//!
//! A line is a message. What one protocol alone says counts much, what several say counts little.

use super::lines::{OWN, SHARED, command, counted, reply, whole_line, with_text};
use super::{BROKEN, Link, Step, message};
use crate::app::look::{byte, number, one_of, starts_nocase};

pub fn smtp_client(b: &[u8], _: &[u8]) -> Step {
    let own: &[&[u8]] = &[b"MAIL FROM:", b"RCPT TO:", b"EHLO ", b"HELO ", b"LHLO ", b"VRFY ", b"BDAT "];
    if starts_nocase(b, b"DATA\r\n") == Some(true) {
        return with_text(b, message(true, 6, SHARED));
    }
    command(b, own, &[b"AUTH ", b"RSET\r\n", b"QUIT\r\n", b"NOOP\r\n"])
}

/// A reply; most say what they mean once more (RFC 2034): class, subject, detail.
pub fn smtp_server(b: &[u8], _: &[u8]) -> Step {
    reply(b, |code, text| {
        let mut parts = text.split(|byte| *byte == b' ').next()?.split(|byte| *byte == b'.');
        let class = number(parts.next()?).filter(|(class, rest)| *class == code / 100 && rest.is_empty());
        let enhanced = class.is_some()
            && parts.by_ref().take(2).filter(|part| matches!(number(part), Some((0..1000, [])))).count() == 2;
        match code {
            _ if enhanced && parts.next().is_none() => Some(OWN),
            354 => Some(16),
            220 | 221 | 250 | 251 | 421 | 450..=452 | 500..=504 | 550..=554 => Some(SHARED),
            _ => None,
        }
    })
}

pub fn nntp_client(b: &[u8], _: &[u8]) -> Step {
    let own: &[&[u8]] = &[
        b"GROUP ",
        b"XOVER ",
        b"OVER ",
        b"XHDR ",
        b"HDR ",
        b"ARTICLE",
        b"HEAD ",
        b"BODY ",
        b"LISTGROUP",
        b"NEWNEWS ",
        b"NEWGROUPS ",
        b"IHAVE ",
        b"CHECK <",
        b"TAKETHIS <",
        b"MODE READER",
        b"LIST ACTIVE",
    ];
    command(b, own, &[b"POST\r\n", b"NEXT\r\n", b"LAST\r\n", b"STAT ", b"QUIT\r\n", b"DATE\r\n"])
}

/// A reply: of a group its three numbers and its name, of an article its number and its id; some have a text behind them.
pub fn nntp_server(b: &[u8], _: &[u8]) -> Step {
    let line = reply(b, |code, text| match code {
        211 => counted(text, 3).then_some(OWN),
        220..=223 => (counted(text, 1) && text.contains(&b'<') && text.contains(&b'@')).then_some(OWN),
        224 | 225 | 235 | 238 | 239 | 335 | 340 | 411 | 420..=423 | 430 | 435..=441 => Some(SHARED),
        _ => None,
    });
    let has_text = [&b"220"[..], b"221", b"222", b"224", b"225"].iter().any(|code| b.starts_with(code));
    if has_text { with_text(b, line) } else { line }
}

pub fn pop3_client(b: &[u8], _: &[u8]) -> Step {
    let Some(end) = memchr::memchr(b'\n', b) else { return command(b, &[], &[]) };
    let line = b.get(..end)?.trim_ascii_end();
    let numbered = line.get(5..).is_some_and(|n| matches!(number(n), Some((_, []))));
    if numbered && one_of(line, &[b"RETR ", b"DELE ", b"LIST ", b"UIDL "]) == Some(true) {
        return message(true, end + 1, OWN);
    }
    command(
        b,
        &[b"UIDL\r\n", b"CAPA\r\n", b"TOP "],
        &[b"USER ", b"PASS ", b"STAT\r\n", b"LIST\r\n", b"NOOP\r\n", b"RSET\r\n", b"QUIT\r\n"],
    )
}

/// "+OK" with words behind it, which Redis does not write; what is no other answer after it is its text.
pub fn pop3_server(b: &[u8], _: &[u8]) -> Step {
    const WORDS: u32 = 16;
    let line = match command(b, &[b"+OK "], &[b"+OK\r\n", b"-ERR "])? {
        Link::Message { length, bits: OWN } => message(true, length, WORDS),
        Link::Message { length, .. } => message(true, length, if b.starts_with(b"-") { SHARED } else { 0 }),
        Link::Broken => return BROKEN,
    };
    let Some(Link::Message { length, .. }) = line else { return line };
    let next = b.get(length..).unwrap_or_default();
    if next.is_empty() || matches!(next[0], b'+' | b'-') { line } else { with_text(b, line) }
}

/// `tag SP command`, or the end of IDLE.
pub fn imap_client(b: &[u8], _: &[u8]) -> Step {
    const COMMANDS: &[&[u8]] = &[
        b"UID FETCH ",
        b"UID STORE ",
        b"UID SEARCH ",
        b"UID COPY ",
        b"UID MOVE ",
        b"FETCH ",
        b"STORE ",
        b"SEARCH ",
        b"SELECT ",
        b"EXAMINE ",
        b"STATUS ",
        b"LIST ",
        b"LSUB ",
        b"APPEND ",
        b"IDLE",
        b"NOOP",
        b"CLOSE",
        b"EXPUNGE",
        b"CHECK",
        b"LOGOUT",
        b"GETQUOTAROOT ",
        b"NAMESPACE",
        b"CAPABILITY",
        b"ID ",
        b"ENABLE ",
        b"UNSELECT",
    ];
    let length = match whole_line(b)? {
        Some(length) => length,
        None => return BROKEN,
    };
    if b.len() >= 6 && one_of(b, &[b"DONE\r\n"])? {
        return message(true, length, OWN);
    }
    let rest = tagged(b);
    message(rest.is_some_and(|rest| one_of(rest, COMMANDS) == Some(true)), length, OWN)
}

/// Behind a tag of letters and digits.
fn tagged(b: &[u8]) -> Option<&[u8]> {
    let tag = b.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'.').count();
    b.get(tag..)?.strip_prefix(b" ").filter(|_| (1..=16).contains(&tag))
}

/// Untagged data, what goes on, the end of a command.
pub fn imap_server(b: &[u8], _: &[u8]) -> Step {
    let length = match whole_line(b)? {
        Some(length) => length,
        None => return BROKEN,
    };
    let bits = match byte(b, 0)? {
        b'*' => {
            let Some(text) = b.strip_prefix(b"* ") else { return BROKEN };
            let words: &[&[u8]] = &[
                b"FLAGS (",
                b"LIST (",
                b"LSUB (",
                b"SEARCH",
                b"STATUS ",
                b"OK ",
                b"NO ",
                b"BYE ",
                b"CAPABILITY ",
                b"VANISHED ",
            ];
            let counts: &[&[u8]] = &[b" EXISTS\r\n", b" RECENT\r\n", b" EXPUNGE\r\n", b" FETCH ("];
            let fits = match number(text) {
                Some((_, rest)) => one_of(rest, counts),
                None => one_of(text, words),
            };
            if fits != Some(true) {
                return BROKEN;
            }
            OWN
        }
        b'+' => SHARED,
        _ if tagged(b).is_some_and(|rest| one_of(rest, &[b"OK ", b"NO ", b"BAD "]) == Some(true)) => SHARED,
        _ => return BROKEN,
    };
    message(true, length, bits)
}
