//! Services that use names to carry questions of their own, run by their operators under zones where nobody else may register. Their
//! volume is what the service is for; the shapes of tunnels still count.

use crate::hash::Seed;

/// Domain, what it is for, how that is known and from where; separated by tabs.
const SERVICES: &str = include_str!("../data/known_services.tsv");

pub struct Known(Vec<u64>);

impl Known {
    pub fn new(seed: Seed) -> Self {
        let rows = SERVICES.lines().filter(|line| !line.starts_with('#'));
        let mut all: Vec<u64> = rows.filter_map(|row| row.split('\t').next()).map(|domain| seed.name(domain)).collect();
        all.sort_unstable();
        Self(all)
    }

    pub fn has(&self, domain: u64) -> bool {
        self.0.binary_search(&domain).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_purpose_and_a_source() {
        let rows: Vec<_> = SERVICES.lines().filter(|line| !line.starts_with('#')).collect();
        for row in &rows {
            let columns: Vec<_> = row.split('\t').collect();
            assert!(
                columns.len() == 4 && ["operator", "other"].contains(&columns[2]) && columns[3].starts_with("http"),
                "{row}"
            );
            assert_eq!(columns[0].split('.').count(), 2, "a registered domain: {row}");
        }
        assert_eq!(Known::new(Seed(1)).0.len(), rows.len());
    }
}
