//! What is done for several flows together. Each kind of work takes code that the processor's first cache would lose between one
//! flow and the next, to the code that reads packets; done for some in a row it is fetched once.

use super::{BATCH, Core};
use crate::entry::{EndReason, Entry};
use crate::limits::MAX_ENDED;
use crate::table::Slot;

/// A flow whose record is to be written, and the packet that ended it.
pub(super) struct Ended {
    entry: Entry,
    reason: EndReason,
    frame: u64,
    time: u64,
}

impl Core {
    /// Ends a flow now.
    pub(super) fn close(&mut self, slot: Slot, reason: EndReason) {
        self.close_ended();
        self.close_all(&[slot], |_, _| Some(reason));
    }

    /// Ends those flows of which `reason` says why; all that is to be settled is settled first.
    pub(super) fn close_all(&mut self, slots: &[Slot], mut reason: impl FnMut(&mut Self, Slot) -> Option<EndReason>) {
        let mut reasons = [None; BATCH];
        for (slot, kept) in slots.iter().zip(&mut reasons) {
            *kept = reason(self, *slot);
            let Some(reason) = *kept else { continue };
            if let Some(entry) = self.table.entry(*slot) {
                self.ctx.end(entry, reason);
            }
        }
        for (slot, reason) in slots.iter().zip(reasons) {
            if let Some(reason) = reason
                && let Some(entry) = self.table.remove(*slot)
            {
                self.ctx.close(&entry, reason);
            }
        }
    }

    /// Ends a flow with the packet in hand; its record is written when there are some.
    pub(super) fn close_soon(&mut self, slot: Slot, reason: EndReason) {
        if let Some(entry) = self.table.remove(slot) {
            let (frame, time) = (self.ctx.frame, self.ctx.time);
            self.ended.push(Ended { entry, reason, frame, time });
        }
        if self.ended.len() >= MAX_ENDED {
            self.close_ended();
        }
    }

    /// Writes the records of those that ended: the frames in hand are done with, or time goes on.
    pub(super) fn close_ended(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        let here = (self.ctx.frame, self.ctx.time);
        for ended in &mut self.ended {
            (self.ctx.frame, self.ctx.time) = (ended.frame, ended.time);
            self.ctx.end(&mut ended.entry, ended.reason);
        }
        for ended in self.ended.drain(..) {
            (self.ctx.frame, self.ctx.time) = (ended.frame, ended.time);
            self.ctx.close(&ended.entry, ended.reason);
        }
        (self.ctx.frame, self.ctx.time) = here;
    }
}
