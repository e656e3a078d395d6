//! Who logs in over a connection that anybody can read: the kind of credential and the account's name.
//!
//! The secret is stepped over: it is never copied, decoded or returned, so neither a record, a Debug line nor an error
//! can hold it. Base64 is decoded byte by byte and left at the separator in front of the secret.

use std::borrow::Cow;

use super::ber::{self, Element, INTEGER, OCTET_STRING, SEQUENCE};
use super::look::{be16, byte, starts_nocase};
use super::messaging::remaining_length;
use crate::Protocol;

/// A credential seen in the clear; the account where the protocol names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    pub kind: &'static str,
    pub account: Option<Cow<'a, [u8]>>,
}

/// Longer account names are cut: no directory allows more, and the name goes into a record.
const ACCOUNT_LIMIT: usize = 256;

/// The first credential in the client's first bytes (over UDP: in one datagram); none while it has not been sent whole.
pub fn credentials(protocol: Protocol, client: &[u8]) -> Option<Credential<'_>> {
    match protocol {
        Protocol::Http | Protocol::Rtsp => http(client),
        Protocol::Ftp => user_then_pass(client, "ftp_pass"),
        Protocol::Pop3 => {
            user_then_pass(client, "pop3_pass").or_else(|| sasl(client, "pop3_auth_plain", "pop3_auth_login"))
        }
        Protocol::Imap => imap(client),
        Protocol::Smtp => sasl(client, "smtp_auth_plain", "smtp_auth_login"),
        Protocol::Nntp => nntp(client),
        Protocol::Redis => redis(client),
        Protocol::Mqtt => mqtt(client),
        Protocol::Ldap => ldap(client),
        Protocol::Snmp => snmp(client),
        _ => None,
    }
}

fn found<'a>(kind: &'static str, account: Option<Cow<'a, [u8]>>) -> Option<Credential<'a>> {
    let account = account.map(|a| match a {
        Cow::Borrowed(b) => Cow::Borrowed(b.get(..ACCOUNT_LIMIT).unwrap_or(b)),
        Cow::Owned(mut b) => {
            b.truncate(ACCOUNT_LIMIT);
            Cow::Owned(b)
        }
    });
    Some(Credential { kind, account })
}

/// Whole lines without their ends.
fn lines(b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = memchr::memrchr(b'\n', b).and_then(|end| b.get(..end)).unwrap_or_default();
    whole.split(|c| *c == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l))
}

fn after<'a>(b: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    (starts_nocase(b, word) == Some(true)).then(|| b.get(word.len()..))?
}

/// RFC 7617, RFC 6750, RFC 7616: the Authorization field of a request, also towards a proxy.
fn http(b: &[u8]) -> Option<Credential<'_>> {
    for line in lines(b) {
        let Some(value) = after(line, b"Authorization:").or_else(|| after(line, b"Proxy-Authorization:")) else {
            continue;
        };
        let value = value.trim_ascii();
        if let Some(token) = after(value, b"Basic ") {
            return found("http_basic", Some(Cow::Owned(decoded_until(token, b':', 0)?)));
        }
        if after(value, b"Bearer ").is_some() {
            return found("http_bearer", None);
        }
        if let Some(fields) = after(value, b"Digest ") {
            let start = memchr::memmem::find(fields, b"username=\"")?;
            let name = fields.get(start + 10..)?.split(|c| *c == b'"').next()?;
            return found("http_digest", Some(Cow::Borrowed(name)));
        }
    }
    None
}

/// `USER name` followed by `PASS`.
fn user_then_pass<'a>(b: &'a [u8], kind: &'static str) -> Option<Credential<'a>> {
    let mut user = None;
    for line in lines(b) {
        if let Some(name) = after(line, b"USER ") {
            user = Some(name);
        } else if after(line, b"PASS ").is_some() {
            return found(kind, user.map(Cow::Borrowed));
        }
    }
    None
}

/// RFC 9051 section 6.2.3: `tag LOGIN user password`, the name as an atom or a quoted string.
fn imap(b: &[u8]) -> Option<Credential<'_>> {
    for line in lines(b) {
        let Some(command) = memchr::memchr(b' ', line).and_then(|end| line.get(end + 1..)) else { continue };
        if let Some(arguments) = after(command, b"LOGIN ") {
            let name = match arguments.strip_prefix(b"\"") {
                Some(quoted) => quoted.split(|c| *c == b'"').next()?,
                None => arguments.split(|c| *c == b' ').next()?,
            };
            // A literal ({5}) comes on the next line: the login is seen, the name is not.
            let literal = name.starts_with(b"{");
            return found("imap_login", (!literal).then_some(Cow::Borrowed(name)));
        }
        if after(command, b"AUTHENTICATE ").is_some() {
            return sasl_command(command, b, "imap_auth_plain", "imap_auth_login");
        }
    }
    None
}

/// RFC 4643 section 2.3.
fn nntp(b: &[u8]) -> Option<Credential<'_>> {
    let user = lines(b).find_map(|l| after(l, b"AUTHINFO USER "));
    lines(b).any(|l| after(l, b"AUTHINFO PASS ").is_some()).then(|| found("nntp_pass", user.map(Cow::Borrowed)))?
}

/// RFC 4954 section 4.
fn sasl<'a>(b: &'a [u8], plain: &'static str, login: &'static str) -> Option<Credential<'a>> {
    let line = lines(b).find(|l| after(l, b"AUTH ").is_some())?;
    sasl_command(line, b, plain, login)
}

/// `AUTH MECHANISM [initial response]`; without an initial response it is on the line that follows.
fn sasl_command<'a>(line: &[u8], all: &'a [u8], plain: &'static str, login: &'static str) -> Option<Credential<'a>> {
    let mut words = line.split(|c| *c == b' ').skip(1);
    let mechanism = words.next()?;
    let response = match words.next() {
        Some(initial) if !initial.is_empty() => initial,
        _ => lines(all).skip_while(|l| !l.ends_with(line)).nth(1)?,
    };
    if mechanism.eq_ignore_ascii_case(b"PLAIN") {
        // RFC 4616: authzid NUL authcid NUL password.
        return found(plain, Some(Cow::Owned(decoded_until(response, 0, 1)?)));
    }
    if mechanism.eq_ignore_ascii_case(b"LOGIN") {
        return found(login, Some(Cow::Owned(decoded_until(response, b'\n', 0).or_else(|| decoded_all(response))?)));
    }
    None
}

/// `AUTH [user] password`, `HELLO 3 AUTH user password`, as a RESP array or inline.
fn redis(b: &[u8]) -> Option<Credential<'_>> {
    let array = b.starts_with(b"*");
    let mut words: Vec<&[u8]> = Vec::new();
    for line in lines(b) {
        if array && matches!(line.first(), Some(b'*' | b'$')) {
            continue;
        }
        if array {
            words.push(line);
        } else {
            words.extend(line.split(|c| *c == b' '));
        }
        // A command and its few words: what comes after the first commands of a connection is not looked at.
        if words.len() > 16 {
            break;
        }
    }
    let at = words.iter().position(|w| w.eq_ignore_ascii_case(b"AUTH"))?;
    let argument = words.get(at + 1)?;
    // With one argument it is the password of the default user.
    let named = if array { count_of_array(b, at) } else { words.len() - at - 1 } >= 2;
    found("redis_auth", named.then_some(Cow::Borrowed(*argument)))
}

/// How many words follow AUTH in its own array: the count in front of it, less those before.
fn count_of_array(b: &[u8], words_before: usize) -> usize {
    let (mut seen, mut start, mut count) = (0usize, 0usize, 0usize);
    for line in lines(b) {
        if let Some(digits) = line.strip_prefix(b"*") {
            start = seen;
            count = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).unwrap_or(0);
        } else if !line.starts_with(b"$") {
            if seen == words_before {
                break;
            }
            seen += 1;
        }
    }
    count.saturating_sub(words_before.saturating_sub(start)).saturating_sub(1)
}

/// CONNECT with the password flag: name, level, flags, keep-alive, properties (5.0), client id, will, then the user name.
fn mqtt(b: &[u8]) -> Option<Credential<'_>> {
    let (_, start) = remaining_length(b)??;
    let string = |at: usize| -> Option<(&[u8], usize)> {
        let n = usize::from(be16(b, at)?);
        Some((b.get(at + 2..at + 2 + n)?, at + 2 + n))
    };
    let (_, at) = string(start)?;
    let (level, flags) = (byte(b, at)?, byte(b, at + 1)?);
    let properties = |at: usize| -> Option<usize> {
        if level < 5 {
            return Some(at);
        }
        let (length, end) = remaining_length(b.get(at.checked_sub(1)?..)?)??;
        Some(at - 1 + end + usize::try_from(length).ok()?)
    };
    let (_, mut at) = string(properties(at + 4)?)?;
    if flags & 0x04 != 0 {
        let (_, message) = string(properties(at)?)?;
        at = string(message)?.1;
    }
    if flags & 0x40 == 0 {
        return None;
    }
    let account = if flags & 0x80 != 0 { Some(Cow::Borrowed(string(at)?.0)) } else { None };
    found("mqtt_connect", account)
}

fn next<'a>(b: &'a [u8], tag: u8) -> Option<Element<'a>> {
    ber::element(b).ok()?.filter(|e| e.tag == tag)
}

/// BindRequest with simple authentication and a password that is not empty (RFC 4513 section 5.1.3).
fn ldap(b: &[u8]) -> Option<Credential<'_>> {
    let message = next(b, SEQUENCE)?;
    let bind = next(next(message.value, INTEGER)?.rest, 0x60)?;
    let name = next(next(bind.value, INTEGER)?.rest, OCTET_STRING)?;
    let password = next(name.rest, 0x80)?;
    if password.length == 0 || !name.is_whole() {
        return None;
    }
    found("ldap_simple_bind", Some(Cow::Borrowed(name.value)))
}

/// The community is the secret itself: there is no account.
fn snmp(b: &[u8]) -> Option<Credential<'_>> {
    let version = next(next(b, SEQUENCE)?.value, INTEGER)?;
    let community = next(version.rest, OCTET_STRING)?;
    if version.integer()? > 1 || community.length == 0 { None } else { found("snmp_community", None) }
}

fn sextet(c: u8) -> Option<u32> {
    Some(u32::from(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Base64 one byte at a time.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let (mut bits, mut held) = (0u32, 0u32);
    text.iter().map_while(|c| sextet(*c)).filter_map(move |s| {
        (bits, held) = (bits << 6 | s, held + 6);
        (held >= 8).then(|| {
            held -= 8;
            let byte = (bits >> held & 0xff) as u8;
            bits &= (1 << held) - 1;
            byte
        })
    })
}

/// The decoded field number `field`, up to its separator; nothing behind the separator is decoded.
fn decoded_until(text: &[u8], separator: u8, field: usize) -> Option<Vec<u8>> {
    let (mut name, mut passed) = (Vec::new(), 0);
    for byte in decoded(text) {
        if byte != separator {
            if passed == field && name.len() < ACCOUNT_LIMIT {
                name.push(byte);
            }
        } else if passed == field {
            return Some(name);
        } else {
            passed += 1;
        }
    }
    None
}

/// AUTH LOGIN sends the name alone.
fn decoded_all(text: &[u8]) -> Option<Vec<u8>> {
    let name: Vec<u8> = decoded(text).take(ACCOUNT_LIMIT).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(protocol: Protocol, bytes: &[u8]) -> Option<(&'static str, Option<String>)> {
        let c = credentials(protocol, bytes)?;
        assert!(!format!("{c:?}").contains("sesame"));
        Some((c.kind, c.account.map(|a| String::from_utf8_lossy(&a).into_owned())))
    }

    fn named(kind: &'static str, account: &str) -> Option<(&'static str, Option<String>)> {
        Some((kind, Some(account.into())))
    }

    #[test]
    fn http_authorization() {
        // RFC 7617 section 2: "Aladdin" and "open sesame".
        let basic = b"GET / HTTP/1.1\r\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert_eq!(seen(Protocol::Http, basic), named("http_basic", "Aladdin"));
        assert_eq!(seen(Protocol::Http, &basic[..50]), None);
        assert_eq!(
            seen(Protocol::Http, b"GET / HTTP/1.1\r\nAuthorization: Bearer sesame\r\n"),
            Some(("http_bearer", None))
        );
        let digest = b"GET / HTTP/1.1\r\nProxy-Authorization: Digest username=\"Mufasa\", realm=\"x\"\r\n";
        assert_eq!(seen(Protocol::Http, digest), named("http_digest", "Mufasa"));
    }

    #[test]
    fn mail_and_files() {
        assert_eq!(seen(Protocol::Ftp, b"USER joe\r\nPASS sesame\r\n"), named("ftp_pass", "joe"));
        assert_eq!(seen(Protocol::Ftp, b"USER joe\r\nPASS ses"), None);
        assert_eq!(seen(Protocol::Pop3, b"CAPA\r\nUSER joe\r\nPASS sesame\r\n"), named("pop3_pass", "joe"));
        assert_eq!(
            seen(Protocol::Imap, b"a CAPABILITY\r\na2 LOGIN \"joe b\" sesame\r\n"),
            named("imap_login", "joe b")
        );
        assert_eq!(seen(Protocol::Nntp, b"AUTHINFO USER joe\r\nAUTHINFO PASS sesame\r\n"), named("nntp_pass", "joe"));
        // RFC 4616 section 4: tim with tanstaaftanstaaf.
        let plain = b"EHLO a\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n";
        assert_eq!(seen(Protocol::Smtp, plain), named("smtp_auth_plain", "tim"));
        assert_eq!(
            seen(Protocol::Smtp, b"EHLO a\r\nAUTH PLAIN\r\nAHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"),
            named("smtp_auth_plain", "tim")
        );
        assert_eq!(seen(Protocol::Smtp, b"AUTH LOGIN\r\ndGlt\r\nc2VzYW1l\r\n"), named("smtp_auth_login", "tim"));
    }

    #[test]
    fn redis_with_and_without_a_user() {
        assert_eq!(seen(Protocol::Redis, b"*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n"), Some(("redis_auth", None)));
        assert_eq!(
            seen(Protocol::Redis, b"*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n*1\r\n$4\r\nPING\r\n"),
            Some(("redis_auth", None))
        );
        assert_eq!(
            seen(Protocol::Redis, b"*3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$6\r\nsesame\r\n"),
            named("redis_auth", "joe")
        );
        assert_eq!(
            seen(Protocol::Redis, b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$6\r\nsesame\r\n"),
            named("redis_auth", "joe")
        );
        assert_eq!(seen(Protocol::Redis, b"AUTH sesame\r\n"), Some(("redis_auth", None)));
    }

    #[test]
    fn binary_protocols() {
        let connect = b"\x10\x1d\0\x04MQTT\x04\xc2\0\x3c\0\x04test\0\x03joe\0\x06sesame";
        assert_eq!(seen(Protocol::Mqtt, connect), named("mqtt_connect", "joe"));
        let v5 = b"\x10\x1e\0\x04MQTT\x05\xc2\0\x3c\0\0\x04test\0\x03joe\0\x06sesame";
        assert_eq!(seen(Protocol::Mqtt, v5), named("mqtt_connect", "joe"));
        assert_eq!(seen(Protocol::Mqtt, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test"), None);
        let bind = b"\x30\x16\x02\x01\x01\x60\x11\x02\x01\x03\x04\x04cn=a\x80\x06sesame";
        assert_eq!(seen(Protocol::Ldap, bind), named("ldap_simple_bind", "cn=a"));
        assert_eq!(seen(Protocol::Ldap, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"), None);
        let get = b"\x30\x29\x02\x01\x01\x04\x06sesame\xa0\x1c";
        assert_eq!(seen(Protocol::Snmp, get), Some(("snmp_community", None)));
    }
}
