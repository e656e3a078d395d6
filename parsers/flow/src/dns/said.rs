//! DNS messages of a core that shares a capture with others. What a client says to all its resolvers is judged together, so the
//! messages are kept until they can be put in the order of their frames.

use super::Watch;
use crate::Direction;
use crate::entry::Entry;
use crate::limits::idle;
use crate::observation::FlowId;
use crate::time::SECOND;
use std::collections::HashSet;
use transitproof_dns::Spot;
use transitproof_wire::app::dns::is_response;
use transitproof_wire::packet::ip_protocol as ip;

struct Message {
    /// What was known of its flow.
    flow: Entry,
    from: Direction,
    spot: Spot,
    /// Where the payload ends in the bytes; it begins where that of the one before ends.
    end: usize,
}

/// Flows over UDP with a query whose answer is of interest, kept for as long as such a flow may be silent: what
/// [`crate::entry::mark::AWAITED`] says of a flow when one core hears all.
#[derive(Default)]
pub struct Awaited {
    recent: HashSet<FlowId>,
    earlier: HashSet<FlowId>,
    since: u64,
}

impl Awaited {
    fn add(&mut self, flow: FlowId) {
        self.recent.insert(flow);
    }

    fn has(&mut self, flow: FlowId, time: u64) -> bool {
        if time.saturating_sub(self.since) > idle::DNS * SECOND {
            self.earlier = std::mem::take(&mut self.recent);
            self.since = time;
        }
        // What is still in use stays.
        self.recent.contains(&flow) || self.earlier.contains(&flow) && self.recent.insert(flow)
    }
}

#[derive(Default)]
pub struct Said {
    messages: Vec<Message>,
    bytes: Vec<u8>,
}

impl Said {
    pub fn push(&mut self, entry: &Entry, from: Direction, payload: &[u8], spot: Spot) {
        self.bytes.extend_from_slice(payload);
        self.messages.push(Message { flow: entry.outline(), from, spot, end: self.bytes.len() });
    }

    fn payload(&self, at: usize) -> &[u8] {
        let begin = at.checked_sub(1).map_or(0, |before| self.messages[before].end);
        self.bytes.get(begin..self.messages[at].end).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes.clear();
    }
}

impl Watch {
    /// Hears what several cores heard of the same frames. Flows are not traced.
    pub fn hear(&mut self, cores: &mut [&mut Said]) {
        let of_core = |(core, said): (usize, &&mut Said)| {
            let frames = said.messages.iter().map(|message| message.spot.frame).enumerate();
            frames.map(|(at, frame)| (frame, core, at)).collect::<Vec<_>>()
        };
        let mut order: Vec<_> = cores.iter().enumerate().flat_map(of_core).collect();
        // Runs in ascending order, which this sort merges. Those of one frame are one core's and stay as they are.
        order.sort();
        for (_, core, at) in order {
            let said = &cores[core];
            let Message { flow, from, spot, .. } = &said.messages[at];
            let (payload, id) = (said.payload(at), FlowId::of(flow));
            let over_udp = flow.key.transport() == ip::UDP;
            let known = over_udp && self.awaited.has(id, spot.time);
            let answer = is_response(payload);
            if over_udp && answer && !known && flow.packets[from.other() as usize] > 0 {
                continue;
            }
            if self.message(flow, *from, payload, *spot, false) && over_udp && !answer {
                self.awaited.add(id);
            }
        }
        cores.iter_mut().for_each(|said| said.clear());
    }
}
