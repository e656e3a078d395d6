//! DNS messages of a core that shares a capture with others. What a client says to all its resolvers is judged together, so the
//! messages are kept until they can be put in the order of their frames.

use super::Watch;
use crate::Direction;
use crate::entry::Entry;
use crate::hash::Map;
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
}

impl Message {
    fn flow(&self) -> Entry {
        Entry::of_dns(self.key, self.start, self.marks, self.heard.map(u64::from))
    }
}

/// Flows whose answers are waited for at a time, some 20 MB; with more, every answer is looked at, which costs time and nothing else.
const MAX_AWAITED: usize = 1 << 18;

/// Queries of one flow.
#[derive(Clone, Copy, Default)]
struct Waiting {
    queries: u32,
    /// One of them at least is of interest, and so is every answer.
    of_interest: bool,
}

/// Flows over UDP with queries that wait for their answers, for as long as such a flow may be silent: what
/// [`crate::entry::mark::AWAITED`] says of a flow when one core hears all.
#[derive(Default)]
pub struct Awaited {
    recent: Map<FlowId, Waiting>,
    earlier: Map<FlowId, Waiting>,
    since: u64,
    /// There were too many lately.
    full: bool,
}

impl Awaited {
    fn asked(&mut self, flow: FlowId, time: u64, of_interest: bool) {
        self.turn(time);
        if self.recent.len() >= MAX_AWAITED {
            self.full = true;
            return;
        }
        let earlier = self.earlier.remove(&flow).unwrap_or_default();
        let waiting = self.recent.entry(flow).or_default();
        waiting.queries += 1 + earlier.queries;
        waiting.of_interest |= of_interest | earlier.of_interest;
    }

    /// An answer; whether it is of interest.
    fn answered(&mut self, flow: FlowId, time: u64) -> bool {
        self.turn(time);
        let known = self.recent.remove(&flow).or_else(|| self.earlier.remove(&flow));
        let Some(waiting) = known else { return self.full };
        if waiting.queries > 1 {
            self.recent.insert(flow, Waiting { queries: waiting.queries - 1, ..waiting });
        }
        waiting.of_interest
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
    pub fn push(&mut self, entry: &Entry, from: Direction, payload: &[u8], spot: Spot) {
        self.bytes.extend_from_slice(payload);
        self.messages.push(Message {
            key: entry.key,
            start: entry.start,
            spot,
            end: self.bytes.len(),
            marks: entry.marks,
            heard: entry.packets().map(|packets| packets > 0),
            from,
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
            let awaited = self.awaited.answered(FlowId::of(&flow), time);
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
    fn answers_are_awaited_until_they_came_and_no_longer_than_a_flow_lasts() {
        let mut awaited = Awaited::default();
        awaited.asked(flow(1), SECOND, false);
        awaited.asked(flow(1), SECOND, true);
        awaited.asked(flow(2), SECOND, false);
        assert!(awaited.answered(flow(1), 2 * SECOND) && awaited.answered(flow(1), 13 * SECOND));
        assert!(!awaited.answered(flow(1), 13 * SECOND), "both came");
        assert!(!awaited.answered(flow(2), 13 * SECOND), "of no interest");
        awaited.asked(flow(3), 14 * SECOND, true);
        awaited.turn(30 * SECOND);
        awaited.turn(50 * SECOND);
        assert!(!awaited.answered(flow(3), 51 * SECOND), "too late");
        assert!(awaited.recent.is_empty() && awaited.earlier.is_empty());
    }

    #[test]
    fn a_flood_without_answers_is_bounded_and_no_answer_is_passed_over() {
        let mut awaited = Awaited::default();
        for n in 0..2 * MAX_AWAITED as u64 {
            awaited.asked(flow(n), SECOND, true);
        }
        assert_eq!(awaited.recent.len(), MAX_AWAITED);
        assert!(awaited.answered(flow(2 * MAX_AWAITED as u64 - 1), SECOND));
        assert!(size_of::<(FlowId, Waiting)>() * MAX_AWAITED <= 20 << 20 && size_of::<Message>() <= 88);
    }
}
