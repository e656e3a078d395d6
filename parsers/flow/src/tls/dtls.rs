//! DTLS over datagrams: fragments put together, messages handed on in their order. RFC 6347 section 4.2, RFC 9147.
//!
//! Retransmissions are the rule here, so a message counts once, by its sequence number.

use super::{Handshake, Progress, Session, limits};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use transitproof_wire::Reader;
use transitproof_wire::dtls::{Fragment, Record, records};
use transitproof_wire::tls::{Alert, content, handshake};

pub struct DtlsFollower {
    handshake: Handshake,
    sides: [Side; 2],
    recognised: bool,
}

#[derive(Default)]
struct Side {
    /// Sequence number of the message to be handed on next; `None` before the first.
    next: Option<u16>,
    waiting: Vec<Partial>,
}

struct Partial {
    sequence: u16,
    kind: u8,
    /// Of the whole body; a fragment that says otherwise is not of this message.
    length: u32,
    body: Vec<u8>,
    /// Parts of the body still to come, as (start, end).
    holes: Vec<(u32, u32)>,
}

impl Default for DtlsFollower {
    fn default() -> Self {
        Self::new()
    }
}

impl DtlsFollower {
    pub fn new() -> Self {
        Self { handshake: Handshake::new(Transport::Datagram), sides: Default::default(), recognised: false }
    }

    pub fn session(&self) -> &Session {
        self.handshake.session()
    }

    /// The payload of one datagram.
    pub fn datagram(
        &mut self,
        from: Direction,
        payload: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> Progress {
        for record in records(payload) {
            self.recognised = true;
            self.record(from, &record, frame, certificates);
            if self.handshake.is_complete() {
                return Progress::Done;
            }
        }
        if self.recognised { Progress::More } else { Progress::Alien }
    }

    /// The flow ended; datagrams have no FIN, so only an ICMP error or the like is a definite end.
    pub fn closed(&mut self, reset_or_fin: bool) {
        self.handshake.closed(reset_or_fin);
    }

    fn record(&mut self, from: Direction, record: &Record<'_>, frame: u64, certificates: &mut Certificates) {
        if record.is_protected() {
            self.flush(from, frame, certificates);
            let length = u16::try_from(record.length).unwrap_or(u16::MAX);
            return self.handshake.protected(from, record.content_type, length);
        }
        match (record.content_type, record.body) {
            (content::HANDSHAKE, body) => {
                let mut r = Reader::new(body, "dtls");
                while let Ok(fragment) = Fragment::parse(&mut r) {
                    self.fragment(from, &fragment, frame, certificates);
                }
            }
            (content::CHANGE_CIPHER_SPEC, _) => {
                self.flush(from, frame, certificates);
                self.handshake.change_cipher_spec(from, frame);
            }
            (content::ALERT, [level, description]) => {
                if let Some(alert) = Alert::parse([*level, *description]) {
                    self.handshake.alert(from, alert, frame);
                }
            }
            _ => {}
        }
    }

    fn fragment(&mut self, from: Direction, fragment: &Fragment<'_>, frame: u64, certificates: &mut Certificates) {
        let side = &mut self.sides[from as usize];
        if fragment.kind == handshake::HELLO_VERIFY_REQUEST {
            // Stateless: the ServerHello behind it may count from 0 or from 1.
            side.next = None;
            return;
        }
        let next = *side.next.get_or_insert(fragment.sequence);
        let ahead = fragment.sequence.wrapping_sub(next);
        if ahead >= 0x8000 {
            return;
        }
        if ahead == 0 && side.waiting.is_empty() && fragment.body.len() == fragment.length as usize {
            side.next = Some(next.wrapping_add(1));
            return self.handshake.message(from, fragment.kind, fragment.body, frame, certificates);
        }
        self.keep(from, fragment);
        self.deliver(from, frame, certificates);
    }

    /// Puts a fragment where it belongs among those that wait.
    fn keep(&mut self, from: Direction, fragment: &Fragment<'_>) {
        let waiting = &mut self.sides[from as usize].waiting;
        let found = waiting.iter().position(|partial| partial.sequence == fragment.sequence);
        let at = match found {
            Some(at) => at,
            None if waiting.len() >= limits::MAX_WAITING || fragment.length > limits::MAX_MESSAGE => {
                self.handshake.session.limited += 1;
                return;
            }
            None => {
                waiting.push(Partial::new(fragment));
                waiting.len() - 1
            }
        };
        if let Some(partial) = waiting.get_mut(at)
            && !partial.add(fragment)
        {
            self.handshake.session.limited += 1;
        }
    }

    /// Hands on what is complete, in order.
    fn deliver(&mut self, from: Direction, frame: u64, certificates: &mut Certificates) {
        let side = &mut self.sides[from as usize];
        while let Some(next) = side.next
            && let Some(at) =
                side.waiting.iter().position(|partial| partial.sequence == next && partial.holes.is_empty())
        {
            let partial = side.waiting.swap_remove(at);
            side.next = Some(next.wrapping_add(1));
            self.handshake.message(from, partial.kind, &partial.body, frame, certificates);
        }
    }

    /// The flight is over: what is complete goes on although a message before it was never seen.
    fn flush(&mut self, from: Direction, frame: u64, certificates: &mut Certificates) {
        let side = &mut self.sides[from as usize];
        if side.waiting.is_empty() {
            return;
        }
        self.handshake.lost(from);
        let mut waiting = std::mem::take(&mut side.waiting);
        waiting.retain(|partial| partial.holes.is_empty());
        waiting.sort_by_key(|partial| partial.sequence);
        for partial in &waiting {
            self.handshake.message(from, partial.kind, &partial.body, frame, certificates);
        }
    }
}

impl Partial {
    fn new(fragment: &Fragment<'_>) -> Self {
        let holes = if fragment.length == 0 { Vec::new() } else { vec![(0, fragment.length)] };
        Self { sequence: fragment.sequence, kind: fragment.kind, length: fragment.length, body: Vec::new(), holes }
    }

    /// `false` if it does not belong here, or would tear more holes than are kept track of.
    fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        let (start, end) = (fragment.offset, fragment.offset + fragment.body.len() as u32);
        if fragment.length != self.length || self.holes.len() >= limits::MAX_HOLES {
            return false;
        }
        // Grown only as far as bytes came: a hostile length costs nothing by itself.
        if self.body.len() < end as usize {
            self.body.resize(end as usize, 0);
        }
        if let Some(place) = self.body.get_mut(start as usize..end as usize) {
            place.copy_from_slice(fragment.body);
        }
        let cut = |(from, to): (u32, u32)| [(from, to.min(start)), (from.max(end), to)];
        self.holes = self.holes.iter().flat_map(|hole| cut(*hole)).filter(|(from, to)| from < to).collect();
        true
    }
}
