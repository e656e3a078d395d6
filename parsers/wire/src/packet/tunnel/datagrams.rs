//! Tunnels over UDP: what their headers say. RFC 2661, 4380, 5415, 7348, 8926, 9300; 3GPP TS 29.281.

use super::super::{
    ip::{is_summed, number},
    link,
};
use super::shims::{gre, ip, l2tp3, mpls};
use super::{ETHERNET, Inside, Kind, NSH, WLAN};

/// The number and what lies inside, of a datagram to or from the port of this tunnel.
pub fn over_udp(kind: Kind, payload: &[u8]) -> Option<(Kind, Option<u32>, Inside<'_>)> {
    let (id, inside) = match kind {
        Kind::Vxlan => vxlan(payload)?,
        Kind::Geneve => geneve(payload)?,
        Kind::GtpU => gtp_u(payload)?,
        Kind::Mpls => mpls(payload).map(|(label, inside)| (Some(label), inside))?,
        Kind::Teredo => (None, teredo(payload)?),
        Kind::L2tp => l2tp(payload)?,
        Kind::Capwap => (None, capwap(payload)?),
        // RFC 8086.
        Kind::Gre => return gre(payload),
        Kind::Ayiya => (None, ayiya(payload)?),
        Kind::Tzsp => (None, tzsp(payload)?),
        Kind::Lisp => lisp(payload)?,
        Kind::Gue => (None, gue(payload)?),
        _ => return None,
    };
    Some((kind, id, inside))
}

/// RFC 7348 section 5; with the GPE bit (draft-ietf-nvo3-vxlan-gpe) the next protocol is named.
fn vxlan(payload: &[u8]) -> Option<(Option<u32>, Inside<'_>)> {
    let ([flags, _, _, next, a, b, c, _], rest) = payload.split_first_chunk::<8>()?;
    let ethertype = match (flags & 0x08 != 0, flags & 0x04 != 0, next) {
        (true, false, _) | (true, true, 3) => ETHERNET,
        (true, true, 1) => link::IPV4,
        (true, true, 2) => link::IPV6,
        (true, true, 4) => NSH,
        _ => return None,
    };
    Some((Some(u32::from_be_bytes([0, *a, *b, *c])), (ethertype, rest)))
}

/// RFC 8926 section 3.4: options are stepped over.
fn geneve(payload: &[u8]) -> Option<(Option<u32>, Inside<'_>)> {
    let ([first, _, e, f, a, b, c, _], rest) = payload.split_first_chunk::<8>()?;
    if first >> 6 != 0 {
        return None;
    }
    let inside = rest.get(usize::from(first & 0x3f) * 4..)?;
    Some((Some(u32::from_be_bytes([0, *a, *b, *c])), (u16::from_be_bytes([*e, *f]), inside)))
}

/// 3GPP TS 29.281 section 5.1: version 1, a G-PDU (message 255), with optional fields and extension headers.
fn gtp_u(payload: &[u8]) -> Option<(Option<u32>, Inside<'_>)> {
    let ([flags, message, _, _, a, b, c, d], mut rest) = payload.split_first_chunk::<8>()?;
    if flags >> 4 != 0x3 || *message != 255 {
        return None;
    }
    if flags & 0x07 != 0 {
        let ([_, _, _, next], after) = rest.split_first_chunk::<4>()?;
        rest = after;
        let mut next = if flags & 0x04 != 0 { *next } else { 0 };
        // Each header's length is in words and at least one, so this ends with the bytes.
        while next != 0 {
            let length = usize::from(*rest.first()?) * 4;
            let header = rest.get(..length).filter(|header| !header.is_empty())?;
            next = *header.last()?;
            rest = &rest[length..];
        }
    }
    Some((Some(u32::from_be_bytes([*a, *b, *c, *d])), ip(rest)?))
}

/// RFC 4380 section 5.1.1: authentication and origin indications in front of IPv6.
fn teredo(mut payload: &[u8]) -> Option<Inside<'_>> {
    if let [0, 1, id, auth, rest @ ..] = payload {
        payload = rest.get(usize::from(*id) + usize::from(*auth) + 9..)?;
    }
    if let [0, 0, rest @ ..] = payload {
        payload = rest.get(6..)?;
    }
    (payload.first()? >> 4 == 6).then_some((link::IPV6, payload))
}

/// Anything in anything (draft-massar-v6ops-ayiya section 3): the sizes of an identity and a signature, to be forwarded.
fn ayiya(payload: &[u8]) -> Option<Inside<'_>> {
    const FORWARD: u8 = 1;
    let ([sizes, signature, operation, next, ..], rest) = payload.split_first_chunk::<8>()?;
    let skipped = (1usize << (sizes >> 4)) + usize::from(signature >> 4) * 4;
    let inside = rest.get(skipped..).filter(|_| operation & 0x0f == FORWARD)?;
    match *next {
        number::IPV6 => Some((link::IPV6, inside)),
        number::IPIP => Some((link::IPV4, inside)),
        _ => None,
    }
}

/// A sniffer hands over frames (TaZmen Sniffer Protocol): version 1, received or to be sent, what they are, tagged fields to an end.
fn tzsp(payload: &[u8]) -> Option<Inside<'_>> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let ([1, 0 | 1, high, low], mut rest) = payload.split_first_chunk::<4>()? else { return None };
    let kind = match u16::from_be_bytes([*high, *low]) {
        1 => ETHERNET,
        18 => WLAN,
        _ => return None,
    };
    loop {
        match rest {
            [END, frame @ ..] => return Some((kind, frame)),
            [PADDING, next @ ..] => rest = next,
            [_, length, next @ ..] => rest = next.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}

/// RFC 2661 section 3.1, a data message of version 2 with PPP inside.
fn l2tp(payload: &[u8]) -> Option<(Option<u32>, Inside<'_>)> {
    const CONTROL: u8 = 0x80;
    let ([flags, version], mut rest) = payload.split_first_chunk::<2>()?;
    if flags & CONTROL == 0 && version & 0x0f == 3 {
        return l2tp3(rest.get(2..)?).map(|(id, inside)| (Some(id), inside));
    }
    if flags & CONTROL != 0 || version & 0x0f != 2 {
        return None;
    }
    let skip = |rest: &mut &[u8], n: usize| rest.get(n..).map(|after| *rest = after);
    if flags & 0x40 != 0 {
        skip(&mut rest, 2)?;
    }
    let ids = *rest.first_chunk::<4>()?;
    skip(&mut rest, 4)?;
    if flags & 0x08 != 0 {
        skip(&mut rest, 4)?;
    }
    if flags & 0x02 != 0 {
        let size = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
        skip(&mut rest, 2 + size)?;
    }
    Some((Some(u32::from_be_bytes(ids)), link::ppp(rest).ok()?))
}

/// RFC 9300 section 5.3: flags, a nonce or versions, an instance or status bits; IP behind them.
fn lisp(payload: &[u8]) -> Option<(Option<u32>, Inside<'_>)> {
    const INSTANCE: u8 = 0x08;
    let ([flags, _, _, _, a, b, c, _], rest) = payload.split_first_chunk::<8>()?;
    let instance = u32::from_be_bytes([0, *a, *b, *c]);
    Some(((flags & INSTANCE != 0).then_some(instance), sound_ip(rest)?))
}

/// draft-ietf-intarea-gue section 3: version 0 with a length in words and an IP protocol, version 1 is IP at once.
fn gue(payload: &[u8]) -> Option<Inside<'_>> {
    const CONTROL: u8 = 0x20;
    let ([first, next, ..], rest) = payload.split_first_chunk::<4>()?;
    match first >> 6 {
        0 if first & CONTROL == 0 && matches!(*next, number::IPIP | number::IPV6) => {
            sound_ip(rest.get(usize::from(first & 0x1f) * 4..)?)
        }
        1 => sound_ip(payload),
        _ => None,
    }
}

/// RFC 5415 section 4.3, data in the clear: a header with its length in words, then the client's frame as it was on the air,
/// its frame control swapped or not, or as Ethernet. Its fragments are not put together.
fn capwap(payload: &[u8]) -> Option<Inside<'_>> {
    const NATIVE: u32 = 0x100;
    const FRAGMENT_OR_KEEPALIVE: u32 = 0x88;
    let ([0, a, b, c], _) = payload.split_first_chunk::<4>()? else { return None };
    let header = u32::from_be_bytes([0, *a, *b, *c]);
    let inside = payload.get((header >> 19) as usize * 4..).filter(|_| header >> 19 >= 2)?;
    let kind = if header & NATIVE != 0 { WLAN } else { ETHERNET };
    (header & FRAGMENT_OR_KEEPALIVE == 0).then_some((kind, inside))
}

/// The same behind a header that says next to nothing: an answer to a client's port may look like it (every sixteenth of DNS begins with a
/// 4). IPv4's header has to add up, IPv6's length to be what is there.
fn sound_ip(bytes: &[u8]) -> Option<Inside<'_>> {
    let sound = match bytes.first()? >> 4 {
        4 => {
            bytes.get(..usize::from(bytes[0] & 0x0f) * 4).is_some_and(|header| header.len() >= 20 && is_summed(header))
        }
        _ => bytes.len() >= 40 && usize::from(u16::from_be_bytes([bytes[4], bytes[5]])) == bytes.len() - 40,
    };
    ip(bytes).filter(|_| sound)
}
