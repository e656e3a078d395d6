//! IEEE 802.11 down to an EtherType: radiotap, Prism and AVS in front, the MAC header with its options, LLC. What the air
//! protects (WEP, WPA) has no EtherType that could be read; management and control frames carry none.

use super::{Mac, Stop, link};
use crate::{ParseError, Reader};

/// radiotap.org: a length, and in its flags whether the card padded the MAC header to four bytes.
pub fn radiotap(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    let body = behind_radiotap(frame)?;
    let header = frame.get(..frame.len() - body.len()).unwrap_or_default();
    data(body, false, padded(header).unwrap_or(false))
}

/// From the MAC header on.
pub fn behind_radiotap(frame: &[u8]) -> Result<&[u8], ParseError> {
    let mut r = Reader::new(frame, "radiotap");
    r.u16()?;
    let length = usize::from(u16::from_le_bytes([r.u8()?, r.u8()?]));
    frame.get(length..).ok_or(ParseError::Truncated("radiotap"))
}

/// The flags field is behind the presence words and, if there is one, the eight-byte aligned clock.
fn padded(header: &[u8]) -> Option<bool> {
    const CLOCK: u8 = 0x01;
    const FLAGS: u8 = 0x02;
    const DATA_PAD: u8 = 0x20;
    let present = *header.get(4)?;
    if present & FLAGS == 0 {
        return Some(false);
    }
    let mut at = 4;
    while header.get(at + 3)? & 0x80 != 0 {
        at += 4;
    }
    at += 4;
    if present & CLOCK != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    Some(header.get(at)? & DATA_PAD != 0)
}

/// Destination and source of a data frame, by whether it goes to or comes from an access point (IEEE 802.11-2020 table 9-30).
pub fn ends(frame: &[u8]) -> Option<(Mac, Mac)> {
    const LENGTH: usize = 6;
    let address = |at: usize| frame.get(at..at + LENGTH).and_then(|six| six.first_chunk().copied());
    let (first, second, third, fourth) = (4, 10, 16, 24);
    let (control, _) = frame.split_first_chunk()?;
    let (destination, source) = match flags(*control) & 0x03 {
        0 => (first, second),
        1 => (third, second),
        2 => (first, third),
        _ => (third, fourth),
    };
    Some((address(destination)?, address(source)?))
}

/// The header of the Prism monitor: its length is the second little-endian word. AVS: the second big-endian one.
pub fn monitor(frame: &[u8]) -> Result<(u16, &[u8]), Stop> {
    data(behind_monitor(frame)?, false, false)
}

/// From the MAC header on.
pub fn behind_monitor(frame: &[u8]) -> Result<&[u8], ParseError> {
    const AVS_MAGIC: [u8; 3] = [0x80, 0x21, 0x10];
    let (header, _) = frame.split_first_chunk::<8>().ok_or(ParseError::Truncated("prism"))?;
    let length = [header[4], header[5], header[6], header[7]];
    let length = if header.starts_with(&AVS_MAGIC) { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
    frame.get(length as usize..).ok_or(ParseError::Truncated("prism"))
}

/// Of a data frame. In the field that changed places they come first; there they would have to say that neither end is an access point to be
/// taken for the other.
fn flags([first, second]: [u8; 2]) -> u8 {
    const DATA: u8 = 0x08;
    if first & 0x0f == DATA { second } else { first }
}

/// A frame from its MAC header on (IEEE 802.11-2020 section 9.2). `swapped`: the bytes of the frame control field may have changed
/// places, as Cisco's access points send it in CAPWAP.
pub fn data(frame: &[u8], swapped: bool, padded: bool) -> Result<(u16, &[u8]), Stop> {
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    let (control, _) = frame.split_first_chunk::<2>().ok_or(ParseError::Truncated("wlan"))?;
    let [control, flags] = if swapped && flags(*control) == control[0] { [control[1], control[0]] } else { *control };
    let subtype = control >> 4;
    match control & 0x0f {
        0x00 => return Err(Stop::NotIp("wlan_management")),
        0x04 => return Err(Stop::NotIp("wlan_control")),
        // Bit 2 of the subtype: no data.
        0x08 if subtype & 0x4 != 0 => return Err(Stop::NotIp("wlan_null")),
        0x08 if flags & PROTECTED != 0 => return Err(Stop::NotIp("wlan_protected")),
        0x08 => {}
        _ => return Err(Stop::NotIp("wlan")),
    }
    let mut length = if flags & 0x03 == 0x03 { 30 } else { 24 };
    let mut aggregated = false;
    if subtype & 0x8 != 0 {
        aggregated = frame.get(length).ok_or(ParseError::Truncated("wlan"))? & 0x80 != 0;
        length += if flags & ORDER != 0 { 6 } else { 2 };
    }
    // The lower four bits of the sequence control number the fragments: a later one has no LLC header.
    if frame.get(22).is_some_and(|sequence| sequence & 0x0f != 0) {
        return Err(Stop::NotIp("wlan_fragment"));
    }
    if padded {
        length = length.next_multiple_of(4);
    }
    // Of several aggregated frames the first is read: destination, source and length stand in front of its LLC.
    length += if aggregated { 14 } else { 0 };
    link::llc(frame.get(length..).ok_or(ParseError::Truncated("wlan"))?)
}
