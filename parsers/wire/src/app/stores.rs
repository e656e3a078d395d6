//! Storage, work and trade: Bolt, ClickHouse, Tarantool, Hadoop, NBD, 9P, iSCSI (RFC 7143), Ceph, Gearman, FastCGI, AJP, DICOM,
//! Subversion, CVS, PJL, SMPP, FIX, DLMS/COSEM, SLMP, Lumberjack, RELP.

use super::Datagram;
use super::look::{Look, NO, at, be32, byte, is_text, one_of, starts, weak, yes};

/// Neo4j: the preamble that clients send before the versions they offer.
pub fn bolt(b: &[u8]) -> Look {
    yes(starts(b, b"\x60\x60\xb0\x17")?)
}

/// ClickHouse's native protocol: packet 0, the client's name.
pub fn clickhouse_client(b: &[u8]) -> Look {
    yes(byte(b, 0)? == 0 && at(b, 2, b"ClickHouse")?)
}

pub fn tarantool_server(b: &[u8]) -> Look {
    yes(starts(b, b"Tarantool ")?)
}

/// Hadoop RPC: magic, version 7 to 9, an authentication that does not encrypt (0; SASL is -33).
pub fn hadoop_client(b: &[u8]) -> Look {
    yes(starts(b, b"hrpc")? && (7..=9).contains(&byte(b, 4)?) && byte(b, 6)? == 0)
}

/// Network block devices: the handshake's two magic numbers. TLS, if it is to be, is asked for after them.
pub fn nbd_server(b: &[u8]) -> Look {
    yes(starts(b, b"NBDMAGIC")?)
}

/// 9P's version message: size, type, no tag, message size, "9P2000".
pub fn nine_p(b: &[u8]) -> Look {
    yes(matches!(byte(b, 4)?, 100 | 101) && at(b, 5, b"\xff\xff")? && at(b, 13, b"9P2000")?)
}

/// A login request whose first key names the initiator.
pub fn iscsi_client(b: &[u8]) -> Look {
    if byte(b, 0)? & 0x3f != 0x03 || byte(b, 4)? != 0 {
        return NO;
    }
    let keys = b.get(48..)?;
    yes(starts(keys, b"InitiatorName=")?)
}

/// Ceph's first messenger; the second one may encrypt and says so later.
pub fn ceph_server(b: &[u8]) -> Look {
    yes(starts(b, b"ceph v027")?)
}

/// Magic of a request or an answer, a known type, a length.
pub fn gearman(b: &[u8]) -> Look {
    yes(one_of(b, &[b"\0REQ", b"\0RES"])? && be32(b, 4)? <= 42 && be32(b, 8)? <= 1 << 26)
}

/// A request begins: version 1, type 1, id, eight bytes, a role.
pub fn fastcgi_client(b: &[u8]) -> Look {
    yes(starts(b, b"\x01\x01")? && at(b, 4, b"\0\x08\0\0\0")? && matches!(byte(b, 9)?, 1..=3) && byte(b, 8)? == 0)
}

/// Apache JServ: magic, length, a request to forward or a ping.
pub fn ajp_client(b: &[u8]) -> Look {
    weak(starts(b, b"\x12\x34")? && matches!(byte(b, 4)?, 2 | 7 | 8 | 10))
}

pub fn ajp_server(b: &[u8]) -> Look {
    weak(starts(b, b"AB")? && matches!(byte(b, 4)?, 3..=6 | 9))
}

/// An association is asked for or accepted: DICOM's application context follows the names.
pub fn dicom(b: &[u8]) -> Look {
    // A refusal, a release, an abort: four bytes more (section 9.3.4).
    if byte(b, 0)? >= 3 {
        return yes(at(b, 1, b"\0\0\0\0\x04\0")? && b.get(6..10)?.iter().all(|value| *value <= 10));
    }
    yes(matches!(byte(b, 0)?, 1 | 2) && byte(b, 1)? == 0 && at(b, 74, b"\x10\0\0\x151.2.840.10008.3.1.1.1")?)
}

/// Subversion's greeting: success, versions 2 to 2.
pub fn svn_server(b: &[u8]) -> Look {
    yes(starts(b, b"( success ( 2 2 ")?)
}

/// CVS: a password hardly hidden.
pub fn cvs_client(b: &[u8]) -> Look {
    yes(one_of(b, &[b"BEGIN AUTH REQUEST\n", b"BEGIN VERIFICATION REQUEST\n"])?)
}

/// Printer job language, with or without the universal exit before it.
pub fn pjl_client(b: &[u8]) -> Look {
    yes(starts(b, b"\x1b%-12345X@PJL")?)
}

/// Short messages between centres (SMPP 3.4 section 4.1): a bind, its sequence, then system id, password and system type as strings
/// of C, and the version. Small numbers alone are anybody's (ZooKeeper's answers).
pub fn smpp_client(b: &[u8]) -> Look {
    const LONGEST: [usize; 3] = [16, 9, 13];
    let (length, command, status) = (be32(b, 0)?, be32(b, 4)?, be32(b, 8)?);
    if !(23..=512).contains(&length) || !matches!(command, 1 | 2 | 9) || status != 0 || be32(b, 12)? == 0 {
        return NO;
    }
    let mut rest = b.get(16..)?;
    // Whose bind it is has a name.
    if byte(rest, 0)? == 0 {
        return NO;
    }
    for longest in LONGEST {
        let Some(end) = memchr::memchr(0, rest.get(..longest).unwrap_or(rest)) else {
            return if rest.len() < longest { None } else { NO };
        };
        if !is_text(rest.get(..end)?) {
            return NO;
        }
        rest = rest.get(end + 1..)?;
    }
    yes(matches!(byte(rest, 0)?, 0 | 0x33 | 0x34 | 0x50))
}

pub fn smpp_server(b: &[u8]) -> Look {
    let (length, command) = (be32(b, 0)?, be32(b, 4)?);
    yes((16..=512).contains(&length)
        && matches!(command, 0x8000_0001 | 0x8000_0002 | 0x8000_0009)
        && be32(b, 8)? < 0x500)
}

/// FIX: its version, the length of the body.
pub fn fix(b: &[u8]) -> Look {
    yes(one_of(b, &[b"8=FIX.", b"8=FIXT."])? && b.get(..20)?.windows(3).any(|w| w == b"\x019="))
}

/// Meter data (IEC 62056, DLMS/COSEM over TCP): version 1, addresses, a length, an association with COSEM's context.
pub fn cosem(b: &[u8]) -> Look {
    yes(starts(b, b"\0\x01")? && matches!(byte(b, 8)?, 0x60 | 0x61) && at(b, 14, b"\x60\x85\x74\x05\x08\x01")?)
}

/// Mitsubishi's SLMP, 3E frames: subheader, network 0, station 255, module 0x03ff.
pub fn slmp(b: &[u8]) -> Look {
    yes(matches!(byte(b, 0)?, 0x50 | 0xd0) && at(b, 1, b"\0\0\xff\xff\x03\0")?)
}

pub fn slmp_datagram(d: &Datagram) -> Look {
    slmp(d.payload)
}

/// Lumberjack, which ships logs: version, the size of a window.
pub fn lumberjack_client(b: &[u8]) -> Look {
    weak(matches!(byte(b, 0)?, b'1' | b'2') && byte(b, 1)? == b'W' && (1..=65_536).contains(&be32(b, 2)?))
}

/// RELP: transaction 1 opens the session.
pub fn relp_client(b: &[u8]) -> Look {
    yes(starts(b, b"1 open ")?)
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, client_on, server};

    #[test]
    fn databases() {
        assert_eq!(client(b"\x60\x60\xb0\x17\0\0\x04\x04"), Some(Protocol::Bolt));
        assert_eq!(client(b"\0\x11ClickHouse client\x17"), Some(Protocol::Clickhouse));
        assert_eq!(server(b"Tarantool 2.10.4 (Binary) 7170"), Some(Protocol::Tarantool));
        assert_eq!(client(b"hrpc\x09\0\0\0\0\0\x1e"), Some(Protocol::Hadoop));
        assert_eq!(client(b"hrpc\x09\0\xdf\0\0\0\x1e"), None, "SASL may encrypt");
    }

    #[test]
    fn disks() {
        assert_eq!(server(b"NBDMAGICIHAVEOPT\0\x03"), Some(Protocol::Nbd));
        assert_eq!(client(b"\x13\0\0\0\x64\xff\xff\0\x20\0\0\x06\09P2000"), Some(Protocol::Ninep));
        let mut login = vec![0x43, 0x87, 0, 0, 0, 0, 0, 0x40];
        login.resize(48, 0);
        login.extend_from_slice(b"InitiatorName=iqn.1993-08.org.debian:01:a\0");
        assert_eq!(client(&login), Some(Protocol::Iscsi));
        assert_eq!(server(b"ceph v027\0\0"), Some(Protocol::Ceph));
    }

    #[test]
    fn work() {
        assert_eq!(client(b"\0REQ\0\0\0\x07\0\0\0\x0a"), Some(Protocol::Gearman));
        assert_eq!(client(b"\0REQ\0\0\x01\x07\0\0\0\x0a"), None);
        assert_eq!(client(b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0"), Some(Protocol::Fastcgi));
        assert_eq!(both(b"\x12\x34\0\x0a\x02\x02\0\x08HTTP/1.1", b"AB\0\x05\x04\0\xc8\0\x02OK"), Some(Protocol::Ajp));
        assert_eq!(client_on(b"\x12\x34\0\x01\x0a", 8009), Some(Protocol::Ajp));
        assert_eq!(client(b"\x12\x34\0\x01\x0a"), None);
        assert_eq!(client(b"\x1b%-12345X@PJL JOB\r\n"), Some(Protocol::Pjl));
        assert_eq!(server(b"( success ( 2 2 ( ) ( edit-pipeline ) ) ) "), Some(Protocol::Svn));
        assert_eq!(client(b"BEGIN AUTH REQUEST\n/cvs\njoe\n"), Some(Protocol::Cvs));
    }

    #[test]
    fn trades_and_meters() {
        let bind = b"\0\0\0\x20\0\0\0\x09\0\0\0\0\0\0\0\x01id\0password\0\0\0\x34\0";
        assert_eq!(client(bind), Some(Protocol::Smpp));
        let answer = b"\0\0\0\x58\0\0\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x02";
        assert_eq!(client(answer), None, "of ZooKeeper to its first request");
        assert_eq!(server(b"\0\0\0\x13\x80\0\0\x09\0\0\0\0\0\0\0\x01id\0"), Some(Protocol::Smpp));
        assert_eq!(client(b"8=FIX.4.4\x019=126\x0135=A\x0149="), Some(Protocol::Fix));
        assert_eq!(client(b"8=FIXT.1.1\x019=126\x0135=A\x01"), Some(Protocol::Fix));
        let aarq = b"\0\x01\0\x01\0\x10\0\x1f\x60\x1d\xa1\x09\x06\x07\x60\x85\x74\x05\x08\x01\x01";
        assert_eq!(client(aarq), Some(Protocol::Cosem));
        assert_eq!(client(b"\x50\0\0\xff\xff\x03\0\x0c\0\x10\0"), Some(Protocol::Slmp));
        let mut associate = vec![1, 0, 0, 0, 0, 0xd0, 0, 1, 0, 0];
        associate.resize(74, b' ');
        associate.extend_from_slice(b"\x10\0\0\x151.2.840.10008.3.1.1.1");
        assert_eq!(client(&associate), Some(Protocol::Dicom));
        assert_eq!(client_on(b"2W\0\0\0\x032J\0\0\0\x01", 5044), Some(Protocol::Lumberjack));
        assert_eq!(client(b"1 open 85 relp_version=0\n"), Some(Protocol::Relp));
    }
}
