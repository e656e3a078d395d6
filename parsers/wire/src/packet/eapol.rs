//! EAP over a LAN (IEEE 802.1X-2020 section 11): frames between two stations, which have no other addresses than those of the link.

use super::tunnel::{self, Inside, Kind, Layer, Tunnels};
use super::{ip, link, seldom, wlan};

/// Address of a station, IEEE 802.
pub type Mac = [u8; 6];

/// Whoever listens at the port (IEEE 802.1X-2020 section 11.1.1).
const GROUP: Mac = [0x01, 0x80, 0xc2, 0, 0, 0x03];

/// A frame with an EAP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eapol<'a> {
    pub src: Mac,
    pub dst: Mac,
    /// Of the whole packet by its own header.
    pub length: u32,
    /// Shorter where the capture cut it.
    pub eap: &'a [u8],
    /// What the frame was unwrapped from.
    pub tunnels: Tunnels,
}

impl Eapol<'_> {
    /// Whether it is for whoever listens at the port, not for a station by its address.
    pub fn is_to_group(&self) -> bool {
        self.dst[0] & 1 != 0
    }
}

/// The EAP packet that a frame carries, at once or within a tunnel of whole frames. Linux's cooked headers name the sender alone; it is taken for
/// one to the group, so that identifiers tell who is meant.
#[cold]
pub fn read(link: u16, frame: &[u8]) -> Option<Eapol<'_>> {
    let mut tunnels = Tunnels::default();
    let (mut ethertype, mut bytes) = link::network(link, frame).ok()?;
    // Whose addresses count: the innermost one's.
    let mut around = (link, frame);
    while ethertype != link::EAPOL {
        let (layer, inside) = match ethertype {
            link::IPV4 => tunnel::open(&ip::v4(bytes).ok()?)?,
            link::IPV6 => tunnel::open(&ip::v6(bytes).ok()?)?,
            link::MPLS | link::MPLS_UPSTREAM => labelled(bytes)?,
            link::MACSEC => (Layer { kind: Kind::Macsec, id: None }, tunnel::macsec(bytes)?),
            tunnel::ETHERNET => {
                around = (link::ETHERNET, bytes);
                (ethertype, bytes) = link::ethernet(bytes).ok()?;
                continue;
            }
            tunnel::WLAN => {
                around = (seldom::linktype::IEEE802_11, bytes);
                (ethertype, bytes) = wlan::data(bytes, true, false).ok()?;
                continue;
            }
            _ => return None,
        };
        (ethertype, bytes) = tunnels.push(layer.kind, layer.id).then_some(inside)?;
    }
    between(around.0, around.1, bytes, tunnels)
}

fn labelled(bytes: &[u8]) -> Option<(Layer, Inside<'_>)> {
    tunnel::mpls(bytes).map(|(label, inside)| (Layer { kind: Kind::Mpls, id: Some(label) }, inside))
}

fn between<'a>(link: u16, frame: &'a [u8], body: &'a [u8], tunnels: Tunnels) -> Option<Eapol<'a>> {
    const EAP_PACKET: u8 = 0;
    let ([_, EAP_PACKET, a, b], rest) = body.split_first_chunk::<4>()? else { return None };
    let length = u16::from_be_bytes([*a, *b]);
    let eap = rest.get(..usize::from(length)).unwrap_or(rest);
    let (dst, src) = match link {
        link::ETHERNET => (*frame.first_chunk()?, *frame.get(6..)?.first_chunk()?),
        // Behind the length of an address; that of version 2 has one byte, behind the type of the packet.
        link::LINUX_SLL => (GROUP, *frame.get(4..)?.strip_prefix(&[0, 6])?.first_chunk()?),
        link::LINUX_SLL2 => (GROUP, *frame.get(11..)?.strip_prefix(&[6])?.first_chunk()?),
        _ => wlan::ends(seldom::wlan(link, frame)?)?,
    };
    Some(Eapol { src, dst, length: 4 + u32::from(length), eap, tunnels })
}
