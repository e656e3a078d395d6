//! TLS in EAP (RFC 5216, RFC 9190). In a RADIUS flow (RFC 3579) an access point asks for many devices over one pair of ports: the
//! first whose TLS is seen is followed, from challenge to request by the State, from request to challenge by RADIUS's identifier.
//! Over a LAN a flow has one device and one access point.

use crate::Direction;
use crate::certificates::Certificates;
use crate::tls::{Progress, TlsStream};
use transitproof_wire::eap::{EapCode, EapHeader, EapTls, Radius, code, eap_tls};

/// Packets looked at: one authentication has a few dozen, others run beside it.
const MAX_PACKETS: u16 = 512;
/// A State that is remembered; servers send a dozen bytes or so.
const MAX_STATE: usize = 253;

/// The TLS of one authentication.
#[derive(Default)]
pub struct EapFollower {
    tls: TlsStream,
    /// Identifier of the EAP packet that was read last, by direction.
    read: [Option<u8>; 2],
    packets: u16,
}

impl EapFollower {
    pub fn tls(&self) -> &TlsStream {
        &self.tls
    }

    /// One more EAP packet over a LAN; the device is the client.
    pub fn packet(&mut self, packet: &[u8], frame: u64, certificates: &mut Certificates) -> Progress {
        let Some(header) = EapHeader::parse(packet).filter(|_| self.has_patience()) else { return Progress::Done };
        let from = match header.code {
            EapCode::Request => Direction::Reverse,
            EapCode::Response => Direction::Forward,
            EapCode::End => return self.end(),
        };
        match eap_tls(packet) {
            Some(part) => self.part(from, &part, frame, certificates),
            None => Progress::More,
        }
    }

    fn part(&mut self, from: Direction, part: &EapTls<'_>, frame: u64, certificates: &mut Certificates) -> Progress {
        if self.read[from as usize].replace(part.id) == Some(part.id) || part.start {
            return Progress::More;
        }
        // Whatever its insides turn out to be, it stays EAP.
        let progress = self.tls.data(from, part.data, frame, certificates);
        if progress == Progress::More { Progress::More } else { Progress::Done }
    }

    /// Success or failure.
    fn end(&mut self) -> Progress {
        self.tls.closed(true);
        Progress::Done
    }

    fn has_patience(&mut self) -> bool {
        self.packets = self.packets.saturating_add(1);
        self.packets < MAX_PACKETS
    }
}

#[derive(Default)]
pub struct RadiusFollower {
    eap: EapFollower,
    /// The latest challenge's State, once an authentication is followed.
    state: Option<Vec<u8>>,
    /// Identifier of the request that waits for its answer.
    asked: Option<u8>,
}

impl RadiusFollower {
    /// Whether there is anything to follow.
    pub fn is_eap(datagram: &[u8]) -> bool {
        Radius::parse(datagram).is_some_and(|radius| !radius.eap.is_empty())
    }

    pub fn tls(&self) -> &TlsStream {
        self.eap.tls()
    }

    pub fn datagram(
        &mut self,
        from: Direction,
        payload: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> Progress {
        if !self.eap.has_patience() {
            return Progress::Done;
        }
        match Radius::parse(payload) {
            Some(radius) => self.radius(from, &radius, frame, certificates),
            None => Progress::More,
        }
    }

    fn radius(
        &mut self,
        from: Direction,
        radius: &Radius<'_>,
        frame: u64,
        certificates: &mut Certificates,
    ) -> Progress {
        let ours = match (radius.code, &self.state) {
            (code::ACCESS_REQUEST, Some(state)) => state == radius.state,
            (code::ACCESS_REQUEST, None) => true,
            _ => self.asked == Some(radius.id) || self.state.is_none(),
        };
        if !ours {
            return Progress::More;
        }
        let over = matches!(radius.code, code::ACCESS_ACCEPT | code::ACCESS_REJECT);
        if over && self.state.is_some() {
            return self.eap.end();
        }
        let Some(part) = eap_tls(&radius.eap) else { return Progress::More };
        match radius.code {
            code::ACCESS_REQUEST => {
                self.asked = Some(radius.id);
                self.state.get_or_insert_with(|| radius.state.to_vec());
            }
            code::ACCESS_CHALLENGE => self.state = Some(radius.state.get(..MAX_STATE).unwrap_or(radius.state).to_vec()),
            _ => return Progress::More,
        }
        self.eap.part(from, &part, frame, certificates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction::{Forward, Reverse};

    /// A handshake of OpenSSL's, see [`crate::tls`].
    fn handshake() -> Vec<(Direction, Vec<u8>)> {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let line = |line: &str| {
            let from = if line.starts_with('>') { Forward } else { Reverse };
            (from, line.as_bytes()[2..].chunks(2).map(byte).collect())
        };
        include_str!("tls/testdata/tls12_mutual.txt").lines().map(line).collect()
    }

    fn radius(code: u8, id: u8, state: &[u8], eap: &[u8]) -> Vec<u8> {
        let mut attributes = vec![1, 5, b'j', b'o', b'e'];
        if !state.is_empty() {
            attributes.extend([24, 2 + state.len() as u8]);
            attributes.extend(state);
        }
        for piece in eap.chunks(253) {
            attributes.extend([79, 2 + piece.len() as u8]);
            attributes.extend(piece);
        }
        let length = (20 + attributes.len() as u16).to_be_bytes();
        [&[code, id, length[0], length[1]], &[0x5a; 16][..], &attributes].concat()
    }

    fn eap(code: u8, id: u8, flags: u8, data: &[u8]) -> Vec<u8> {
        let length = (6 + data.len() as u16).to_be_bytes();
        [&[code, id, length[0], length[1], 13, flags], data].concat()
    }

    /// One authentication; every challenge has a State of its own that begins with `who`.
    fn authentication(who: u8) -> Vec<(Direction, Vec<u8>)> {
        let (mut said, mut id) = (Vec::new(), who);
        said.push((Reverse, radius(11, id, &[who, 0], &eap(1, 1, 0x20, b""))));
        let mut step = 1u8;
        // Parts of 500 bytes, each answered by an empty packet if its sender is not done.
        for (from, bytes) in handshake() {
            for piece in bytes.chunks(500) {
                if from == Forward {
                    id = id.wrapping_add(7);
                    said.push((Forward, radius(1, id, &[who, step - 1], &eap(2, step, 0, piece))));
                    step += 1;
                    said.push((Reverse, radius(11, id, &[who, step - 1], &eap(1, step, 0, b""))));
                } else {
                    id = id.wrapping_add(7);
                    said.push((Forward, radius(1, id, &[who, step - 1], &eap(2, step, 0, b""))));
                    step += 1;
                    said.push((Reverse, radius(11, id, &[who, step - 1], &eap(1, step, 0, piece))));
                }
            }
        }
        said
    }

    fn follow(said: &[(Direction, Vec<u8>)]) -> RadiusFollower {
        let (mut follower, mut certificates) = (RadiusFollower::default(), Certificates::new(1));
        for (from, datagram) in said {
            if follower.datagram(*from, datagram, 1, &mut certificates) == Progress::Done {
                break;
            }
        }
        follower
    }

    fn assert_followed(said: &[(Direction, Vec<u8>)]) {
        let follower = follow(said);
        let session = follower.tls().session();
        assert_eq!((session.version(), session.established), (Some(0x0303), Some(true)));
        assert!(session.certificates.is_some() && session.client_certificates.is_some());
    }

    #[test]
    fn one_device() {
        let said = authentication(1);
        assert_followed(&said);
        let twice: Vec<_> = said.iter().flat_map(|packet| [packet.clone(), packet.clone()]).collect();
        assert_followed(&twice);
    }

    #[test]
    fn another_device_in_between() {
        let (one, two) = (authentication(1), authentication(3));
        let mixed: Vec<_> = one.into_iter().zip(two).flat_map(|(a, b)| [a, b]).collect();
        assert_followed(&mixed);
    }

    #[test]
    fn patience_ends() {
        let (mut follower, mut certificates) = (RadiusFollower::default(), Certificates::new(1));
        let packet = radius(1, 1, b"", &eap(2, 1, 0, b""));
        let mut hear = |_| follower.datagram(Forward, &packet, 1, &mut certificates) == Progress::Done;
        assert_eq!((1..=u16::MAX).find(|n| hear(*n)), Some(MAX_PACKETS));
    }

    #[test]
    fn a_rejection_ends_it() {
        let mut said = authentication(1);
        said.truncate(4);
        said.push((Reverse, radius(3, said[3].1[1], b"", b"")));
        assert_eq!(follow(&said).tls().session().established, Some(false));
    }
}
