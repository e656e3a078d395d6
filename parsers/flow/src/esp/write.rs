//! The `esp` and `ah` members of a flow record, and the facts that rules judge.

use super::{AhState, EspState, Sa};
use crate::endpoint::write_address;
use crate::entry::{Entry, mark};
use crate::peers::{KnownSa, made_by};
use crate::time::SECOND;
use crate::{Direction, json};

impl EspState {
    /// The `"esp":{…}` member of the flow record.
    pub fn write_record(&self, out: &mut Vec<u8>, ike_sas: &[KnownSa]) {
        json::key(out, "esp");
        out.push(b'{');
        self.write_sas(out, ike_sas);
        json::boolean(out, "nat_t", self.nat_t);
        if let Some(null) = self.null_encryption() {
            json::boolean(out, "null_encryption", null);
        }
        if let Some(encrypted) = self.wesp {
            json::word(out, "wesp", if encrypted { "encrypted" } else { "integrity_only" });
        }
        self.write_totals(out);
        if self.is_one_way() {
            json::boolean(out, "one_way", true);
        }
        let rekeys = self.rekeys();
        if rekeys.count > 0 {
            json::number(out, "rekeys", rekeys.count);
            json::list(out, "rekey_seconds", [rekeys.shortest, rekeys.longest], |out, time| {
                json::decimal(out, time / SECOND);
            });
        }
        out.push(b'}');
    }

    /// A line for each association: who sends to whom, under which SPI, from when to when (ns).
    pub fn write_associations(&self, protocol: &str, entry: &Entry, out: &mut Vec<u8>) {
        for sa in self.sas() {
            let from_low = entry.has(mark::INITIATOR_LOW) == (sa.direction == Direction::Forward);
            out.extend_from_slice(b"{\"protocol\":\"");
            out.extend_from_slice(protocol.as_bytes());
            for (member, low) in [("src", from_low), ("dst", !from_low)] {
                out.extend_from_slice(b"\",\"");
                out.extend_from_slice(member.as_bytes());
                out.extend_from_slice(b"\":\"");
                write_address(out, entry.key.family(), entry.key.end(low).0);
            }
            out.push(b'"');
            for (member, number) in [("spi", sa.spi.into()), ("start", sa.first_time), ("end", sa.last_time)] {
                json::number(out, member, number);
            }
            json::number(out, "packets", sa.packets);
            out.extend_from_slice(b"}\n");
        }
    }

    /// The facts, appended to an open object.
    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if self.null_encryption() == Some(true) {
            json::boolean(out, "esp.null_encryption", true);
        }
        json::boolean(out, "esp.nat_t", self.nat_t);
        if let Some(word) = self.keys_word() {
            json::word(out, "esp.keys", word);
        }
        if self.sas().any(|sa| sa.sequence.replayed() > 0) {
            json::boolean(out, "esp.replayed", true);
        }
        if self.sas().any(|sa| sa.is_near_wrap()) {
            json::boolean(out, "esp.near_wrap", true);
        }
        if self.is_one_way() {
            json::boolean(out, "esp.one_way", true);
        }
        if let Some(family) = self.sas().find_map(Sa::certain_family) {
            json::word(out, "esp.inferred_cipher", family);
        }
        // In hours, so that few sets of facts are told apart.
        if self.hours() > 0 {
            json::number(out, "esp.sa_hours", self.hours());
        }
    }

    /// True when proven for one association, false when packets were looked at and none could be read.
    pub(super) fn null_encryption(&self) -> Option<bool> {
        let tried = self.sas().any(|sa| sa.null.was_tried());
        tried.then(|| self.sas().any(|sa| sa.null.proven().is_some()))
    }

    fn write_sas(&self, out: &mut Vec<u8>, ike_sas: &[KnownSa]) {
        json::key(out, "spis");
        out.push(b'[');
        for (i, sa) in self.sas().enumerate() {
            if self.sas().take(i).all(|earlier| earlier.spi != sa.spi) {
                separate(out);
                write_spi(out, sa.spi);
            }
        }
        out.push(b']');
        json::key(out, "sas");
        out.push(b'[');
        for sa in self.sas() {
            separate(out);
            write_sa(out, sa, made_by(ike_sas, sa.first_time));
        }
        out.push(b']');
    }

    fn write_totals(&self, out: &mut Vec<u8>) {
        json::number(out, "lost", self.sas().map(|sa| sa.sequence.lost()).sum());
        json::number(out, "replayed", self.sas().map(|sa| sa.sequence.replayed()).sum());
        if let Some(word) = self.keys_word() {
            json::word(out, "keys", word);
        }
        if self.untracked > 0 {
            json::number(out, "untracked_packets", self.untracked);
        }
    }
}

impl AhState {
    /// The `"ah":{…}` member of the flow record.
    pub fn write_record(&self, out: &mut Vec<u8>, ike_sas: &[KnownSa]) {
        json::key(out, "ah");
        out.push(b'{');
        self.0.write_sas(out, ike_sas);
        self.0.write_totals(out);
        out.push(b'}');
    }
}

fn write_sa(out: &mut Vec<u8>, sa: &Sa, ike_sa: Option<&KnownSa>) {
    out.push(b'{');
    json::key(out, "spi");
    write_spi(out, sa.spi);
    json::word(out, "direction", if sa.direction == Direction::Forward { "forward" } else { "reverse" });
    json::number(out, "packets", sa.packets);
    json::number(out, "bytes", sa.bytes);
    json::number(out, "first_sequence", u64::from(sa.sequence.first()));
    json::number(out, "last_sequence", u64::from(sa.sequence.last()));
    json::number(out, "lost", sa.sequence.lost());
    json::number(out, "reordered", sa.sequence.reordered());
    json::number(out, "replayed", sa.sequence.replayed());
    if sa.is_extended() {
        json::boolean(out, "extended_sequence", true);
    } else {
        json::number(out, "sequence_left", u64::from(sa.sequence.left()));
    }
    json::number(out, "seconds", sa.life() / SECOND);
    if let Some(family) = sa.cipher_family() {
        json::word(out, "inferred_cipher", family);
    }
    if let Some(ike_sa) = ike_sa {
        json::key(out, "inferred_ike_sa");
        out.push(b'"');
        json::hex(out, &ike_sa.spis.0);
        out.push(b'"');
    }
    out.push(b'}');
}

fn write_spi(out: &mut Vec<u8>, spi: u32) {
    out.extend_from_slice(b"\"0x");
    json::hex(out, &spi.to_be_bytes());
    out.push(b'"');
}

fn separate(out: &mut Vec<u8>) {
    if out.last() != Some(&b'[') {
        out.push(b',');
    }
}
