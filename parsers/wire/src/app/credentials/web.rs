//! Logins of HTTP and of what borrowed its fields: Basic, Bearer and Digest in RTSP and SIP too, and HTML forms.

use std::borrow::Cow;

use super::secret::{Secret, decoded, form_decoded, name};
use super::{Credential, after, found, lines};
use crate::Protocol;
use crate::app::look::contains_nocase;

/// Names of form fields, letter case aside, as login pages of common frameworks send them.
const PASSWORD_FIELDS: &[&[u8]] =
    &[b"password", b"passwd", b"pass", b"pwd", b"passphrase", b"j_password", b"user_password", b"login_password"];
const ACCOUNT_FIELDS: &[&[u8]] = &[
    b"username",
    b"user",
    b"login",
    b"email",
    b"userid",
    b"user_id",
    b"user_name",
    b"uname",
    b"j_username",
    b"log",
    b"account",
    b"user_login",
];

/// Kinds for Basic, Bearer and Digest.
fn kinds(protocol: Protocol) -> [&'static str; 3] {
    match protocol {
        Protocol::Sip => ["sip_basic", "sip_bearer", "sip_digest"],
        Protocol::Rtsp => ["rtsp_basic", "rtsp_bearer", "rtsp_digest"],
        _ => ["http_basic", "http_bearer", "http_digest"],
    }
}

/// RFC 7617, RFC 6750, RFC 7616, RFC 3261 section 22: the Authorization field of a request, also towards a proxy.
pub fn authorization(protocol: Protocol, b: &[u8]) -> Option<Credential<'_>> {
    let [basic, bearer, digest] = kinds(protocol);
    for line in lines(b) {
        let Some(value) = after(line, b"Authorization:").or_else(|| after(line, b"Proxy-Authorization:")) else {
            continue;
        };
        let value = value.trim_ascii();
        if let Some(text) = after(value, b"Basic ") {
            let text = text.trim_ascii();
            if !decoded(text).any(|c| c == b':') {
                continue;
            }
            let secret = Secret::Base64 { text, separator: b':', separators: 1, end: None };
            return found(basic, name(decoded(text).take_while(|c| *c != b':')), secret);
        }
        if let Some(token) = after(value, b"Bearer ") {
            return found(bearer, None, Secret::Bytes(token.trim_ascii()));
        }
        if let Some(fields) = after(value, b"Digest ") {
            let start = memchr::memmem::find(fields, b"username=\"")?;
            let account = fields.get(start + 10..)?.split(|c| *c == b'"').next()?;
            return found(digest, Some(Cow::Borrowed(account)), Secret::None);
        }
    }
    None
}

/// A field that is called like a password, in the query of the first request or in the body of a form.
pub fn form(b: &[u8]) -> Option<Credential<'_>> {
    let target = lines(b).next()?.split(|c| *c == b' ').nth(1)?;
    let query = target.splitn(2, |c| *c == b'?').nth(1).unwrap_or_default();
    fields(query, true).or_else(|| body(b).and_then(|(body, whole)| fields(body, whole)))
}

/// Whether a form has not come to its end.
pub fn is_form_begun(b: &[u8]) -> bool {
    body(b).is_some_and(|(_, whole)| !whole)
}

/// What is there of a form behind a whole head, and whether that is all of it.
fn body(b: &[u8]) -> Option<(&[u8], bool)> {
    let end = memchr::memmem::find(b, b"\r\n\r\n")? + 4;
    let (head, body) = b.split_at_checked(end)?;
    let coded =
        |l| after(l, b"Content-Type:").is_some_and(|v| contains_nocase(v, b"application/x-www-form-urlencoded"));
    if !lines(head).any(coded) {
        return None;
    }
    let length = lines(head)
        .find_map(|l| std::str::from_utf8(after(l, b"Content-Length:")?.trim_ascii()).ok()?.parse::<usize>().ok());
    let whole = length.is_none_or(|length| body.len() >= length);
    let body = body.get(..length.unwrap_or(body.len())).unwrap_or(body);
    Some((body, whole))
}

/// `whole`: nothing is cut off behind the last field, which may be the password.
fn fields(text: &[u8], whole: bool) -> Option<Credential<'_>> {
    let (mut account, mut password) = (None, None);
    let mut all = text.split(|c| *c == b'&').peekable();
    while let Some(field) = all.next() {
        let Some(equals) = memchr::memchr(b'=', field) else { continue };
        let (key, value) = (field.get(..equals)?, field.get(equals + 1..)?);
        let is = |names: &[&[u8]]| names.iter().any(|n| key.eq_ignore_ascii_case(n));
        if is(PASSWORD_FIELDS) && !value.is_empty() && (whole || all.peek().is_some()) {
            password = password.or(Some(value));
        } else if is(ACCOUNT_FIELDS) {
            account = account.or(Some(value));
        }
    }
    found("http_form", account.and_then(|value| name(form_decoded(value))), Secret::Form(password?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen};
    use crate::Protocol;

    #[test]
    fn authorization_fields() {
        // RFC 7617 section 2: "Aladdin" and "open sesame".
        let basic = b"GET / HTTP/1.1\r\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert_eq!(seen(Protocol::Http, basic), named("http_basic", "Aladdin"));
        assert_eq!(hashed(Protocol::Http, basic, b""), Some("open sesame".into()));
        assert_eq!(seen(Protocol::Http, &basic[..50]), None);
        let bearer = b"GET / HTTP/1.1\r\nAuthorization: Bearer sesame\r\n";
        assert_eq!(seen(Protocol::Http, bearer), Some(("http_bearer", None)));
        assert_eq!(hashed(Protocol::Http, bearer, b""), Some("sesame".into()));
        let digest = b"GET / HTTP/1.1\r\nProxy-Authorization: Digest username=\"Mufasa\", response=\"sesame\"\r\n";
        assert_eq!(seen(Protocol::Http, digest), named("http_digest", "Mufasa"));
        assert_eq!(hashed(Protocol::Http, digest, b""), None);
        let sip =
            b"REGISTER sip:example.com SIP/2.0\r\nAuthorization: Digest username=\"bob\", response=\"sesame\"\r\n\r\n";
        assert_eq!(seen(Protocol::Sip, sip), named("sip_digest", "bob"));
    }

    #[test]
    fn forms() {
        let head = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
        let post = format!("{head}Content-Length: 40\r\n\r\nuser=al%40x&remember=1&password=se+same");
        assert_eq!(seen(Protocol::Http, post.as_bytes()), None, "a byte of the body is missing");
        let post = post.replace(": 40", ": 39");
        let post = post.as_bytes();
        assert_eq!(seen(Protocol::Http, post), named("http_form", "al@x"));
        assert_eq!(hashed(Protocol::Http, post, b""), Some("se same".into()));
        let query = b"GET /?pwd=sesame&User=joe HTTP/1.1\r\n\r\n";
        assert_eq!(seen(Protocol::Http, query), named("http_form", "joe"));
        assert_eq!(hashed(Protocol::Http, query, b""), Some("sesame".into()));
        assert_eq!(seen(Protocol::Http, b"GET /?password= HTTP/1.1\r\n\r\n"), None);
        let json = "POST / HTTP/1.1\r\nContent-Type: application/json\r\n\r\n&password=sesame";
        assert_eq!(seen(Protocol::Http, json.as_bytes()), None);
    }
}
