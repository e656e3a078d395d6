//! What was met lately, by a key or a keyed hash of it: when so many have come together, those before the last so many are forgotten.

use crate::hash::Grown;
use std::hash::Hash;

pub struct Recent<V, const MOST: usize, K = u64> {
    recent: Grown<K, V>,
    before: Grown<K, V>,
}

impl<V, const MOST: usize, K> Default for Recent<V, MOST, K> {
    fn default() -> Self {
        Self { recent: Grown::default(), before: Grown::default() }
    }
}

impl<V, const MOST: usize, K: Eq + Hash> Recent<V, MOST, K> {
    pub fn insert(&mut self, key: K, value: V) {
        if self.recent.len() >= MOST {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(key, value);
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.recent.get(key).or_else(|| self.before.get(key))
    }

    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_forgotten_the_oldest_first() {
        let mut all = Recent::<u64, 100>::default();
        assert!(all.is_empty());
        (1..=201).for_each(|key| all.insert(key, 2 * key));
        assert_eq!((all.recent.len(), all.before.len()), (1, 100));
        assert_eq!((all.get(&100), all.get(&101), all.get(&201)), (None, Some(&202), Some(&402)));
    }
}
