//! What is wrapped around a packet: tunnels over UDP and IP, and the shims between Ethernet and IP.
//!
//! A tunnel over UDP is recognised by its port and a header that fits, and is opened only if an IP packet really lies inside;
//! else the outer packet stands. RFC 2003, 4213, 2784, 2890, 8086, 7348, 8926, 4380, 3032, 2516, 2661, 3931, 8300, 9300; 3GPP TS 29.281; ERSPAN
//! (draft-foschiano-erspan).

use super::{
    Packet,
    ip::{is_summed, number},
    link,
};

/// Encapsulations one inside another. A mirrored packet of a tunnel behind a load balancer has three.
pub const MAX_TUNNELS: usize = 6;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    #[default]
    None,
    Vxlan,
    Geneve,
    Gre,
    /// GRE as PPTP has it.
    Pptp,
    Erspan,
    IpIp,
    SixInFour,
    SixToFour,
    Teredo,
    Mpls,
    Pppoe,
    L2tp,
    GtpU,
    EtherIp,
    Capwap,
    Ayiya,
    Tzsp,
    Lisp,
    Gue,
    Nsh,
    /// MikroTik's Ethernet over IP.
    EoIp,
    /// What MACsec signs and does not encrypt.
    Macsec,
    /// What ESP without encryption carries; the number is an SPI.
    Esp,
    /// What ESP carried under encryption that was taken off with keys; the number is an SPI.
    Opened,
    /// What AH protects; the number is an SPI.
    Ah,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre | Self::Pptp => "gre",
            Self::Erspan => "erspan",
            Self::IpIp => "ipip",
            Self::SixInFour => "6in4",
            Self::SixToFour => "6to4",
            Self::Teredo => "teredo",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::L2tp => "l2tp",
            Self::GtpU => "gtp-u",
            Self::EtherIp => "etherip",
            Self::Capwap => "capwap",
            Self::Ayiya => "ayiya",
            Self::Tzsp => "tzsp",
            Self::Lisp => "lisp",
            Self::Gue => "gue",
            Self::Nsh => "nsh",
            Self::EoIp => "eoip",
            Self::Macsec => "macsec",
            Self::Esp | Self::Opened => "esp",
            Self::Ah => "ah",
        }
    }
}

/// One encapsulation: its kind and the number that tells its instances apart (VNI, key, label, session), if it has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer {
    pub kind: Kind,
    pub id: Option<u32>,
}

/// What was unwrapped, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tunnels {
    layers: [Layer; MAX_TUNNELS],
    depth: u8,
}

impl Tunnels {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.depth == 0
    }

    pub fn layers(&self) -> &[Layer] {
        self.layers.get(..usize::from(self.depth)).unwrap_or(&[])
    }

    /// This stack with one more layer inside; `None` if there are too many already.
    pub fn within(mut self, kind: Kind, id: Option<u32>) -> Option<Self> {
        self.push(kind, id).then_some(self)
    }

    /// The same as the other direction has it: without numbers that the receiver chose, and without labels, which the last router
    /// takes off (TS 29.281 section 3.1, RFC 2661 section 3.1, RFC 2637 section 4.1, RFC 3032, RFC 3031 section 3.16).
    pub fn of_both_directions(&self) -> Self {
        let mut common = Self::default();
        for layer in self.layers().iter().filter(|layer| layer.kind != Kind::Mpls) {
            let id = layer.id.filter(|_| !matches!(layer.kind, Kind::GtpU | Kind::L2tp | Kind::Pptp));
            common.push(layer.kind, id);
        }
        common
    }

    /// False if there are too many already.
    pub(super) fn push(&mut self, kind: Kind, id: Option<u32>) -> bool {
        let Some(place) = self.layers.get_mut(usize::from(self.depth)) else { return false };
        *place = Layer { kind, id };
        self.depth += 1;
        true
    }
}

/// The inside of a tunnel: what it is by EtherType ([`ETHERNET`] for a whole frame), and its bytes.
pub type Inside<'a> = (u16, &'a [u8]);

/// Transparent Ethernet Bridging, an Ethernet frame inside (RFC 1701's registry).
pub const ETHERNET: u16 = 0x6558;

/// A service function chain's header inside (RFC 8300).
pub const NSH: u16 = 0x894f;

/// A frame of 802.11 inside. No EtherType is so low.
pub const WLAN: u16 = 0x0100;

/// Whether a packet may be a tunnel at all: the one question that every packet pays for.
#[inline]
pub fn may_be(packet: &Packet<'_>) -> bool {
    match packet.transport {
        number::TCP => false,
        number::UDP => may_be_port(packet.src_port, packet.dst_port),
        number::IPIP | number::IPV6 | number::GRE | number::ETHERIP | number::MPLS_IN_IP | number::L2TP => true,
        _ => false,
    }
}

/// Tunnels over UDP: the port, whether the answers come from it too, and what it is.
const PORTS: [(u16, bool, Kind); 14] = [
    (4789, false, Kind::Vxlan),
    (4790, false, Kind::Vxlan),
    (8472, false, Kind::Vxlan),
    (6081, false, Kind::Geneve),
    (2152, false, Kind::GtpU),
    (6635, false, Kind::Mpls),
    (3544, true, Kind::Teredo),
    (1701, true, Kind::L2tp),
    (5247, true, Kind::Capwap),
    (4754, false, Kind::Gre),
    (5072, true, Kind::Ayiya),
    (37008, false, Kind::Tzsp),
    (4341, false, Kind::Lisp),
    (6080, false, Kind::Gue),
];

/// The low bytes of these ports: two loads tell most datagrams from a tunnel.
static LOW_BYTES: [bool; 256] = {
    let mut low = [false; 256];
    let mut i = 0;
    while i < PORTS.len() {
        low[(PORTS[i].0 & 0xff) as usize] = true;
        i += 1;
    }
    low
};

/// Whether a datagram between these ports may be a tunnel.
#[inline]
pub fn may_be_port(src: u16, dst: u16) -> bool {
    let low = |port: u16| LOW_BYTES[usize::from(port & 0xff)];
    (low(src) | low(dst)) && port_kind(src, dst).is_some()
}

fn port_kind(src: u16, dst: u16) -> Option<Kind> {
    let found = PORTS.iter().find(|(port, both, _)| *port == dst || *both && *port == src);
    found.map(|(_, _, kind)| *kind)
}

/// The layer and what lies inside, if the packet is a tunnel.
pub fn open<'a>(packet: &Packet<'a>) -> Option<(Layer, Inside<'a>)> {
    if packet.fragment.is_some() {
        return None;
    }
    let (kind, id, inside) = match packet.transport {
        number::IPIP => (Kind::IpIp, None, (link::IPV4, packet.payload)),
        number::IPV6 => (six_in(packet), None, (link::IPV6, packet.payload)),
        number::GRE => gre(packet.payload)?,
        number::ETHERIP => (Kind::EtherIp, None, (ETHERNET, packet.payload.strip_prefix(&[0x30, 0])?)),
        number::L2TP => l2tp3(packet.payload).map(|(id, inside)| (Kind::L2tp, Some(id), inside))?,
        number::MPLS_IN_IP => mpls(packet.payload).map(|(id, inside)| (Kind::Mpls, Some(id), inside))?,
        number::UDP => over_udp(port_kind(packet.src_port, packet.dst_port)?, packet.payload)?,
        _ => return None,
    };
    Some((Layer { kind, id }, inside))
}

/// 6to4 is IPv6 in IPv4 from or to 2002::/16 (RFC 3056); IPv6 in IPv6 is neither (RFC 2473).
fn six_in(packet: &Packet<'_>) -> Kind {
    if packet.v6 {
        return Kind::IpIp;
    }
    let prefix = |at: usize| packet.payload.get(at..at + 2) == Some(&[0x20, 0x02]);
    if prefix(8) || prefix(24) { Kind::SixToFour } else { Kind::SixInFour }
}

fn over_udp(kind: Kind, payload: &[u8]) -> Option<(Kind, Option<u32>, Inside<'_>)> {
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

/// RFC 3931 sections 4.1.1 and 4.1.2: a session, then what was agreed on and is not in the packet: a cookie of 4 or 8 bytes, a sublayer of 4. An
/// Ethernet frame with IP in it, or PPP, is found behind one of them.
fn l2tp3(payload: &[u8]) -> Option<(u32, Inside<'_>)> {
    let (session, rest) = payload.split_first_chunk::<4>()?;
    let session = u32::from_be_bytes(*session);
    let inside = [0, 4, 8, 12].into_iter().filter_map(|at| rest.get(at..)).find_map(|frame| match frame {
        _ if carries_known(frame) => Some((ETHERNET, frame)),
        [0xff, 0x03, 0x00, 0x21 | 0x57, ..] => link::ppp(frame).ok(),
        _ => None,
    });
    inside.filter(|_| session != 0).map(|inside| (session, inside))
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

/// RFC 2784 and 2890: checksum, key and sequence number are optional; PPTP's version 1 has PPP inside (RFC 2637).
fn gre(payload: &[u8]) -> Option<(Kind, Option<u32>, Inside<'_>)> {
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

/// Whether these are an Ethernet frame with IP or EAP over a LAN in it, behind a tag or a shim or at once.
fn carries_known(frame: &[u8]) -> bool {
    let ethertype = frame.get(12..14).and_then(|two| two.first_chunk()).map(|two| u16::from_be_bytes(*two));
    matches!(
        ethertype,
        Some(link::IPV4 | link::IPV6 | link::EAPOL | 0x8100 | 0x88a8 | link::MPLS | link::PPPOE_SESSION | NSH)
    )
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

fn ip(bytes: &[u8]) -> Option<Inside<'_>> {
    match bytes.first()? >> 4 {
        4 => Some((link::IPV4, bytes)),
        6 => Some((link::IPV6, bytes)),
        _ => None,
    }
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
