//! The IKE of one UDP flow: which security associations, what was offered, what was chosen, what was said in clear.
//!
//! Fed with messages in order, in either direction; roles come from the messages, since a capture can begin anywhere.
//! Both versions end in one vocabulary (RFC 7296; RFC 2409 with the names of IKEv2). May not know ports, time, records.

mod proposal;
mod weak;
mod write;

use proposal::{Kind, Offer};
use transitproof_wire::ike::{Header, Message, Notify, Payload, exchange, payload};
use transitproof_wire::registry::ike as registry;

use crate::Direction;

/// IKE SAs remembered in one flow: a gateway that rekeys hourly fills it in days, a scan at once.
pub const MAX_SAS: usize = 64;
/// Distinct vendor ids kept; Windows, which sends most, sends about ten.
pub const MAX_VENDOR_IDS: usize = 32;
/// Bytes kept of an unknown vendor id; the registered ones are hashes of 16 and some carry text.
pub const MAX_VENDOR_ID_LENGTH: usize = 64;
/// Distinct notifications kept; a full IKE_SA_INIT has about eight.
pub const MAX_NOTIFIES: usize = 32;
/// Distinct exchange types kept: all that are registered for one version.
pub const MAX_EXCHANGES: usize = 16;

/// Distinct signature hashes kept: the registry has seven.
pub const MAX_SIGNATURE_HASHES: usize = 16;

const INVALID_KE_PAYLOAD: u16 = 17;
const COOKIE: u16 = 16390;
const SIGNATURE_HASH_ALGORITHMS: u16 = 16431;

/// The pair of SPIs (IKEv1: cookies) that names an IKE SA; the responder's is zero until it answered.
type Spis = ([u8; 8], [u8; 8]);

#[derive(Debug, PartialEq, Eq)]
enum VendorId {
    Known(&'static str),
    Unknown(Box<[u8]>),
}

/// Everything known of the IKE in one flow.
#[derive(Debug, Default)]
pub struct IkeState {
    version: Option<u8>,
    /// Exchange type of the first phase 1 exchange (IKEv1).
    mode: Option<u8>,
    exchanges: Vec<u8>,
    sas: Vec<Spis>,
    /// Index of the SA that offer and choice are of.
    subject: usize,
    offered: Vec<Offer>,
    offered_truncated: bool,
    chosen: Option<Offer>,
    /// The error that ended the attempt.
    refused: Option<u16>,
    /// The group that the responder asked for instead of the one it was sent (INVALID_KE_PAYLOAD).
    ke_wanted: Option<u16>,
    /// The responder asked for a cookie first.
    cookie: bool,
    /// Messages came in fragments (RFC 7383).
    fragmented: bool,
    /// The responder's hash of aggressive mode was readable (IKEv1).
    hash_readable: bool,
    signature_hashes: Vec<u16>,
    frame: u64,
    nat_t: bool,
    vendor_ids: Vec<VendorId>,
    notifies: Vec<u16>,
}

impl IkeState {
    pub fn new() -> Self {
        Self::default()
    }

    /// One datagram without its non-ESP marker. What is not IKE is ignored; what was seen before changes nothing.
    pub fn message(&mut self, _from: Direction, payload: &[u8], nat_t: bool, frame: u64) {
        let Ok(message) = Message::parse(payload) else { return };
        let header = &message.header;
        if header.initiator_spi == [0; 8] || *self.version.get_or_insert(header.major()) != header.major() {
            return;
        }
        self.nat_t |= nat_t;
        push_distinct(&mut self.exchanges, header.exchange, MAX_EXCHANGES);
        if header.is_v1() && matches!(header.exchange, exchange::BASE | exchange::MAIN | exchange::AGGRESSIVE) {
            self.mode.get_or_insert(header.exchange);
        }
        let sa = self.sa(header);
        for payload in message.payloads().map_while(Result::ok) {
            self.payload(header, payload, sa, frame);
        }
    }

    /// A responder's choice was seen, or its refusal: there is something to judge.
    pub fn negotiated(&self) -> bool {
        self.chosen.is_some() || self.refused.is_some()
    }

    /// The frame that decided it; 0 before.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// Does this datagram begin another IKE SA, after one in this flow was already agreed or used? Whoever keeps the
    /// flow may then close its record and start a new one, as with a new connection on the same ports.
    pub fn begins_another(&self, payload: &[u8]) -> bool {
        let Ok(message) = Message::parse(payload) else { return false };
        let first = matches!(
            message.header.exchange,
            exchange::MAIN | exchange::AGGRESSIVE | exchange::IKE_SA_INIT | exchange::IKE_AUTH
        );
        let settled = self.sas.iter().any(|sa| sa.1 != [0; 8]);
        first && settled && !self.sas.iter().any(|sa| sa.0 == message.header.initiator_spi)
    }

    /// The SA that a message belongs to; `None` beyond the limit.
    fn sa(&mut self, header: &Header) -> Option<usize> {
        let spis = (header.initiator_spi, header.responder_spi);
        let same = |sa: &Spis| sa.0 == spis.0 && (sa.1 == spis.1 || sa.1 == [0; 8] || spis.1 == [0; 8]);
        if let Some(at) = self.sas.iter().position(same) {
            if let Some(sa) = self.sas.get_mut(at).filter(|sa| sa.1 == [0; 8]) {
                sa.1 = answered(header);
            }
            return Some(at);
        }
        push_distinct(&mut self.sas, (spis.0, answered(header)), MAX_SAS)
    }

    fn payload(&mut self, header: &Header, payload: Payload<'_>, sa: Option<usize>, frame: u64) {
        match (header.is_v1(), payload.kind) {
            (true, payload::SA_V1) | (false, payload::SA) => self.security_association(header, payload.body, sa, frame),
            (true, payload::NOTIFY_V1) | (false, payload::NOTIFY) => self.notify(header, payload.body, frame),
            (true, payload::VENDOR_ID_V1) | (false, payload::VENDOR_ID) => self.vendor_id(payload.body),
            (false, payload::ENCRYPTED_FRAGMENT) | (true, payload::FRAGMENT_V1) => self.fragmented = true,
            (true, payload::HASH_V1) if header.exchange == exchange::AGGRESSIVE => self.hash_readable = true,
            _ => {}
        }
    }

    fn security_association(&mut self, header: &Header, body: &[u8], sa: Option<usize>, frame: u64) {
        let Some(sa) = sa else { return };
        if self.chosen.is_some() {
            return;
        }
        let (mut offers, truncated) = proposal::offers(body, header.is_v1());
        let answer = header.is_response() || header.is_v1() && header.responder_spi != [0; 8];
        if !answer {
            if !offers.is_empty() {
                (self.offered, self.offered_truncated, self.subject) = (offers, truncated, sa);
            }
            return;
        }
        if offers.is_empty() {
            return;
        }
        if self.subject != sa {
            // The answer belongs to an offer that was not seen, or not kept.
            self.offered.clear();
            self.subject = sa;
        }
        self.chosen = Some(offers.swap_remove(0));
        self.refused = None;
        self.frame = frame;
    }

    fn notify(&mut self, header: &Header, body: &[u8], frame: u64) {
        let Ok(notify) = Notify::parse(body, header.is_v1()) else { return };
        push_distinct(&mut self.notifies, notify.kind, MAX_NOTIFIES);
        if refuses(header, notify.kind) && !self.negotiated() {
            self.refused = Some(notify.kind);
            self.frame = frame;
        }
        if !header.is_v1() && header.exchange == exchange::IKE_SA_INIT {
            self.init_notify(header, &notify);
        }
    }

    /// What IKE_SA_INIT says of retries and signatures (RFC 7296 sections 1.2 and 2.6, RFC 7427 section 4).
    fn init_notify(&mut self, header: &Header, notify: &Notify<'_>) {
        let mut numbers = notify.data.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
        match notify.kind {
            COOKIE if header.is_response() => self.cookie = true,
            INVALID_KE_PAYLOAD if header.is_response() => self.ke_wanted = numbers.next(),
            SIGNATURE_HASH_ALGORITHMS => {
                for id in numbers.take(MAX_SIGNATURE_HASHES) {
                    push_distinct(&mut self.signature_hashes, id, MAX_SIGNATURE_HASHES);
                }
            }
            _ => {}
        }
    }

    /// Aggressive mode with a pre-shared key: from the responder's hash an observer can try keys offline.
    fn psk_is_guessable(&self) -> bool {
        let pre_shared = |chosen: &Offer| chosen.of(Kind::AuthMethod).any(|method| weak::pre_shared(method.id));
        self.hash_readable && self.chosen.as_ref().is_some_and(pre_shared)
    }

    fn vendor_id(&mut self, body: &[u8]) {
        let id = registry::vendor_id(body).map_or_else(
            || VendorId::Unknown(body.iter().copied().take(MAX_VENDOR_ID_LENGTH).collect()),
            VendorId::Known,
        );
        push_distinct(&mut self.vendor_ids, id, MAX_VENDOR_IDS);
    }

    fn version_is_1(&self) -> bool {
        self.version == Some(1)
    }
}

/// The responder's SPI, if this message may carry one: a request for an SA echoes none, whatever it says.
fn answered(header: &Header) -> [u8; 8] {
    if header.exchange == exchange::IKE_SA_INIT && !header.is_response() { [0; 8] } else { header.responder_spi }
}

/// An error that ends the attempt. INVALID_KE_PAYLOAD asks for another try with another group (RFC 7296 section 1.2).
fn refuses(header: &Header, kind: u16) -> bool {
    const FIRST_STATUS: u16 = 16384;
    const LAST_ERROR_V1: u16 = 30;
    if header.is_v1() {
        return kind <= LAST_ERROR_V1;
    }
    header.is_response() && kind < FIRST_STATUS && kind != INVALID_KE_PAYLOAD
}

/// Keeps first-seen order; the position, or `None` if the limit said no.
fn push_distinct<T: PartialEq>(list: &mut Vec<T>, value: T, limit: usize) -> Option<usize> {
    if let Some(at) = list.iter().position(|known| *known == value) {
        return Some(at);
    }
    (list.len() < limit).then(|| {
        list.push(value);
        list.len() - 1
    })
}

#[cfg(test)]
mod tests;
