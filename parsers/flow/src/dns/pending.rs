//! Which queries of one UDP flow still wait for their answer (RFC 1035 section 4.1.1: matched by id).
//!
//! The first two ids live in the flow's entry, where TCP has its sequence numbers: nearly every flow has one query.

use crate::limits::MAX_DNS_PENDING;

/// Set beside an id to tell 0 from none.
const PRESENT: u32 = 1 << 16;

/// Ids beyond the two of the entry.
pub type Overflow = Vec<u16>;

/// A query was sent. False if there is no room: the flow then ends by silence.
pub fn asked(inline: &mut [u32; 2], overflow: Option<&mut Overflow>, id: u16) -> bool {
    let wanted = u32::from(id) | PRESENT;
    if inline.contains(&wanted) || overflow.as_ref().is_some_and(|ids| ids.contains(&id)) {
        return true; // asked again
    }
    if let Some(place) = inline.iter_mut().find(|place| **place == 0) {
        *place = wanted;
        return true;
    }
    match overflow {
        Some(ids) if ids.len() < MAX_DNS_PENDING => {
            ids.push(id);
            true
        }
        _ => false,
    }
}

/// An answer came. True if no query waits any more.
pub fn answered(inline: &mut [u32; 2], overflow: Option<&mut Overflow>, id: u16) -> bool {
    let wanted = u32::from(id) | PRESENT;
    for place in inline.iter_mut().filter(|place| **place == wanted) {
        *place = 0;
    }
    let left = overflow.is_some_and(|ids| {
        ids.retain(|other| *other != id);
        !ids.is_empty()
    });
    *inline == [0, 0] && !left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_any_order() {
        let (mut inline, mut more) = ([0; 2], Overflow::new());
        for id in [0, 7, 9, 7] {
            assert!(asked(&mut inline, Some(&mut more), id));
        }
        assert_eq!(more, [9]);
        assert!(!answered(&mut inline, Some(&mut more), 0));
        assert!(!answered(&mut inline, Some(&mut more), 0));
        assert!(!answered(&mut inline, Some(&mut more), 9));
        assert!(answered(&mut inline, Some(&mut more), 7));
    }

    #[test]
    fn waiting_queries_are_bounded() {
        let (mut inline, mut more) = ([0; 2], Overflow::new());
        let kept = (0..100).filter(|id| asked(&mut inline, Some(&mut more), *id)).count();
        assert_eq!(kept, MAX_DNS_PENDING + 2);
        assert!(!asked(&mut [1, 2], None, 3));
    }
}
