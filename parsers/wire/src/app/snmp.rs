//! SNMP (RFC 3416), and what of version 3 is sealed (RFC 3412).

use super::Datagram;
use super::ber::{self, INTEGER, OCTET_STRING, SEQUENCE, tagged};
use super::look::{Look, NO, yes};

/// msgFlags of SNMPv3, RFC 3412 section 6.4.
const PRIV_FLAG: u8 = 0x02;

enum Snmp {
    Clear,
    Private,
}

/// The message's frame; `Ok` says whether a v3 message is encrypted.
fn snmp_message(b: &[u8]) -> Option<Result<Snmp, ()>> {
    fn walk(b: &[u8]) -> Result<Option<Snmp>, ber::NotBer> {
        let refused = Err(ber::NotBer);
        let Some(outer) = ber::element(b)? else { return Ok(None) };
        let Some(version) = ber::element(outer.value)? else { return Ok(None) };
        if outer.tag != SEQUENCE || version.tag != INTEGER || version.length != 1 {
            return refused;
        }
        let Some(next) = ber::element(version.rest)? else { return Ok(None) };
        match version.integer() {
            // Community, or the parameters of version 2 (RFC 1910 section 3.1), then a PDU of context class 0 to 8.
            Some(0..=2) if next.tag == OCTET_STRING => {
                let Some(pdu) = ber::element(next.rest)? else { return Ok(None) };
                if (0xa0..=0xa8).contains(&pdu.tag) { Ok(Some(Snmp::Clear)) } else { refused }
            }
            Some(3) if next.tag == SEQUENCE => {
                let Some(id) = ber::element(next.value)? else { return Ok(None) };
                let Some(size) = ber::element(id.rest)? else { return Ok(None) };
                let Some(flags) = ber::element(size.rest)? else { return Ok(None) };
                let shape = id.tag == INTEGER && size.tag == INTEGER && flags.tag == OCTET_STRING && flags.length == 1;
                match flags.value.first() {
                    Some(f) if shape && f & PRIV_FLAG != 0 => Ok(Some(Snmp::Private)),
                    Some(_) if shape => Ok(Some(Snmp::Clear)),
                    _ => refused,
                }
            }
            _ => refused,
        }
    }
    walk(b).map_or(Some(Err(())), |found| found.map(Ok))
}

pub fn snmp(d: &Datagram) -> Look {
    yes(matches!(snmp_message(d.payload)?, Ok(Snmp::Clear)))
}

pub fn snmp_private(d: &Datagram) -> Look {
    yes(matches!(snmp_message(d.payload)?, Ok(Snmp::Private)))
}

/// Whether a message only asks for an engine's id and clock, or tells them (RFC 3414 section 4): it is in the clear and names no user,
/// whatever protects those that follow.
pub fn is_snmp_discovery(b: &[u8]) -> bool {
    const AUTH_FLAG: u8 = 0x01;
    fn walk(b: &[u8]) -> Option<bool> {
        let next = |b| ber::element(b).ok()?;
        let version = next(next(b)?.value)?;
        let header = next(version.rest)?;
        let flags = next(next(next(header.value)?.rest)?.rest)?;
        let mut parameter = next(next(next(header.rest)?.value)?.value)?;
        // The engine's id, boots and time, then the user's name.
        for _ in 0..3 {
            parameter = next(parameter.rest)?;
        }
        let bare = flags.value.first()? & (AUTH_FLAG | PRIV_FLAG) == 0;
        Some(version.integer() == Some(3) && bare && parameter.tag == OCTET_STRING && parameter.length == 0)
    }
    walk(b).unwrap_or(false)
}

/// SNMP over TCP (RFC 3430) and SMUX share the message.
pub fn snmp_stream(b: &[u8]) -> Look {
    let outer = tagged!(b, SEQUENCE);
    if outer.length < 20 {
        return NO;
    }
    yes(matches!(snmp_message(b)?, Ok(Snmp::Clear)))
}

#[cfg(test)]
mod tests {
    use super::is_snmp_discovery;
    use crate::app::tests::udp;
    use crate::{Class, Protocol};

    /// snmpget -v2c -c public … sysUpTime.0
    const GET: &[u8] = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x5c\x1b\x3a\x6e\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\0\x05\0";

    /// Messages of snmpget -v3 -l authPriv: what it asks for first (RFC 3414 section 4), the report, and one that has a user.
    #[test]
    fn snmp_asks_for_an_engine_first() {
        let message = |flags: u8, user: &[u8]| {
            let security =
                [&b"\x04\0\x02\x01\0\x02\x01\0\x04"[..], &[user.len() as u8], user, b"\x04\0\x04\0"].concat();
            let length = security.len() as u8;
            let body = [
                &b"\x02\x01\x03\x30\x0e\x02\x01\x07\x02\x03\0\xff\xe3\x04\x01"[..],
                &[flags],
                b"\x02\x01\x03\x04",
                &[length + 2, 0x30, length],
                &security,
                b"\x30\x02\x04\0",
            ]
            .concat();
            [&[0x30, body.len() as u8][..], &body].concat()
        };
        assert!(is_snmp_discovery(&message(4, b"")) && is_snmp_discovery(&message(0, b"")));
        assert!(!is_snmp_discovery(&message(4, b"joe")) && !is_snmp_discovery(&message(1, b"")));
        assert!(!is_snmp_discovery(GET));
        for cut in 0..30 {
            assert!(!is_snmp_discovery(&message(4, b"")[..cut]), "{cut}");
        }
    }

    #[test]
    fn snmp_and_its_privacy() {
        assert_eq!(udp(GET, 161), Some(Protocol::Snmp));
        assert_eq!(udp(GET, 9161), Some(Protocol::Snmp));
        let mut by_user = GET.to_vec();
        by_user[4] = 2;
        assert_eq!(udp(&by_user, 161), Some(Protocol::Snmp));
        by_user[4] = 4;
        assert_eq!(udp(&by_user, 161), None);
        let mut v3 = b"\x30\x20\x02\x01\x03\x30\x0f\x02\x02\x4a\x69\x02\x03\0\xff\xe3\x04\x01\x04\x02\x01\x03\x04\x02\x30\0\x04\x04abcd".to_vec();
        assert_eq!(udp(&v3, 161), Some(Protocol::Snmp));
        v3[18] = 0x07;
        assert_eq!(udp(&v3, 161).map(|p| (p.name(), p.class())), Some(("snmp", Class::Encrypted)));
    }
}
