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

#[cfg(test)]
mod tests {
    use super::*;

    /// From 10.0.0.1:40000 to 10.0.0.2:443 with PSH and ACK; the reverse has SYN and ACK.
    const REQUEST: &str = "02000000000202000000000108004500002800010000400600000a0000010a000002\
                           9c4001bb00000001000000025018010000000000";
    const ANSWER: &str = "02000000000102000000000208004500002800010000400600000a0000020a000001\
                          01bb9c4000000002000000015012010000000000";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn both_directions_have_one_key() {
        let (request, answer) = (read(&bytes(REQUEST)).unwrap(), read(&bytes(ANSWER)).unwrap());
        assert_eq!(request.key, answer.key);
        assert_eq!((request.tcp_flags, answer.tcp_flags), (0x18, 0x12));
        assert_eq!(request.key[4], 40_000 << 32 | 443 << 8 | 6);
    }

    #[test]
    fn tags_do_not_change_the_key() {
        let plain = bytes(REQUEST);
        let tagged = [&plain[..12], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7], &plain[12..]].concat();
        assert_eq!(read(&plain).unwrap().key, read(&tagged).unwrap().key);
    }

    #[test]
    fn a_frame_cut_in_its_headers_is_no_flow() {
        let whole = bytes(REQUEST);
        let needed = ETHERNET + 20 + 8;
        assert!((0..whole.len()).all(|length| read(&whole[..length]).is_some() == (length >= needed)));
    }
}
