//! Finding names and services on a network: NetBIOS (RFC 1002), SLP (RFC 2608), NAT-PMP and PCP, BJNP, Dropbox, TiVo.

use super::Datagram;
use super::look::{Look, NO, at, be16, be24, be32, byte, is_text, starts, weak, yes};

/// A first-level encoded name: 32 letters A to P behind a length of 32 (RFC 1001 section 14.1).
fn encoded_name(b: &[u8], at: usize) -> bool {
    byte(b, at) == Some(32) && b.get(at + 1..at + 33).is_some_and(|n| n.iter().all(|c| (b'A'..=b'P').contains(c)))
}

/// Name service: a DNS-like header with the name of a question or of an answer behind it.
pub fn netbios_name(d: &Datagram) -> Look {
    let b = d.payload;
    let (questions, answers, authority, additional) = (be16(b, 4)?, be16(b, 6)?, be16(b, 8)?, be16(b, 10)?);
    let counts = questions <= 1 && answers <= 16 && authority <= 16 && additional <= 16;
    yes(counts && questions + answers > 0 && encoded_name(b, 12))
}

/// Datagram service, RFC 1002 section 4.4.1.
pub fn netbios_datagram(d: &Datagram) -> Look {
    let b = d.payload;
    let (kind, flags) = (byte(b, 0)?, byte(b, 1)?);
    match kind {
        0x10..=0x12 => yes(flags & 0xf0 == 0 && encoded_name(b, 14)),
        0x13 => weak(flags & 0xf0 == 0 && b.len() == 11 && matches!(byte(b, 10)?, 0x82..=0x84)),
        0x14..=0x16 => yes(flags & 0xf0 == 0 && encoded_name(b, 10)),
        _ => NO,
    }
}

/// Header of version 2: function, the packet's own length, flags, extension offset, language tag; version 1 is shorter.
pub fn slp(d: &Datagram) -> Look {
    slp_message(d.payload)
}

pub fn slp_message(b: &[u8]) -> Look {
    match byte(b, 0)? {
        2 => {
            let (function, length, flags) = (byte(b, 1)?, be24(b, 2)?, be16(b, 5)?);
            let tag = usize::from(be16(b, 12)?);
            let language = b.get(14..14 + tag.min(16))?;
            let fits = (1..=11).contains(&function) && flags & 0x1fff == 0 && (14..1 << 16).contains(&length);
            yes(fits
                && (2..=16).contains(&tag)
                && language.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
                && be24(b, 7)? < length)
        }
        1 => {
            let (function, length) = (byte(b, 1)?, usize::from(be16(b, 2)?));
            yes((1..=10).contains(&function)
                && length == b.len()
                && byte(b, 4)? & 0x07 == 0
                && byte(b, 5)? == 0
                && be16(b, 6)? == 0x656e)
        }
        _ => NO,
    }
}

/// NAT-PMP (RFC 6886) and PCP (RFC 6887) requests and answers, by exact sizes.
pub fn nat_pmp(d: &Datagram) -> Look {
    let b = d.payload;
    let (version, opcode) = (byte(b, 0)?, byte(b, 1)?);
    match (version, opcode, b.len()) {
        (0, 0, 2) => weak(true),
        (0, 128, 8 | 12) => weak(be16(b, 2)? <= 5),
        (0, 1 | 2, 12) => weak(be16(b, 2)? == 0),
        (0, 129 | 130, 8 | 16) => weak(be16(b, 2)? <= 5),
        (2, 0..=2, 24 | 60..) => weak(be16(b, 2)? == 0 && b.len().is_multiple_of(4)),
        (2, 128..=130, 24 | 60..) => weak(byte(b, 2)? == 0 && byte(b, 3)? <= 13 && b.len().is_multiple_of(4)),
        _ => NO,
    }
}

/// Canon's BJNP and its kin: a magic word, device type, code, length.
pub fn bjnp(d: &Datagram) -> Look {
    let magic = [&b"BJNP"[..], b"BJNB", b"BNJB", b"MFNP", b"EPNP"].iter().any(|m| d.payload.starts_with(m));
    weak(magic && d.payload.len() >= 16)
}

/// Dropbox LAN sync: a JSON object that names the host.
pub fn dropbox(d: &Datagram) -> Look {
    let b = d.payload;
    yes(b.starts_with(b"{") && memchr::memmem::find(b, b"\"host_int\"").is_some() && is_text(b))
}

/// TiVo's beacon.
pub fn tivo(d: &Datagram) -> Look {
    yes(starts(d.payload, b"tivoconnect=1\n").or_else(|| starts(d.payload, b"TiVoConnect=1"))?
        || starts(d.payload, b"TiVoConnect=1")?)
}

/// BIND's lightweight resolver (lwres): length, version 0, flags, serial, opcode, result.
pub fn lwres(d: &Datagram) -> Look {
    let b = d.payload;
    let own = usize::try_from(be32(b, 0)?).ok() == Some(b.len());
    yes(own && be16(b, 4)? == 0 && be16(b, 6)? <= 1 && be32(b, 12)? & 0xfffe_ffff <= 4)
}

/// TP-Link's smart home devices: JSON, each byte XORed with the one before it, the first with 171. There is no key.
pub fn tplink(d: &Datagram) -> Look {
    const SEED: u8 = 171;
    let previous = std::iter::once(&SEED).chain(d.payload);
    let mut clear = d.payload.iter().zip(previous).map(|(byte, previous)| byte ^ previous);
    let opens = clear.next() == Some(b'{') && clear.next() == Some(b'"');
    let last = clear.try_fold(0, |_, byte| (byte >= 0x20 || byte.is_ascii_whitespace()).then_some(byte));
    yes(opens && d.payload.len() >= 8 && last == Some(b'}'))
}

/// Ubiquiti's discovery: version, command, the length of what follows, elements of type and length that fill it.
pub fn ubiquiti(d: &Datagram) -> Look {
    let b = d.payload;
    let mut elements = b.get(4..)?;
    if !matches!(byte(b, 0)?, 1 | 2) || byte(b, 1)? > 11 || usize::from(be16(b, 2)?) != elements.len() {
        return NO;
    }
    while !elements.is_empty() {
        let Some(rest) = elements.get(3 + usize::from(be16(elements, 1)?)..) else { return NO };
        elements = rest;
    }
    weak(true)
}

/// BSD's timed, which keeps clocks together: type, version 1, a sequence number, a time, the sender's name in 64 bytes.
pub fn timed(d: &Datagram) -> Look {
    let b = d.payload;
    let known = (1..=25).contains(&byte(b, 0)?) && byte(b, 1)? == 1;
    let name = b.get(12..)?;
    let end = name.iter().position(|c| *c == 0)?;
    weak(known && (1..=64).contains(&end) && name.get(..end)?.iter().all(u8::is_ascii_graphic))
}

/// Wake-on-LAN: six 0xff, one address sixteen times.
pub fn wake_on_lan(d: &Datagram) -> Look {
    let b = d.payload;
    let address = b.get(6..12)?;
    yes(b.starts_with(&[0xff; 6]) && b.get(6..102)?.chunks_exact(6).all(|a| a == address))
}

/// Syncthing's local discovery (version 4): magic, then a protobuf message whose first field is the device's id of 32 bytes.
pub fn syncthing(d: &Datagram) -> Look {
    yes(be32(d.payload, 0)? == 0x2ea7_d90b && at(d.payload, 4, b"\x0a\x20")?)
}

/// SQL Server's browser (MC-SQLR section 2.2): requests of one byte or with a name, an answer that lists instances.
pub fn sql_browser(d: &Datagram) -> Look {
    let b = d.payload;
    match byte(b, 0)? {
        0x02 | 0x03 => weak(b.len() == 1),
        // A name longer than any may be: the overflow of CVE-2002-0649, which still goes round.
        0x04 if b.len() > 96 => weak(b.get(1..97)?.iter().all(|c| *c == 1)),
        // An instance's name, ended by zero.
        0x04 => weak(b.len() <= 34 && b.last() == Some(&0) && b.get(1..b.len() - 1)?.iter().all(u8::is_ascii_graphic)),
        0x05 => yes(at(b, 3, b"ServerName;")?),
        _ => NO,
    }
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::udp;

    #[test]
    fn discovery_by_magic() {
        let id = [b"\x2e\xa7\xd9\x0b\x0a\x20".as_slice(), &[5; 32]].concat();
        assert_eq!(udp(&id, 21027), Some(Protocol::Syncthing));
        assert_eq!(udp(b"\x05\x1c\0ServerName;SRV;InstanceName;X;;", 40_001), Some(Protocol::Ssrp));
        assert_eq!(udp(b"\x03", 1434), Some(Protocol::Ssrp));
        assert_eq!(udp(b"\x04MSSQLSERVER\0", 1434), Some(Protocol::Ssrp));
        assert_eq!(udp(b"\x04\x01\x01\x01\x01\x01\x01\x01\0", 1434), None);
    }

    #[test]
    fn netbios() {
        let query = b"\x80\x1e\x01\x10\0\x01\0\0\0\0\0\0\x20FHEPFCELEHFCEPFFFACACACACACACABN\0\0\x20\0\x01";
        assert_eq!(udp(query, 137), Some(Protocol::Netbios));
        let mut datagram = b"\x11\x0a\x80\x1c\xc0\xa8\0\x01\0\x8a\0\xbb\0\0\x20".to_vec();
        datagram.extend_from_slice(b"FHEPFCELEHFCEPFFFACACACACACACABN\0");
        assert_eq!(udp(&datagram, 138), Some(Protocol::Netbios));
    }

    #[test]
    fn service_location() {
        let request = b"\x02\x01\0\0\x2d\x20\0\0\0\0\x12\x34\0\x02en\0\0\0\x0fservice:printer\0\x07DEFAULT";
        assert_eq!(udp(request, 427), Some(Protocol::Slp));
        assert_eq!(udp(b"\x02\x0f\0\0\x2d\x20\0\0\0\0\x12\x34\0\x02en\0\0", 427), None);
    }

    #[test]
    fn port_mapping_and_waking() {
        assert_eq!(udp(b"\0\0", 5351), Some(Protocol::NatPmp));
        assert_eq!(udp(b"\0\0", 5400), None);
        let mut magic = vec![0xff; 6];
        (0..16).for_each(|_| magic.extend_from_slice(&[0, 0x11, 0x22, 0x33, 0x44, 0x55]));
        assert_eq!(udp(&magic, 9), Some(Protocol::Wol));
    }

    #[test]
    fn devices_on_a_network() {
        // {"system":{"get_sysinfo":{}}}
        let sysinfo = b"\xd0\xf2\x81\xf8\x8b\xff\x9a\xf7\xd5\xef\x94\xb6\xd1\xb4\xc0\x9f\xec\x95\xe6\x8f\xe1\x87\xe8\xca\xf0\x8b\xf6\x8b\xf6";
        assert_eq!(udp(sysinfo, 9999), Some(Protocol::Tplink));
        assert_eq!(udp(&sysinfo[..26], 9999), None);
        let discovery = b"\x02\x06\0\x0c\x0b\0\x04ubnt\x0c\0\x02u7";
        assert_eq!(udp(discovery, 10001), Some(Protocol::Ubiquiti));
        assert_eq!((udp(&discovery[..15], 10001), udp(discovery, 10002)), (None, None));
        let mut timed = b"\x18\x01\x3c\x8a\x0a\0\0\0\0\0\0\0OTTO.test.example\0".to_vec();
        timed.resize(76, 0);
        assert_eq!(udp(&timed, 525), Some(Protocol::Timed));
    }
}
