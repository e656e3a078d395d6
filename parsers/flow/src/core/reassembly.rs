//! What becomes of fragments in the core: off the path of packets that are whole.

use super::{Core, Frame};
use crate::fragments::Datagram;
use crate::looked::Looked;
use crate::table::NO_SLOT;
use transitproof_wire::ParseError;
use transitproof_wire::packet::{Packet, Tunnels, dissect};

impl Core {
    /// A fragment waits for the others; what they make is then a packet like any other. The frame is dissected once more, so
    /// that packets that are whole need not carry their tunnels.
    #[cold]
    pub(super) fn fragment(&mut self, frame: &Frame<'_>) {
        let mut tunnels = Tunnels::default();
        if let Ok(packet) = dissect(frame.link, frame.bytes, &mut tunnels) {
            if frame.time >= self.next_turn {
                self.turn_wheel(frame.time);
            }
            self.fragments.add(&packet, tunnels, frame.time, frame.number);
            self.reassembled();
        }
    }

    #[cold]
    pub(super) fn reassembled(&mut self) {
        while let Some(datagram) = self.fragments.next_over() {
            let marks = self.marks();
            self.datagram(&datagram);
            self.track_fragments(&datagram.frames, marks);
        }
        for fault in self.fragments.faults() {
            match fault {
                _ if !self.share.is_first() => {}
                ParseError::Limited(name) => self.ctx.totals.limit(name),
                error => self.ctx.totals.bad(error),
            }
        }
    }

    /// Counts the fragments of a datagram to its flow and hands on what it holds.
    fn datagram(&mut self, datagram: &Datagram) {
        let (earlier, last) = (datagram.earlier, datagram.last);
        let at = |time, number| Frame { time, link: 0, number, bytes: &[] };
        let (packet, tunnels) = datagram.packet().unwrap_or((datagram.mute(), datagram.tunnels));
        if tunnels != datagram.tunnels {
            // As with any tunnel, the packet inside is what counts. It may be a fragment itself.
            if packet.fragment.is_some() {
                return self.fragments.add(&packet, tunnels, last.time, last.frame);
            }
            if !self.share.has(&packet) {
                return;
            }
            let looked = self.place(&packet, &tunnels);
            return self.part(&at(last.time, last.frame), &packet, &looked, 1);
        }
        if !self.share.has(&packet) {
            return;
        }
        if earlier.packets > 0 {
            let silent = Packet { ip_length: earlier.bytes, payload: &[], payload_length: 0, flags: 0, ..packet };
            let looked = self.place(&silent, &tunnels);
            self.part(&at(earlier.time, earlier.frame), &silent, &looked, earlier.packets);
            if let Some(entry) =
                self.table.find(&looked.key, looked.hash, NO_SLOT).and_then(|slot| self.table.entry(slot))
            {
                let from = entry.direction(looked.low);
                entry.add_packets(from, earlier.packets - 1);
            }
        }
        let looked = self.place(&packet, &tunnels);
        self.part(&at(last.time, last.frame), &packet, &looked, 1);
    }

    /// A packet that stands for so many fragments.
    fn part(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, looked: &Looked, fragments: u64) {
        if !self.is_particular() || self.ctx.admits(&looked.key, fragments, frame.time) {
            self.single_packet(frame, packet, looked);
        }
    }
}
