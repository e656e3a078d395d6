//! HTTP/1 and the protocols that borrow its start line (RTSP, SIP, SSDP), and HTTP/2 with prior knowledge.
//!
//! RFC 9112 section 3 and 4, RFC 9113 section 3.4, RFC 7826 section 20, RFC 3261 section 7. May not read bodies.

use super::Datagram;
use super::look::{Look, NO, either, is_text, line, starts, weak, yes};

/// RFC 9110, WebDAV (RFC 4918 and kin), UPnP, RPC over HTTP: the methods that occur. Others need the version to follow.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"NOTIFY",
    b"M-SEARCH",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"BPROPFIND",
    b"POLL",
    b"CHECKOUT",
    b"MERGE",
    b"VERSION-CONTROL",
    b"MKACTIVITY",
    b"BASELINE-CONTROL",
    b"MKCALENDAR",
    b"ACL",
    b"BIND",
    b"PURGE",
    b"LINK",
    b"UNLINK",
];
const METHOD_LIMIT: usize = 24;

/// Splits `METHOD SP` off; `None` until the space has come, `Some(None)` where there is no method.
fn method(b: &[u8]) -> Option<Option<(&[u8], &[u8])>> {
    let token = b.iter().take_while(|c| c.is_ascii_uppercase() || matches!(c, b'-' | b'_')).count();
    if token == b.len() && token < METHOD_LIMIT {
        return None;
    }
    let split = b.split_at_checked(token).filter(|_| (2..=METHOD_LIMIT).contains(&token));
    Some(split.and_then(|(name, rest)| Some((name, rest.strip_prefix(b" ")?))))
}

/// A request: the line's version decides; a known method with a target that is still arriving does as well.
pub fn request(b: &[u8]) -> Look {
    let Some((name, rest)) = method(b)? else { return NO };
    match line(rest) {
        Some(target) => {
            let version = target.get(memchr::memrchr(b' ', target).map_or(0, |at| at + 1)..).unwrap_or_default();
            let simple = || name == b"GET" && target.starts_with(b"/") && !target.contains(&b' ');
            // A damaged version is one all the same: method, path and word are more than a hundred bits.
            let damaged = || version.starts_with(b"HTTP/") && target.starts_with(b"/") && METHODS.contains(&name);
            let known = version.starts_with(b"HTTP/1.") || version.starts_with(b"HTTP/0.9");
            yes(damaged() || (known || simple()) && is_text(target))
        }
        None if !METHODS.contains(&name) || !is_text(rest) => NO,
        None => {
            let target = [&b"/"[..], b"http://", b"https://", b"*"]
                .iter()
                .map(|t| starts(rest, t))
                .fold(NO, |a, s| either(a, s.and_then(yes)));
            if name == b"CONNECT" && !rest.is_empty() { None } else { target }
        }
    }
}

pub fn response(b: &[u8]) -> Look {
    if starts(b, b"ICY 200")? { yes(true) } else { status(b, b"HTTP/") }
}

/// `NAME/digit.digit SP 3DIGIT`.
fn status(b: &[u8], name: &[u8]) -> Look {
    if !starts(b, name)? {
        return NO;
    }
    let [major, dot, minor, space, code @ ..] = b.get(name.len()..)?.first_chunk::<7>()?;
    let digits = [major, minor].into_iter().chain(code).all(u8::is_ascii_digit);
    yes(digits && *dot == b'.' && *space == b' ')
}

pub fn http2_preface(b: &[u8]) -> Look {
    yes(starts(b, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?)
}

/// The server's preface: a SETTINGS frame on stream 0 whose length is a multiple of six (RFC 9113 section 6.5).
pub fn http2_settings(b: &[u8]) -> Look {
    let head = b.first_chunk::<9>()?;
    let length = usize::from(head[1]) << 8 | usize::from(head[2]);
    weak(head[0] == 0 && length % 6 == 0 && length <= 96 && head[3..] == [4, 0, 0, 0, 0, 0])
}

const RTSP_METHODS: &[&[u8]] = &[
    b"OPTIONS",
    b"DESCRIBE",
    b"ANNOUNCE",
    b"SETUP",
    b"PLAY",
    b"PAUSE",
    b"TEARDOWN",
    b"GET_PARAMETER",
    b"SET_PARAMETER",
    b"REDIRECT",
    b"RECORD",
];

pub fn rtsp_request(b: &[u8]) -> Look {
    let Some((name, rest)) = method(b)? else { return NO };
    if !RTSP_METHODS.contains(&name) {
        return NO;
    }
    let Some(target) = line(rest) else {
        return either(yes(starts(rest, b"rtsp://")?), starts(rest, b"rtspu://").and_then(yes));
    };
    yes(target.ends_with(b"RTSP/1.0") || target.ends_with(b"RTSP/2.0"))
}

pub fn rtsp_response(b: &[u8]) -> Look {
    status(b, b"RTSP/")
}

const SIP_METHODS: &[&[u8]] = &[
    b"INVITE",
    b"ACK",
    b"OPTIONS",
    b"BYE",
    b"CANCEL",
    b"REGISTER",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"REFER",
    b"MESSAGE",
    b"INFO",
    b"PRACK",
    b"UPDATE",
    b"PUBLISH",
];

/// SIP over TCP, either side.
pub fn sip(b: &[u8]) -> Look {
    either(status(b, b"SIP/"), sip_request(b))
}

fn sip_request(b: &[u8]) -> Look {
    let Some((name, rest)) = method(b)? else { return NO };
    if !SIP_METHODS.contains(&name) {
        return NO;
    }
    let scheme =
        [&b"sip:"[..], b"sips:", b"tel:"].iter().map(|s| starts(rest, s)).fold(NO, |a, s| either(a, s.and_then(yes)));
    match line(rest) {
        Some(target) => yes(target.ends_with(b"SIP/2.0")),
        None => scheme,
    }
}

/// SIP over UDP: one message, or the keep-alive of blank lines (RFC 5626 section 3.5.1) on its port.
pub fn sip_datagram(d: &Datagram) -> Look {
    if d.payload == b"\r\n\r\n" || d.payload == b"\r\n" { weak(true) } else { sip(d.payload) }
}

/// SSDP (UPnP Device Architecture 2.0 section 1): HTTP start lines over UDP.
pub fn ssdp(d: &Datagram) -> Look {
    let Some(first) = line(d.payload) else { return NO };
    if first.starts_with(b"HTTP/1.") {
        return weak(status(first, b"HTTP/") == yes(true));
    }
    yes(first == b"M-SEARCH * HTTP/1.1" || first == b"NOTIFY * HTTP/1.1" || first == b"M-SEARCH * HTTP/1.0")
}

/// HTTP/1 over UDP as UPnP devices send it on other ports (HTTPMU, HTTPU).
pub fn httpu(d: &Datagram) -> Look {
    either(request(d.payload).or(NO), response(d.payload).or(NO))
}

/// Web Services Dynamic Discovery (OASIS, section 3): a SOAP envelope over UDP.
pub fn ws_discovery(d: &Datagram) -> Look {
    let head = d.payload.get(..1024).unwrap_or(d.payload);
    let xml = head.starts_with(b"<?xml")
        || head.starts_with(b"<soap:")
        || head.starts_with(b"<s:E")
        || head.starts_with(b"<SOAP");
    if !xml {
        return NO;
    }
    let finder = memchr::memmem::find(head, b"/ws/2005/04/discovery")
        .or_else(|| memchr::memmem::find(head, b"/ws-dd/ns/discovery"));
    yes(finder.is_some() && is_text(head))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, server, udp, udp_back};

    #[test]
    fn http_requests() {
        for line in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT pay.example:443 HTTP/1.1\r\n",
            "PROPFIND /dav HTTP/1.1\r\n",
            "RPC_IN_DATA /rpc/rpcproxy.dll?a:593 HTTP/1.1\r\n",
            "GET /a/very/long/path",
            "GET /index.html\r\n",
            "BREW /pot HTTP/1.0\r\n",
        ] {
            assert_eq!(client(line.as_bytes()), Some(Protocol::Http), "{line}");
        }
        for line in ["GET", "CONNECT pay.exam", "GETX / HTTP/2\r\n", "get / HTTP/1.1\r\n", "HELO HTTP/1.1"] {
            assert_ne!(client(line.as_bytes()), Some(Protocol::Http), "{line}");
        }
    }

    #[test]
    fn responses_and_http2() {
        assert_eq!(server(b"HTTP/1.1 301 Moved\r\n"), Some(Protocol::Http));
        assert_eq!(server(b"HTTP/1.1 xyz"), None);
        assert_eq!(client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04"), Some(Protocol::Http));
    }

    #[test]
    fn borrowed_start_lines() {
        assert_eq!(client(b"DESCRIBE rtsp://h/s RTSP/1.0\r\nCSeq: 2\r\n"), Some(Protocol::Rtsp));
        assert_eq!(client(b"OPTIONS * RTSP/1.0\r\n"), Some(Protocol::Rtsp));
        assert_eq!(client(b"OPTIONS * HTTP/1.1\r\n"), Some(Protocol::Http));
        assert_eq!(server(b"RTSP/1.0 200 OK\r\n"), Some(Protocol::Rtsp));
        assert_eq!(client(b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"), Some(Protocol::Sip));
        assert_eq!(udp(b"SUBSCRIBE sip:a@b SIP/2.0\r\nVia: x\r\n", 9999), Some(Protocol::Sip));
        assert_eq!(udp_back(b"SIP/2.0 180 Ringing\r\n", 9999), Some(Protocol::Sip));
        assert_eq!(udp(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n", 1900), Some(Protocol::Ssdp));
        assert_eq!(udp_back(b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n", 1900), Some(Protocol::Ssdp));
    }
}
