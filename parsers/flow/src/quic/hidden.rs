//! Handshake packets, opened with keys that were given: RFC 9001 section 5, RFC 9369.
//!
//! Only where there are keys; knows what the follower knows.

use super::crypto::CryptoStream;
use super::keys::{sample, unmask};
use super::limits::{MAX_HIDDEN_CRYPTO, MAX_WAITING, MAX_WAITING_BYTES};
use super::{QuicFollower, Waiting};
use crate::Direction;
use crate::certificates::Certificates;
use transitproof_wire::quic::{InitialFrame, LongPacket, QuicPacket, initial_frames, packets};

/// Of both directions.
pub struct Hidden {
    streams: [CryptoStream; 2],
    largest: [u64; 2],
    /// Packets that came before the ServerHello.
    waiting: Vec<Waiting>,
}

impl Default for Hidden {
    fn default() -> Self {
        let streams = [CryptoStream::with_room(MAX_HIDDEN_CRYPTO), CryptoStream::with_room(MAX_HIDDEN_CRYPTO)];
        Self { streams, largest: [0; 2], waiting: Vec::new() }
    }
}

impl QuicFollower {
    /// A Handshake packet.
    pub(super) fn handshake_packet(
        &mut self,
        from: Direction,
        packet: &LongPacket<'_>,
        frame: u64,
        certificates: &mut Certificates,
    ) {
        if packet.missing > 0 || certificates.keys.is_none() {
            return;
        }
        if self.hellos_read() {
            return self.open_hidden(from, packet, frame, certificates);
        }
        let waiting = &mut self.hidden.get_or_insert_default().waiting;
        let bytes: usize = waiting.iter().map(|waiting| waiting.packet.len()).sum();
        if waiting.len() < MAX_WAITING && bytes + packet.bytes.len() <= MAX_WAITING_BYTES {
            waiting.push(Waiting { from, packet: packet.bytes.into(), frame });
        } else {
            self.handshake.limited();
        }
    }

    /// The ServerHello is there.
    pub(super) fn open_hidden_waiting(&mut self, certificates: &mut Certificates) {
        let Some(hidden) = &mut self.hidden else { return };
        for Waiting { from, packet, frame } in std::mem::take(&mut hidden.waiting) {
            if let Some(QuicPacket::Long(long)) = packets(&packet).next() {
                self.open_hidden(from, &long, frame, certificates);
            }
        }
    }

    fn open_hidden(&mut self, from: Direction, packet: &LongPacket<'_>, frame: u64, certificates: &mut Certificates) {
        let Self { handshake, buffer, hidden, .. } = self;
        let Some(mask) = sample(packet).and_then(|sample| handshake.mask(from, &sample)) else { return };
        let hidden = hidden.get_or_insert_default();
        let largest = &mut hidden.largest[from as usize];
        let Some((number, start)) = unmask(packet, mask, *largest, buffer) else { return };
        let Some((associated, sealed)) = buffer.split_at_mut_checked(start) else { return };
        let Some(length) = handshake.open(from, number, associated, sealed, certificates) else { return };
        *largest = number.max(*largest);
        let stream = &mut hidden.streams[from as usize];
        for told in initial_frames(sealed.get(..length).unwrap_or_default()) {
            if let Ok(InitialFrame::Crypto { offset, data }) = told
                && !stream.add(offset, data)
            {
                handshake.limited();
            }
        }
        while let Some((kind, body)) = stream.message() {
            handshake.hidden_message(from, kind, body, frame, certificates);
        }
    }
}
