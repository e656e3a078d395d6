//! The detector's memory as bytes, so that it outlives the process: what was charged, which names came, who uses what.
//!
//! Big-endian: magic, version, sizes and seed, then pairs, domains and what was seen, then a keyed checksum. Alerts are not in it: what
//! is still going on is raised again by the next name.

use crate::detector::Detector;
use crate::domains::Domain;
use crate::hash::Seed;
use crate::pair::{Counts, Pair};
use transitproof_wire::{ParseError, Reader};

const LAYER: &str = "dns state";
const MAGIC: [u8; 4] = *b"TPDN";
/// Another one for every change of what follows it.
const VERSION: u16 = 2;
const CHECKSUM: usize = 8;

impl Detector {
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(VERSION.to_be_bytes());
        out.extend(self.seed().0.to_be_bytes());
        let places = (self.table.capacity() as u32, self.domains.capacity() as u32, self.seen.buckets().len() as u32);
        for number in [places.0, places.1, places.2] {
            out.extend(number.to_be_bytes());
        }
        let pairs: Vec<_> = self.table.pairs().collect();
        out.extend((pairs.len() as u32).to_be_bytes());
        pairs.into_iter().for_each(|(key, pair)| put_pair(&mut out, key, pair));
        let domains: Vec<_> = self.domains.all().filter(|domain| domain.key != 0).collect();
        out.extend((domains.len() as u32).to_be_bytes());
        for domain in domains {
            out.extend(domain.key.to_be_bytes());
            out.extend(domain.users.to_be_bytes());
            out.extend(domain.last.to_be_bytes());
        }
        self.seen.buckets().iter().for_each(|bucket| out.extend(bucket.to_be_bytes()));
        let sum = Seed(u64::from(VERSION)).bytes(&out);
        out.extend(sum.to_be_bytes());
        out
    }

    /// Takes over what [`Self::save`] gave, of a detector of the same size; nothing is changed if it cannot be read.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), ParseError> {
        let (body, sum) = state.split_last_chunk::<CHECKSUM>().ok_or(ParseError::Truncated(LAYER))?;
        let malformed = ParseError::Malformed(LAYER);
        if Seed(u64::from(VERSION)).bytes(body).to_be_bytes() != *sum {
            return Err(malformed);
        }
        let mut r = Reader::new(body, LAYER);
        if r.array()? != MAGIC || r.u16()? != VERSION {
            return Err(malformed);
        }
        let mut fresh = Self::new(crate::Config { seed: r.u64()?, ..*self.config() });
        let sizes = (r.u32()? as usize, r.u32()? as usize, r.u32()? as usize);
        if sizes != (fresh.table.capacity(), fresh.domains.capacity(), fresh.seen.buckets().len()) {
            return Err(ParseError::Limited(LAYER));
        }
        for _ in 0..r.u32()? {
            let (key, pair) = (r.u64()?, pair(&mut r)?);
            let weight = fresh.weight_of(&pair);
            let place = fresh.table.insert(key, pair.last);
            *fresh.table.pair(place) = Pair { key: key as u32, ..pair };
            fresh.table.weigh(place, weight, pair.last);
        }
        for _ in 0..r.u32()? {
            let (key, users, last) = (r.u64()?, r.u64()?, r.u32()?);
            *fresh.domains.at(key, last) = Domain { key, users, last };
        }
        for bucket in fresh.seen.buckets_mut() {
            *bucket = u128::from_be_bytes(r.array()?);
        }
        if !r.is_empty() {
            return Err(malformed);
        }
        *self = fresh;
        Ok(())
    }
}

fn put_pair(out: &mut Vec<u8>, key: u64, pair: &Pair) {
    out.extend(key.to_be_bytes());
    for number in [pair.last, pair.last_new, pair.first, pair.queries, pair.names, pair.counter] {
        out.extend(number.to_be_bytes());
    }
    for number in numbers(pair) {
        out.extend(number.to_bits().to_be_bytes());
    }
    for counts in [pair.asked, pair.answered, pair.shapes] {
        out.extend(counts);
    }
    out.extend([pair.counter_at, pair.runs, pair.misses]);
    for number in [pair.labels, pair.cost, pair.first_part] {
        out.extend(number.to_be_bytes());
    }
}

fn numbers(pair: &Pair) -> [f32; 8] {
    let [seconds, hours, day] = pair.up;
    [seconds, hours, day, pair.down, pair.up_total, pair.down_total, pair.gap, pair.deviation]
}

fn pair(r: &mut Reader<'_>) -> Result<Pair, ParseError> {
    let [last, last_new, first] = [r.u32()?, r.u32()?, r.u32()?];
    let [queries, names, counter] = [r.u32()?, r.u32()?, r.u32()?];
    let mut floats = [0.0; 8];
    for float in &mut floats {
        *float = f32::from_bits(r.u32()?);
        if !float.is_finite() || *float < 0.0 {
            return Err(ParseError::Malformed(LAYER));
        }
    }
    let [seconds, hours, day, down, up_total, down_total, gap, deviation] = floats;
    let [asked, answered, shapes]: [Counts; 3] = [r.array()?, r.array()?, r.array()?];
    let [counter_at, runs, misses] = r.array()?;
    let up = [seconds, hours, day];
    let [labels, cost, first_part] = [r.u16()?, r.u16()?, r.u16()?];
    // Its key is put in by the caller.
    let (key, spellings, alert) = (0, 0, 0);
    Ok(Pair {
        key,
        last,
        last_new,
        first,
        up,
        down,
        up_total,
        down_total,
        queries,
        names,
        gap,
        deviation,
        asked,
        answered,
        shapes,
        cost,
        first_part,
        counter,
        counter_at,
        runs,
        misses,
        spellings,
        labels,
        alert,
    })
}

#[cfg(test)]
mod tests {
    use crate::detector::tests::{ask, detector};

    #[test]
    fn a_slow_channel_does_not_win_by_a_restart() {
        let (mut whole, mut first, mut second) = (detector(), detector(), detector());
        let names = |n: u64| {
            format!(
                "{:024x}.{:024x}.relay.example.com",
                (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                (n + 7).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
            )
        };
        let mut state = None;
        let mut raised = [None; 2];
        for n in 0..60 {
            let at = n * 1800;
            if ask(&mut whole, at, &names(n)).is_some() {
                raised[0].get_or_insert(n);
            }
            if n < 3 {
                assert!(ask(&mut first, at, &names(n)).is_none());
                continue;
            }
            if state.is_none() {
                let saved = first.save();
                second.restore(&saved).unwrap();
                assert_eq!(second.save(), saved);
                state = Some(saved);
            }
            if ask(&mut second, at, &names(n)).is_some() {
                raised[1].get_or_insert(n);
            }
        }
        assert!(raised[0].is_some() && raised[0] == raised[1], "{raised:?}");
    }

    #[test]
    fn what_is_read_is_written_again_as_it_was() {
        let mut detector = crate::Detector::new(crate::Config { pairs: 64, ..crate::Config::default() });
        for n in 0..3000u64 {
            let hash = crate::hash::fold(n, 1);
            ask(&mut detector, n, &format!("{:x}.{:x}.d{}.com", hash, hash >> 40, n % 200));
            if n % 100 == 0 {
                let state = detector.save();
                detector.restore(&state).unwrap();
                assert_eq!(detector.save(), state, "{n}");
            }
        }
    }

    #[test]
    fn what_is_damaged_is_refused_and_changes_nothing() {
        let mut detector = detector();
        ask(&mut detector, 1, "0123456789abcdef.relay.example.com");
        let state = detector.save();
        for at in (0..state.len()).step_by(997).chain(0..64).chain(state.len() - 9..state.len()) {
            let mut damaged = state.clone();
            damaged[at] ^= 1;
            assert!(detector.restore(&damaged).is_err(), "{at}");
            assert!(detector.restore(&state[..at]).is_err(), "{at}");
        }
        assert_eq!(detector.save(), state);
        let mut smaller = crate::Detector::new(crate::Config { pairs: 64, ..crate::Config::default() });
        assert!(smaller.restore(&state).is_err());
    }
}
