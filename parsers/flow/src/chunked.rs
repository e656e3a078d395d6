//! A list that grows without being copied: a large one that doubles is held twice meanwhile, and every page of it is new.

use std::ops::{Index, IndexMut};

/// Things in a part, but in the first, which begins small.
const PART: usize = 1 << 12;

#[derive(Debug)]
pub struct Chunked<T> {
    parts: Vec<Vec<T>>,
}

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T> Chunked<T> {
    pub fn len(&self) -> usize {
        self.parts.last().map_or(0, |last| (self.parts.len() - 1) * PART + last.len())
    }

    pub fn push(&mut self, thing: T) {
        match self.parts.last_mut() {
            Some(last) if last.len() < PART => last.push(thing),
            last => {
                let mut part = Vec::with_capacity(if last.is_some() { PART } else { 0 });
                part.push(thing);
                self.parts.push(part);
            }
        }
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        self.parts.get(at / PART)?.get(at % PART)
    }

    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.parts.get_mut(at / PART)?.get_mut(at % PART)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.parts.iter_mut().flatten()
    }
}

impl<T> IntoIterator for Chunked<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.parts.into_iter().flatten()
    }
}

/// Panics beyond the end, as a slice does.
impl<T> Index<usize> for Chunked<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.parts[at / PART][at % PART]
    }
}

impl<T> IndexMut<usize> for Chunked<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.parts[at / PART][at % PART]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_found_in_its_order() {
        let mut list = Chunked::default();
        assert_eq!((list.len(), list.get(0)), (0, None));
        for thing in 0..2 * PART + 3 {
            assert_eq!(list.len(), thing);
            list.push(thing);
        }
        for at in [0, PART - 1, PART, 2 * PART + 2] {
            assert_eq!((list[at], list.get(at).copied(), list.get_mut(at).copied()), (at, Some(at), Some(at)));
        }
        assert!(list.get(2 * PART + 3).is_none() && list.get_mut(2 * PART + 3).is_none());
        list[PART] = 7;
        list.iter_mut().for_each(|thing| *thing += 1);
        assert_eq!(list.iter().copied().sum::<usize>(), list.len() * (list.len() + 1) / 2 - PART + 7);
        assert_eq!(list.into_iter().skip(PART - 1).take(3).collect::<Vec<_>>(), [PART, 8, PART + 2]);
    }
}
