//! What proxies put in front of the real conversation, and where it ends: HTTP CONNECT (RFC 9110 section 9.3.6),
//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929), HAProxy's PROXY protocol 1 and 2.
//!
//! Told from both sides' bytes: behind the offsets returned, another connection begins and is recognised anew. May not
//! know what follows, nor keep the names, addresses and passwords that stand in a prefix.

use super::look::{be16, byte, starts_nocase};
use crate::Protocol;

/// A proxy's prefix; the names are the record's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    HttpConnect,
    Socks4,
    Socks5,
    ProxyV1,
    ProxyV2,
}

impl Via {
    pub fn name(self) -> &'static str {
        match self {
            Self::HttpConnect => "http_connect",
            Self::Socks4 => "socks4",
            Self::Socks5 => "socks5",
            Self::ProxyV1 => "proxy_v1",
            Self::ProxyV2 => "proxy_v2",
        }
    }
}

/// How far a prefix has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// There is none, or it was refused, or it is of a kind behind which no stream begins.
    None,
    NeedMore,
    /// It is over: the lengths of it in the client's and in the server's bytes.
    Passed(Via, usize, usize),
}

/// The longest header of version 1 with its end of line, section 2.1 of the PROXY protocol.
const PROXY_V1_LIMIT: usize = 107;
const PROXY_V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Addresses of Unix sockets (216) and some type-length-values; senders stay below 1500 so that it comes in one segment.
const PROXY_V2_LIMIT: usize = 2048;
/// A proxy that wants a login refuses once or twice on the same connection (NTLM needs two rounds).
const CONNECT_ROUNDS: usize = 4;

/// The PROXY header, which only the client sends and which needs no answer.
pub fn proxy_header(client: &[u8]) -> Prefix {
    match client.first() {
        Some(b'P') => proxy_v1(client),
        Some(b'\r') => proxy_v2(client).unwrap_or(Prefix::NeedMore),
        _ => Prefix::None,
    }
}

fn proxy_v1(client: &[u8]) -> Prefix {
    const OPENINGS: [&[u8]; 3] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"];
    let begins = |opening: &&[u8]| {
        let n = opening.len().min(client.len());
        opening.get(..n) == client.get(..n)
    };
    if !OPENINGS.iter().any(begins) {
        return Prefix::None;
    }
    let head = client.get(..PROXY_V1_LIMIT).unwrap_or(client);
    match memchr::memmem::find(head, b"\r\n") {
        Some(end) => Prefix::Passed(Via::ProxyV1, end + 2, 0),
        None if head.len() == PROXY_V1_LIMIT => Prefix::None,
        None => Prefix::NeedMore,
    }
}

/// Signature, version 2 with command LOCAL or PROXY, family and transport, length; `None` while it is cut.
fn proxy_v2(client: &[u8]) -> Option<Prefix> {
    let n = client.len().min(PROXY_V2_SIGNATURE.len());
    if client.get(..n) != PROXY_V2_SIGNATURE.get(..n) {
        return Some(Prefix::None);
    }
    let (command, family) = (byte(client, 12)?, byte(client, 13)?);
    let end = 16 + usize::from(be16(client, 14)?);
    if !matches!(command, 0x20 | 0x21) || family & 0x0f > 2 || family >> 4 > 3 || end > PROXY_V2_LIMIT {
        return Some(Prefix::None);
    }
    Some(if client.len() < end { Prefix::NeedMore } else { Prefix::Passed(Via::ProxyV2, end, 0) })
}

/// The prefix of a connection that was recognised as HTTP or SOCKS.
pub fn negotiated(protocol: Protocol, client: &[u8], server: &[u8]) -> Prefix {
    let prefix = match (protocol, client.first()) {
        (Protocol::Http, Some(b'C')) => connect(client, server),
        (Protocol::Socks, Some(5)) => socks5(client, server),
        (Protocol::Socks, Some(4)) => socks4(client, server),
        _ => return Prefix::None,
    };
    prefix.unwrap_or(Prefix::NeedMore)
}

/// Whatever follows both heads is the tunnel's; a refusal with its body may be followed by another try.
fn connect(client: &[u8], server: &[u8]) -> Option<Prefix> {
    let (mut asked, mut answered) = (0, 0);
    for _ in 0..CONNECT_ROUNDS {
        let request = client.get(asked..)?;
        if request.len() >= 8 && !request.starts_with(b"CONNECT ") {
            return Some(Prefix::None);
        }
        asked += http_head(request)?.len();
        let response = http_head(server.get(answered..)?)?;
        answered += response.len();
        if !response.starts_with(b"HTTP/1.") {
            return Some(Prefix::None);
        }
        match response.get(8..11) {
            Some(b" 20") => return Some(Prefix::Passed(Via::HttpConnect, asked, answered)),
            // Any 1xx is interim (RFC 9110 section 15.2), the rest refuses.
            Some(b" 10") => asked -= http_head(request)?.len(),
            _ => match content_length(response) {
                Some(length) => answered = answered.checked_add(length)?,
                None if is_chunked(response) => answered += chunked_length(server.get(answered..)?)?,
                None => return Some(Prefix::None),
            },
        }
    }
    Some(Prefix::None)
}

/// Start line and fields with the empty line behind them.
pub(super) fn http_head(b: &[u8]) -> Option<&[u8]> {
    b.get(..memchr::memmem::find(b, b"\r\n\r\n")? + 4)
}

pub(super) fn field<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let line = head.split(|c| *c == b'\n').find(|line| starts_nocase(line, name) == Some(true))?;
    Some(line.get(name.len()..)?.trim_ascii())
}

fn content_length(head: &[u8]) -> Option<usize> {
    std::str::from_utf8(field(head, b"Content-Length:")?).ok()?.parse().ok()
}

fn is_chunked(head: &[u8]) -> bool {
    field(head, b"Transfer-Encoding:").is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
}

/// Of a body in chunks, RFC 9112 section 7.1.
pub(super) fn chunked_length(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = body.get(at..).and_then(super::look::line)?;
        let digits = line.split(|c| *c == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        let ends = memchr::memchr(b'\n', body.get(at..)?)? + 1;
        if size == 0 {
            // Trailers may stand in front of the empty line.
            let trailers = body.get(at + ends..)?;
            let empty =
                if trailers.starts_with(b"\r\n") { 2 } else { memchr::memmem::find(trailers, b"\r\n\r\n")? + 4 };
            return Some(at + ends + empty);
        }
        at = at.checked_add(ends)?.checked_add(size)?.checked_add(2)?;
        body.get(..at)?;
    }
}

pub(super) const CMD_CONNECT: u8 = 1;

/// Methods, the login if one was chosen, CONNECT; a method of the server's after each, and its reply.
fn socks5(client: &[u8], server: &[u8]) -> Option<Prefix> {
    const NO_AUTHENTICATION: u8 = 0;
    const USERNAME_PASSWORD: u8 = 2;
    let mut asked = 2 + usize::from(byte(client, 1)?);
    let mut answered = 2;
    match (byte(server, 0)?, byte(server, 1)?) {
        (5, NO_AUTHENTICATION) => {}
        (5, USERNAME_PASSWORD) => {
            let password = asked + 2 + usize::from(byte(client, asked + 1)?);
            asked = password + 1 + usize::from(byte(client, password)?);
            // Version 1 of the sub-negotiation; some servers answer with SOCKS's own version.
            if !matches!(byte(server, 2)?, 1 | 5) || byte(server, 3)? != 0 {
                return Some(Prefix::None);
            }
            answered = 4;
        }
        // GSS-API wraps what follows; 0xff refuses.
        _ => return Some(Prefix::None),
    }
    if byte(client, asked)? != 5 || byte(client, asked + 1)? != CMD_CONNECT {
        return Some(Prefix::None);
    }
    asked += 3 + socks5_address(client, asked + 3)?;
    if byte(server, answered)? != 5 || byte(server, answered + 1)? != 0 {
        return Some(Prefix::None);
    }
    answered += 3 + socks5_address(server, answered + 3)?;
    Some(passed(Via::Socks5, client, asked, server, answered))
}

/// Length of type, address and port; an unknown type has none, so its connection is waited for in vain.
pub(super) fn socks5_address(b: &[u8], at: usize) -> Option<usize> {
    match byte(b, at)? {
        1 => Some(1 + 4 + 2),
        3 => Some(2 + usize::from(byte(b, at + 1)?) + 2),
        4 => Some(1 + 16 + 2),
        _ => None,
    }
}

fn socks4(client: &[u8], server: &[u8]) -> Option<Prefix> {
    let (asked, connects) = socks4_request(client)?;
    if !connects || byte(server, 0)? != 0 || byte(server, 1)? != GRANTED {
        return Some(Prefix::None);
    }
    Some(passed(Via::Socks4, client, asked, server, 8))
}

pub(super) const GRANTED: u8 = 0x5a;

/// Command, port, address and user; 4a writes 0.0.0.x for an address and appends the host's name. Its length, and whether the
/// command is CONNECT.
pub(super) fn socks4_request(client: &[u8]) -> Option<(usize, bool)> {
    let user = client.get(8..)?;
    let mut asked = 8 + memchr::memchr(0, user)? + 1;
    if matches!(client.get(4..8)?, [0, 0, 0, last] if *last != 0) {
        asked += memchr::memchr(0, client.get(asked..)?)? + 1;
    }
    Some((asked, byte(client, 1)? == CMD_CONNECT))
}

fn passed(via: Via, client: &[u8], asked: usize, server: &[u8], answered: usize) -> Prefix {
    if client.len() < asked || server.len() < answered {
        return Prefix::NeedMore;
    }
    Prefix::Passed(via, asked, answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind the prefix stands a TLS record's start, and no beginning of either side is enough.
    fn passes(via: Via, protocol: Protocol, client: &[u8], server: &[u8]) {
        let tail = |b: &[u8]| [b, b"\x16\x03\x01\x02\x00\n\x01"].concat();
        let whole = Prefix::Passed(via, client.len(), server.len());
        assert_eq!(negotiated(protocol, client, server), whole);
        assert_eq!(negotiated(protocol, &tail(client), &tail(server)), whole);
        for cut in 1..client.len() {
            assert_eq!(negotiated(protocol, &client[..cut], server), Prefix::NeedMore, "{cut} bytes of the client");
        }
        for cut in 0..server.len() {
            assert_eq!(negotiated(protocol, client, &server[..cut]), Prefix::NeedMore, "{cut} bytes of the server");
        }
    }

    #[test]
    fn socks5_with_and_without_a_login() {
        let client = b"\x05\x01\0\x05\x01\0\x03\x0bexample.com\x01\xbb";
        passes(Via::Socks5, Protocol::Socks, client, b"\x05\0\x05\0\0\x01\xc0\0\x02\x01\x04\x38");
        let client = b"\x05\x02\0\x02\x01\x03joe\x06secret\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb";
        let server = b"\x05\x02\x01\0\x05\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x38";
        passes(Via::Socks5, Protocol::Socks, client, server);
    }

    #[test]
    fn socks5_refused_or_of_another_kind() {
        let asks = b"\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb";
        assert_eq!(negotiated(Protocol::Socks, asks, b"\x05\xff"), Prefix::None);
        assert_eq!(negotiated(Protocol::Socks, asks, b"\x05\x01"), Prefix::None);
        assert_eq!(negotiated(Protocol::Socks, asks, b"\x05\0\x05\x05\0\x01\0\0\0\0\0\0"), Prefix::None);
        // UDP ASSOCIATE: the datagrams go elsewhere.
        let associate = b"\x05\x01\0\x05\x03\0\x01\0\0\0\0\0\0";
        assert_eq!(negotiated(Protocol::Socks, associate, b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"), Prefix::None);
        let login = b"\x05\x01\x02\x01\x03joe\x01x";
        assert_eq!(negotiated(Protocol::Socks, login, b"\x05\x02\x01\x01"), Prefix::None);
    }

    #[test]
    fn socks4_by_address_and_by_name() {
        let granted = b"\0\x5a\0\0\0\0\0\0";
        passes(Via::Socks4, Protocol::Socks, b"\x04\x01\x01\xbb\xc0\0\x02\x07joe\0", granted);
        passes(Via::Socks4, Protocol::Socks, b"\x04\x01\x01\xbb\0\0\0\x01joe\0example.com\0", granted);
        let asks = b"\x04\x01\x01\xbb\xc0\0\x02\x07joe\0";
        assert_eq!(negotiated(Protocol::Socks, asks, b"\0\x5b\0\0\0\0\0\0"), Prefix::None);
    }

    #[test]
    fn connect_at_once_and_after_a_refusal() {
        let client = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
        passes(Via::HttpConnect, Protocol::Http, client, established);
        let twice = [&client[..], client].concat();
        let server = [b"HTTP/1.1 407 No\r\ncontent-length: 4\r\n\r\nbody", &established[..]].concat();
        passes(Via::HttpConnect, Protocol::Http, &twice, &server);
        let server =
            [b"HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", &established[..]].concat();
        passes(Via::HttpConnect, Protocol::Http, &twice, &server);
        passes(
            Via::HttpConnect,
            Protocol::Http,
            client,
            &[b"HTTP/1.1 102 Processing\r\n\r\n", &established[..]].concat(),
        );
        assert_eq!(negotiated(Protocol::Http, client, b"HTTP/1.1 403 no\r\n\r\n"), Prefix::None);
        assert_eq!(negotiated(Protocol::Http, b"CHECKOUT / HTTP/1.1\r\n\r\n", established), Prefix::None);
    }

    #[test]
    fn proxy_headers() {
        // The specification's own example of version 1, sections 2.1 and 2.2.
        let v1 = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n";
        let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x07\xd9\x03\x01\xbb";
        for (via, header) in [(Via::ProxyV1, &v1[..]), (Via::ProxyV2, &v2[..])] {
            let with_more = [header, b"\x16\x03\x01"].concat();
            assert_eq!(proxy_header(header), Prefix::Passed(via, header.len(), 0));
            assert_eq!(proxy_header(&with_more), Prefix::Passed(via, header.len(), 0));
            for cut in 1..header.len() {
                assert_eq!(proxy_header(&header[..cut]), Prefix::NeedMore, "{via:?} {cut}");
            }
        }
        for other in [&b"PROPFIND / HTTP/1.1\r\n"[..], b"PROXY me please\r\n", b"\r\n\r\nEHLO", b"\x16\x03\x01"] {
            assert_eq!(proxy_header(other), Prefix::None, "{other:?}");
        }
        // Version 3, a transport and a family that there are not, and more than a sender would put in front.
        for header in [b"\x31\x11\0\x0c", b"\x21\x13\0\x0c", b"\x21\x41\0\x0c", b"\x21\x11\xff\xff"] {
            assert_eq!(proxy_header(&[PROXY_V2_SIGNATURE, header].concat()), Prefix::None, "{header:?}");
        }
    }
}
