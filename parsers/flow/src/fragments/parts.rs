//! The fragments of one datagram: kept in order, joined at the end.
//!
//! Overlaps are how a datagram is made to read differently here than at its receiver. In IPv6 they cost the whole datagram
//! (RFC 5722; an exact copy is passed over, RFC 8200 section 4.5). In IPv4 receivers have kept the first bytes, or the last,
//! or nothing (Linux since 4.19): where the bytes agree all that read the datagram read the same, so it is read; where they
//! do not, only the receiver can know, so it is not.

use super::{Datagram, Seen};
use crate::limits::{MAX_DATAGRAM, MAX_FRAGMENT_PIECES};
use transitproof_wire::ParseError;
use transitproof_wire::packet::{Packet, Tunnels};

const OVERLAP: ParseError = ParseError::Malformed("ip_fragment_overlap");
const LENGTH: ParseError = ParseError::Malformed("ip_fragment");

#[derive(Debug)]
pub struct Parts {
    /// Addresses and transport, without payload.
    header: Packet<'static>,
    earlier: Seen,
    last: Seen,
    /// In ascending order, apart from one another.
    pieces: Vec<Piece>,
    /// Known once the last fragment has come.
    length: Option<u32>,
    /// Fragments contradict one another, or are too many: counted, but not read.
    disputed: bool,
    frames: Vec<u64>,
}

#[derive(Debug)]
struct Piece {
    start: u32,
    /// By the header; the capture may have cut the bytes.
    end: u32,
    bytes: Box<[u8]>,
}

impl Piece {
    fn cut(&self, start: u32, end: u32) -> &[u8] {
        let place = |at: u32| (at.saturating_sub(self.start) as usize).min(self.bytes.len());
        self.bytes.get(place(start)..place(end)).unwrap_or_default()
    }

    /// Whether both say the same where both are.
    fn agrees(&self, other: &Self) -> bool {
        let (start, end) = (self.start.max(other.start), self.end.min(other.end));
        self.cut(start, end).iter().zip(other.cut(start, end)).all(|(a, b)| a == b)
    }
}

impl Parts {
    pub fn new(packet: &Packet<'_>) -> Self {
        Self {
            header: Packet { payload: &[], payload_length: 0, ..*packet },
            earlier: Seen::default(),
            last: Seen::default(),
            pieces: Vec::new(),
            length: None,
            disputed: false,
            frames: Vec::new(),
        }
    }

    /// A run that traces flows reads a file at leisure: the list is as long as the datagram has fragments.
    pub fn trace(&mut self, frame: u64) {
        self.frames.push(frame);
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.pieces.iter().map(|piece| size_of::<Piece>() + piece.bytes.len()).sum()
    }

    pub fn is_complete(&self) -> bool {
        let have: u32 = self.pieces.iter().map(|piece| piece.end - piece.start).sum();
        !self.disputed && self.length == Some(have)
    }

    /// Counts a fragment and keeps its bytes.
    pub fn add(&mut self, packet: &Packet<'_>, seen: Seen) -> Result<(), ParseError> {
        let before = std::mem::replace(&mut self.last, seen);
        if self.earlier.packets == 0 {
            self.earlier = before;
        } else {
            self.earlier.packets += 1;
            self.earlier.bytes = self.earlier.bytes.saturating_add(before.bytes);
        }
        let kept = if self.disputed { Ok(()) } else { self.keep(packet) };
        self.disputed |= kept.is_err();
        if self.disputed {
            self.keep_ports(packet);
        }
        kept
    }

    /// Of a disputed datagram nothing but the first fragment is of use, for its ports.
    fn keep_ports(&mut self, packet: &Packet<'_>) {
        self.pieces.retain(|piece| piece.start == 0);
        if self.pieces.is_empty() && packet.fragment.is_some_and(|fragment| fragment.offset == 0) {
            self.pieces.push(Piece { start: 0, end: packet.payload_length, bytes: packet.payload.into() });
        }
    }

    fn keep(&mut self, packet: &Packet<'_>) -> Result<(), ParseError> {
        let Some(fragment) = packet.fragment else { return Ok(()) };
        let end = fragment.offset.checked_add(packet.payload_length).ok_or(LENGTH)?;
        // The length field of IPv4 counts the header as well.
        let header = if packet.v6 { 0 } else { packet.ip_length.saturating_sub(packet.payload_length) };
        if end.saturating_add(header) > MAX_DATAGRAM || fragment.more && !packet.payload_length.is_multiple_of(8) {
            return Err(LENGTH);
        }
        let furthest = self.pieces.last().map_or(0, |piece| piece.end).max(end);
        let length = if fragment.more { self.length } else { Some(end) };
        if self.length.is_some() && self.length != length || length.is_some_and(|length| furthest > length) {
            return Err(LENGTH);
        }
        self.length = length;
        self.insert(Piece { start: fragment.offset, end, bytes: packet.payload.into() }, packet.v6)
    }

    fn insert(&mut self, new: Piece, v6: bool) -> Result<(), ParseError> {
        if new.start == new.end {
            return Ok(());
        }
        let first = self.pieces.partition_point(|piece| piece.end <= new.start);
        let behind = self.pieces.partition_point(|piece| piece.start < new.end);
        let touched = self.pieces.get(first..behind).unwrap_or_default();
        let agree = touched.iter().all(|piece| piece.agrees(&new));
        match touched {
            [] if self.pieces.len() >= MAX_FRAGMENT_PIECES => return Err(ParseError::Limited("ip_fragment_pieces")),
            [] => self.pieces.insert(first, new),
            [one] if (one.start, one.end) == (new.start, new.end) && agree => {}
            _ if v6 || !agree => return Err(OVERLAP),
            _ => {
                let mut at = new.start;
                let mut missing = Vec::new();
                for piece in touched {
                    missing.push((at, piece.start));
                    at = piece.end;
                }
                missing.push((at, new.end));
                for (start, end) in missing.into_iter().filter(|(start, end)| start < end) {
                    self.insert(Piece { start, end, bytes: new.cut(start, end).into() }, v6)?;
                }
            }
        }
        Ok(())
    }

    /// What there is of the datagram, from its beginning to the first hole.
    pub fn join(self, tunnels: Tunnels) -> Datagram {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            if piece.start as usize != bytes.len() {
                break;
            }
            bytes.extend_from_slice(&piece.bytes);
        }
        let length = self.length.unwrap_or(bytes.len() as u32);
        let Self { header, earlier, last, disputed, frames, .. } = self;
        Datagram { tunnels, earlier, last, header, bytes, length, disputed, frames }
    }
}
