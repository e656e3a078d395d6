//! Lines as protocols write them, those of FTP (RFC 959) and IRC (RFC 2812), and XMPP's stanzas (RFC 6120).

use super::{BROKEN, Link, Step, message, spelt};
use crate::app::look::{is_text, number, one_of, starts_nocase};

/// What one protocol alone says, and what several do.
pub const OWN: u32 = 24;
pub const SHARED: u32 = 8;
/// RFC 5321 section 4.5.3.1.5, and the others do not say; none needs more.
const LONGEST: usize = 1000;

/// The first line, its end left out; `None` until it has come, and nothing where it is none of text.
fn text(b: &[u8]) -> Option<Option<(&[u8], usize)>> {
    let Some(end) = memchr::memchr(b'\n', b.get(..LONGEST).unwrap_or(b)) else {
        return if b.len() >= LONGEST { Some(None) } else { None };
    };
    let line = b.get(..end)?;
    Some(line.strip_suffix(b"\r").filter(|line| is_text(line)).map(|line| (line, end + 1)))
}

/// A line that begins with one of these words.
pub fn command(b: &[u8], own: &[&[u8]], shared: &[&[u8]]) -> Step {
    let Some((_, length)) = text(b)? else { return BROKEN };
    if one_of(b, own) == Some(true) {
        return message(true, length, OWN);
    }
    message(one_of(b, shared) == Some(true), length, SHARED)
}

/// The same with a text behind it that ends with a line of one point (RFC 5321 section 4.5.2, RFC 3977 section 3.1.1).
pub fn with_text(b: &[u8], line: Step) -> Step {
    let Some(Link::Message { length, bits }) = line else { return line };
    let text = b.get(length.saturating_sub(2)..)?;
    let end = memchr::memmem::find(text, b"\r\n.\r\n");
    message(true, length + end.map_or(text.len(), |end| end + 3), bits)
}

/// A line that begins with a code of three digits; what it says, and what that is worth.
pub fn reply(b: &[u8], worth: fn(u32, &[u8]) -> Option<u32>) -> Step {
    let Some((line, length)) = text(b)? else { return BROKEN };
    let (Some((code @ 100..=699, [b' ' | b'-', said @ ..])), Some(_)) = (number(line), line.get(3)) else {
        return BROKEN;
    };
    match worth(code, said) {
        Some(bits) => message(true, length, bits),
        None => BROKEN,
    }
}

/// Whether text begins with so many numbers.
pub fn counted(text: &[u8], numbers: usize) -> bool {
    let mut words = text.split(|byte| *byte == b' ');
    words.by_ref().take(numbers).filter(|word| matches!(number(word), Some((_, [])))).count() == numbers
        && words.next().is_some()
}

/// How long a line of IMAP is with the literals in it (RFC 9051 section 4.3); nothing where it is none.
pub fn whole_line(b: &[u8]) -> Option<Option<usize>> {
    let mut at = 0usize;
    loop {
        let Some(rest) = b.get(at..) else { return Some(Some(at)) };
        let end = match memchr::memchr(b'\n', rest) {
            Some(end) => end,
            // A line that is known to be one, and whose end is still to come.
            None if at > 0 => return Some(Some(b.len() + 1)),
            None => return if rest.len() > 8 * LONGEST { Some(None) } else { None },
        };
        let line = rest.get(..end)?;
        let Some(line) = line.strip_suffix(b"\r").filter(|line| is_text(line)) else { return Some(None) };
        at += end + 1;
        let literal = line.strip_suffix(b"}").and_then(|line| line.rsplit(|byte| *byte == b'{').next());
        match literal.and_then(number) {
            Some((size, [] | [b'+'])) => at = at.saturating_add(size as usize),
            _ => return Some(Some(at)),
        }
    }
}

pub fn ftp_client(b: &[u8], _: &[u8]) -> Step {
    let own: &[&[u8]] = &[
        b"PASV\r\n",
        b"EPSV",
        b"PORT ",
        b"EPRT ",
        b"TYPE ",
        b"CWD ",
        b"CDUP\r\n",
        b"PWD\r\n",
        b"XPWD\r\n",
        b"SIZE ",
        b"MDTM ",
        b"STOR ",
        b"APPE ",
        b"MLSD",
        b"MLST",
        b"NLST",
        b"RNFR ",
        b"RNTO ",
        b"SYST\r\n",
        b"FEAT\r\n",
        b"SITE ",
        b"MKD ",
        b"RMD ",
        b"REST ",
        b"ABOR\r\n",
        b"OPTS ",
    ];
    command(
        b,
        own,
        &[b"RETR ", b"LIST", b"DELE ", b"STAT", b"NOOP\r\n", b"QUIT\r\n", b"MODE ", b"STRU ", b"USER ", b"PASS "],
    )
}

/// A reply, its code of RFC 959 section 4.2.2; some say in their words whose they are, the others may be SMTP's.
pub fn ftp_server(b: &[u8], _: &[u8]) -> Step {
    reply(b, |code, text| {
        let says = |word: &[u8]| starts_nocase(text, word) == Some(true);
        match code {
            227 if says(b"Entering Passive Mode") => Some(48),
            229 if says(b"Entering Extended Passive Mode") => Some(48),
            257 if says(b"\"") => Some(OWN),
            213 => counted([text, b" "].concat().as_slice(), 1).then_some(16),
            125 | 150 | 226 => Some(12),
            110 | 120 | 200 | 202 | 211 | 212 | 214 | 215 | 221 | 225 | 227 | 229 | 230 | 250 | 257 | 331 | 332
            | 350 => Some(SHARED / 2),
            421 | 425 | 426 | 450..=452 | 500..=504 | 530 | 532 | 550..=553 => Some(SHARED / 2),
            _ => None,
        }
    })
}

pub fn irc_client(b: &[u8], _: &[u8]) -> Step {
    let own: &[&[u8]] = &[
        b"PRIVMSG ",
        b"JOIN #",
        b"PART #",
        b"PONG :",
        b"WHOIS ",
        b"NAMES #",
        b"TOPIC #",
        b"MODE #",
        b"WHO #",
        b"ISON ",
    ];
    command(b, own, &[b"NOTICE ", b"PING ", b"PONG ", b"NICK ", b"QUIT", b"AWAY", b"WHO ", b"LIST"])
}

/// `:prefix SP command SP …`, the command in three digits or a word.
pub fn irc_server(b: &[u8], _: &[u8]) -> Step {
    const WORDS: &[&[u8]] =
        &[b"PRIVMSG ", b"NOTICE ", b"JOIN ", b"PART ", b"QUIT ", b"MODE ", b"NICK ", b"TOPIC ", b"KICK ", b"PONG "];
    let Some((line, length)) = text(b)? else { return BROKEN };
    let Some(line) = line.strip_prefix(b":") else {
        return message(one_of(line, &[b"PING :", b"PING "]) == Some(true), length, 16);
    };
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    let (prefix, rest) = (parts.next()?, parts.next().unwrap_or_default());
    let numeric = rest.get(3) == Some(&b' ') && matches!(rest.get(..3).and_then(number), Some((1..=999, [])));
    message(!prefix.is_empty() && (numeric || one_of(rest, WORDS) == Some(true)), length, OWN)
}

/// A stanza to its end, or as far as it has come (RFC 6120 section 8).
pub fn xmpp(b: &[u8], _: &[u8]) -> Step {
    const STANZAS: &[(&[u8], &[u8])] =
        &[(b"<message", b"</message>"), (b"<presence", b"</presence>"), (b"<iq", b"</iq>")];
    const ATTRIBUTES: &[&[u8]] = &[b" to=", b" from=", b" id=", b" type="];
    // Blanks keep a connection alive.
    let blank = b.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r')).count();
    let stanza = b.get(blank..)?;
    if stanza.is_empty() {
        return None;
    }
    let Some((name, end)) = STANZAS.iter().find(|(name, _)| stanza.starts_with(name)) else { return BROKEN };
    let head = stanza.get(..memchr::memchr(b'>', stanza)?)?;
    let empty = head.ends_with(b"/");
    let end = if empty { Some(head.len() + 1) } else { memchr::memmem::find(stanza, end).map(|at| at + end.len()) };
    let named = ATTRIBUTES.iter().any(|attribute| memchr::memmem::find(head, attribute).is_some());
    let spaced = head.get(name.len()).is_some_and(|byte| byte.is_ascii_whitespace());
    message(named && spaced && spelt(head, 1) > 0, blank + end.unwrap_or(stanza.len() + 1), 40)
}
