//! What a TLS 1.3 handshake says behind its ServerHello, read with the handshake traffic secrets of a key log.
//!
//! Exists only where keys were given. Stops at each side's Finished, which is checked over the whole transcript: what
//! opens and has a right Finished is what both ends agreed upon. Knows neither records nor packets beyond their numbers.
//!
//! Where the hello may hide another (RFC 9849), the two are told apart by what the secrets do: those of a hidden hello that was taken
//! stand under its own random, and open records whose Finished is made over what was never seen.

mod messages;

#[cfg(test)]
pub use messages::decompressed;

use super::ech::Ech;
use super::session::Keys;
use super::{Handshake, limits};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use crate::keys::{ClientRandom, Hash, Labels, Protection, SAMPLE, Secret, Secrets, Transcript, hash_of};
use transitproof_wire::tls::{Alert, ServerHello, content, handshake};

pub struct Decryption {
    labels: Labels,
    random: ClientRandom,
    hash: Hash,
    /// The server takes early data, so the client says where it ends.
    early_data: bool,
    transcript: Transcript,
    /// The suite, while the log has no secrets under this random but may have them under that of a hidden hello.
    searches: Option<u16>,
    /// A hidden hello was taken (RFC 9849): the transcript begins with what was never seen, so nothing can be held against it.
    hidden: bool,
    /// The server's CertificateVerify is wrong, if the hello that was seen is the one that counts.
    unproven: bool,
    /// Of the client and of the server.
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    /// While the handshake of this side can be read.
    keys: Option<(Protection, Secret)>,
    /// Of the next record.
    number: u64,
    records: u8,
    /// Of them those that did not open.
    misfits: u8,
    /// A record in parts.
    sealed: Vec<u8>,
    /// Messages in parts.
    messages: Vec<u8>,
    /// A record could be opened.
    opened: bool,
}

impl Decryption {
    fn is_over(&self) -> bool {
        self.searches.is_none() && self.sides.iter().all(|side| side.keys.is_none())
    }

    /// Takes the secrets for this suite; false if one is not as long as the suite's.
    fn take(&mut self, suite: u16, secrets: &Secrets) -> bool {
        let mut fit = true;
        for (side, secret) in self.sides.iter_mut().zip(secrets) {
            let protection = secret.as_ref().and_then(|secret| Protection::new(suite, secret, self.labels));
            fit &= secret.is_some() == protection.is_some();
            side.keys = protection.zip(secret.clone());
        }
        fit
    }
}

impl Handshake {
    fn labels(&self) -> Labels {
        match self.transport {
            Transport::Tcp => Labels::Tls,
            Transport::Datagram => Labels::Dtls,
            Transport::Quic => Labels::Quic,
        }
    }

    /// Whether what is behind the hello in hand is protected as QUIC version 2 does it.
    pub fn carried_by_quic_v2(&mut self, version_2: bool) {
        if let Some(decryption) = &mut self.decryption {
            decryption.labels = if version_2 { Labels::QuicV2 } else { Labels::Quic };
        }
    }

    /// What hides the number of a packet of this side, made from a sample of it.
    pub fn mask(&self, from: Direction, sample: &[u8; SAMPLE]) -> Option<[u8; 5]> {
        let side = self.decryption.as_ref()?.sides.get(self.role(from))?;
        side.keys.as_ref()?.0.mask(sample)
    }

    /// A hello in the clear: kept for the transcript, and from the ServerHello on the keys are there.
    pub(super) fn hello(&mut self, from: Direction, kind: u8, body: &[u8], certificates: &mut Certificates) {
        match kind {
            handshake::CLIENT_HELLO => self.transcribe(body),
            _ if self.decryption.is_none() || self.session.server.is_some() => {}
            _ => {
                let Ok(hello) = ServerHello::parse(body) else { return };
                self.client.get_or_insert(from.other());
                self.unlock(&hello, body, certificates);
            }
        }
    }

    fn transcribe(&mut self, body: &[u8]) {
        match &mut self.decryption {
            None if self.session.offer.is_none() => {
                let Some(random) = body.get(2..34).and_then(|random| random.try_into().ok()) else { return };
                let mut transcript = Transcript::Bytes(Vec::new());
                transcript.message(handshake::CLIENT_HELLO, body);
                self.decryption = Some(Box::new(Decryption {
                    labels: self.labels(),
                    random,
                    hash: Hash::Sha256,
                    early_data: false,
                    transcript,
                    searches: None,
                    hidden: false,
                    unproven: false,
                    sides: Default::default(),
                }));
            }
            // The second one, behind a HelloRetryRequest.
            Some(decryption) if self.session.hello_retry_request && self.session.server.is_none() => {
                decryption.transcript.message(handshake::CLIENT_HELLO, body);
            }
            _ => {}
        }
    }

    fn unlock(&mut self, hello: &ServerHello<'_>, body: &[u8], certificates: &mut Certificates) {
        let grease = self.session.offer.as_ref().is_some_and(|offer| matches!(offer.ech, Some(Ech::Grease { .. })));
        let searches = self.hides() && !grease && self.transport == Transport::Tcp;
        let (Some(decryption), Some(log)) = (&mut self.decryption, &certificates.keys) else { return };
        let secrets = log.secrets(&decryption.random);
        let Some(hash) = hash_of(hello.suite).filter(|_| searches || secrets.is_some()) else {
            self.decryption = None;
            return;
        };
        if hello.is_retry_request() {
            if !self.session.hello_retry_request {
                decryption.transcript.retry(hash);
                decryption.transcript.message(handshake::SERVER_HELLO, body);
            }
            return;
        }
        decryption.transcript.message(handshake::SERVER_HELLO, body);
        decryption.transcript.start(hash);
        decryption.hash = hash;
        let Some(secrets) = secrets else {
            decryption.searches = Some(hello.suite);
            return;
        };
        if !decryption.take(hello.suite, secrets) {
            self.unfit(certificates);
        } else if decryption.is_over() {
            self.decryption = None;
        }
    }

    /// Whether there may be a hidden hello in the one that was seen.
    fn hides(&self) -> bool {
        self.session.offer.as_ref().is_some_and(|offer| offer.ech.is_some_and(|ech| ech != Ech::Inner))
    }

    /// Looks through the log for the secrets that open the server's first record: there they stand under the random of the hidden
    /// hello (RFC 9850 section 2.1).
    fn search(&mut self, from: Direction, associated: &[u8], record: &[u8], certificates: &mut Certificates) {
        let by_client = self.client == Some(from);
        let Some(decryption) = self.decryption.as_mut().filter(|_| !by_client) else { return };
        let Some(suite) = decryption.searches.take() else { return };
        let labels = decryption.labels;
        let mut copy = Vec::with_capacity(record.len());
        let opens = |secret: &Secret| {
            copy.clear();
            copy.extend_from_slice(record);
            Protection::new(suite, secret, labels).and_then(|keys| keys.open(0, associated, &mut copy)).is_some()
        };
        match certificates.keys.as_mut().and_then(|log| log.search(opens)) {
            Some(secrets) if decryption.take(suite, secrets) => self.accepted(),
            _ => self.decryption = None,
        }
    }

    /// The server took the hidden hello.
    fn accepted(&mut self) {
        self.session.more.ech_accepted = Some(true);
        if let Some(decryption) = &mut self.decryption {
            decryption.hidden = true;
        }
    }

    /// The client's secrets are the first, the server's the second.
    fn role(&self, from: Direction) -> usize {
        usize::from(self.client != Some(from))
    }

    fn side(&mut self, from: Direction) -> Option<&mut Side> {
        let role = self.role(from);
        self.decryption.as_mut()?.sides.get_mut(role)
    }

    /// Whether the content of protected records of this side is wanted.
    #[inline]
    pub fn opens(&self, from: Direction) -> bool {
        let Some(decryption) = &self.decryption else { return false };
        let role = self.role(from);
        let searches = decryption.searches.is_some() && role == SERVER;
        self.session.server.is_some() && decryption.sides.get(role).is_some_and(|side| searches || side.keys.is_some())
    }

    /// Whether more can be read although both sides have sent protected data.
    pub(super) fn is_reading(&self) -> bool {
        self.decryption.as_ref().is_some_and(|decryption| self.session.server.is_some() && !decryption.is_over())
    }

    /// A piece of the content of a protected record of TLS; `length` is that of the record, whose end `whole` tells.
    pub fn sealed(
        &mut self,
        from: Direction,
        piece: &[u8],
        (length, whole): (u16, bool),
        frame: u64,
        certificates: &mut Certificates,
    ) {
        let Some(side) = self.side(from) else { return };
        side.sealed.extend_from_slice(piece);
        if !whole {
            return;
        }
        let mut record = std::mem::take(&mut side.sealed);
        let [high, low] = length.to_be_bytes();
        let number = side.number;
        let header = [content::APPLICATION_DATA, 3, 3, high, low];
        // Drafts of TLS 1.3 before the 25th authenticate no header.
        let early_draft = self.session.server.is_some_and(|server| (0x7f00..0x7f19).contains(&server.version));
        let associated: &[u8] = if early_draft { &[] } else { &header };
        let opened = self.open(from, number, associated, &mut record, certificates);
        let Some(length) = opened else { return };
        if let Some(side) = self.side(from) {
            side.number += 1;
        }
        self.inner(from, record.get(..length).unwrap_or_default(), frame, certificates);
    }

    /// Opens a record in place; what does not open tells that the keys do not fit.
    pub fn open(
        &mut self,
        from: Direction,
        number: u64,
        associated: &[u8],
        record: &mut [u8],
        certificates: &mut Certificates,
    ) -> Option<usize> {
        self.search(from, associated, record, certificates);
        let by_client = self.client == Some(from);
        let early = by_client && self.session.offer.as_ref().is_some_and(|offer| offer.early_data);
        let lost = self.sides[from as usize].lost;
        let datagrams = self.transport != Transport::Tcp;
        let side = self.side(from)?;
        side.records = side.records.saturating_add(1);
        let opened = side.keys.as_ref()?.0.open(number, associated, record);
        if opened.is_some() {
            side.opened = true;
            if side.records > limits::MAX_OPENED {
                side.keys = None;
                self.limited();
            }
            self.session.keys.get_or_insert(Keys::Opened);
            return opened;
        }
        // Data sent early has keys of its own, and a datagram may be anybody's.
        let allowed = match (datagrams, early) {
            _ if side.opened && datagrams => limits::MAX_OPENED,
            (true, _) => limits::MAX_MISFITS,
            (false, true) => limits::MAX_OPENED,
            (false, false) => 0,
        };
        side.misfits = side.misfits.saturating_add(1);
        if side.misfits > allowed {
            side.keys = None;
            if !lost && !side.opened {
                self.unfit(certificates);
            }
        }
        None
    }

    /// What was sealed: content, its type, zeros.
    pub(super) fn inner(&mut self, from: Direction, inner: &[u8], frame: u64, certificates: &mut Certificates) {
        match split_inner(inner) {
            Some((content::HANDSHAKE, content)) => self.hidden_messages(from, content, frame, certificates),
            Some((content::ALERT, [level, description])) => {
                if let Some(alert) = Alert::parse([*level, *description]) {
                    self.alert(from, alert, frame);
                }
                if let Some(side) = self.side(from) {
                    side.keys = None;
                }
            }
            _ => {}
        }
    }

    fn unfit(&mut self, certificates: &mut Certificates) {
        self.decryption = None;
        if self.session.keys != Some(Keys::Unfit)
            && let Some(log) = &mut certificates.keys
        {
            log.unfit += 1;
        }
        self.session.keys = Some(Keys::Unfit);
    }

    /// Bytes of this side are missing, or too many came: what follows cannot be read.
    pub(super) fn stop_reading(&mut self, from: Direction) {
        if let Some(side) = self.side(from) {
            *side = Side::default();
        }
    }
}

/// What was sealed, without the zeros behind it: type and content. RFC 8446 section 5.2.
pub fn split_inner(inner: &[u8]) -> Option<(u8, &[u8])> {
    let end = inner.iter().rposition(|byte| *byte != 0)?;
    Some((*inner.get(end)?, inner.get(..end)?))
}

/// Index of its side.
const SERVER: usize = 1;
