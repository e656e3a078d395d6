//! HTTP/1 as far as it tells a server that only redirects to HTTPS from one that serves (RFC 9110, RFC 9112, RFC 6797).
//!
//! Works on the first bytes of both sides. May not know flows; content is skipped, never read.

use super::look::{Match, contains_nocase, number, starts_nocase};
use super::proxies::{self, chunked_length};
use super::web::request;

/// What the first bytes of a connection show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// The first request's Host, and the first final response's status.
    pub host: Option<&'a [u8]>,
    pub status: Option<u16>,
    /// Every response, to its end, sends the client to an https URI.
    pub redirect_to_https: bool,
    /// Some response has Strict-Transport-Security (which a browser honours only over TLS).
    pub hsts: bool,
    /// Some request carries a cookie; content.
    pub cookie: bool,
    pub body: bool,
    /// A response other than a redirect to https and a demand for a login: whatever follows, something is served here.
    pub served: bool,
}

/// 301 Moved Permanently, 302 Found, 307 Temporary Redirect, 308 Permanent Redirect.
const REDIRECTS: [u32; 4] = [301, 302, 307, 308];
/// 401 Unauthorized, 407 Proxy Authentication Required: the login comes with the next request.
const CHALLENGES: [u32; 2] = [401, 407];

pub fn exchange<'a>(client: &'a [u8], server: &[u8]) -> Exchange<'a> {
    let mut seen = Exchange::default();
    requests(client, &mut seen);
    if !is_version_2(client) {
        responses(client.starts_with(b"HEAD "), server, &mut seen);
    } else {
        seen.served = true;
    }
    seen
}

/// A protocol of Tailscale's that HTTP switches to.
pub(super) struct Tailscale {
    pub name: &'static [u8],
    /// What the server's first message in it begins with, and how many bytes of keys and ciphertext follow.
    pub answer: &'static [u8],
    pub sealed: usize,
}

/// The control connection (controlbase), and the relay DERP (derp.go), which says who it is with its key.
const TAILSCALE: [Tailscale; 2] = [
    Tailscale { name: b"tailscale-control-protocol", answer: &[2, 0, 48], sealed: 48 },
    Tailscale { name: b"DERP", answer: b"\x01\0\0\0\x28DERP\xf0\x9f\x94\x91", sealed: 32 },
];

/// That a response switches to one of these, and what follows its head.
pub(super) fn switched_to_tailscale(server: &[u8]) -> Option<(&'static Tailscale, &[u8])> {
    let head = Some(server).filter(|server| server.starts_with(b"HTTP/1.1 101")).and_then(proxies::http_head)?;
    let named = proxies::field(head, b"Upgrade:")?;
    let protocol = TAILSCALE.iter().find(|protocol| named.eq_ignore_ascii_case(protocol.name))?;
    Some((protocol, server.get(head.len()..)?))
}

/// Version 2 with prior knowledge (RFC 9113 section 3.3), whose requests are in frames.
pub fn is_version_2(client: &[u8]) -> bool {
    client.starts_with(b"PRI * HTTP/2")
}

/// Whether bytes begin a request (RFC 9112 section 3).
pub fn is_request(b: &[u8]) -> bool {
    request(b) == Some(Match::Yes)
}

fn requests<'a>(client: &'a [u8], seen: &mut Exchange<'a>) {
    // Fields of any request: what a body holds that looks like one only makes the picture less rosy.
    for line in client.split(|c| *c == b'\n') {
        if let Some(host) = field(line, b"Host:") {
            seen.host = seen.host.or(Some(host));
        }
        seen.cookie |= field(line, b"Cookie:").is_some();
        seen.body |= field(line, b"Transfer-Encoding:").is_some()
            || field(line, b"Content-Length:").and_then(number).is_some_and(|(length, _)| length > 0);
    }
}

fn responses(bodiless: bool, server: &[u8], seen: &mut Exchange<'_>) {
    let (mut rest, mut challenged) = (server, false);
    while let Some(end) = memchr::memmem::find(rest, b"\r\n\r\n") {
        let Some((head, body)) = rest.split_at_checked(end + 4) else { return };
        let Some((status, _)) = head.get(9..).filter(|_| head.starts_with(b"HTTP/1.")).and_then(number) else {
            seen.served = true;
            break;
        };
        rest = body;
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        seen.status = seen.status.or(u16::try_from(status).ok());
        let has = |name: &[u8]| head.split(|c| *c == b'\n').find_map(|line| field(line, name));
        seen.hsts |= has(b"Strict-Transport-Security:").is_some();
        let https = has(b"Location:").is_some_and(|uri| starts_nocase(uri, b"https://") == Some(true));
        match status {
            // What it switches to shows in what follows.
            101 if switched_to_tailscale(head).is_some_and(|(to, _)| rest.len() < to.answer.len() + to.sealed) => {
                return;
            }
            _ if CHALLENGES.contains(&status) => challenged = true,
            _ if https && REDIRECTS.contains(&status) => seen.redirect_to_https = true,
            _ => {
                seen.served = true;
                break;
            }
        }
        let length = if bodiless { Some(0) } else { has(b"Content-Length:").and_then(number).map(|(n, _)| n as usize) };
        let chunked = has(b"Transfer-Encoding:").is_some_and(|v| contains_nocase(v, b"chunked"));
        rest = match (length, chunked) {
            (Some(length), _) => rest.get(length..).unwrap_or_default(),
            (None, true) => chunked_length(rest).and_then(|length| rest.get(length..)).unwrap_or_default(),
            // To the end of the connection.
            (None, false) => &[],
        };
    }
    seen.redirect_to_https &= !seen.served && !challenged && rest.is_empty();
}

/// The value of a field, if the line is that field.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    (starts_nocase(line, name) == Some(true)).then(|| line.get(name.len()..).map(<[u8]>::trim_ascii))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
    const MOVED: &[u8] =
        b"HTTP/1.1 301 Moved Permanently\r\nContent-Length: 3\r\nlocation: HTTPS://shop.example/\r\n\r\nbye";
    const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

    #[test]
    fn redirects_in_chunks() {
        let head = b"HTTP/1.1 301 Moved\r\nLocation: https://a/\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in [&b"5\r\nmoved\r\n0\r\n\r\n"[..], b"10\r\n\r\n34567890123456\r\n0\r\nX: y\r\n\r\n"] {
            assert!(exchange(GET, &[head, body].concat()).redirect_to_https);
            let more = [head, body, b"HTTP/1.1 200 OK\r\n\r\n"].concat();
            assert!(!exchange(GET, &more).redirect_to_https, "something is served behind it");
        }
    }

    #[test]
    fn every_answer_has_to_redirect() {
        let only = exchange(GET, MOVED);
        assert_eq!((only.host, only.status, only.redirect_to_https), (Some(&b"shop.example"[..]), Some(301), true));
        assert!(!only.served && !only.hsts && !only.cookie && !only.body);
        assert!(exchange(GET, &[b"HTTP/1.1 100 Continue\r\n\r\n", MOVED, MOVED].concat()).redirect_to_https);
        let then_serves = exchange(GET, &[MOVED, PAGE].concat());
        assert_eq!((then_serves.redirect_to_https, then_serves.served, then_serves.status), (false, true, Some(301)));
        for server in [PAGE, &MOVED[..60], b"", b"HTTP/1.1 301 Moved\r\nLocation: http://shop.example/\r\n\r\n"] {
            assert!(!exchange(GET, server).redirect_to_https);
        }
        assert!(!exchange(GET, &[MOVED, b"HTTP/1.1 200"].concat()).redirect_to_https, "what follows is not known");
        assert!(!exchange(GET, b"HTTP/1.1 200 OK\r\nLocation: https://shop.example/\r\n\r\n").redirect_to_https);
    }

    #[test]
    fn a_login_is_waited_for() {
        let challenge = b"HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\nno";
        let asked = exchange(GET, challenge);
        assert_eq!((asked.served, asked.redirect_to_https, asked.status), (false, false, Some(401)));
        assert!(exchange(GET, &[challenge, PAGE].concat()).served);
        assert!(!exchange(GET, &[challenge, MOVED].concat()).redirect_to_https);
    }

    #[test]
    fn ends_of_content() {
        let chunked =
            b"HTTP/1.1 308 X\r\nTransfer-Encoding: chunked\r\nLocation: https://a/\r\n\r\n3\r\nbye\r\n0\r\n\r\n";
        assert!(exchange(GET, &[chunked, MOVED].concat()).redirect_to_https);
        assert!(exchange(GET, b"HTTP/1.0 302 X\r\nLocation: https://a/\r\n\r\nto the end").redirect_to_https);
        let head = [&b"HEAD"[..], &GET[3..]].concat();
        assert!(exchange(&head, &[&MOVED[..MOVED.len() - 3], MOVED].concat()[..2 * MOVED.len() - 6]).redirect_to_https);
    }

    #[test]
    fn what_a_request_gave_away() {
        let post = b"POST / HTTP/1.1\r\nCookie: id=1\r\nContent-Length: 5\r\n\r\na=b&c";
        let hsts = b"HTTP/1.1 307 X\r\nStrict-Transport-Security: max-age=9\r\nLocation: https://a/\r\n\r\n";
        let seen = exchange(post, hsts);
        assert!(seen.cookie && seen.body && seen.hsts && seen.redirect_to_https);
        assert!(exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"").served);
    }
}
