//! Exchanges counted, most of whose content is encrypted: new ones told from those sent again by their message ids, and
//! what the size of a message gives away (inferred, never certain). May not know time.
//!
//! A message id counts the requests of one side (RFC 7296 section 2.2). In IKEv1 one stands for a whole exchange.

use super::cipher::Cipher;
use super::write::name_or_hex;
use super::{IkeSummary, MAX_EXCHANGES, MAX_SAS};
use crate::json;
use transitproof_wire::ike::{Header, Payload, exchange, fragment_number, payload};
use transitproof_wire::registry::ike as registry;

/// A Delete payload of an IKE SA, or a notification without data: generic header and four bytes (RFC 7296 section 3.11).
const ENDING: usize = 8;
/// A Delete payload of one child SA: the same and an SPI.
const CHILD_DELETE: usize = 12;
/// No answer to IKE_AUTH that grants anything is so short: identity and AUTH alone have 24 bytes.
const REFUSAL: usize = 15;

/// The same where the cipher is not known: IV, one block and ICV of the cipher that adds most, AES-CBC with SHA-512.
const REFUSAL_ENCRYPTED: usize = 16 + 16 + 32;

/// Message ids of one IKE SA.
#[derive(Debug, Default)]
struct Ids {
    /// The latest request of the original initiator and of the responder, and the latest answer to each.
    asked: [Option<u32>; 2],
    answered: [Option<u32>; 2],
    /// The latest request was sent again.
    repeated: [bool; 2],
    /// IKEv1: the latest quick, informational and transaction exchange.
    v1: [Option<u32>; 3],
}

#[derive(Debug, Default)]
pub struct Exchanges {
    counts: Vec<(u8, u64)>,
    ids: Vec<Ids>,
    answers: u64,
    retransmitted: u64,
    /// Requests that were given up: another followed and no answer was seen.
    unanswered: u64,
    liveness: u64,
    deletes: u64,
    /// IKE_AUTH was answered with a message too short to grant anything, and nothing followed.
    refused: bool,
    /// IKE SAs that took the place of another without an IKE_SA_INIT of their own.
    ike_rekeys: u64,
    /// The content of at least one informational request was told by its size.
    sized: bool,
}

impl Exchanges {
    /// A message of IKE SA number `sa` of its flow. `encrypted`: its encrypted payload, if it has one.
    pub fn message(&mut self, header: &Header, sa: usize, encrypted: Option<&Payload<'_>>, cipher: Option<Cipher>) {
        if sa >= MAX_SAS {
            return;
        }
        if header.is_v1() {
            return self.message_v1(header, sa);
        }
        let fragment = encrypted.filter(|payload| payload.kind == payload::ENCRYPTED_FRAGMENT);
        if fragment.is_some_and(|payload| fragment_number(payload.body).is_ok_and(|(number, _)| number > 1)) {
            return;
        }
        let content = encrypted
            .filter(|payload| payload.kind == payload::ENCRYPTED)
            .and_then(|payload| cipher?.content_at_most(payload.body.len()));
        let exact = content.filter(|_| cipher.is_some_and(Cipher::is_exact));
        self.first_sight(header, sa);
        // A request comes from the side that its answer goes to.
        let asker = usize::from(header.from_initiator() == header.is_response());
        let ids = self.ids_of(sa);
        let (asked, answered) = (ids.asked[asker], ids.answered[asker]);
        if header.is_response() {
            if answered.is_none_or(|last| header.message_id > last) {
                self.ids_of(sa).answered[asker] = Some(header.message_id);
                self.answers += 1;
            }
            if header.exchange == exchange::IKE_AUTH {
                let length = encrypted.filter(|p| p.kind == payload::ENCRYPTED).map(|payload| payload.body.len());
                let short = || length.is_some_and(|length| length <= REFUSAL_ENCRYPTED);
                self.refused = content.map_or_else(short, |content| (ENDING..=REFUSAL).contains(&content));
            }
        } else if asked.is_none_or(|last| header.message_id > last) {
            self.unanswered += u64::from(asked > answered);
            let ids = self.ids_of(sa);
            (ids.asked[asker], ids.repeated[asker]) = (Some(header.message_id), false);
            self.request(header, exact);
        } else if asked == Some(header.message_id) && answered != asked {
            self.ids_of(sa).repeated[asker] = true;
            self.retransmitted += 1;
        }
    }

    fn request(&mut self, header: &Header, content: Option<usize>) {
        self.count(header.exchange);
        self.refused &= header.exchange != exchange::IKE_AUTH;
        let Some(content) = content.filter(|_| header.exchange == exchange::INFORMATIONAL) else { return };
        self.sized = true;
        self.liveness += u64::from(content < ENDING);
        self.deletes += u64::from(content == ENDING || content == CHILD_DELETE);
    }

    /// Quick mode and the like have an id for each; main and aggressive mode are one for each SA.
    fn message_v1(&mut self, header: &Header, sa: usize) {
        let slot = match header.exchange {
            exchange::QUICK => 0,
            exchange::INFORMATIONAL_V1 => 1,
            exchange::TRANSACTION => 2,
            _ => {
                if sa >= self.ids.len() {
                    self.ids_of(sa);
                    self.count(header.exchange);
                }
                return;
            }
        };
        let last = &mut self.ids_of(sa).v1[slot];
        if *last != Some(header.message_id) {
            *last = Some(header.message_id);
            self.count(header.exchange);
        }
    }

    /// An IKE SA that begins without IKE_SA_INIT while an earlier one exchanged CREATE_CHILD_SA was made by that exchange.
    fn first_sight(&mut self, header: &Header, sa: usize) {
        let rekeyed = sa > 0 && sa >= self.ids.len() && self.count_of(exchange::CREATE_CHILD_SA) > self.ike_rekeys;
        self.ike_rekeys += u64::from(rekeyed && header.exchange != exchange::IKE_SA_INIT);
    }

    fn ids_of(&mut self, sa: usize) -> &mut Ids {
        if sa >= self.ids.len() {
            self.ids.resize_with(sa + 1, Ids::default);
        }
        &mut self.ids[sa]
    }

    fn count(&mut self, exchange: u8) {
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == exchange) {
            *count += 1;
        } else if self.counts.len() < MAX_EXCHANGES {
            self.counts.push((exchange, 1));
        }
    }

    fn count_of(&self, exchange: u8) -> u64 {
        self.counts.iter().find(|(known, _)| *known == exchange).map_or(0, |(_, count)| *count)
    }

    /// Fills in what was counted.
    pub fn summarise(&self, summary: &mut IkeSummary) {
        summary.rekeys = self.ike_rekeys;
        summary.children = self.children();
        summary.liveness_checks = self.liveness;
        summary.retransmitted = self.retransmitted;
        summary.unanswered = self.unanswered_now();
        summary.auth_refused = self.refused;
    }

    /// CREATE_CHILD_SA that did not replace the IKE SA: child SAs made or replaced. IKEv1: quick modes.
    fn children(&self) -> u64 {
        self.count_of(exchange::QUICK) + self.count_of(exchange::CREATE_CHILD_SA).saturating_sub(self.ike_rekeys)
    }

    /// IKE_AUTH was refused, by the size of the answer.
    pub fn refused(&self) -> bool {
        self.refused
    }

    pub fn write(&self, out: &mut Vec<u8>, v1: bool) {
        json::key(out, "exchange_counts");
        out.push(b'{');
        for (id, count) in &self.counts {
            let name = if v1 { registry::exchange_v1(*id) } else { registry::exchange(*id) };
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            name_or_hex(out, name, u16::from(*id));
            out.push(b':');
            json::decimal(out, *count);
        }
        out.push(b'}');
        for (member, count) in [
            ("children", self.children()),
            ("ike_rekeys", self.ike_rekeys),
            ("retransmitted", self.retransmitted),
            ("unanswered", self.unanswered_now()),
        ] {
            if count > 0 {
                json::number(out, member, count);
            }
        }
        if self.sized {
            json::number(out, "liveness_checks", self.liveness);
            json::number(out, "deletes", self.deletes);
        }
        if self.refused {
            json::word(out, "authentication", "refused");
        }
    }

    /// Those given up, and the last ones if they were repeated in vain.
    fn unanswered_now(&self) -> u64 {
        let in_vain = |ids: &Ids, side: usize| ids.repeated[side] && ids.asked[side] > ids.answered[side];
        let pending = self.ids.iter().flat_map(|ids| [in_vain(ids, 0), in_vain(ids, 1)]).filter(|vain| *vain).count();
        self.unanswered + pending as u64
    }
}
