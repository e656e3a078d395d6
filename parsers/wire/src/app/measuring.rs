//! Measuring a path and crossing a gap: Speedtest (Ookla), NetPerfMeter, EAQ, Roughtime, StatsD, the delay-tolerant network's TCP convergence layer.

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, le32, line, starts, weak, yes};

/// "HI" alone or with the client's id.
pub fn ookla_client(b: &[u8]) -> Look {
    if !starts(b, b"HI")? {
        return NO;
    }
    let Some(line) = line(b) else { return if b.len() > 64 { NO } else { None } };
    weak(line == b"HI" || line.strip_prefix(b"HI ").is_some_and(is_uuid))
}

/// "HELLO" and the server's version, a digit, a dot and a digit.
pub fn ookla_server(b: &[u8]) -> Look {
    if !starts(b, b"HELLO ")? {
        return NO;
    }
    let version = b.get(6..9)?;
    weak(version.first().is_some_and(u8::is_ascii_digit) && version.get(1) == Some(&b'.'))
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(id: &[u8]) -> bool {
    let hyphen = |n| matches!(n, 8 | 13 | 18 | 23);
    id.len() == 36 && id.iter().enumerate().all(|(n, c)| if hyphen(n) { *c == b'-' } else { c.is_ascii_hexdigit() })
}

/// NPMP_IDENTIFY opens every flow: type 4, its length of 26, the identification's magic number (netperfmeter's netperfmeterpackets.h).
pub fn netperfmeter(b: &[u8]) -> Look {
    yes(byte(b, 0)? == 4 && be16(b, 2)? == 26 && at(b, 8, b"\x4b\xcd\xf3\xaa\x30\x3c\x67\x74")?)
}

pub fn netperfmeter_datagram(d: &Datagram) -> Look {
    netperfmeter(d.payload)
}

/// The contact header: "dtn!" and version 3 (RFC 7242), or 4 (RFC 9174) from a side that cannot go on to TLS.
pub fn tcpcl(b: &[u8]) -> Look {
    if !starts(b, b"dtn!")? {
        return NO;
    }
    let (version, flags) = (byte(b, 4)?, byte(b, 5)?);
    yes(version == 3 && flags & 0xf0 == 0 || version == 4 && flags == 0)
}

/// Brazil's meter of broadband quality (EAQ): four small numbers, of which an answer repeats three.
pub fn eaq(d: &Datagram) -> Look {
    let b = d.payload;
    let small = |n| Some(be32(b, n)? < 1 << 20);
    weak(b.len() == 16 && be32(b, 0)? < 1 << 12 && small(4)? && small(8)? && be32(b, 12)? & 0xffff_0fff == 0)
}

/// Roughtime's framing (draft-ietf-ntp-roughtime): a word and the length of what follows.
pub fn roughtime(d: &Datagram) -> Look {
    let b = d.payload;
    yes(starts(b, b"ROUGHTIM")? && usize::try_from(le32(b, 8)?).is_ok_and(|length| length + 12 == b.len()))
}

/// StatsD: a name, a value, a type; one a line.
pub fn statsd(d: &Datagram) -> Look {
    let first = d.payload.split(|c| *c == b'\n').next()?;
    let mut fields = first.split(|c| *c == b'|');
    let (sample, kind) = (fields.next()?, fields.next().unwrap_or_default());
    let Some(colon) = memchr::memchr(b':', sample) else { return NO };
    let (name, value) = sample.split_at(colon);
    let number = value.len() > 1 && value.iter().skip(1).all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'+'));
    yes(number
        && name.len() >= 3
        && name.iter().all(u8::is_ascii_graphic)
        && matches!(kind, b"c" | b"g" | b"ms" | b"h" | b"s" | b"d"))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, udp};

    #[test]
    fn speed_tests_greet() {
        let hi = b"HI 01234567-89ab-cdef-0123-456789abcdef\n";
        assert_eq!(both(hi, b"HELLO 2.9 (2.9.2) 2021-11-30\n"), Some(Protocol::Ookla));
        assert_eq!(both(b"HI\n", b"HELLO 2.4 2016-10-06\n"), Some(Protocol::Ookla));
        assert_eq!(both(b"HI there\n", b"HELLO 2.4 2016-10-06\n"), None);
        assert_eq!(client(hi), None);
    }

    #[test]
    fn samples_and_times() {
        let eaq = b"\0\0\0\x04\0\0\x0d\xe2\0\x07\xaa\x0d\0\0\x90\0";
        assert_eq!((udp(eaq, 6000), udp(eaq, 5999)), (Some(Protocol::Eaq), None));
        assert_eq!(udp(b"ROUGHTIM\x04\0\0\0\x01\0\0\0", 2002), Some(Protocol::Roughtime));
        assert_eq!(udp(b"updater.start,env=production:1|c", 20_011), Some(Protocol::Statsd));
        assert_eq!(udp(b"a.b.c:320|ms|@0.1\nx:1|c", 8125), Some(Protocol::Statsd));
        assert_eq!(udp(b"time:12|oclock", 8125), None);
    }

    #[test]
    fn identification_and_contact() {
        let identify = b"\x04\0\0\x1a\0\0\0\x07\x4b\xcd\xf3\xaa\x30\x3c\x67\x74\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(client(identify), Some(Protocol::Netperfmeter));
        assert_eq!(udp(identify, 40_001), Some(Protocol::Netperfmeter));
        assert_eq!(client(b"dtn!\x03\0\0\x0f\x05dtn:a"), Some(Protocol::Tcpcl));
        assert_eq!(client(b"dtn!\x04\0"), Some(Protocol::Tcpcl));
        assert_eq!(client(b"dtn!\x04\x01"), None);
    }
}
