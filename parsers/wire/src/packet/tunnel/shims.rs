//! Headers between IP or Ethernet and what is carried: GRE, ERSPAN, L2TP 3, MPLS, NSH, MACsec, PPPoE. RFC 2516, 2784, 2890, 3032, 3931, 8300;
//! ERSPAN (draft-foschiano-erspan); IEEE 802.1AE.

use super::super::link;
use super::{ETHERNET, Inside, Kind, NSH};

/// RFC 2784 and 2890: checksum, key and sequence number are optional; PPTP's version 1 has PPP inside (RFC 2637).
pub fn gre(payload: &[u8]) -> Option<(Kind, Option<u32>, Inside<'_>)> {
    let ([flags, version, e, f], mut rest) = payload.split_first_chunk::<4>()?;
    let ethertype = u16::from_be_bytes([*e, *f]);
    // MikroTik's: a frame's length and the tunnel's number, in the order of bytes of its processors.
    if let (0x20, 0x01, 0x6400, [_, _, low, high, frame @ ..]) = (*flags, *version, ethertype, rest) {
        return Some((Kind::EoIp, Some(u32::from(u16::from_le_bytes([*low, *high]))), (ETHERNET, frame)));
    }
    // Source routing (RFC 1701) is deprecated and not followed.
    if flags & 0x40 != 0 {
        return None;
    }
    if flags & 0x80 != 0 {
        rest = rest.get(4..)?;
    }
    let mut key = None;
    if flags & 0x20 != 0 {
        key = Some(u32::from_be_bytes(*rest.first_chunk::<4>()?));
        rest = rest.get(4..)?;
    }
    let sequenced = flags & 0x10 != 0;
    if sequenced {
        rest = rest.get(4..)?;
    }
    if version & 0x07 == 1 {
        rest = rest.get(if version & 0x80 != 0 { 4 } else { 0 }..)?;
        // The lower half is the call, the upper one the length of what follows.
        return Some((Kind::Pptp, key.map(|key| key & 0xffff), link::ppp(rest).ok()?));
    }
    match ethertype {
        // ERSPAN type I has no header of its own, and no sequence number by which to tell it.
        0x88be if !sequenced => Some((Kind::Erspan, None, (ETHERNET, rest))),
        0x88be => erspan(rest, 8),
        0x22eb => erspan(rest, 12),
        0x880b => Some((Kind::Gre, key, link::ppp(rest).ok()?)),
        // What a router redirects to a cache (WCCP 2): IP at once, or behind a header of four bytes.
        0x883e => Some((Kind::Gre, key, ip(rest).or_else(|| ip(rest.get(4..)?))?)),
        _ => Some((Kind::Gre, key, (ethertype, rest))),
    }
}

/// ERSPAN type II and III; the session id is the lower ten bits of the second word.
fn erspan(payload: &[u8], header: usize) -> Option<(Kind, Option<u32>, Inside<'_>)> {
    let session = u16::from_be_bytes([*payload.get(2)?, *payload.get(3)?]) & 0x03ff;
    // Type III may carry a platform-specific subheader of 8 bytes, announced by the last bit.
    let extra = if header == 12 && payload.get(11)? & 1 != 0 { 8 } else { 0 };
    Some((Kind::Erspan, Some(u32::from(session)), (ETHERNET, payload.get(header + extra..)?)))
}

/// RFC 3931 sections 4.1.1 and 4.1.2: a session, then what was agreed on and is not in the packet: a cookie of 4 or 8 bytes, a sublayer of 4. An
/// Ethernet frame with IP in it, or PPP, is found behind one of them.
pub fn l2tp3(payload: &[u8]) -> Option<(u32, Inside<'_>)> {
    let (session, rest) = payload.split_first_chunk::<4>()?;
    let session = u32::from_be_bytes(*session);
    let inside = [0, 4, 8, 12].into_iter().filter_map(|at| rest.get(at..)).find_map(|frame| match frame {
        _ if carries_known(frame) => Some((ETHERNET, frame)),
        [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => link::ppp(frame).ok(),
        _ => None,
    });
    inside.filter(|_| session != 0).map(|inside| (session, inside))
}

/// RFC 3032: labels up to the bottom of the stack; what follows is told by its first nibble, as routers do, or is an Ethernet frame
/// (RFC 4448), with a control word in front or without.
pub fn mpls(mut payload: &[u8]) -> Option<(u32, Inside<'_>)> {
    loop {
        let (entry, rest) = payload.split_first_chunk::<4>()?;
        payload = rest;
        let entry = u32::from_be_bytes(*entry);
        if entry & 0x100 != 0 {
            let inside = match rest.first()? >> 4 {
                4 | 6 => ip(rest)?,
                // A control word begins with a zero nibble (RFC 4385), but so do many addresses.
                0 if !carries_known(rest) => (ETHERNET, rest.get(4..)?),
                _ => carries_known(rest).then_some((ETHERNET, rest))?,
            };
            return Some((entry >> 12, inside));
        }
    }
}

/// RFC 8300 section 2: length in words, what is behind it, path and index.
pub fn nsh(payload: &[u8]) -> Option<(u32, Inside<'_>)> {
    let ([first, length, _, next, a, b, c, _], _) = payload.split_first_chunk::<8>()?;
    let rest = payload.get(usize::from(length & 0x3f).max(2) * 4..).filter(|_| first >> 6 == 0)?;
    let inside = match *next {
        1 => (link::IPV4, rest),
        2 => (link::IPV6, rest),
        3 => (ETHERNET, rest),
        5 => (link::MPLS, rest),
        _ => return None,
    };
    Some((u32::from_be_bytes([0, *a, *b, *c]), inside))
}

/// IEEE 802.1AE-2018 section 9: a tag of version 0 that says of its data neither that they are encrypted nor that they were changed, a channel
/// where it names one, and the frame from its EtherType on.
pub fn macsec(payload: &[u8]) -> Option<Inside<'_>> {
    const VERSION: u8 = 0x80;
    const CHANNEL: u8 = 0x20;
    const ENCRYPTED_OR_CHANGED: u8 = 0x08 | 0x04;
    let ([control, ..], rest) = payload.split_first_chunk::<6>()?;
    let rest = rest.get(if control & CHANNEL != 0 { 8 } else { 0 }..)?;
    let (ethertype, inside) =
        rest.split_first_chunk::<2>().filter(|_| control & (VERSION | ENCRYPTED_OR_CHANGED) == 0)?;
    link::after_ethertype(u16::from_be_bytes(*ethertype), inside).ok()
}

/// RFC 2516 section 4: a session's PPP.
pub fn pppoe(payload: &[u8]) -> Option<(u32, Inside<'_>)> {
    let ([0x11, 0, a, b, _, _], rest) = payload.split_first_chunk::<6>()? else { return None };
    Some((u32::from(u16::from_be_bytes([*a, *b])), link::ppp(rest).ok()?))
}

/// Whether these are an Ethernet frame with IP or EAP over a LAN in it, behind a tag or a shim or at once.
fn carries_known(frame: &[u8]) -> bool {
    let ethertype = frame.get(12..14).and_then(|two| two.first_chunk()).map(|two| u16::from_be_bytes(*two));
    matches!(
        ethertype,
        Some(link::IPV4 | link::IPV6 | link::EAPOL | 0x8100 | 0x88a8 | link::MPLS | link::PPPOE_SESSION | NSH)
    )
}

/// An IP packet, by its first nibble.
pub fn ip(bytes: &[u8]) -> Option<Inside<'_>> {
    match bytes.first()? >> 4 {
        4 => Some((link::IPV4, bytes)),
        6 => Some((link::IPV6, bytes)),
        _ => None,
    }
}
