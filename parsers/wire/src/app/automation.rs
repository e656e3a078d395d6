//! Homes, trains and tanks: KNXnet/IP (ISO 22510), TRDP (IEC 61375-2-3), Tuya, Ether-S-Bus, Veeder-Root tank gauges.

use super::Datagram;
use super::look::{Look, NO, be16, be32, byte, weak, yes};

/// Header of six bytes and version 1.0, a service, the frame's own length.
fn knx_frame(b: &[u8]) -> Option<(u16, usize)> {
    let (header, service, length) = (be16(b, 0)?, be16(b, 2)?, be16(b, 4)?);
    // 0x0950 is KNX IP Secure's wrapper, which encrypts: not claimed.
    let known = matches!(service, 0x0201..=0x020c | 0x0310..=0x0311 | 0x0420..=0x0425 | 0x0530..=0x0533 | 0x0740..=0x0743 | 0x0951..=0x0955);
    (header == 0x0610 && known && length >= 6).then_some((service, usize::from(length)))
}

pub fn knx_ip(b: &[u8]) -> Look {
    if b.len() < 6 { None } else { weak(knx_frame(b).is_some()) }
}

pub fn knx_ip_datagram(d: &Datagram) -> Look {
    let Some((service, length)) = knx_frame(d.payload) else { return NO };
    // Device configuration (0x0310) and tunnelling (0x0420) have a connection header of four bytes.
    let connection = !matches!(service, 0x0310 | 0x0420) || byte(d.payload, 6)? == 4;
    yes(length == d.payload.len() && connection)
}

/// Sequence, version 1, a type in letters; behind it the sizes that the two kinds of header have (annex A).
pub fn trdp(b: &[u8]) -> Look {
    let (version, data) = (be16(b, 4)?, be32(b, 20)?);
    let kind = matches!(b.get(6..8)?, b"Pd" | b"Pp" | b"Pr" | b"Pe" | b"Mn" | b"Mr" | b"Mp" | b"Mq" | b"Mc" | b"Me");
    yes(version >> 8 == 1 && kind && data <= 65_388)
}

pub fn trdp_datagram(d: &Datagram) -> Look {
    trdp(d.payload)
}

/// Announcements of devices: prefix, sequence, command, what follows, a suffix. Their key is the same in every device.
pub fn tuya(d: &Datagram) -> Look {
    let b = d.payload;
    let follows = usize::try_from(be32(b, 12)?).ok()?;
    let suffix = be32(b, b.len().checked_sub(4)?)?;
    yes(be32(b, 0)? == 0x55aa && suffix == 0xaa55 && follows == b.len() - 16)
}

/// SAIA S-Bus over UDP: its own length, version 1, protocol 0 or 1, a telegram of request, response or acknowledgement.
pub fn ether_s_bus(d: &Datagram) -> Look {
    let b = d.payload;
    let fits = usize::try_from(be32(b, 0)?) == Ok(b.len());
    weak(fits && byte(b, 4)? == 1 && byte(b, 5)? <= 1 && byte(b, 8)? <= 2 && b.len() >= 11)
}

/// Serial interface of TLS-350 gauges: start of header, I or S, a function of three digits, a tank of two.
pub fn tank_gauge(b: &[u8]) -> Look {
    let digits = b.get(2..7)?;
    weak(byte(b, 0)? == 1 && matches!(byte(b, 1)? | 0x20, b'i' | b's') && digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{client, client_on, udp};

    #[test]
    fn buildings() {
        let routing = b"\x06\x10\x05\x30\0\x11\x29\0\xbc\xd0\x11\x01\x09\x01\x01\0\x81";
        assert_eq!(udp(routing, 40_001), Some(Protocol::Knxip));
        assert_eq!(udp(b"\x06\x10\x09\x50\0\x10abcdefghij", 3671), None, "encrypted");
        assert_eq!(
            udp(b"\0\0\x55\xaa\0\0\0\0\0\0\0\x13\0\0\0\x0c\0\0\0\0\x12\x34\x56\x78\0\0\xaa\x55", 6667),
            Some(Protocol::Tuya)
        );
        assert_eq!(udp(b"\0\0\x55\xaa\0\0\0\0\0\0\0\x13\0\0\0\x0d\0\0\0\0\x12\x34\x56\x78\0\0\xaa\x55", 6667), None);
        assert_eq!(udp(b"\0\0\0\x0d\x01\0\0\x01\0\x0a\x20\x12\x34", 5050), Some(Protocol::Ethersbus));
    }

    #[test]
    fn trains_and_tanks() {
        let mut pd = b"\0\0\0\x01\x01\0Pd\0\0\x03\xe8\0\0\0\0\0\0\0\0\0\0\0\x04".to_vec();
        pd.extend_from_slice(&[0; 20]);
        assert_eq!(udp(&pd, 40_001), Some(Protocol::Trdp));
        assert_eq!(client(&pd), Some(Protocol::Trdp));
        assert_eq!(client_on(b"\x01I20100\r\n", 10001), Some(Protocol::Atg));
        assert_eq!(client(b"\x01I20100\r\n"), None);
    }
}
