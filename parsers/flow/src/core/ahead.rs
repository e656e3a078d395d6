//! The look ahead: what the frames of a batch are and which flows they belong to, before any of them is worked on.

use super::{BATCH, Core, Frame};
use crate::endpoint::EAPOL;
use crate::entry::Entry;
use crate::looked::{Kind, Looked};
use crate::totals::Arrived;
use transitproof_wire::packet::{Packet, Stop, Tunnels, dissect};

impl Core {
    /// A look at a batch, of which `first` is the first look at a frame. Sends for the lines of the index, for [`Self::find`] of the
    /// same batch later on.
    #[inline]
    pub(super) fn look(
        &mut self,
        frames: &[Frame<'_>],
        batch: &mut [Looked],
        first: impl Fn(&Frame<'_>, &mut Looked),
    ) -> Arrived {
        let mut arrived = Arrived::default();
        for (frame, looked) in frames.iter().zip(batch) {
            first(frame, looked);
            self.receive(frame, looked, &mut arrived);
            self.table.fetch_index(looked.hash);
        }
        arrived
    }

    /// The flows that the packets of a batch probably belong to. Sends for their entries.
    #[inline]
    pub(super) fn find(&self, batch: &mut [Looked]) {
        for looked in batch {
            looked.candidate = self.table.candidate(looked.hash);
            self.table.fetch_entry(looked.candidate);
        }
    }

    /// Loads what hangs off the entries of a batch, level by level, so that the misses of each level overlap. Plain loads whose
    /// sum is kept from the optimiser, without a branch on what is being loaded, which would be guessed wrong and end the overlap.
    #[inline]
    pub(super) fn warm(&self, batch: &[Looked]) {
        let mut sum = 0;
        // Those of which something is still to be learnt, few among many.
        let (mut open, mut count) = ([0u8; BATCH], 0);
        for (looked, at) in batch.iter().zip(0..) {
            open[count % BATCH] = at;
            count += usize::from(self.table.peek(looked.candidate).is_some_and(Entry::converses));
        }
        let entries = || {
            let looked = open[..count].iter().map(|at| &batch[usize::from(*at)]);
            looked.filter_map(|looked| Some((looked.low, self.table.peek(looked.candidate)?)))
        };
        for (_, entry) in entries() {
            sum ^= entry.touch_conversation();
        }
        for (low, entry) in entries() {
            sum ^= entry.touch_follower(low);
        }
        std::hint::black_box(sum);
    }

    /// Counts what the first look found, and looks once more where it was not enough.
    #[inline]
    pub(super) fn receive(&mut self, frame: &Frame<'_>, looked: &mut Looked, arrived: &mut Arrived) {
        match looked.kind {
            Kind::Plain => arrived.add(frame.time, looked.ip_length),
            Kind::Odd => self.walk(frame, looked),
            _ => {}
        }
    }

    /// A packet that is not an ordinary one.
    #[cold]
    fn walk(&mut self, frame: &Frame<'_>, looked: &mut Looked) {
        let mut tunnels = Tunnels::default();
        let dissected = dissect(frame.link, frame.bytes, &mut tunnels);
        let mine = self.share.has_frame(frame.link, frame.bytes).unwrap_or_else(|| self.has(&dissected));
        if mine {
            self.ctx.totals.packet(frame.time);
        }
        looked.kind = Kind::Nothing;
        match dissected {
            // Every core follows the fragments: whose they are shows when they are put together.
            Ok(packet) if packet.fragment.is_some() => looked.kind = Kind::Fragment,
            Ok(packet) if mine => {
                self.ctx.totals.bytes += u64::from(packet.ip_length);
                *looked = self.place(&packet, &tunnels);
            }
            Err(Stop::NotIp(EAPOL)) if mine => looked.kind = Kind::Eapol,
            Err(stop) if mine => self.unreadable(stop),
            _ => {}
        }
    }

    /// Whether this core has to count what was found in a frame.
    pub(super) fn has(&self, dissected: &Result<Packet<'_>, Stop>) -> bool {
        match dissected {
            Ok(packet) if packet.fragment.is_none() => self.share.has(packet),
            _ => self.share.is_first(),
        }
    }

    /// Where a packet belongs that did not come as a frame of its own.
    pub(super) fn place(&mut self, packet: &Packet<'_>, tunnels: &Tunnels) -> Looked {
        let tunnel = self.ctx.tunnels.number(tunnels);
        Looked::of(packet, tunnel, self.seed, Kind::Walked)
    }

    #[cold]
    pub(super) fn unreadable(&mut self, stop: Stop) {
        match stop {
            Stop::NotIp(what) => self.ctx.totals.not_ip(what),
            Stop::Bad(error) => self.ctx.totals.bad(error),
        }
    }
}
