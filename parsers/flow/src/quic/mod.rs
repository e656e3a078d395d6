//! QUIC followed until both hellos were read: Initial packets opened, their CRYPTO frames put together, the messages handed
//! to the handshake as those of TLS. RFC 9000, RFC 9001, RFC 9369.
//!
//! Knows neither flows nor time. What is behind the hellos is protected with keys that nobody but the ends has.

mod attempt;
mod claim;
mod crypto;
mod hidden;
mod keys;
mod limits;
#[cfg(test)]
mod tests;

use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use crate::json;
use crate::record::Detail;
use crate::tls::{Handshake, Progress, Session};
use attempt::Attempt;
use claim::Claim;
use hidden::Hidden;
use keys::schemes;
use transitproof_wire::quic::{
    InitialFrame, LongPacket, PacketType, QuicPacket, VERSION_2, initial_frames, is_gquic, packets,
};
use transitproof_wire::tls::{Alert, content, handshake};

/// Error codes of CONNECTION_CLOSE that hold a TLS alert in their low byte: RFC 9000 section 20.1.
const CRYPTO_ERROR: std::ops::RangeInclusive<u64> = 0x100..=0x1ff;

pub struct QuicFollower {
    handshake: Handshake,
    claim: Claim,
    /// The datagram by which the flow was recognised was not cut by the capture.
    whole: bool,
    /// Zero while only a version negotiation was seen.
    version: u32,
    /// `version` is that of a server's packet, so it is the one in use.
    negotiated: bool,
    attempts: Vec<Attempt>,
    /// Initial packets whose attempt did not begin yet.
    waiting: Vec<Waiting>,
    datagrams: u8,
    buffer: Vec<u8>,
    /// Where keys were given.
    hidden: Option<Box<Hidden>>,
}

struct Waiting {
    from: Direction,
    packet: Box<[u8]>,
    frame: u64,
}

impl QuicFollower {
    /// `version` is that of the header by which the flow was recognised; `whole` if the capture did not cut its datagram.
    pub fn new(version: u32, whole: bool) -> Self {
        Self {
            handshake: Handshake::new(Transport::Quic),
            claim: Claim::Header,
            whole,
            version,
            negotiated: false,
            attempts: Vec::new(),
            waiting: Vec::new(),
            datagrams: 0,
            buffer: Vec::new(),
            hidden: None,
        }
    }

    pub fn session(&self) -> &Session {
        self.handshake.session()
    }

    /// Nothing was seen but the header of an Initial whose keys did not open it.
    pub fn is_doubted(&self) -> bool {
        matches!(self.claim, Claim::Doubted { .. })
    }

    /// The server's as soon as it has answered, until then the one that the client tried last.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Who sent the Initial packet with the id that opened the first one.
    pub fn client(&self) -> Option<Direction> {
        let proven = self.attempts.iter().find(|attempt| attempt.proven);
        proven.map(|attempt| attempt.client).or(self.handshake.client())
    }

    /// The payload of one datagram.
    pub fn datagram(
        &mut self,
        from: Direction,
        payload: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> Progress {
        self.datagrams = self.datagrams.saturating_add(1);
        for packet in packets(payload).take(limits::MAX_COALESCED) {
            match packet {
                QuicPacket::Long(packet) => {
                    self.long(from, &packet, frame, certificates);
                    let opened = self.attempts.iter().any(|attempt| attempt.proven);
                    self.claim.weigh(from, &packet, opened, self.whole);
                }
                QuicPacket::Short(_) => self.short(from),
            }
        }
        if self.hellos_read() && self.hidden.is_some() {
            self.open_hidden_waiting(certificates);
        }
        if self.hellos_read() && self.buffer.capacity() > 0 {
            // What is left to see needs no keys.
            (self.attempts, self.waiting, self.buffer) = Default::default();
        }
        let done = self.handshake.is_decided() || self.datagrams >= limits::MAX_DATAGRAMS;
        if done { Progress::Done } else { Progress::More }
    }

    fn hellos_read(&self) -> bool {
        self.session().offer.is_some() && self.session().server.is_some()
    }

    fn long(&mut self, from: Direction, packet: &LongPacket<'_>, frame: u64, certificates: &mut Certificates) {
        if packet.header.packet_type != PacketType::Retry {
            self.see_version(from, packet.header.version);
        }
        if packet.header.packet_type == PacketType::Handshake {
            return self.handshake_packet(from, packet, frame, certificates);
        }
        let initial = packet.header.packet_type == PacketType::Initial;
        if !initial || self.hellos_read() || schemes(packet.header.version).is_empty() {
            return;
        }
        if packet.missing > 0 {
            self.suppose(from, packet, certificates);
        } else if !self.open(from, packet, frame, certificates) {
            self.begin(from, packet, frame, certificates);
        }
    }

    fn see_version(&mut self, from: Direction, version: u32) {
        let by_server = self.client().is_some_and(|client| client != from);
        if by_server || !self.negotiated {
            self.version = version;
            self.negotiated = by_server;
        }
    }

    /// Opens an Initial packet with the keys of an attempt in progress, the latest first.
    fn open(&mut self, from: Direction, packet: &LongPacket<'_>, frame: u64, certificates: &mut Certificates) -> bool {
        let Self { attempts, handshake, buffer, .. } = self;
        let opened = attempts.iter_mut().rev().find_map(|attempt| {
            let by_client = attempt.client == from;
            let (place, stream) = attempt.open(from, packet, buffer)?;
            Some((by_client, place, stream))
        });
        let Some((by_client, place, stream)) = opened else { return false };
        let mut closed = None;
        for told in initial_frames(buffer.get(place).unwrap_or_default()) {
            match told {
                Ok(InitialFrame::Crypto { offset, data }) => {
                    if !stream.add(offset, data) {
                        handshake.limited();
                    }
                }
                Ok(InitialFrame::Close(code)) => closed = Some(code),
                Err(_) => break,
            }
        }
        let expected = if by_client { handshake::CLIENT_HELLO } else { handshake::SERVER_HELLO };
        while let Some((kind, body)) = stream.message() {
            if kind == expected {
                handshake.carried_by_quic_v2(packet.header.version == VERSION_2);
                handshake.message(from, kind, body, frame, certificates);
            }
        }
        if let Some(code) = closed {
            close(handshake, from, code, frame);
        }
        self.see_version(from, packet.header.version);
        true
    }

    /// A client's first Initial packet has in it what its keys come from: if it can be opened with them, it is one. Else it
    /// may belong to an attempt whose beginning is yet to come.
    fn begin(&mut self, from: Direction, packet: &LongPacket<'_>, frame: u64, certificates: &mut Certificates) {
        let id = packet.header.destination_id;
        let another = !self.attempts.iter().any(|attempt| attempt.is_of(id, from));
        if another && self.attempts.len() < limits::MAX_ATTEMPTS {
            self.attempts.push(Attempt::new(id, from));
            if self.open(from, packet, frame, certificates) {
                return self.open_waiting(certificates);
            }
            self.attempts.pop();
        }
        let bytes: usize = self.waiting.iter().map(|waiting| waiting.packet.len()).sum();
        if self.waiting.len() < limits::MAX_WAITING && bytes + packet.bytes.len() <= limits::MAX_WAITING_BYTES {
            self.waiting.push(Waiting { from, packet: packet.bytes.into(), frame });
        } else {
            self.handshake.limited();
        }
    }

    /// A packet that the capture cut cannot be authenticated, but the id in it may still open the answer to it.
    fn suppose(&mut self, from: Direction, packet: &LongPacket<'_>, certificates: &mut Certificates) {
        let id = packet.header.destination_id;
        let another = !self.attempts.iter().any(|attempt| attempt.is_of(id, from));
        if another && self.attempts.len() < limits::MAX_SUPPOSED {
            self.attempts.push(Attempt::new(id, from));
            self.open_waiting(certificates);
        }
    }

    fn open_waiting(&mut self, certificates: &mut Certificates) {
        for Waiting { from, packet, frame } in std::mem::take(&mut self.waiting) {
            if let Some(QuicPacket::Long(long)) = packets(&packet).next()
                && !self.open(from, &long, frame, certificates)
            {
                self.waiting.push(Waiting { from, packet, frame });
            }
        }
    }

    /// A client sends no 1-RTT packet before it has checked the server's Finished and sent its own. Counted from both sides
    /// behind the hellos: before them, the packet may be of an earlier connection on the same ports.
    fn short(&mut self, from: Direction) {
        if self.hellos_read() {
            self.handshake.protected(from, content::APPLICATION_DATA, u16::MAX);
        }
    }

    /// `"quic":{…},"tls":{…}` of a flow record. Google's QUIC has its version only.
    pub fn write_record(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        if self.version == 0 || self.is_doubted() {
            return;
        }
        json::key(out, "quic");
        out.extend_from_slice(b"{\"version\":\"0x");
        json::hex(out, &self.version.to_be_bytes());
        out.extend_from_slice(b"\"}");
        if !is_gquic(self.version) {
            self.session().write_record(certificates, out);
        }
    }

    /// The facts of an observation, appended to an object that is open.
    pub fn write_facts(&self, certificates: &Certificates, detail: Detail, out: &mut Vec<u8>) {
        if self.version != 0 && !is_gquic(self.version) && !self.is_doubted() {
            self.session().write_facts(certificates, detail, out);
        }
    }
}

fn close(handshake: &mut Handshake, from: Direction, code: u64, frame: u64) {
    if CRYPTO_ERROR.contains(&code) {
        handshake.alert(from, Alert { level: Alert::FATAL, description: code as u8 }, frame);
    } else {
        handshake.closed(true);
    }
}
