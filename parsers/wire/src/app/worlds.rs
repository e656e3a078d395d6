//! Games that open with words or numbers of their own: among them World of Warcraft, Battle.net, Minecraft, Among Us. Sources: what their
//! servers or their players' projects publish (wowdev.wiki, bnetdocs.org, minecraft.wiki, open.mp, the sources of Armagetron Advanced).
//!
//! A name is claimed where the first message can be read; a game whose login goes on to encryption is left out.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le16, le32, one_of, starts, yes};

/// The realm's greeting, or the client's challenge of the logon server: size, then the game's name.
pub fn warcraft_server(b: &[u8]) -> Look {
    yes(at(b, 2, b"WORLD OF WARCRAFT CONNECTION - ")?)
}

pub fn warcraft_client(b: &[u8]) -> Look {
    if byte(b, 0)? != 0 {
        return yes(at(b, 2, b"WORLD OF WARCRAFT CONNECTION - ")?);
    }
    let logon = (2..=8).contains(&byte(b, 1)?) && at(b, 4, b"WoW\0")?;
    yes(logon && usize::from(le16(b, 2)?) + 4 == b.len() || at(b, 2, b"WORLD OF WARCRAFT CONNECTION - ")?)
}

/// Battle.net: protocol 1, then SID_AUTH_INFO with protocol 0 and a platform, its letters from the last to the first.
pub fn battle_net(b: &[u8]) -> Look {
    yes(starts(b, b"\x01\xff\x50")? && le32(b, 5)? == 0 && one_of(b.get(9..)?, &[b"68XI", b"PAMP", b"CAMX"])?)
}

/// Minecraft's handshake that asks for the status: length, packet 0, version, a host, a port, state 1. A login may agree on encryption.
pub fn minecraft(b: &[u8]) -> Look {
    let (length, packet) = (usize::from(byte(b, 0)?), byte(b, 1)?);
    if length > 0x7f || packet != 0 {
        return NO;
    }
    let message = b.get(2..=length)?;
    let version = message.iter().take_while(|c| **c >= 0x80).count() + 1;
    let Some([size, rest @ ..]) = message.get(version..) else { return NO };
    let Some((host, [_, _, state])) = rest.split_at_checked(usize::from(*size)) else { return NO };
    yes(version <= 5 && host.len() >= 3 && host.iter().all(u8::is_ascii_graphic) && *state == 1)
}

/// Terraria's first message: its size, type 1, a string that is the game's name and a number.
pub fn terraria(b: &[u8]) -> Look {
    let (size, name) = (usize::from(le16(b, 0)?), usize::from(byte(b, 3)?));
    yes(size == name + 4 && byte(b, 2)? == 1 && at(b, 4, b"Terraria")?)
}

/// The Elder Scrolls Online: a length, 1 and 1, the length of what follows those, a string that can be read.
pub fn elder_scrolls(b: &[u8]) -> Look {
    if be32(b, 4)? != 0x0001_0001 || be32(b, 0)?.checked_sub(8) != Some(be32(b, 8)?) {
        return NO;
    }
    let size = usize::from(be16(b, 14)?);
    yes((3..=64).contains(&size) && b.get(16..16 + size)?.iter().all(u8::is_ascii_graphic))
}

/// Among Us (Hazel): a hello, its number 1, version 0; the game's version, which counts days from a year 0, and the player's name.
pub fn among_us(d: &Datagram) -> Look {
    const A_YEAR: u32 = 25_000;
    let b = d.payload;
    let (version, size) = (le32(b, 4)?, usize::from(byte(b, 8)?));
    let dated = (2018 * A_YEAR..2050 * A_YEAR).contains(&version);
    let name = b.get(9..9 + size)?;
    yes(starts(b, &[8, 0, 1, 0])? && dated && (1..=32).contains(&size) && is_text(name))
}

/// Armagetron Advanced: descriptor, message, length in words, and nobody's id at the end; a login, or a clock that is compared.
pub fn armagetron(d: &Datagram) -> Look {
    let b = d.payload;
    let filled = 2 * usize::from(be16(b, 4)?) + 8 == b.len() && b.ends_with(&[0, 0]);
    match be16(b, 0)? {
        0x0b => yes(filled && be16(b, 2)? == 0 && be16(b, 6)? == 8),
        0x1c => yes(filled && b.len() == 16 && be32(b, 6)? == 0x500 && be32(b, 10)? == 0x1_0000),
        _ => NO,
    }
}

pub fn crossfire(d: &Datagram) -> Look {
    let b = d.payload;
    yes(b.len() == 25 && starts(b, b"\xc7\xd9\x19\x99\x02\0")? && be16(b, 22)? == 0x7d00)
}

/// CryEngine's network: its length in the first byte, numbers that stay the same.
pub fn cry_network(d: &Datagram) -> Look {
    let b = d.payload;
    yes(b.len() == usize::from(byte(b, 0)?) + 10
        && at(b, 3, &[0x08, 0xed])?
        && byte(b, 16)? == 1
        && byte(b, 20)? == 7
        && at(b, 24, &[3, 7])?)
}

/// Queries of San Andreas Multiplayer and open.mp: the server's address, then what is asked for.
pub fn san_andreas(d: &Datagram) -> Look {
    yes(starts(d.payload, b"SAMP")? && matches!(byte(d.payload, 10)?, b'i' | b'r' | b'c' | b'd' | b'p' | b'o' | b'x'))
}

/// Queries of GameSpy's first version: a word between backslashes.
pub fn gamespy_words(d: &Datagram) -> Look {
    yes(one_of(d.payload, &[b"\\status\\", b"\\info\\", b"\\basic\\", b"\\rules\\", b"\\players\\", b"\\secure\\"])?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, server, udp};

    #[test]
    fn realms_and_worlds() {
        assert_eq!(server(b"\x000WORLD OF WARCRAFT CONNECTION - SERVER TO CLIENT\0"), Some(Protocol::Wow));
        let challenge = b"\0\x08\x22\0WoW\0\x03\x03\x05\x34\x3068x\0niW\0SUne\x3c\0\0\0\x0a\0\0\x05\x04JOE1";
        assert_eq!(client(challenge), Some(Protocol::Wow));
        assert_eq!(client(&challenge[..37]), None);
        assert_eq!(client(b"\x01\xff\x50\x3a\0\0\0\0\x0068XIPX2D\x0d\0\0\0"), Some(Protocol::Battlenet));
        assert_eq!(client(b"\x0f\0\x01\x0bTerraria279"), Some(Protocol::Terraria));
    }

    #[test]
    fn minecraft_while_it_stays_in_clear() {
        let status = b"\x0f\0\xf9\x05\x08mc.hosts\x63\xdd\x01";
        assert_eq!(client(&[&status[..], &[1, 0]].concat()), Some(Protocol::Minecraft));
        let mut login = status.to_vec();
        login[15] = 2;
        assert_eq!(client(&login), None, "it may agree on encryption");
    }

    #[test]
    fn elder_scrolls_names_who_plays() {
        let mut login = b"\0\0\0\x1a\0\x01\0\x01\0\0\0\x12\x01\x10\0\x06player\0\0\x02en\0\0\0".to_vec();
        assert_eq!(client(&login), Some(Protocol::Teso));
        login[11] = 0x13;
        assert_eq!(client(&login), None);
    }

    #[test]
    fn datagrams_of_games() {
        assert_eq!(udp(b"\x08\0\x01\0\x80\xd9\x02\x03\x03joe\0", 22023), Some(Protocol::Amongus));
        assert_eq!(udp(b"\x08\0\x01\0\x80\xd9\x02\x13\x03joe\0", 22023), None);
        assert_eq!(udp(b"\0\x0b\0\0\0\x02\0\x08\0\x01\0\0", 4534), Some(Protocol::Armagetron));
        assert_eq!(udp(b"\0\x1c\0\x07\0\x04\0\0\x05\0\0\x01\0\0\0\0", 4534), Some(Protocol::Armagetron));
        let mut crossfire = b"\xc7\xd9\x19\x99\x02\0".to_vec();
        crossfire.resize(22, 1);
        crossfire.extend_from_slice(b"\x7d\0\0");
        assert_eq!(udp(&crossfire, 9000), Some(Protocol::Crossfire));
        let mut cry = vec![0x10, 1, 1, 0x08, 0xed];
        cry.resize(26, 0);
        (cry[16], cry[20], cry[24], cry[25]) = (1, 7, 3, 7);
        assert_eq!(udp(&cry, 9000), Some(Protocol::Crynet));
        cry.push(0);
        assert_eq!(udp(&cry, 9000), None);
        assert_eq!(udp(b"SAMP\x7f\0\0\x01\x61\x1ei", 7777), Some(Protocol::Samp));
        assert_eq!(udp(b"\\status\\", 7778), Some(Protocol::Gamespy));
    }
}
