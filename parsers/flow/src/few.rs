//! A few samples of many: enough to look at, too few to grow with the traffic.

use crate::limits::MAX_SAMPLES;

/// What samples are taken of.
pub trait Sampled: Ord {
    /// Both are of one thing, of which one sample is enough.
    fn same(&self, other: &Self) -> bool;
}

/// The least [`MAX_SAMPLES`] of what was kept, one of each thing, in ascending order: whatever the order in which they came,
/// and in however many parts they were gathered. Most have one, so room for others is taken when there are some.
#[derive(Clone, Debug)]
pub struct Few<T> {
    first: Option<T>,
    others: Box<[T]>,
}

const MAX_OTHERS: usize = MAX_SAMPLES - 1;

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, others: Box::default() }
    }
}

impl<T> Few<T> {
    /// The greatest of a full set: what is greater still would not be kept.
    pub fn bound(&self) -> Option<&T> {
        self.others.get(MAX_OTHERS - 1)
    }

    /// The least.
    pub fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }
}

impl<T: Sampled> Few<T> {
    pub fn keep(&mut self, mut thing: T) {
        let Some(first) = &mut self.first else {
            self.first = Some(thing);
            return;
        };
        let same = first.same(&thing);
        if thing < *first {
            std::mem::swap(first, &mut thing);
        }
        if same {
            return;
        }
        let mut others = std::mem::take(&mut self.others).into_vec();
        others.retain(|other| !other.same(first));
        let known = others.iter().position(|other| other.same(&thing));
        if known.is_none_or(|at| thing < others[at]) {
            known.inspect(|at| _ = others.remove(*at));
            let at = others.partition_point(|other| *other < thing);
            if at < MAX_OTHERS {
                others.truncate(MAX_OTHERS - 1);
                others.insert(at, thing);
            }
        }
        self.others = others.into();
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
