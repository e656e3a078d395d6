//! What is wrapped around a packet: tunnels over UDP and IP, and the shims between Ethernet and IP.
//!
//! A tunnel over UDP is recognised by its port and a header that fits, and is opened only if an IP packet really lies inside;
//! else the outer packet stands. RFC 2003, 2473, 3056, 4213; what the headers say is in [`datagrams`] and [`shims`].

mod datagrams;
mod shims;

use super::{Packet, ip::number, link};
use datagrams::over_udp;
use shims::{gre, l2tp3};
pub use shims::{macsec, mpls, nsh, pppoe};

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
