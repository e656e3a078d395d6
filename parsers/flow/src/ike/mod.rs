//! The IKE of one UDP flow: which security associations, what was offered, what was chosen, what was said in clear.
//!
//! Fed with messages in order, in either direction; roles come from the messages, since a capture can begin anywhere.
//! Both versions end in one vocabulary (RFC 7296; RFC 2409 with the names of IKEv2). May not know time, and addresses only
//! to hold against them what peers said of theirs.

mod cipher;
mod exchanges;
mod inside;
mod nat;
mod proposal;
mod weak;
mod write;

use crate::certificates::Certificates;
pub use cipher::Cipher;
use exchanges::Exchanges;
pub use inside::{Inside, Selector};
pub use nat::Ends;
use nat::{End, Hash, NatDetection};
use proposal::Kind;
pub use proposal::Offer;
use transitproof_wire::ike::{Header, Message, Notify, Payload, exchange, payload};
use transitproof_wire::packet::Address;
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

/// Choices kept besides the latest: peers that begin at once make two, and a flow that goes on has a record for each anyway.
pub const MAX_EARLIER: usize = 8;

/// Distinct signature hashes kept: the registry has seven.
pub const MAX_SIGNATURE_HASHES: usize = 16;

const INVALID_KE_PAYLOAD: u16 = 17;
const NAT_DETECTION_SOURCE_IP: u16 = 16388;
const NAT_DETECTION_DESTINATION_IP: u16 = 16389;
const USE_PPK: u16 = 16435;
const COOKIE: u16 = 16390;
const SIGNATURE_HASH_ALGORITHMS: u16 = 16431;

/// The pair of SPIs (IKEv1: cookies) that names an IKE SA; the responder's is zero until it answered.
pub type Spis = ([u8; 8], [u8; 8]);

#[derive(Debug, PartialEq, Eq)]
enum VendorId {
    Known(&'static str),
    Unknown(Box<[u8]>),
}

/// What the IKE of a flow comes to.
#[derive(Debug, Default)]
pub struct IkeSummary {
    pub version: u8,
    pub mode: Option<&'static str>,
    /// JSON object, empty if unknown.
    pub chosen: Vec<u8>,
    pub rekeys: u64,
    pub children: u64,
    pub liveness_checks: u64,
    pub retransmitted: u64,
    pub unanswered: u64,
    pub auth_refused: bool,
}

/// Everything known of the IKE in one flow.
#[derive(Debug, Default)]
pub struct IkeState {
    version: Option<u8>,
    /// Exchange type of the first phase 1 exchange (IKEv1).
    mode: Option<u8>,
    exchanges: Vec<u8>,
    sas: Vec<Spis>,
    /// Time of the message in hand, and when each SA was first and last heard of.
    now: u64,
    heard: Vec<(u64, u64)>,
    /// Index of the SA that offer and choice are of.
    subject: usize,
    offered: Vec<Offer>,
    offered_truncated: bool,
    chosen: Option<Offer>,
    /// What other SAs of the flow chose before, where both peers began one at once.
    earlier: Vec<(usize, Offer)>,
    /// The error that ended the attempt.
    refused: Option<u16>,
    /// The group that the responder asked for instead of the one it was sent (INVALID_KE_PAYLOAD).
    ke_wanted: Option<u16>,
    /// The responder asked for a cookie first.
    cookie: bool,
    /// Messages that end before their payloads do, or whose payloads contradict their lengths.
    damaged: u64,
    /// Messages came in fragments (RFC 7383).
    fragmented: bool,
    /// The responder's hash of aggressive mode was readable (IKEv1).
    hash_readable: bool,
    signature_hashes: Vec<u16>,
    exchanges_done: Exchanges,
    ends: Option<Ends>,
    nat_detection: NatDetection,
    /// Who sent the first message (IKEv1, whose header does not say).
    initiator: Option<Address>,
    /// Initiator and responder can mix in a pre-shared key against quantum computers (RFC 8784).
    ppk: [bool; 2],
    /// Cipher of the SA in hand, of which another flow may have seen the negotiation.
    cipher: Option<(usize, Cipher)>,
    /// What was read with keys that were given.
    inside: Option<Box<Inside>>,
    frame: u64,
    nat_t: bool,
    vendor_ids: Vec<VendorId>,
    notifies: Vec<u16>,
}

impl IkeState {
    pub fn new() -> Self {
        Self::default()
    }

    /// The time of the next message, ns.
    pub fn at(&mut self, time: u64) {
        self.now = time;
    }

    /// Where the next message comes from and goes to.
    pub fn between(&mut self, ends: Ends) {
        self.ends = Some(ends);
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
        if header.is_v1() && header.responder_spi == [0; 8] {
            self.initiator = self.ends.map(|ends| ends.src.0);
        }
        let (mut encrypted, mut nat_ds) = (None, 0);
        for payload in message.payloads() {
            let Ok(payload) = payload else {
                self.damaged += 1;
                break;
            };
            if matches!(payload.kind, payload::ENCRYPTED | payload::ENCRYPTED_FRAGMENT) {
                encrypted = Some(payload);
            }
            self.nat_hash(header, payload, &mut nat_ds);
            self.payload(header, payload, sa, frame);
        }
        if let Some(sa) = sa {
            match self.heard.get_mut(sa) {
                Some((_, last)) => *last = (*last).max(self.now),
                None => self.heard.push((self.now, self.now)),
            }
            let cipher = self.cipher_of(sa);
            self.exchanges_done.message(header, sa, encrypted.as_ref(), cipher);
        }
    }

    /// Reads what is encrypted in a datagram without its marker, if there are keys for it.
    pub fn open(&mut self, datagram: &[u8], certificates: &mut Certificates) {
        let Some(keys) = certificates.keys.as_ref().filter(|keys| keys.ipsec.has_ike()) else { return };
        let Some(message) = Message::parse(datagram).ok().filter(|message| !message.header.is_v1()) else { return };
        let spis = (message.header.initiator_spi, message.header.responder_spi);
        let Some(keys) = keys.ipsec.ike(&spis).cloned() else { return };
        let inside = self.inside.get_or_insert_default();
        if let Some(opened) = inside.message(datagram, &message, &keys, certificates)
            && let Some(log) = &mut certificates.keys
        {
            log.told(opened);
        }
    }

    pub fn inside(&self) -> Option<&Inside> {
        self.inside.as_deref()
    }

    fn cipher_of(&self, sa: usize) -> Option<Cipher> {
        let negotiated = || self.choice_of(sa).and_then(Cipher::of);
        self.cipher.filter(|(of, _)| *of == sa).map(|(_, cipher)| cipher).or_else(negotiated)
    }

    fn choice_of(&self, sa: usize) -> Option<&Offer> {
        let earlier = || self.earlier.iter().find(|(of, _)| *of == sa).map(|(_, chosen)| chosen);
        self.chosen.as_ref().filter(|_| sa == self.subject).or_else(earlier)
    }

    /// The latest SA, if what it agreed on is not known here: its negotiation may have been on other ports.
    pub fn stranger(&self) -> Option<Spis> {
        let last = self.sas.len().checked_sub(1)?;
        let spis = self.sas.get(last).filter(|spis| spis.1 != [0; 8])?;
        let known = self.choice_of(last).is_some() || self.cipher.is_some_and(|(of, _)| of == last);
        (!known && !self.version_is_1()).then_some(*spis)
    }

    /// What the latest SA encrypts with.
    pub fn introduce(&mut self, cipher: Cipher) {
        self.cipher = self.sas.len().checked_sub(1).map(|last| (last, cipher));
    }

    /// The SA of which offer and choice are known, and what was chosen.
    pub fn agreement(&self) -> Option<(Spis, &Offer)> {
        Some((*self.sas.get(self.subject)?, self.chosen.as_ref()?))
    }

    /// The SAs that were answered, with when they were first heard of.
    pub fn known_sas(&self) -> impl Iterator<Item = (Spis, u64)> {
        self.sas.iter().copied().zip(self.heard.iter().map(|heard| heard.0)).filter(|(spis, _)| spis.1 != [0; 8])
    }

    /// The peer said something at all.
    pub fn is_answered(&self) -> bool {
        self.negotiated() || self.cookie || self.ke_wanted.is_some() || self.sas.iter().any(|spis| spis.1 != [0; 8])
    }

    /// Whole hours for which one IKE SA was used.
    fn hours(&self) -> u64 {
        const HOUR: u64 = 3600 * crate::time::SECOND;
        self.heard.iter().map(|(first, last)| last - first).max().unwrap_or(0) / HOUR
    }

    /// What is only known when the flow ends.
    pub fn has_late_facts(&self) -> bool {
        self.hours() > 0
            || self.exchanges_done.refused()
            || self.inside().is_some_and(|inside| inside.keys_word().is_some())
    }

    /// The attempt ended with an error.
    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    fn nat_hash(&mut self, header: &Header, payload: Payload<'_>, nat_ds: &mut u8) {
        let Some(ends) = self.ends else { return };
        let spis = (header.initiator_spi, header.responder_spi);
        match (header.is_v1(), payload.kind) {
            (false, payload::NOTIFY) if header.exchange == exchange::IKE_SA_INIT => {
                let Ok(notify) = Notify::parse(payload.body, false) else { return };
                let end = match notify.kind {
                    NAT_DETECTION_SOURCE_IP => End::Source,
                    NAT_DETECTION_DESTINATION_IP => End::Destination,
                    _ => return,
                };
                self.nat_detection.hash(!header.is_response(), end, &spis, &ends, (notify.data, Hash::Sha1));
            }
            (true, payload::NAT_D_V1 | payload::NAT_D_DRAFT_V1) => {
                let hash = self.chosen.as_ref().and_then(|chosen| chosen.of(Kind::Prf).next());
                let Some(with) = hash.and_then(|prf| Hash::v1(prf.id)) else { return };
                // The first is of the destination, all others of the source (RFC 3947 section 3.2).
                let end = if *nat_ds == 0 { End::Destination } else { End::Source };
                *nat_ds += 1;
                let from_initiator = self.initiator == Some(ends.src.0);
                self.nat_detection.hash(from_initiator, end, &spis, &ends, (payload.body, with));
            }
            _ => {}
        }
    }

    /// A responder's choice was seen, or its refusal: there is something to judge.
    pub fn negotiated(&self) -> bool {
        self.negotiations() > 0
    }

    /// How many there were.
    pub fn negotiations(&self) -> usize {
        self.earlier.len() + usize::from(self.chosen.is_some() || self.refused.is_some())
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
        let answer = header.is_response() || header.is_v1() && header.responder_spi != [0; 8];
        let settled = !answer || self.choice_of(sa).is_some() || self.earlier.len() == MAX_EARLIER;
        if self.chosen.is_some() && settled {
            return;
        }
        let (mut offers, truncated) = proposal::offers(body, header.is_v1());
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
            self.earlier.extend(self.chosen.take().map(|chosen| (self.subject, chosen)));
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
            USE_PPK => self.ppk[usize::from(header.is_response())] = true,
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
mod exchange_tests;
#[cfg(test)]
mod tests;
