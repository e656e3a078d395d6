//! OpenVPN's control channel, which carries TLS in numbered packets. Its protocol is described in the project's
//! `doc/doxygen/doc_protocol_overview.h`. What tls-auth signs is in the clear, what tls-crypt wraps is not.

use crate::Reader;
use crate::tls::Seen;

/// Opcodes, the upper five bits of the first byte.
mod opcode {
    pub const CONTROL_V1: u8 = 4;
    pub const ACK_V1: u8 = 5;
    pub const DATA_V1: u8 = 6;
    pub const HARD_RESET_CLIENT_V2: u8 = 7;
    pub const HARD_RESET_SERVER_V2: u8 = 8;
    pub const DATA_V2: u8 = 9;
    pub const HARD_RESET_CLIENT_V3: u8 = 10;
}

const LAYER: &str = "openvpn";

/// Session id behind the opcode.
const SESSION_ID: usize = 8;
/// What a sender may acknowledge in one packet.
const MAX_ACKNOWLEDGED: u8 = 8;

/// MD5, SHA-1, SHA-256, SHA-512.
const HMACS: [usize; 4] = [16, 20, 32, 64];
/// Bytes between session id and acknowledgements: nothing, or one of these with packet id and time.
const WRAPPINGS: [usize; 5] = [0, HMACS[0] + 8, HMACS[1] + 8, HMACS[2] + 8, HMACS[3] + 8];

/// Session ids are random: one of text or zeros is another protocol's field (of random ones, one in 2,800 is all text).
fn is_random(session_id: &[u8]) -> bool {
    !session_id.iter().all(|byte| matches!(byte, 0 | b' '..=b'~'))
}

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
    if first & 7 != 0 || !is_random(packet.get(1..1 + SESSION_ID)?) {
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
    // The message's own packet id is 0.
    let signed = HMACS.into_iter().find(|hmac| stamped(1 + SESSION_ID + hmac) == Some(true));
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

/// Whether bytes of a TCP connection that was joined between two packets are OpenVPN: each packet has its length in front. Two of the
/// control channel prove it by one session id, two of the data channel by numbers that follow each other, and one alone by TLS where
/// it must stand.
pub fn joined(b: &[u8]) -> Seen {
    let Some((first, rest)) = framed(b) else { return Seen::No };
    match (control_of(first), rest) {
        (Some(part), _) if part.carries_tls => Seen::Yes,
        (Some(_), []) => Seen::NeedMore,
        (one, rest) => match (one, framed(rest).map(|(next, _)| next)) {
            (Some(one), Some(next)) if control_of(next).is_some_and(|next| next.session == one.session) => Seen::Yes,
            (None, Some(next)) if numbers_follow(first, next) => Seen::Yes,
            _ => Seen::No,
        },
    }
}

/// The first packet behind its length, and the rest.
fn framed(b: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = b.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

struct Part<'a> {
    session: &'a [u8],
    carries_tls: bool,
}

/// A control packet or an acknowledgement, if it may be one without a signature or with one.
fn control_of(packet: &[u8]) -> Option<Part<'_>> {
    let opcode = packet.first()? >> 3;
    let session = packet.get(1..1 + SESSION_ID).filter(|id| is_random(id))?;
    match opcode {
        opcode::CONTROL_V1 => {
            let carries_tls = WRAPPINGS.into_iter().any(|wrapping| {
                let begins = |part: Control<'_>| part.id >> 16 == 0 && matches!(part.payload, [20..=23, 3, 0..=4, ..]);
                control(packet, wrapping).is_some_and(begins)
            });
            Some(Part { session, carries_tls })
        }
        opcode::ACK_V1 => {
            let fits = |wrapping| {
                let count =
                    packet.get(1 + SESSION_ID + wrapping).filter(|count| (1..=MAX_ACKNOWLEDGED).contains(count));
                count.is_some_and(|n| packet.len() == 1 + SESSION_ID + wrapping + 1 + usize::from(*n) * 4 + SESSION_ID)
            };
            WRAPPINGS.into_iter().any(fits).then_some(Part { session, carries_tls: false })
        }
        _ => None,
    }
}

/// Two packets of data under one key, the second with the number behind the first's.
fn numbers_follow(one: &[u8], other: &[u8]) -> bool {
    let header = match one.first().map(|first| first >> 3) {
        Some(opcode::DATA_V1) => 1,
        Some(opcode::DATA_V2) => 4,
        _ => return false,
    };
    let number = |packet: &[u8]| packet.get(header..)?.first_chunk().map(|number| u32::from_be_bytes(*number));
    let follows = || Some(number(one)?.checked_add(1)? == number(other)?);
    one.get(..header) == other.get(..header) && follows() == Some(true)
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
    fn joined_between_packets() {
        let framed = |packet: &[u8]| [&(packet.len() as u16).to_be_bytes()[..], packet].concat();
        let control = |wrapped: &[u8], rest: &[u8]| framed(&[&[0x20], &SESSION[..], wrapped, rest].concat());
        let acknowledgement = framed(&[&[0x28], &SESSION[..], &[1, 0, 0, 0, 2], &SESSION].concat());
        for wrapped in [&[][..], &[0xa5; 28]] {
            assert_eq!(joined(&control(wrapped, b"\0\0\0\0\x03\x16\x03\x03\x02\0more")), Seen::Yes);
        }
        // The middle of a message, and then one more of the same session, or of another.
        let middle = control(b"", b"\0\0\0\0\x04\xa5\x5a\x3c");
        assert_eq!((joined(&middle), joined(&acknowledgement)), (Seen::NeedMore, Seen::NeedMore));
        assert_eq!(joined(&[&middle[..], &acknowledgement].concat()), Seen::Yes);
        let mut other = middle.clone();
        other[5] ^= 1;
        assert_eq!(joined(&[&other[..], &acknowledgement].concat()), Seen::No);
        assert_eq!(joined(&middle[..middle.len() - 1]), Seen::No);
        let data = |opcode: u8, peer: &[u8], number: u8| {
            framed(&[&[opcode << 3 | 1], peer, &[0, 0, 7, number], &[0xc3; 40]].concat())
        };
        for (opcode, peer) in [(opcode::DATA_V1, &[][..]), (opcode::DATA_V2, &[0, 0, 3])] {
            let [one, two] = [9, 10].map(|number| data(opcode, peer, number));
            assert_eq!(joined(&[&one[..], &two].concat()), Seen::Yes);
            assert_eq!((joined(&[&two[..], &one].concat()), joined(&one)), (Seen::No, Seen::No));
        }
        assert_eq!(joined(b"\0\x16\x28ABCDEFGH\x01\0\0\0\x02ABCDEFGH"), Seen::No, "text for a session");
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
