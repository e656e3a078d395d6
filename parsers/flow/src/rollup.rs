//! Who spoke with whom and how it was protected, added up until it is taken: what a live agent sends instead of its flows.

use crate::endpoint::{Endpoint, write_address};
use crate::entry::{Entry, mark};
use crate::hash::Map;
use crate::json;
use crate::key::Family;
use crate::limits::MAX_ROLLUP_PAIRS;
use transitproof_wire::packet::Address;
use transitproof_wire::{Class, Protocol};

/// Endpoint, peer (none where the endpoint is a pair already) and how they speak.
type Pair = (Endpoint, Option<(Family, Address)>, Protocol);

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    flows: u64,
    /// From the peer, from the endpoint.
    packets: [u64; 2],
    bytes: [u64; 2],
}

impl Sums {
    /// A record of a flow that goes on is counted like any other, so that flows are those of the records.
    fn add(&mut self, entry: &Entry) {
        self.flows += 1;
        for way in 0..2 {
            self.packets[way] += entry.packets()[way];
            self.bytes[way] += entry.bytes[way];
        }
    }

    fn together(&mut self, other: &Self) {
        self.flows += other.flows;
        for way in 0..2 {
            self.packets[way] += other.packets[way];
            self.bytes[way] += other.bytes[way];
        }
    }

    fn size(&self) -> u64 {
        self.bytes[0] + self.bytes[1]
    }

    fn write(&self, out: &mut Vec<u8>) {
        json::number(out, "flows", self.flows);
        for (name, [a, b]) in [("packets", self.packets), ("bytes", self.bytes)] {
            json::key(out, name);
            out.push(b'[');
            json::decimal(out, a);
            out.push(b',');
            json::decimal(out, b);
            out.push(b']');
        }
    }
}

#[derive(Default)]
pub struct Rollup {
    pairs: Map<Pair, Sums>,
    /// Of pairs for which there was no room.
    others: [Sums; Class::ALL.len()],
}

impl Rollup {
    /// Counts what a flow's record says; false if its pair is not told apart from others any more.
    pub fn count(&mut self, entry: &Entry) -> bool {
        let peer = (entry.class() != Class::Ipsec)
            .then(|| (entry.key.family(), entry.key.end(entry.has(mark::INITIATOR_LOW)).0));
        let pair = (Endpoint::of(entry), peer, entry.protocol);
        if self.pairs.len() >= MAX_ROLLUP_PAIRS && !self.pairs.contains_key(&pair) {
            self.others[entry.class() as usize].add(entry);
            return false;
        }
        self.pairs.entry(pair).or_default().add(entry);
        true
    }

    /// Takes what another counted.
    pub fn absorb(&mut self, other: &mut Self) {
        let Self { pairs, others } = std::mem::take(other);
        if self.pairs.is_empty() {
            self.pairs = pairs;
        } else {
            pairs.into_iter().for_each(|(pair, sums)| self.pairs.entry(pair).or_default().together(&sums));
        }
        self.others.iter_mut().zip(&others).for_each(|(mine, theirs)| mine.together(theirs));
    }

    /// What was counted since the last call as a JSON object: the `most` largest pairs, and the sums of the others by class.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        let Self { pairs, mut others } = std::mem::take(self);
        let distinct = pairs.len() as u64;
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_unstable_by(|(a, x), (b, y)| y.size().cmp(&x.size()).then_with(|| a.cmp(b)));
        let rest = pairs.split_off(most.min(pairs.len()));
        rest.iter().for_each(|((_, _, protocol), sums)| others[protocol.class() as usize].together(sums));
        let mut out = b"{\"pairs\":[".to_vec();
        for (at, ((endpoint, peer, protocol), sums)) in pairs.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"endpoint\":\"" } else { b",{\"endpoint\":\"" });
            endpoint.write(&mut out);
            out.push(b'"');
            if let Some((family, address)) = peer {
                out.extend_from_slice(b",\"peer\":\"");
                write_address(&mut out, *family, *address);
                out.push(b'"');
            }
            json::word(&mut out, "class", protocol.class().name());
            if *protocol != Protocol::Unknown {
                json::word(&mut out, "protocol", protocol.name());
            }
            sums.write(&mut out);
            out.push(b'}');
        }
        out.extend_from_slice(b"]");
        json::number(&mut out, "distinct", distinct);
        json::key(&mut out, "others");
        out.push(b'{');
        for class in Class::ALL {
            let sums = others[class as usize];
            if sums.flows > 0 {
                json::key(&mut out, class.name());
                out.push(b'{');
                sums.write(&mut out);
                out.push(b'}');
            }
        }
        out.extend_from_slice(b"}}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::mark;
    use crate::key::Key;

    #[test]
    fn pairs_beyond_the_limit_are_refused() {
        let mut rollup = Rollup::default();
        let mut count = |n: usize| {
            let [_, .., a, b, c] = n.to_be_bytes();
            let (key, _) = Key::of_stations([2, 0, 0, a, b, c], [2, 1, 0, 0, 0, 0], 0);
            rollup.count(&Entry::new(key, 0, 0, Protocol::Eap, mark::INITIATOR_LOW))
        };
        assert!((0..MAX_ROLLUP_PAIRS).all(&mut count));
        assert!(!count(MAX_ROLLUP_PAIRS) && count(7), "known ones go on");
    }
}
