//! Remote hands: SSH (RFC 4253), Telnet (RFC 854), VNC (RFC 6143), X11, RDP (MS-RDPBCGR), DCE/RPC, and kin.
//!
//! May not read sessions: SSH's algorithms are for a later layer, RDP's TLS is the caller's.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, le16, le32, line, starts, starts_nocase, weak, yes};

/// The identification string, RFC 4253 section 4.2.
pub fn ssh(b: &[u8]) -> Look {
    yes(starts(b, b"SSH-2.0-").or_else(|| starts(b, b"SSH-1."))? || starts(b, b"SSH-1.")?)
}

const IAC: u8 = 255;

/// Option negotiation: IAC WILL/WONT/DO/DONT option, twice or more, or up to text (RFC 854; options RFC 855). A subnegotiation may
/// still be going on.
pub fn telnet(b: &[u8]) -> Look {
    // All ones are written twice where they are data.
    let mut rest = b.strip_prefix(&[IAC, IAC]).unwrap_or(b);
    let mut options = 0;
    while let [IAC, tail @ ..] = rest {
        match tail {
            [251..=254, option, next @ ..] if *option <= 50 || *option == IAC => rest = next,
            [250, option, next @ ..] if *option <= 50 || *option == IAC => {
                match memchr::memmem::find(next, &[IAC, 240]) {
                    Some(end) => rest = next.get(end + 2..)?,
                    None if options == 0 => return weak(true),
                    None => return yes(true),
                }
            }
            [] | [250..=254] => break,
            _ if options >= 2 => break,
            _ => return NO,
        }
        options += 1;
    }
    match options {
        0 if b.len() < 3 => None,
        0 => NO,
        1 => weak(rest.first() != Some(&IAC) && is_text(rest)),
        _ => yes(true),
    }
}

/// Words on Telnet's port without any option: RFC 854's terminal. A login's prompt is enough, other text has to be longer.
pub fn terminal(b: &[u8]) -> Look {
    const ENOUGH: usize = 16;
    let head = b.get(..64).unwrap_or(b);
    // Bell, backspace, escape, and the zero behind a carriage return.
    let typed = |c: &u8| matches!(c, b' '..=b'~' | 0 | 7..=13 | 27);
    if !head.iter().all(typed) {
        return NO;
    }
    let printed = head.iter().filter(|c| c.is_ascii_graphic() || **c == b' ').count();
    let asks = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    if asks(b"ogin:") || asks(b"assword:") || b.len() >= ENOUGH && 2 * printed > head.len() {
        return weak(true);
    }
    if b.len() < 64 { None } else { NO }
}

pub fn vnc(b: &[u8]) -> Look {
    if !starts(b, b"RFB ")? {
        return NO;
    }
    let v = b.get(4..12)?;
    yes(v.get(3) == Some(&b'.') && v.get(7) == Some(&b'\n'))
}

/// The connection setup (X11 protocol, section 8): byte order, version 11.0, lengths of the authorisation.
pub fn x11_client(b: &[u8]) -> Look {
    let b12 = b.first_chunk::<12>()?;
    let read = if b12[0] == b'B' { be16 } else { le16 };
    let (major, minor, name, data) = (read(b, 2)?, read(b, 4)?, read(b, 6)?, read(b, 8)?);
    yes(matches!(b12[0], b'B' | b'l') && b12[1] == 0 && major == 11 && minor == 0 && name <= 64 && data <= 256)
}

/// Refused, accepted or to be proven; then version 11.0. Who is accepted is told which bits name its resources, without a gap.
pub fn x11_server(b: &[u8]) -> Look {
    let (status, major) = (byte(b, 0)?, [be16(b, 2)?, le16(b, 2)?]);
    if status > 2 || !major.contains(&11) || be16(b, 4)? != 0 {
        return NO;
    }
    let Some(mask) = (if major[0] == 11 { be32(b, 16) } else { le32(b, 16) }).filter(|_| status == 1) else {
        return weak(true);
    };
    let bits = mask >> mask.trailing_zeros().min(31);
    if mask.count_ones() >= 18 && bits & bits.wrapping_add(1) == 0 { yes(byte(b, 1)? == 0) } else { weak(true) }
}

/// TPKT (RFC 1006) with an X.224 connection request or confirm; what is asked for is left to the caller.
fn x224_connect(b: &[u8], code: u8) -> Option<Option<&[u8]>> {
    let (version, reserved, length) = (byte(b, 0)?, byte(b, 1)?, be16(b, 2)?);
    let (indicator, kind) = (byte(b, 4)?, byte(b, 5)?);
    let fits =
        version == 3 && reserved == 0 && (11..=512).contains(&length) && u16::from(indicator) == length.wrapping_sub(5);
    Some(if fits && kind & 0xf0 == code && byte(b, 10)? & 0x0f == 0 { Some(b.get(11..)?) } else { None })
}

/// A cookie or an RDP_NEG_REQ tells RDP from the other users of X.224 (MS-RDPBCGR 2.2.1.1).
pub fn rdp_client(b: &[u8]) -> Look {
    let Some(options) = x224_connect(b, 0xe0)? else { return NO };
    if starts(options, b"Cookie: ").unwrap_or(false) {
        return yes(true);
    }
    if b.len() == 11 {
        return weak(true);
    }
    yes(byte(options, 0)? == 1 && le16(options, 2)? == 8 && le32(options, 4)? <= 31)
}

pub fn rdp_server(b: &[u8]) -> Look {
    let Some(options) = x224_connect(b, 0xd0)? else { return NO };
    if be16(b, 2)? == 11 {
        return weak(true);
    }
    weak(matches!(byte(options, 0)?, 2 | 3) && le16(options, 2)? == 8)
}

/// Whether both sides go on under RDP's own encryption, by the server's choice or, where that was not captured, by what the client does.
pub fn rdp_encrypts(client: &[u8], server: &[u8]) -> Option<bool> {
    rdp_method(server).or_else(|| rdp_keyed(client))
}

/// Whether the client has sent its half of the keys (MS-RDPBCGR 2.2.1.10, which it does only where the server has chosen to encrypt), or
/// says who it is (2.2.1.11) without: behind X.224 and MCS's SendDataRequest each of these begins with flags.
fn rdp_keyed(client: &[u8]) -> Option<bool> {
    const DATA: [u8; 3] = [2, 0xf0, 0x80];
    const SEND_DATA_REQUEST: u8 = 0x64;
    const SEC_EXCHANGE_PKT: u16 = 0x0001;
    const SEC_ENCRYPT: u16 = 0x0008;
    const SEC_INFO_PKT: u16 = 0x0040;
    let mut rest = client;
    loop {
        let (version, length) = (byte(rest, 0)?, usize::from(be16(rest, 2)?));
        let packet = rest.get(4..length)?;
        rest = rest.get(length..)?;
        if version != 3 {
            return None;
        }
        let Some([SEND_DATA_REQUEST, data @ ..]) = packet.strip_prefix(&DATA) else { continue };
        // Initiator, channel, priority, then the length in one byte or two.
        let data = data.get(if byte(data, 5)? & 0x80 == 0 { 6 } else { 7 }..)?;
        match le16(data, 0)? {
            SEC_EXCHANGE_PKT => return Some(le32(data, 4)? as usize == data.len().saturating_sub(8)),
            flags if flags & SEC_INFO_PKT != 0 => return Some(flags & SEC_ENCRYPT != 0),
            _ => {}
        }
    }
}

/// Whether the server has chosen RDP's own encryption (RC4 or 3DES; MS-RDPBCGR 5.3), in its MCS Connect Response: behind the
/// key of the conference (T.124, `McDn`) and a length come blocks of type and length (section 2.2.1.4), one of which is
/// TS_UD_SC_SEC1 with the method. `None` while that is not there.
fn rdp_method(server: &[u8]) -> Option<bool> {
    const SECURITY: u16 = 0x0c02;
    const BLOCKS: usize = 8;
    let mut rest = server.get(memchr::memmem::find(server, b"McDn")? + 4..)?;
    rest = rest.get(if byte(rest, 0)? & 0x80 == 0 { 1 } else { 2 }..)?;
    for _ in 0..BLOCKS {
        let (kind, length) = (le16(rest, 0)?, usize::from(le16(rest, 2)?));
        if kind == SECURITY {
            let (method, level) = (le32(rest, 4)?, le32(rest, 8)?);
            return Some(matches!(method, 1 | 2 | 8 | 16) && (1..=4).contains(&level));
        }
        rest = rest.get(length.max(4)..)?;
    }
    None
}

/// DCE/RPC connection-oriented header (C706 section 12.6.3): version 5.0 or 5.1, type, flags, representation.
pub fn dcerpc(b: &[u8]) -> Look {
    if !(byte(b, 0)? == 5 && byte(b, 1)? <= 1 && byte(b, 2)? <= 20) {
        return NO;
    }
    let label = byte(b, 4)?;
    let quiet = matches!(label, 0 | 0x10) && byte(b, 5)? <= 3 && be16(b, 6)? == 0;
    let length = if label == 0x10 { le16(b, 8)? } else { be16(b, 8)? };
    yes(quiet && length >= 16)
}

/// DCE/RPC connectionless header (C706 section 12.5.1): version 4, type, flags, representation.
pub fn dcerpc_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    if b.len() < 80 || byte(b, 0)? != 4 || byte(b, 1)? > 10 {
        return NO;
    }
    let label = byte(b, 4)?;
    let length = if label & 0xf0 == 0x10 { le16(b, 74)? } else { be16(b, 74)? };
    // Representation: integer order and character set, float format, reserved; then the serial number's high byte.
    let quiet = matches!(label, 0 | 0x10) && byte(b, 5)? <= 3 && byte(b, 6)? == 0 && byte(b, 3)? & 0xfc == 0;
    yes(quiet && usize::from(length) <= b.len() - 80 && be32(b, 64).is_some())
}

/// rlogin (RFC 1282): a zero, then user names and terminal, each ended by zero, the last as `type/speed`.
pub fn rlogin(b: &[u8]) -> Look {
    if byte(b, 0)? != 0 {
        return NO;
    }
    let mut parts = b.get(1..)?.splitn(4, |c| *c == 0);
    let (local, remote, terminal) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    let name = |n: &[u8]| !n.is_empty() && n.len() <= 32 && n.iter().all(u8::is_ascii_graphic);
    let speed = terminal.rsplit(|c| *c == b'/').next()?;
    yes(name(local)
        && name(remote)
        && terminal.contains(&b'/')
        && !speed.is_empty()
        && speed.iter().all(u8::is_ascii_digit))
}

/// rsh (rcmd(3), 4.2BSD): the port for standard error in digits, both user names and the command, each ended by zero.
pub fn rsh(b: &[u8]) -> Look {
    let mut parts = b.splitn(5, |c| *c == 0);
    let (port, local, remote, command) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    let name = |n: &[u8]| !n.is_empty() && n.len() <= 32 && n.iter().all(u8::is_ascii_graphic);
    let below_1024 = port.len() <= 4 && port.iter().all(u8::is_ascii_digit);
    weak(below_1024 && name(local) && name(remote) && !command.is_empty() && is_text(command))
}

/// Java RMI (JRMP): magic, version 2, stream protocol.
pub fn java_rmi(b: &[u8]) -> Look {
    yes(at(b, 0, b"JRMI\0\x02")? && matches!(byte(b, 6)?, 0x4b..=0x4d))
}

/// whois (RFC 3912): a question of one short line, the answer in text; only both sides together say so.
pub fn whois_client(b: &[u8]) -> Look {
    let question = match line(b.get(..130).unwrap_or(b)) {
        Some(question) => question,
        None if b.len() < 130 && is_text(b) => return None,
        None => return NO,
    };
    weak(
        question.len() <= 128
            && !question.is_empty()
            && is_text(question)
            && std::str::from_utf8(question).is_ok()
            && question.len() + 2 == b.len(),
    )
}

pub fn whois_server(b: &[u8]) -> Look {
    if !matches!(byte(b, 0)?, b'%' | b'#' | b'\r' | b' ' | b'D' | b'd') {
        return NO;
    }
    let text = super::look::contains_nocase(b.get(..256).unwrap_or(b), b"whois")
        || starts_nocase(b.trim_ascii_start(), b"domain").unwrap_or(false)
        || starts(b, b"% ").unwrap_or(false);
    if !text || !is_text(b) {
        return NO;
    }
    // A registry's answer (RFC 9083's fields as text): a domain's name, then more fields of that kind, a line each.
    let fields = [&b"Registry Domain ID: "[..], b"Registrar WHOIS Server: ", b"Registrar URL: "];
    if fields.iter().any(|field| memchr::memmem::find(b, field).is_some()) { yes(true) } else { weak(true) }
}

#[cfg(test)]
mod tests {
    use super::{rdp_encrypts, rdp_method};
    use crate::app::tests::{client, server, server_on, udp};
    use crate::{Class, Protocol};

    #[test]
    fn rsh_on_its_port() {
        use crate::app::tests::client_on;
        let request = b"1022\0alice\0bob\0uname -a\0";
        assert_eq!(client_on(request, 514), Some(Protocol::Rsh));
        assert_eq!(client_on(request, 5140), None);
        assert_eq!(client_on(b"1022\0alice\0bob\0uname\x01-a\0", 514), None);
        assert_eq!(client_on(b"10a2\0alice\0bob\0uname\0", 514), None);
    }

    /// Server MCS Connect Response of MS-RDPBCGR section 4.1.4, up to the method and level of its security block.
    #[test]
    fn rdp_s_own_encryption() {
        let mut response = b"\x03\0\x01\x51\x02\xf0\x80\x7f\x66\x82\x01\x45\x0a\x01\0\x02\x01\0\x30\x1a\x02\x01\x22\x02\x01\x03\x02\x01\0\
            \x02\x01\x01\x02\x01\0\x02\x01\x01\x02\x03\0\xff\xf8\x02\x01\x02\x04\x82\x01\x1f\0\x05\0\x14\x7c\0\x01\x2a\x14\x76\x0a\x01\
            \x01\0\x01\xc0\0McDn\x81\x08\x01\x0c\x0c\0\x04\0\x08\0\0\0\0\0\x03\x0c\x10\0\xeb\x03\x03\0\xec\x03\xed\x03\xee\x03\0\0\
            \x02\x0c\xec\0\x02\0\0\0\x02\0\0\0"
            .to_vec();
        assert_eq!(rdp_method(&response), Some(true));
        for size in 0..response.len() {
            assert_eq!(rdp_method(&response[..size]), None);
        }
        let method = response.len() - 8;
        response[method] = 0;
        assert_eq!(rdp_method(&response), Some(false));
    }

    /// Client Security Exchange and Client Info of MS-RDPBCGR sections 4.1.8 and 4.1.10, shortened, behind a request to join a channel.
    #[test]
    fn rdp_s_own_encryption_by_the_client_alone() {
        let join = b"\x03\0\0\x0c\x02\xf0\x80\x38\0\x06\x03\xef";
        let exchange = b"\x03\0\0\x1e\x02\xf0\x80\x64\0\x06\x03\xeb\x70\x80\x10\x01\x02\0\0\x08\0\0\0abcdefgh";
        let mut exchange = exchange.to_vec();
        (exchange[3], exchange[16]) = (31, 0);
        let info =
            |flags: u8| [&b"\x03\0\0\x13\x02\xf0\x80\x64\0\x06\x03\xeb\x70\x05"[..], &[flags, 0, 0, 0, 9]].concat();
        let keyed = [&join[..], &exchange].concat();
        assert_eq!(rdp_encrypts(&keyed, b""), Some(true));
        assert!((0..keyed.len()).all(|cut| rdp_encrypts(&keyed[..cut], b"").is_none()));
        assert_eq!(rdp_encrypts(&[&join[..], &info(0x40)].concat(), b""), Some(false));
        assert_eq!(rdp_encrypts(&[&join[..], &info(0x48)].concat(), b""), Some(true));
    }

    #[test]
    fn ssh_is_encrypted() {
        assert_eq!(client(b"SSH-2.0-OpenSSH_9.6\r\n"), Some(Protocol::Ssh));
        assert_eq!(server(b"SSH-1.99-Cisco-1.25\n"), Some(Protocol::Ssh));
        assert_eq!(server(b"SSH-3"), None);
        assert_eq!(Protocol::Ssh.class(), Class::Encrypted);
    }

    #[test]
    fn telnet_negotiates() {
        assert_eq!(server(b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"), Some(Protocol::Telnet));
        assert_eq!(server(b"\xff\xfd\x18login: "), None);
        assert_eq!(server_on(b"\xff\xfd\x18login: ", 23), Some(Protocol::Telnet));
        assert_eq!(server(b"\xff\x01\x18\xff\xfd\x20"), None);
    }

    #[test]
    fn screens() {
        assert_eq!(server(b"RFB 003.008\n"), Some(Protocol::Vnc));
        assert_eq!(client(b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1"), Some(Protocol::X11));
        assert_eq!(client(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\0\0\0\0"), Some(Protocol::Rdp));
        assert_eq!(client(b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=eltons\r\n"), Some(Protocol::Rdp));
    }

    #[test]
    fn who_is_accepted_by_x11_is_told_its_resources() {
        let mut accepted = b"\x01\0\x0b\0\0\0\x1a\0\xa3\xa5\xb8\0\0\0\x20\0\xff\xff\x1f\0".to_vec();
        assert_eq!(server(&accepted), Some(Protocol::X11));
        accepted[17] = 0xfb;
        assert_eq!(server(&accepted), None, "a gap");
        assert_eq!(server_on(&accepted, 6000), Some(Protocol::X11));
    }

    #[test]
    fn dce_rpc() {
        let bind = b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10";
        assert_eq!(client(bind), Some(Protocol::Dcerpc));
        let mut short = vec![4u8, 0, 8, 0, 0x10, 0, 0, 0];
        short.resize(80, 0);
        assert_eq!(udp(&short, 1030), Some(Protocol::Dcerpc));
        short[75] = 9;
        assert_eq!(udp(&short, 1030), None);
    }

    #[test]
    fn terminals() {
        assert_eq!(server_on(b"\r\nUser Access Verification\r\n\r\nPassword: ", 23), Some(Protocol::Telnet));
        assert_eq!((server_on(b"login: ", 23), server_on(b"login: ", 24)), (Some(Protocol::Telnet), None));
        assert_eq!(server_on(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03login:", 23), None);
    }
}
