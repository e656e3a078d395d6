//! What a TLS 1.3 handshake says behind its ServerHello, read with the handshake traffic secrets of a key log.
//!
//! Exists only where keys were given. Stops at each side's Finished, which is checked over the whole transcript: what
//! opens and has a right Finished is what both ends agreed upon. Knows neither records nor packets beyond their numbers.
//! RFC 8446 section 4.4, RFC 8879.

use super::session::Keys;
use super::{Handshake, limits};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use crate::keys::{ClientRandom, Hash, Labels, Protection, SAMPLE, Secret, Transcript, hash_of};
use crate::trust;
use transitproof_wire::Reader;
use transitproof_wire::tls::{
    Alert, Certificate13, EncryptedExtensions, MessageHeader, ServerHello, certificate_verify, content, extension,
    handshake, sct_count,
};

pub struct Decryption {
    labels: Labels,
    random: ClientRandom,
    hash: Hash,
    /// The server takes early data, so the client says where it ends.
    early_data: bool,
    transcript: Transcript,
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
        self.sides.iter().all(|side| side.keys.is_none())
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
                let (labels, hash) = (self.labels(), Hash::Sha256);
                let decryption =
                    Decryption { labels, random, hash, early_data: false, transcript, sides: Default::default() };
                self.decryption = Some(Box::new(decryption));
            }
            // The second one, behind a HelloRetryRequest.
            Some(decryption) if self.session.hello_retry_request && self.session.server.is_none() => {
                decryption.transcript.message(handshake::CLIENT_HELLO, body);
            }
            _ => {}
        }
    }

    fn unlock(&mut self, hello: &ServerHello<'_>, body: &[u8], certificates: &mut Certificates) {
        let (Some(decryption), Some(log)) = (&mut self.decryption, &certificates.keys) else { return };
        let (Some(hash), Some(secrets)) = (hash_of(hello.suite), log.secrets(&decryption.random)) else {
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
        let labels = decryption.labels;
        let mut misfit = false;
        for (side, secret) in decryption.sides.iter_mut().zip(secrets) {
            let protection = secret.as_ref().and_then(|secret| Protection::new(hello.suite, secret, labels));
            misfit |= secret.is_some() && protection.is_none();
            side.keys = protection.zip(secret.clone());
        }
        if misfit {
            self.unfit(certificates);
        } else if decryption.is_over() {
            self.decryption = None;
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
        self.session.server.is_some() && decryption.sides.get(self.role(from)).is_some_and(|side| side.keys.is_some())
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

    fn hidden_messages(&mut self, from: Direction, content: &[u8], frame: u64, certificates: &mut Certificates) {
        let Some(side) = self.side(from) else { return };
        let mut messages = std::mem::take(&mut side.messages);
        messages.extend_from_slice(content);
        let mut rest = &*messages;
        while let Some((header, behind)) = rest.split_first_chunk::<{ MessageHeader::LEN }>() {
            let header = MessageHeader::parse(*header);
            if header.length > limits::MAX_MESSAGE {
                self.limited();
                self.stop_reading(from);
                return;
            }
            let Some((body, behind)) = behind.split_at_checked(header.length as usize) else { break };
            self.hidden_message(from, header.kind, body, frame, certificates);
            rest = behind;
        }
        let left = rest.len();
        messages.drain(..messages.len() - left);
        if let Some(side) = self.side(from) {
            side.messages = messages;
        }
    }

    /// A whole message behind the ServerHello, whoever carried it.
    pub fn hidden_message(
        &mut self,
        from: Direction,
        kind: u8,
        body: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) {
        if !self.opens(from) {
            return;
        }
        let by_server = self.client != Some(from);
        match kind {
            handshake::ENCRYPTED_EXTENSIONS if by_server => self.encrypted_extensions(body),
            handshake::CERTIFICATE => self.certificate13(from, body, certificates),
            handshake::COMPRESSED_CERTIFICATE => match decompressed(body) {
                Some(message) => self.certificate13(from, &message, certificates),
                None => self.limited(),
            },
            handshake::CERTIFICATE_REQUEST if by_server => self.session.more.certificate_request = true,
            handshake::CERTIFICATE_VERIFY => self.certificate_verify(by_server, body, certificates),
            handshake::FINISHED => return self.finished(from, body, frame, certificates),
            _ => {}
        }
        self.session.frame = frame;
        self.session.more.last = Some(kind);
        if let Some(decryption) = &mut self.decryption {
            decryption.transcript.message(kind, body);
        }
    }

    fn encrypted_extensions(&mut self, body: &[u8]) {
        let Ok(extensions) = EncryptedExtensions::parse(body) else { return };
        if let Some(decryption) = &mut self.decryption {
            decryption.early_data = extensions.accepts_early_data();
        }
        self.session.alpn = extensions.protocol().map(Into::into);
        self.session.srtp_profile = extensions.srtp_profile();
        self.raw_public_key = extensions.certificate_type() == Some(super::handshake::RAW_PUBLIC_KEY);
    }

    fn certificate13(&mut self, from: Direction, body: &[u8], certificates: &mut Certificates) {
        let Ok(list) = Certificate13::parse(body) else { return };
        if self.client != Some(from) {
            let told = list.clone().leaf_extensions();
            self.session.more.ocsp_staple = told.find(extension::STATUS_REQUEST).is_some();
            self.session.more.scts = told.find(extension::SCT).map_or(0, sct_count);
            for (_, extensions) in list.clone() {
                if !self.session.beside.entry(extensions) {
                    self.limited();
                }
            }
        }
        self.chain(from, list.map(|(der, _)| der), certificates);
    }

    /// Proof that an end has the key of its certificate: the signature over what was said so far. RFC 8446 section 4.4.3.
    fn certificate_verify(&mut self, by_server: bool, body: &[u8], certificates: &Certificates) {
        let Some(decryption) = &self.decryption else { return };
        let chain = if by_server { &self.session.certificates } else { &self.session.client_certificates };
        let leaf = chain.as_ref().and_then(|chain| chain.first()).copied();
        let Some((scheme, signature)) = certificate_verify(body) else { return };
        if by_server {
            self.session.more.signature_scheme = Some(scheme);
        }
        let context: &[u8] =
            if by_server { b"TLS 1.3, server CertificateVerify\0" } else { b"TLS 1.3, client CertificateVerify\0" };
        let signed = [&[0x20; 64], context, &decryption.transcript.hash()].concat();
        let proven = leaf.and_then(|leaf| trust::proves(certificates, leaf, scheme, &signed, signature));
        self.session.proven = match (self.session.proven, proven) {
            (Some(false), _) => Some(false),
            (earlier, proven) => proven.or(earlier),
        };
    }

    fn finished(&mut self, from: Direction, verify_data: &[u8], frame: u64, certificates: &mut Certificates) {
        let by_server = self.client != Some(from);
        let role = self.role(from);
        let Some(decryption) = &mut self.decryption else { return };
        let Some(side) = decryption.sides.get_mut(role) else { return };
        // The client's is made over the server's: without that one, it cannot be checked.
        let behind = by_server || self.session.server_finished;
        let Some((_, secret)) = side.keys.take() else { return };
        let hash = decryption.transcript.hash();
        decryption.transcript.message(handshake::FINISHED, verify_data);
        if behind && !decryption.hash.is_finished(&secret, decryption.labels, &hash, verify_data) {
            return self.unfit(certificates);
        }
        self.session.frame = frame;
        if by_server {
            if decryption.early_data && decryption.labels == Labels::Tls {
                // Sealed with the keys of the early data, so never seen, but its bytes are known.
                decryption.transcript.message(handshake::END_OF_EARLY_DATA, &[]);
            }
            self.session.server_finished = true;
            if let Some(log) = &mut certificates.keys {
                log.opened += 1;
            }
        }
        if self.decryption.as_ref().is_some_and(|decryption| decryption.is_over()) {
            self.decryption = None;
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

/// A CompressedCertificate's message, RFC 8879 section 4. `None` if it cannot be had within the limit.
pub(super) fn decompressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut r = Reader::new(body, "tls compressed certificate");
    let (algorithm, length) = (r.u16().ok()?, r.u24().ok()?);
    let compressed = r.vec24().ok()?.rest();
    if length > limits::MAX_MESSAGE {
        return None;
    }
    // Not what a length promises, but what comes.
    let bound = u64::from(length) + 1;
    let mut out = Vec::new();
    use std::io::Read;
    match algorithm {
        1 => flate2::read::ZlibDecoder::new(compressed).take(bound).read_to_end(&mut out),
        2 => brotli_decompressor::Decompressor::new(compressed, BROTLI_BUFFER).take(bound).read_to_end(&mut out),
        3 => ruzstd::decoding::StreamingDecoder::new(compressed).ok()?.take(bound).read_to_end(&mut out),
        _ => return None,
    }
    .ok()?;
    (out.len() == length as usize).then_some(out)
}

const BROTLI_BUFFER: usize = 4096;
