//! A conversation as bytes: what the followers are fed with, written so that mutations keep most of it readable.
//!
//! A step is one byte of flags, a big-endian length and that many bytes; a length that lies takes what there is.

use transitproof_flow::Direction;

/// Sent by the responder.
pub const REVERSE: u8 = 1;
/// Bytes are missing in front.
pub const GAP: u8 = 2;
/// Two bits that each target gives a meaning of its own.
pub const KIND: u8 = 4 | 8;

/// One segment or datagram.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub flags: u8,
    pub bytes: &'a [u8],
}

impl Step<'_> {
    pub fn from(&self) -> Direction {
        if self.flags & REVERSE == 0 { Direction::Forward } else { Direction::Reverse }
    }

    pub fn kind(&self) -> usize {
        usize::from((self.flags & KIND) >> 2)
    }
}

pub fn steps(mut input: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let [flags, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        steps.push(Step { flags: *flags, bytes });
        input = rest;
    }
    steps
}

/// Writes a step; what is longer than a step can be becomes several.
pub fn push(script: &mut Vec<u8>, flags: u8, bytes: &[u8]) {
    for part in bytes.chunks(usize::from(u16::MAX)) {
        script.push(flags);
        script.extend((part.len() as u16).to_be_bytes());
        script.extend(part);
    }
}
