//! Services that use names to carry questions of their own, run by their operators under zones where nobody else may register. Their
//! volume is what the service is for; the shapes of tunnels still count.

use crate::hash::{Seed, fold};

pub struct Known(Vec<u64>);

impl Known {
    pub fn new<'a>(seed: Seed, domains: impl Iterator<Item = &'a str>) -> Self {
        let hash = |domain: &str| domain.rsplit('.').fold(seed.0, |h, label| fold(h, seed.label(label.as_bytes())));
        let mut all: Vec<u64> = domains.map(hash).collect();
        all.sort_unstable();
        Self(all)
    }

    pub fn has(&self, domain: u64) -> bool {
        self.0.binary_search(&domain).is_ok()
    }
}
