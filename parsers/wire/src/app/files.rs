//! Moving files: FTP (RFC 959), TFTP (RFC 1350), SMB (MS-SMB, MS-SMB2), git, rsync.
//!
//! May not follow a session: FTP's data connections carry no protocol of their own and stay unknown.

use super::Datagram;
use super::look::{
    Look, Match, NO, at, be16, be24, be32, byte, either, is_text, le16, le32, line, one_of, starts, weak, yes,
};
use super::mail::{reply, says};

/// The greeting; picked up later, any reply fits, as SMTP's would.
pub fn ftp_server(b: &[u8]) -> Look {
    if reply(b, b"220")? {
        let own = says(b, &[b"FTP", b"FileZilla"]) && !says(b, &[b"SMTP"]);
        return if own { yes(true) } else { weak(true) };
    }
    let [class, group, digit, separator] = b.first_chunk::<4>()?;
    let code = matches!(class, b'1'..=b'5') && matches!(group, b'0'..=b'5') && digit.is_ascii_digit();
    weak(code && matches!(separator, b' ' | b'-') && is_text(line(b).unwrap_or(b)))
}

pub fn ftp_client(b: &[u8]) -> Look {
    const COMMANDS: &[&[u8]] = &[
        b"USER ",
        b"PASS ",
        b"FEAT\r\n",
        b"SYST\r\n",
        b"AUTH TLS",
        b"AUTH SSL",
        b"OPTS UTF8",
        b"PBSZ 0",
        b"CLNT ",
        b"HOST ",
        b"RETR ",
        b"STOR ",
        b"CWD ",
        b"PWD\r\n",
        b"TYPE ",
        b"PASV\r\n",
        b"EPSV",
        b"PORT ",
        b"EPRT ",
        b"LIST",
        b"NLST",
        b"MLSD",
        b"SIZE ",
        b"MDTM ",
        b"QUIT\r\n",
    ];
    weak(one_of(b, COMMANDS)? && is_text(line(b).unwrap_or(b)))
}

const TFTP_BLOCK: usize = 512;

/// RFC 1350 section 5: requests, and transfers, which use a port of their own: their first block, if it is a whole one.
pub fn tftp(d: &Datagram) -> Look {
    let b = d.payload;
    match be16(b, 0)? {
        1 | 2 => {
            let mut parts = b.get(2..)?.split(|c| *c == 0);
            let (name, mode) = (parts.next()?, parts.next()?);
            let known = [&b"octet"[..], b"netascii", b"mail"].iter().any(|m| mode.eq_ignore_ascii_case(m));
            yes(!name.is_empty() && is_text(name) && known)
        }
        3 => yes(be16(b, 2)? == 1 && b.len() == 4 + TFTP_BLOCK),
        // RFC 2347: options that the server takes, each a known name and a number.
        6 => {
            let mut parts = b.get(2..)?.split(|c| *c == 0);
            let names: [&[u8]; 6] = [b"blksize", b"tsize", b"timeout", b"windowsize", b"utimeout", b"rollover"];
            let known = |name: &[u8]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
            let number = |value: &[u8]| !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            yes(known(parts.next()?) && number(parts.next()?))
        }
        5 => weak(be16(b, 2)? <= 8 && b.last() == Some(&0) && b.len() > 5 && is_text(b.get(4..b.len() - 1)?)),
        _ => NO,
    }
}

/// The NetBIOS session header (RFC 1002 section 4.3.1), also used without NetBIOS on 445; what follows it.
fn session_message(b: &[u8]) -> Option<Option<&[u8]>> {
    let (kind, length) = (byte(b, 0)?, be24(b, 1)?);
    let body = b.get(4..)?;
    Some((kind == 0 && length >= 32).then_some(body))
}

pub fn smb(b: &[u8]) -> Look {
    let Some(body) = session_message(b)? else { return NO };
    if at(body, 0, b"\xffSMB")? {
        return yes(true);
    }
    // Compressed, not encrypted (MS-SMB2 section 2.2.42): the size before, then an algorithm of LZNT1 to LZ4, or Pattern_V1 in a chain.
    if at(body, 0, b"\xfcSMB")? {
        return yes(le16(body, 8)? <= 5 && le16(body, 10)? <= 1);
    }
    if !at(body, 0, b"\xfeSMB")? {
        return NO;
    }
    yes(le16(body, 4)? == 64)
}

/// The SMB 3 transform header (MS-SMB2 section 2.2.41): signature and nonce, the size of what it encrypts, reserved zero, and the
/// cipher (3.0) or the bit that says encrypted (3.1.1). From here on the session is encrypted.
pub fn smb_transform(b: &[u8]) -> Look {
    const HEADER: u32 = 52;
    let Some(body) = session_message(b)? else { return NO };
    if !at(body, 0, b"\xfdSMB")? {
        return NO;
    }
    let fits = le32(body, 36)?.checked_add(HEADER) == Some(be24(b, 1)?);
    yes(fits && le16(body, 40)? == 0 && matches!(le16(body, 42)?, 1..=4))
}

/// Whether one side of a session goes on under encryption: told by the first message that does something with a file, in clear or
/// within a transform header. Negotiation, logins, trees and controls come before either. `None` while there is none.
pub fn smb_encrypts(b: &[u8]) -> Option<bool> {
    const NEGOTIATE_1: u8 = 0x72;
    let mut rest = b;
    loop {
        let (length, body) = (be24(rest, 1)?, rest.get(4..)?);
        match body.first_chunk::<4>()? {
            b"\xfdSMB" => return smb_transform(rest).map(|look| look == Match::Yes),
            // CREATE to LOCK, QUERY_DIRECTORY to OPLOCK_BREAK (MS-SMB2 section 2.2.1).
            b"\xfeSMB" if matches!(le16(body, 12)?, 5..=10 | 14..=18) => return Some(false),
            // Offered in the words of version 1, and taken in those of 2.
            b"\xffSMB" if byte(body, 4)? != NEGOTIATE_1 => return Some(false),
            b"\xfeSMB" | b"\xffSMB" => {}
            _ => return None,
        }
        rest = rest.get(4 + usize::try_from(length).ok()?..)?;
    }
}

/// NetBIOS session request and its answers, RFC 1002 section 4.3.
pub fn netbios_session(b: &[u8]) -> Look {
    let (kind, length) = (byte(b, 0)?, be24(b, 1)?);
    match kind {
        0x81 => yes(length == 68 && at(b, 4, &[0x20])? && b.get(5..37)?.iter().all(|c| (b'A'..=b'P').contains(c))),
        0x82 => weak(length == 0),
        0x83 => weak(length == 1 && byte(b, 4)? >= 0x80),
        // A keep-alive has no content (section 4.3.6).
        0x85 => weak(length == 0),
        _ => NO,
    }
}

/// git's packet line (gitprotocol-pack): four hex digits, then the request.
pub fn git_client(b: &[u8]) -> Look {
    let hex = b.get(..4)?.iter().all(u8::is_ascii_hexdigit);
    yes(hex && one_of(b.get(4..)?, &[b"git-upload-pack ", b"git-receive-pack ", b"git-upload-archive "])?)
}

/// pkt-lines from the first one (gitprotocol-pack): a version, or of version 0 what a reference points to; or an error.
pub fn git_server(b: &[u8]) -> Look {
    let hex = |from: usize, to: usize| b.get(from..to)?.iter().all(u8::is_ascii_hexdigit).then_some(());
    if matches!(one_of(b, &[b"000eversion 1\n", b"000eversion 2\n"]), Some(true)) {
        return yes(true);
    }
    if b.iter().take(4).any(|c| !c.is_ascii_hexdigit()) {
        return NO;
    }
    if starts(b.get(4..)?, b"ERR ").unwrap_or(false) {
        return weak(is_text(b));
    }
    // An object's name by SHA-1 or SHA-256, in hexadecimal.
    let name = if byte(b, 44)? == b' ' { 44 } else { 68 };
    yes(byte(b, name)? == b' ' && hex(4, name).is_some() && one_of(b.get(name + 1..)?, &[b"HEAD\0", b"refs/"])?)
}

pub fn rsync(b: &[u8]) -> Look {
    yes(starts(b, b"@RSYNCD: ")?)
}

/// Apple Filing Protocol's session header (DSI): flags, command, request id, offset, length, reserved zero.
pub fn afp(b: &[u8]) -> Look {
    let (flags, command) = (byte(b, 0)?, byte(b, 1)?);
    if flags > 1 || !matches!(command, 1..=8) {
        return NO;
    }
    weak(be32(b, 12)? == 0 && be32(b, 8)? <= 1 << 20 && be32(b, 4)? <= 16)
}

/// Andrew File System's Rx (OpenAFS, rx_packet): epoch, connection, call, sequence, serial, type, flags.
pub fn rx(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, flags, security) = (byte(b, 20)?, byte(b, 21)?, byte(b, 23)?);
    let counters = be32(b, 8)? < 1 << 20 && be32(b, 12)? < 1 << 20 && be32(b, 16)? < 1 << 20;
    weak(b.len() >= 28 && (1..=13).contains(&kind) && flags < 64 && security <= 5 && counters)
}

/// DRDA's data stream structure (DDM, The Open Group C114): length, magic 0xd0, format, correlation; then a DDM object.
pub fn drda(b: &[u8]) -> Look {
    let (length, magic, inner) = (be16(b, 0)?, byte(b, 2)?, be16(b, 6)?);
    let code = be16(b, 8)?;
    yes(magic == 0xd0 && length.checked_sub(6) == Some(inner) && matches!(code >> 8, 0x10..=0x24 | 0xc0))
}

/// Lustre's LNet hello over its socket driver: magic and version, either byte order.
pub fn lnet(b: &[u8]) -> Look {
    either(weak(le32(b, 0)? == 0xacce_7100), weak(be32(b, 0)? == 0xacce_7100))
}

#[cfg(test)]
mod tests {
    use super::smb_encrypts;
    use crate::Protocol;
    use crate::app::tests::{both, client, server, server_on, udp};
    use crate::app::{Ports, Verdict, stream};

    #[test]
    fn ftp_by_word_or_by_both_sides() {
        assert_eq!(server(b"220 (vsFTPd 3.0.3)\r\n"), Some(Protocol::Ftp));
        assert_eq!(server_on(b"220 FTP Service\r\n", 2525), Some(Protocol::Ftp), "though SMTP may run there");
        let joined = stream(b"", b"530 Login incorrect.\r\n", Ports { client: 2525, server: 21 });
        assert_eq!(joined, Verdict::Is(Protocol::Ftp), "a client's port is no service");
        assert_eq!(server(b"220 Welcome\r\n"), None);
        assert_eq!(server_on(b"220 Welcome\r\n", 21), Some(Protocol::Ftp));
        assert_eq!(both(b"USER anonymous\r\n", b"220 Welcome\r\n"), Some(Protocol::Ftp));
    }

    #[test]
    fn smb_and_its_encryption() {
        let mut smb2 = vec![0, 0, 0, 0xf0];
        smb2.extend_from_slice(b"\xfeSMB\x40\0\0\0\0\0\0\0\0\0\x1f\0");
        assert_eq!(client(&smb2), Some(Protocol::Smb));
        assert_eq!(client(b"\0\0\0\x85\xffSMBr\0\0\0\0"), Some(Protocol::Smb));
        assert_eq!(client(b"\0\0\0\x78\xfcSMB\x70\0\0\0\x01\0\0\0"), Some(Protocol::Smb), "compressed");
        assert_eq!(server_on(b"\x85\0\0\0", 139), Some(Protocol::Netbios));
        assert_eq!(server(b"\x85\0\0\0"), None);
        assert_eq!(server(b"000eversion 2\n"), Some(Protocol::Git));
        assert_eq!(client(&sealed()).map(|p| (p.name(), p.class())), Some(("smb", crate::Class::Encrypted)));
        // A size that is not the message's, no cipher, text.
        for (at, byte) in [(4 + 36, 7), (4 + 42, 0), (4 + 40, b' ')] {
            let mut other = sealed();
            other[at] = byte;
            assert_eq!(client(&other), None);
        }
    }

    /// Behind a transform header, 8 bytes.
    fn sealed() -> Vec<u8> {
        let header = [&b"\xfdSMB"[..], &[9; 32], &[8, 0, 0, 0], &[0, 0, 1, 0], &[5; 8]].concat();
        [&[0, 0, 0, 60][..], &header, &[0xa5; 8]].concat()
    }

    #[test]
    fn smb_goes_on_in_clear_or_sealed() {
        let message = |command: u8| {
            let mut body = [&b"\xfeSMB\x40\0\0\0\0\0\0\0"[..], &[command, 0], &[0; 50]].concat();
            body.resize(80, 0);
            [&[0, 0, 0, 80][..], &body].concat()
        };
        let old = [&[0, 0, 0, 40][..], b"\xffSMB\x72", &[0; 35]].concat();
        // NEGOTIATE in the words of version 1, SESSION_SETUP twice, TREE_CONNECT.
        let opening = [old.clone(), message(1), message(1), message(3)].concat();
        assert_eq!(smb_encrypts(&opening), None);
        assert_eq!(smb_encrypts(&[&opening[..], &message(5)].concat()), Some(false));
        let sealed = [&opening[..], &sealed()].concat();
        assert_eq!(smb_encrypts(&sealed), Some(true));
        assert!((0..opening.len() + 48).all(|cut| smb_encrypts(&sealed[..cut]).is_none()));
        assert_eq!(smb_encrypts(&[&old[..], &[0, 0, 0, 40], b"\xffSMB\x75", &[0; 35]].concat()), Some(false));
    }

    #[test]
    fn tftp_transfers() {
        assert_eq!(udp(b"\0\x06blksize\x001428\0tsize\x000\0", 40_001), Some(Protocol::Tftp));
        assert_eq!(udp(b"\0\x06blksize\x0014x8\0tsize\x000\0", 40_001), None);
        assert_eq!(udp(b"\0\x01rfc1350.txt\0octet\0", 69), Some(Protocol::Tftp));
        assert_eq!(udp(b"\0\x01rfc1350.txt\0octal\0", 69), None);
        let block = |number: u8, length| [&[0, 3, 0, number][..], &vec![b'a'; length]].concat();
        assert_eq!(udp(&block(1, 512), 44935), Some(Protocol::Tftp));
        assert_eq!(udp(&block(2, 512), 44935), None);
        assert_eq!(udp(&block(1, 511), 44935), None);
    }

    #[test]
    fn git_and_rsync() {
        assert_eq!(client(b"003agit-upload-pack /schacon/simplegit-progit.git\0host=a\0"), Some(Protocol::Git));
        assert_eq!(server(b"@RSYNCD: 31.0\n"), Some(Protocol::Rsync));
        // gitprotocol-pack: the references of a server of version 0.
        let reference = b"00877217a7c7e582c46cec22a130adf4b9d7d950fba0 HEAD\0multi_ack thin-pack side-band";
        assert_eq!(server(reference), Some(Protocol::Git));
        assert_eq!(server(&reference[..49]), None);
        let other = b"00877217a7c7e582c46cec22a130adf4b9d7d950fba0 HEADmulti_ack thin-pack side-band";
        assert_eq!(server(other), None);
    }
}
