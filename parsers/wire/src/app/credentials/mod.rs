//! Who logs in over a connection that anybody can read: the kind of credential, the account's name, and where the secret
//! stands.
//!
//! The secret is never copied or returned: [`Credential::secret`] can only be fed to a hash, so neither a record, a Debug
//! line nor an error can hold it.

mod binary;
mod databases;
mod kerberos;
mod mail;
mod secret;
mod tacacs;
mod telnet;
mod text;
mod web;

use std::borrow::Cow;

pub use secret::Secret;
pub use web::Requests;

use super::ber;
use super::look::{be32, starts_nocase};
use crate::Protocol;

/// A credential seen in the clear; the account where the protocol names one.
#[derive(Clone, Debug)]
pub struct Credential<'a> {
    pub kind: &'static str,
    pub account: Option<Cow<'a, [u8]>>,
    pub secret: Secret<'a>,
}

/// Longer account names are cut: no directory allows more, and the name goes into a record.
const ACCOUNT_LIMIT: usize = 256;

/// The first credential in the first bytes of client and server (over UDP: in one datagram); none while it has not been
/// sent whole.
pub fn credentials<'a>(protocol: Protocol, client: &'a [u8], server: &'a [u8]) -> Option<Credential<'a>> {
    match protocol {
        Protocol::Http => web::Requests::read(client).login,
        Protocol::Rtsp | Protocol::Sip => web::authorization(protocol, client),
        Protocol::Ftp => text::ftp(client),
        Protocol::Nntp => text::nntp(client),
        Protocol::Irc => text::irc(client),
        Protocol::Xmpp => text::xmpp(client),
        Protocol::Redis => text::redis(client),
        Protocol::Pop3 => mail::pop3(client),
        Protocol::Imap => mail::imap(client),
        Protocol::Smtp => mail::smtp(client),
        Protocol::Sieve => mail::sieve(client),
        Protocol::Telnet => telnet::login(client, server),
        Protocol::Mysql => databases::mysql(client, server),
        Protocol::Postgresql => databases::postgresql(client, server),
        Protocol::Mqtt => binary::mqtt(client),
        Protocol::Ldap => binary::ldap(client),
        Protocol::Snmp => binary::snmp(client).or_else(|| binary::snmp(server)),
        Protocol::Radius => binary::radius(client),
        Protocol::Tacacs => tacacs::login(client, server),
        Protocol::Kerberos => kerberos::rc4(client).or_else(|| kerberos::rc4(server)),
        _ => None,
    }
}

/// Whether the first message of a stream has begun and is not there whole: what it begins with may tell of a login before it tells whose.
pub fn awaits_message(protocol: Protocol, b: &[u8]) -> bool {
    matches!(protocol, Protocol::Kerberos | Protocol::Snmp) && !is_message(protocol, b)
}

/// Whether [`credentials`] knows logins of this protocol.
pub fn has_logins(protocol: Protocol) -> bool {
    use Protocol::*;
    matches!(protocol, Http | Rtsp | Sip | Ftp | Nntp | Irc | Xmpp | Redis | Pop3 | Imap | Smtp | Sieve | Telnet)
        || matches!(protocol, Mysql | Postgresql | Mqtt | Ldap | Snmp | Radius | Tacacs | Kerberos)
}

/// Whether what the server says can complete a login, or is one.
pub fn needs_server(protocol: Protocol) -> bool {
    use Protocol::*;
    matches!(protocol, Telnet | Mysql | Postgresql | Snmp | Kerberos)
}

/// Whether the first message of a stream is there and no answers to questions are to follow, of protocols in which one of each side says everything.
pub fn is_message(protocol: Protocol, b: &[u8]) -> bool {
    let length = match protocol {
        Protocol::Kerberos => be32(b, 0).map(|length| (4, length)), // RFC 4120 section 7.2.2
        Protocol::Tacacs if tacacs::is_asked_for(b) => None,
        Protocol::Tacacs => be32(b, 8).map(|length| (12, length)), // RFC 8907 section 4.1
        Protocol::Snmp => return ber::element(b).ok().flatten().is_some_and(|message| message.is_whole()),
        _ => None,
    };
    length.is_some_and(|(header, length)| b.len() as u64 >= header + u64::from(length))
}

fn found<'a>(kind: &'static str, account: Option<Cow<'a, [u8]>>, secret: Secret<'a>) -> Option<Credential<'a>> {
    let account = account.map(|a| match a {
        Cow::Borrowed(b) => Cow::Borrowed(b.get(..ACCOUNT_LIMIT).unwrap_or(b)),
        Cow::Owned(mut b) => {
            b.truncate(ACCOUNT_LIMIT);
            Cow::Owned(b)
        }
    });
    Some(Credential { kind, account, secret })
}

/// Whole lines without their ends.
fn lines(b: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut start = 0;
    memchr::memchr_iter(b'\n', b).map_while(move |end| {
        let line = b.get(start..end)?;
        start = end + 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

fn after<'a>(b: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    (starts_nocase(b, word) == Some(true)).then(|| b.get(word.len()..))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::seed_stream;

    pub fn seen(protocol: Protocol, client: &[u8]) -> Option<(&'static str, Option<String>)> {
        with_server(protocol, client, b"")
    }

    pub fn with_server(protocol: Protocol, client: &[u8], server: &[u8]) -> Option<(&'static str, Option<String>)> {
        seed_stream(client, server, 40_001);
        let c = credentials(protocol, client, server)?;
        assert!(has_logins(protocol));
        let shown = format!("{c:?}");
        assert!(!shown.contains("sesame") && !shown.contains("115, 101, 115"), "{shown}"); // neither the text nor its bytes
        Some((c.kind, c.account.map(|a| String::from_utf8_lossy(&a).into_owned())))
    }

    pub fn named(kind: &'static str, account: &str) -> Option<(&'static str, Option<String>)> {
        Some((kind, Some(account.into())))
    }

    /// What a hash would be fed.
    pub fn hashed(protocol: Protocol, client: &[u8], server: &[u8]) -> Option<String> {
        let mut fed = Vec::new();
        let any = credentials(protocol, client, server)?.secret.feed(|bytes| fed.extend_from_slice(bytes));
        any.then(|| String::from_utf8_lossy(&fed).into_owned())
    }

    #[test]
    fn names_are_cut() {
        let long = "a".repeat(265);
        let plain = seen(Protocol::Ftp, format!("USER {long}\r\nPASS sesame\r\n").as_bytes());
        assert_eq!(plain, named("ftp_pass", &long[..256]));
    }

    #[test]
    fn messages_are_waited_for() {
        for (protocol, message) in [
            (Protocol::Kerberos, &b"\0\0\0\x03abc"[..]),
            (Protocol::Tacacs, b"\xc0\x01\x01\0\0\0\0\x01\0\0\0\x03abc"),
            (Protocol::Snmp, b"\x30\x03abc"),
        ] {
            assert!(is_message(protocol, message));
            assert!((0..message.len()).all(|cut| !is_message(protocol, &message[..cut])), "{protocol:?}");
        }
    }

    #[test]
    fn whatever_comes_is_read_without_a_panic() {
        // Every beginning of a few real logins, as every protocol.
        let samples: [&[u8]; 4] = [
            b"a LOGIN {3}\r\njoe {6}\r\nsesame\r\nAUTH PLAIN AHRpbQB0YW4=\r\n",
            b"\x30\x16\x02\x01\x01\x60\x11\x02\x01\x03\x04\x04cn=a\x80\x06sesame",
            b"*3\r\n$4\r\nAUTH\r\n$99999999999999999999\r\njoe\r\n$6\r\nsesame\r\n",
            b"\xff\xfa\x18\xff\xf0\xff\xff\0\0\0\x08\0\x03\0\0user\0joe\0\0p\0\0\0\xffsesame",
        ];
        for protocol in Protocol::ALL {
            for sample in samples {
                for cut in 0..=sample.len() {
                    for (client, server) in [(&sample[..cut], sample), (&sample[cut..], &sample[..cut])] {
                        if let Some(found) = credentials(*protocol, client, server) {
                            found.secret.feed(|_| ());
                        }
                    }
                }
            }
        }
    }
}
