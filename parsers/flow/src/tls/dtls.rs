//! DTLS over datagrams: fragments put together, messages handed on in their order. RFC 6347 section 4.2, RFC 9147.
//!
//! Retransmissions are the rule here, so a message counts once, by its sequence number.

use super::decryption::split_inner;
use super::{Handshake, Progress, Session, limits};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use transitproof_wire::Reader;
use transitproof_wire::dtls::{Fragment, Record, records};
use transitproof_wire::tls::{Alert, content, handshake};

/// RFC 9147 section 6.1.
const HANDSHAKE_EPOCH: u16 = 2;

pub struct DtlsFollower {
    handshake: Handshake,
    sides: [Side; 2],
    recognised: bool,
    /// By a message that only one of both sends, where no hello was seen.
    client: Option<Direction>,
}

#[derive(Default)]
struct Side {
    /// Sequence number of the message to be handed on next; `None` before the side's hello.
    next: Option<u16>,
    /// Number that the next record of the handshake's keys should have.
    next_hidden: u64,
    waiting: Vec<Partial>,
}

struct Partial {
    sequence: u16,
    kind: u8,
    /// Of the whole body; a fragment that says otherwise is not of this message.
    length: u32,
    body: Vec<u8>,
    /// Opened with keys.
    opened: bool,
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
        Self {
            handshake: Handshake::new(Transport::Datagram),
            sides: Default::default(),
            recognised: false,
            client: None,
        }
    }

    pub fn session(&self) -> &Session {
        self.handshake.session()
    }

    /// Who sent the ClientHello, or should have by what the other says.
    pub fn client(&self) -> Option<Direction> {
        self.handshake.client().or(self.client)
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
            match record.epoch {
                HANDSHAKE_EPOCH if self.handshake.opens(from) => self.open(from, record, frame, certificates),
                _ => self.flush(from, frame, certificates),
            }
            let length = u16::try_from(record.length).unwrap_or(u16::MAX);
            return self.handshake.protected(from, record.content_type, length);
        }
        match (record.content_type, record.body) {
            (content::HANDSHAKE, body) => self.fragments(from, body, false, frame, certificates),
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

    /// Opens a record of the handshake of DTLS 1.3, whose number is hidden as well.
    fn open(&mut self, from: Direction, record: &Record<'_>, frame: u64, certificates: &mut Certificates) {
        let Some(mask) = record.body.first_chunk().and_then(|sample| self.handshake.mask(from, sample)) else { return };
        let next = &mut self.sides[from as usize].next_hidden;
        let Some((number, header, length)) = record.unmask(mask, *next) else { return };
        let mut sealed = record.body.to_vec();
        let associated = header.get(..length).unwrap_or_default();
        let Some(length) = self.handshake.open(from, number, associated, &mut sealed, certificates) else { return };
        *next = number.saturating_add(1).max(*next);
        sealed.truncate(length);
        match split_inner(&sealed) {
            Some((content::HANDSHAKE, body)) => self.fragments(from, body, true, frame, certificates),
            Some(_) => self.handshake.inner(from, &sealed, frame, certificates),
            None => {}
        }
    }

    fn fragments(&mut self, from: Direction, body: &[u8], opened: bool, frame: u64, certificates: &mut Certificates) {
        let mut r = Reader::new(body, "dtls");
        while let Ok(fragment) = Fragment::parse(&mut r) {
            self.fragment(from, &fragment, opened, frame, certificates);
        }
    }

    fn fragment(
        &mut self,
        from: Direction,
        fragment: &Fragment<'_>,
        opened: bool,
        frame: u64,
        certificates: &mut Certificates,
    ) {
        use handshake::{CLIENT_KEY_EXCHANGE, HELLO_VERIFY_REQUEST, SERVER_HELLO_DONE, SERVER_KEY_EXCHANGE};
        match fragment.kind {
            CLIENT_KEY_EXCHANGE => self.client = Some(from),
            HELLO_VERIFY_REQUEST | SERVER_KEY_EXCHANGE | SERVER_HELLO_DONE => self.client = Some(from.other()),
            _ => {}
        }
        let side = &mut self.sides[from as usize];
        if fragment.kind == HELLO_VERIFY_REQUEST {
            // Stateless: the ServerHello behind it may count from 0 or from 1.
            side.next = None;
            return;
        }
        // Datagrams overtake each other: only a hello tells where a side's messages begin.
        let begins = matches!(fragment.kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO);
        let Some(next) = side.next.or(begins.then_some(fragment.sequence)) else {
            return self.keep(from, fragment, opened);
        };
        side.next = Some(next);
        let ahead = fragment.sequence.wrapping_sub(next);
        if ahead >= 0x8000 {
            return;
        }
        if ahead == 0 && side.waiting.is_empty() && fragment.body.len() == fragment.length as usize {
            side.next = Some(next.wrapping_add(1));
            return self.message(from, (fragment.kind, opened), fragment.body, frame, certificates);
        }
        self.keep(from, fragment, opened);
        self.deliver(from, frame, certificates);
    }

    /// A whole message, in the clear or opened.
    fn message(
        &mut self,
        from: Direction,
        (kind, opened): (u8, bool),
        body: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) {
        if opened {
            self.handshake.hidden_message(from, kind, body, frame, certificates);
        } else {
            self.handshake.message(from, kind, body, frame, certificates);
        }
    }

    /// Puts a fragment where it belongs among those that wait.
    fn keep(&mut self, from: Direction, fragment: &Fragment<'_>, opened: bool) {
        let waiting = &mut self.sides[from as usize].waiting;
        let same = |partial: &Partial| partial.sequence == fragment.sequence && partial.opened == opened;
        let found = waiting.iter().position(same);
        let at = match found {
            Some(at) => at,
            None if waiting.len() >= limits::MAX_WAITING || fragment.length > limits::MAX_MESSAGE => {
                self.handshake.session.limited += 1;
                return;
            }
            None => {
                waiting.push(Partial::new(fragment, opened));
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
        loop {
            let side = &mut self.sides[from as usize];
            let Some(next) = side.next else { return };
            let whole = |partial: &Partial| partial.sequence == next && partial.holes.is_empty();
            let Some(at) = side.waiting.iter().position(whole) else { return };
            let partial = side.waiting.swap_remove(at);
            side.next = Some(next.wrapping_add(1));
            self.message(from, (partial.kind, partial.opened), &partial.body, frame, certificates);
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
            self.message(from, (partial.kind, partial.opened), &partial.body, frame, certificates);
        }
    }
}

impl Partial {
    fn new(fragment: &Fragment<'_>, opened: bool) -> Self {
        let holes = if fragment.length == 0 { Vec::new() } else { vec![(0, fragment.length)] };
        let Fragment { sequence, kind, length, .. } = *fragment;
        Self { sequence, kind, length, body: Vec::new(), opened, holes }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction::Forward;

    /// Pieces of a Certificate of this length that begin here, a byte each.
    fn follow(length: u32, offsets: impl Iterator<Item = u32>) -> DtlsFollower {
        let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
        for offset in offsets {
            let ([_, a, b, c], [_, d, e, f]) = (length.to_be_bytes(), offset.to_be_bytes());
            let piece = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 11, a, b, c, 0, 1, d, e, f, 0, 0, 1, 0xff];
            follower.datagram(Forward, &piece, 1, &mut certificates);
        }
        follower
    }

    #[test]
    fn holes_and_lengths_are_bounded() {
        let torn = follow(60_000, (1..100).map(|n| 3 * n));
        assert_eq!(torn.sides[0].waiting[0].holes.len(), limits::MAX_HOLES);
        assert_eq!(torn.session().limited, 100 - limits::MAX_HOLES as u32);
        assert_eq!(follow(limits::MAX_MESSAGE, 5..6).sides[0].waiting.len(), 1);
        let long = follow(limits::MAX_MESSAGE + 1, 5..6);
        assert_eq!((long.sides[0].waiting.len(), long.session().limited), (0, 1));
    }
}
