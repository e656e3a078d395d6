//! The heart of the core: frames in, flow records, observations and certificates out. Time is the packets' own.
//!
//! Packets go through in small batches: headers of all of them first, then the lines of the table that they will need, then
//! the work itself. The lines of one batch are under way while the next one is looked at and the one before is worked on.

mod ahead;
mod carried;
mod eapol;
mod ends;
mod particular;
mod portless;
mod protected;
mod reassembly;
mod sctp;
mod together;

use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::entry::{EndReason, Entry, Phase, mark};
use crate::fragments::Fragments;
use crate::hash_key::HashKey;
use crate::key::{Key, Seed};
use crate::keys::KeyLog;
use crate::leak::Policy;
use crate::limits::{MAX_OPENING_PACKETS, idle};
use crate::looked::{Kind, Looked};
use crate::observation::FlowId;
use crate::share::Share;
use crate::stations::Stations;
use crate::table::{Slot, Table};
use crate::time::SECOND;
use crate::totals::Arrived;
use crate::why::{What, Why};
use crate::{later, tcp, udp};
use particular::Tracking;
pub use particular::Wanted;
use std::sync::Arc;
use transitproof_wire::packet::{Packet, Tunnels, dissect, ip_protocol as ip, plain, tcp_flags};
use transitproof_wire::{ParseError, Protocol};

/// Packets looked at ahead. Enough misses to keep the memory busy, few enough to stay in the first-level cache.
const BATCH: usize = 64;

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// ns since the Unix epoch.
    pub time: u64,
    /// LINKTYPE_ of the interface.
    pub link: u16,
    /// From 1 within the capture.
    pub number: u64,
    pub bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Write flow records.
    pub flows: bool,
    /// Say in flow records what decided the class.
    pub why: bool,
    /// Keep totals by endpoint.
    pub endpoints: bool,
    /// Tell observations apart by names and chains in their facts, because a rule asks for them.
    pub names: bool,
    pub max_flows: usize,
    /// Keys the hashes; records do not depend on it.
    pub seed: u64,
}

pub struct Core {
    table: Table,
    ctx: Context,
    fragments: Fragments,
    stations: Stations,
    seed: Seed,
    share: Share,
    /// The time at which the wheel turns next: the second behind that of the latest packet. Never goes back.
    next_turn: u64,
    expired: Vec<Slot>,
    /// Slots that [`Core::finish`] has still to end, the last one first.
    ending: Vec<Slot>,
    /// Flows that have ended and whose records are written once some have come together.
    ended: Vec<(Entry, EndReason)>,
    tracking: Option<Box<Tracking>>,
    /// Frames that were looked into, with a number of their flow, if somebody keeps those.
    opening: Option<Vec<(u64, u64)>>,
    /// Flows of which nothing more is to be learnt and that go on, if somebody can count those elsewhere.
    settled: Option<Vec<Key>>,
}

impl Core {
    pub fn new(config: Config) -> Self {
        Self {
            table: Table::new(config.max_flows),
            ctx: Context::new(&config),
            fragments: Fragments::default(),
            stations: Stations::default(),
            seed: Seed::new(config.seed),
            share: Share::ALL,
            next_turn: 0,
            expired: Vec::new(),
            ending: Vec::new(),
            ended: Vec::new(),
            tracking: None,
            opening: None,
            settled: None,
        }
    }

    /// Hashes with this key the secrets that are seen in the clear.
    pub fn hash_with(&mut self, key: HashKey) {
        self.ctx.hash_key = Some(key);
    }

    /// Observations tell what the client offered and how much the server hid, see [`crate::observation::Observation::session`].
    pub fn tell_sessions(&mut self) {
        self.ctx.tells_sessions = true;
    }

    /// Tell how much a quantum computer could read.
    pub fn tell_exposed(&mut self) {
        self.ctx.exposed = true;
    }

    /// How DNS is to be looked at; what was remembered of it is forgotten.
    /// `servers`: tell which servers were asked, for whoever knows which should be.
    pub fn watch_dns(&mut self, config: transitproof_dns::Config, servers: bool) {
        self.ctx.watch_dns(config, servers);
    }

    /// What is remembered of DNS, for [`Self::restore_dns`] of another core.
    pub fn save_dns(&mut self) -> Vec<u8> {
        self.ctx.dns().save()
    }

    pub fn restore_dns(&mut self, state: &[u8]) -> Result<(), ParseError> {
        self.ctx.dns().restore(state)
    }

    /// Flows that one of these policies covers are told if they are seen outside of tunnels. False if there are too many.
    pub fn protect(&mut self, policies: &[Arc<Policy>]) -> bool {
        policies.iter().all(|policy| self.ctx.leaks().add(policy.clone()))
    }

    /// The same as the host says it, instead of what it said before.
    pub fn protect_as_host(&mut self, policies: &[Arc<Policy>]) -> bool {
        self.ctx.leaks().replace_host(policies)
    }

    /// Where secrets of sessions are put; those that are there when a ServerHello comes open what is behind it.
    pub fn keys(&mut self) -> &mut KeyLog {
        self.ctx.certificates.keys.get_or_insert_default()
    }

    /// Processes frames in their order.
    pub fn frames(&mut self, frames: &[Frame<'_>]) {
        if self.is_particular() {
            frames.iter().for_each(|frame| self.particular_frame(frame));
            return self.write_ended();
        }
        let seed = self.seed;
        let first = |frame: &Frame<'_>, looked: &mut Looked| *looked = Looked::at(frame, seed);
        let mut all = [[const { Looked::NOTHING }; BATCH]; 2];
        let [mut now, mut then] = all.each_mut();
        let mut batches = frames.chunks(BATCH);
        let Some(mut batch) = batches.next() else { return };
        let mut arrived = self.look(batch, now, first);
        loop {
            let next = batches.next();
            let looked = &mut now[..batch.len()];
            let coming = self.batch(batch, looked, &arrived, |core| next.map(|next| core.look(next, then, first)));
            let (Some(next), Some(coming)) = (next, coming) else { return self.write_ended() };
            (batch, arrived) = (next, coming);
            std::mem::swap(&mut now, &mut then);
        }
    }

    /// The same of frames that [`crate::Shares`] looked at and gave to this core.
    pub fn given(&mut self, frames: &[Frame<'_>], looked: &mut [Looked]) {
        if self.is_particular() {
            frames.iter().for_each(|frame| self.particular_frame(frame));
            return self.write_ended();
        }
        // Whoever divided them has looked.
        let first = |_: &Frame<'_>, _: &mut Looked| {};
        let mut batches = frames.chunks(BATCH).zip(looked.chunks_mut(BATCH));
        let Some((mut batch, mut looked)) = batches.next() else { return };
        let mut arrived = self.look(batch, looked, first);
        loop {
            let mut next = batches.next();
            let ahead = |core: &mut Self| next.as_mut().map(|(batch, looked)| core.look(batch, looked, first));
            let coming = self.batch(batch, looked, &arrived, ahead);
            let (Some(next), Some(coming)) = (next, coming) else { return self.write_ended() };
            ((batch, looked), arrived) = (next, coming);
        }
    }

    /// Works on a batch, after a look at the next one: what this one needs of the table is under way meanwhile.
    #[inline]
    fn batch<T>(
        &mut self,
        frames: &[Frame<'_>],
        looked: &mut [Looked],
        arrived: &Arrived,
        ahead: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.find(looked);
        let coming = ahead(self);
        self.ctx.totals.arrived(arrived);
        self.warm(looked);
        for (frame, looked) in frames.iter().zip(&*looked) {
            match looked.kind {
                Kind::Plain | Kind::Walked => self.packet(frame, looked),
                Kind::Fragment => self.fragment(frame),
                Kind::Eapol => self.eapol(frame),
                Kind::Nothing | Kind::Odd => self.pass_over(frame),
                Kind::Said => {
                    self.pass_over(frame);
                    self.hear(frame);
                }
            }
        }
        coming
    }

    /// Time goes on, whatever there is to count.
    #[inline]
    fn pass_over(&mut self, frame: &Frame<'_>) {
        (self.ctx.frame, self.ctx.time) = (frame.number, frame.time);
        if frame.time >= self.next_turn {
            self.turn_wheel(frame.time);
        }
    }

    /// What DNS says of services matters to handshakes between any addresses.
    #[cold]
    fn hear(&mut self, frame: &Frame<'_>) {
        if let Some(packet) = plain(frame.link, frame.bytes) {
            self.ctx.certificates.configurations.hear(packet.payload);
        }
    }

    #[inline]
    fn packet(&mut self, frame: &Frame<'_>, looked: &Looked) {
        self.pass_over(frame);
        // Nearly every packet of a busy link: one of a flow of which nothing more is to be learnt.
        if let Some(entry) = self.table.candidate_entry(looked.candidate, &looked.key)
            && looked.flags & (tcp_flags::SYN | tcp_flags::FIN | tcp_flags::RST) == 0
            && frame.time.saturating_sub(entry.last) <= idle::CLOSED * SECOND
        {
            if entry.phase == Phase::Settled || later::passes(entry, looked) {
                let from = entry.count(looked.low, frame.time, looked.ip_length);
                if entry.is_multiple_of(from, carried::OFTEN) {
                    carried::tell(&mut self.settled, entry);
                }
                return;
            }
            if entry.phase == Phase::Served && later::packet(entry, frame, looked, &mut self.ctx) {
                return;
            }
            let ends_there = self.opening.is_none() && self.ctx.certificates.keys.is_none();
            if ends_there && protected::count(entry, frame, looked) {
                return;
            }
        }
        self.read_packet(frame, looked);
    }

    /// The same for all others: the packet is read whole.
    fn read_packet(&mut self, frame: &Frame<'_>, looked: &Looked) {
        let mut tunnels = Tunnels::default();
        let packet = match looked.kind {
            Kind::Plain => plain(frame.link, frame.bytes),
            _ => dissect(frame.link, frame.bytes, &mut tunnels).ok(),
        };
        self.ctx.tunnels.number(&tunnels);
        if let Some(packet) = packet {
            self.open_packet(frame, &packet, looked);
        }
    }

    /// A packet that did not come as a frame of its own, or in a run that is about a part of them.
    fn single_packet(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, looked: &Looked) {
        self.pass_over(frame);
        self.ctx.totals.bytes += u64::from(packet.ip_length);
        self.open_packet(frame, packet, looked);
    }

    fn open_packet(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, looked: &Looked) {
        let known = self.table.find(&looked.key, looked.hash, looked.candidate);
        let found = known.and_then(|slot| self.still_open(slot, frame.time, packet));
        let slot = found.unwrap_or_else(|| self.open(frame.time, packet, looked));
        let Some(entry) = self.table.entry(slot) else { return };
        if entry.is_empty() {
            entry.begin(frame.time);
        }
        let from = entry.count(looked.low, frame.time, packet.ip_length);
        if let Some(tracking) = &mut self.tracking {
            tracking.packet(FlowId::of(entry), frame.number);
        }
        if let Some(opening) = &mut self.opening
            && entry.phase == Phase::Open
            && entry.packets().iter().sum::<u64>() <= MAX_OPENING_PACKETS
        {
            opening.push((frame.number, u64::from(entry.hash) ^ entry.start.rotate_left(32)));
        }
        let end = match packet.transport {
            ip::TCP => {
                if tcp::segment(entry, from, packet, &mut self.ctx) {
                    self.table.schedule(slot);
                }
                None
            }
            _ if entry.phase == Phase::Settled => None,
            ip::UDP | ip::UDP_LITE | ip::DCCP | ip::SCTP => {
                let before = entry.protocol;
                let end = if packet.transport == ip::SCTP {
                    sctp::packet(entry, from, packet, &mut self.ctx)
                } else {
                    udp::datagram(entry, from, packet, &mut self.ctx)
                };
                if entry.protocol != before {
                    self.table.schedule(slot); // a shorter silence may end it now
                }
                end
            }
            _ => {
                portless::packet(entry, from, packet, &mut self.ctx);
                None
            }
        };
        let readable = self.table.entry(slot).is_some_and(|entry| {
            protected::may_be_readable(entry, || {
                self.ctx.certificates.keys.as_ref().is_some_and(|keys| keys.ipsec.has_esp())
            })
        });
        if let Some(reason) = end {
            self.close_soon(slot, reason);
        } else if readable {
            self.protected(slot, frame, packet);
        }
    }

    /// The flow that a packet belongs to may have ended already: by silence, or by a SYN that follows its end.
    #[inline]
    fn still_open(&mut self, slot: Slot, time: u64, packet: &Packet<'_>) -> Option<Slot> {
        let entry = self.table.entry(slot)?;
        let reopens = packet.flags & (tcp_flags::SYN | tcp_flags::ACK) == tcp_flags::SYN && entry.closed();
        let silent = time.saturating_sub(entry.last) > idle::CLOSED * SECOND && entry.deadline() <= time;
        let another = entry.protocol == Protocol::Ike && begins_another(entry, packet);
        if !reopens && !silent && !another {
            return Some(slot);
        }
        let reason = if another { EndReason::Active } else { entry.silent_end() };
        self.close(slot, reason);
        None
    }

    fn open(&mut self, time: u64, packet: &Packet<'_>, looked: &Looked) -> Slot {
        if self.table.is_full()
            && let Some(victim) = self.table.victim()
        {
            self.ctx.totals.limit("max_flows");
            self.close(victim, EndReason::Evicted);
        }
        // The first packet's sender, unless it answers a SYN that was not seen.
        let answers = packet.transport == ip::TCP
            && packet.flags & (tcp_flags::SYN | tcp_flags::ACK) == tcp_flags::SYN | tcp_flags::ACK;
        let (protocol, next_seq) = match packet.transport {
            ip::ICMP => (Protocol::Icmp, [u32::from(packet.src_port), u32::from(packet.dst_port)]),
            ip::ICMPV6 => (Protocol::Icmpv6, [u32::from(packet.src_port), u32::from(packet.dst_port)]),
            _ => (Protocol::Unknown, [0, 0]),
        };
        let marks = if looked.low != answers { mark::INITIATOR_LOW } else { 0 };
        let mut entry = Entry::new(looked.key, looked.hash, time, protocol, marks);
        entry.next_seq = next_seq;
        entry.tunnel = self.ctx.tunnels.in_hand;
        if protocol != Protocol::Unknown {
            entry.why = Why::new(What::IpProtocol, self.ctx.frame, 0);
        }
        self.table.insert(entry)
    }
}

/// A new IKE SA negotiated on the ports of an earlier one begins a new record, as a new connection would.
fn begins_another(entry: &Entry, packet: &Packet<'_>) -> bool {
    match entry.conversation.as_deref() {
        Some(Conversation { follower: Follower::Ipsec(ipsec), .. }) => ipsec.begins_another(packet.payload),
        _ => false,
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
