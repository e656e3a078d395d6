//! Looking after machines, beside `snmp`: syslog (RFC 3164, 5424, 6587), NTP (RFC 5905), DHCP (RFC 2131, 8415).

use super::Datagram;
use super::look::{Look, NO, be16, be24, be32, byte, is_text, number, starts, weak, yes};

/// `<PRI>` of up to 191, then text: a version and a space (5424), a month or anything readable (3164).
fn syslog_message(b: &[u8]) -> Look {
    if byte(b, 0)? != b'<' {
        return NO;
    }
    let Some((priority, [b'>', text @ ..])) = b.get(1..).and_then(number) else {
        return if b.len() < 5 { None } else { NO };
    };
    const MONTHS: [&[u8]; 12] =
        [b"Jan ", b"Feb ", b"Mar ", b"Apr ", b"May ", b"Jun ", b"Jul ", b"Aug ", b"Sep ", b"Oct ", b"Nov ", b"Dec "];
    if priority > 191 || text.is_empty() || !is_text(text.strip_suffix(&[0]).unwrap_or(text)) {
        return NO;
    }
    let dated = MONTHS.iter().any(|m| text.starts_with(m)) || text.starts_with(b"1 ") || text.starts_with(b"1 -");
    if dated { yes(text.len() >= 8) } else { weak(text.len() >= 8) }
}

pub fn syslog(d: &Datagram) -> Look {
    syslog_message(d.payload)
}

/// Over TCP: lines, or messages with their length in front (RFC 6587 section 3.4).
pub fn syslog_stream(b: &[u8]) -> Look {
    if byte(b, 0)? == b'<' {
        return syslog_message(b.split(|c| *c == b'\n').next().unwrap_or(b));
    }
    match number(b) {
        Some((_, [])) if b.len() < 6 => None,
        Some((n, [b' ', message @ ..])) if n >= 8 => {
            syslog_message(message.get(..usize::try_from(n).unwrap_or(0)).unwrap_or(message))
        }
        _ => NO,
    }
}

/// Version 1 to 4 and the mode; timestamps and stratum have to make sense for it to stand.
pub fn ntp(d: &Datagram) -> Look {
    let b = d.payload;
    let first = byte(b, 0)?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) {
        return NO;
    }
    match mode {
        // Control messages (RFC 9327): opcode, and a count that stays within.
        6 => weak(
            b.len() >= 12
                && usize::from(be16(b, 10)?) <= b.len() - 12
                && be16(b, 8)? <= 4096
                && first & 0xc0 == 0
                && be16(b, 6)? < 256,
        ),
        // The private mode of ntpd, 8 bytes of header or a packet of 48.
        7 => {
            weak(b.len() >= 8 && byte(b, 2)? <= 3 && byte(b, 3)? <= 45 && be16(b, 4)? >> 12 <= 7 && be16(b, 6)? <= 500)
        }
        1..=5 if b.len() >= 48 => {
            let (stratum, poll, precision) = (byte(b, 1)?, byte(b, 2)?, byte(b, 3)?.cast_signed());
            // Root delay and dispersion in seconds; a transmit time of this or the last era, or none from a client.
            let (delay, dispersion) = (be16(b, 4)?, be16(b, 8)?);
            let tail = b.len() == 48 || b.len().is_multiple_of(4);
            weak(
                stratum <= 16 && poll <= 17 && (-32..=0).contains(&precision) && delay < 64 && dispersion < 256 && tail,
            )
        }
        _ => NO,
    }
}

/// A server's answer (RFC 5905 section 7.3), which its times tell on any port: it was sent within a second of the question, and the clock was
/// set within two days before.
pub fn ntp_answer(d: &Datagram) -> Look {
    const SECOND: u32 = 1;
    const TWO_DAYS: u32 = 172_800;
    let b = d.payload;
    if !matches!(b.len(), 48 | 68 | 72) || !matches!(byte(b, 1)?, 1..=15) || !(4..=17).contains(&byte(b, 2)?) {
        return NO;
    }
    let (reference, received, sent) = (be32(b, 16)?, be32(b, 32)?, be32(b, 40)?);
    let close = sent.wrapping_sub(received) <= SECOND && (1..=TWO_DAYS).contains(&received.wrapping_sub(reference));
    yes(close && (0xe0..).contains(&byte(b, 3)?) && be16(b, 4)? < 64 && be16(b, 8)? < 64 && received != 0)
}

const DHCP_COOKIE: u32 = 0x6382_5363;

/// BOOTP's fixed part with the cookie behind it; plain BOOTP without a cookie needs its port.
pub fn dhcp(d: &Datagram) -> Look {
    let b = d.payload;
    if b.len() < 236 || !matches!(byte(b, 0)?, 1 | 2) || byte(b, 2)? > 20 {
        return NO;
    }
    match be32(b, 236) {
        Some(DHCP_COOKIE) => yes(true),
        _ => weak(byte(b, 1)? == 1 && byte(b, 2)? == 6 && byte(b, 3)? <= 16 && be16(b, 10)? & 0x7fff == 0),
    }
}

/// Options that walk exactly to the end, RFC 8415 section 8.
pub fn dhcpv6(d: &Datagram) -> Look {
    let b = d.payload;
    let start = match byte(b, 0)? {
        1..=11 | 14..=23 => 4,
        12 | 13 => 34,
        _ => return NO,
    };
    let mut options = b.get(start..)?;
    let mut seen = 0;
    while !options.is_empty() {
        let (code, length) = (be16(options, 0)?, usize::from(be16(options, 2)?));
        if !(1..=150).contains(&code) {
            return NO;
        }
        options = options.get(4 + length..)?;
        seen += 1;
    }
    weak(seen > 0 && be24(b, 1).is_some())
}

/// RADIUS (RFC 2865 section 3): code, its own length, attributes that walk exactly to the end.
pub fn radius(d: &Datagram) -> Look {
    let b = d.payload;
    let length = usize::from(be16(b, 2)?);
    if !matches!(byte(b, 0)?, 1..=5 | 11..=13 | 40..=45) || length < 20 || length > b.len() || b.len() > 4096 {
        return NO;
    }
    let mut attributes = b.get(20..length)?;
    let (mut seen, mut sized) = (0, 0);
    while let [kind, size, ..] = attributes {
        let next = attributes.get(usize::from(*size)..);
        let (Some(next), true) = (next, *kind != 0 && *size >= 2) else {
            // An exact length: damaged or not, it is what the port says.
            return weak(length == b.len());
        };
        attributes = next;
        seen += 1;
        // Numbers, addresses and times are of four bytes (sections 5.4 to 5.43, RFC 2866 section 5, RFC 2869 section 5.3), authenticators of 16.
        sized += match kind {
            4..=10 | 12..=17 | 23 | 27..=29 | 37 | 38 | 40..=43 | 45..=49 | 51 | 55 | 61 | 62 => i32::from(*size == 6),
            80 => i32::from(*size == 18),
            _ => 0,
        };
    }
    if !attributes.is_empty() {
        return NO;
    }
    // Code, length and end are worth 28 bits, an attribute of the size that its type has 11 and more.
    if (seen >= 4 || sized >= 2) && length == b.len() {
        yes(true)
    } else {
        weak(length == b.len() || b.len() - length <= 16)
    }
}

/// TACACS+ (RFC 8907 section 4.1): version 12.0 or 12.1, type, sequence, flags, session, length.
pub fn tacacs(b: &[u8]) -> Look {
    let (version, kind, sequence, flags) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?, byte(b, 3)?);
    let length = be32(b, 8)?;
    weak(
        matches!(version, 0xc0 | 0xc1)
            && (1..=3).contains(&kind)
            && matches!(sequence, 1 | 2)
            && flags & !5 == 0
            && (5..4096).contains(&length),
    )
}

/// Zabbix: "ZBXD", flags; older agents and servers send JSON or keys bare, which stays unknown.
pub fn zabbix(b: &[u8]) -> Look {
    yes(starts(b, b"ZBXD")? && (1..=7).contains(&byte(b, 4)?))
}

/// RMCP (ASF 2.0, IPMI 2.0 13.1.3): version 6, no acknowledgement; ASF's enterprise number, or an IPMI session whose
/// payload is not marked as encrypted.
pub fn rmcp(d: &Datagram) -> Look {
    let b = d.payload;
    if !starts(b, b"\x06\0\xff")? {
        return NO;
    }
    match byte(b, 3)? & 0x7f {
        6 => yes(be32(b, 4)? == 4542),
        7 => yes(match byte(b, 4)? {
            6 => byte(b, 5)? & 0x80 == 0,
            kind => kind <= 4,
        }),
        _ => NO,
    }
}

/// Web cache communication (draft-wilson-wrec-wccp-v2): type, version 2, a length that fills the datagram.
pub fn wccp(d: &Datagram) -> Look {
    let b = d.payload;
    let length = usize::from(be16(b, 6)?);
    yes((10..=13).contains(&be32(b, 0)?) && matches!(be16(b, 4)?, 0x0200 | 0x0201) && length + 8 == b.len())
}

/// MikroTik's neighbours: four bytes, then types and lengths to the end; the address of the interface is the first.
pub fn mndp(d: &Datagram) -> Look {
    let b = d.payload;
    if b.len() == 4 {
        return weak(be32(b, 0)? == 0);
    }
    yes(be16(b, 4)? == 1 && be16(b, 6)? == 6 && be16(b, 14)? == 5 && usize::from(be16(b, 16)?) + 18 <= b.len())
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, udp, udp_back};

    #[test]
    fn consoles_caches_and_neighbours() {
        assert_eq!(udp(b"\x06\0\xff\x07\0\0\0\0\0\0\0\0\0\x09\x20\x18\xc8", 623), Some(Protocol::Rmcp));
        assert_eq!(udp(b"\x06\0\xff\x06\0\0\x11\xbe\x80\0\0\0", 623), Some(Protocol::Rmcp));
        assert_eq!(udp(b"\x06\0\xff\x07\x06\xc0\0\0\0\0", 623), None, "encrypted");
        assert_eq!(udp(b"\0\0\0\x0a\x02\0\0\x04\0\0\0\0", 2048), Some(Protocol::Wccp));
        let mndp = b"\0\0\x05\x01\0\x01\0\x06\x02\0\0\0\0\x01\0\x05\0\x02gw";
        assert_eq!(udp(mndp, 5678), Some(Protocol::Mndp));
    }

    #[test]
    fn syslog_in_its_framings() {
        let rfc3164 = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";
        assert_eq!(udp(rfc3164, 9514), Some(Protocol::Syslog));
        assert_eq!(
            udp(b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - x", 9514),
            Some(Protocol::Syslog)
        );
        assert_eq!(udp(b"<192>Oct 11 22:14:15 m su: x", 514), None);
        assert_eq!(udp(b"<13>just some text", 514), Some(Protocol::Syslog));
        assert_eq!(client(b"26 <13>1 - host app - - - hi\n"), Some(Protocol::Syslog));
        assert_eq!(client(b"<34>Oct 11 22:14:15 mymachine su: x\n"), Some(Protocol::Syslog));
    }

    #[test]
    fn ntp_dhcp_radius() {
        let mut ntp = [0u8; 48];
        ntp[0] = 0x23;
        assert_eq!(udp(&ntp, 123), Some(Protocol::Ntp));
        assert_eq!(udp(&ntp, 124), None);
        let answer = *b"\x24\x02\x06\xe9\0\0\x03\x1c\0\0\x05\x2a\xc0\x00\x02\x01\xec\xa1\x55\x10\x41\x12\x8a\x07\xec\xa1\x58\x40\x9b\x17\x33\xd4\xec\xa1\x58\x40\xb2\x05\x61\x19\xec\xa1\x58\x40\xb2\x0a\x97\x43";
        assert_eq!(udp_back(&answer, 124), Some(Protocol::Ntp));
        let mut other = answer;
        other[42] ^= 1;
        assert_eq!(udp_back(&other, 124), None);
        let mut discover = vec![1u8, 1, 6, 0, 0x39, 3, 0xf3, 0x26];
        discover.resize(236, 0);
        discover.extend_from_slice(b"\x63\x82\x53\x63\x35\x01\x01\xff");
        assert_eq!(udp(&discover, 67), Some(Protocol::Dhcp));
        assert_eq!(
            udp(b"\x01\x08\x74\x28\0\x01\0\x0a\0\x03\0\x01\x08\0\x27\xfe\x8f\x95\0\x08\0\x02\0\0", 547),
            Some(Protocol::Dhcpv6)
        );
        // RFC 2865 section 7.1: Access-Request of user nemo.
        let request = b"\x01\0\0\x38\x0f\x40\x3f\x94\x73\x97\x80\x57\xbd\x83\xd5\xcb\x98\xf4\x22\x7a\x01\x06nemo\x02\x12\x0d\xbe\x70\x8d\x93\xd4\x13\xce\x31\x96\xe4\x3f\x78\x2a\x0a\xee\x04\x06\xc0\xa8\x01\x10\x05\x06\0\0\0\x03";
        assert_eq!(udp(request, 1812), Some(Protocol::Radius));
        let accept = b"\x02\0\0\x26\x86\xfe\x22\x0e\x76\x24\xba\x2a\x10\x05\xf6\xbf\x9b\x55\xe0\xb2\x06\x06\0\0\0\x01\x0f\x06\0\0\0\0\x0e\x06\xc0\xa8\x01\x03";
        assert_eq!(udp_back(accept, 9), Some(Protocol::Radius), "by its attributes alone");
        assert_eq!(udp_back(b"\x02\0\0\x26\x86\xfe\x22\x0e\x76\x24\xba\x2a\x10\x05\xf6\xbf\x9b\x55\xe0\xb2\x06\x06\0\0\0\x01\x0f\x06\0\0\0\0\x0e\x06\xc0\xa8\x01\x03", 1812), Some(Protocol::Radius));
    }
}
