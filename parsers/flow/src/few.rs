//! A few samples of many: enough to look at, too few to grow with the traffic.

use crate::limits::MAX_SAMPLES;

/// What samples are taken of.
pub trait Sampled: Ord {
    /// Both are of one thing, of which one sample is enough.
    fn same(&self, other: &Self) -> bool;
}

/// The least [`MAX_SAMPLES`] of what was kept, one of each thing, in ascending order: whatever the order in which they came,
/// and in however many parts they were gathered.
#[derive(Clone, Debug)]
pub struct Few<T> {
    kept: [Option<T>; MAX_SAMPLES],
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { kept: [const { None }; MAX_SAMPLES] }
    }
}

impl<T> Few<T> {
    /// The greatest of a full set: what is greater still would not be kept.
    pub fn bound(&self) -> Option<&T> {
        self.kept[MAX_SAMPLES - 1].as_ref()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().flatten()
    }
}

impl<T: Sampled> Few<T> {
    pub fn keep(&mut self, mut thing: T) {
        for at in 0..MAX_SAMPLES {
            match &mut self.kept[at] {
                Some(other) if *other < thing => {
                    if other.same(&thing) {
                        return;
                    }
                }
                Some(other) => {
                    let closed_up = other.same(&thing);
                    std::mem::swap(other, &mut thing);
                    if closed_up {
                        return;
                    }
                    return self.move_up(at + 1, thing);
                }
                place => {
                    *place = Some(thing);
                    return;
                }
            }
        }
    }

    /// Puts in what was pushed out of the place before; the thing that came in may have an older sample further on.
    fn move_up(&mut self, from: usize, mut thing: T) {
        for at in from..MAX_SAMPLES {
            let Some(other) = &mut self.kept[at] else {
                self.kept[at] = Some(thing);
                return;
            };
            std::mem::swap(other, &mut thing);
            if self.kept[from - 1].as_ref().is_some_and(|new| new.same(&thing)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Seen(u32, char);

    impl Sampled for Seen {
        fn same(&self, other: &Self) -> bool {
            self.1 == other.1
        }
    }

    fn kept(seen: &[Seen]) -> Vec<Seen> {
        let mut few = Few::default();
        seen.iter().for_each(|seen| few.keep(*seen));
        assert_eq!(few.bound(), few.iter().nth(MAX_SAMPLES - 1));
        few.iter().copied().collect()
    }

    #[test]
    fn the_least_of_each_are_kept_in_whatever_order_they_came() {
        let all = [Seen(4, 'a'), Seen(4, 'a'), Seen(2, 'b'), Seen(9, 'b'), Seen(1, 'a'), Seen(7, 'c'), Seen(6, 'd')];
        for turn in 0..all.len() {
            let mut turned = all;
            turned.rotate_left(turn);
            assert_eq!(kept(&turned), [Seen(1, 'a'), Seen(2, 'b'), Seen(6, 'd')], "{turned:?}");
            turned.reverse();
            assert_eq!(kept(&turned), [Seen(1, 'a'), Seen(2, 'b'), Seen(6, 'd')], "{turned:?}");
        }
        assert_eq!(kept(&[Seen(5, 'x')]), [Seen(5, 'x')]);
    }
}
