//! Where the clear part of a connection ends: both sides have agreed to start TLS.
//!
//! Told from the command and its positive answer; the TLS that follows is read by the caller, from the returned offsets on.

mod messages;

use super::look::starts_nocase;
use super::proxies::{field, http_head};
use super::rpc;
use crate::Protocol;
pub use messages::is_under_gssapi;
pub(super) use messages::{
    SSL_REQUEST, ldap_agreed, ldap_asked, mysql_asked, mysql_greeting, rdp_agreed, tds_prelogin, tpkt,
};
use messages::{ldap, mysql, postgresql, rdp, tds};

/// The header by which both sides of AMQP 1.0 agree on its TLS layer, section 5.2.1.
pub(super) const AMQP_TLS: &[u8] = b"AMQP\x02\x01\0\0";
/// RFC 4217 section 4, and the names that drafts of it gave.
pub(super) const ASKING_FTP: [&[u8]; 4] = [b"AUTH TLS", b"AUTH TLS-C", b"AUTH TLS-P", b"AUTH SSL"];
/// Extra lines of an answer before it counts as none: SASL and CAPABILITY lists stay below.
const LINES_LIMIT: usize = 128;

/// The offsets behind the clear part in the client's and in the server's bytes; none until the server has agreed.
pub fn starttls(protocol: Protocol, client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    match protocol {
        Protocol::Http => http(client, server),
        Protocol::Smtp => smtp(client, server),
        Protocol::Ftp => Some((ftp_asked(client)?, answer(server, |l| l.starts_with(b"234"))?)),
        Protocol::Pop3 => pop3(client, server),
        Protocol::Imap => imap(client, server),
        Protocol::Nntp => Some((command(client, b"STARTTLS")?, answer(server, |l| l.starts_with(b"382"))?)),
        Protocol::Sieve => sieve(client, server),
        Protocol::Xmpp => Some((element(client, b"<starttls")?, element(server, b"<proceed")?)),
        Protocol::Postgresql => postgresql(client, server),
        Protocol::Mysql => mysql(client, server),
        Protocol::Ldap => ldap(client, server),
        Protocol::Tds => tds(client, server),
        Protocol::Rdp => rdp(client, server),
        Protocol::Amqp => (client.starts_with(AMQP_TLS) && server.starts_with(AMQP_TLS)).then_some((8, 8)),
        Protocol::Nfs | Protocol::Rpc => Some((rpc::tls_asked(client)?, rpc::tls_agreed(server)?)),
        Protocol::Irc => Some((command(client, b"STARTTLS")?, answer(server, |l| contains(l, b" 670 "))?)),
        _ => None,
    }
}

/// Each whole line with the offset behind it.
pub(super) fn lines(b: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', b).take(LINES_LIMIT).map_while(move |end| {
        let line = b.get(start..end)?;
        start = end + 1;
        Some((line.strip_suffix(b"\r").unwrap_or(line), start))
    })
}

fn contains(line: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(line, word).is_some()
}

pub(super) fn is(line: &[u8], word: &[u8]) -> bool {
    line.trim_ascii_end().eq_ignore_ascii_case(word)
}

/// Behind the last line that is this command: the ones before it were refused.
fn command(b: &[u8], word: &[u8]) -> Option<usize> {
    lines(b).filter(|(line, _)| is(line, word)).last().map(|(_, end)| end)
}

fn ftp_asked(b: &[u8]) -> Option<usize> {
    lines(b).filter(|(line, _)| ASKING_FTP.iter().any(|word| is(line, word))).last().map(|(_, end)| end)
}

fn answer(b: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    lines(b).find(|(line, _)| fits(line)).map(|(_, end)| end)
}

/// Each request with the number of lines before it: who was refused may ask again.
fn requests(client: &[u8], fits: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = (usize, usize)> {
    lines(client).enumerate().filter(move |(_, (line, _))| fits(line)).map(|(before, (_, end))| (before, end))
}

/// RFC 2817 sections 3 and 4.3, as printers speak it: the request's Upgrade names TLS, and 101 agrees. The response comes under TLS.
fn http(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    let to_tls = |head| field(head, b"Upgrade:").is_some_and(|tokens| starts_nocase(tokens, b"TLS/") == Some(true));
    let agreed = Some(server).filter(|server| server.starts_with(b"HTTP/1.1 101"))?;
    let (request, response) = (http_head(client)?, http_head(agreed)?);
    (to_tls(request) && to_tls(response)).then_some((request.len(), response.len()))
}

/// 220 greets as well as agrees: the answer counts as many final replies as there are commands before it.
fn smtp(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    requests(client, |line| is(line, b"STARTTLS")).find_map(|(before, asked)| {
        let mut finals = lines(server).filter(|(line, _)| line.get(3) != Some(&b'-'));
        let (line, agreed) = finals.nth(before + 1)?;
        line.starts_with(b"220").then_some((asked, agreed))
    })
}

/// After STLS the server's bytes end with its answer until TLS begins, so the last `+OK` line before TLS is the answer.
fn pop3(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    requests(client, |line| is(line, b"STLS"))
        .find_map(|(before, asked)| Some((asked, pop3_agreed(client, before, server)?)))
}

fn pop3_agreed(client: &[u8], before: usize, server: &[u8]) -> Option<usize> {
    // A capability list ends with a line of one dot.
    let lists = |line: &[u8]| starts_nocase(line, b"CAPA") == Some(true) || is(line, b"AUTH");
    let mut dots = lines(client).take(before).filter(|(line, _)| lists(line)).count();
    let mut rest =
        lines(server).filter(|(line, _)| line.starts_with(b"+OK") || line.starts_with(b"-ERR") || *line == b".");
    let mut replies = 0;
    while replies < before + 1 + dots {
        let (line, _) = rest.next()?;
        replies += 1;
        // A refused list has no dot.
        dots -= usize::from(line.starts_with(b"-ERR") && dots > 0);
    }
    let (line, end) = rest.next()?;
    line.starts_with(b"+OK").then_some(end)
}

/// `tag STARTTLS`, RFC 9051 section 6.2.1.
pub(super) fn is_imap_request(line: &[u8]) -> bool {
    imap_tag(line).is_some_and(|(_, rest)| rest.trim_ascii().eq_ignore_ascii_case(b"STARTTLS"))
}

fn imap_tag(line: &[u8]) -> Option<(&[u8], &[u8])> {
    memchr::memchr(b' ', line).and_then(|space| line.split_at_checked(space))
}

/// `tag STARTTLS`, `tag OK`. People who type use one tag for every command: its answers count.
fn imap(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    lines(client).filter(|(line, _)| is_imap_request(line)).find_map(|(line, asked)| {
        let (tag, _) = imap_tag(line)?;
        let tagged = |line| imap_tag(line).is_some_and(|(own, _)| own == tag);
        let before = lines(client).take_while(|(_, end)| *end < asked).filter(|(line, _)| tagged(line)).count();
        let (line, agreed) = lines(server).filter(|(line, _)| tagged(line)).nth(before)?;
        (starts_nocase(line.get(tag.len()..)?, b" OK") == Some(true)).then_some((asked, agreed))
    })
}

/// RFC 5804 section 2.2: the greeting ends with OK, then the answer is another.
fn sieve(client: &[u8], server: &[u8]) -> Option<(usize, usize)> {
    requests(client, |line| is(line, b"STARTTLS")).find_map(|(before, asked)| {
        let mut finals = lines(server).filter(|(line, _)| matches!(line.get(..2), Some(b"OK" | b"NO")));
        let (line, agreed) = finals.nth(before + 1)?;
        line.starts_with(b"OK").then_some((asked, agreed))
    })
}

/// Behind an XML element that is empty or closed at once (RFC 6120 section 5.4.2).
pub(super) fn element(b: &[u8], open: &[u8]) -> Option<usize> {
    let start = memchr::memmem::find(b, open)?;
    let end = start + memchr::memchr(b'>', b.get(start..)?)?;
    if b.get(end.checked_sub(1)?) == Some(&b'/') {
        return Some(end + 1);
    }
    // <proceed …></proceed>
    let close = memchr::memchr(b'>', b.get(end + 1..)?)?;
    b.get(end + 1..)?.starts_with(b"</").then_some(end + 1 + close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offsets must point at what follows: both sides get a TLS record's first byte appended.
    fn upgrades(protocol: Protocol, client: &[u8], server: &[u8]) {
        assert_eq!(starttls(protocol, client, server), Some((client.len(), server.len())), "{protocol:?}");
        let tail = |b: &[u8]| [b, b"\x16\x03\x01\x02\x00\n\x01"].concat();
        assert_eq!(
            starttls(protocol, &tail(client), &tail(server)),
            Some((client.len(), server.len())),
            "{protocol:?}"
        );
        for cut in 0..server.len() {
            assert_eq!(starttls(protocol, client, &server[..cut]), None, "{protocol:?} answered by {cut} bytes");
        }
        for cut in 0..client.len() {
            assert_eq!(starttls(protocol, &client[..cut], server), None, "{protocol:?} asked by {cut} bytes");
        }
    }

    #[test]
    fn mail() {
        let server = b"220 mx ESMTP\r\n250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 2.0.0 go ahead\r\n";
        upgrades(Protocol::Smtp, b"EHLO a\r\nSTARTTLS\r\n", server);
        assert_eq!(starttls(Protocol::Smtp, b"EHLO a\r\nSTARTTLS\r\n", b"220 mx\r\n250 ok\r\n454 no TLS\r\n"), None);
        let refused = b"220 mx ESMTP\r\n250 mx\r\n454 not yet\r\n220 go ahead\r\n";
        assert_eq!(
            starttls(Protocol::Smtp, b"EHLO a\r\nSTARTTLS\r\nSTARTTLS\r\n", refused),
            Some((28, refused.len())),
            "asked again after a refusal"
        );
        assert_eq!(
            starttls(Protocol::Smtp, b"STARTTLS\r\n", b"220 mx\r\n250 ok\r\n"),
            None,
            "agrees to something else"
        );
        upgrades(Protocol::Pop3, b"CAPA\r\nSTLS\r\n", b"+OK hi\r\n-ERR what\r\n+OK go\r\n");
        upgrades(
            Protocol::Imap,
            b"a1 CAPABILITY\r\na2 starttls\r\n",
            b"* OK hi\r\n* CAPABILITY IMAP4rev1\r\na1 OK\r\na2 OK go\r\n",
        );
        upgrades(
            Protocol::Imap,
            b". CAPABILITY\r\n. STARTTLS\r\n",
            b"* OK hi\r\n* CAPABILITY IMAP4rev1\r\n. OK\r\n. OK go\r\n",
        );
        assert_eq!(starttls(Protocol::Imap, b"a STARTTLS\r\n", b"* OK hi\r\na BAD no\r\n"), None);
        upgrades(Protocol::Pop3, b"STLS\r\n", b"+OK hi\r\n+OK begin TLS\r\n");
        upgrades(Protocol::Pop3, b"CAPA\r\nSTLS\r\n", b"+OK hi\r\n+OK list\r\nSTLS\r\nUIDL\r\n.\r\n+OK go\r\n");
        assert_eq!(starttls(Protocol::Pop3, b"CAPA\r\nSTLS\r\n", b"+OK hi\r\n-ERR what\r\n-ERR no\r\n"), None);
        let server = b"\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\nOK \"begin\"\r\n";
        upgrades(Protocol::Sieve, b"STARTTLS\r\n", server);
    }

    #[test]
    fn printers() {
        let ask = b"OPTIONS * HTTP/1.1\r\nHost: p\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n";
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\n";
        upgrades(Protocol::Http, ask, answer);
        let other = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        assert_eq!(starttls(Protocol::Http, ask, other), None);
        assert_eq!(starttls(Protocol::Http, b"GET / HTTP/1.1\r\n\r\n", answer), None);
    }

    #[test]
    fn files_news_and_chat() {
        upgrades(Protocol::Ftp, b"AUTH TLS\r\n", b"220 hi\r\n234 Proceed\r\n");
        assert_eq!(starttls(Protocol::Ftp, b"AUTH TLS\r\n", b"220 hi\r\n502 no\r\n"), None);
        let (client, server) = (b"AUTH SSL\r\nAUTH TLS\r\n", b"220 hi\r\n504 no\r\n234 ok\r\n");
        assert_eq!(starttls(Protocol::Ftp, client, server), Some((client.len(), server.len())), "as curl asks");
        upgrades(Protocol::Ftp, b"AUTH TLS-C\r\n", b"220 hi\r\n234 ok\r\n");
        upgrades(Protocol::Nntp, b"CAPABILITIES\r\nSTARTTLS\r\n", b"200 hi\r\n101 list\r\nSTARTTLS\r\n.\r\n382 go\r\n");
        let behind = |lines: usize| [b"DATE\r\n".repeat(lines), b"STARTTLS\r\n".to_vec()].concat();
        let found = |lines| starttls(Protocol::Nntp, &behind(lines), b"382 go\r\n").is_some();
        assert!(found(LINES_LIMIT - 1) && !found(LINES_LIMIT), "behind too many lines");
        for (protocol, asked, answers) in [
            (Protocol::Ftp, &b"AUTH TLS\r\n"[..], &b"220 hi\r\n235 ok\r\n"[..]),
            (Protocol::Nntp, b"STARTTLS\r\n", b"200 hi\r\n381 more\r\n"),
            (Protocol::Irc, b"STARTTLS\r\n", b":irc 451 * :not among 1670 users\r\n"),
        ] {
            assert_eq!(starttls(protocol, asked, answers), None, "{protocol:?}");
        }
        upgrades(Protocol::Irc, b"STARTTLS\r\n", b":irc 670 * :go\r\n");
        upgrades(
            Protocol::Xmpp,
            b"<?xml version='1.0'?><stream:stream to='a'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            b"<stream:features/><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        );
    }

    #[test]
    fn remote_desktops_and_queues() {
        let ask = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0";
        upgrades(Protocol::Rdp, ask, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0");
        // RDP's own security, and a refusal.
        for answer in [
            b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\0\0\0\0",
            b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x05\0\0\0",
        ] {
            assert_eq!(starttls(Protocol::Rdp, ask, answer), None);
        }
        // A disconnect request that looks as if it chose TLS.
        let disconnect = b"\x03\0\0\x13\x0e\x80\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0";
        assert_eq!(starttls(Protocol::Rdp, ask, disconnect), None);
        upgrades(Protocol::Amqp, b"AMQP\x02\x01\0\0", b"AMQP\x02\x01\0\0");
        assert_eq!(starttls(Protocol::Amqp, b"AMQP\x03\x01\0\0", b"AMQP\x03\x01\0\0"), None);
        let prelogin = b"\x12\x01\0\x1a\0\0\0\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x11\0\0\0\0\0\x01";
        let answer = b"\x04\x01\0\x1a\0\0\x01\0\0\0\x0b\0\x06\x01\0\x11\0\x01\xff\x0f\0\x07\xd0\0\0\x01";
        upgrades(Protocol::Tds, prelogin, answer);
        let goes_on = [&b"\x12\0"[..], &prelogin[2..]].concat();
        assert_eq!(starttls(Protocol::Tds, &goes_on, answer), None, "the message has another packet");
        let off = |message: &[u8; 26]| [&message[..25], b"\0"].concat();
        upgrades(Protocol::Tds, &off(prelogin), answer);
        assert_eq!(starttls(Protocol::Tds, &off(prelogin), &off(answer)), None, "the login alone is encrypted");
    }

    #[test]
    fn databases_and_directories() {
        upgrades(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S");
        upgrades(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f", b"NS");
        assert_eq!(starttls(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", b"N"), None);
        let gssapi = b"\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x04\x60\x02\x06\0";
        assert!(is_under_gssapi(gssapi, b"G") && !is_under_gssapi(gssapi, b"N"));
        assert!(!is_under_gssapi(&gssapi[..8], b"G"), "agreed, and nothing came of it");
        assert!(is_under_gssapi(&[b"\0\0\0\x08\x04\xd2\x16\x2f", &gssapi[..]].concat(), b"NG"));
        assert!(!is_under_gssapi(&[b"\0\0\0\x08\x04\xd2\x16\x2f", &gssapi[8..]].concat(), b"G"));
        let mut request = vec![0x20, 0, 0, 1, 0x85, 0xae, 0xff, 0x19, 0, 0, 0, 1, 0x21];
        request.resize(36, 0);
        upgrades(Protocol::Mysql, &request, b"\x0b\0\0\0\x0a8.0.33\0\x0b\0\0");
        request[5] = 0xa6;
        assert_eq!(starttls(Protocol::Mysql, &request, b"\x0b\0\0\0\x0a8.0.33\0\x0b\0\0"), None);
        let ask = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
        upgrades(Protocol::Ldap, ask, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0");
        let (bind, bound) = (
            b"\x30\x0c\x02\x01\x00\x60\x07\x02\x01\x03\x04\0\x80\0",
            b"\x30\x0c\x02\x01\x00\x61\x07\x0a\x01\0\x04\0\x04\0",
        );
        let answer = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0";
        upgrades(Protocol::Ldap, &[&bind[..], ask].concat(), &[&bound[..], answer].concat());
        let who_am_i = b"\x30\x1e\x02\x01\x01\x77\x19\x80\x171.3.6.1.4.1.4203.1.11.3";
        assert_eq!(starttls(Protocol::Ldap, who_am_i, answer), None, "another extended operation (RFC 4532)");
        let of_another = b"\x30\x0c\x02\x01\x07\x78\x07\x0a\x01\0\x04\0\x04\0";
        assert_eq!(starttls(Protocol::Ldap, ask, of_another), None);
        assert_eq!(starttls(Protocol::Ldap, ask, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"), None);
    }
}
