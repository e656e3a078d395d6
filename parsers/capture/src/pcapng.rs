//! pcapng: blocks of type, length, body and the length again; sections that each have their byte order and interfaces.
//! draft-ietf-opsawg-pcapng sections 3 and 4. Blocks that carry nothing wanted here (names, journal entries, custom
//! blocks) are passed over without being held. What blocks say is in `blocks`.

mod blocks;

use crate::error::Damages;
use crate::limits::MAX_BLOCK;
use crate::{Fault, Frame, Interface, Step};

pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(crate) const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete; still written by old tools.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
pub(crate) const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

pub(crate) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and length, and the length again.
const SMALLEST_BLOCK: u32 = 12;
/// The same with byte-order magic, version and section length.
const SMALLEST_SECTION: u32 = 28;
/// Type, length, byte-order magic, version.
pub(crate) const SECTION_START: usize = 16;
/// The one major version there is.
pub(crate) const VERSION: u16 = 1;

#[derive(Default)]
pub(crate) struct Pcapng {
    big: bool,
    /// Those of the current section.
    pub(crate) interfaces: Vec<Interface>,
    /// Type and bytes of each Decryption Secrets Block.
    secrets: Vec<(u32, Vec<u8>)>,
    secret_bytes: usize,
    /// Of the sections before this one.
    earlier_drops: u64,
    /// A Simple Packet Block has no time of its own.
    last_time: u64,
}

/// The bytes being walked, and where they are.
struct Walk<'a> {
    held: &'a [u8],
    /// Of `held` in the buffer.
    base: usize,
    /// Of `held` in the capture.
    offset: u64,
    frames: &'a mut Vec<Frame>,
    damages: &'a mut Damages,
}

/// Byte order and major version of a section header.
pub(crate) fn section(start: &[u8; SECTION_START]) -> Result<(bool, u16), Fault> {
    let [.., b0, b1, b2, b3, v0, v1, _, _] = *start;
    let found = u32::from_be_bytes([b0, b1, b2, b3]);
    match found {
        BYTE_ORDER_MAGIC => Ok((true, u16::from_be_bytes([v0, v1]))),
        _ if found.swap_bytes() == BYTE_ORDER_MAGIC => Ok((false, u16::from_le_bytes([v0, v1]))),
        _ => Err(Fault::ByteOrder { found }),
    }
}

impl Pcapng {
    pub(crate) fn take_secrets(&mut self) -> Vec<(u32, Vec<u8>)> {
        self.secret_bytes = 0;
        std::mem::take(&mut self.secrets)
    }

    /// Packets that the capturing systems report as lost.
    pub(crate) fn drops(&self) -> u64 {
        self.interfaces.iter().fold(self.earlier_drops, |sum, interface| sum.saturating_add(interface.drops))
    }

    /// Appends the frames in `held`, which lies at `base` in the buffer and at `offset` in the capture; says how much
    /// of it they take. Frames of two sections are never returned together: their interfaces differ.
    pub(crate) fn walk(
        &mut self,
        held: &[u8],
        (base, offset): (usize, u64),
        frames: &mut Vec<Frame>,
        max: usize,
        damages: &mut Damages,
    ) -> (usize, Step) {
        let mut walk = Walk { held, base, offset, frames, damages };
        if self.big { self.blocks::<true>(&mut walk, max) } else { self.blocks::<false>(&mut walk, max) }
    }

    fn blocks<const BIG: bool>(&mut self, walk: &mut Walk, max: usize) -> (usize, Step) {
        let mut at = 0;
        while walk.frames.len() < max {
            let rest = walk.held.get(at..).unwrap_or_default();
            let Some((&[k0, k1, k2, k3, l0, l1, l2, l3], _)) = rest.split_first_chunk() else {
                return (at, Step::Need(8));
            };
            let kind = word::<BIG>([k0, k1, k2, k3]);
            if kind == SECTION_HEADER {
                if !walk.frames.is_empty() {
                    return (at, Step::Again);
                }
                let (length, step) = self.start_section(rest);
                return (at + length, step);
            }
            // Secrets are for the packets behind them, so the frames before are to be processed first.
            if kind == DECRYPTION_SECRETS && !walk.frames.is_empty() {
                return (at, Step::Again);
            }
            let length = word::<BIG>([l0, l1, l2, l3]);
            if length < SMALLEST_BLOCK || !length.is_multiple_of(4) {
                return (at, Step::Stop(Fault::BlockLength { length }));
            }
            if rest.len() < length as usize {
                return (at, walk.wait(at, kind, length));
            }
            let block = rest.get(..length as usize).unwrap_or_default();
            let end = word::<BIG>(block.last_chunk().copied().unwrap_or_default());
            if end != length {
                return (at, Step::Stop(Fault::BlockEnd { length, end }));
            }
            let body = block.get(8..block.len() - 4).unwrap_or_default();
            if let Err(fault) = self.block::<BIG>(kind, body, walk, at) {
                walk.damages.add(walk.offset + at as u64, fault);
            }
            at += block.len();
        }
        (at, Step::Again)
    }

    /// Takes the section header at the beginning of `rest`; its length, or 0 if that cannot be done.
    fn start_section(&mut self, rest: &[u8]) -> (usize, Step) {
        let Some(start) = rest.first_chunk() else { return (0, Step::Need(SECTION_START)) };
        let (big, major) = match section(start) {
            Ok(found) => found,
            Err(fault) => return (0, Step::Stop(fault)),
        };
        if major != VERSION {
            return (0, Step::Stop(Fault::Version { major }));
        }
        let [_, _, _, _, l0, l1, l2, l3, ..] = *start;
        let word = if big { word::<true> } else { word::<false> };
        let length = word([l0, l1, l2, l3]);
        if !(SMALLEST_SECTION..=MAX_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return (0, Step::Stop(Fault::BlockLength { length }));
        }
        let Some((block, _)) = rest.split_at_checked(length as usize) else {
            return (0, Step::Need(length as usize));
        };
        let end = word(block.last_chunk().copied().unwrap_or_default());
        if end != length {
            return (0, Step::Stop(Fault::BlockEnd { length, end }));
        }
        self.earlier_drops = self.drops();
        self.interfaces.clear();
        self.big = big;
        (block.len(), Step::Again)
    }
}

impl Walk<'_> {
    /// What to do about a block that is not held as a whole: wait for it, also if it is of no interest, because its end tells
    /// whether its length can be believed. One too long to be held is stepped over, unless it should hold a packet.
    fn wait(&mut self, at: usize, kind: u32, length: u32) -> Step {
        match kind {
            _ if length <= MAX_BLOCK => Step::Need(length as usize),
            INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | INTERFACE_STATISTICS | ENHANCED_PACKET => {
                Step::Stop(Fault::BlockLength { length })
            }
            DECRYPTION_SECRETS => {
                // With frames to return first, the walk comes here again.
                if self.frames.is_empty() {
                    self.damages.add(self.offset + at as u64, Fault::Secrets { length });
                }
                Step::Skip(length.into())
            }
            _ => Step::Skip(length.into()),
        }
    }
}

fn word<const BIG: bool>(bytes: [u8; 4]) -> u32 {
    if BIG { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
