//! The handshake by its messages, whoever carried them: TLS records, DTLS records or QUIC CRYPTO frames.
//!
//! Knows nothing of records, buffers or lengths of streams. RFC 8446 section 2, RFC 5246 section 7.3.

use super::decryption::Decryption;
use super::mutual::Mutual;
use super::session::{ServerFacts, Session};
use super::{Offer, beside, limits};
use crate::Direction;
use crate::certificates::Certificates;
use crate::fingerprint::Transport;
use crate::keys::{hash_of, tag_length};
use transitproof_wire::Reader;
use transitproof_wire::tls::hello::protocol_names;
use transitproof_wire::tls::{
    Alert, CertificateList, ClientHello, KeyExchange, ServerHello, ServerKeyExchange, content, extension, handshake,
    new_session_ticket, sct_count, signature_scheme,
};

/// RFC 7250: the Certificate message then holds a bare key.
pub(super) const RAW_PUBLIC_KEY: u8 = 2;
const TLS_1_3: u16 = 0x0304;
/// That of DTLS 1.2 under a connection id: 12 bytes of header, 12 of hash, a byte of type and 8 of tag (RFC 6347 section 4.2.2, RFC 9146
/// section 4); an alert is shorter.
const SHORTEST_FINISHED_12: u16 = 12 + 12 + 1 + 8;
/// A TLS 1.3 Finished has 4 bytes of header and at least 32 of hash, a byte of type and 8 of tag. What is shorter is an
/// alert or EndOfEarlyData, and proves nothing.
const SHORTEST_FINISHED: u16 = 4 + 32 + 1 + 8;

pub struct Handshake {
    pub(super) session: Session,
    pub(super) transport: Transport,
    /// Who sent the ClientHello; need not be the initiator of the connection.
    pub(super) client: Option<Direction>,
    key_exchange: KeyExchange,
    pub(super) raw_public_key: bool,
    pub(super) sides: [Side; 2],
    /// Only where keys were given.
    pub(super) decryption: Option<Box<Decryption>>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Side {
    change_cipher_spec: bool,
    /// Sent something that only a finished handshake allows.
    protected: bool,
    /// Protected records so far, to see that the other side is not captured.
    records: u8,
    /// Sent anything of TLS.
    seen: bool,
    /// Bytes of it are missing.
    pub(super) lost: bool,
}

impl Handshake {
    pub fn new(transport: Transport) -> Self {
        let implied_version = (transport == Transport::Quic).then_some(TLS_1_3);
        Self {
            session: Session { implied_version, ..Session::default() },
            transport,
            client: None,
            key_exchange: KeyExchange::Other,
            raw_public_key: false,
            sides: Default::default(),
            decryption: None,
        }
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Who sent the ClientHello, or should have by the ServerHello.
    pub fn client(&self) -> Option<Direction> {
        self.client
    }

    /// Whether the body of a message is read at all; of others `message` needs the type only.
    #[inline]
    pub fn wants(kind: u8) -> bool {
        use handshake::*;
        matches!(
            kind,
            CLIENT_HELLO | SERVER_HELLO | CERTIFICATE | CERTIFICATE_STATUS | SERVER_KEY_EXCHANGE | NEW_SESSION_TICKET
        )
    }

    /// A whole message, its header taken off (in DTLS: reassembled).
    pub fn message(&mut self, from: Direction, kind: u8, body: &[u8], frame: u64, certificates: &mut Certificates) {
        self.sides[from as usize].seen = true;
        if self.session.established.is_some() {
            return;
        }
        self.session.more.last = Some(kind);
        if certificates.keys.is_some() && matches!(kind, handshake::CLIENT_HELLO | handshake::SERVER_HELLO) {
            self.hello(from, kind, body, certificates);
        }
        let told = match kind {
            handshake::CLIENT_HELLO => self.client_hello(from, body, certificates),
            handshake::SERVER_HELLO => self.server_hello(from, body, certificates),
            handshake::HELLO_RETRY_REQUEST => {
                self.session.hello_retry_request = true;
                true
            }
            handshake::CERTIFICATE => self.certificate(from, body, certificates),
            handshake::SERVER_KEY_EXCHANGE => self.server_key_exchange(body),
            // Only a full handshake has one.
            handshake::SERVER_HELLO_DONE => {
                self.session.resumed = Some(false);
                true
            }
            // TLS 1.3 hides both: what looks like them in the clear is the middle of something else.
            handshake::CERTIFICATE_REQUEST | handshake::CERTIFICATE_STATUS if self.session.is_tls13() => false,
            handshake::CERTIFICATE_REQUEST => {
                self.session.more.certificate_request = true;
                true
            }
            handshake::CERTIFICATE_STATUS => {
                self.session.more.ocsp_staple = true;
                if !self.session.beside.status(body) {
                    self.limited();
                }
                true
            }
            handshake::NEW_SESSION_TICKET => {
                self.session.ticket = new_session_ticket(body).map_or(0, |ticket| certificates.token(ticket));
                false
            }
            _ => false,
        };
        if told {
            self.session.frame = frame;
        }
    }

    fn client_hello(&mut self, from: Direction, body: &[u8], certificates: &mut Certificates) -> bool {
        // The second one answers a HelloRetryRequest or a HelloVerifyRequest.
        if self.session.offer.is_some() {
            return false;
        }
        let Ok(hello) = ClientHello::parse(body, self.transport == Transport::Datagram) else { return false };
        let fingerprints = certificates.fingerprints.client(&hello, self.transport);
        self.client_offer(from, Offer::new(&hello, fingerprints, certificates));
        true
    }

    pub(super) fn client_offer(&mut self, from: Direction, offer: Offer) {
        self.client = Some(from);
        self.session.offer = Some(offer);
    }

    fn server_hello(&mut self, from: Direction, body: &[u8], certificates: &mut Certificates) -> bool {
        use extension::*;
        let Ok(hello) = ServerHello::parse(body) else { return false };
        if self.session.server.is_some() {
            return false;
        }
        self.client.get_or_insert(from.other());
        if hello.is_retry_request() {
            self.session.hello_retry_request = true;
            return true;
        }
        let [mut version, mut key_share, mut draft_share, mut alpn, mut srtp, mut certificate_type] = [None; 6];
        let (mut server, mut psk) = (ServerFacts::default(), false);
        for (kind, body) in hello.extensions {
            match kind {
                SUPPORTED_VERSIONS => _ = version.get_or_insert(body),
                KEY_SHARE => _ = key_share.get_or_insert(body),
                KEY_SHARE_DRAFT => _ = draft_share.get_or_insert(body),
                ALPN => _ = alpn.get_or_insert(body),
                USE_SRTP => _ = srtp.get_or_insert(body),
                SERVER_CERTIFICATE_TYPE => _ = certificate_type.get_or_insert(body),
                EXTENDED_MASTER_SECRET => server.extended_master_secret = true,
                RENEGOTIATION_INFO => server.renegotiation_info = true,
                ENCRYPT_THEN_MAC => server.encrypt_then_mac = true,
                HEARTBEAT => server.heartbeat = true,
                PRE_SHARED_KEY => psk = true,
                SCT => {
                    self.session.more.scts = sct_count(body);
                    if !self.session.beside.add(beside::Kind::Timestamps, body.rest()) {
                        self.limited();
                    }
                }
                _ => {}
            }
        }
        let number = |body: Option<Reader<'_>>| body.and_then(|mut body| body.u16().ok());
        server.version = number(version).unwrap_or(hello.legacy_version);
        server.suite = Some(u32::from(hello.suite));
        server.ja3s = Some(certificates.fingerprints.server(&hello));
        server.compression = hello.compression;
        self.session.server = Some(server);
        if server.is_tls13() {
            self.session.group = number(key_share.or(draft_share));
            self.session.resumed = Some(psk);
        } else {
            self.key_exchange = KeyExchange::of_suite(hello.suite);
            self.session.alpn = alpn.and_then(|body| protocol_names(body).next()).map(Into::into);
            self.session.srtp_profile = srtp.and_then(srtp_profile);
            self.session.more.downgrade_sentinel = hello.downgrade_sentinel();
            self.raw_public_key = certificate_type.and_then(|mut body| body.u8().ok()) == Some(RAW_PUBLIC_KEY);
            if !hello.session_id.is_empty() {
                self.session.session_id = certificates.token(hello.session_id);
            }
        }
        true
    }

    fn certificate(&mut self, from: Direction, body: &[u8], certificates: &mut Certificates) -> bool {
        CertificateList::parse(body).is_ok_and(|list| self.chain(from, list, certificates))
    }

    pub(super) fn chain<'a>(
        &mut self,
        from: Direction,
        list: impl Iterator<Item = &'a [u8]>,
        certificates: &mut Certificates,
    ) -> bool {
        let from_server = self.client.map_or(from == Direction::Reverse, |client| client != from);
        if from_server {
            self.session.resumed = Some(false);
        }
        let seen = if from_server { &self.session.certificates } else { &self.session.client_certificates };
        if seen.is_some() || (from_server && self.raw_public_key) {
            return false;
        }
        let mut chain = Vec::new();
        for der in list {
            match certificates.intern(der) {
                Some(id) if chain.len() < limits::MAX_CHAIN => chain.push(id),
                _ => {
                    self.session.limited += 1;
                    break;
                }
            }
        }
        *(if from_server { &mut self.session.certificates } else { &mut self.session.client_certificates }) =
            Some(chain);
        true
    }

    fn server_key_exchange(&mut self, body: &[u8]) -> bool {
        self.session.resumed = Some(false);
        if self.session.server.is_some_and(|server| matches!(server.version, 0x0303 | 0xfefd)) {
            self.session.more.signature_scheme = signature_scheme(body, self.key_exchange);
        }
        match ServerKeyExchange::parse(body, self.key_exchange) {
            Ok(Some(ServerKeyExchange::Group(group))) => self.session.group = Some(group),
            Ok(Some(ServerKeyExchange::Prime { bits, name })) => {
                (self.session.dh_bits, self.session.more.dh_prime) = (Some(bits), name);
            }
            Ok(None) | Err(_) => return false,
        }
        true
    }

    /// Whether handshake and alert records of this side are encrypted. In TLS 1.3 a ChangeCipherSpec means nothing, also
    /// between a HelloRetryRequest and the second hellos; RFC 8446 appendix D.4.
    pub fn is_protected(&self, from: Direction) -> bool {
        let is_tls13 = || self.session.server.map_or(self.session.hello_retry_request, |server| server.is_tls13());
        self.sides[from as usize].change_cipher_spec && !is_tls13()
    }

    pub fn change_cipher_spec(&mut self, from: Direction, frame: u64) {
        let side = &mut self.sides[from as usize];
        side.change_cipher_spec = true;
        side.seen = true;
        self.session.more.last = Some(super::more::CHANGE_CIPHER_SPEC);
        let by_server = self.client.is_some_and(|client| client != from);
        let answered = self.session.server.is_some_and(|server| !server.is_tls13());
        // Right after the ServerHello (or a NewSessionTicket): abbreviated, unless what stood between is missing.
        if by_server && answered && self.session.resumed.is_none() && !side.lost {
            self.session.resumed = Some(true);
            self.session.frame = frame;
        }
    }

    /// A record whose content is encrypted. `length` is that of its content.
    pub fn protected(&mut self, from: Direction, content_type: u8, length: u16) {
        let early = self.session.server.is_none() && self.session.offer.as_ref().is_some_and(|offer| offer.early_data);
        let counts = match content_type {
            content::APPLICATION_DATA if self.session.server.is_some_and(|server| !server.is_tls13()) => true,
            content::APPLICATION_DATA => length >= SHORTEST_FINISHED && !(early && self.client == Some(from)),
            content::HANDSHAKE => true,
            content::TLS12_CID => length >= SHORTEST_FINISHED_12,
            _ => false,
        };
        let side = &mut self.sides[from as usize];
        side.seen = true;
        side.records = side.records.saturating_add(1);
        side.protected |= counts;
        if content_type == content::APPLICATION_DATA && self.transport == Transport::Tcp {
            self.mutual(from, length, early);
        }
        let handshake_seen = self.session.offer.is_some() || self.session.server.is_some();
        if handshake_seen && self.session.established.is_none() && self.sides.iter().all(|side| side.protected) {
            self.session.established = Some(true);
        }
    }

    /// What the size of a protected record tells of certificates.
    #[inline]
    fn mutual(&mut self, from: Direction, length: u16, early: bool) {
        let Some(server) = self.session.server.filter(|server| server.is_tls13()) else { return };
        let mutual = &mut self.session.mutual;
        if matches!(mutual, Mutual::Nothing | Mutual::Over(..)) {
            return;
        }
        let suite = server.suite.and_then(|suite| u16::try_from(suite).ok()).unwrap_or_default();
        let (Some(hash), Some(client)) = (hash_of(suite), self.client) else { return mutual.stop() };
        let content = length.saturating_sub(1 + tag_length(suite));
        if from != client {
            mutual.server(content);
            self.session.flight.server(content);
        } else if early || self.session.offer.as_ref().is_none_or(|offer| offer.early_data) {
            mutual.stop();
        } else {
            mutual.client(content, 4 + hash.len() as u16);
            self.session.flight.end();
        }
        if self.session.mutual.is_refused() {
            self.session.established = Some(false);
        }
    }

    /// An alert in the clear.
    pub fn alert(&mut self, from: Direction, alert: Alert, frame: u64) {
        self.sides[from as usize].seen = true;
        if self.session.established.is_some() {
            return;
        }
        self.session.alert = Some((alert, from));
        self.session.more.alert_by_client = self.client.map(|client| client == from);
        self.session.frame = frame;
        if alert.level == Alert::FATAL {
            self.session.established = Some(false);
        }
    }

    /// Something of the handshake was left unread because of a limit.
    pub fn limited(&mut self) {
        self.session.limited = self.session.limited.saturating_add(1);
    }

    /// Bytes of this side are missing.
    pub fn lost(&mut self, from: Direction) {
        self.sides[from as usize].lost = true;
        self.session.mutual.stop();
        self.session.flight.lost();
        self.stop_reading(from);
    }

    /// The connection ended. A side that was never seen, though the other went on as if it had answered, is not captured:
    /// then nobody can say.
    pub fn closed(&mut self, reset_or_fin: bool) {
        let one_sided = self.sides.iter().any(|side| side.seen && (side.change_cipher_spec || side.records > 0))
            && self.sides.iter().any(|side| !side.seen);
        let missing = self.sides.iter().any(|side| side.lost);
        let began = self.session.offer.is_some() || self.session.server.is_some();
        if reset_or_fin && began && !one_sided && !missing && self.session.established.is_none() {
            self.session.established = Some(false);
        }
    }

    /// It came to be or not, and nothing is left to be read of it with keys or to be told from sizes.
    #[inline]
    pub fn is_decided(&self) -> bool {
        match self.session.established {
            Some(true) => !self.is_reading() && !self.session.mutual.is_pending(),
            established => established.is_some(),
        }
    }

    /// Nothing more to learn: decided, joined in the middle, or only one side of it is captured.
    #[inline]
    pub fn is_complete(&self) -> bool {
        let began = self.session.offer.is_some() || self.session.server.is_some();
        let [a, b] = [self.sides[0].records, self.sides[1].records];
        let one_sided = a.min(b) == 0 && a.max(b) >= limits::MAX_ONE_SIDED;
        self.is_decided() || (!began && (a | b) != 0) || one_sided
    }
}

/// The profile that a server chose: a list of one, RFC 5764 section 4.1.1.
pub(super) fn srtp_profile(mut extension: Reader<'_>) -> Option<u16> {
    let mut profiles = extension.vec16().ok()?;
    profiles.u16().ok().filter(|_| profiles.is_empty())
}
