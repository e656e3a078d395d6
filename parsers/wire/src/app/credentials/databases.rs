//! Logins of MySQL and PostgreSQL, whose servers say in which form they want the password.

use std::borrow::Cow;

use super::{Credential, Secret, found};
use crate::app::look::{be32, byte, le32};

/// Whole packets of MySQL: length in three bytes, number, body.
fn packets(b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = b;
    std::iter::from_fn(move || {
        let end = 4 + usize::try_from(le32(rest, 0)? & 0x00ff_ffff).ok()?;
        let packet = rest.get(4..end)?;
        rest = rest.get(end..)?;
        Some(packet)
    })
}

/// Bytes up to a zero, and those behind it.
fn until_zero(b: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, b)?;
    Some((b.get(..end)?, b.get(end + 1..)?))
}

/// HandshakeResponse41, and what the client answers if the server then asks for another plugin (AuthSwitchRequest).
pub fn mysql<'a>(client: &'a [u8], server: &[u8]) -> Option<Credential<'a>> {
    const CONNECT_WITH_DB: u32 = 0x8;
    const SECURE_CONNECTION: u32 = 0x8000;
    const PLUGIN_AUTH: u32 = 0x8_0000;
    const LENENC_AUTH: u32 = 0x20_0000;
    const SWITCH: u8 = 0xfe;
    let mut answers = packets(client);
    let first = answers.next()?;
    let flags = le32(first, 0)?;
    let (account, rest) = until_zero(first.get(32..)?)?;
    let (mut response, rest) = if flags & (LENENC_AUTH | SECURE_CONNECTION) != 0 {
        // Both begin with a length; those above 250 have longer ones, which no plugin needs.
        let (length, rest) = rest.split_first()?;
        rest.split_at_checked(usize::from(*length))?
    } else {
        until_zero(rest)?
    };
    let rest = if flags & CONNECT_WITH_DB != 0 { until_zero(rest)?.1 } else { rest };
    let mut plugin = if flags & PLUGIN_AUTH != 0 { until_zero(rest)?.0 } else { b"mysql_native_password" };
    if !server.is_empty() {
        let verdict = packets(server).nth(1)?;
        if let [SWITCH, request @ ..] = verdict
            && let Some((other, _)) = until_zero(request)
        {
            (plugin, response) = (known(other)?, answers.next()?);
        }
    }
    if response.is_empty() {
        return None;
    }
    let account = Some(Cow::Borrowed(account));
    match plugin {
        b"mysql_clear_password" => {
            let password = response.strip_suffix(b"\0").unwrap_or(response);
            found("mysql_clear_password", account, Secret::Bytes(password))
        }
        b"mysql_native_password" => found("mysql_native_password", account, Secret::None),
        b"caching_sha2_password" => found("mysql_caching_sha2_password", account, Secret::None),
        b"client_ed25519" => found("mysql_ed25519", account, Secret::None),
        _ => None,
    }
}

/// The name of a plugin as one that does not borrow from the server's bytes.
fn known(plugin: &[u8]) -> Option<&'static [u8]> {
    const PLUGINS: [&[u8]; 4] =
        [b"mysql_clear_password", b"mysql_native_password", b"caching_sha2_password", b"client_ed25519"];
    PLUGINS.into_iter().find(|known| *known == plugin)
}

/// The `p` message behind the startup message, when the server asked for it in the clear or as MD5 (PostgreSQL 55.2.1).
pub fn postgresql<'a>(client: &'a [u8], server: &[u8]) -> Option<Credential<'a>> {
    const SSL_REQUEST: u32 = 80_877_103;
    const GSSENC_REQUEST: u32 = 80_877_104;
    let (mut startup, mut answers) = (client, server);
    while let Some(SSL_REQUEST | GSSENC_REQUEST) = be32(startup, 4) {
        // One byte refuses each.
        (startup, answers) = (startup.get(8..)?, answers.get(1..).unwrap_or_default());
    }
    let end = usize::try_from(be32(startup, 0)?).ok()?;
    let account = parameter(startup.get(8..end)?, b"user").map(Cow::Borrowed);
    let message = startup.get(end..)?;
    let length = usize::try_from(be32(message, 1)?).ok()?.checked_sub(4)?;
    let password = message.get(5..)?.get(..length)?;
    if byte(message, 0)? != b'p' {
        return None;
    }
    let password = password.strip_suffix(b"\0").unwrap_or(password);
    match wanted(answers) {
        Some(3) => found("postgresql_password", account, Secret::Bytes(password)),
        Some(5) => found("postgresql_md5", account, Secret::None),
        // Without the server's side, MD5 still shows by its form.
        None if password.len() == 35 && password.starts_with(b"md5") => found("postgresql_md5", account, Secret::None),
        _ => None,
    }
}

/// The value behind a name in the startup message.
fn parameter<'a>(mut pairs: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    loop {
        let (key, rest) = until_zero(pairs)?;
        let (value, rest) = until_zero(rest)?;
        if key == name {
            return Some(value);
        }
        pairs = rest;
    }
}

/// The code of the server's first authentication request; NegotiateProtocolVersion may come in front of it.
fn wanted(mut answers: &[u8]) -> Option<u32> {
    if byte(answers, 0)? == b'v' {
        answers = answers.get(1 + usize::try_from(be32(answers, 1)?).ok()?..)?;
    }
    if byte(answers, 0)? == b'R' { be32(answers, 5) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, with_server};
    use crate::Protocol::{Mysql, Postgresql};

    #[test]
    fn postgresql() {
        let startup = b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x21\0\x03\0\0user\0joe\0database\0postgres\0\0";
        let startup = [&startup[..8], b"\0\0\0\x24", &startup[12..]].concat();
        let clear = [&startup[..], b"p\0\0\0\x0bsesame\0"].concat();
        let server = b"NR\0\0\0\x08\0\0\0\x03";
        assert_eq!(with_server(Postgresql, &clear, server), named("postgresql_password", "joe"));
        assert_eq!(hashed(Postgresql, &clear, server), Some("sesame".into()));
        assert_eq!(with_server(Postgresql, &clear, b""), None);
        assert_eq!(with_server(Postgresql, &clear[..clear.len() - 1], server), None);
        assert_eq!(with_server(Postgresql, &clear, b"NR\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), None);
        let md5 = [&startup[..], b"p\0\0\0\x28md5d41d8cd98f00b204e9800998ecf8427e\0"].concat();
        for server in [&b"NR\0\0\0\x0c\0\0\0\x05salt"[..], b""] {
            assert_eq!(with_server(Postgresql, &md5, server), named("postgresql_md5", "joe"));
            assert_eq!(hashed(Postgresql, &md5, server), None);
        }
    }

    #[test]
    fn mysql_plugins() {
        let greeting = b"\x05\0\0\0\x0a5.7\0";
        let response = |flags: u32, rest: &[u8]| {
            let body = [&flags.to_le_bytes()[..], &[0; 28], b"joe\0", rest].concat();
            [&[body.len() as u8, 0, 0, 1][..], &body].concat()
        };
        let ok = [&greeting[..], b"\x01\0\0\x02\0"].concat();
        let native = response(0x8_8200, b"\x14aaaaaaaaaaaaaaaaaaaamysql_native_password\0");
        assert_eq!(with_server(Mysql, &native, greeting), None, "the server may yet ask for another plugin");
        assert_eq!(with_server(Mysql, &native, &ok), named("mysql_native_password", "joe"));
        assert_eq!(hashed(Mysql, &native, &ok), None);
        assert_eq!(with_server(Mysql, &response(0x8_8200, b"\0mysql_native_password\0"), &ok), None);
        let switch = [&greeting[..], b"\x16\0\0\x02\xfemysql_clear_password\0"].concat();
        let clear = [&native[..], b"\x07\0\0\x03sesame\0"].concat();
        assert_eq!(with_server(Mysql, &clear, &switch), named("mysql_clear_password", "joe"));
        assert_eq!(hashed(Mysql, &clear, &switch), Some("sesame".into()));
    }
}
