//! Logins of mail: SMTP, POP3, IMAP and Sieve, by their own commands and by SASL.

use std::borrow::Cow;

use super::secret::{Secret, decoded, is_base64, name, unquoted};
use super::{Credential, after, found, lines};

/// SASL mechanisms that show something, in the order of the kinds.
const MECHANISMS: [&[u8]; 7] = [b"PLAIN", b"LOGIN", b"CRAM-MD5", b"DIGEST-MD5", b"NTLM", b"XOAUTH2", b"OAUTHBEARER"];

type Kinds = [&'static str; MECHANISMS.len()];

macro_rules! kinds {
    ($protocol:literal) => {
        [
            concat!($protocol, "_auth_plain"),
            concat!($protocol, "_auth_login"),
            concat!($protocol, "_auth_cram_md5"),
            concat!($protocol, "_auth_digest_md5"),
            concat!($protocol, "_auth_ntlm"),
            concat!($protocol, "_auth_bearer"),
            concat!($protocol, "_auth_bearer"),
        ]
    };
}

pub const XMPP: Kinds = kinds!("xmpp");

/// RFC 4954 section 4.
pub fn smtp(b: &[u8]) -> Option<Credential<'_>> {
    commands(b, |line| after(line, b"AUTH "), &kinds!("smtp"))
}

/// RFC 5804 section 2.1.
pub fn sieve(b: &[u8]) -> Option<Credential<'_>> {
    commands(b, |line| after(line, b"AUTHENTICATE "), &kinds!("sieve"))
}

/// RFC 1939 section 7, RFC 5034.
pub fn pop3(b: &[u8]) -> Option<Credential<'_>> {
    let mut user = None;
    for line in lines(b) {
        if let Some(name) = after(line, b"USER ") {
            user = Some(name);
        } else if let Some(password) = after(line, b"PASS ") {
            return found("pop3_pass", user.map(Cow::Borrowed), Secret::Bytes(password));
        } else if let Some(arguments) = after(line, b"APOP ") {
            return found("pop3_apop", arguments.split(|c| *c == b' ').next().map(Cow::Borrowed), Secret::None);
        }
    }
    commands(b, |line| after(line, b"AUTH "), &kinds!("pop3"))
}

/// RFC 9051 sections 6.2.2 and 6.2.3: `tag AUTHENTICATE mechanism`, `tag LOGIN user password`.
pub fn imap(b: &[u8]) -> Option<Credential<'_>> {
    let untagged = |line: &'_ [u8]| memchr::memchr(b' ', line).map(|space| space + 1);
    let mut at = 0;
    while let Some(end) = b.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        let line = b.get(at..at + end)?;
        if let Some(start) = untagged(line)
            && after(line.get(start..)?, b"LOGIN ").is_some()
        {
            return login(b.get(at + start + b"LOGIN ".len()..)?);
        }
        at += end + 1;
    }
    commands(b, |line| after(line.get(untagged(line)?..)?, b"AUTHENTICATE "), &kinds!("imap"))
}

fn login(arguments: &[u8]) -> Option<Credential<'_>> {
    let (account, rest) = astring(arguments)?;
    let (password, _) = astring(rest.strip_prefix(b" ")?)?;
    let account = match account {
        Secret::Bytes(plain) => Some(Cow::Borrowed(plain)),
        Secret::Quoted(quoted) => name(unquoted(quoted)),
        _ => None,
    };
    found("imap_login", account, password)
}

/// An atom, a quoted string or a literal (RFC 9051 section 4.3), and what follows it.
fn astring(b: &[u8]) -> Option<(Secret<'_>, &[u8])> {
    if let Some(quoted) = b.strip_prefix(b"\"") {
        let mut end = 0;
        while *quoted.get(end)? != b'"' {
            end += if quoted.get(end) == Some(&b'\\') { 2 } else { 1 };
        }
        return Some((Secret::Quoted(quoted.get(..end)?), quoted.get(end + 1..)?));
    }
    if let Some(literal) = b.strip_prefix(b"{") {
        let line = memchr::memchr(b'\n', literal)?;
        let digits = literal.get(..line)?.iter().take_while(|c| c.is_ascii_digit()).count();
        let size: usize = std::str::from_utf8(literal.get(..digits)?).ok()?.parse().ok()?;
        let body = literal.get(line + 1..)?;
        return Some((Secret::Bytes(body.get(..size)?), body.get(size..)?));
    }
    let end = b.iter().position(|c| matches!(c, b' ' | b'\r' | b'\n'))?;
    Some((Secret::Bytes(b.get(..end)?), b.get(end..)?))
}

/// The first `AUTH MECHANISM [initial response]` that was gone through; without an initial response it is on the next line.
fn commands<'a>(
    b: &'a [u8],
    arguments: impl Fn(&'a [u8]) -> Option<&'a [u8]>,
    kinds: &Kinds,
) -> Option<Credential<'a>> {
    let mut all = lines(b);
    while let Some(line) = all.next() {
        let Some(arguments) = arguments(line) else { continue };
        // Servers take more than one space for one.
        let mut words = arguments.split(|c| *c == b' ').filter(|word| !word.is_empty());
        let Some(mechanism) = words.next().and_then(string) else { continue };
        let mut rest = words.next().into_iter().chain(all.clone()).filter_map(string);
        if let Some(found) = sasl(mechanism, &mut rest, kinds) {
            return Some(found);
        }
    }
    None
}

/// A word, which Sieve puts in quotes; the length of a literal is none, and its text is on the next line (RFC 5804 section 1.2).
fn string(word: &[u8]) -> Option<&[u8]> {
    match word {
        [b'{', ..] => None,
        [b'"', text @ .., b'"'] => Some(text),
        _ => Some(word),
    }
}

/// The client's side of a SASL exchange, base64 a line.
pub fn sasl<'a>(
    mechanism: &[u8],
    responses: &mut impl Iterator<Item = &'a [u8]>,
    kinds: &Kinds,
) -> Option<Credential<'a>> {
    let at = MECHANISMS.iter().position(|m| mechanism.eq_ignore_ascii_case(m))?;
    let (kind, text) = (*kinds.get(at)?, responses.next().filter(|text| is_base64(text))?);
    match at {
        // RFC 4616: authzid NUL authcid NUL password.
        0 => {
            let mut account = decoded(text).skip_while(|c| *c != 0).skip(1);
            let secret = Secret::Base64 { text, separator: 0, separators: 2, end: None };
            found(kind, name(account.by_ref().take_while(|c| *c != 0)), secret)
        }
        // draft-murchison-sasl-login: the name, then the password.
        1 => {
            let text_of_password = responses.next().filter(|text| is_base64(text))?;
            let secret = Secret::Base64 { text: text_of_password, separator: 0, separators: 0, end: None };
            found(kind, name(decoded(text)), secret)
        }
        // RFC 2195: name, space, digest.
        2 => found(kind, name(decoded(text).take_while(|c| *c != b' ')), Secret::None),
        // RFC 2831: username="…",realm=…
        3 => {
            let field = decoded(text).take(8 * super::ACCOUNT_LIMIT).collect::<Vec<u8>>();
            let start = memchr::memmem::find(&field, b"username=\"")? + 10;
            found(kind, name(field.get(start..)?.iter().copied().take_while(|c| *c != b'"')), Secret::None)
        }
        // MS-NLMP: the third message proves the password; the first two only negotiate.
        4 => responses.next().filter(|text| is_base64(text)).and_then(|_| found(kind, None, Secret::None)),
        // user=name ^A auth=Bearer token ^A ^A; RFC 7628: n,a=name,^A … ^A auth=Bearer token ^A ^A.
        _ => {
            let mut account = decoded(text).skip_while(|c| *c != b'=').skip(1);
            let account = name(account.by_ref().take_while(|c| !matches!(c, 1 | b',')));
            let secret = Secret::Base64 { text, separator: b' ', separators: 1, end: Some(1) };
            found(kind, account, secret)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen};
    use crate::Protocol::{Imap, Pop3, Sieve, Smtp};

    #[test]
    fn commands_of_their_own() {
        let pass = b"CAPA\r\nUSER joe\r\nPASS open sesame\r\n";
        assert_eq!(seen(Pop3, pass), named("pop3_pass", "joe"));
        assert_eq!(hashed(Pop3, pass, b""), Some("open sesame".into()));
        // RFC 1939 section 7.
        let apop = b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n";
        assert_eq!((seen(Pop3, apop), hashed(Pop3, apop, b"")), (named("pop3_apop", "mrose"), None));
        for (login, account) in [
            (&b"a CAPABILITY\r\na2 LOGIN \"joe b\" sesame\r\n"[..], "joe b"),
            (b"a login joe \"se\\same\"\r\n", "joe"),
            (b"a LOGIN {3}\r\njoe {6}\r\nsesame\r\n", "joe"),
            (b"a LOGIN {3+}\r\njoe {6+}\r\nsesame\r\n", "joe"),
        ] {
            assert_eq!(seen(Imap, login), named("imap_login", account));
            assert_eq!(hashed(Imap, login, b""), Some("sesame".into()));
            assert_eq!(seen(Imap, &login[..login.len() - 4]), None);
        }
    }

    #[test]
    fn sasl() {
        for plain in [
            &b"AUTHENTICATE \"PLAIN\" \"AHRpbQB0YW5zdGFhZnRhbnN0YWFm\"\r\n"[..],
            b"AUTHENTICATE \"plain\" {28+}\r\nAHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
            b"CAPABILITY\r\nAUTHENTICATE \"PLAIN\"\r\n\"AHRpbQB0YW5zdGFhZnRhbnN0YWFm\"\r\n",
        ] {
            assert_eq!(seen(Sieve, plain), named("sieve_auth_plain", "tim"));
            assert_eq!(hashed(Sieve, plain, b""), Some("tanstaaftanstaaf".into()));
            assert_eq!(seen(Sieve, &plain[..plain.len() - 2]), None);
        }
        let login = b"AUTHENTICATE \"LOGIN\"\r\n{4+}\r\ndGlt\r\n{8+}\r\nc2VzYW1l\r\n";
        assert_eq!(
            (seen(Sieve, login), hashed(Sieve, login, b"")),
            (named("sieve_auth_login", "tim"), Some("sesame".into()))
        );
        // RFC 4616 section 4: tim with tanstaaftanstaaf.
        for plain in [
            &b"EHLO a\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"[..],
            b"EHLO a\r\nAUTH  PLAIN  AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
            b"EHLO a\r\nAUTH PLAIN\r\nAHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
            b"EHLO a\r\nAUTH LOGIN\r\n*\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
        ] {
            assert_eq!(seen(Smtp, plain), named("smtp_auth_plain", "tim"));
            assert_eq!(hashed(Smtp, plain, b""), Some("tanstaaftanstaaf".into()));
        }
        for login in [&b"AUTH LOGIN\r\ndGlt\r\nc2VzYW1l\r\n"[..], b"AUTH LOGIN dGlt\r\nc2VzYW1l\r\n"] {
            assert_eq!(seen(Smtp, login), named("smtp_auth_login", "tim"));
            assert_eq!(hashed(Smtp, login, b""), Some("sesame".into()));
            assert_eq!(seen(Smtp, &login[..20]), None);
        }
        // RFC 2195 section 2.
        let cram = b"A1 AUTHENTICATE CRAM-MD5\r\ndGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n";
        assert_eq!((seen(Imap, cram), hashed(Imap, cram, b"")), (named("imap_auth_cram_md5", "tim"), None));
        // RFC 2831 section 4, its first fields.
        let digest = b"a AUTHENTICATE DIGEST-MD5\r\nY2hhcnNldD11dGYtOCx1c2VybmFtZT0iY2hyaXMiLHJlYWxtPSJlIg==\r\n";
        assert_eq!(seen(Imap, digest), named("imap_auth_digest_md5", "chris"));
        // RFC 7628 section 4.1, shortened: n,a=user@example.com,^Aauth=Bearer vF9dft4^A^A
        let bearer = b"AUTH OAUTHBEARER bixhPXVzZXJAZXhhbXBsZS5jb20sAWF1dGg9QmVhcmVyIHZGOWRmdDQBAQ==\r\n";
        assert_eq!(seen(Smtp, bearer), named("smtp_auth_bearer", "user@example.com"));
        assert_eq!(hashed(Smtp, bearer, b""), Some("vF9dft4".into()));
    }
}
