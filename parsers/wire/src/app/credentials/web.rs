//! Logins of HTTP and of what borrowed its fields: Basic, Bearer and Digest in RTSP and SIP too, and HTML forms.

use std::borrow::Cow;

use super::secret::{Secret, decoded, form_decoded, name};
use super::{Credential, after, found, lines};
use crate::Protocol;
use crate::app::look::{Match, contains_nocase, starts_nocase};
use crate::app::web::request;

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
    lines(b).find_map(|line| authorized(protocol, line))
}

/// The same of one line.
#[inline]
fn authorized(protocol: Protocol, line: &[u8]) -> Option<Credential<'_>> {
    let value = match line.first()? {
        b'A' | b'a' => after(line, b"Authorization:")?,
        b'P' | b'p' => after(line, b"Proxy-Authorization:")?,
        _ => return None,
    };
    let [basic, bearer, digest] = kinds(protocol);
    let value = value.trim_ascii();
    if let Some(text) = after(value, b"Basic ") {
        let text = text.trim_ascii();
        let secret = Secret::Base64 { text, separator: b':', separators: 1, end: None };
        let has_both = decoded(text).any(|c| c == b':');
        return has_both.then(|| found(basic, name(decoded(text).take_while(|c| *c != b':')), secret))?;
    }
    if let Some(token) = after(value, b"Bearer ") {
        return found(bearer, None, Secret::Bytes(token.trim_ascii()));
    }
    let fields = after(value, b"Digest ")?;
    let start = memchr::memmem::find(fields, b"username=\"")?;
    let account = fields.get(start + 10..)?.split(|c| *c == b'"').next()?;
    found(digest, Some(Cow::Borrowed(account)), Secret::None)
}

/// What HTTP requests show.
pub struct Requests<'a> {
    /// In any of them: its field for it, or in its query or its form a field that is called like a password.
    pub login: Option<Credential<'a>>,
    /// The rest of the last one's head, or of the form behind it, may show one.
    pub goes_on: bool,
    /// They are whole, so that what comes next begins another.
    pub ended: bool,
}

impl<'a> Requests<'a> {
    /// In one walk over the lines: the requests of a connection are looked at as long as it lasts.
    pub fn read(b: &'a [u8]) -> Self {
        if is_bare(b) {
            return Self { login: None, goes_on: false, ended: true };
        }
        let mut rest = b;
        loop {
            let (login, end) = one(rest);
            let (goes_on, at) = match end {
                _ if login.is_some() => return Self { login, goes_on: false, ended: false },
                End::Awaited => (true, None),
                End::Unknown => (false, None),
                End::At(at) => (false, Some(at)),
            };
            let behind = at.and_then(|at| rest.get(at..));
            match behind.map(|behind| (behind, request(behind))) {
                Some((behind, Some(Match::Yes))) => rest = behind,
                // None has begun, or it is cut in its first line.
                Some((behind, None)) => return Self { login, goes_on: !behind.is_empty(), ended: behind.is_empty() },
                _ => return Self { login, goes_on, ended: false },
            }
        }
    }
}

/// Whether nothing but one head is there, without a question in its first line and without a login: what most requests are, told without
/// a walk over its lines. What is sent with these methods means nothing (RFC 9110 sections 9.3.1 and 9.3.2).
fn is_bare(b: &[u8]) -> bool {
    // Rarer in a head than the letters before it.
    let authorizes = |z: usize| {
        let name = z.checked_sub(7).and_then(|at| b.get(at..)).unwrap_or_default();
        starts_nocase(name, b"authorization:") == Some(true)
    };
    (b.starts_with(b"GET ") || b.starts_with(b"HEAD "))
        && b.strip_suffix(b"\n\r\n").is_some_and(|head| !has_short_line(head))
        && query(b).is_none()
        && !memchr::memchr2_iter(b'z', b'Z', b).any(authorizes)
}

/// Whether a line of one character is there, as the one that ends a head is. Without a way out of the loop it is done 16 bytes at a time.
fn has_short_line(b: &[u8]) -> bool {
    let behind = b.get(2..).unwrap_or_default();
    b.iter().zip(behind).fold(false, |short, (one, other)| short | (*one == b'\n') & (*other == b'\n'))
}

/// Where a request ends.
enum End {
    /// Told by its length; what is missing of it shows no login.
    At(usize),
    /// In bytes to come, which may show a login.
    Awaited,
    /// Told by chunks or the end of the connection.
    Unknown,
}

/// The login that the first request of these shows, and its end.
fn one(b: &[u8]) -> (Option<Credential<'_>>, End) {
    let (mut body_at, mut coded, mut chunked, mut length) = (None, false, false, None);
    let mut at = 0;
    for end in memchr::memchr_iter(b'\n', b) {
        let line = b.get(at..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        at = end + 1;
        if let Some(login) = authorized(Protocol::Http, line) {
            return (Some(login), End::Unknown);
        }
        match line.first() {
            None => {
                body_at = body_at.or(Some(at));
                // What stands in chunks may be requests as well.
                if !chunked {
                    break;
                }
            }
            Some(b'C' | b'c') if body_at.is_none() => {
                let is_form = |kind| contains_nocase(kind, b"application/x-www-form-urlencoded");
                coded |= after(line, b"Content-Type:").is_some_and(is_form);
                length = length.or_else(|| {
                    std::str::from_utf8(after(line, b"Content-Length:")?.trim_ascii()).ok()?.parse::<usize>().ok()
                });
            }
            Some(b'T' | b't') if body_at.is_none() => chunked |= after(line, b"Transfer-Encoding:").is_some(),
            _ => {}
        }
    }
    let body = body_at.and_then(|at| b.get(at..));
    let whole = body.is_some_and(|body| !coded || length.is_none_or(|length| body.len() >= length));
    let form = || {
        let body = body.filter(|_| coded)?;
        fields(body.get(..length.unwrap_or(body.len())).unwrap_or(body), whole)
    };
    let end = match (body_at, length) {
        _ if !whole => End::Awaited,
        (Some(at), Some(length)) if !chunked => End::At(at.saturating_add(length)),
        (Some(at), None) if !chunked && !coded => End::At(at),
        _ => End::Unknown,
    };
    (query(b).and_then(|query| fields(query, true)).or_else(form), end)
}

/// Of the first request, once its line is whole.
fn query(b: &[u8]) -> Option<&[u8]> {
    let line = b.get(..memchr::memchr(b'\n', b)?)?;
    let query = line.get(memchr::memchr(b'?', line)? + 1..)?;
    query.split(|c| *c == b' ').next()
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
    use super::Requests;
    use crate::Protocol;

    #[test]
    fn authorization_fields() {
        // RFC 7617 section 2: "Aladdin" and "open sesame".
        let basic = b"GET / HTTP/1.1\r\nauthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert_eq!(seen(Protocol::Http, basic), named("http_basic", "Aladdin"));
        assert_eq!(hashed(Protocol::Http, basic, b""), Some("open sesame".into()));
        assert_eq!(seen(Protocol::Http, &basic[..50]), None);
        for field in ["Authorization", "AUTHORIZATION", "proxy-authorization"] {
            let request =
                format!("GET /z HTTP/1.1\r\nHost: z\r\n{field}: Bearer sesame\r\nAccept-Encoding: gzip\r\n\r\n");
            assert_eq!(seen(Protocol::Http, request.as_bytes()), Some(("http_bearer", None)));
        }
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
    fn requests_that_do_not_wait() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let form = "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\n\
            user=joe&password=sam";
        let put = "PUT /f HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        for before in [get, put, &form[..form.len() - 12].replace("21", "9")] {
            let all = [before, get, form].concat();
            assert_eq!(seen(Protocol::Http, all.as_bytes()), named("http_form", "joe"), "{before}");
            let all = [before, "GET /?pwd=sam&user=al HTTP/1.1\r\n\r\n"].concat();
            assert_eq!(seen(Protocol::Http, all.as_bytes()), named("http_form", "al"), "{before}");
        }
        // In the body of another.
        let sent = format!("PUT /f HTTP/1.1\r\nContent-Length: {}\r\n\r\n{form}", form.len());
        assert_eq!(seen(Protocol::Http, sent.as_bytes()), None);
        let states = |text: &str| {
            let all = Requests::read(text.as_bytes());
            (all.goes_on, all.ended)
        };
        for whole in [get.to_string(), [get, put].concat()] {
            assert_eq!(states(&whole), (false, true), "{whole}");
            for cut in 1..get.len() {
                assert_eq!(states(&[&whole, &get[..cut]].concat()), (true, false), "{cut}");
            }
        }
        assert_eq!(states(&put[..put.len() - 1]), (false, false));
        assert_eq!(states(&[get, "\x16\x03\x01"].concat()), (false, false));
        assert_eq!(states(&form[..form.len() - 1]), (true, false));
        for length in ["", "Content-Length: 5\r\n"] {
            let chunked = format!("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{length}\r\n0\r\n\r\n");
            assert_eq!(states(&chunked), (false, false), "{length}");
        }
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
