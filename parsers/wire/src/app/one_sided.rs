//! Where the clear part of a connection ends, told from the bytes of one side alone: its request for TLS or its consent, and a
//! hello right behind it. For captures that saw only one direction, or lost what the other one said in the clear.
//!
//! A client sends no hello before its request was granted, and a server none before it granted one. May not know the other side.

use super::look::{be16, be32, byte, contains_nocase, starts, starts_nocase};
use super::proxies::Via;
use super::rpc;
use super::starttls::{self, ASKING_FTP, is, is_imap_request, lines};
use crate::Protocol;
use crate::tls::looks_like_hello;

/// Where TLS begins in one side's bytes, if a request or its grant stands right in front of the hello.
pub fn starttls(protocol: Protocol, b: &[u8], from_client: bool) -> Option<usize> {
    clear_part(protocol, b, from_client, |rest| looks_like_hello(rest, from_client))
}

/// Whether the last that one side has said is such a request or grant.
pub fn ends_clear_part(protocol: Protocol, b: &[u8], from_client: bool) -> bool {
    clear_part(protocol, b, from_client, <[u8]>::is_empty).is_some()
}

/// Behind a request or grant that is followed by what fits.
fn clear_part(protocol: Protocol, b: &[u8], from_client: bool, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let at = match (protocol, from_client) {
        (Protocol::Xmpp, true) => starttls::element(b, b"<starttls")?,
        (Protocol::Xmpp, false) => starttls::element(b, b"<proceed")?,
        (Protocol::Ldap, true) => starttls::ldap_asked(b)?.end,
        (Protocol::Ldap, false) => starttls::ldap_agreed(b, None)?,
        (Protocol::Postgresql, true) => 8 * (1..=2).find(|n| be32(b, 8 * n - 4) == Some(starttls::SSL_REQUEST))?,
        (Protocol::Mysql, true) => starttls::mysql_asked(b)?,
        (Protocol::Mysql, false) => starttls::mysql_greeting(b)?,
        (Protocol::Rdp, true) => starttls::tpkt(b)?,
        (Protocol::Rdp, false) => starttls::rdp_agreed(b)?,
        (Protocol::Nfs | Protocol::Rpc, true) => rpc::tls_asked(b)?,
        (Protocol::Nfs | Protocol::Rpc, false) => rpc::tls_agreed(b)?,
        (Protocol::Amqp, _) => starts(b, starttls::AMQP_TLS)?.then_some(starttls::AMQP_TLS.len())?,
        (Protocol::Tds, true) => starttls::tds_prelogin(b, 0x12)?.whole()?,
        (Protocol::Tds, false) => starttls::tds_prelogin(b, 0x04)?.whole()?,
        _ => return behind_a_line(protocol, b, from_client, fits),
    };
    let rest = b.get(at..)?;
    // TDS has a header in front of the record.
    let header = if protocol == Protocol::Tds { rest.len().min(8) } else { 0 };
    fits(rest.get(header..)?).then_some(at)
}

fn behind_a_line(protocol: Protocol, b: &[u8], from_client: bool, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let tells: fn(&[u8]) -> bool = match (protocol, from_client) {
        (Protocol::Smtp | Protocol::Nntp | Protocol::Sieve | Protocol::Irc, true) => |l| is(l, b"STARTTLS"),
        (Protocol::Pop3, true) => |l| is(l, b"STLS"),
        (Protocol::Ftp, true) => |l| ASKING_FTP.iter().any(|word| is(l, word)),
        (Protocol::Imap, true) => is_imap_request,
        (Protocol::Smtp, false) => |l| l.starts_with(b"220"),
        (Protocol::Nntp, false) => |l| l.starts_with(b"382"),
        (Protocol::Sieve, false) => |l| starts_nocase(l, b"OK") == Some(true),
        (Protocol::Irc, false) => |l| memchr::memmem::find(l, b" 670 ").is_some(),
        (Protocol::Pop3, false) => |l| l.starts_with(b"+OK"),
        (Protocol::Ftp, false) => |l| l.starts_with(b"234"),
        (Protocol::Imap, false) => |l| l.split(|c| *c == b' ').nth(1).is_some_and(|w| w.eq_ignore_ascii_case(b"OK")),
        _ => return None,
    };
    let mut commands = lines(b).take_while(|(line, _)| !announces_content(line));
    commands.find(|(line, end)| b.get(*end..).is_some_and(&fits) && tells(line)).map(|(_, end)| end)
}

/// A command behind which content comes, which may hold anything: of SMTP, NNTP, IMAP.
fn announces_content(line: &[u8]) -> bool {
    let begins = |word: &[u8]| starts_nocase(line, word) == Some(true);
    is(line, b"DATA")
        || is(line, b"POST")
        || begins(b"BDAT ")
        || begins(b"IHAVE ")
        || contains_nocase(line, b" APPEND ")
}

/// The same of a proxy's prefix: CONNECT, SOCKS 4 and 5.
pub fn proxy(protocol: Protocol, b: &[u8], from_client: bool) -> Option<(Via, usize)> {
    let (via, at) = match (protocol, byte(b, 0)?, from_client) {
        (Protocol::Http, b'C' | b'H', _) => (Via::HttpConnect, http(b, from_client)?),
        (Protocol::Socks, 5, true) => (Via::Socks5, socks5_client(b)?),
        (Protocol::Socks, 5, false) => (Via::Socks5, socks5_server(b)?),
        (Protocol::Socks, 4, true) => (Via::Socks4, socks4_client(b)?),
        (Protocol::Socks, 0, false) => (Via::Socks4, (byte(b, 1)? == super::proxies::GRANTED).then_some(8)?),
        _ => return None,
    };
    looks_like_hello(b.get(at..)?, from_client).then_some((via, at))
}

/// The last head before the hello: refused tries come in front of it.
fn http(b: &[u8], from_client: bool) -> Option<usize> {
    memchr::memmem::find_iter(b, b"\r\n\r\n").map(|at| at + 4).find(|end| {
        let head = b.get(..*end).unwrap_or_default();
        let last = memchr::memmem::rfind(head, if from_client { b"CONNECT " } else { b"HTTP/1." });
        let is_ours =
            last.and_then(|at| head.get(at..)).is_some_and(|head| from_client || head.get(8..10) == Some(b" 2"));
        is_ours && b.get(*end..).is_some_and(|rest| looks_like_hello(rest, from_client))
    })
}

/// Methods, the login where one follows, CONNECT.
fn socks5_client(b: &[u8]) -> Option<usize> {
    let mut at = 2 + usize::from(byte(b, 1)?);
    if byte(b, at)? == 1 {
        let password = at + 2 + usize::from(byte(b, at + 1)?);
        at = password + 1 + usize::from(byte(b, password)?);
    }
    let connects = byte(b, at)? == 5 && byte(b, at + 1)? == super::proxies::CMD_CONNECT;
    connects.then_some(at + 3 + super::proxies::socks5_address(b, at + 3)?)
}

fn socks5_server(b: &[u8]) -> Option<usize> {
    let at = if byte(b, 1)? == 2 { 4 } else { 2 };
    (be16(b, at)? == 0x0500).then_some(at + 3 + super::proxies::socks5_address(b, at + 3)?)
}

fn socks4_client(b: &[u8]) -> Option<usize> {
    let (asked, connects) = super::proxies::socks4_request(b)?;
    connects.then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(from_client: bool) -> Vec<u8> {
        [b"\x16\x03\x01\x02\x00", &[if from_client { 1 } else { 2 }][..], b"\0\x01\xfc\x03\x03rest"].concat()
    }

    /// The offset is that of the hello, and neither another request nor anything else behind it will do.
    fn begins(protocol: Protocol, clear: &[u8], from_client: bool) {
        let with_hello = [clear, &hello(from_client)].concat();
        assert_eq!(starttls(protocol, &with_hello, from_client), Some(clear.len()), "{protocol:?} {from_client}");
        let of_the_other = [clear, &hello(!from_client)].concat();
        assert_eq!(starttls(protocol, &of_the_other, from_client), None, "{protocol:?} {from_client}");
        assert_eq!(starttls(protocol, clear, from_client), None);
        assert!(ends_clear_part(protocol, clear, from_client) && !ends_clear_part(protocol, &with_hello, from_client));
        for cut in 0..clear.len() {
            let bytes = [&clear[..cut], &hello(from_client)].concat();
            assert_eq!(starttls(protocol, &bytes, from_client), None, "{protocol:?} {from_client} behind {cut} bytes");
        }
    }

    #[test]
    fn requests_and_grants_in_lines() {
        begins(Protocol::Smtp, b"EHLO a\r\nstarttls\r\n", true);
        begins(Protocol::Smtp, b"220 2.0.0 go\r\n", false);
        begins(Protocol::Imap, b"a STARTTLS\r\n", true);
        begins(Protocol::Imap, b"a OK go\r\n", false);
        begins(Protocol::Pop3, b"CAPA\r\nSTLS\r\n", true);
        begins(Protocol::Pop3, b"+OK go\r\n", false);
        begins(Protocol::Ftp, b"AUTH TLS\r\n", true);
        begins(Protocol::Ftp, b"234 go\r\n", false);
        begins(Protocol::Nntp, b"STARTTLS\r\n", true);
        begins(Protocol::Nntp, b"382 go\r\n", false);
        begins(Protocol::Sieve, b"STARTTLS\r\n", true);
        begins(Protocol::Sieve, b"OK \"go\"\r\n", false);
        begins(Protocol::Irc, b"STARTTLS\r\n", true);
        begins(Protocol::Irc, b":irc 670 * :go\r\n", false);
        for content in [&b"DATA\r\n"[..], b"BDAT 900\r\n", b"a APPEND drafts {900}\r\n"] {
            let mail = [content, b"STARTTLS\r\n", &hello(true)].concat();
            assert_eq!(starttls(Protocol::Smtp, &mail, true), None, "{content:?}");
        }
        let refused = [b"250 mx\r\n454 no\r\n", &hello(false)[..]].concat();
        assert_eq!(starttls(Protocol::Smtp, &refused, false), None);
        assert_eq!(starttls(Protocol::Http, &[b"STARTTLS\r\n", &hello(true)[..]].concat(), true), None);
    }

    #[test]
    fn requests_and_grants_in_messages() {
        begins(Protocol::Ldap, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037", true);
        begins(Protocol::Ldap, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0", false);
        begins(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", true);
        let mut request = vec![0x20, 0, 0, 1, 0x85, 0xae, 0xff, 0x19, 0, 0, 0, 1, 0x21];
        request.resize(36, 0);
        begins(Protocol::Mysql, &request, true);
        begins(Protocol::Mysql, b"\x0b\0\0\0\x0a8.0.33\0\x0b\0\0", false);
        begins(Protocol::Rdp, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0", true);
        begins(Protocol::Rdp, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0", false);
        begins(Protocol::Amqp, b"AMQP\x02\x01\0\0", true);
        begins(Protocol::Xmpp, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", true);
        begins(Protocol::Xmpp, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", false);
        let prelogin = b"\x12\x01\0\x1a\0\0\0\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x11\0\0\0\0\0\x01";
        let wrapped = [&prelogin[..], b"\x12\x01\x02\x0d\0\0\0\0", &hello(true)].concat();
        assert_eq!(starttls(Protocol::Tds, &wrapped, true), Some(prelogin.len()));
        let login_only = [&prelogin[..prelogin.len() - 1], b"\0", &wrapped[prelogin.len()..]].concat();
        assert_eq!(starttls(Protocol::Tds, &login_only, true), None, "the server may have agreed to no more");
    }

    #[test]
    fn prefixes_of_proxies() {
        for (protocol, via, clear, from_client) in [
            (Protocol::Http, Via::HttpConnect, &b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"[..], true),
            (Protocol::Http, Via::HttpConnect, b"HTTP/1.1 407 no\r\n\r\nHTTP/1.1 200 yes\r\n\r\n", false),
            (Protocol::Socks, Via::Socks5, b"\x05\x01\0\x05\x01\0\x03\x0bexample.com\x01\xbb", true),
            (Protocol::Socks, Via::Socks5, b"\x05\x02\0\x02\x01\x03joe\x01x\x05\x01\0\x01\xc0\0\x02\x07\x01\xbb", true),
            (Protocol::Socks, Via::Socks5, b"\x05\0\x05\0\0\x01\xc0\0\x02\x01\x04\x38", false),
            (Protocol::Socks, Via::Socks5, b"\x05\x02\x01\0\x05\0\0\x01\xc0\0\x02\x01\x04\x38", false),
            (Protocol::Socks, Via::Socks4, b"\x04\x01\x01\xbb\0\0\0\x01joe\0example.com\0", true),
            (Protocol::Socks, Via::Socks4, b"\0\x5a\0\0\0\0\0\0", false),
        ] {
            let bytes = [clear, &hello(from_client)].concat();
            assert_eq!(proxy(protocol, &bytes, from_client), Some((via, clear.len())), "{clear:?}");
            assert_eq!(proxy(protocol, clear, from_client), None);
        }
        let bind = b"\x05\x01\0\x05\x02\0\x01\xc0\0\x02\x07\x01\xbb"; // RFC 1928 section 4: not CONNECT
        assert_eq!(proxy(Protocol::Socks, &[&bind[..], &hello(true)].concat(), true), None);
        let refused = b"\x05\0\x05\x05\0\x01\xc0\0\x02\x01\x04\x38";
        assert_eq!(proxy(Protocol::Socks, &[&refused[..], &hello(false)].concat(), false), None);
        for (clear, from_client) in [(&b"GET / HTTP/1.1\r\n\r\n"[..], true), (b"HTTP/1.1 403 no\r\n\r\n", false)] {
            assert_eq!(proxy(Protocol::Http, &[clear, &hello(from_client)].concat(), from_client), None);
        }
    }
}
