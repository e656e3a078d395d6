//! Logins of TACACS+ (RFC 8907 sections 4 and 5): in the clear only where the body is not obfuscated, by PAP in the first packet or as
//! answers to what the server asks for. Else no more is told than that there is one, under a pad of MD5 over the shared secret.

use std::borrow::Cow;

use super::{Credential, Secret, found};
use crate::app::look::{be16, be32, byte};

const AUTHENTICATION: u8 = 1;
const UNENCRYPTED: u8 = 1;
const ASCII: u8 = 1;
const PAP: u8 = 2;
/// Of a server's reply.
const GETUSER: u8 = 4;
const GETPASS: u8 = 5;

/// Packets of one side looked at: START, and an answer to each question of a login with a few prompts.
const MAX_PACKETS: usize = 16;

pub fn login<'a>(client: &'a [u8], server: &'a [u8]) -> Option<Credential<'a>> {
    let (start, _) = packet(client)?;
    if start.sequence != 1 {
        return None;
    }
    if !start.is_clear() {
        return found("tacacs_obfuscated", None, Secret::None);
    }
    let Start { kind, user, data } = Start::read(start.body)?;
    let user = Some(user).filter(|user| !user.is_empty());
    match kind {
        PAP if !data.is_empty() => found("tacacs_pap", user.map(Cow::Borrowed), Secret::Bytes(data)),
        ASCII => asked(user, client, server),
        _ => None,
    }
}

/// Whether the client's first packet leaves it to the server to ask who it is.
pub fn is_asked_for(client: &[u8]) -> bool {
    let is_start = |packet: &Packet<'_>| packet.sequence == 1 && packet.is_clear();
    let start = packet(client).map(|(packet, _)| packet).filter(is_start);
    start.and_then(|start| Start::read(start.body)).is_some_and(|start| start.kind == ASCII)
}

/// What the client says to each question (CONTINUE to REPLY). Where the server was not captured, a name is asked for before a password.
fn asked<'a>(mut user: Option<&'a [u8]>, client: &'a [u8], server: &'a [u8]) -> Option<Credential<'a>> {
    let mut questions = packets(server);
    for answer in packets(client).skip(1) {
        let expected = if user.is_none() { GETUSER } else { GETPASS };
        let question = if server.is_empty() { expected } else { byte(questions.next()?.body, 0)? };
        let said = answer.body.get(5..)?.get(..usize::from(be16(answer.body, 0)?))?;
        match question {
            GETUSER => user = Some(said),
            GETPASS => return found("tacacs_ascii", user.map(Cow::Borrowed), Secret::Bytes(said)),
            _ => {}
        }
    }
    None
}

struct Packet<'a> {
    sequence: u8,
    flags: u8,
    body: &'a [u8],
}

impl Packet<'_> {
    fn is_clear(&self) -> bool {
        self.flags & UNENCRYPTED != 0
    }
}

/// The first packet of authentication, once it is whole, and what follows it.
fn packet(b: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (kind, sequence, flags) = (byte(b, 1)?, byte(b, 2)?, byte(b, 3)?);
    let (body, rest) = b.get(12..)?.split_at_checked(usize::try_from(be32(b, 8)?).ok()?)?;
    (kind == AUTHENTICATION).then_some((Packet { sequence, flags, body }, rest))
}

fn packets(b: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let mut rest = b;
    std::iter::from_fn(move || {
        let (packet, behind) = packet(rest)?;
        rest = behind;
        Some(packet)
    })
    .take_while(Packet::is_clear)
    .take(MAX_PACKETS)
}

struct Start<'a> {
    kind: u8,
    user: &'a [u8],
    data: &'a [u8],
}

impl<'a> Start<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        const FIXED: usize = 8;
        let length = |at: usize| byte(body, at).map(usize::from);
        let (user, before) = (length(4)?, length(4)? + length(5)? + length(6)?);
        let data = body.get(FIXED + before..)?.get(..length(7)?)?;
        Some(Self { kind: byte(body, 2)?, user: body.get(FIXED..FIXED + user)?, data })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hashed, named, seen, with_server};
    use super::MAX_PACKETS;
    use crate::Protocol::Tacacs;

    fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
        [&[0xc0, 1, sequence, 1, 0, 0, 0, 7, 0, 0, 0, body.len() as u8], body].concat()
    }

    fn start(kind: u8, user: &str, data: &str) -> Vec<u8> {
        let head = [1, 0, kind, 1, user.len() as u8, 4, 0, data.len() as u8];
        packet(1, &[&head[..], user.as_bytes(), b"tty0", data.as_bytes()].concat())
    }

    fn answer(sequence: u8, said: &str) -> Vec<u8> {
        packet(sequence, &[&[0, said.len() as u8, 0, 0, 0], said.as_bytes()].concat())
    }

    fn question(sequence: u8, status: u8) -> Vec<u8> {
        packet(sequence, &[status, 1, 0, 2, 0, 0, b'?', b' '])
    }

    fn sesame() -> Option<String> {
        Some("sesame".into())
    }

    #[test]
    fn one_packet() {
        let obfuscated = b"\xc0\x01\x01\0\0\0\0\x01\0\0\0\x09?????????";
        assert_eq!(
            (seen(Tacacs, obfuscated), hashed(Tacacs, obfuscated, b"")),
            (Some(("tacacs_obfuscated", None)), None)
        );
        let clear = start(2, "joe", "sesame");
        assert_eq!((seen(Tacacs, &clear), hashed(Tacacs, &clear, b"")), (named("tacacs_pap", "joe"), sesame()));
        assert_eq!(seen(Tacacs, &clear[..30]), None);
        assert_eq!(seen(Tacacs, &start(3, "joe", "?????")), None, "CHAP");
    }

    #[test]
    fn answers_to_questions() {
        let named_at_once = [start(1, "joe", ""), answer(3, "sesame")].concat();
        let asked = [start(1, "", ""), answer(3, "joe"), answer(5, "sesame")].concat();
        for (client, server) in [
            (&named_at_once, question(2, 5)),
            (&named_at_once, Vec::new()),
            (&asked, [question(2, 4), question(4, 5)].concat()),
            (&asked, Vec::new()),
        ] {
            assert_eq!(with_server(Tacacs, client, &server), named("tacacs_ascii", "joe"));
            assert_eq!(hashed(Tacacs, client, &server), sesame());
            assert!((0..client.len()).all(|cut| with_server(Tacacs, &client[..cut], &server).is_none()));
        }
        let behind = |other: usize| {
            let (answers, questions) = (answer(3, "?").repeat(other), question(2, 3).repeat(other));
            let client = [start(1, "joe", ""), answers, answer(5, "sesame")].concat();
            with_server(Tacacs, &client, &[questions, question(4, 5)].concat()).is_some()
        };
        assert!(behind(MAX_PACKETS - 2) && !behind(MAX_PACKETS - 1));
        // Something else was asked for (GETDATA), or the answers are under the pad.
        assert_eq!(with_server(Tacacs, &named_at_once, &question(2, 3)), None);
        let mut hidden = named_at_once;
        let second = start(1, "joe", "").len();
        hidden[second + 3] = 0;
        assert_eq!(with_server(Tacacs, &hidden, &question(2, 5)), None);
    }
}
