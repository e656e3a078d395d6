//! DNS messages of a core that shares a capture with others. What a client says to all its resolvers is judged together, so the
//! messages are kept until they can be put in the order of their frames.

use super::Watch;
use crate::Direction;
use crate::entry::Entry;
use crate::hash::Set;
use crate::key::Key;
use crate::limits::idle;
use crate::observation::FlowId;
use crate::time::SECOND;
use transitproof_dns::Spot;
use transitproof_wire::app::dns::is_response;
use transitproof_wire::packet::ip_protocol as ip;

/// A message, with what was known of its flow. There may be a hundred thousand at a time.
struct Message {
    key: Key,
    start: u64,
    spot: Spot,
    /// Where the payload ends in the bytes; it begins where that of the one before ends.
    end: usize,
    marks: u8,
    /// Whether anything was sent in each direction.
    heard: [bool; 2],
    from: Direction,
    /// Its flow ends with it.
    ends: bool,
}

impl Message {
    fn flow(&self) -> Entry {
        Entry::of_dns(self.key, self.start, self.marks, self.heard.map(u64::from))
    }
}

/// Flows with queries of interest at a time, some 14 MB; with more, every answer is looked at, which costs time and nothing else.
const MAX_AWAITED: usize = 1 << 18;

/// Flows over UDP of which a query was of interest, until they end or have been silent for as long as such a flow may be: what
/// [`crate::entry::mark::AWAITED`] says of a flow when one core hears all.
#[derive(Default)]
pub struct Awaited {
    recent: Set<FlowId>,
    earlier: Set<FlowId>,
    since: u64,
    /// There were too many lately.
    full: bool,
}

impl Awaited {
    fn asked(&mut self, flow: FlowId, time: u64, of_interest: bool) {
        self.turn(time);
        if of_interest || self.earlier.contains(&flow) {
            self.keep(flow);
        }
    }

    /// An answer, with which the flow `ends` or not; whether it is of interest.
    fn answered(&mut self, flow: FlowId, time: u64, ends: bool) -> bool {
        self.turn(time);
        let known = self.recent.contains(&flow) || self.earlier.contains(&flow);
        match (known, ends) {
            (true, true) => _ = (self.recent.remove(&flow), self.earlier.remove(&flow)),
            (true, false) => self.keep(flow),
            (false, _) => {}
        }
        known || self.full
    }

    fn keep(&mut self, flow: FlowId) {
        self.earlier.remove(&flow);
        if self.recent.len() < MAX_AWAITED {
            self.recent.insert(flow);
        } else {
            self.full |= !self.recent.contains(&flow);
        }
    }

    fn turn(&mut self, time: u64) {
        if time.saturating_sub(self.since) > idle::DNS * SECOND {
            self.full = self.recent.len() >= MAX_AWAITED;
            self.earlier = std::mem::take(&mut self.recent);
            self.since = time;
        }
    }
}

#[derive(Default)]
pub struct Said {
    messages: Vec<Message>,
    bytes: Vec<u8>,
}

impl Said {
    /// `ends`: with this message its flow does.
    pub fn push(&mut self, entry: &Entry, from: Direction, payload: &[u8], spot: Spot, ends: bool) {
        self.bytes.extend_from_slice(payload);
        self.messages.push(Message {
            key: entry.key,
            start: entry.start,
            spot,
            end: self.bytes.len(),
            marks: entry.marks,
            heard: entry.packets().map(|packets| packets > 0),
            from,
            ends,
        });
    }

    fn payload(&self, at: usize) -> &[u8] {
        let begin = at.checked_sub(1).map_or(0, |before| self.messages[before].end);
        self.bytes.get(begin..self.messages[at].end).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.bytes.clear();
    }
}

impl Watch {
    /// Hears what several cores heard of the same frames. Flows are not traced.
    pub fn hear(&mut self, cores: &mut [Said]) {
        // What each core says is in the order of its frames, and a frame is one core's. So is most of what comes together.
        let mut next = vec![0; cores.len()];
        let frame = |core: usize, at: usize| cores[core].messages.get(at).map_or(u64::MAX, |said| said.spot.frame);
        while let Some(core) = (0..next.len()).min_by_key(|core| frame(*core, next[*core])) {
            let others = (0..next.len()).filter(|other| *other != core).map(|other| frame(other, next[other])).min();
            let others = others.unwrap_or(u64::MAX);
            let said = &cores[core];
            let begin = next[core];
            while let Some(message) = said.messages.get(next[core]).filter(|said| said.spot.frame <= others) {
                self.hear_one(message, said.payload(next[core]));
                next[core] += 1;
            }
            if next[core] == begin {
                break; // no core has any more
            }
        }
        cores.iter_mut().for_each(Said::clear);
    }

    fn hear_one(&mut self, said: &Message, payload: &[u8]) {
        let (flow, from, time) = (said.flow(), said.from, said.spot.time);
        let over_udp = flow.key.transport() == ip::UDP;
        let answer = is_response(payload);
        if over_udp && answer {
            let awaited = self.awaited.answered(FlowId::of(&flow), time, said.ends);
            if !awaited && said.heard[from.other() as usize] {
                return;
            }
        }
        let of_interest = self.message(&flow, from, payload, said.spot, false);
        if over_udp && !answer {
            self.awaited.asked(FlowId::of(&flow), time, of_interest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(n: u64) -> FlowId {
        FlowId::of(&Entry::of_dns(Key::NONE, n, 0, [1, 0]))
    }

    #[test]
    fn answers_are_awaited_until_the_flow_ends_and_no_longer_than_it_lasts() {
        let mut awaited = Awaited::default();
        awaited.asked(flow(1), SECOND, true);
        awaited.asked(flow(1), SECOND, false);
        awaited.asked(flow(2), SECOND, false);
        assert!(!awaited.answered(flow(2), 2 * SECOND, false), "of no interest");
        // One more than was asked for, as when an answer comes twice.
        for time in [2, 8, 14] {
            assert!(awaited.answered(flow(1), time * SECOND, false), "{time}");
        }
        awaited.asked(flow(1), 22 * SECOND, false);
        assert!(awaited.answered(flow(1), 30 * SECOND, true) && !awaited.answered(flow(1), 30 * SECOND, false));
        awaited.asked(flow(3), 31 * SECOND, true);
        awaited.turn(45 * SECOND);
        awaited.turn(60 * SECOND);
        assert!(!awaited.answered(flow(3), 61 * SECOND, false), "too late");
        assert!(awaited.recent.is_empty() && awaited.earlier.is_empty());
    }

    #[test]
    fn a_flood_without_answers_is_bounded_and_no_answer_is_passed_over() {
        let mut awaited = Awaited::default();
        for n in 0..2 * MAX_AWAITED as u64 {
            awaited.asked(flow(n), SECOND, true);
        }
        assert_eq!(awaited.recent.len(), MAX_AWAITED);
        assert!(awaited.answered(flow(2 * MAX_AWAITED as u64 - 1), SECOND, true));
        assert!(size_of::<FlowId>() * MAX_AWAITED <= 14 << 20 && size_of::<Message>() <= 88);
    }
}
