//! What is done for several flows together. Each kind of work takes code that the processor's first cache would lose between one
//! flow and the next, to the code that reads packets; done for some in a row it is fetched once.

use super::{BATCH, Core};
use crate::entry::EndReason;
use crate::limits::MAX_ENDED;
use crate::table::Slot;

impl Core {
    /// Ends a flow now.
    pub(super) fn close(&mut self, slot: Slot, reason: EndReason) {
        self.write_ended();
        self.close_all(&[slot], |_, _| Some(reason));
    }

    /// Ends those flows of which `reason` says why: what is to be learnt of each first, then their records.
    pub(super) fn close_all(&mut self, slots: &[Slot], mut reason: impl FnMut(&mut Self, Slot) -> Option<EndReason>) {
        let mut reasons = [None; BATCH];
        for (slot, kept) in slots.iter().zip(&mut reasons) {
            *kept = reason(self, *slot);
            let Some(reason) = *kept else { continue };
            if let Some(entry) = self.table.entry(*slot) {
                self.ctx.end(entry, reason);
                self.ctx.close(entry);
            }
        }
        for (slot, reason) in slots.iter().zip(reasons) {
            if let Some(reason) = reason
                && let Some(entry) = self.table.remove(*slot)
            {
                self.ctx.record(&entry, reason);
            }
        }
    }

    /// Ends a flow with the packet in hand; its record is written when there are some.
    pub(super) fn close_soon(&mut self, slot: Slot, reason: EndReason) {
        let Some(mut entry) = self.table.remove(slot) else { return };
        self.ctx.end(&mut entry, reason);
        self.ctx.close(&entry);
        self.ended.push((entry, reason));
        if self.ended.len() >= MAX_ENDED {
            self.write_ended();
        }
    }

    /// Writes the records of those that ended: the frames in hand are done with, or time goes on.
    pub(super) fn write_ended(&mut self) {
        for (entry, reason) in self.ended.drain(..) {
            self.ctx.record(&entry, reason);
        }
    }
}
