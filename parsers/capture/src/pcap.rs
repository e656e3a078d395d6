//! Classic pcap: a file header, then records of 16 (modified pcap: 24) bytes of header and the frame.
//! draft-ietf-opsawg-pcap sections 4 and 5. The walk is on the packet path: it is compiled once for each byte order,
//! precision and header size, so that the loop decides nothing about them.

use crate::limits::{MAX_CAPTURED, USUAL_CAPTURED};
use crate::{Fault, Format, Frame, Interface, OpenError, Step, clock::Clock};

/// Magic number, version, two unused fields, snapshot length, link type.
pub(crate) const FILE_HEADER: usize = 24;
const RECORD: usize = 16;
/// Interface index, protocol, packet type and padding follow the usual fields.
const RECORD_MODIFIED: usize = 24;

type Walk = fn(&Pcap, &[u8], usize, &mut Vec<Frame>, usize) -> (usize, Step);

pub(crate) struct Pcap {
    walk: Walk,
    link: u16,
    /// The longest record believed.
    limit: u32,
    /// Before version 2.4 some writers put the two lengths the other way round.
    lengths_swapped: bool,
}

/// The format, the byte order, and the walk for them; None if this is not the beginning of a pcap file.
fn recognise(magic: [u8; 4]) -> Option<(Format, bool, Walk)> {
    Some(match u32::from_be_bytes(magic) {
        0xa1b2_c3d4 => (Format::Pcap, true, walk::<true, false, RECORD>),
        0xd4c3_b2a1 => (Format::Pcap, false, walk::<false, false, RECORD>),
        0xa1b2_3c4d => (Format::PcapNanosecond, true, walk::<true, true, RECORD>),
        0x4d3c_b2a1 => (Format::PcapNanosecond, false, walk::<false, true, RECORD>),
        0xa1b2_cd34 => (Format::PcapModified, true, walk::<true, false, RECORD_MODIFIED>),
        0x34cd_b2a1 => (Format::PcapModified, false, walk::<false, false, RECORD_MODIFIED>),
        _ => return None,
    })
}

pub(crate) fn format(magic: [u8; 4]) -> Option<Format> {
    recognise(magic).map(|(format, ..)| format)
}

impl Pcap {
    pub(crate) fn open(header: &[u8; FILE_HEADER]) -> Result<(Self, Interface), OpenError> {
        let [m0, m1, m2, m3, a0, a1, i0, i1, .., s0, s1, s2, s3, l0, l1, l2, l3] = *header;
        let Some((_, big, walk)) = recognise([m0, m1, m2, m3]) else {
            return Err(OpenError::Unsupported { what: "another magic number than pcap's".to_owned() });
        };
        let short = if big { u16::from_be_bytes } else { u16::from_le_bytes };
        let long = if big { u32::from_be_bytes } else { u32::from_le_bytes };
        let (major, minor) = (short([a0, a1]), short([i0, i1]));
        if (major, minor) == (2, 2) {
            let what = "a capture of AIX's tcpdump (pcap version 2.2, link types of its own)".to_owned();
            return Err(OpenError::Unsupported { what });
        }
        if major != 2 {
            return Err(OpenError::Unsupported { what: format!("pcap version {major}.{minor}") });
        }
        let snaplen = long([s0, s1, s2, s3]);
        let limit = snaplen.clamp(USUAL_CAPTURED, MAX_CAPTURED);
        // The upper half of the field says whether frames end with a checksum.
        let link = (long([l0, l1, l2, l3]) & 0xffff) as u16;
        let interface = Interface { link, snaplen, name: None, drops: 0, clock: Clock::default() };
        Ok((Self { walk, link, limit, lengths_swapped: minor < 4 }, interface))
    }

    /// Appends the frames in `held`, which lies at `base` in the buffer; says how much of it they take.
    pub(crate) fn walk(&self, held: &[u8], base: usize, frames: &mut Vec<Frame>, max: usize) -> (usize, Step) {
        (self.walk)(self, held, base, frames, max)
    }
}

fn walk<const BIG: bool, const NANO: bool, const HEADER: usize>(
    pcap: &Pcap,
    held: &[u8],
    base: usize,
    frames: &mut Vec<Frame>,
    max: usize,
) -> (usize, Step) {
    let mut rest = held;
    while frames.len() < max {
        let at = held.len() - rest.len();
        let Some((header, _)) = rest.split_first_chunk::<RECORD>() else { return (at, Step::Need(RECORD)) };
        let [seconds, fraction, mut captured, mut original] = words::<BIG>(header);
        if captured > original && pcap.lengths_swapped {
            (captured, original) = (original, captured);
        }
        if captured > pcap.limit {
            return (at, Step::Stop(Fault::RecordLength { length: captured, limit: pcap.limit }));
        }
        let length = HEADER + captured as usize;
        let Some((_, behind)) = rest.split_at_checked(length) else { return (at, Step::Need(length)) };
        rest = behind;
        let fraction = u64::from(fraction) * if NANO { 1 } else { 1000 };
        frames.push(Frame {
            time_ns: u64::from(seconds) * 1_000_000_000 + fraction,
            offset: (base + at + HEADER) as u32,
            captured,
            original,
            link: pcap.link,
            interface: 0,
        });
    }
    (held.len() - rest.len(), Step::Again)
}

/// Seconds, fraction, captured length, original length.
fn words<const BIG: bool>(header: &[u8; RECORD]) -> [u32; 4] {
    if BIG {
        let all = u128::from_be_bytes(*header);
        [(all >> 96) as u32, (all >> 64) as u32, (all >> 32) as u32, all as u32]
    } else {
        let all = u128::from_le_bytes(*header);
        [all as u32, (all >> 32) as u32, (all >> 64) as u32, (all >> 96) as u32]
    }
}
