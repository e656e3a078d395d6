//! Dialogues that could have gone on under TLS and did not: what became of the chance.
//!
//! Told from what the server advertised and the client asked for, where [`super::starttls`] found no agreement. RFC 3207 section 6 says what
//! somebody on the path can do here: take the offer out, or spoil it.

use super::look::{be32, le32};
use super::rpc;
use super::starttls::{ASKING_FTP, lines};
use crate::Protocol;

/// Lines of either side looked at: an EHLO has some 20, a CAPA or FEAT less.
const MAX_LINES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chance {
    /// The server offered TLS, and the client did not ask for it.
    Offered,
    /// The client asked, and the answer was no.
    Refused,
    /// Where the offer or the request stands, there is something that no program sends: it was overwritten on the way.
    Mangled,
}

impl Chance {
    pub fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Refused => "refused",
            Self::Mangled => "mangled",
        }
    }
}

/// What became of the chance, `None` if there was none to be seen. For dialogues that stayed in the clear. Where the server was
/// not heard, it has refused nothing.
pub fn chance(protocol: Protocol, client: &[u8], server: &[u8]) -> Option<Chance> {
    if server.is_empty() {
        return None;
    }
    match protocol {
        Protocol::Smtp => smtp(client, server),
        Protocol::Pop3 => of(says(client, b"STLS"), says(server, b"STLS")),
        Protocol::Imap => of(imap_asked(client), has(server, b"STARTTLS")),
        Protocol::Ftp => of(ASKING_FTP.iter().any(|word| says(client, word)), has(server, b"AUTH TLS")),
        Protocol::Nntp => of(says(client, b"STARTTLS"), says(server, b"STARTTLS")),
        Protocol::Sieve => of(says(client, b"STARTTLS"), has(server, b"\"STARTTLS\"")),
        Protocol::Xmpp => of(contains(client, b"<starttls"), contains(server, b"<starttls")),
        Protocol::Postgresql => postgresql(client, server),
        Protocol::Mysql => mysql(client, server),
        // Nobody offers it before it is asked for.
        Protocol::Nfs | Protocol::Rpc => of(rpc::tls_asked(client).is_some(), false),
        _ => None,
    }
}

fn of(asked: bool, offered: bool) -> Option<Chance> {
    match (asked, offered) {
        (true, _) => Some(Chance::Refused),
        (false, true) => Some(Chance::Offered),
        (false, false) => None,
    }
}

/// What a firewall of the PIX family writes over the keyword of an extension and over a command: eight letters for eight.
fn smtp(client: &[u8], server: &[u8]) -> Option<Chance> {
    let keyword = |line: &[u8]| line.split_first_chunk::<4>().map(|(_, keyword)| keyword.trim_ascii_end().to_vec());
    let overwritten = |word: &[u8]| matches!(word, [letters @ .., last] if letters.len() == 7 && letters.iter().all(|b| *b == b'X') && last.is_ascii_uppercase());
    let is_extension = |line: &&[u8]| line.starts_with(b"250");
    let offers = || some(server).filter(is_extension).filter_map(keyword);
    if offers().any(|word| overwritten(&word)) || some(client).any(|line| overwritten(line.trim_ascii_end())) {
        return Some(Chance::Mangled);
    }
    of(says(client, b"STARTTLS"), offers().any(|word| word.eq_ignore_ascii_case(b"STARTTLS")))
}

/// `tag STARTTLS`, RFC 9051 section 6.2.1.
fn imap_asked(client: &[u8]) -> bool {
    some(client).any(|line| {
        let rest = memchr::memchr(b' ', line).and_then(|space| line.get(space..));
        rest.is_some_and(|rest| rest.trim_ascii().eq_ignore_ascii_case(b"STARTTLS"))
    })
}

/// An SSLRequest that was answered by N; what follows is in the clear.
fn postgresql(client: &[u8], server: &[u8]) -> Option<Chance> {
    const SSL_REQUEST: u32 = 80_877_103;
    let asked = be32(client, 4) == Some(SSL_REQUEST) || be32(client, 12) == Some(SSL_REQUEST);
    (asked && server.first() == Some(&b'N')).then_some(Chance::Refused)
}

/// The greeting says CLIENT_SSL, the client's answer does not.
fn mysql(client: &[u8], server: &[u8]) -> Option<Chance> {
    const CLIENT_SSL: u32 = 0x800;
    if server.get(4) != Some(&10) {
        return None;
    }
    // Version of the server, thread, the first half of the challenge, a filler; then the lower half of what it can.
    let version = server.get(5..)?;
    let behind = 5 + memchr::memchr(0, version)? + 1 + 4 + 8 + 1;
    let offered = u32::from(u16::from_le_bytes(server.get(behind..)?.first_chunk::<2>().copied()?)) & CLIENT_SSL != 0;
    (offered && le32(client, 4)? & CLIENT_SSL == 0).then_some(Chance::Offered)
}

fn some(b: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(b).take(MAX_LINES).map(|(line, _)| line)
}

/// Whether a whole line is this word.
fn says(b: &[u8], word: &[u8]) -> bool {
    some(b).any(|line| line.trim_ascii().eq_ignore_ascii_case(word))
}

/// Whether a line has this word in it.
fn has(b: &[u8], word: &[u8]) -> bool {
    some(b).any(|line| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

fn contains(b: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(b, word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail() {
        let ehlo = b"EHLO a\r\nMAIL FROM:<a@b>\r\n";
        let offer = b"220 mx\r\n250-mx\r\n250-STARTTLS\r\n250 SIZE 1\r\n250 ok\r\n";
        for (client, server, found) in [
            (&ehlo[..], &offer[..], Some(Chance::Offered)),
            (b"EHLO a\r\nSTARTTLS\r\n", b"220 mx\r\n250 mx\r\n454 not now\r\n", Some(Chance::Refused)),
            (ehlo, b"220 mx\r\n250-mx\r\n250-XXXXXXXA\r\n250 SIZE 1\r\n", Some(Chance::Mangled)),
            (ehlo, b"220 mx\r\n250-mx\r\n250-XA\r\n250-XXXXXXXXXX\r\n250 SIZE 1\r\n", None),
            (b"EHLO a\r\nXXXXXXXX\r\n", b"220 mx\r\n250 mx\r\n500 what\r\n", Some(Chance::Mangled)),
            (ehlo, b"220 mx\r\n250-mx\r\n250 SIZE 1\r\n", None),
            (b"EHLO a\r\nSTARTTLS\r\n", b"", None),
            (b"HELO a\r\n", b"220 mx STARTTLS here\r\n250 mx\r\n", None),
        ] {
            assert_eq!(chance(Protocol::Smtp, client, server), found, "{}", String::from_utf8_lossy(server));
        }
        let imap = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\r\n";
        assert_eq!(chance(Protocol::Imap, b"a LOGIN x y\r\n", imap), Some(Chance::Offered));
        assert_eq!(chance(Protocol::Imap, b"a starttls\r\n", b"* OK\r\na BAD no\r\n"), Some(Chance::Refused));
        assert_eq!(chance(Protocol::Imap, b"a LOGIN x y\r\n", b"* OK hi\r\n"), None);
        let capa = b"+OK\r\n+OK\r\nUSER\r\nSTLS\r\n.\r\n";
        assert_eq!(chance(Protocol::Pop3, b"CAPA\r\nUSER a\r\n", capa), Some(Chance::Offered));
        assert_eq!(chance(Protocol::Pop3, b"STLS\r\n", b"+OK\r\n-ERR\r\n"), Some(Chance::Refused));
    }

    #[test]
    fn files_and_chat() {
        let feat = b"220 hi\r\n211-Features:\r\n AUTH TLS\r\n211 End\r\n";
        assert_eq!(chance(Protocol::Ftp, b"FEAT\r\nUSER a\r\n", feat), Some(Chance::Offered));
        assert_eq!(chance(Protocol::Ftp, b"AUTH TLS\r\n", b"220 hi\r\n530 no\r\n"), Some(Chance::Refused));
        let features = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
        assert_eq!(chance(Protocol::Xmpp, b"<auth/>", features), Some(Chance::Offered));
        assert_eq!(chance(Protocol::Http, b"STARTTLS\r\n", feat), None);
    }

    #[test]
    fn databases() {
        assert_eq!(chance(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", b"N"), Some(Chance::Refused));
        assert_eq!(chance(Protocol::Postgresql, b"\0\0\0\x08\x04\xd2\x16\x2f", b"S"), None);
        assert_eq!(chance(Protocol::Postgresql, b"\0\0\0\x08\0\x03\0\0", b"R"), None);
        let greeting = |flags: u8| [&b"\x20\0\0\0\x0a8.0\0\x01\0\0\0abcdefgh\0\xff"[..], &[flags], b"more"].concat();
        let answer = |flags: u8| [&b"\x20\0\0\x01\x85"[..], &[flags], b"\xff\x19\0\0\0\x01"].concat();
        assert_eq!(chance(Protocol::Mysql, &answer(0xa6), &greeting(0xf7)), None);
        assert_eq!(chance(Protocol::Mysql, &answer(0xae), &greeting(0xff)), None);
        assert_eq!(chance(Protocol::Mysql, &answer(0xa6), &greeting(0xff)), Some(Chance::Offered));
        for cut in 0..greeting(0xff).len() {
            chance(Protocol::Mysql, &answer(0xa6), &greeting(0xff)[..cut]);
        }
    }
}
