//! Where something was observed, in the words of the contract: `10.0.3.7:443/tcp`, `[2001:db8::1]:443/tcp`, `A<->B/esp`,
//! `02:00:00:00:00:01/eapol`.

use crate::key::{Family, station};
use crate::{entry::Entry, entry::mark, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use transitproof_wire::packet::{Address, ip_protocol as ip};
use transitproof_wire::{Class, Protocol};

/// An endpoint in binary: hashing and comparing it is cheaper than writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    family: Family,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum What {
    Server {
        address: Address,
        port: u16,
        transport: u8,
    },
    /// Both ends of a tunnel, in ascending order.
    Pair {
        low: Address,
        high: Address,
        protocol: Protocol,
    },
    /// An address that speaks a protocol without ports.
    Host {
        address: Address,
        transport: u8,
    },
}

impl Endpoint {
    /// The responder, or for IPsec the pair.
    pub fn of(entry: &Entry) -> Self {
        let key = &entry.key;
        let transport = key.transport();
        let (address, port) = key.end(!entry.has(mark::INITIATOR_LOW));
        let what = if entry.class() == Class::Ipsec {
            What::Pair { low: key.low().min(key.high()), high: key.low().max(key.high()), protocol: entry.protocol }
        } else if has_ports(transport) {
            What::Server { address, port, transport }
        } else {
            What::Host { address, transport }
        };
        Self { family: key.family(), what }
    }

    /// Whether it is a server at an address that is reachable all over the Internet (IANA's special-purpose address registries). Over
    /// TCP: what speaks DTLS there are mostly peers of a call, whose certificates are made for it (RFC 8827 section 6.5).
    pub fn is_public(&self) -> bool {
        let What::Server { address, transport: ip::TCP, .. } = self.what else { return false };
        if self.family == Family::V6 {
            let address = Ipv6Addr::from(address.to_v6());
            // 2000::/3 but for documentation, ORCHID and benchmarking.
            let [a, b, ..] = address.segments();
            return a & 0xe000 == 0x2000 && !(a == 0x2001 && matches!(b, 0..0x200 | 0xdb8)) && a != 0x3fff;
        }
        let address = Ipv4Addr::from(address.to_v4());
        let special = |[a, b, c, _]: [u8; 4]| {
            matches!((a, b, c), (0 | 224.., ..) | (100, 64..128, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _))
        };
        let own = address.is_private() || address.is_loopback() || address.is_link_local();
        !(own || address.is_documentation() || special(address.octets()))
    }

    /// A server as [`Self::write`] writes it: `10.0.3.7:443/tcp`, `[2001:db8::1]:443/udp`; peers, `192.0.2.1<->192.0.2.2/ike` with
    /// addresses in any order; or one peer, `192.0.2.1/esp`.
    pub fn parse(text: &str) -> Option<Self> {
        let (socket, transport) = text.rsplit_once('/')?;
        if let Some((first, second)) = socket.split_once("<->") {
            let ((a, v6), (b, _)) = (parse_address(first)?, parse_address(second)?);
            let protocol = [Protocol::Ike, Protocol::Esp, Protocol::Ah].into_iter().find(|p| p.name() == transport)?;
            return Some(Self { family: Family::ip(v6), what: What::Pair { low: a.min(b), high: a.max(b), protocol } });
        }
        if transport == "esp" {
            let (address, v6) = parse_address(socket)?;
            return Some(Self { family: Family::ip(v6), what: What::Host { address, transport: ip::ESP } });
        }
        let transport = match transport {
            "tcp" => ip::TCP,
            "udp" => ip::UDP,
            "sctp" => ip::SCTP,
            "dccp" => ip::DCCP,
            "udplite" => ip::UDP_LITE,
            _ => return None,
        };
        let socket: SocketAddr = socket.parse().ok()?;
        let address = address_of(socket.ip());
        Some(Self {
            family: Family::ip(socket.is_ipv6()),
            what: What::Server { address, port: socket.port(), transport },
        })
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        match self.what {
            What::Server { address, port, transport } => {
                let v6 = self.family == Family::V6;
                if v6 {
                    out.push(b'[');
                }
                write_address(out, self.family, address);
                out.extend_from_slice(if v6 { b"]:" } else { b":" });
                json::decimal(out, u64::from(port));
                out.push(b'/');
                write_transport(out, self.family, transport);
            }
            What::Pair { low, high, protocol } => {
                write_address(out, self.family, low);
                out.extend_from_slice(b"<->");
                write_address(out, self.family, high);
                out.push(b'/');
                out.extend_from_slice(protocol.name().as_bytes());
            }
            What::Host { address, transport } => {
                write_address(out, self.family, address);
                out.push(b'/');
                write_transport(out, self.family, transport);
            }
        }
    }
}

fn address_of(ip: IpAddr) -> Address {
    match ip {
        IpAddr::V4(v4) => Address::v4(v4.octets()),
        IpAddr::V6(v6) => Address::v6(v6.octets()),
    }
}

/// An address, and whether it is one of IPv6.
fn parse_address(text: &str) -> Option<(Address, bool)> {
    let ip: IpAddr = text.parse().ok()?;
    Some((address_of(ip), ip.is_ipv6()))
}

/// What stations without IP speak over.
pub const EAPOL: &str = "eapol";

pub fn has_ports(transport: u8) -> bool {
    matches!(transport, ip::TCP | ip::UDP | ip::SCTP | ip::DCCP | ip::UDP_LITE)
}

pub fn write_address(out: &mut Vec<u8>, family: Family, address: Address) {
    use std::io::Write;
    match family {
        Family::V4 => write_v4(out, address),
        // RFC 5952 form. Writing to a vector cannot fail.
        Family::V6 => _ = write!(out, "{}", Ipv6Addr::from(address.to_v6())),
        Family::Link => {
            for (at, byte) in station(address).into_iter().enumerate() {
                if at > 0 {
                    out.push(b':');
                }
                json::hex(out, &[byte]);
            }
        }
    }
}

fn write_v4(out: &mut Vec<u8>, address: Address) {
    let (mut text, mut len) = ([b'.'; 16], 0);
    for octet in address.to_v4() {
        let (digits, count) = decimal(octet);
        text[len..len + 3].copy_from_slice(&digits);
        len += count;
        text[len] = b'.';
        len += 1;
    }
    json::front(out, text, len - 1);
}

/// The digits, the first one in front, and how many.
#[inline]
fn decimal(octet: u8) -> ([u8; 3], usize) {
    let [[_, a], [b, c]] = [octet / 100, octet % 100].map(|part| json::two(u64::from(part)));
    match octet {
        0..10 => ([c, 0, 0], 1),
        10..100 => ([b, c, 0], 2),
        100.. => ([a, b, c], 3),
    }
}

/// The lower-case IANA keyword of an IP protocol, `ip/N` where there is none that operators use.
pub fn write_transport(out: &mut Vec<u8>, family: Family, transport: u8) {
    let word = match transport {
        _ if family == Family::Link => EAPOL,
        ip::ICMP => "icmp",
        2 => "igmp",
        ip::TCP => "tcp",
        8 => "egp",
        9 => "igp",
        ip::UDP => "udp",
        ip::DCCP => "dccp",
        46 => "rsvp",
        ip::GRE => "gre",
        ip::ESP => "esp",
        ip::AH => "ah",
        ip::ICMPV6 => "icmpv6",
        ip::NO_NEXT => "ipv6-nonxt",
        54 => "narp",
        88 => "eigrp",
        89 => "ospfigp",
        94 => "ipip",
        97 => "etherip",
        103 => "pim",
        108 => "ipcomp",
        112 => "vrrp",
        113 => "pgm",
        ip::L2TP => "l2tp",
        124 => "isis",
        ip::SCTP => "sctp",
        ip::UDP_LITE => "udplite",
        ip::MOBILITY => "mobility-header",
        137 => "mpls-in-ip",
        ip::HIP => "hip",
        ip::SHIM6 => "shim6",
        141 => "wesp",
        _ => {
            out.extend_from_slice(b"ip/");
            return json::decimal(out, u64::from(transport));
        }
    };
    out.extend_from_slice(word.as_bytes());
}

#[cfg(test)]
impl Endpoint {
    pub fn server(address: [u8; 4], port: u16) -> Self {
        Self { family: Family::V4, what: What::Server { address: Address::v4(address), port, transport: ip::TCP } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn written(endpoint: Endpoint) -> String {
        let mut out = Vec::new();
        endpoint.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_octet_in_every_place() {
        for octet in 0..=255 {
            for place in 0..4 {
                let mut octets = [octet / 3, 7, 99, octet];
                octets.rotate_left(place);
                let mut out = Vec::new();
                write_address(&mut out, Family::V4, Address::v4(octets));
                assert_eq!(String::from_utf8(out).unwrap(), std::net::Ipv4Addr::from(octets).to_string());
            }
        }
    }

    #[test]
    fn public_addresses() {
        for (text, public) in [
            ("8.8.8.8:443/tcp", true),
            ("[2606:4700::1]:443/tcp", true),
            ("[2001:4860:4860::8888]:53/tcp", true),
            ("8.8.8.8:443/udp", false),
            ("10.0.0.1:443/tcp", false),
            ("172.31.0.1:443/tcp", false),
            ("172.32.0.1:443/tcp", true),
            ("192.168.1.1:443/tcp", false),
            ("100.64.0.1:443/tcp", false),
            ("127.0.0.1:443/tcp", false),
            ("169.254.169.254:80/tcp", false),
            ("198.51.100.1:443/tcp", false),
            ("224.0.0.1:443/udp", false),
            ("[fd00::1]:443/tcp", false),
            ("[fe80::1]:443/tcp", false),
            ("[::1]:443/tcp", false),
            ("[2001:db8::1]:443/tcp", false),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().is_public(), public, "{text}");
        }
    }

    #[test]
    fn the_words_of_the_contract() {
        assert_eq!(written(Endpoint::server([10, 0, 3, 7], 443)), "10.0.3.7:443/tcp");
        let v6 = Address::v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let what = What::Server { address: v6, port: 443, transport: ip::UDP };
        assert_eq!(written(Endpoint { family: Family::V6, what }), "[2001:db8::1]:443/udp");
        let (key, _) = Key::of_stations([2, 0, 0, 0, 0, 1], [0xfe, 0xdc, 0xba, 0x98, 0, 0], 0);
        let entry = Entry::new(key, 0, 0, Protocol::Eap, mark::INITIATOR_LOW);
        assert_eq!(written(Endpoint::of(&entry)), "fe:dc:ba:98:00:00/eapol");
        assert_eq!(written(Endpoint::of(&Entry::new(key, 0, 0, Protocol::Eap, 0))), "02:00:00:00:00:01/eapol");
        let (low, high) = (Address::v4([192, 0, 2, 1]), Address::v4([192, 0, 2, 2]));
        for text in ["10.0.3.7:443/tcp", "[2001:db8::1]:53/udp"] {
            assert_eq!(written(Endpoint::parse(text).unwrap()), text);
        }
        assert_eq!(written(Endpoint::parse("192.0.2.2<->192.0.2.1/ike").unwrap()), "192.0.2.1<->192.0.2.2/ike");
        assert_eq!(written(Endpoint::parse("2001:db8::1/esp").unwrap()), "2001:db8::1/esp");
        assert!(
            Endpoint::parse("192.0.2.2<->x/ike").is_none() && Endpoint::parse("192.0.2.2<->192.0.2.1/tcp").is_none()
        );
        assert!(Endpoint::parse("10.0.3.7/icmp").is_none() && Endpoint::parse("10.0.3.7:x/tcp").is_none());
        let what = What::Pair { low, high, protocol: Protocol::Esp };
        assert_eq!(written(Endpoint { family: Family::V4, what }), "192.0.2.1<->192.0.2.2/esp");
    }
}
