//! The `esp` and `ah` members of a flow record, and the facts that rules judge.

use super::{AhState, EspState, Sa};
use crate::{Direction, json};

impl EspState {
    /// The `"esp":{…}` member of the flow record.
    pub fn write_record(&self, out: &mut Vec<u8>) {
        json::key(out, "esp");
        out.push(b'{');
        self.write_sas(out);
        json::boolean(out, "nat_t", self.nat_t);
        if let Some(null) = self.null_encryption() {
            json::boolean(out, "null_encryption", null);
        }
        self.write_totals(out);
        out.push(b'}');
    }

    /// The facts, appended to an open object.
    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if self.null_encryption() == Some(true) {
            json::boolean(out, "esp.null_encryption", true);
        }
        json::boolean(out, "esp.nat_t", self.nat_t);
        if self.sas().any(|sa| sa.sequence.replayed() > 0) {
            json::boolean(out, "esp.replayed", true);
        }
        if self.sas().any(|sa| sa.sequence.is_near_wrap()) {
            json::boolean(out, "esp.near_wrap", true);
        }
    }

    /// True when proven for one association, false when packets were looked at and none could be read.
    fn null_encryption(&self) -> Option<bool> {
        let tried = self.sas().any(|sa| sa.null.was_tried());
        tried.then(|| self.sas().any(|sa| sa.null.proven().is_some()))
    }

    fn write_sas(&self, out: &mut Vec<u8>) {
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
            write_sa(out, sa);
        }
        out.push(b']');
    }

    fn write_totals(&self, out: &mut Vec<u8>) {
        json::number(out, "lost", self.sas().map(|sa| sa.sequence.lost()).sum());
        json::number(out, "replayed", self.sas().map(|sa| sa.sequence.replayed()).sum());
        if self.untracked > 0 {
            json::number(out, "untracked_packets", self.untracked);
        }
    }
}

impl AhState {
    /// The `"ah":{…}` member of the flow record.
    pub fn write_record(&self, out: &mut Vec<u8>) {
        json::key(out, "ah");
        out.push(b'{');
        self.0.write_sas(out);
        self.0.write_totals(out);
        out.push(b'}');
    }
}

fn write_sa(out: &mut Vec<u8>, sa: &Sa) {
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
    if let Some(family) = sa.sizes.family().filter(|_| sa.null.proven().is_none()) {
        json::word(out, "inferred_cipher", family);
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
