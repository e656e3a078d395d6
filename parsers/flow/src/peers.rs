//! What is known of two peers beyond one flow: IKE on port 500, then on 4500 or over TCP, ESP and AH in between.
//!
//! One record of type `tunnel` for each pair, written once nothing of it is open any more. Only what was answered, or runs as
//! ESP runs, gets here: whoever floods a gateway with first messages makes no tunnel. May not know packets.

mod side;
mod write;

use crate::context::Context;
use crate::entry::{Entry, mark};
use crate::esp::EspSummary;
use crate::hash::{Grown, Map};
use crate::ike::{Cipher, Spis};
use crate::ipsec::Ipsec;
use crate::limits::idle;
use crate::time::SECOND;
use side::IkeSide;
use std::collections::VecDeque;
use transitproof_wire::packet::Address;

/// Pairs of peers at a time, some 1 kB each. A concentrator for a large enterprise has some thousands.
pub const MAX_TUNNELS: usize = 16_384;
/// IKE SAs whose cipher is remembered for the flow on port 4500, some 60 bytes each.
pub const MAX_AGREED: usize = 65_536;
/// IKE SAs remembered of one pair: two days of hourly ones.
const MAX_KNOWN_SAS: usize = 64;
/// Attempts without an answer that are followed at a time, some 2 kB each; a gateway under load begins to ask for cookies far
/// earlier (RFC 7296 section 2.6).
pub const MAX_HALF_OPEN: u64 = 16_384;

/// ns between looks for tunnels that have ended.
const SWEEP: u64 = 10 * SECOND;

/// An IKE SA, and when it was first heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSa {
    pub spis: Spis,
    pub time: u64,
}

/// The IKE SA under which an association that began at `time` was probably made: the latest before it.
pub fn made_by(sas: &[KnownSa], time: u64) -> Option<&KnownSa> {
    sas.iter().filter(|sa| sa.time <= time).max_by_key(|sa| sa.time)
}

/// Two networks may use the same addresses: `within` is what they were unwrapped from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Pair {
    v6: bool,
    low: Address,
    high: Address,
    within: u16,
}

impl Pair {
    fn of(entry: &Entry) -> Self {
        Self { v6: entry.key.v6(), low: entry.key.low(), high: entry.key.high(), within: entry.key.tunnel() }
    }
}

/// JSON Lines of flows of IKE, ESP and AH that ended or have lasted long, without waiting for the end of their tunnels.
#[derive(Debug, Default)]
pub struct Told {
    pub associations: Vec<u8>,
    /// As records of tunnels, each of one flow.
    pub tunnels: Vec<u8>,
}

#[derive(Debug, Default)]
struct Tunnel {
    start: u64,
    end: u64,
    initiator_low: bool,
    /// Flows that go on.
    open: u64,
    flows: u64,
    /// Of the low end, then of the high one.
    packets: [u64; 2],
    bytes: [u64; 2],
    /// Boxed: much larger than the rest, and often not seen at all.
    ike: Option<Box<IkeSide>>,
    esp: EspSummary,
    ah: EspSummary,
    known: Vec<KnownSa>,
}

impl Tunnel {
    /// Nothing of it is open any more, and has not been for long by `time` if one is given.
    fn has_ended(&self, time: Option<u64>) -> bool {
        self.open == 0 && time.is_none_or(|time| self.end.saturating_add(idle::IPSEC * SECOND) <= time)
    }

    /// What one of its flows comes to.
    fn add(&mut self, entry: &Entry, ipsec: &Ipsec) {
        self.flows += 1;
        self.start = self.start.min(entry.start);
        self.end = self.end.max(entry.last);
        let low_first = entry.has(mark::INITIATOR_LOW);
        for (side, at) in [(0, usize::from(!low_first)), (1, usize::from(low_first))] {
            self.packets[side] += entry.packets()[at];
            self.bytes[side] += entry.bytes[at];
        }
        if let Some(ike) = &ipsec.ike {
            self.ike.get_or_insert_default().add(ike, self.known.len());
        }
        if let Some(esp) = &ipsec.esp {
            self.esp.add(esp, low_first);
        }
        if let Some(ah) = ipsec.ah() {
            self.ah.add(ah, low_first);
        }
    }
}

#[derive(Default)]
pub struct Peers {
    agreed: Map<Spis, Cipher>,
    /// Oldest first.
    order: VecDeque<Spis>,
    tunnels: Grown<Pair, Tunnel>,
    next_sweep: u64,
    half_open: u64,
}

impl Peers {
    /// An IKE SA was negotiated with this cipher; other flows will carry what it encrypts.
    fn agree(&mut self, spis: Spis, cipher: Cipher) {
        if self.agreed.insert(spis, cipher).is_none() {
            self.order.push_back(spis);
        }
        if self.order.len() > MAX_AGREED
            && let Some(oldest) = self.order.pop_front()
        {
            self.agreed.remove(&oldest);
        }
    }

    fn cipher(&self, spis: &Spis) -> Option<Cipher> {
        self.agreed.get(spis).copied()
    }

    /// A flow turned out to be part of a tunnel. False beyond the limit.
    fn open(&mut self, entry: &Entry) -> bool {
        let pair = Pair::of(entry);
        if self.tunnels.len() >= MAX_TUNNELS && !self.tunnels.contains_key(&pair) {
            return false;
        }
        let tunnel = self.tunnels.entry(pair).or_insert_with(|| Tunnel {
            start: entry.start,
            initiator_low: entry.has(mark::INITIATOR_LOW),
            ..Tunnel::default()
        });
        tunnel.open += 1;
        true
    }

    /// An IKE SA of an open tunnel.
    fn know(&mut self, entry: &Entry, spis: Spis, time: u64) {
        let Some(tunnel) = self.tunnels.get_mut(&Pair::of(entry)) else { return };
        if tunnel.known.len() < MAX_KNOWN_SAS && !tunnel.known.iter().any(|sa| sa.spis == spis) {
            tunnel.known.push(KnownSa { spis, time });
        }
    }

    fn known(&self, entry: &Entry) -> &[KnownSa] {
        self.tunnels.get(&Pair::of(entry)).map_or(&[], |tunnel| &tunnel.known)
    }

    /// A flow that was open ends.
    fn close(&mut self, entry: &Entry, ipsec: &Ipsec, wanted: bool) {
        let Some(tunnel) = self.tunnels.get_mut(&Pair::of(entry)) else { return };
        tunnel.open = tunnel.open.saturating_sub(1);
        if !wanted {
            return;
        }
        tunnel.add(entry, ipsec);
    }

    /// Tunnels that have ended, in the order in which they began.
    fn ended(&self, time: Option<u64>) -> Vec<(&Pair, &Tunnel)> {
        let mut ended: Vec<_> = self.tunnels.iter().filter(|(_, tunnel)| tunnel.has_ended(time)).collect();
        ended.sort_unstable_by_key(|(pair, tunnel)| (tunnel.start, **pair));
        ended
    }

    fn forget_ended(&mut self, time: Option<u64>) {
        self.tunnels.retain(|_, tunnel| !tunnel.has_ended(time));
        if self.tunnels.is_empty() {
            self.tunnels = Grown::default();
        }
    }
}

impl Context {
    /// A flow of IKE, ESP or AH went on: other flows between the same peers may want to know of it.
    #[inline]
    pub fn follow_tunnel(&mut self, entry: &Entry, ipsec: &mut Ipsec) {
        if ipsec.in_tunnel && !ipsec.news {
            return;
        }
        if !ipsec.in_tunnel && ipsec.is_tunnel(entry.packets()[0] > 0 && entry.packets()[1] > 0) {
            ipsec.in_tunnel = true;
            if !self.peers.open(entry) {
                self.totals.limit("tunnels");
            }
        }
        if std::mem::take(&mut ipsec.news) {
            self.follow_ike(entry, ipsec);
            self.learn_selectors(ipsec);
        }
    }

    #[cold]
    fn follow_ike(&mut self, entry: &Entry, ipsec: &mut Ipsec) {
        let Some(ike) = &mut ipsec.ike else { return };
        if ipsec.half_open && ike.is_answered() {
            ipsec.half_open = false;
            self.peers.half_open -= 1;
        }
        if let Some(cipher) = ike.stranger().and_then(|spis| self.peers.cipher(&spis)) {
            ike.introduce(cipher);
        }
        if let Some((spis, chosen)) = ike.agreement()
            && ipsec.agreed != Some(spis)
        {
            ipsec.agreed = Some(spis);
            if let Some(cipher) = Cipher::of(chosen) {
                self.peers.agree(spis, cipher);
            }
        }
        if ipsec.in_tunnel {
            ike.known_sas().for_each(|(spis, time)| self.peers.know(entry, spis, time));
        }
    }

    /// Is there room to follow one more attempt that nobody has answered? If so it counts until somebody does.
    pub fn admits_attempt(&mut self, ipsec: &mut Ipsec) -> bool {
        if !ipsec.is_unanswered() {
            return true;
        }
        if self.peers.half_open >= MAX_HALF_OPEN {
            self.totals.limit("ike_half_open");
            return false;
        }
        self.peers.half_open += 1;
        ipsec.half_open = true;
        true
    }

    /// A flow ends; `wanted`: it is to be reported.
    pub fn leave_tunnel(&mut self, entry: &Entry, ipsec: &mut Ipsec, wanted: bool) {
        self.learn_selectors(ipsec); // over TCP only now
        self.peers.half_open -= u64::from(std::mem::take(&mut ipsec.half_open));
        if ipsec.in_tunnel {
            ipsec.ike_sas = self.peers.known(entry).to_vec();
            self.peers.close(entry, ipsec, wanted);
        }
    }

    /// Tells of a flow that ended or goes on what whoever knows which tunnels there should be wants to hear of at once.
    pub fn tell_tunnel(&mut self, entry: &Entry, ipsec: &Ipsec) {
        let Some(told) = self.told.as_mut().filter(|_| ipsec.in_tunnel) else { return };
        ipsec.write_associations(entry, &mut told.associations);
        let initiator_low = entry.has(mark::INITIATOR_LOW);
        let mut tunnel = Tunnel { start: entry.start, initiator_low, ..Tunnel::default() };
        tunnel.add(entry, ipsec);
        let within = self.tunnels.member(entry.tunnel);
        write::record(&Pair::of(entry), &tunnel, within, &mut self.clock, &mut told.tunnels);
    }

    /// Writes the records of tunnels that have ended by `time`, or of all.
    pub fn write_tunnels(&mut self, time: Option<u64>) {
        if self.peers.tunnels.is_empty() || time.is_some_and(|time| time < self.peers.next_sweep) {
            return;
        }
        self.peers.next_sweep = time.map_or(0, |time| time.saturating_add(SWEEP));
        for (pair, tunnel) in self.peers.ended(time).into_iter().filter(|(_, tunnel)| tunnel.flows > 0) {
            let within = self.tunnels.member(pair.within);
            write::record(pair, tunnel, within, &mut self.clock, &mut self.tunnel_records);
        }
        self.peers.forget_ended(time);
    }
}
