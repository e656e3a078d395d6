//! TLS over TCP: records and the messages in them, from the in-order bytes of both directions.
//!
//! Messages that lie whole in the bytes given are read where they are; only a message (or header) in parts is kept.
//! RFC 8446 section 5.1: a message may span records, a record may hold several messages.

use super::{Handshake, Progress, Session, limits, sslv2};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use transitproof_wire::tls::record::{MAX_SSLV2_HELLO, find_record};
use transitproof_wire::tls::{Alert, MessageHeader, RecordHeader, content, handshake};

pub struct TlsStream {
    handshake: Handshake,
    sides: [Side; 2],
    alien: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing read yet.
    #[default]
    Start,
    Records,
    /// Collecting a record of the SSLv2 format in `partial`.
    Sslv2,
    /// Bytes were lost: the next record header is looked for.
    Searching {
        segments: u8,
    },
    /// Not followed any more.
    GivenUp,
}

#[derive(Default)]
struct Side {
    state: State,
    header: [u8; RecordHeader::LEN],
    header_len: u8,
    content_type: u8,
    /// Length of the record's content, and how much of it is to come.
    length: u16,
    left: u16,
    /// A message in parts, with its header; or a record of the SSLv2 format.
    partial: Vec<u8>,
    /// The first byte of an alert in parts.
    alert_level: Option<u8>,
    /// Bytes to come of a message that is not read.
    skip: u32,
    /// Handshake records hold something that is no message in the clear.
    unreadable: bool,
    /// Joined behind a loss: the first message must look like one.
    resumed: bool,
}

impl Default for TlsStream {
    fn default() -> Self {
        Self::new()
    }
}

impl TlsStream {
    pub fn new() -> Self {
        Self { handshake: Handshake::new(Transport::Tcp), sides: Default::default(), alien: false }
    }

    pub fn session(&self) -> &Session {
        self.handshake.session()
    }

    /// The next in-order bytes of one direction. `frame` is the frame number that brought them.
    pub fn data(&mut self, from: Direction, bytes: &[u8], frame: u64, certificates: &mut Certificates) -> Progress {
        let mut rest = bytes;
        if let State::Searching { segments } = self.sides[from as usize].state {
            rest = self.search(from, rest, segments);
        }
        while !rest.is_empty() && !self.handshake.is_complete() {
            rest = match self.sides[from as usize].state {
                State::Sslv2 => self.sslv2_record(from, rest, frame, certificates),
                State::GivenUp | State::Searching { .. } => break,
                State::Start | State::Records => {
                    if self.sides[from as usize].left == 0 {
                        rest = self.header(from, rest);
                    }
                    // A header alone tells nothing yet.
                    if rest.is_empty() || self.sides[from as usize].left == 0 {
                        continue;
                    }
                    self.content(from, rest, frame, certificates)
                }
            };
        }
        self.progress()
    }

    /// Bytes of this direction were lost, or it was joined in the middle.
    pub fn gap(&mut self, from: Direction) {
        let side = &mut self.sides[from as usize];
        if side.state != State::GivenUp {
            *side = Side { state: State::Searching { segments: 0 }, resumed: true, ..Side::default() };
        }
        self.handshake.lost(from);
    }

    /// The connection ended, by FIN or RST or with the capture.
    pub fn closed(&mut self, reset_or_fin: bool) {
        self.handshake.closed(reset_or_fin);
    }

    #[cfg(test)]
    pub(super) fn sides_given_up(&self) -> [bool; 2] {
        self.sides.each_ref().map(|side| side.state == State::GivenUp)
    }

    fn progress(&self) -> Progress {
        if self.alien {
            Progress::Alien
        } else if self.handshake.is_complete() || self.sides.iter().all(|side| side.state == State::GivenUp) {
            Progress::Done
        } else {
            Progress::More
        }
    }

    fn search<'a>(&mut self, from: Direction, bytes: &'a [u8], segments: u8) -> &'a [u8] {
        let side = &mut self.sides[from as usize];
        match find_record(bytes) {
            Some(at) => {
                side.state = State::Records;
                bytes.get(at..).unwrap_or_default()
            }
            None => {
                let enough = segments >= limits::MAX_SEARCHES;
                side.state = if enough { State::GivenUp } else { State::Searching { segments: segments + 1 } };
                &[]
            }
        }
    }

    /// Reads a record header, or keeps the part of it that is there. Returns what is left of the bytes.
    fn header<'a>(&mut self, from: Direction, bytes: &'a [u8]) -> &'a [u8] {
        let sslv2 = sslv2::is_sslv2(&self.handshake);
        let side = &mut self.sides[from as usize];
        let have = usize::from(side.header_len);
        let first = if have > 0 { Some(&side.header[0]) } else { bytes.first() };
        if sslv2 || (side.state == State::Start && first.is_some_and(|byte| byte & 0x80 != 0)) {
            side.partial.extend_from_slice(&side.header[..have]);
            side.header_len = 0;
            side.state = State::Sslv2;
            return bytes;
        }
        let (header, rest) = match bytes.split_first_chunk() {
            Some((header, rest)) if have == 0 => (*header, rest),
            _ => {
                let (taken, rest) = bytes.split_at(bytes.len().min(RecordHeader::LEN - have));
                side.header.iter_mut().skip(have).zip(taken).for_each(|(to, byte)| *to = *byte);
                side.header_len += taken.len() as u8;
                if usize::from(side.header_len) < RecordHeader::LEN {
                    return rest;
                }
                side.header_len = 0;
                (side.header, rest)
            }
        };
        match RecordHeader::parse(header) {
            Some(header) => {
                side.state = State::Records;
                side.content_type = header.content_type;
                side.length = header.length;
                side.left = header.length;
            }
            None => self.not_a_record(from),
        }
        rest
    }

    fn not_a_record(&mut self, from: Direction) {
        if self.sides[from as usize].state == State::Records {
            return self.gap(from);
        }
        self.alien = !self.sides.iter().any(|side| side.state == State::Records);
        self.sides[from as usize].state = State::GivenUp;
    }

    fn content<'a>(
        &mut self,
        from: Direction,
        bytes: &'a [u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> &'a [u8] {
        let side = &mut self.sides[from as usize];
        let (chunk, rest) = bytes.split_at(bytes.len().min(usize::from(side.left)));
        side.left -= chunk.len() as u16;
        let (whole, content_type, length) = (side.left == 0, side.content_type, side.length);
        let hidden = self.handshake.is_protected(from);
        match (content_type, hidden) {
            (content::APPLICATION_DATA, _) if self.handshake.opens(from) => {
                self.handshake.sealed(from, chunk, (length, whole), frame, certificates);
                if whole {
                    self.handshake.protected(from, content_type, length);
                }
            }
            (content::HANDSHAKE | content::ALERT, true) | (content::APPLICATION_DATA, _) if whole => {
                self.handshake.protected(from, content_type, length);
            }
            (content::HANDSHAKE, false) => self.messages(from, chunk, frame, certificates),
            (content::ALERT, false) if length == 2 => self.alert(from, chunk, frame),
            (content::CHANGE_CIPHER_SPEC, _) if whole => self.handshake.change_cipher_spec(from, frame),
            _ => {}
        }
        rest
    }

    fn alert(&mut self, from: Direction, chunk: &[u8], frame: u64) {
        let level = self.sides[from as usize].alert_level.take();
        let bytes = match (level, chunk) {
            (None, [level, description]) => [*level, *description],
            (Some(level), [description]) => [level, *description],
            (_, [level]) => return self.sides[from as usize].alert_level = Some(*level),
            _ => return,
        };
        if let Some(alert) = Alert::parse(bytes) {
            self.handshake.alert(from, alert, frame);
        }
    }

    /// The content of handshake records, in whatever pieces it comes.
    fn messages(&mut self, from: Direction, mut chunk: &[u8], frame: u64, certificates: &mut Certificates) {
        loop {
            // RFC 8446 section 5.1: a message after which keys change ends its record. What is behind it is not read, however it
            // was cut into segments.
            if self.handshake.is_complete() || self.handshake.is_protected(from) {
                return;
            }
            let side = &mut self.sides[from as usize];
            if side.unreadable {
                return;
            }
            let skipped = chunk.len().min(side.skip as usize);
            side.skip -= skipped as u32;
            chunk = chunk.get(skipped..).unwrap_or_default();
            if chunk.is_empty() {
                return;
            }
            chunk = if side.partial.is_empty() {
                self.whole_message(from, chunk, frame, certificates)
            } else {
                self.split_message(from, chunk, frame, certificates)
            };
        }
    }

    /// A message at the front of `chunk`: read in place if it is whole, else kept.
    fn whole_message<'a>(
        &mut self,
        from: Direction,
        chunk: &'a [u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> &'a [u8] {
        let side = &mut self.sides[from as usize];
        let Some((header, rest)) = chunk.split_first_chunk::<{ MessageHeader::LEN }>() else {
            side.partial.extend_from_slice(chunk);
            return &[];
        };
        let header = MessageHeader::parse(*header);
        if !self.admit(from, header, frame, certificates) {
            return rest;
        }
        match rest.split_at_checked(header.length as usize) {
            Some((body, rest)) => {
                self.handshake.message(from, header.kind, body, frame, certificates);
                rest
            }
            None => {
                let partial = &mut self.sides[from as usize].partial;
                *partial = certificates.spare.take();
                partial.reserve(limits::FIRST_RESERVE.min(header.length as usize + MessageHeader::LEN));
                partial.extend_from_slice(chunk);
                &[]
            }
        }
    }

    /// Goes on with the message in `partial`.
    fn split_message<'a>(
        &mut self,
        from: Direction,
        chunk: &'a [u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> &'a [u8] {
        let partial = &mut self.sides[from as usize].partial;
        let known = partial.first_chunk().map(|header| MessageHeader::parse(*header));
        let need = known.map_or(MessageHeader::LEN, |header| header.length as usize + MessageHeader::LEN);
        let (taken, rest) = chunk.split_at(chunk.len().min(need.saturating_sub(partial.len())));
        partial.extend_from_slice(taken);
        if partial.len() < need {
            return rest;
        }
        let message = std::mem::take(partial);
        let Some((header, body)) = message.split_first_chunk::<{ MessageHeader::LEN }>() else { return rest };
        let header = MessageHeader::parse(*header);
        let read = known.is_some() || self.admit(from, header, frame, certificates);
        let whole = body.len() == header.length as usize;
        if read && !whole {
            self.sides[from as usize].partial = message;
            return rest;
        }
        if read {
            self.handshake.message(from, header.kind, body, frame, certificates);
        }
        certificates.spare.give(message);
        rest
    }

    /// Whether a message is to be collected and read; if not, what is known of it by its type is passed on and its body
    /// will be skipped.
    fn admit(&mut self, from: Direction, header: MessageHeader, frame: u64, certificates: &mut Certificates) -> bool {
        let side = &mut self.sides[from as usize];
        let plausible = if side.resumed { header.is_plausible() } else { handshake::is_assigned(header.kind) };
        side.resumed = false;
        if !plausible {
            side.unreadable = true;
            return false;
        }
        let wanted = Handshake::wants(header.kind);
        if wanted && header.length <= limits::MAX_MESSAGE {
            return true;
        }
        side.skip = header.length;
        if wanted {
            self.handshake.session.limited += 1;
        } else {
            self.handshake.message(from, header.kind, &[], frame, certificates);
        }
        false
    }

    /// Collects and reads one record of the SSLv2 format.
    fn sslv2_record<'a>(
        &mut self,
        from: Direction,
        bytes: &'a [u8],
        frame: u64,
        certificates: &mut Certificates,
    ) -> &'a [u8] {
        let side = &mut self.sides[from as usize];
        side.partial.extend_from_slice(bytes);
        let known = side.partial.first_chunk().and_then(|header| transitproof_wire::tls::sslv2::record_length(*header));
        let Some(length) = known.filter(|length| *length <= MAX_SSLV2_HELLO) else {
            if side.partial.len() >= 2 {
                side.partial.clear();
                side.state = State::Start;
                self.not_a_record(from);
            }
            return &[];
        };
        let Some(excess) = side.partial.len().checked_sub(length + 2) else { return &[] };
        let record = std::mem::take(&mut side.partial);
        side.state = State::Records;
        let content = record.get(2..length + 2).unwrap_or_default();
        if !sslv2::record(&mut self.handshake, from, content, frame, certificates) {
            self.sides[from as usize].state = State::Start;
            self.not_a_record(from);
            return &[];
        }
        bytes.get(bytes.len().saturating_sub(excess)..).unwrap_or_default()
    }
}
