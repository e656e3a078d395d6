//! Desks of all times: Gopher (RFC 1436), daytime (RFC 867), BEEP (RFC 3080), D-Bus, Bazaar, Synergy, Microsoft's media, names and desktops,
//! cameras (PTP/IP), remote captures, Zephyr, RouterOS, DirectPlay, JXTA, TeamSpeak.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le16, le32, line, one_of, starts, weak, yes};

/// A selector in one short line.
pub fn gopher_client(b: &[u8]) -> Look {
    let Some(selector) = line(b) else { return if b.len() > 255 || !is_text(b) { NO } else { None } };
    weak(selector.len() + 2 == b.len() && selector.iter().all(|c| c.is_ascii_graphic() || matches!(c, b' ' | b'\t')))
}

/// A menu (section 3.8): a type and a name, selector, host and port between tabs.
pub fn gopher_server(b: &[u8]) -> Look {
    let Some(item) = line(b) else { return if b.len() > 512 || !is_text(b) { NO } else { None } };
    let mut fields = item.split(|c| *c == b'\t').skip(2);
    let (Some(host), Some(port)) = (fields.next(), fields.next()) else { return NO };
    let kind = item.first().is_some_and(|kind| b"0123456789+gIThsi:;<d".contains(kind));
    yes(kind && is_text(item) && !host.is_empty() && !port.is_empty() && port.iter().all(u8::is_ascii_digit))
}

/// The time of day in a line of text: two colons with digits around them.
pub fn daytime(b: &[u8]) -> Look {
    let head = b.get(..80).unwrap_or(b);
    let clock = |w: &[u8]| w[2] == b':' && w[5] == b':' && [0, 1, 3, 4, 6, 7].iter().all(|n| w[*n].is_ascii_digit());
    weak(b.len() <= 80 && is_text(head) && head.is_ascii() && head.windows(8).any(clock))
}

pub fn daytime_datagram(d: &Datagram) -> Look {
    daytime(d.payload)
}

/// BEEP's greeting on channel 0 (section 2.2.1): the listener's is claimed where it offers no profile for TLS (section 3.1).
pub fn beep_server(b: &[u8]) -> Look {
    if !starts(b, b"RPY 0 0 . 0 ")? {
        return NO;
    }
    let end = memchr::memmem::find(b, b"END\r\n").or((b.len() > 1024).then_some(b.len()))?;
    let greeting = b.get(..end)?;
    yes(memchr::memmem::find(greeting, b"<greeting").is_some() && memchr::memmem::find(greeting, b"/TLS").is_none())
}

pub fn beep_client(b: &[u8]) -> Look {
    weak(starts(b, b"RPY 0 0 . 0 ")?)
}

/// D-Bus authenticates behind a zero (D-Bus specification, authentication protocol).
pub fn dbus(b: &[u8]) -> Look {
    yes(starts(b, b"\0AUTH ")?)
}

/// Bazaar's smart protocol, versions 2 and 3.
pub fn bazaar(b: &[u8]) -> Look {
    yes(one_of(b, &[b"bzr request 2\n", b"bzr response 2\n", b"bzr message 3 (bzr 1.6)\n"])?)
}

/// A screen shares its keyboard: a length, the program's name, a version. Encrypted, it would be inside of TLS.
pub fn synergy(b: &[u8]) -> Look {
    let (length, version) = (be32(b, 0)?, be16(b, 11)?);
    yes((11..=512).contains(&length) && (at(b, 4, b"Synergy")? || at(b, 4, b"Barrier")?) && version == 1)
}

/// Remote captures (rpcap): version 0, a request to authenticate whose lengths agree.
pub fn rpcap(b: &[u8]) -> Look {
    let length = be32(b, 4)?;
    let sizes = 8 + u32::from(be16(b, 12)?) + u32::from(be16(b, 14)?);
    yes(be32(b, 0)? == 0x0008_0000 && be16(b, 8)? <= 1 && be16(b, 10)? == 0 && length == sizes)
}

/// Microsoft's media server (MS-MMSP section 2.2.3): its signature and its name.
pub fn media_server(b: &[u8]) -> Look {
    yes(at(b, 4, b"\xce\xfa\x0b\xb0")? && at(b, 12, b"MMS ")?)
}

/// Servers of WINS replicate (MS-WINSRA section 2.2.3): a length, the opcode, a message.
pub fn wins(b: &[u8]) -> Look {
    yes((12..1 << 20).contains(&be32(b, 0)?) && be32(b, 4)? & 0x7fff_ffff == 0x7800 && be32(b, 12)? <= 3)
}

/// Peer names (MS-PNRP section 2.2.1): the header's field and length, identifier, version 4, a message.
pub fn pnrp(d: &Datagram) -> Look {
    yes(starts(d.payload, b"\0\x10\0\x0c\x51\x04")? && (1..=11).contains(&byte(d.payload, 7)?))
}

/// RDP over UDP opens (MS-RDPEUDP section 3.1.5.1.1): nothing acknowledged, SYN, two sizes of a datagram. All that it carries is
/// TLS or DTLS (MS-RDPEMT section 1.3.2).
pub fn rdp_over_udp(d: &Datagram) -> Look {
    let b = d.payload;
    let size = |n| Some((1132..=1232).contains(&be16(b, n)?));
    yes(be32(b, 0)? == u32::MAX && be16(b, 6)? & 0x0005 == 1 && size(12)? && size(14)?)
}

/// A camera is asked for a session (CIPA DC-005 section 2.3): a length, type 1, an identifier, a name, version 1.0.
pub fn picture_transfer(b: &[u8]) -> Look {
    let (length, kind) = (usize::try_from(le32(b, 0)?).ok()?, le32(b, 4)?);
    if !(30..=512).contains(&length) || !(1..=2).contains(&kind) {
        return NO;
    }
    yes(le32(b, length - 4)? == 0x1_0000 && le16(b, length - 6)? == 0)
}

/// Zephyr's notices: the version in text.
pub fn zephyr(d: &Datagram) -> Look {
    yes(starts(d.payload, b"ZEPH0.")?)
}

/// A login at RouterOS' interface for programs: a word of six letters, then attributes or the end.
pub fn router_os(b: &[u8]) -> Look {
    yes(starts(b, b"\x06/login")? && (byte(b, 7)? == 0 || byte(b, 8)? == b'='))
}

/// Telnet over Ethernet addresses: version 1, a packet, the client's type on the side that tells who is one.
pub fn mac_telnet(d: &Datagram) -> Look {
    const CLIENT: u16 = 0x0015;
    let b = d.payload;
    let known = byte(b, 0)? == 1 && matches!(byte(b, 1)?, 0 | 1 | 2 | 4 | 5 | 255) && b.len() >= 22;
    weak(known && (be16(b, 14)? == CLIENT || be16(b, 16)? == CLIENT))
}

/// DirectPlay 4 (MC-DPL4CS section 2.2.6): a size and a token, an Internet address, its padding, the signature.
pub fn direct_play(d: &Datagram) -> Look {
    let b = d.payload;
    let (size, token) = (le32(b, 0)? & 0x000f_ffff, le32(b, 0)? >> 20);
    let fits = usize::try_from(size) == Ok(b.len()) && matches!(token, 0xfab | 0xcab | 0xbab);
    weak(fits && le16(b, 4)? == 2 && at(b, 12, &[0; 8])? && at(b, 20, b"play")?)
}

pub fn jxta(b: &[u8]) -> Look {
    yes(starts(b, b"JXTAHELLO ")?)
}

/// TeamSpeak 3 opens with a mark in the place of its authentication, the number of its first packet and that packet's kind; what
/// follows is AES in EAX mode.
pub fn team_speak(d: &Datagram) -> Look {
    let b = d.payload;
    // The server's header has no client in it.
    let kind = byte(b, if d.from_client { 12 } else { 10 })?;
    yes(starts(b, b"TS3INIT1")? && be16(b, 8)? == 0x65 && kind == 0x88)
}

/// Warcraft III: a mark, a packet, its length.
pub fn warcraft(b: &[u8]) -> Look {
    let (packet, length) = (byte(b, 1)?, usize::from(le16(b, 2)?));
    weak(byte(b, 0)? == 0xf7 && (1..=0x7f).contains(&packet) && (4..=b.len()).contains(&length))
}

pub fn warcraft_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    weak(byte(b, 0)? == 0xf7 && (0x2f..=0x36).contains(&byte(b, 1)?) && usize::from(le16(b, 2)?) == b.len())
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client_on, each, server_on, udp};

    #[test]
    fn clients() {
        each(client_on, &[
            (b"/about\x0d\x0a", 70, 6, Protocol::Gopher),
            (b"0\0alice\0sesame\0uname -a\0", 512, 1, Protocol::Rexec),
            (b"\0AUTH EXTERNAL 31303030\x0d\x0a", 40001, 1, Protocol::Dbus),
            (b"bzr message 3 (bzr 1.6)\x0a\0\0\0\x1cd16:Software version5:2.5.1es4:helloe", 4155, 4, Protocol::Bzr),
            (b"\0\x08\0\0\0\0\0\x14\0\x01\0\0\0\x05\0\x07alicesesame1", 2002, 1, Protocol::Rpcap),
            (b"\x01\0\0\0\xce\xfa\x0b\xb0@\0\0\0MMS \x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x01\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1755, 12, Protocol::Mmsp),
            (b"\0\0\0%\0\0x\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x02\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 42, 6, Protocol::Wins),
            (b"\x22\0\0\0\x01\0\0\0\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11a\0\0\0\0\0\0\0\x01\0", 15740, 32, Protocol::Ptpip),
            (b"JXTAHELLO tcp://192.0.2.1:9701 tcp://192.0.2.2:9701 urn:jxta:uuid-59616261646162614A78746150325033 0 1.1\x0d\x0a", 9701, 0, Protocol::Jxta),
            (b"\x06/login\x0b=name=admin\x0a=password=\0", 8728, 1, Protocol::Routeros),
        ]);
    }

    #[test]
    fn servers() {
        each(server_on, &[
            (b"iWelcome\x09fake\x09(NULL)\x090\x0d\x0a0About\x09/about\x09example.org\x0970\x0d\x0a.\x0d\x0a", 70, 22, Protocol::Gopher),
            (b"Tuesday, February 22, 1982 17:37:43-PST\x0d\x0a", 13, 29, Protocol::Daytime),
            (b"RPY 0 0 . 0 110\x0d\x0aContent-Type: application/beep+xml\x0d\x0a\x0d\x0a<greeting>\x0d\x0a   <profile uri='http://iana.org/beep/SASL/OTP' />\x0d\x0a</greeting>\x0d\x0aEND\x0d\x0a", 10288, 0, Protocol::Beep),
            (b"\0\0\0\x0bSynergy\0\x01\0\x06", 24800, 4, Protocol::Synergy),
        ]);
    }

    #[test]
    fn datagrams() {
        each(udp, &[
            (b"27 NOV 2026 17:37:43 UTC\x0d\x0a", 13, 14, Protocol::Daytime),
            (b"\0\x10\0\x0cQ\x04\0\x04\0\0\0\x01\x009\0$\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11", 3540, 4, Protocol::Pnrp),
            (b"\xff\xff\xff\xff\x04\0\0\x01\x11\x223D\x04\xd0\x04\xd0", 3389, 0, Protocol::RdpSecurity),
            (b"ZEPH0.2\x0016\x000x00000001\0", 2103, 1, Protocol::Zephyr),
            (b"\x01\0\xaa\xbb\xcc\xdd\xee\xff\x11\x223DUf\x124\0\x15\0\0\0\0", 20561, 1, Protocol::Mactelnet),
            (b"4\0\xb0\xfa\x02\0\x08\xfc\0\0\0\0\0\0\0\0\0\0\0\0play\x02\0\x0e\0\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11", 47624, 20, Protocol::Dplay),
            (b"TS3INIT1\0e\0\0\x88\x094\xa5\xc0\0_^\x10\0\x01\x02\x03\x04\0\0\0\0\0\0\0\0", 9987, 0, Protocol::Teamspeak),
            (b"\xf7/\x10\0PX3W\x18\0\0\0\0\0\0\0", 6112, 2, Protocol::Warcraft),
        ]);
    }

    /// Lengths that contradict each other, and a greeting that offers TLS.
    #[test]
    fn what_does_not_fit() {
        assert_eq!(client_on(b"\0\x08\0\0\0\0\0\x15\0\x01\0\0\0\x05\0\x07alicesesame1\0", 2002), None);
        let greeting = |profile: &str| {
            let head = "RPY 0 0 . 0 110\r\nContent-Type: application/beep+xml\r\n\r\n<greeting>\r\n";
            server_on(
                format!("{head}<profile uri='http://iana.org/beep/{profile}' />\r\n</greeting>\r\nEND\r\n").as_bytes(),
                10288,
            )
        };
        assert_eq!((greeting("SASL/OTP"), greeting("TLS")), (Some(Protocol::Beep), None));
    }
}
