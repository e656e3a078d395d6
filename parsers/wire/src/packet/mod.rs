//! One frame from its link layer up to the transport's payload, in one walk.
//!
//! May not know flows or reassembly: a fragment is reported as such, a cut packet as far as it goes. Lengths come from
//! the headers, never from the captured length, so that Ethernet padding and offloads do not count (RFC 791, 8200, 9293, 768).

mod eapol;
mod ip;
mod link;
mod plain;
mod seldom;
mod transport;
mod tunnel;
mod wlan;

pub use eapol::{Eapol, Mac, read as eapol};
pub use ip::{is_summed, number as ip_protocol};
pub use plain::{addresses, body as plain_body, read as plain};
pub use transport::tcp_flags;
pub use tunnel::{Kind as TunnelKind, Layer as TunnelLayer, MAX_TUNNELS, Tunnels};

use crate::ParseError;

/// An address as a big-endian number, so that numeric order is byte order; IPv4 stands in the upper 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub high: u64,
    pub low: u64,
}

impl Address {
    #[inline]
    pub fn v4(bytes: [u8; 4]) -> Self {
        Self { high: u64::from(u32::from_be_bytes(bytes)) << 32, low: 0 }
    }

    #[inline]
    pub fn v6(bytes: [u8; 16]) -> Self {
        let wide = u128::from_be_bytes(bytes);
        Self { high: (wide >> 64) as u64, low: wide as u64 }
    }

    /// The four bytes of an IPv4 address.
    pub fn to_v4(self) -> [u8; 4] {
        ((self.high >> 32) as u32).to_be_bytes()
    }

    pub fn to_v6(self) -> [u8; 16] {
        self.to_number().to_be_bytes()
    }

    #[inline]
    pub fn to_number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// A part of a larger IP packet (RFC 791 section 3.2, RFC 8200 section 4.5): the payload is what lies behind the IP and
/// fragment headers, and neither ports nor flags are read, for any part may be cut within them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub id: u32,
    /// In bytes.
    pub offset: u32,
    pub more: bool,
}

/// Headers of the innermost IP packet and what they carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub v6: bool,
    /// IP protocol number after extension headers.
    pub transport: u8,
    /// TCP flags, else 0.
    pub flags: u8,
    pub src: Address,
    pub dst: Address,
    /// 0 where the transport has none; for ICMP the type and code.
    pub src_port: u16,
    pub dst_port: u16,
    pub seq: u32,
    /// Length of the IP packet in bytes by its own header.
    pub ip_length: u32,
    /// Length of the transport's payload by the headers; `payload` is shorter where the capture cut it.
    pub payload_length: u32,
    pub payload: &'a [u8],
    pub fragment: Option<Fragment>,
}

/// Why there is no packet to speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A frame that carries no IP: the word that the summary counts it under.
    NotIp(&'static str),
    Bad(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Bad(error)
    }
}

/// Walks one frame down to the innermost IP packet. `link` is the LINKTYPE_ value of its interface
/// (tcpdump.org/linktypes.html); what was unwrapped on the way is pushed onto `tunnels`.
pub fn dissect<'a>(link: u16, frame: &'a [u8], tunnels: &mut Tunnels) -> Result<Packet<'a>, Stop> {
    let (ethertype, bytes) = link::network(link, frame)?;
    let packet = match ethertype {
        link::IPV4 => ip::v4(bytes)?,
        link::IPV6 => ip::v6(bytes)?,
        other => return shim(other, bytes, tunnels),
    };
    if tunnel::may_be(&packet) { unwrap(packet, tunnels) } else { Ok(packet) }
}

/// Reads on in a packet that was put together from fragments: its payload is what they carried, `fragment` is `None`. The
/// stack of tunnels that the fragments came in grows by those found inside.
pub fn reassembled<'a>(packet: Packet<'a>, tunnels: &mut Tunnels) -> Result<Packet<'a>, Stop> {
    let packet = ip::whole(packet)?;
    if tunnel::may_be(&packet) { unwrap(packet, tunnels) } else { Ok(packet) }
}

/// The packet that ESP or AH in `outer` carries: `content` by its next header, with `added` bytes around it. In tunnel mode that is a packet of its own, in
/// transport mode the outer one less what was added to it (RFC 4302 section 3.1, RFC 4303 section 3.1).
pub fn protected<'a>(
    (outer, added): (&Packet<'_>, u32),
    next_header: u8,
    content: &'a [u8],
    tunnels: &mut Tunnels,
) -> Result<Packet<'a>, Stop> {
    /// Header of the UDP that carries ESP through address translation (RFC 3948).
    const UDP_HEADER: usize = 8;
    let ethertype = match next_header {
        ip_protocol::IPIP => link::IPV4,
        ip_protocol::IPV6 => link::IPV6,
        _ => {
            let in_udp = if outer.transport == ip_protocol::UDP { UDP_HEADER } else { 0 };
            let packet = Packet {
                v6: outer.v6,
                transport: next_header,
                flags: 0,
                src: outer.src,
                dst: outer.dst,
                src_port: 0,
                dst_port: 0,
                seq: 0,
                ip_length: outer.ip_length.saturating_sub(added + in_udp as u32),
                payload_length: outer.payload_length.saturating_sub(added),
                payload: content,
                fragment: None,
            };
            return reassembled(packet, tunnels);
        }
    };
    let packet = network(ethertype, content, tunnels)?;
    if tunnel::may_be(&packet) { unwrap(packet, tunnels) } else { Ok(packet) }
}

/// Opens tunnels as long as there is an IP packet inside, or EAP over a LAN.
fn unwrap<'a>(mut packet: Packet<'a>, tunnels: &mut Tunnels) -> Result<Packet<'a>, Stop> {
    const EAPOL: Stop = Stop::NotIp(link::EAPOL_WORD);
    while let Some((layer, (ethertype, bytes))) = tunnel::open(&packet) {
        let mut deeper = *tunnels;
        if !deeper.push(layer.kind, layer.id) {
            break;
        }
        match network(ethertype, bytes, &mut deeper) {
            Ok(inner) => packet = inner,
            Err(EAPOL) => return Err(EAPOL),
            Err(_) => break,
        }
        *tunnels = deeper;
    }
    Ok(packet)
}

/// The IP packet behind an EtherType, or behind the Ethernet frame that a tunnel carries.
fn network<'a>(ethertype: u16, bytes: &'a [u8], tunnels: &mut Tunnels) -> Result<Packet<'a>, Stop> {
    match ethertype {
        link::IPV4 => ip::v4(bytes),
        link::IPV6 => ip::v6(bytes),
        tunnel::ETHERNET | tunnel::WLAN => {
            let opened = if ethertype == tunnel::WLAN { wlan::data(bytes, true, false) } else { link::ethernet(bytes) };
            let (ethertype, bytes) = opened?;
            match ethertype {
                link::IPV4 => ip::v4(bytes),
                link::IPV6 => ip::v6(bytes),
                other => shim(other, bytes, tunnels),
            }
        }
        other => shim(other, bytes, tunnels),
    }
}

/// What stands between Ethernet and IP: MPLS labels, a PPPoE session, a service function chain, MACsec's tag.
#[cold]
fn shim<'a>(ethertype: u16, bytes: &'a [u8], tunnels: &mut Tunnels) -> Result<Packet<'a>, Stop> {
    let opened = match ethertype {
        link::MPLS | link::MPLS_UPSTREAM => {
            tunnel::mpls(bytes).map(|(id, inside)| (TunnelKind::Mpls, Some(id), inside))
        }
        link::PPPOE_SESSION => tunnel::pppoe(bytes).map(|(id, inside)| (TunnelKind::Pppoe, Some(id), inside)),
        link::MACSEC => tunnel::macsec(bytes).map(|inside| (TunnelKind::Macsec, None, inside)),
        tunnel::NSH => tunnel::nsh(bytes).map(|(id, inside)| (TunnelKind::Nsh, Some(id), inside)),
        _ => None,
    };
    let Some((kind, id, (ethertype, bytes))) = opened else {
        return Err(Stop::NotIp(link::ethertype_word(ethertype)));
    };
    if !tunnels.push(kind, id) {
        return Err(ParseError::Limited("tunnels").into());
    }
    unwrap(network(ethertype, bytes, tunnels)?, tunnels)
}

/// Link types that [`dissect`] knows.
pub fn link_supported(link: u16) -> bool {
    link::supported(link)
}

#[cfg(test)]
mod tests;
