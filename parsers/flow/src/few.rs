//! A few samples of many: enough to look at, too few to grow with the traffic.

use crate::limits::MAX_SAMPLES;

/// The first [`MAX_SAMPLES`] different things that were kept.
#[derive(Clone, Debug)]
pub struct Few<T> {
    kept: [Option<T>; MAX_SAMPLES],
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { kept: [const { None }; MAX_SAMPLES] }
    }
}

impl<T: PartialEq> Few<T> {
    pub fn is_full(&self) -> bool {
        self.kept[MAX_SAMPLES - 1].is_some()
    }

    pub fn keep(&mut self, thing: T) {
        for place in &mut self.kept {
            match place {
                Some(other) if *other == thing => return,
                Some(_) => {}
                None => {
                    *place = Some(thing);
                    return;
                }
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_ones_are_kept() {
        let mut few = Few::default();
        for n in [4, 4, 5, 4, 6, 7] {
            assert_eq!(few.is_full(), few.iter().count() == MAX_SAMPLES);
            few.keep(n);
        }
        assert_eq!(few.iter().copied().collect::<Vec<_>>(), [4, 5, 6]);
    }
}
