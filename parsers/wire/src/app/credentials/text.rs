//! Logins of other protocols that write lines or XML: FTP, NNTP, IRC, XMPP, Redis.

use std::borrow::Cow;

use super::mail;
use super::secret::Secret;
use super::{Credential, after, found, lines};

/// Commands of a connection among which a login is looked for, and words kept of each.
const REDIS_COMMANDS: usize = 16;
const REDIS_WORDS: usize = 8;

/// RFC 959 section 4.1.1; `anonymous` (RFC 1635) has no password to lose.
pub fn ftp(b: &[u8]) -> Option<Credential<'_>> {
    let mut user = None;
    for line in lines(b) {
        if let Some(name) = after(line, b"USER ") {
            user = Some(name);
        } else if let Some(password) = after(line, b"PASS ") {
            let nobody = user.is_some_and(|u| u.eq_ignore_ascii_case(b"anonymous") || u.eq_ignore_ascii_case(b"ftp"));
            if !nobody {
                return found("ftp_pass", user.map(Cow::Borrowed), Secret::Bytes(password));
            }
        }
    }
    None
}

/// RFC 4643 section 2.3.
pub fn nntp(b: &[u8]) -> Option<Credential<'_>> {
    let user = lines(b).find_map(|l| after(l, b"AUTHINFO USER "));
    let password = lines(b).find_map(|l| after(l, b"AUTHINFO PASS "))?;
    found("nntp_pass", user.map(Cow::Borrowed), Secret::Bytes(password))
}

/// RFC 2812 section 3.1.1: PASS comes before NICK.
pub fn irc(b: &[u8]) -> Option<Credential<'_>> {
    let password = lines(b).find_map(|l| after(l, b"PASS "))?;
    let nick = lines(b).find_map(|l| after(l, b"NICK "))?;
    found("irc_pass", Some(Cow::Borrowed(nick)), Secret::Bytes(password.strip_prefix(b":").unwrap_or(password)))
}

/// RFC 6120 section 6.4.2: `<auth mechanism='PLAIN'>base64</auth>`.
pub fn xmpp(b: &[u8]) -> Option<Credential<'_>> {
    let start = memchr::memmem::find(b, b"<auth ")?;
    let element = b.get(start..)?;
    let open = memchr::memchr(b'>', element)?;
    let text = element.get(open + 1..)?;
    let text = text.get(..memchr::memmem::find(text, b"</auth")?)?;
    let attribute = memchr::memmem::find(element.get(..open)?, b"mechanism=")? + b"mechanism=".len();
    let mechanism = element.get(attribute + 1..open)?.split(|c| matches!(c, b'\'' | b'"')).next()?;
    mail::sasl(mechanism, &mut std::iter::once(text.trim_ascii()), &mail::XMPP)
}

/// `AUTH [user] password`, `HELLO 3 AUTH user password`, as a RESP array or inline.
pub fn redis(b: &[u8]) -> Option<Credential<'_>> {
    let mut rest = b;
    for _ in 0..REDIS_COMMANDS {
        let words;
        (words, rest) = redis_command(rest)?;
        let words: Vec<&[u8]> = words.into_iter().flatten().collect();
        let at = match words.first() {
            Some(word) if word.eq_ignore_ascii_case(b"AUTH") => 0,
            Some(word) if word.eq_ignore_ascii_case(b"HELLO") => {
                words.iter().position(|w| w.eq_ignore_ascii_case(b"AUTH")).unwrap_or(words.len())
            }
            _ => continue,
        };
        // With one argument it is the password of the default user.
        let (account, password) = match (at, words.get(at + 1), words.get(at + 2)) {
            (0, Some(password), None) => (None, password),
            (_, Some(account), Some(password)) => (Some(Cow::Borrowed(*account)), password),
            _ => continue,
        };
        return found("redis_auth", account, Secret::Bytes(password));
    }
    None
}

type RedisWords<'a> = [Option<&'a [u8]>; REDIS_WORDS];

/// The first words of one command, and what follows it.
fn redis_command(b: &[u8]) -> Option<(RedisWords<'_>, &[u8])> {
    fn line(b: &[u8]) -> Option<(&[u8], &[u8])> {
        let end = memchr::memchr(b'\n', b)?;
        let line = b.get(..end)?;
        Some((line.strip_suffix(b"\r").unwrap_or(line), b.get(end + 1..)?))
    }
    let size = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<usize>().ok();
    let mut words = [None; REDIS_WORDS];
    let (first, mut rest) = line(b)?;
    let Some(count) = first.strip_prefix(b"*") else {
        for (place, word) in words.iter_mut().zip(first.split(|c| *c == b' ').filter(|w| !w.is_empty())) {
            *place = Some(word);
        }
        return Some((words, rest));
    };
    for index in 0..size(count)? {
        let (header, body) = line(rest)?;
        let length = size(header.strip_prefix(b"$")?)?;
        let word = body.get(..length)?;
        rest = body.get(length..)?.strip_prefix(b"\r\n")?;
        if let Some(place) = words.get_mut(index) {
            *place = Some(word);
        }
    }
    Some((words, rest))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen};
    use crate::Protocol::{self, Ftp, Irc, Nntp, Redis, Xmpp};

    fn both(protocol: Protocol, bytes: &[u8]) -> (Option<(&'static str, Option<String>)>, Option<String>) {
        (seen(protocol, bytes), hashed(protocol, bytes, b""))
    }

    #[test]
    fn lines_and_xml() {
        let sesame = || Some("sesame".to_owned());
        assert_eq!(both(Ftp, b"USER joe\r\nPASS sesame\r\n"), (named("ftp_pass", "joe"), sesame()));
        assert_eq!(seen(Ftp, b"USER joe\r\nPASS ses"), None);
        assert_eq!(seen(Ftp, b"USER anonymous\r\nPASS a@b\r\n"), None);
        let nntp = b"AUTHINFO USER joe\r\nAUTHINFO PASS sesame\r\n";
        assert_eq!(both(Nntp, nntp), (named("nntp_pass", "joe"), sesame()));
        assert_eq!(both(Irc, b"PASS :sesame\r\nNICK joe\r\n"), (named("irc_pass", "joe"), sesame()));
        let xmpp =
            b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldAByMG0zMG15cjBtMzA=</auth>";
        // RFC 6120 section 9.1.
        assert_eq!(both(Xmpp, xmpp), (named("xmpp_auth_plain", "juliet"), Some("r0m30myr0m30".into())));
    }

    #[test]
    fn redis_with_and_without_a_user() {
        let sesame = || Some("sesame".to_owned());
        for (bytes, account) in [
            (&b"*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n"[..], None),
            (b"*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n*1\r\n$4\r\nPING\r\n", None),
            (b"*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n*3\r\n$4\r\nauth\r\n$3\r\njoe\r\n$6\r\nsesame\r\n", Some("joe")),
            (b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$6\r\nsesame\r\n", Some("joe")),
            (b"PING\r\nAUTH sesame\r\n", None),
        ] {
            assert_eq!(both(Redis, bytes), (Some(("redis_auth", account.map(Into::into))), sesame()));
        }
        assert_eq!(seen(Redis, b"*3\r\n$3\r\nSET\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n"), None);
        assert_eq!(seen(Redis, b"*2\r\n$4\r\nAUTH\r\n$6\r\nses"), None);
    }
}
