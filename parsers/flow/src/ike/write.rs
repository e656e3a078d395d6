//! The `ike` member of a flow record, and the flat facts that rules judge.
//!
//! `chosen` has one word of each kind. An element of `offered` has a list of each kind, since a proposal of IKEv2 is a
//! set of alternatives; encryption comes there as `{"name","key_length"}`, as the length belongs to the algorithm.

use transitproof_wire::ike::exchange;
use transitproof_wire::registry::ike as registry;

use super::proposal::{Algorithm, Kind, Offer};
use super::{IkeState, IkeSummary, VendorId};
use crate::certificates::Certificates;
use crate::json;

/// The kinds of which `chosen` has exactly one.
const SINGLE: [Kind; 5] = [Kind::Encr, Kind::Prf, Kind::Integ, Kind::Ke, Kind::AuthMethod];
/// The kinds that are lists of names in `offered`.
const LISTED: [Kind; 5] = [Kind::Prf, Kind::Integ, Kind::Ke, Kind::AdditionalKe, Kind::AuthMethod];
/// The transform id that says no such algorithm is used.
const NONE: u16 = 0;

impl IkeState {
    /// The `"ike":{…}` member of the flow record.
    pub fn write_record(&self, certificates: &Certificates, out: &mut Vec<u8>) {
        json::key(out, "ike");
        out.push(b'{');
        if let Some(version) = self.version {
            json::number(out, "version", u64::from(version));
        }
        if let Some(mode) = self.mode_word() {
            json::word(out, "mode", mode);
        }
        json::list(out, "exchanges", &self.exchanges, |out, id| {
            let name = if self.version_is_1() { registry::exchange_v1(*id) } else { registry::exchange(*id) };
            name_or_hex(out, name, u16::from(*id));
        });
        self.write_spis(out);
        if !self.offered.is_empty() {
            json::list(out, "offered", &self.offered, |out, offer| self.write_offer(out, offer));
        }
        if self.offered_truncated {
            json::boolean(out, "offered_truncated", true);
        }
        if let Some(chosen) = &self.chosen {
            json::key(out, "chosen");
            self.write_choice(out, chosen);
        }
        self.write_attempt(out);
        json::boolean(out, "nat_t", self.nat_t);
        json::list(out, "vendor_ids", &self.vendor_ids, write_vendor_id);
        self.write_notifies(out, "notifies");
        if let Some(inside) = &self.inside {
            inside.write(certificates, out);
        }
        out.push(b'}');
    }

    fn write_choice(&self, out: &mut Vec<u8>, chosen: &Offer) {
        out.push(b'{');
        self.write_chosen(out, chosen, &CHOSEN_MEMBERS);
        out.push(b'}');
    }

    pub fn summary(&self) -> IkeSummary {
        let mut summary =
            IkeSummary { version: self.version.unwrap_or(0), mode: self.mode_word(), ..IkeSummary::default() };
        if let Some(chosen) = &self.chosen {
            self.write_choice(&mut summary.chosen, chosen);
        }
        self.exchanges_done.summarise(&mut summary);
        summary
    }

    /// The facts, appended to an open object.
    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.version {
            json::number(out, "ike.version", u64::from(version));
        }
        if let Some(mode) = self.mode_word() {
            json::word(out, "ike.mode", mode);
        }
        if let Some(chosen) = &self.chosen {
            self.write_chosen(out, chosen, &FACT_MEMBERS);
        }
        if self.downgraded().next().is_some() {
            json::words(out, "ike.downgraded", self.downgraded().map(Kind::word));
        }
        if self.psk_is_guessable() {
            json::boolean(out, "ike.psk_hash_exposed", true);
        }
        if let Some(kind) = self.refused {
            json::key(out, "ike.refused");
            self.write_notify(out, kind);
        }
        if !self.notifies.is_empty() {
            self.write_notifies(out, "ike.notifies");
        }
    }

    /// What is only known when the flow ends, appended to an open object.
    pub fn write_late_facts(&self, out: &mut Vec<u8>) {
        // In hours, so that few sets of facts are told apart.
        if self.hours() > 0 {
            json::number(out, "ike.sa_hours", self.hours());
        }
        if self.exchanges_done.refused() {
            json::boolean(out, "ike.auth_refused", true);
        }
        if let Some(inside) = &self.inside
            && let Some(word) = inside.keys_word()
        {
            json::word(out, "ike.keys", word);
            if let Some(pfs) = inside.pfs() {
                json::boolean(out, "ike.child_pfs", pfs);
            }
        }
    }

    /// How the attempt went, beside what was chosen: members only where there is something to say.
    fn write_attempt(&self, out: &mut Vec<u8>) {
        if let Some(kind) = self.refused {
            json::key(out, "refused");
            self.write_notify(out, kind);
        }
        if self.downgraded().next().is_some() {
            json::words(out, "downgraded", self.downgraded().map(Kind::word));
        }
        if self.cookie {
            json::boolean(out, "cookie", true);
        }
        if let Some(group) = self.ke_wanted {
            json::key(out, "ke_wanted");
            name_or_hex(out, registry::key_exchange(group), group);
        }
        if self.damaged > 0 {
            json::number(out, "damaged_messages", self.damaged);
        }
        if self.fragmented {
            json::boolean(out, "fragmented", true);
        }
        if !self.signature_hashes.is_empty() {
            json::list(out, "signature_hashes", &self.signature_hashes, |out, id| {
                name_or_hex(out, registry::signature_hash(*id), *id);
            });
        }
        if self.psk_is_guessable() {
            json::boolean(out, "psk_hash_exposed", true);
        }
        if let Some(word) = self.ppk_word() {
            json::word(out, "ppk", word);
        }
        if !self.nat_detection.is_empty() {
            self.nat_detection.write(out);
        }
        self.exchanges_done.write(out, self.version_is_1());
    }

    /// Whether a pre-shared key is mixed in against quantum computers: agreed once both said USE_PPK.
    fn ppk_word(&self) -> Option<&'static str> {
        match self.ppk {
            [true, true] => Some("agreed"),
            [true, false] => Some("offered"),
            _ => None,
        }
    }

    fn mode_word(&self) -> Option<&'static str> {
        let mode = self.mode.filter(|mode| matches!(*mode, exchange::MAIN | exchange::AGGRESSIVE))?;
        registry::exchange_v1(mode)
    }

    /// The SA that the facts are of, and the others of the flow in `spis`.
    fn write_spis(&self, out: &mut Vec<u8>) {
        let Some((initiator, responder)) = self.sas.get(self.subject) else { return };
        write_spi(out, "initiator_spi", initiator);
        if *responder != [0; 8] {
            write_spi(out, "responder_spi", responder);
        }
        if self.sas.len() > 1 {
            json::list(out, "spis", self.sas.iter().enumerate(), |out, (sa, (initiator, responder))| {
                out.push(b'{');
                write_spi(out, "initiator_spi", initiator);
                if *responder != [0; 8] {
                    write_spi(out, "responder_spi", responder);
                }
                if let Some((_, chosen)) = self.earlier.iter().find(|(of, _)| *of == sa) {
                    json::key(out, "chosen");
                    self.write_choice(out, chosen);
                }
                out.push(b'}');
            });
        }
    }

    fn write_offer(&self, out: &mut Vec<u8>, offer: &Offer) {
        out.push(b'{');
        json::number(out, "number", u64::from(offer.number));
        json::list(out, "encr", offer.of(Kind::Encr), |out, algorithm| {
            out.push(b'{');
            json::key(out, "name");
            self.write_name(out, algorithm);
            if let Some(bits) = algorithm.key_length {
                json::number(out, "key_length", u64::from(bits));
            }
            out.push(b'}');
        });
        for kind in LISTED {
            if offer.of(kind).next().is_some() {
                json::list(out, kind.word(), offer.of(kind), |out, algorithm| self.write_name(out, algorithm));
            }
        }
        if let Some(seconds) = offer.lifetime {
            json::number(out, "lifetime", u64::from(seconds));
        }
        out.push(b'}');
    }

    fn write_chosen(&self, out: &mut Vec<u8>, chosen: &Offer, members: &Members) {
        for (kind, member) in SINGLE.into_iter().zip(members.single) {
            let Some(algorithm) = chosen.of(kind).next() else { continue };
            json::key(out, member);
            self.write_name(out, algorithm);
            // Of other kinds a key length means nothing (RFC 7296 section 3.3.5), and the member is there once.
            if let Some(bits) = algorithm.key_length.filter(|_| kind == Kind::Encr) {
                json::number(out, members.key_length, u64::from(bits));
            }
        }
        let mut additional = chosen.of(Kind::AdditionalKe).filter(|algorithm| algorithm.id != NONE).peekable();
        if additional.peek().is_some() {
            json::list(out, members.additional_ke, additional, |out, algorithm| self.write_name(out, algorithm));
        }
        if let Some(seconds) = chosen.lifetime {
            json::number(out, members.lifetime, u64::from(seconds));
        }
    }

    fn write_name(&self, out: &mut Vec<u8>, algorithm: &Algorithm) {
        name_or_hex(out, algorithm.kind.name(algorithm.id, self.version_is_1()), algorithm.id);
    }

    fn write_notifies(&self, out: &mut Vec<u8>, member: &str) {
        json::list(out, member, &self.notifies, |out, kind| {
            self.write_notify(out, *kind);
        });
    }

    fn write_notify(&self, out: &mut Vec<u8>, kind: u16) {
        let name = if self.version_is_1() { registry::notify_v1(kind) } else { registry::notify(kind) };
        name_or_hex(out, name, kind);
    }
}

/// What the members of a choice are called: in the record, and as facts. `single` is in the order of [`SINGLE`].
struct Members {
    single: [&'static str; SINGLE.len()],
    key_length: &'static str,
    additional_ke: &'static str,
    lifetime: &'static str,
}

const CHOSEN_MEMBERS: Members = Members {
    single: ["encr", "prf", "integ", "ke", "auth_method"],
    key_length: "key_length",
    additional_ke: "additional_ke",
    lifetime: "lifetime",
};

const FACT_MEMBERS: Members = Members {
    single: ["ike.encr", "ike.prf", "ike.integ", "ike.ke", "ike.auth_method"],
    key_length: "ike.key_length",
    additional_ke: "ike.additional_ke",
    lifetime: "ike.lifetime",
};

fn write_spi(out: &mut Vec<u8>, member: &str, spi: &[u8; 8]) {
    json::key(out, member);
    out.push(b'"');
    json::hex(out, spi);
    out.push(b'"');
}

fn write_vendor_id(out: &mut Vec<u8>, id: &VendorId) {
    match id {
        VendorId::Known(name) => json::quoted(out, name),
        VendorId::Unknown(bytes) => {
            out.push(b'"');
            json::hex(out, bytes);
            out.push(b'"');
        }
    }
}

pub fn name_or_hex(out: &mut Vec<u8>, name: Option<&str>, id: u16) {
    match name {
        Some(name) => json::quoted(out, name),
        None => {
            out.extend_from_slice(b"\"0x");
            json::hex(out, &id.to_be_bytes());
            out.push(b'"');
        }
    }
}
