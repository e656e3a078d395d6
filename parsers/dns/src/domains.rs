//! What is known of a registered domain across all clients: by how many it is used.

use crate::time::between;

const WAYS: usize = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Domain {
    /// Hash of the domain, 0 for an empty place.
    pub key: u64,
    /// A bit for each client, by its hash: so many set bits stand for about as many clients while they are few.
    pub users: u64,
    pub last: u32,
}

impl Domain {
    /// How many clients use it, by linear counting (Whang et al. 1990).
    pub fn count(&self) -> f32 {
        let unset = self.users.count_zeros().max(1) as f32;
        64.0 * std::f32::consts::LN_2 * (6.0 - crate::time::log2(unset))
    }
}

pub struct Domains {
    sets: Box<[[Domain; WAYS]]>,
}

impl Domains {
    pub fn new(domains: usize) -> Self {
        Self { sets: vec![[Domain::default(); WAYS]; domains.div_ceil(WAYS).next_power_of_two()].into() }
    }

    /// The domain, in place of the one that was longest not asked for if it is new.
    #[inline]
    pub fn at(&mut self, key: u64, now: u32) -> &mut Domain {
        let set = self.set(key);
        let ways = &mut self.sets[set];
        let known = ways.iter().position(|domain| domain.key == key);
        let way = known.unwrap_or_else(|| {
            let idle = |domain: &Domain| if domain.key == 0 { f32::MAX } else { between(domain.last, now) };
            // The first of several: so what was written down is put where it was.
            let way = (0..WAYS).min_by(|a, b| idle(&ways[*b]).total_cmp(&idle(&ways[*a]))).unwrap_or(0);
            ways[way] = Domain { key, ..Domain::default() };
            way
        });
        ways[way].last = now;
        &mut ways[way]
    }

    pub fn get(&self, key: u64) -> Option<&Domain> {
        self.sets[self.set(key)].iter().find(|domain| domain.key == key)
    }

    fn set(&self, key: u64) -> usize {
        (key >> 8) as usize & (self.sets.len() - 1)
    }

    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    pub fn all(&self) -> impl Iterator<Item = &Domain> {
        self.sets.iter().flatten()
    }
}
