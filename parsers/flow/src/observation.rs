//! Observations: one distinct set of protocol facts at one endpoint, with the flows counted onto it.
//!
//! What Python judges. A fact set is interned by its bytes, an observation by (endpoint, fact set); ids live until the tables
//! are emptied at a hand-over that finds them over [`MAX_OBSERVATIONS`], and are never given twice.

use crate::endpoint::Endpoint;
use crate::limits::{MAX_OBSERVATIONS, MAX_SAMPLES};
use std::collections::HashMap;
use std::sync::Arc;

/// Flows counted onto one observation since the last hand-over.
#[derive(Clone, Debug)]
pub struct Observation {
    pub id: u64,
    pub facts_id: u64,
    /// JSON object, see `_parsers.pyi`.
    pub facts: Arc<[u8]>,
    pub endpoint: Endpoint,
    /// The server's name as the client gave it, bytes that are no UTF-8 as `\xNN`.
    pub name: Option<Arc<str>>,
    pub count: u64,
    /// Packet times in ns: start of the first flow, completion of the latest flow's facts.
    pub first_seen: u64,
    pub last_seen: u64,
    pub flows: Vec<String>,
    pub frames: Vec<u64>,
}

/// One flow's contribution.
pub struct Sighting<'a> {
    pub endpoint: Endpoint,
    pub facts: &'a [u8],
    pub name: Option<&'a str>,
    pub start: u64,
    pub time: u64,
    pub frame: u64,
}

#[derive(Debug, Default)]
pub struct Observations {
    facts: HashMap<Arc<[u8]>, u64>,
    by_key: HashMap<(u64, Endpoint), usize>,
    all: Vec<Observation>,
    /// Places in `all` that were counted up since the last hand-over, in order of first sight.
    touched: Vec<usize>,
    next_facts: u64,
    next_id: u64,
}

impl Observations {
    /// `community_id` is worked out only where it becomes a sample.
    pub fn count(&mut self, seen: &Sighting<'_>, community_id: impl FnOnce() -> String) {
        let at = self.place(seen);
        let observation = &mut self.all[at];
        if observation.count == 0 {
            self.touched.push(at);
            observation.first_seen = seen.start;
        }
        observation.count += 1;
        observation.first_seen = observation.first_seen.min(seen.start);
        observation.last_seen = observation.last_seen.max(seen.time);
        if observation.frames.len() < MAX_SAMPLES {
            observation.flows.push(community_id());
            observation.frames.push(seen.frame);
        }
    }

    fn place(&mut self, seen: &Sighting<'_>) -> usize {
        let (facts, facts_id) = match self.facts.get_key_value(seen.facts) {
            Some((facts, id)) => (facts.clone(), *id),
            None => {
                let facts: Arc<[u8]> = seen.facts.into();
                self.facts.insert(facts.clone(), self.next_facts);
                self.next_facts += 1;
                (facts, self.next_facts - 1)
            }
        };
        let (all, next_id) = (&mut self.all, &mut self.next_id);
        *self.by_key.entry((facts_id, seen.endpoint)).or_insert_with(|| {
            all.push(Observation {
                id: *next_id,
                facts_id,
                facts,
                endpoint: seen.endpoint,
                name: seen.name.map(Into::into),
                count: 0,
                first_seen: 0,
                last_seen: 0,
                flows: Vec::new(),
                frames: Vec::new(),
            });
            *next_id += 1;
            all.len() - 1
        })
    }

    /// Hands over what was counted since the last call and starts the counts anew.
    pub fn take(&mut self) -> Vec<Observation> {
        let mut handed = Vec::with_capacity(self.touched.len());
        for at in self.touched.drain(..) {
            let observation = &mut self.all[at];
            handed.push(observation.clone());
            observation.count = 0;
            observation.last_seen = 0;
            observation.flows.clear();
            observation.frames.clear();
        }
        if self.all.len() > MAX_OBSERVATIONS {
            self.facts.clear();
            self.by_key.clear();
            self.all.clear();
        }
        handed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(last_octet: u8, facts: &[u8], time: u64) -> Sighting<'_> {
        Sighting {
            endpoint: Endpoint::server([192, 0, 2, last_octet], 443),
            facts,
            name: None,
            start: time,
            time: time + 1,
            frame: time,
        }
    }

    #[test]
    fn flows_are_counted_onto_equal_facts_at_one_endpoint() {
        let mut all = Observations::default();
        for time in 1..=5 {
            all.count(&seen(1, b"{\"a\":1}", time), || format!("1:{time}"));
        }
        all.count(&seen(2, b"{\"a\":1}", 9), || "1:x".into());
        let handed = all.take();
        assert_eq!(handed.len(), 2);
        assert_eq!((handed[0].count, handed[0].first_seen, handed[0].last_seen), (5, 1, 6));
        assert_eq!(handed[0].flows, ["1:1", "1:2", "1:3"]);
        assert_eq!(handed[0].facts_id, handed[1].facts_id);
        assert!(all.take().is_empty());
        all.count(&seen(1, b"{\"a\":1}", 20), || "1:y".into());
        let again = all.take();
        assert_eq!((again[0].id, again[0].count, again[0].first_seen), (handed[0].id, 1, 20));
    }

    #[test]
    fn memory_is_bounded_at_the_hand_over() {
        let mut all = Observations::default();
        for n in 0..=MAX_OBSERVATIONS as u64 {
            all.count(&seen(1, format!("{{\"n\":{n}}}").as_bytes(), n), String::new);
        }
        let handed = all.take();
        assert_eq!((handed.len(), all.all.len(), all.facts.len()), (MAX_OBSERVATIONS + 1, 0, 0));
        all.count(&seen(1, b"{\"n\":0}", 0), String::new);
        let next = all.take();
        assert!(next[0].id > handed[MAX_OBSERVATIONS].id && next[0].facts_id > handed[MAX_OBSERVATIONS].facts_id);
    }
}
