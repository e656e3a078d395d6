//! What one conversation says of the next between the same hosts: the data connections of FTP (RFC 959 section 4.1.2, RFC 2428), the media of
//! SIP, MGCP and RTSP (RFC 8866, RFC 7826 section 18.54), the ports of a TFTP transfer (RFC 1350 section 4).
//!
//! Only ports are taken: which hosts they belong to is the caller's. Media that are to be encrypted are none of these.

use super::look::{be16, byte, number, starts_nocase};
use super::starttls::lines;
use crate::Protocol;

/// A port at which something else is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// At the client's host, or at the server's.
    pub client: bool,
    pub port: u16,
    pub protocol: Protocol,
}

/// Whether a protocol tells of others, as long as it lasts.
pub fn announces(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Ftp | Protocol::Sip | Protocol::Rtsp | Protocol::Mgcp)
}

/// What was said by one side, a datagram or a piece of a stream with whole lines; each port is handed to `hear`.
pub fn announced(protocol: Protocol, client: bool, said: &[u8], hear: &mut dyn FnMut(Announced)) {
    match protocol {
        Protocol::Ftp => {
            for port in lines(said).filter_map(|(line, _)| if client { active(line) } else { passive(line) }) {
                hear(Announced { client, port, protocol: Protocol::Ftpdata });
            }
        }
        Protocol::Sip | Protocol::Mgcp => session(client, said, hear),
        Protocol::Rtsp => lines(said).for_each(|(line, _)| transport(line, hear)),
        // The answers come from a port of their own to the one that asked: its source is for the caller to add.
        _ => {}
    }
}

/// Whether a datagram is what was announced: RTP and RTCP have version 2, of T.38 and TFTP the beginning is known.
pub fn keeps_word(protocol: Protocol, b: &[u8]) -> bool {
    let second = byte(b, 1).unwrap_or_default();
    match protocol {
        Protocol::Rtp => b.len() > 12 && b[0] >> 6 == 2 && !(192..=223).contains(&second),
        Protocol::Rtcp => b.len() >= 8 && b[0] >> 6 == 2 && (200..=207).contains(&second),
        // A number, then the length of the primary packet within the datagram (T.38 section 9.1).
        Protocol::T38 => b.len() > 3 && usize::from(b[2]) + 3 <= b.len(),
        Protocol::Tftp => matches!(be16(b, 0), Some(3..=6)) && b.len() <= 65_468,
        _ => false,
    }
}

/// Six numbers between commas: an address, and a port in two bytes.
fn six(b: &[u8]) -> Option<u16> {
    let mut rest = b;
    let mut port = 0;
    for n in 0..6 {
        let (value, after) = number(rest)?;
        port = port << 8 | u32::from(u8::try_from(value).ok()?);
        rest = if n < 5 { after.strip_prefix(b",")? } else { after };
    }
    Some(port as u16)
}

/// PORT, or EPRT with a delimiter of its own: family, address, port.
fn active(line: &[u8]) -> Option<u16> {
    if starts_nocase(line, b"PORT ")? {
        return six(line.get(5..)?);
    }
    if !starts_nocase(line, b"EPRT ")? {
        return None;
    }
    let delimiter = *line.get(5)?;
    let port = line.get(6..)?.split(|c| *c == delimiter).nth(2)?;
    u16::try_from(number(port)?.0).ok()
}

/// 227 with an address and a port among prose; 229 with a port alone.
fn passive(line: &[u8]) -> Option<u16> {
    let said = line.get(4..)?;
    match line.get(..4)? {
        b"227 " => (0..said.len()).filter(|at| said[*at].is_ascii_digit()).find_map(|at| six(said.get(at..)?)),
        b"229 " => {
            let inside = said.get(memchr::memchr(b'(', said)? + 1..)?;
            let (delimiter, rest) = inside.split_first()?;
            let port = rest.strip_prefix(&[*delimiter, *delimiter])?;
            let (port, after) = number(port)?;
            (after.first() == Some(delimiter)).then_some(u16::try_from(port).ok()?)
        }
        _ => None,
    }
}

/// SDP in a message: its media in RTP/AVP with the port behind it for RTCP, or the one that is named; faxes. Keys, fingerprints and ZRTP say
/// that RTP is to be encrypted.
fn session(client: bool, said: &[u8], hear: &mut dyn FnMut(Announced)) {
    const SEALED: [&[u8]; 3] = [b"a=crypto:", b"a=fingerprint:", b"a=zrtp-hash:"];
    let Some(start) = memchr::memmem::find(said, b"\nv=0") else { return };
    let body = &said[start + 1..];
    if lines(body).any(|(line, _)| SEALED.iter().any(|sealed| line.starts_with(sealed))) {
        return;
    }
    for (line, _) in lines(body) {
        if let Some(media) = line.strip_prefix(b"m=") {
            let mut words = media.split(|c| *c == b' ');
            let (Some(_), Some(port), Some(profile)) = (words.next(), words.next(), words.next()) else { continue };
            let Some(port) = number(port).and_then(|(port, _)| u16::try_from(port).ok()).filter(|port| *port > 0)
            else {
                continue;
            };
            match profile {
                b"RTP/AVP" | b"RTP/AVPF" => {
                    hear(Announced { client, port, protocol: Protocol::Rtp });
                    hear(Announced { client, port: port.saturating_add(1), protocol: Protocol::Rtcp });
                }
                b"udptl" | b"UDPTL" => hear(Announced { client, port, protocol: Protocol::T38 }),
                _ => {}
            }
        } else if let Some(port) = line.strip_prefix(b"a=rtcp:").and_then(number)
            && let Ok(port) = u16::try_from(port.0)
        {
            hear(Announced { client, port, protocol: Protocol::Rtcp });
        }
    }
}

/// RTSP's Transport header: ports of RTP and RTCP at either side.
fn transport(line: &[u8], hear: &mut dyn FnMut(Announced)) {
    if starts_nocase(line, b"Transport:") != Some(true) || memchr::memmem::find(line, b"RTP/AVP").is_none() {
        return;
    }
    for (word, client) in [(&b"client_port="[..], true), (b"server_port=", false)] {
        let Some((first, rest)) = memchr::memmem::find(line, word).and_then(|at| number(&line[at + word.len()..]))
        else {
            continue;
        };
        let second = rest.strip_prefix(b"-").and_then(number).map_or(first.saturating_add(1), |(second, _)| second);
        for (port, protocol) in [(first, Protocol::Rtp), (second, Protocol::Rtcp)] {
            if let Ok(port) = u16::try_from(port) {
                hear(Announced { client, port, protocol });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(protocol: Protocol, client: bool, said: &[u8]) -> Vec<(bool, u16, Protocol)> {
        let mut all = Vec::new();
        announced(protocol, client, said, &mut |one| all.push((one.client, one.port, one.protocol)));
        all
    }

    #[test]
    fn ftp_in_all_its_words() {
        let data = |client, port| vec![(client, port, Protocol::Ftpdata)];
        assert_eq!(heard(Protocol::Ftp, true, b"PORT 192,0,2,1,4,1\r\n"), data(true, 1025));
        assert_eq!(heard(Protocol::Ftp, true, b"EPRT |2|2001:db8::1|5282|\r\n"), data(true, 5282));
        let answer = b"227 Entering Passive Mode (192,0,2,2,195,80).\r\n";
        assert_eq!(heard(Protocol::Ftp, false, answer), data(false, 50_000));
        assert_eq!(heard(Protocol::Ftp, false, b"229 Extended (|||6446|)\r\n"), data(false, 6446));
        assert_eq!(heard(Protocol::Ftp, true, answer), [], "a client does not answer");
        for other in
            [&b"227 (192,0,2,2,195)\r\n"[..], b"229 (|||70000|)\r\n", b"PORT 1,2,3,4,5,256\r\n", b"229 none\r\n"]
        {
            assert_eq!((heard(Protocol::Ftp, true, other), heard(Protocol::Ftp, false, other)), (vec![], vec![]));
        }
    }

    #[test]
    fn media_of_a_session() {
        let invite = b"INVITE sip:b@example SIP/2.0\r\n\r\nv=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 49170 RTP/AVP 0 96\r\nm=image 5000 udptl t38\r\n";
        let all = [(true, 49170, Protocol::Rtp), (true, 49171, Protocol::Rtcp), (true, 5000, Protocol::T38)];
        assert_eq!(heard(Protocol::Sip, true, invite), all);
        let sealed = [&invite[..], b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n"].concat();
        assert_eq!(heard(Protocol::Sip, true, &sealed), []);
        let srtp = b"SIP/2.0 200 OK\r\n\r\nv=0\r\nm=audio 49170 RTP/SAVP 0\r\nm=video 0 RTP/AVP 31\r\n";
        assert_eq!(heard(Protocol::Sip, false, srtp), []);
        let setup = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257\r\n";
        assert_eq!(heard(Protocol::Rtsp, false, setup).len(), 4);
        assert_eq!(heard(Protocol::Rtsp, false, setup)[3], (false, 6257, Protocol::Rtcp));
        assert_eq!(heard(Protocol::Rtsp, true, b"Transport: RTP/AVP;client_port=4294967295\r\n"), []);
    }

    #[test]
    fn what_comes_has_to_fit() {
        assert!(keeps_word(Protocol::Rtp, &[&[0x80, 0x60][..], &[1; 20]].concat()));
        assert!(!keeps_word(Protocol::Rtp, &[&[0x80, 200][..], &[1; 20]].concat()));
        assert!(!keeps_word(Protocol::Rtp, &[&[0x40, 0x60][..], &[1; 20]].concat()));
        assert!(keeps_word(Protocol::Rtcp, b"\x80\xc9\0\x01abcd"));
        assert!(keeps_word(Protocol::T38, b"\0\x01\x02ab") && !keeps_word(Protocol::T38, b"\0\x01\x03ab"));
        assert!(keeps_word(Protocol::Tftp, b"\0\x03\0\x07end") && !keeps_word(Protocol::Tftp, b"\x01\x03\0\x07"));
    }
}
