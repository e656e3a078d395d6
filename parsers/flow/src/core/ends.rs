//! How flows end, and what the core hands over.

use super::{BATCH, Core};
use crate::certificates::Certificate;
use crate::context::EndpointTotals;
use crate::dns::{Said, Watch};
use crate::endpoint::Endpoint;
use crate::entry::EndReason;
use crate::hash::Map;
use crate::leak::Heard;
use crate::limits::ACTIVE;
use crate::observation::Observation;
use crate::peers::Told;
use crate::rollup::Rollup;
use crate::share::Share;
use crate::time::SECOND;
use crate::totals::Totals;
use std::sync::Arc;
use transitproof_wire::Protocol;

impl Core {
    /// Ends what has been silent until `time`, on a link where no packet comes to say how late it is.
    pub fn expire(&mut self, time: u64) {
        if self.next_turn != 0 && time >= self.next_turn {
            self.turn_wheel(time);
        }
    }

    /// From now on what comes is live: flows that last get a record every [`ACTIVE`] seconds, and rollups are counted.
    pub fn stay_live(&mut self) {
        self.table.limit_age(ACTIVE * SECOND);
        self.ctx.rollup = Some(Rollup::default());
    }

    /// From now on the frames are told that are looked into because there is still something to be learnt of their flow.
    pub fn tell_opening(&mut self) {
        self.opening = Some(Vec::new());
    }

    /// Those frames since the last call: numbers, ascending, each with one that its flow's have in common.
    pub fn take_opening(&mut self) -> std::vec::Drain<'_, (u64, u64)> {
        self.opening.get_or_insert_default().drain(..)
    }

    /// What all of them counted of pairs since the last call, see [`Rollup::take`].
    pub fn take_rollup(cores: &mut [Self], most: usize) -> Vec<u8> {
        let mut all = Rollup::default();
        cores.iter_mut().for_each(|core| all.absorb(core.ctx.rollup.get_or_insert_default()));
        all.take(most)
    }

    /// Whether observations are told apart by names and chains, from now on.
    pub fn tell_names(&mut self, names: bool) {
        self.ctx.tell_names(names);
    }

    /// The clock was set by so many ns, backward if `back`: flows go on as if it had always been so.
    pub fn shift(&mut self, by: u64, back: bool) {
        self.table.shift(by, back);
        self.next_turn = if back { self.next_turn.saturating_sub(by) } else { self.next_turn.saturating_add(by) };
    }

    #[cold]
    pub(super) fn turn_wheel(&mut self, time: u64) {
        self.next_turn = (time / SECOND + 1).saturating_mul(SECOND);
        let here = (self.ctx.frame, self.ctx.time);
        self.fragments.expire(time);
        self.reassembled();
        (self.ctx.frame, self.ctx.time) = here;
        self.write_ended();
        let mut expired = std::mem::take(&mut self.expired);
        self.table.expire(time, &mut expired);
        for slots in expired.chunks(BATCH) {
            self.close_all(slots, |core, slot| match core.table.entry(slot) {
                Some(entry) if entry.deadline() > time => {
                    core.ctx.cut(entry);
                    core.table.schedule(slot);
                    None
                }
                entry => entry.map(|entry| entry.silent_end()),
            });
        }
        expired.clear();
        self.expired = expired;
        self.ctx.write_tunnels(Some(time));
        if self.share.of == 1 {
            self.ctx.tell_leaks(Some(self.ctx.time));
        }
    }

    /// Ends flows, up to `most` of them, in the order (start, 5-tuple). False once none is left: the time is forgotten then, and
    /// another capture may follow. In parts, because the records of a full table are large.
    pub fn finish(&mut self, most: usize) -> bool {
        if self.ending.is_empty() {
            self.fragments.finish();
            self.reassembled();
            self.write_ended();
            self.ending = self.table.all();
            self.ending.reverse();
        }
        let rest = self.ending.len().saturating_sub(most);
        let mut slots = self.ending.split_off(rest);
        slots.reverse();
        for batch in slots.chunks(BATCH) {
            self.table.warm(batch);
            self.close_all(batch, |core, slot| match core.table.entry(slot)?.silent_end() {
                EndReason::Idle => Some(EndReason::Eof),
                ended => Some(ended),
            });
        }
        if !self.ending.is_empty() {
            return true;
        }
        self.ctx.write_tunnels(None);
        if self.share.of == 1 {
            self.ctx.tell_leaks(None);
        }
        self.next_turn = 0;
        self.table.rewind();
        if let Some(tracking) = &mut self.tracking {
            tracking.next_capture();
        }
        false
    }

    /// Flow records written since they were taken, as JSON Lines.
    pub fn records(&self) -> &[u8] {
        &self.ctx.records
    }

    /// Records of tunnels that ended, as JSON Lines, since the last call.
    pub fn take_tunnels(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ctx.tunnel_records)
    }

    /// From now on associations of ESP and AH, and what flows come to, are told as those end or have lasted long.
    pub fn tell_tunnels(&mut self) {
        self.ctx.told.get_or_insert_default();
    }

    /// That since the last call.
    pub fn take_told(&mut self) -> Told {
        self.ctx.told.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes the records; `spare` is written next, for its room: new memory would have to be cleared by the kernel first.
    pub fn swap_records(&mut self, mut spare: Vec<u8>) -> Vec<u8> {
        spare.clear();
        std::mem::replace(&mut self.ctx.records, spare)
    }

    /// Observations counted since the last call.
    pub fn take_observations(&mut self) -> Vec<Observation> {
        self.ctx.take_observations()
    }

    /// Whether so many distinct ones have come together that they should be taken.
    pub fn many_observations(&self) -> bool {
        self.ctx.observations.are_many()
    }

    /// Certificates not handed out before.
    pub fn take_certificates(&mut self) -> Vec<Arc<Certificate>> {
        self.ctx.certificates.take_new()
    }

    /// JSON object with the counters of the summary.
    pub fn totals(&self) -> Vec<u8> {
        Self::totals_of(std::slice::from_ref(self), &self.ctx.dns_limits())
    }

    /// The same of cores that shared the frames; `limits`: those of what was done for all of them.
    pub fn totals_of(cores: &[Self], limits: &[(&'static str, u64)]) -> Vec<u8> {
        let mut totals = Totals::default();
        let (mut certificates, mut stacks) = (0, 0);
        for core in cores {
            totals.add(&core.ctx.totals);
            certificates += core.ctx.certificates.limited;
            stacks += core.ctx.tunnels.limited;
        }
        let mut out = Vec::new();
        let logs = cores.iter().filter_map(|core| core.ctx.certificates.keys.as_deref());
        // Each core has all secrets.
        let secrets = logs.clone().next().map_or(0, |log| log.limited);
        let untried = logs.clone().map(|log| log.untried).sum();
        let unsearched = logs.clone().map(|log| log.ipsec.unsearched).sum();
        let own = [
            ("certificates", certificates),
            ("tunnel_stacks", stacks),
            ("key_log_sessions", secrets),
            ("key_log_searches", untried),
            ("esp_sequence_searches", unsearched),
        ];
        totals.write(&mut out, &[&own[..], limits].concat(), logs);
        out
    }

    /// Totals by endpoint and protocol, largest first.
    pub fn endpoints(&self) -> Vec<(Endpoint, Protocol, EndpointTotals)> {
        Self::endpoints_of(std::slice::from_ref(self))
    }

    /// The same of cores that shared the frames.
    pub fn endpoints_of(cores: &[Self]) -> Vec<(Endpoint, Protocol, EndpointTotals)> {
        let mut together: Map<(Endpoint, Protocol), EndpointTotals> = Map::default();
        for (place, totals) in cores.iter().flat_map(|core| core.ctx.endpoints.iter().flatten()) {
            together.entry(*place).or_default().add(totals);
        }
        let mut all: Vec<_> =
            together.into_iter().map(|((endpoint, protocol), totals)| (endpoint, protocol, totals)).collect();
        all.sort_by(|a, b| b.2.bytes.cmp(&a.2.bytes).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
        all
    }

    /// From now on this core is one of several that are given the same frames. What they heard of DNS is for the one who watches for them all.
    pub fn share(&mut self, share: Share) {
        self.share = share;
        self.ctx.said = Some(Said::default());
    }

    /// What was learnt of tunnels, for the other cores: they may have flows that pass those by.
    pub fn take_heard(&mut self) -> Heard {
        self.ctx.leaks().take_heard()
    }

    pub fn hear_of_tunnels(&mut self, other: &Heard) {
        self.ctx.leaks().hear(other);
    }

    /// Counts the leaks of which nothing more is to be heard, once all cores have heard of each other up to that time; None for the end.
    pub fn tell_leaks(&mut self, by: Option<u64>) {
        self.ctx.tell_leaks(by);
    }

    /// That of the latest frame.
    pub fn time(&self) -> u64 {
        self.ctx.time
    }

    pub fn said(&mut self) -> &mut Said {
        self.ctx.said.get_or_insert_default()
    }

    /// One who watches DNS as this core would.
    pub fn watch(&self) -> Watch {
        Watch::new(self.ctx.dns_config)
    }

    /// Flows in the table now.
    pub fn open_flows(&self) -> usize {
        self.table.len()
    }
}
