//! Where something was observed, numbered: what is kept by place is found by its number.

use crate::endpoint::Endpoint;
use crate::hash::{Grown, Numbered};
use crate::limits::{MAX_HISTORIES, MAX_PLACES};
use std::sync::Arc;

pub type Name = Option<Arc<str>>;

/// An endpoint, and a name that it was called by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub number: u32,
    pub endpoint: u32,
    /// From 1; 0 for none.
    pub name: u32,
}

#[derive(Default)]
pub struct Places {
    names: Numbered<Arc<str>>,
    endpoints: Numbered<Endpoint>,
    /// By endpoint and number of the name: number of the endpoint.
    all: Grown<(Endpoint, u32), u32>,
}

impl Places {
    /// None if there are too many.
    pub fn number(&mut self, endpoint: Endpoint, name: Option<&Arc<str>>) -> Option<Place> {
        if self.all.len() >= MAX_PLACES {
            let name = name.map_or(Some(0), |name| self.names.get_index_of(name).map(|at| at as u32 + 1))?;
            let (number, _, of) = self.all.get_full(&(endpoint, name))?;
            return Some(Place { number: number as u32, endpoint: *of, name });
        }
        let name = name.map_or(0, |name| self.names.insert_full(name.clone()).0 as u32 + 1);
        let place = self.all.entry((endpoint, name));
        let number = place.index() as u32;
        let endpoint = *place.or_insert_with(|| self.endpoints.insert_full(endpoint).0 as u32);
        Some(Place { number, endpoint, name })
    }

    /// Whether so many have come together, of which so many are still of interest, that these should be numbered anew.
    pub fn are_many(&self, of_interest: usize) -> bool {
        self.all.len() >= MAX_PLACES || self.all.len() >= MAX_HISTORIES.max(2 * of_interest)
    }

    pub fn endpoint(&self, number: u32) -> Option<&Endpoint> {
        self.endpoints.get_index(number as usize)
    }

    pub fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get_index((number as usize).checked_sub(1)?)
    }

    /// What of it orders as its text does.
    pub fn order(&self, place: Place) -> (Option<&Endpoint>, Option<&Arc<str>>) {
        (self.endpoint(place.endpoint), self.name(place.name))
    }

    /// The number of a place of another one.
    pub fn adopt(&mut self, other: &Self, place: Place) -> Option<Place> {
        self.number(*other.endpoint(place.endpoint)?, other.name(place.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_has_the_same_number() {
        let mut places = Places::default();
        let [a, b] = [1, 2].map(|last| Endpoint::server([192, 0, 2, last], 443));
        let [x, y]: [Arc<str>; 2] = ["x".into(), "y".into()];
        let mut numbers = Vec::new();
        for _ in 0..2 {
            for (endpoint, name) in [(a, Some(&x)), (a, None), (b, Some(&x)), (a, Some(&y))] {
                let place = places.number(endpoint, name).unwrap();
                assert_eq!(places.order(place), (Some(&endpoint), name));
                numbers.push((place.number, place.endpoint, place.name));
            }
        }
        assert_eq!(numbers[..4], [(0, 0, 1), (1, 0, 0), (2, 1, 1), (3, 0, 2)]);
        assert_eq!(numbers[..4], numbers[4..]);
        assert!(!places.are_many(0));
    }

    #[test]
    fn they_are_bounded_and_those_known_stay() {
        let mut places = Places::default();
        let at = |n: usize| Endpoint::server([10, (n >> 16) as u8, (n >> 8) as u8, n as u8], 443);
        assert!((0..MAX_PLACES).all(|n| places.number(at(n), None).is_some()));
        assert!(places.are_many(MAX_PLACES));
        assert_eq!(places.number(at(MAX_PLACES), None), None);
        assert_eq!(places.number(at(0), Some(&"x".into())), None);
        assert_eq!(places.number(at(7), None).map(|place| place.number), Some(7));
        assert_eq!(places.names.len(), 0);
    }
}
