//! Counters for the summary: what came in, what it was, what could not be read and which limit was hit.

use crate::keys::KeyLog;
use crate::{entry::Entry, json, time::Clock};
use std::collections::BTreeMap;
use transitproof_wire::{Class, ParseError};

#[derive(Clone, Copy, Debug, Default)]
struct PerClass {
    flows: u64,
    packets: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    last: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self { first: u64::MAX, last: 0 }
    }
}

#[derive(Debug, Default)]
pub struct Totals {
    pub packets: u64,
    /// Bytes of the IP layer.
    pub bytes: u64,
    /// Times of the earliest and the latest packet, ns.
    span: Span,
    by_class: [PerClass; Class::ALL.len()],
    /// Frames that carry no IP, by what they are.
    other: BTreeMap<&'static str, u64>,
    /// Packets whose headers could not be read, by layer and how.
    malformed: BTreeMap<String, u64>,
    /// What was given up because a named limit was hit.
    limits: BTreeMap<&'static str, u64>,
    /// What a [`crate::Selection`] left out; `None` without one.
    pub filtered: Option<Filtered>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Filtered {
    pub packets: u64,
    /// Those that were left out at their end; the packets of others never came to the table.
    pub flows: u64,
}

/// Packets that arrived together, to be counted at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrived {
    packets: u64,
    bytes: u64,
    span: Span,
}

impl Arrived {
    #[inline]
    pub fn add(&mut self, time: u64, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
        self.span.first = self.span.first.min(time);
        self.span.last = self.span.last.max(time);
    }
}

impl Totals {
    pub fn arrived(&mut self, arrived: &Arrived) {
        self.packets += arrived.packets;
        self.bytes += arrived.bytes;
        self.stretch(arrived.span.first, arrived.span.last);
    }

    /// Packets that somebody else counted.
    pub fn carried(&mut self, packets: u64, bytes: u64, last: u64) {
        self.packets += packets;
        self.bytes += bytes;
        self.stretch(last, last);
    }

    /// Adds what another core counted of the same frames.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        if other.span.first <= other.span.last {
            self.stretch(other.span.first, other.span.last);
        }
        for (sums, more) in self.by_class.iter_mut().zip(&other.by_class) {
            sums.flows += more.flows;
            sums.packets += more.packets;
            sums.bytes += more.bytes;
        }
        other.other.iter().for_each(|(what, count)| *self.other.entry(what).or_default() += count);
        other.malformed.iter().for_each(|(what, count)| *self.malformed.entry(what.clone()).or_default() += count);
        other.limits.iter().for_each(|(name, count)| *self.limits.entry(name).or_default() += count);
        if let Some(more) = other.filtered {
            let filtered = self.filtered.get_or_insert_default();
            filtered.packets += more.packets;
            filtered.flows += more.flows;
        }
    }

    #[inline]
    pub fn packet(&mut self, time: u64) {
        self.packets += 1;
        self.stretch(time, time);
    }

    #[inline]
    fn stretch(&mut self, from: u64, to: u64) {
        self.span.first = self.span.first.min(from);
        self.span.last = self.span.last.max(to);
    }

    /// A packet that the selection leaves out.
    pub fn left_out(&mut self) {
        self.filtered.get_or_insert_default().packets += 1;
    }

    /// A packet of which it shows at the end of its flow whether it is left out: its time is not counted until then.
    pub fn undecided(&mut self) {
        self.packets += 1;
    }

    /// The end of a flow whose packets were undecided.
    pub fn decided(&mut self, entry: &Entry, wanted: bool) {
        if wanted {
            return self.stretch(entry.start, entry.last);
        }
        let packets = entry.packets()[0] + entry.packets()[1];
        self.packets = self.packets.saturating_sub(packets);
        self.bytes = self.bytes.saturating_sub(entry.bytes[0] + entry.bytes[1]);
        let filtered = self.filtered.get_or_insert_default();
        filtered.packets += packets;
        filtered.flows += 1;
    }

    pub fn not_ip(&mut self, what: &'static str) {
        *self.other.entry(what).or_default() += 1;
    }

    pub fn bad(&mut self, error: ParseError) {
        *self.malformed.entry(error.to_string()).or_default() += 1;
    }

    pub fn limit(&mut self, name: &'static str) {
        *self.limits.entry(name).or_default() += 1;
    }

    pub fn flow(&mut self, entry: &Entry) {
        let class = &mut self.by_class[entry.class() as usize];
        class.flows += 1;
        class.packets += entry.packets()[0] + entry.packets()[1];
        class.bytes += entry.bytes[0] + entry.bytes[1];
    }

    /// The JSON object of `Core.totals`.
    pub fn write<'a>(
        &self,
        out: &mut Vec<u8>,
        further_limits: &[(&'static str, u64)],
        keys: impl Iterator<Item = &'a KeyLog>,
    ) {
        out.push(b'{');
        if self.span.first <= self.span.last {
            let Span { first, last } = self.span;
            let mut clock = Clock::default();
            json::key(out, "start");
            clock.quoted(out, first);
            json::key(out, "end");
            clock.quoted(out, last);
        }
        json::number(out, "packets", self.packets);
        json::number(out, "bytes", self.bytes);
        json::number(out, "flows", self.by_class.iter().map(|c| c.flows).sum());
        json::key(out, "by_class");
        out.push(b'{');
        for class in Class::ALL {
            let sums = self.by_class[class as usize];
            json::key(out, class.name());
            out.push(b'{');
            json::number(out, "flows", sums.flows);
            json::number(out, "packets", sums.packets);
            json::number(out, "bytes", sums.bytes);
            out.push(b'}');
        }
        out.push(b'}');
        counts(out, "other", self.other.iter().map(|(k, v)| (*k, *v)));
        counts(out, "malformed", self.malformed.iter().map(|(k, v)| (k.as_str(), *v)));
        let mut limits = self.limits.clone();
        for (name, count) in further_limits.iter().filter(|(_, count)| *count > 0) {
            *limits.entry(name).or_default() += count;
        }
        counts(out, "limits", limits.iter().map(|(k, v)| (*k, *v)));
        if let Some(filtered) = self.filtered {
            counts(out, "filtered", [("packets", filtered.packets), ("flows", filtered.flows)].into_iter());
        }
        KeyLog::write(keys, out);
        out.push(b'}');
    }
}

fn counts<'a>(out: &mut Vec<u8>, name: &str, counts: impl Iterator<Item = (&'a str, u64)>) {
    json::key(out, name);
    out.push(b'{');
    for (name, count) in counts {
        json::number(out, name, count);
    }
    out.push(b'}');
}
