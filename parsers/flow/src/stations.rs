//! Which two stations an EAP packet over a LAN is between. On a wire it is sent to the group address of whoever listens at the port
//! (IEEE 802.1X-2020 section 11.1.1), from either side: then the identifier, which a response has from its request, tells who meant
//! whom.

use transitproof_wire::eap::{EapCode, EapHeader};
use transitproof_wire::packet::{Eapol, Mac};

/// Ports of switches and access points that are remembered, some 16 bytes each: those of a few chassis, authenticating at once.
const MAX_PORTS: usize = 512;

#[derive(Clone, Copy)]
struct Port {
    authenticator: Mac,
    device: Option<Mac>,
    /// Of the latest request.
    id: Option<u8>,
}

#[derive(Default)]
pub struct Stations {
    /// The one that asked last is the last.
    ports: Vec<Port>,
    /// Ports forgotten for want of room.
    pub limited: u64,
}

impl Stations {
    /// Source and destination; `None` while nobody has said who is meant.
    pub fn of(&mut self, frame: &Eapol<'_>, header: EapHeader) -> Option<(Mac, Mac)> {
        let other = Some(frame.dst).filter(|_| !frame.is_to_group());
        let found = match header.code {
            EapCode::Response => self.authenticator(frame.src, other, header.id),
            EapCode::Request | EapCode::End => self.device(frame.src, other, header),
        };
        Some((frame.src, found?))
    }

    /// Who is spoken to by this port of an access point.
    fn device(&mut self, authenticator: Mac, named: Option<Mac>, header: EapHeader) -> Option<Mac> {
        let same = |port: &Port| port.authenticator == authenticator && (named.is_none() || port.device == named);
        let known = self.ports.iter().rposition(same).map(|at| self.ports.remove(at));
        // Whoever is asked for the name may be another device than before.
        let device = named.or_else(|| known.filter(|_| !header.begins).and_then(|port| port.device));
        let id = if header.code == EapCode::Request { Some(header.id) } else { known.and_then(|port| port.id) };
        self.remember(Port { authenticator, device, id });
        device
    }

    /// Whom this device answers.
    fn authenticator(&mut self, device: Mac, named: Option<Mac>, id: u8) -> Option<Mac> {
        if named.is_some() {
            return named;
        }
        let asked = |port: &&mut Port| port.id == Some(id) && port.device.is_none_or(|known| known == device);
        let port = self.ports.iter_mut().rev().find(asked)?;
        port.device = Some(device);
        Some(port.authenticator)
    }

    fn remember(&mut self, port: Port) {
        if self.ports.len() >= MAX_PORTS {
            self.ports.remove(0);
            self.limited += 1;
        }
        self.ports.push(port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::packet::Tunnels;

    const GROUP: Mac = [1, 0x80, 0xc2, 0, 0, 3];

    fn mac(last: u8) -> Mac {
        [2, 0, 0, 0, 0, last]
    }

    const IDENTITY: &[u8] = &[1];
    const TLS: &[u8] = &[13, 0];

    /// Who is meant by a packet from one station to another.
    fn meant(stations: &mut Stations, (src, dst): (Mac, Mac), code: u8, id: u8, rest: &[u8]) -> Option<Mac> {
        let eap = [&[code, id, 0, 4 + rest.len() as u8], rest].concat();
        let header = EapHeader::parse(&eap).unwrap();
        stations.of(&Eapol { src, dst, length: 0, eap: &eap, tunnels: Tunnels::default() }, header).map(|(from, to)| {
            assert_eq!(from, src);
            to
        })
    }

    #[test]
    fn named_stations_need_no_memory() {
        let mut stations = Stations::default();
        assert_eq!(meant(&mut stations, (mac(1), mac(2)), 2, 9, TLS), Some(mac(2)));
        assert_eq!(meant(&mut stations, (mac(2), mac(1)), 1, 9, TLS), Some(mac(1)));
    }

    #[test]
    fn an_answer_to_the_group_is_for_the_one_who_asked() {
        let mut stations = Stations::default();
        let (device, port, other) = (mac(1), mac(2), mac(3));
        assert_eq!(meant(&mut stations, (port, GROUP), 1, 7, IDENTITY), None, "nobody has answered");
        assert_eq!(meant(&mut stations, (other, GROUP), 1, 8, IDENTITY), None);
        assert_eq!(meant(&mut stations, (device, GROUP), 2, 6, IDENTITY), None, "nobody asked this");
        assert_eq!(meant(&mut stations, (device, GROUP), 2, 7, IDENTITY), Some(port));
        // From now on the port means this device.
        assert_eq!(meant(&mut stations, (port, GROUP), 1, 9, TLS), Some(device));
        assert_eq!(meant(&mut stations, (mac(4), GROUP), 2, 9, TLS), None, "asked was another");
        assert_eq!(meant(&mut stations, (device, GROUP), 2, 9, TLS), Some(port));
        assert_eq!(meant(&mut stations, (port, GROUP), 3, 9, &[]), Some(device));
        // Another one is plugged in.
        assert_eq!(meant(&mut stations, (port, GROUP), 1, 10, IDENTITY), None);
        assert_eq!(meant(&mut stations, (mac(4), GROUP), 2, 10, IDENTITY), Some(port));
        assert_eq!(meant(&mut stations, (port, GROUP), 1, 11, TLS), Some(mac(4)));
    }

    #[test]
    fn one_port_with_several_devices() {
        let mut stations = Stations::default();
        for device in [1, 2] {
            assert_eq!(meant(&mut stations, (mac(9), mac(device)), 1, device, TLS), Some(mac(device)));
        }
        for device in [1, 2] {
            assert_eq!(meant(&mut stations, (mac(device), GROUP), 2, device, TLS), Some(mac(9)));
        }
    }

    #[test]
    fn ports_are_forgotten_the_one_that_asked_first_before_others() {
        let mut stations = Stations::default();
        let port = |number: usize| [2, 0, 0, 1, (number >> 8) as u8, number as u8];
        for number in 0..=MAX_PORTS {
            meant(&mut stations, (port(number), mac(1)), 1, 7, TLS);
            meant(&mut stations, (port(1), mac(1)), 1, 8, TLS);
        }
        assert_eq!((stations.ports.len(), stations.limited), (MAX_PORTS, 1));
        assert!(!stations.ports.iter().any(|one| one.authenticator == port(0)));
        assert!(stations.ports.iter().any(|one| one.authenticator == port(1)));
    }
}
