//! Which packets and flows a run is about: a span of time, and an expression over hosts, ports, classes and protocols.
//!
//! Times, hosts, ports and transports are known with the packet, so what they rule out never reaches the flow table. Class and
//! protocol are known at the end: such flows are followed, and left out of records, observations and counts.

mod expression;
mod parse;

pub use parse::FilterError;
pub(crate) use parse::network;

use crate::key::Key;
use expression::Node;
use transitproof_wire::Protocol;

/// Nothing is left out by default.
#[derive(Clone, Debug)]
pub struct Selection {
    filter: Node,
    from: u64,
    until: u64,
    /// Whether the filter asks for class or protocol.
    late: bool,
}

impl Default for Selection {
    fn default() -> Self {
        Self { filter: Node::All(Vec::new()), from: 0, until: u64::MAX, late: false }
    }
}

impl Selection {
    /// Only packets of `from` and later, before `until`; ns since the epoch.
    pub fn span(self, from: u64, until: u64) -> Self {
        Self { from, until, ..self }
    }

    /// Only flows for which this expression holds, besides those before.
    pub fn filter(mut self, text: &str) -> Result<Self, FilterError> {
        let node = parse::expression(text)?;
        self.late |= node.is_late();
        match &mut self.filter {
            Node::All(all) => all.push(node),
            other => *other = node,
        }
        Ok(self)
    }

    pub(crate) fn has_time(&self, time: u64) -> bool {
        (self.from..self.until).contains(&time)
    }

    /// Whether it asks for anything besides the time, so that what belongs to no flow is left out.
    pub(crate) fn asks(&self) -> bool {
        !matches!(&self.filter, Node::All(all) if all.is_empty())
    }

    /// Whether a flow can only be judged at its end.
    pub(crate) fn is_late(&self) -> bool {
        self.late
    }

    /// False if a packet of this flow is ruled out whatever the flow turns out to be.
    pub(crate) fn may_have(&self, key: &Key) -> bool {
        self.filter.holds(key, None) != Some(false)
    }

    pub(crate) fn has(&self, key: &Key, protocol: Protocol) -> bool {
        self.filter.holds(key, Some(protocol)) == Some(true)
    }
}

#[cfg(test)]
mod tests;
