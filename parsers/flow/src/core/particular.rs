//! Runs that are about a part of the packets, or that want to know which belong to which flow: frame by frame, off the path
//! of the runs that want everything.

use super::{Core, Frame};
use crate::endpoint::EAPOL;
use crate::key::Key;
use crate::observation::FlowId;
use crate::select::Selection;
use std::collections::HashSet;
use std::sync::Arc;
use transitproof_wire::packet::{Stop, Tunnels, dissect};

/// A frame of a run: number of the capture, from 0, and number in it.
pub type FrameId = (u32, u64);

/// Flows whose packets are wanted, and those of their frames that are fragments.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub flows: HashSet<FlowId>,
    pub fragments: HashSet<FrameId>,
}

/// Which packets belong to which flow.
#[derive(Default)]
pub(super) struct Tracking {
    capture: u32,
    /// Flow of the packet in hand.
    latest: Option<FlowId>,
    /// Frames of fragments and their flows: these are known only when the datagram is whole.
    fragments: Vec<(FlowId, FrameId)>,
    wanted: Option<Arc<Wanted>>,
    /// Numbers of the frames whose packets are wanted.
    marked: Vec<u64>,
}

impl Tracking {
    pub(super) fn packet(&mut self, flow: FlowId, frame: u64) {
        self.latest = Some(flow);
        let is_wanted = self.wanted.as_ref().is_some_and(|wanted| wanted.flows.contains(&flow));
        // A packet inside a readable one comes with the same frame.
        if is_wanted && self.marked.last() != Some(&frame) {
            self.marked.push(frame);
        }
    }

    pub(super) fn latest(&self) -> Option<FlowId> {
        self.latest
    }

    pub(super) fn set_latest(&mut self, flow: Option<FlowId>) {
        self.latest = flow;
    }

    pub(super) fn next_capture(&mut self) {
        self.capture += 1;
    }
}

impl Core {
    /// Leaves out what does not belong to the selection.
    pub fn select(&mut self, selection: Selection) {
        self.ctx.select(selection);
    }

    /// Observations name every flow that is counted onto them from now on.
    pub fn trace(&mut self) {
        self.ctx.trace = true;
        self.fragments.trace = true;
        self.tracking.get_or_insert_default();
    }

    /// What a core that is fed the same has to mark of these flows.
    pub fn wanted(&self, flows: HashSet<FlowId>) -> Wanted {
        let fragments = self.tracking.iter().flat_map(|tracking| &tracking.fragments);
        let fragments = fragments.filter(|(flow, _)| flows.contains(flow)).map(|(_, frame)| *frame).collect();
        Wanted { flows, fragments }
    }

    /// Marks these packets from now on.
    pub fn follow(&mut self, wanted: &Arc<Wanted>) {
        self.tracking.get_or_insert_default().wanted.get_or_insert_with(|| wanted.clone());
    }

    /// Numbers of the frames that were marked since the last call.
    pub fn marked(&mut self) -> std::vec::Drain<'_, u64> {
        self.tracking.get_or_insert_default().marked.drain(..)
    }

    pub(super) fn is_particular(&self) -> bool {
        self.tracking.is_some() || self.ctx.selects()
    }

    pub(super) fn particular_frame(&mut self, frame: &Frame<'_>) {
        let mut tunnels = Tunnels::default();
        let dissected = dissect(frame.link, frame.bytes, &mut tunnels);
        let mine = self.share.has_frame(frame.link, frame.bytes).unwrap_or_else(|| self.has(&dissected));
        if !self.ctx.has_time(frame.time) {
            if mine {
                self.ctx.totals.left_out();
            }
            return;
        }
        match dissected {
            Err(_) if !mine => {}
            Err(Stop::NotIp(EAPOL)) if self.particular_eapol(frame) => {}
            Err(Stop::NotIp(_)) if self.ctx.asks_for_flows() => self.ctx.totals.left_out(),
            Err(stop) => {
                self.ctx.totals.packet(frame.time);
                self.unreadable(stop);
            }
            Ok(packet) if packet.fragment.is_some() => {
                if let Some(tracking) = &mut self.tracking
                    && let Some(wanted) = &tracking.wanted
                    && wanted.fragments.contains(&(tracking.capture, frame.number))
                {
                    tracking.marked.push(frame.number);
                }
                self.fragment(frame);
            }
            Ok(packet) if !mine => {
                if self.ctx.may_have(&Key::of(&packet, 0).0) {
                    self.pass_over(frame);
                }
            }
            Ok(packet) => {
                let looked = self.place(&packet, &tunnels);
                if self.ctx.admits(&looked.key, 1, frame.time) {
                    self.single_packet(frame, &packet, &looked);
                }
            }
        }
    }

    /// The fragments in these frames belong to the flow of the packet in hand. What that was marked as is not a frame of now.
    pub(super) fn track_fragments(&mut self, frames: &[u64], marked: usize) {
        if let Some(tracking) = &mut self.tracking {
            tracking.marked.truncate(marked);
            if let Some(flow) = tracking.latest
                && tracking.wanted.is_none()
            {
                tracking.fragments.extend(frames.iter().map(|frame| (flow, (tracking.capture, *frame))));
            }
        }
    }

    pub(super) fn marks(&self) -> usize {
        self.tracking.as_ref().map_or(0, |tracking| tracking.marked.len())
    }
}
