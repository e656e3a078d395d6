//! What the flows between two peers come to: their IKE, and their ESP or AH.

use crate::Direction;
use crate::esp::{EspState, EspSummary};
use crate::ike::{IkeState, IkeSummary};

#[derive(Debug, Default)]
pub struct IkeSide {
    /// Of the latest flow that knew.
    pub latest: IkeSummary,
    /// IKE SAs that these peers had.
    pub sas: u64,
    pub rekeys: u64,
    pub children: u64,
    pub liveness_checks: u64,
    pub retransmitted: u64,
    pub unanswered: u64,
    pub refused: bool,
}

impl IkeSide {
    pub fn add(&mut self, ike: &IkeState, sas: usize) {
        let summary = ike.summary();
        self.sas = self.sas.max(sas as u64);
        self.rekeys += summary.rekeys;
        self.children += summary.children;
        self.liveness_checks += summary.liveness_checks;
        self.retransmitted += summary.retransmitted;
        self.unanswered += summary.unanswered;
        self.refused = summary.auth_refused;
        // The flow on port 4500 knows the version and not the choice.
        let (mode, chosen) = (self.latest.mode, std::mem::take(&mut self.latest.chosen));
        self.latest = summary;
        if self.latest.chosen.is_empty() {
            self.latest.chosen = chosen;
        }
        self.latest.mode = self.latest.mode.or(mode);
    }
}

/// Of two peers rather than of a flow: from the low end, then from the high one.
impl EspSummary {
    pub fn add(&mut self, esp: &EspState, low_first: bool) {
        let EspSummary { sas, packets, bytes, lost, replayed, rekeys, null, family, nat_t } = esp.summary();
        for way in [Direction::Forward, Direction::Reverse] {
            let (from, side) = (way as usize, usize::from((way == Direction::Forward) != low_first));
            self.sas[side] += sas[from];
            self.packets[side] += packets[from];
            self.bytes[side] += bytes[from];
        }
        self.lost += lost;
        self.replayed += replayed;
        self.rekeys += rekeys;
        self.null = match (self.null, null) {
            (Some(a), Some(b)) => Some(a || b),
            (a, b) => a.or(b),
        };
        self.family = family.or(self.family);
        self.nat_t |= nat_t;
    }

    pub fn is_empty(&self) -> bool {
        self.packets == [0; 2]
    }
}
