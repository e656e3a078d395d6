//! What frames of agreed payload types (RFC 3551 section 3) show of their codec: AMR and AMR-WB (RFC 4867), H.264 in fragments (RFC 6184).
//!
//! Ciphertext of SRTP fits once by chance, not several times in a row: each packet has to have 6 bits or more, and to agree with the one
//! before it. May not know: sequence numbers and sources, which are the caller's.

use super::look::{be16, be32, byte};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Frames of a static type, told by their size alone.
    Sized,
    /// The mode that is asked for stays the same.
    Amr {
        asked: u8,
    },
    Avc(Fragment),
}

/// A fragment of one of H.264's units (RFC 6184 section 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    time: u32,
    /// The last packet of a picture.
    marker: bool,
    /// Importance, and the type of the unit.
    unit: (u8, u8),
    begins: bool,
    ends: bool,
}

/// Bits of a frame by its type: AMR's eight modes and comfort noise, AMR-WB's nine and comfort noise (RFC 4867, 3GPP TS 26.101, 26.201).
const NARROW: [u16; 9] = [95, 103, 118, 134, 148, 159, 204, 244, 39];
const WIDE: [u16; 10] = [132, 177, 253, 285, 317, 365, 397, 461, 477, 40];

impl Codec {
    /// Of a packet without padding, extension or contributing sources whose payload type was agreed on.
    pub fn of(packet: &[u8]) -> Option<Self> {
        let payload = packet.get(12..)?;
        if let Some(asked) = compact(payload).or_else(|| aligned(payload)) {
            return Some(Self::Amr { asked });
        }
        fragment(packet, payload).map(Self::Avc)
    }

    pub fn goes_on(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Sized, Self::Sized) => true,
            (Self::Amr { asked }, Self::Amr { asked: before }) => asked == before,
            (Self::Avc(this), Self::Avc(last)) if last.ends => this.begins && (this.time == last.time) != last.marker,
            (Self::Avc(this), Self::Avc(last)) => {
                !this.begins && (this.time, this.unit) == (last.time, last.unit) && !last.marker
            }
            _ => false,
        }
    }
}

fn bits(kind: usize) -> [Option<u16>; 2] {
    [NARROW.get(kind).copied(), WIDE.get(kind).copied()]
}

fn mode(asked: u8) -> Option<u8> {
    matches!(asked, 0..=8 | 15).then_some(asked)
}

/// One frame, bandwidth-efficient (section 4.3): what is asked for, the last frame, its type, undamaged; its bits, and zeros to the next byte.
fn compact(b: &[u8]) -> Option<u8> {
    let head = be16(b, 0)?;
    let fits = bits(usize::from(head >> 7 & 0xf)).into_iter().flatten().any(|bits| {
        let bits = usize::from(bits) + 10;
        let spare = 8 * b.len() - bits.min(8 * b.len());
        bits.div_ceil(8) == b.len() && b.last().is_some_and(|last| last & ((1 << spare) - 1) == 0)
    });
    if head & 0x0800 == 0 && head & 0x40 != 0 && fits { mode(byte(b, 0)? >> 4) } else { None }
}

/// Frames in whole bytes (section 4.4): what is asked for and four zeros; a table of contents, undamaged, with two zeros each; the frames.
fn aligned(b: &[u8]) -> Option<u8> {
    const MOST: usize = 8;
    let asked = byte(b, 0)?;
    let mut sizes = [0; 2];
    for at in 1..=MOST {
        let entry = byte(b, at)?;
        if entry & 7 != 4 {
            return None;
        }
        for (size, bits) in sizes.iter_mut().zip(bits(usize::from(entry >> 3 & 0xf))) {
            // What one of the two codecs does not have, it cannot be.
            *size += bits.map_or(1 << 16, |bits| usize::from(bits.div_ceil(8)));
        }
        if entry & 0x80 == 0 {
            let exact = sizes.contains(&(b.len() - 1 - at));
            return if exact && asked & 0xf == 0 { mode(asked >> 4) } else { None };
        }
    }
    None
}

fn fragment(packet: &[u8], payload: &[u8]) -> Option<Fragment> {
    const FU_A: u8 = 28;
    let (indicator, header) = (byte(payload, 0)?, byte(payload, 1)?);
    let (begins, ends, kind) = (header & 0x80 != 0, header & 0x40 != 0, header & 0x1f);
    let fits = indicator & 0x9f == FU_A && header & 0x20 == 0 && (1..=23).contains(&kind) && !(begins && ends);
    let marker = byte(packet, 1)? & 0x80 != 0;
    fits.then_some(Fragment { time: be32(packet, 4)?, marker, unit: (indicator, kind), begins, ends })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        [b"\x80\x62\0\x01\0\0\0\xa0\xde\xad\xbe\xef".as_slice(), payload].concat()
    }

    #[test]
    fn amr_in_both_forms() {
        // Nothing asked for, mode 7 (12.2 kbit/s): 4 + 6 + 244 bits, two zeros.
        let mut compact = vec![0xf3, 0xd5];
        compact.resize(31, 0x5a);
        compact.push(0xa4);
        assert_eq!(Codec::of(&packet(&compact)), Some(Codec::Amr { asked: 15 }));
        compact[31] = 0xa5;
        assert_eq!(Codec::of(&packet(&compact)), None, "a bit behind the frame");
        // Two frames of AMR-WB, mode 2: 253 bits each.
        let mut aligned = vec![0xf0, 0x94, 0x14];
        aligned.resize(3 + 64, 0x5a);
        let wide = Codec::of(&packet(&aligned)).unwrap();
        assert!(wide.goes_on(wide) && !wide.goes_on(Codec::Amr { asked: 2 }));
        aligned.push(0);
        assert_eq!(Codec::of(&packet(&aligned)), None);
    }

    #[test]
    fn fragments_of_a_picture() {
        let part = |header: u8, time: u8, marker: u8| {
            let mut packet = packet(&[0x7c, header, 0x9a, 0x42]);
            (packet[1], packet[7]) = (0x62 | marker, time);
            Codec::of(&packet).unwrap()
        };
        let (first, middle, last) = (part(0x85, 1, 0), part(0x05, 1, 0), part(0x45, 1, 0x80));
        assert!(middle.goes_on(first) && middle.goes_on(middle) && last.goes_on(middle));
        assert!(part(0x81, 2, 0).goes_on(last) && !part(0x81, 1, 0).goes_on(last), "the marker ends a picture");
        assert!(!first.goes_on(middle) && !part(0x01, 1, 0).goes_on(middle), "another unit");
        assert_eq!(Codec::of(&packet(&[0x7c, 0xc5, 0, 0])), None, "first and last");
    }
}
