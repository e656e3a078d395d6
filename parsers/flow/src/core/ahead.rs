//! The look ahead: what the frames of a batch are and which flows they belong to, before any of them is worked on.

use super::{BATCH, Core, Frame};
use crate::entry::Entry;
use crate::key::{Key, Seed};
use crate::table::{NO_SLOT, Slot};
use crate::totals::Arrived;
use transitproof_wire::packet::{Packet, Stop, Tunnels, dissect, plain};

/// What a frame turned out to be at the first look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Without a readable packet, or another core's.
    Nothing,
    /// Read in a straight line.
    Plain,
    /// Read layer by layer.
    Walked,
    Fragment,
}

/// A packet with its place in the table half looked up, and what it takes to count it. The rest is read once more where it
/// is wanted: of nearly every packet it is not, and a batch of these stays small.
#[derive(Clone, Copy)]
pub(super) struct Looked {
    pub key: Key,
    pub hash: u32,
    /// The slot that its flow probably has.
    pub candidate: Slot,
    pub ip_length: u32,
    pub flags: u8,
    pub kind: Kind,
    /// The sender is the low end of the key.
    pub low: bool,
}

impl Looked {
    pub const NOTHING: Self =
        Self { key: Key::NONE, hash: 0, candidate: NO_SLOT, ip_length: 0, flags: 0, kind: Kind::Nothing, low: false };

    #[inline]
    fn of(packet: &Packet<'_>, tunnel: u16, seed: Seed, kind: Kind) -> Self {
        let (key, low) = Key::of(packet, tunnel);
        let (ip_length, flags) = (packet.ip_length, packet.flags);
        Self { key, hash: key.hash(seed), candidate: NO_SLOT, ip_length, flags, kind, low }
    }
}

impl Core {
    /// Loads what the packets of a batch will need, level by level, so that the misses of each level overlap: the index, the
    /// entries, what hangs off them. Plain loads whose sum is kept from the optimiser do it without unsafe code, and without
    /// a branch on what is being loaded, which would be guessed wrong and end the overlap.
    #[inline]
    pub(super) fn warm(&self, batch: &mut [Looked]) {
        let mut sum = 0;
        for looked in &*batch {
            sum ^= self.table.touch_index(looked.hash);
        }
        for looked in &mut *batch {
            looked.candidate = self.table.candidate(looked.hash);
        }
        // A loop of its own: the shorter it is, the more misses are under way at once.
        for looked in &*batch {
            sum ^= self.table.touch_entry(looked.candidate);
        }
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

    #[inline]
    pub(super) fn look(&mut self, frame: &Frame<'_>, looked: &mut Looked, arrived: &mut Arrived) {
        let mine = self.share.has_frame(frame.link, frame.bytes);
        if mine == Some(false) {
            looked.kind = Kind::Nothing;
        } else if let Some(packet) = plain(frame.link, frame.bytes) {
            arrived.add(frame.time, packet.ip_length);
            *looked = Looked::of(&packet, 0, self.seed, Kind::Plain);
        } else {
            self.walk(frame, mine, looked);
        }
    }

    /// A packet that is not an ordinary one.
    #[cold]
    fn walk(&mut self, frame: &Frame<'_>, mine: Option<bool>, looked: &mut Looked) {
        let mut tunnels = Tunnels::default();
        let dissected = dissect(frame.link, frame.bytes, &mut tunnels);
        let mine = mine.unwrap_or_else(|| self.has(&dissected));
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
        let tunnel = self.tunnel(tunnels);
        Looked::of(packet, tunnel, self.seed, Kind::Walked)
    }

    fn tunnel(&mut self, tunnels: &Tunnels) -> u16 {
        if tunnels.is_empty() { 0 } else { self.ctx.tunnels.number(tunnels) }
    }

    #[cold]
    pub(super) fn unreadable(&mut self, stop: Stop) {
        match stop {
            Stop::NotIp(what) => self.ctx.totals.not_ip(what),
            Stop::Bad(error) => self.ctx.totals.bad(error),
        }
    }
}
