//! Brokers and things: MQTT (OASIS 3.1.1, 5.0), AMQP, NATS, STOMP, OpenWire, ZeroMQ, CoAP (RFC 7252).

use super::Datagram;
use super::look::{Look, NO, at, be16, be32, byte, is_text, line, one_of, starts, weak, yes};

/// MQTT's remaining length: up to four bytes of seven bits. The value and where it ends.
pub fn remaining_length(b: &[u8]) -> Option<Option<(u32, usize)>> {
    let mut value = 0u32;
    for i in 0..4usize {
        let digit = byte(b, 1 + i)?;
        value |= u32::from(digit & 0x7f) << (7 * i);
        if digit & 0x80 == 0 {
            return Some(Some((value, 2 + i)));
        }
    }
    Some(None)
}

/// CONNECT with the protocol's name.
pub fn mqtt_client(b: &[u8]) -> Look {
    if byte(b, 0)? != 0x10 {
        return NO;
    }
    let Some((_, body)) = remaining_length(b)? else { return NO };
    let name = b.get(body..)?;
    yes(at(name, 0, b"\0\x04MQTT").or_else(|| at(name, 0, b"\0\x06MQIsdp"))? || at(name, 0, b"\0\x06MQIsdp")?)
}

/// CONNACK: flags 0 or 1, a return code.
pub fn mqtt_server(b: &[u8]) -> Look {
    if byte(b, 0)? != 0x20 {
        return NO;
    }
    let (length, session, code) = (byte(b, 1)?, byte(b, 2)?, byte(b, 3)?);
    weak((2..=127).contains(&length) && session <= 1 && (code <= 5 || code >= 0x80))
}

pub fn amqp(b: &[u8]) -> Look {
    yes(starts(b, b"AMQP")? && byte(b, 4)? <= 3 && byte(b, 5)? <= 1)
}

pub fn nats_server(b: &[u8]) -> Look {
    if b.first() == Some(&b'I') {
        yes(starts(b, b"INFO {\"")?)
    } else {
        weak(one_of(b, &[b"MSG ", b"PING\r\n", b"PONG\r\n", b"+OK\r\n"])?)
    }
}

pub fn nats_client(b: &[u8]) -> Look {
    if starts(b, b"CONNECT {")? { yes(true) } else { weak(one_of(b, &[b"PING\r\n", b"PONG\r\n", b"SUB ", b"PUB "])?) }
}

pub fn stomp_client(b: &[u8]) -> Look {
    let command = starts(b, b"CONNECT\n").or_else(|| starts(b, b"STOMP\n"))? || starts(b, b"STOMP\n")?;
    yes(command && is_text(line(b).unwrap_or(b)))
}

pub fn stomp_server(b: &[u8]) -> Look {
    yes(one_of(
        b,
        &[
            b"CONNECTED\nversion:",
            b"CONNECTED\nserver:",
            b"CONNECTED\nsession:",
            b"CONNECTED\nheart-beat:",
            b"ERROR\nmessage:",
        ],
    )?)
}

/// WireFormatInfo: length, type 1, "ActiveMQ".
pub fn openwire(b: &[u8]) -> Look {
    yes(be32(b, 0)? <= 4096 && at(b, 4, b"\x01ActiveMQ")?)
}

/// Version 1, a token of up to 8 bytes, a code of a known class, options that walk to the payload marker.
pub fn coap(d: &Datagram) -> Look {
    let b = d.payload;
    let (first, code) = (byte(b, 0)?, byte(b, 1)?);
    let token = usize::from(first & 0x0f);
    if first >> 6 != 1 || token > 8 {
        return NO;
    }
    let known = matches!(code, 1..=7 | 0x41..=0x45 | 0x5f | 0x80..=0x86 | 0x88 | 0x89 | 0x8c | 0x8d | 0x8f | 0x9d | 0xa0..=0xa5);
    if code == 0 {
        return weak(b.len() == 4 && first & 0x0f == 0 && be16(b, 2).is_some());
    }
    // An acknowledgement carries a response, a reset carries nothing (sections 4.2 and 4.3).
    if first >> 4 == 7 || first >> 4 == 6 && code < 0x40 {
        return NO;
    }
    let Some(options) = b.get(4 + token..) else { return NO };
    // A request without options or token asks for the root.
    let root = options.is_empty() && token == 0 && matches!(first, 0x40 | 0x50) && code <= 4;
    weak(known && (root || walk_options(options).is_some()))
}

/// A request whose path and query are of so many letters that it needs no port: 16 bits for them, and 16 for header and options.
pub fn coap_request(d: &Datagram) -> Look {
    const LETTERS: usize = 12;
    let options = d.payload.get(4 + usize::from(byte(d.payload, 0)? & 0x0f)..)?;
    yes(matches!(byte(d.payload, 1)?, 1..=7) && walk_options(options).is_some_and(|letters| letters >= LETTERS))
}

/// CoAP over TCP begins with its settings (RFC 8323 sections 3.2, 5.3): a length, no token, code 7.01, the size of a message or its blocks.
pub fn coap_stream(b: &[u8]) -> Look {
    let (first, code, option) = (byte(b, 0)?, byte(b, 1)?, byte(b, 2)?);
    weak(first & 0x0f == 0 && first <= 0xc0 && code == 0xe1 && matches!(option, 0x20..=0x24 | 0x40))
}

/// IANA's CoAP option numbers: If-Match, the Uri parts, Observe, ETag, OSCORE, Accept, Block1 and 2, No-Response, …
const OPTIONS: &[u32] =
    &[1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292, 548];

/// Uri-Host, Location-Path, Uri-Path, Uri-Query, Location-Query, Proxy-Uri, Proxy-Scheme.
const TEXT_OPTIONS: &[u32] = &[3, 8, 11, 15, 20, 35, 39];

/// Table 4 of RFC 7252, and RFC 7641 and 7959: the numbers are short.
fn longest(option: u32) -> usize {
    match option {
        5 => 0,
        7 | 12 | 17 => 2,
        6 | 19 | 23 | 27 | 31 => 3,
        14 | 28 | 60 => 4,
        1 | 4 => 8,
        _ => 255,
    }
}

/// RFC 7252 section 3.1: delta and length in nibbles, 13 and 14 extend them, 15 is reserved but for the marker. How many letters of
/// names the options hold, none where OSCORE (RFC 8613) seals what is behind them; nothing if they are none.
fn walk_options(mut b: &[u8]) -> Option<usize> {
    const OSCORE: u32 = 9;
    let mut number = 0u32;
    let (mut seen, mut sealed, mut letters) = (0, false, 0);
    while let [first, rest @ ..] = b {
        if *first == 0xff {
            return (!rest.is_empty()).then_some(if sealed { 0 } else { letters });
        }
        let mut rest = rest;
        let mut extended = |nibble: u8| match nibble {
            0..=12 => Some(u32::from(nibble)),
            13 => {
                let (n, tail) = rest.split_first()?;
                rest = tail;
                Some(13 + u32::from(*n))
            }
            14 => {
                let (n, tail) = rest.split_first_chunk::<2>()?;
                rest = tail;
                Some(269 + u32::from(u16::from_be_bytes(*n)))
            }
            _ => None,
        };
        number = number.checked_add(extended(first >> 4)?)?;
        let length = extended(first & 0x0f)?;
        // None is longer than 1034 bytes (Proxy-Uri).
        if !OPTIONS.contains(&number) || length > 1034 {
            return None;
        }
        let (value, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if TEXT_OPTIONS.contains(&number) && !is_text(value) || value.len() > longest(number) {
            return None;
        }
        if TEXT_OPTIONS.contains(&number) && value.is_ascii() {
            letters += value.len();
        }
        sealed |= number == OSCORE;
        b = tail;
        seen += 1;
    }
    (seen > 0).then_some(if sealed { 0 } else { letters })
}

/// The mechanism that a ZMTP 3 greeting names (ZeroMQ RFC 23): signature, version, 20 bytes padded with zeros.
pub fn zmtp_mechanism(b: &[u8]) -> Option<&[u8]> {
    if byte(b, 0)? != 0xff || byte(b, 9)? != 0x7f || byte(b, 10)? != 3 || !at(b, 1, b"\0\0\0\0\0\0\0")? {
        return Some(b"");
    }
    let name = b.get(12..32)?;
    name.split(|c| *c == 0).next()
}

/// ZMTP 3 without a mechanism that encrypts.
pub fn zmtp(b: &[u8]) -> Look {
    yes(matches!(zmtp_mechanism(b)?, b"NULL" | b"PLAIN"))
}

#[cfg(test)]
mod tests {
    use crate::Protocol;
    use crate::app::tests::{both, client, server, udp};

    #[test]
    fn mqtt_and_other_brokers() {
        assert_eq!(client(b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test"), Some(Protocol::Mqtt));
        assert_eq!(client(b"\x10\x12\0\x06MQIsdp\x03\x02\0\x3c\0\x04test"), Some(Protocol::Mqtt));
        assert_eq!(both(b"\x10\x10\0\x04MQT", b"\x20\x02\0\0"), None);
        assert_eq!(client(b"AMQP\0\0\x09\x01"), Some(Protocol::Amqp));
        assert_eq!(server(b"INFO {\"server_id\":\"x\"}\r\n"), Some(Protocol::Nats));
        assert_eq!(client(b"CONNECT\naccept-version:1.2\n\n\0"), Some(Protocol::Stomp));
    }

    #[test]
    fn coap_walks_its_options() {
        // RFC 7252 appendix A figure 16: GET coap://server/temperature.
        assert_eq!(udp(b"\x40\x01\x7d\x34\xbbtemperature", 5683), Some(Protocol::Coap));
        assert_eq!(udp(b"\x40\x01\x7d\x34\xbftemperature", 5683), None);
        assert_eq!(udp(b"\x40\x01\x7d\x34\xbbtemperature", 9), None);
        // RFC 6690 section 4: GET /.well-known/core, which is long enough on any port; and the same sealed by OSCORE.
        assert_eq!(udp(b"\x41\x01\x7d\x34\x17\xbb.well-known\x04core", 9), Some(Protocol::Coap));
        assert_eq!(udp(b"\x41\x02\x7d\x34\x17\x92\x09\x14\x2b.well-known\x04core\xff\x61", 9), None);
    }
}
