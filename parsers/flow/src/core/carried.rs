//! Flows of which nothing more is to be learnt, counted by somebody else: the kernel, on a live interface.

use super::Core;
use crate::entry::{Entry, Phase};
use crate::key::Key;
use transitproof_wire::{Class, packet::ip_protocol as ip};

/// After so many packets in one direction a settled flow is told, and again after as many more: by then it is likely to be
/// long. To have one counted elsewhere costs about as much as counting fifty packets here; at 128 a load of middling flows
/// (`small` of the benchmark) was a fifth slower with it than without.
pub(super) const OFTEN: u32 = 512;
/// Flows told at a time; the others are told when they come by again.
const MOST: usize = 1024;

/// IPsec is always read: sequence numbers of every packet count.
#[cold]
pub(super) fn tell(settled: &mut Option<Vec<Key>>, entry: &Entry) {
    let Some(settled) = settled.as_mut().filter(|settled| settled.len() < MOST) else { return };
    let transport = matches!(entry.key.transport(), ip::TCP | ip::UDP);
    if transport && entry.key.tunnel() == 0 && entry.class() != Class::Ipsec && !entry.closed() {
        settled.push(entry.key);
    }
}

impl Core {
    /// From now on flows that are only counted are told to [`Self::take_settled`].
    pub fn tell_settled(&mut self) {
        self.settled = Some(Vec::new());
    }

    /// Such flows, met since the last call.
    pub fn take_settled(&mut self) -> Vec<Key> {
        self.settled.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Packets that somebody else counted, sent by the low end of the key or to it. Those of a flow that is gone are in the totals.
    pub fn carried(&mut self, key: &Key, low: bool, packets: u64, bytes: u64, last: u64) {
        if packets == 0 {
            return;
        }
        self.ctx.totals.carried(packets, bytes, last);
        let hash = key.hash(self.seed);
        let Some(slot) = self.table.find(key, hash, self.table.candidate(hash)) else { return };
        let Some(entry) = self.table.entry(slot).filter(|entry| entry.phase != Phase::Open) else { return };
        if entry.is_empty() {
            entry.begin(entry.last);
        }
        let from = entry.direction(low);
        entry.add_packets(from, packets);
        entry.bytes[from as usize] += bytes;
        entry.last = entry.last.max(last);
    }
}
