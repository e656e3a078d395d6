//! Oracle's TNS, and whether its native network encryption is switched on. There is no document by Oracle of either: the negotiation is
//! described by SySS ("Oracle Native Network Encryption", 2021), and spoken by nmap's `oracle-sns-crypto` and by go-ora.

use super::look::{Look, NO, be16, byte, weak, yes};

/// Oracle's TNS (length, checksum, type, reserved, header checksum): CONNECT, ACCEPT, REFUSE, REDIRECT, RESEND.
pub fn oracle_tns(b: &[u8]) -> Look {
    let length = usize::from(be16(b, 0)?);
    let quiet = be16(b, 2)? == 0 && byte(b, 5)? <= 8 && be16(b, 6)? == 0;
    if !quiet || length < 8 {
        return NO;
    }
    match byte(b, 4)? {
        // CONNECT: version 300 to 330, compatible version below it.
        1 => yes((300..=330).contains(&be16(b, 8)?) && (200..=330).contains(&be16(b, 10)?)),
        2 => weak((300..=330).contains(&be16(b, 8)?)),
        4 | 5 | 11 => weak(true),
        _ => NO,
    }
}

/// Whether a session goes on under native network encryption, by the algorithm that the server chose for it (0 is none), or in the clear, by
/// the first message of the layer above, which only comes where no encryption was chosen. `None` while neither is there.
pub fn oracle_encrypts(client: &[u8], server: &[u8]) -> Option<bool> {
    let chosen = packets(server).filter_map(|packet| data(packet)?.strip_prefix(&NEGOTIATION)).find_map(chosen);
    let in_clear = || packets(client).filter_map(data).any(is_first_message).then_some(false);
    chosen.map(|algorithm| algorithm != 0).or_else(in_clear)
}

/// What the negotiation of "advanced services" begins with.
const NEGOTIATION: [u8; 4] = [0xde, 0xad, 0xbe, 0xef];

/// What a packet of data (type 6) carries behind its flags.
fn data(packet: &[u8]) -> Option<&[u8]> {
    const DATA: u8 = 6;
    if byte(packet, 4)? == DATA { packet.get(10..) } else { None }
}

/// Length in two bytes, or of version 315 on in four, the upper two of which are zero (packets of a session are shorter than 2 MB).
fn packets(b: &[u8]) -> impl Iterator<Item = &[u8]> {
    const HEADER: usize = 8;
    let mut rest = b;
    std::iter::from_fn(move || {
        let length = match be16(rest, 0)? {
            0 => usize::from(be16(rest, 2)?),
            short => usize::from(short),
        };
        let (packet, behind) = rest.split_at_checked(length.max(HEADER))?;
        rest = behind;
        Some(packet)
    })
}

/// The algorithm of encryption in the server's half: version and number of services; each with type, number of parts and an error; each part
/// with length and type. That of encryption has a version and the algorithm's number.
fn chosen(negotiation: &[u8]) -> Option<u8> {
    const ENCRYPTION: u16 = 2;
    const NUMBER: u16 = 2;
    const MOST: u16 = 16;
    let services = be16(negotiation, 6)?;
    let mut rest = negotiation.get(9..)?;
    for _ in 0..services.min(MOST) {
        let (service, parts) = (be16(rest, 0)?, be16(rest, 2)?);
        rest = rest.get(8..)?;
        for _ in 0..parts.min(MOST) {
            let (length, kind) = (be16(rest, 0)?, be16(rest, 2)?);
            let part = rest.get(4..4 + usize::from(length))?;
            if service == ENCRYPTION && kind == NUMBER && length == 1 {
                return byte(part, 0);
            }
            rest = rest.get(4 + usize::from(length)..)?;
        }
    }
    None
}

/// Protocol negotiation of the two-task layer: the versions that the client speaks, the highest first, then its name.
fn is_first_message(data: &[u8]) -> bool {
    matches!(data, [1, 6, 5, 4, 3, 2, 1, 0, b' '..=b'~', ..] | [1, 6, 0, b' '..=b'~', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;
    use crate::app::tests::client;

    fn tns(wide: bool, kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (8 + body.len() as u16).to_be_bytes();
        let [a, b] = length;
        let length = if wide { [0, 0, a, b] } else { [a, b, 0, 0] };
        [&length[..], &[kind, 0, 0, 0], body].concat()
    }

    /// Type and content.
    type Part<'a> = (u16, &'a [u8]);

    fn negotiation(services: &[(u16, &[Part])]) -> Vec<u8> {
        let mut body =
            [&NEGOTIATION[..], &[0, 99], &[0x15, 0, 0, 0], &(services.len() as u16).to_be_bytes(), &[0]].concat();
        for (service, parts) in services {
            body.extend([service.to_be_bytes(), (parts.len() as u16).to_be_bytes(), [0; 2], [0; 2]].concat());
            for (kind, part) in *parts {
                body.extend([&(part.len() as u16).to_be_bytes()[..], &kind.to_be_bytes(), part].concat());
            }
        }
        [&[0, 0], &body[..]].concat()
    }

    #[test]
    fn what_the_server_chose() {
        let version: Part = (5, &[0x15, 0, 0, 0]);
        let answer = |algorithm: &'static [u8]| {
            let integrity: &[Part] = &[version, (2, &[6])];
            let encryption: &[Part] = &[version, (2, algorithm)];
            negotiation(&[(4, &[version]), (1, &[version, (6, &[0xfb, 0xff])]), (2, encryption), (3, integrity)])
        };
        for wide in [false, true] {
            let accept = tns(false, 2, &[1, 0x3b, 0x0c, 0x41, 0, 0, 0, 0]);
            let said = |algorithm| [&accept[..], &tns(wide, 6, &answer(algorithm))].concat();
            assert_eq!(oracle_encrypts(b"", &said(&[17])), Some(true), "AES-256");
            assert_eq!(oracle_encrypts(b"", &said(&[0])), Some(false), "only integrity");
            let whole = said(&[17]);
            assert!((0..whole.len()).all(|cut| oracle_encrypts(b"", &whole[..cut]).is_none()));
        }
        // What other services agree on has the form of it.
        let integrity_first: &[Part] = &[version, (2, &[6])];
        let other = negotiation(&[(3, integrity_first), (2, &[version, (3, &[9]), (2, &[0])])]);
        assert_eq!(oracle_encrypts(b"", &tns(false, 6, &other)), Some(false));
        assert_eq!(oracle_encrypts(b"", &tns(false, 12, &answer(&[17]))), None, "a marker is no data");
        let connect = tns(false, 1, &[&[1, 0x3b, 1, 0x2c][..], &[0; 50]].concat());
        assert_eq!(client(&connect), Some(Protocol::Oracle));
        let first = tns(true, 6, b"\0\0\x01\x06\x05\x04\x03\x02\x01\0x86_64/Linux\0");
        assert_eq!(oracle_encrypts(&[connect.clone(), first].concat(), b""), Some(false));
        assert_eq!(oracle_encrypts(&[connect, tns(true, 6, &[0xa5; 40])].concat(), b""), None);
    }
}
