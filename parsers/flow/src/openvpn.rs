//! The TLS in OpenVPN's control channel, followed as far as it is in the clear: packets put in order by their numbers, their
//! content read as TLS. Over TCP each packet has a length in front.

use crate::Direction;
use crate::certificates::Certificates;
use crate::tls::{Progress, TlsStream};
use transitproof_wire::openvpn::{Control, Wrapping, control, hard_reset};

/// Packets looked at: a handshake with a chain of certificates has a dozen from either side, and as many acknowledgements.
const MAX_PACKETS: u16 = 256;
/// Packets held while an earlier one is missing; a sender has no more than eight under way.
const MAX_WAITING: usize = 8;

pub struct OpenVpnFollower {
    tls: TlsStream,
    /// Known from the first hard reset.
    wrapping: Option<usize>,
    sides: [Side; 2],
    packets: u16,
}

struct Side {
    /// Number of the packet to be read next; the hard reset itself is 0.
    next: u32,
    waiting: Vec<(u32, Box<[u8]>)>,
    /// Over TCP: a packet with its length, as far as it came; no length is longer than two bytes can tell.
    partial: Vec<u8>,
}

impl Default for Side {
    fn default() -> Self {
        Self { next: 1, waiting: Vec::new(), partial: Vec::new() }
    }
}

impl OpenVpnFollower {
    pub fn new() -> Self {
        Self { tls: TlsStream::new(), wrapping: None, sides: Default::default(), packets: 0 }
    }

    pub fn tls(&self) -> &TlsStream {
        &self.tls
    }

    pub fn closed(&mut self, reset_or_fin: bool) {
        self.tls.closed(reset_or_fin);
    }

    /// One packet: a datagram, or what stood behind a length.
    pub fn packet(&mut self, from: Direction, packet: &[u8], frame: u64, certificates: &mut Certificates) -> Progress {
        self.packets = self.packets.saturating_add(1);
        match (self.wrapping, hard_reset(packet)) {
            (None, Some(Wrapping::Clear(wrapping))) => self.wrapping = Some(wrapping),
            (None, Some(Wrapping::Encrypted)) => return Progress::Done,
            _ => {}
        }
        if self.packets >= MAX_PACKETS {
            return Progress::Done;
        }
        match self.wrapping.and_then(|wrapping| control(packet, wrapping)) {
            Some(part) => self.part(from, part, frame, certificates),
            None => Progress::More,
        }
    }

    /// The next bytes of one direction of a TCP connection.
    pub fn stream(&mut self, from: Direction, bytes: &[u8], frame: u64, certificates: &mut Certificates) -> Progress {
        let mut partial = std::mem::take(&mut self.sides[from as usize].partial);
        partial.extend_from_slice(bytes);
        let mut rest = &partial[..];
        while let Some(([a, b], body)) = rest.split_first_chunk::<2>()
            && let Some((packet, behind)) = body.split_at_checked(usize::from(u16::from_be_bytes([*a, *b])))
        {
            rest = behind;
            if self.packet(from, packet, frame, certificates) != Progress::More {
                return Progress::Done;
            }
        }
        self.sides[from as usize].partial = rest.to_vec();
        Progress::More
    }

    fn part(&mut self, from: Direction, part: Control<'_>, frame: u64, certificates: &mut Certificates) -> Progress {
        let Self { tls, sides, .. } = self;
        let side = &mut sides[from as usize];
        let known = part.id < side.next || side.waiting.iter().any(|(id, _)| *id == part.id);
        if known || part.id != side.next {
            if !known && side.waiting.len() < MAX_WAITING {
                side.waiting.push((part.id, part.payload.into()));
            }
            return Progress::More;
        }
        let mut progress = tls.data(from, part.payload, frame, certificates);
        side.next += 1;
        while let Some(at) = side.waiting.iter().position(|(id, _)| *id == side.next) {
            let (_, payload) = side.waiting.swap_remove(at);
            side.next += 1;
            progress = tls.data(from, &payload, frame, certificates);
        }
        // Whatever its insides turn out to be, it stays OpenVPN.
        if progress == Progress::More { Progress::More } else { Progress::Done }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_out_of_order_and_repeated() {
        let part = |id: u8, payload: &[u8]| [&[0x20, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, id], payload].concat();
        let mut vpn = OpenVpnFollower::new();
        let mut certificates = Certificates::new(1);
        let mut say = |from, packet: &[u8]| vpn.packet(from, packet, 1, &mut certificates);
        say(Direction::Forward, b"\x38\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0");
        // An alert in three parts: refused before it began.
        for (id, payload) in [(3, &b"\x02\x28"[..]), (1, b"\x15\x03"), (1, b"\x15\x03"), (2, b"\x03\0\x02")] {
            say(Direction::Reverse, &part(id, payload));
        }
        assert_eq!(vpn.tls().session().fatal_alert().map(|alert| alert.description), Some(40));
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut vpn = OpenVpnFollower::new();
        let mut certificates = Certificates::new(1);
        vpn.packet(Direction::Forward, b"\x38\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0", 1, &mut certificates);
        let ended = (2..=u16::MAX).find(|id| {
            let [high, low] = id.to_be_bytes();
            let packet = [&b"\x20\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0"[..], &[high, low, 0x16]].concat();
            vpn.packet(Direction::Forward, &packet, 1, &mut certificates) == Progress::Done
        });
        assert_eq!(ended, Some(MAX_PACKETS));
        assert_eq!(vpn.sides[0].waiting.len(), MAX_WAITING);
    }
}
