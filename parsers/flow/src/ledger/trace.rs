//! Which flows stand behind one finding: kept as observations are counted, for whoever wants their packets.

use super::verdict::Verdict;
use crate::json;
use crate::limits::MAX_TRACED;
use crate::observation::{FlowId, Observation};
use std::collections::HashSet;

pub struct Trace {
    /// Hex digits with which the finding's uid begins.
    uid: Box<[u8]>,
    flows: HashSet<FlowId>,
    /// Flows not kept because of [`MAX_TRACED`].
    limited: u64,
}

impl Trace {
    pub fn new(uid: &str) -> Self {
        Self { uid: uid.to_ascii_lowercase().into_bytes().into(), flows: HashSet::new(), limited: 0 }
    }

    /// The flows, and how many were too many to keep.
    pub fn into_flows(self) -> (HashSet<FlowId>, u64) {
        (self.flows, self.limited)
    }

    /// An observation is counted onto the finding of this verdict.
    pub fn count(&mut self, verdict: &Verdict, observation: &Observation) {
        if !self.is_about(verdict, observation) {
            return;
        }
        for flow in &observation.flows {
            if self.flows.len() < MAX_TRACED {
                self.flows.insert(*flow);
            } else if !self.flows.contains(flow) {
                self.limited += 1;
            }
        }
    }

    fn is_about(&self, verdict: &Verdict, observation: &Observation) -> bool {
        let (mut endpoint, mut name, mut hex) = (vec![b'"'], Vec::new(), Vec::with_capacity(32));
        observation.endpoint.write(&mut endpoint);
        endpoint.push(b'"');
        match &observation.name {
            Some(text) => json::text(&mut name, text.as_bytes()),
            None => name.extend_from_slice(b"null"),
        }
        json::hex(&mut hex, &verdict.uid(&endpoint, &name, &mut Vec::new()));
        hex.starts_with(&self.uid)
    }
}
