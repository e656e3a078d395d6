//! The header fields of one Ethernet frame: 802.1Q tags, IPv4 with options, IPv6, the ports and the flags of TCP.

const ETHERNET: usize = 14;
const TAG: usize = 4;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Both addresses as two words each, then the ports and the protocol; the same for both directions.
pub type Key = [u64; 5];

#[derive(Clone, Copy)]
pub struct Headers {
    pub key: Key,
    pub tcp_flags: u8,
}

type Address = [u64; 2];

#[inline]
pub fn read(frame: &[u8]) -> Option<Headers> {
    let (ethernet, mut packet) = frame.split_first_chunk::<ETHERNET>()?;
    let mut ethertype = u16::from_be_bytes([ethernet[12], ethernet[13]]);
    while ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ {
        let (tag, rest) = packet.split_first_chunk::<TAG>()?;
        ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        packet = rest;
    }
    match ethertype {
        ETHERTYPE_IPV4 => {
            let header = packet.first_chunk::<20>()?;
            let source = u64::from(u32::from_ne_bytes([header[12], header[13], header[14], header[15]]));
            let destination = u64::from(u32::from_ne_bytes([header[16], header[17], header[18], header[19]]));
            let length = usize::from(header[0] & 0x0f) * 4;
            transport([source, 0], [destination, 0], header[9], packet.get(length..)?)
        }
        ETHERTYPE_IPV6 => {
            let (header, rest) = packet.split_first_chunk::<40>()?;
            transport(ipv6(&header[8..24])?, ipv6(&header[24..40])?, header[6], rest)
        }
        _ => None,
    }
}

#[inline]
fn transport(source: Address, destination: Address, protocol: u8, segment: &[u8]) -> Option<Headers> {
    let (mut source_port, mut destination_port, mut tcp_flags) = (0, 0, 0);
    if protocol == TCP || protocol == UDP {
        let ports = segment.first_chunk::<8>()?;
        source_port = u64::from(u16::from_be_bytes([ports[0], ports[1]]));
        destination_port = u64::from(u16::from_be_bytes([ports[2], ports[3]]));
        if protocol == TCP {
            tcp_flags = segment.get(13).copied().unwrap_or(0);
        }
    }
    let [s, d] = [source, destination];
    let key = if (s, source_port) < (d, destination_port) {
        [s[0], s[1], d[0], d[1], source_port << 32 | destination_port << 8 | u64::from(protocol)]
    } else {
        [d[0], d[1], s[0], s[1], destination_port << 32 | source_port << 8 | u64::from(protocol)]
    };
    Some(Headers { key, tcp_flags })
}

#[inline]
fn ipv6(bytes: &[u8]) -> Option<Address> {
    let (first, second) = bytes.split_at_checked(8)?;
    Some([u64::from_ne_bytes(first.try_into().ok()?), u64::from_ne_bytes(second.try_into().ok()?)])
}
