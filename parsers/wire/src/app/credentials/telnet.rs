//! A login at a terminal: what was typed at the prompts for a name and a password (RFC 854 for the bytes).
//!
//! Nothing ties keys to prompts but their order: the n-th prompt is answered by the n-th line typed.

use super::secret::{Secret, name};
use super::{Credential, found};
use crate::app::look::contains_nocase;

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;

/// Prompts that are looked through: more than the tries a server allows.
const PROMPTS: usize = 16;
/// Keys of a line that are looked at: no name or password is longer, and undoing rubouts is quadratic.
const LINE_LIMIT: usize = 512;
/// How much text in front of its colon belongs to a prompt: `server.example.test login: `.
const PROMPT_WIDTH: usize = 80;

pub fn login<'a>(client: &'a [u8], server: &[u8]) -> Option<Credential<'a>> {
    let mut account = None;
    let mut whole = data(client).filter(|c| *c == b'\r' || *c == b'\n').count();
    // Clients end a line by CR NUL, CR LF or LF alone.
    if data(client).any(|c| c == b'\r') {
        whole = data(client).filter(|c| *c == b'\r').count();
    }
    for (line, prompt) in prompts(server).take(PROMPTS).enumerate() {
        if line >= whole {
            return None;
        }
        match prompt {
            Prompt::Account => account = Some(line),
            Prompt::Password if typed(client, line).next().is_some() => {
                let account = account.and_then(|line| name(typed(client, line)));
                return found("telnet_login", account, Secret::Typed { client, line });
            }
            Prompt::Password => {}
        }
    }
    None
}

#[derive(Clone, Copy)]
enum Prompt {
    Account,
    Password,
}

/// Text in front of a colon with nothing but a space behind it: what echo or answer comes next starts anew.
fn prompts(server: &[u8]) -> impl Iterator<Item = Prompt> {
    let mut text: Vec<u8> = Vec::new();
    data(server).filter_map(move |c| {
        match c {
            b'\r' | b'\n' => text.clear(),
            _ if text.len() < PROMPT_WIDTH => text.push(c),
            _ => {}
        }
        if c != b':' {
            return None;
        }
        let asks = |words: &[&[u8]]| words.iter().any(|w| contains_nocase(&text, w));
        let prompt = if asks(&[b"password:", b"passcode:"]) {
            Some(Prompt::Password)
        } else if asks(&[b"login:", b"username:", b"user name:", b"user:"]) {
            Some(Prompt::Account)
        } else {
            None
        };
        text.clear();
        prompt
    })
}

/// What is left of a stream without Telnet's commands.
fn data(b: &[u8]) -> impl Iterator<Item = u8> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *b.get(at)?;
            if byte != IAC {
                at += 1;
                return Some(byte);
            }
            match *b.get(at + 1)? {
                IAC => {
                    at += 2;
                    return Some(IAC);
                }
                SB => at += 2 + memchr::memmem::find(b.get(at + 2..)?, &[IAC, SE])? + 2,
                251..=254 => at += 3,
                _ => at += 2,
            }
        }
    })
}

/// The characters of a typed line, those left out that were rubbed out again.
pub fn typed(client: &[u8], line: usize) -> impl Iterator<Item = u8> {
    let ended_by = if data(client).any(|c| c == b'\r') { b'\r' } else { b'\n' };
    let start = data(client).enumerate().filter(|(_, c)| *c == ended_by).map(|(at, _)| at + 1);
    let start = std::iter::once(0).chain(start).nth(line).unwrap_or(usize::MAX);
    let keys = move || data(client).skip(start).take_while(move |c| *c != ended_by).take(LINE_LIMIT);
    keys().enumerate().filter(move |(at, c)| is_text(*c) && !rubbed_out(keys().skip(at + 1))).map(|(_, c)| c)
}

fn is_text(key: u8) -> bool {
    !matches!(key, 0..=0x1f | 0x7f)
}

/// Whether the keys behind a character take it back: as many rubouts as characters, and one more.
fn rubbed_out(keys: impl Iterator<Item = u8>) -> bool {
    let mut behind = 0usize;
    for key in keys {
        match key {
            0x08 | 0x7f if behind == 0 => return true,
            0x08 | 0x7f => behind -= 1,
            key if is_text(key) => behind += 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, with_server};
    use super::LINE_LIMIT;
    use crate::Protocol::Telnet;

    const SERVER: &[u8] = b"\xff\xfb\x01\xff\xfb\x03host login: joe\r\nPassword: \r\nLast login: today\r\n$ ";

    #[test]
    fn a_login_by_keys_and_by_lines() {
        for client in [
            &b"\xff\xfd\x01\xff\xfa\x18\0XTERM\xff\xf0joe\r\0sesame\r\0exit\r\0"[..],
            b"joe\r\nsesame\r\n",
            b"joe\nsesame\n",
            b"jim\x7f\x7foe\r\0sesx\x08amr\x7fe\r\0",
        ] {
            assert_eq!(with_server(Telnet, client, SERVER), named("telnet_login", "joe"));
            assert_eq!(hashed(Telnet, client, SERVER), Some("sesame".into()));
        }
        assert_eq!(with_server(Telnet, b"joe\r\0sesa", SERVER), None);
        assert_eq!(with_server(Telnet, b"joe\r\0\r\0", SERVER), None);
    }

    /// What takes a character back is looked for behind each.
    #[test]
    fn a_line_is_read_up_to_the_limit() {
        let typed = |n: usize| [vec![b'x'; n], vec![0x7f; n], b"joe\r\nsesame\r\n".to_vec()].concat();
        assert_eq!(with_server(Telnet, &typed(LINE_LIMIT / 2 - 2), SERVER), named("telnet_login", "joe"));
        assert_eq!(with_server(Telnet, &typed(LINE_LIMIT), SERVER), named("telnet_login", &"x".repeat(256)));
    }

    #[test]
    fn a_device_that_asks_for_a_password_alone() {
        let server = b"User Access Verification\r\n\r\nPassword: \r\nrouter>";
        assert_eq!(with_server(Telnet, b"sesame\r\n", server), Some(("telnet_login", None)));
        assert_eq!(with_server(Telnet, b"show clock\r\n", b"router>12:00:00\r\n"), None);
    }
}
