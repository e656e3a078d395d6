//! HTTP/2 without TLS, gRPC within it (RFC 9113), and WebSocket (RFC 6455), behind their upgrades.

use super::{BROKEN, Step, message, spelt};
use crate::app::look::{be16, be24, be32, byte};

/// A frame's header (RFC 9113 section 4.1): length, type, flags of the type, a stream or none.
pub fn http2(b: &[u8], _: &[u8]) -> Step {
    /// Longer frames are allowed to those who agree on them, and nobody does.
    const LONGEST: u32 = 1 << 20;
    /// Streams of a connection of months; more would count to 2^31.
    const STREAMS: u32 = 1 << 24;
    let (length, kind, flags, stream) = (be24(b, 0)?, byte(b, 3)?, byte(b, 4)?, be32(b, 5)?);
    // Clients open streams of odd numbers, servers hardly push (sections 5.1.1 and 8.4).
    let (whole, odd) = (stream == 0, stream % 2 == 1);
    let (fits, bits) = match kind {
        // Data of small numbers has such headers everywhere, but not a message of gRPC that fills it.
        0 => {
            let grpc = length > 5 && byte(b, 9)? <= 1 && be32(b, 10)? == length - 5;
            (flags & !0x09 == 0 && odd && (length > 0 || flags & 1 == 1), if grpc { 24 } else { 0 })
        }
        1 => (flags & !0x2d == 0 && odd && length > 0, 12),
        2 => (flags == 0 && odd && length == 5, 24),
        3 => (flags == 0 && odd && length == 4, 24),
        4 => (flags & !1 == 0 && whole && length % 6 == 0 && length <= if flags == 1 { 0 } else { 96 }, 20),
        6 => (flags & !1 == 0 && whole && length == 8, 30),
        7 => (flags == 0 && whole && length >= 8, 10),
        8 => (flags == 0 && (whole || odd) && length == 4 && (1..=0x7fff_ffff).contains(&be32(b, 9)?), 24),
        9 => (flags & !4 == 0 && odd && length > 0, 10),
        // PRIORITY_UPDATE (RFC 9218 section 7.1).
        16 => (flags == 0 && whole && length >= 4, 12),
        _ => return BROKEN,
    };
    message(fits && length <= LONGEST && stream < STREAMS, 9 + length as usize, bits)
}

pub fn websocket_client(b: &[u8], _: &[u8]) -> Step {
    websocket(b, true)
}

pub fn websocket_server(b: &[u8], _: &[u8]) -> Step {
    websocket(b, false)
}

/// A frame (RFC 6455 section 5.2): opcode, length in as few bytes as hold it, the client's mask. Only text counts, pings and pongs:
/// what is binary or compressed (RFC 7692) may be anything.
fn websocket(b: &[u8], from_client: bool) -> Step {
    const TEXT: u32 = 16;
    let (first, second) = (byte(b, 0)?, byte(b, 1)?);
    if (second & 0x80 != 0) != from_client {
        return BROKEN;
    }
    let (length, at) = match second & 0x7f {
        126 => (usize::from(be16(b, 2)?), 4),
        127 => (usize::try_from(be32(b, 6)?).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let shortest = match at {
        2 => 0,
        4 => 126,
        _ => 0x1_0000,
    };
    let (key, at) = if from_client { (b.get(at..at + 4)?, at + 4) } else { (&[][..], at) };
    let body = b.get(at..)?;
    let body = body.get(..length.min(TEXT as usize)).unwrap_or(body);
    let bits = match first {
        0x81 => {
            let mut text = [0; TEXT as usize];
            for (n, byte) in body.iter().enumerate() {
                text[n] = byte ^ if from_client { key[n % 4] } else { 0 };
            }
            let text = &text[..body.len()];
            // RFC 6455 section 5.6: the text is UTF-8.
            if text.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n')) {
                return BROKEN;
            }
            4 + spelt(text, TEXT)
        }
        0x82 | 0xc1 | 0xc2 => 0,
        // Control frames are short and carry what a ping carried.
        0x88 => u32::from(length == 2 && from_client) * 4,
        0x89 | 0x8a => u32::from(length == 0) * 8,
        _ => return BROKEN,
    };
    let control = first & 0x08 != 0;
    message(length >= shortest && (!control || at <= 6 && length <= 125), at + length, bits)
}
