//! OpenVPN's control channel, which carries TLS in numbered packets. Its protocol is described in the project's
//! `doc/doxygen/doc_protocol_overview.h`. What tls-auth signs is in the clear, what tls-crypt wraps is not.

use crate::Reader;

/// Opcodes, the upper five bits of the first byte.
mod opcode {
    pub const CONTROL_V1: u8 = 4;
    pub const HARD_RESET_CLIENT_V2: u8 = 7;
    pub const HARD_RESET_SERVER_V2: u8 = 8;
    pub const HARD_RESET_CLIENT_V3: u8 = 10;
}

const LAYER: &str = "openvpn";

/// Session id behind the opcode.
const SESSION_ID: usize = 8;
/// What a sender may acknowledge in one packet.
const MAX_ACKNOWLEDGED: u8 = 8;

/// How a hard reset with key id 0 shows the rest of the channel to be wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// Bytes of signature, packet id and time (tls-auth) behind the session id; 0 without.
    Clear(usize),
    /// tls-crypt: nothing more can be read.
    Encrypted,
}

/// Recognises a hard reset: session id, then in clear an empty acknowledgement and packet id 0, or an HMAC and a packet id
/// with a time stamp (tls-auth), or an encrypted rest (tls-crypt). `None` for anything else.
pub fn hard_reset(packet: &[u8]) -> Option<Wrapping> {
    let first = *packet.first()?;
    let client = match first >> 3 {
        opcode::HARD_RESET_CLIENT_V2 | opcode::HARD_RESET_CLIENT_V3 => true,
        opcode::HARD_RESET_SERVER_V2 => false,
        _ => return None,
    };
    // Session ids are random: one of text or zeros is another protocol's field (of random ones, one in 2,800 is all text).
    let id = packet.get(1..1 + SESSION_ID)?;
    if first & 7 != 0 || id.iter().all(|byte| matches!(byte, 0 | b' '..=b'~')) {
        return None;
    }
    // In the clear: no acknowledgements from the client, one from the server with the peer's session id; packet id 0.
    let clear = match (client, packet.len()) {
        (true, 14) => packet.get(9..) == Some(&[0; 5]),
        (false, 26) => packet.get(9..14) == Some(&[1, 0, 0, 0, 0]) && packet.get(22..) == Some(&[0; 4]),
        _ => false,
    };
    if clear {
        return Some(Wrapping::Clear(0));
    }
    // Packet id 1 and a time of this century.
    let stamped = |at: usize| {
        let id = packet.get(at..)?.first_chunk::<8>()?;
        let time = u32::from_be_bytes([id[4], id[5], id[6], id[7]]);
        Some(id.starts_with(&[0, 0, 0, 1]) && (0x3800_0000..0xf000_0000).contains(&time))
    };
    // MD5, SHA-1, SHA-256, SHA-512; the message's own packet id is 0.
    let signed = [16, 20, 32, 64].into_iter().find(|hmac| stamped(1 + SESSION_ID + hmac) == Some(true));
    if let Some(hmac) = signed.filter(|_| packet.ends_with(&[0; 4])) {
        return Some(Wrapping::Clear(hmac + 8));
    }
    (stamped(1 + SESSION_ID) == Some(true) && packet.len() >= 54).then_some(Wrapping::Encrypted)
}

/// A packet of the control channel that carries a part of TLS, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control<'a> {
    pub id: u32,
    pub payload: &'a [u8],
}

/// Reads a control packet of the first key; `None` for acknowledgements, data and what follows a rekey.
pub fn control(packet: &[u8], wrapping: usize) -> Option<Control<'_>> {
    let mut r = Reader::new(packet, LAYER);
    // A reset that is sent anew has a number of its own, and nothing in it.
    const NUMBERED: [u8; 4] = [
        opcode::CONTROL_V1 << 3,
        opcode::HARD_RESET_CLIENT_V2 << 3,
        opcode::HARD_RESET_SERVER_V2 << 3,
        opcode::HARD_RESET_CLIENT_V3 << 3,
    ];
    if !NUMBERED.contains(&r.u8().ok()?) {
        return None;
    }
    r.take(SESSION_ID + wrapping).ok()?;
    let acknowledged = r.u8().ok().filter(|count| *count <= MAX_ACKNOWLEDGED)?;
    if acknowledged > 0 {
        r.take(usize::from(acknowledged) * 4 + SESSION_ID).ok()?;
    }
    Some(Control { id: r.u32().ok()?, payload: r.rest() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn resets_with_and_without_a_signature() {
        let reset = |opcode: u8, middle: &[u8]| hard_reset(&[&[opcode], &SESSION[..], middle].concat());
        assert_eq!(reset(0x38, &[0; 5]), Some(Wrapping::Clear(0)));
        let answer = [&[1, 0, 0, 0, 0][..], &SESSION, &[0; 4]].concat();
        assert_eq!(reset(0x40, &answer), Some(Wrapping::Clear(0)));
        let stamp = [0, 0, 0, 1, 0x66, 0, 0, 0];
        for hmac in [16, 20, 32, 64] {
            let signed = [&vec![0xa5; hmac][..], &stamp, &[0; 5]].concat();
            assert_eq!(reset(0x38, &signed), Some(Wrapping::Clear(hmac + 8)));
        }
        assert_eq!(reset(0x50, &[&stamp[..], &[0xa5; 40]].concat()), Some(Wrapping::Encrypted));
        assert_eq!((reset(0x39, &[0; 5]), reset(0x20, &[0; 5]), hard_reset(&[])), (None, None, None));
    }

    #[test]
    fn control_packets_with_acknowledgements() {
        let packet = |rest: &[u8]| [&[0x20], &SESSION[..], rest].concat();
        let plain = packet(b"\0\0\0\0\x01\x16\x03");
        assert_eq!(control(&plain, 0), Some(Control { id: 1, payload: &[0x16, 3] }));
        let acknowledging = packet(&[&[1, 0, 0, 0, 0][..], &SESSION, &[0, 0, 0, 2, 9]].concat());
        assert_eq!(control(&acknowledging, 0), Some(Control { id: 2, payload: &[9] }));
        let signed = packet(&[&[0xa5; 28][..], b"\0\0\0\0\x01\x16\x03"].concat());
        assert_eq!(control(&signed, 28), Some(Control { id: 1, payload: &[0x16, 3] }));
        for cut in 0..14 {
            assert_eq!(control(&plain[..cut.min(13)], 0), None);
        }
        assert_eq!(control(&packet(b"\x09\0\0\0\x01"), 0), None);
        let reset_again = [&[0x38], &SESSION[..], &[1, 0, 0, 0, 0], &SESSION, &[0, 0, 0, 1]].concat();
        assert_eq!(control(&reset_again, 0), Some(Control { id: 1, payload: &[] }));
        let acknowledgement = [&[0x28], &SESSION[..], &[1, 0, 0, 0, 0], &SESSION].concat();
        assert_eq!(control(&acknowledgement, 0), None);
    }
}
