//! What is done for several flows together. Each kind of work takes code that the processor's first cache would lose between one
//! flow and the next, to the code that reads packets; done for some in a row it is fetched once.

use super::{BATCH, Core};
use crate::context::Postponed;
use crate::entry::{EndReason, Entry};
use crate::intern::TO_COME;
use crate::limits::MAX_POSTPONED;
use crate::table::{NO_SLOT, Slot};

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
            if self.table.peek(*slot).is_some_and(is_due) {
                self.settle_postponed();
            }
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
        if self.table.peek(slot).is_some_and(is_due) {
            return self.close(slot, reason);
        }
        if let Some(entry) = self.table.remove(slot) {
            let (frame, time) = (self.ctx.frame, self.ctx.time);
            self.ended.push(Ended { entry, reason, frame, time });
        }
        if self.ended.len() >= MAX_POSTPONED {
            self.close_ended();
        }
    }

    fn close_ended(&mut self) {
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

    /// Tells what was put off of flows that have settled.
    pub(super) fn settle_postponed(&mut self) {
        if self.ctx.postponed.is_empty() {
            return;
        }
        self.ctx.tell_postponed();
        for Postponed { entry: told, .. } in self.ctx.postponed.drain(..) {
            let slot = self.table.find(&told.key, told.hash, NO_SLOT);
            if let Some(entry) = slot.and_then(|slot| self.table.entry(slot))
                && entry.fragment == TO_COME
            {
                entry.fragment = told.fragment;
            }
        }
    }

    /// Nothing is put off any more: the frames in hand are done with, or time goes on.
    pub(super) fn catch_up(&mut self) {
        self.settle_postponed();
        self.close_ended();
    }
}

/// Whether a flow has something that is to be told after what others wait with, or waits itself.
fn is_due(entry: &Entry) -> bool {
    entry.conversation.is_some() || entry.fragment == TO_COME
}
