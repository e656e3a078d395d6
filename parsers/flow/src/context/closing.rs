//! The records of flows: at their end, and of live ones that go on.

use super::Context;
use crate::conversation::Follower;
use crate::dns::notice;
use crate::endpoint::Endpoint;
use crate::entry::{EndReason, Entry, Phase};
use crate::record;
use crate::tls::Volume;
use transitproof_wire::Protocol;

impl Context {
    /// Settles what is open of a flow that ends.
    pub fn end(&mut self, entry: &mut Entry, reason: EndReason) {
        if let Some(mut conversation) = entry.conversation.take() {
            crate::tcp::flush(entry, &mut conversation, self);
            if let Follower::Ipsec(ipsec) = &mut conversation.follower {
                let wanted = self.wants(entry);
                self.leave_tunnel(entry, ipsec, wanted);
                if wanted {
                    self.notice_children(entry, ipsec);
                    self.notice_peers(entry, ipsec);
                    self.tell_tunnel(entry, ipsec);
                }
            }
            crate::one_sided::believe(entry, &mut conversation, self);
            crate::joined::last_look(entry, &mut conversation, self);
            if entry.phase == Phase::Open {
                crate::opening::over(entry, &mut conversation, self);
            }
            if entry.phase == Phase::Open {
                let definite = matches!(reason, EndReason::Fin | EndReason::Rst);
                match &mut conversation.follower {
                    Follower::Tls(tls) => tls.closed(definite),
                    Follower::OpenVpn(vpn) => vpn.closed(definite),
                    _ => {}
                }
                conversation.read_dialogue(entry.protocol, self.hash_key.as_ref());
                self.settle(entry, Some(&conversation));
            }
        } else if entry.phase == Phase::Open {
            self.settle(entry, None);
        }
    }

    /// Counts a flow that has ended; its record is written by [`Self::record`].
    pub fn close(&mut self, entry: &Entry) {
        if let Some(selection) = &self.selection
            && selection.is_late()
        {
            let wanted = selection.has(&entry.key, entry.protocol);
            if !self.tunnels.is_protected(entry.key.tunnel()) {
                self.totals.decided(entry, wanted);
            }
            if !wanted {
                return;
            }
        }
        if self.judges(entry)
            && let Some(facts) = notice::at_end(entry, self.dns_servers)
        {
            self.notice(entry, &facts, 0);
        }
        if has_record(entry) {
            if self.wants(entry) {
                self.pass_by(entry);
            }
            if !self.tunnels.is_opened(entry.key.tunnel()) {
                self.count(entry);
            }
        }
    }

    /// Writes the record of a flow that was closed and taken out of the table.
    pub fn record(&mut self, entry: &Entry, reason: EndReason) {
        let late = self.selection.as_ref().filter(|selection| selection.is_late());
        if has_record(entry) && late.is_none_or(|selection| selection.has(&entry.key, entry.protocol)) {
            self.write(entry, reason);
        }
        self.fragments.release(entry.fragment);
    }

    /// A record of what a flow that goes on has come to; what follows has one of its own. What is still to be learnt of it is
    /// judged as it stands, so that a tunnel of months is not first heard of at its end.
    pub fn cut(&mut self, entry: &mut Entry) {
        if !entry.is_empty() {
            if let Some(mut conversation) = entry.conversation.take() {
                crate::one_sided::believe(entry, &mut conversation, self);
                crate::joined::last_look(entry, &mut conversation, self);
                entry.conversation = Some(conversation).filter(|_| entry.phase == Phase::Open);
            }
            let mut shown = entry.outline();
            let open = entry.phase == Phase::Open;
            if open {
                let conversation = entry.conversation.take();
                self.settle(&mut shown, conversation.as_deref());
                if let Some(Follower::Ipsec(ipsec)) = conversation.as_deref().map(|c| &c.follower)
                    && self.wants(&shown)
                {
                    self.tell_tunnel(&shown, ipsec);
                }
                entry.conversation = conversation;
            }
            if self.wants(&shown) {
                self.pass_by(&shown);
                self.count(&shown);
                self.write(&shown, EndReason::Active);
            }
            if open {
                self.fragments.release(shown.fragment);
            }
        }
        entry.cut();
    }

    /// Adds up what a record says.
    fn count(&mut self, entry: &Entry) {
        self.judge_volume(entry);
        self.totals.flow(entry);
        if self.endpoints.is_some() {
            let bytes = entry.bytes[0] + entry.bytes[1];
            if let Some(totals) = self.totals_of(Endpoint::of(entry), entry.protocol) {
                totals.flows += 1;
                totals.bytes += bytes;
            }
        }
        if let Some(rollup) = &mut self.rollup
            && !rollup.count(entry)
        {
            self.totals.limit("rollup_pairs");
        }
    }

    /// What only the amount of data tells, once a flow has ended or is cut.
    fn judge_volume(&mut self, entry: &Entry) {
        let volume = self.fragments.volume(entry.fragment);
        if volume == Volume::default() || !self.wants(entry) {
            return;
        }
        let [bytes, packets] = [entry.bytes, entry.packets()].map(|[forward, reverse]| forward.max(reverse));
        let datagrams = entry.protocol != Protocol::Tls;
        if let Some((suite, measure)) = volume.is_over(bytes, packets, datagrams) {
            self.notice(entry, &notice::key_usage(suite, measure), 0);
        }
        if self.exposed && volume.is_exposed() {
            self.notice(entry, notice::EXPOSED, entry.bytes[0] + entry.bytes[1]);
        }
    }

    fn write(&mut self, entry: &Entry, reason: EndReason) {
        if self.write_flows {
            let middle = record::Middle {
                tunnel: self.tunnels.member(entry.tunnel),
                facts: self.fragments.get(entry.fragment),
                why: self.write_why,
                opened: self.tunnels.is_opened(entry.key.tunnel()),
            };
            record::write(entry, middle, reason, &mut self.clock, &mut self.records);
        }
    }
}

/// Whether something came since the last record of the flow was written.
fn has_record(entry: &Entry) -> bool {
    !(entry.continues && entry.is_empty())
}
