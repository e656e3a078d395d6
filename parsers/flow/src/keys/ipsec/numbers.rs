//! The upper half of extended sequence numbers: authenticated and never sent. RFC 4303 section 2.2.1 and appendix A.
//!
//! Whether numbers are extended is in no table of keys. The check value tells: it covers the upper half where there is one.

/// Upper halves, from 0, under which a packet is tried whose own cannot be deduced because the capture joined late or missed much:
/// an association that lives eight hours at 38 million packets a second stays below.
pub const MAX_HIGH: u32 = 256;
/// Such tries for one association, in all: a few packets may be damaged or forged; keys of others never fit.
const MAX_TRIES: u32 = 4 * MAX_HIGH;

/// How an association counts, as far as its packets have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Counting {
    #[default]
    Unknown,
    Short,
    /// The highest number so far.
    Extended(u64),
}

#[derive(Debug, Default)]
pub struct Numbers {
    counting: Counting,
    tried: u32,
}

impl Numbers {
    /// What the packet was opened under, by what it came with: `open` is asked with an upper half, or with none. What is likely
    /// is tried first.
    pub fn open<T>(&mut self, low: u32, mut open: impl FnMut(Option<u32>) -> Option<T>) -> Option<(T, bool)> {
        let likely: &[Option<u32>] = match self.counting {
            Counting::Unknown => &[None, Some(0)],
            Counting::Short => &[None],
            Counting::Extended(highest) => &[Some(nearest(highest, low))],
        };
        let (opened, high) = likely.iter().find_map(|high| Some((open(*high)?, *high)))?;
        self.learn(high, low);
        Some((opened, high.is_some()))
    }

    pub fn may_be_searched(&self) -> bool {
        self.counting != Counting::Short && self.tried + MAX_HIGH <= MAX_TRIES
    }

    /// The same for a packet that did not open: under all upper halves, from `budget` as well.
    pub fn search<T>(
        &mut self,
        low: u32,
        budget: &mut u32,
        mut open: impl FnMut(Option<u32>) -> Option<T>,
    ) -> Option<(T, bool)> {
        if !self.may_be_searched() || *budget < MAX_HIGH {
            return None;
        }
        self.tried += MAX_HIGH;
        *budget -= MAX_HIGH;
        let (opened, high) = (0..MAX_HIGH).find_map(|high| Some((open(Some(high))?, high)))?;
        self.learn(Some(high), low);
        Some((opened, true))
    }

    fn learn(&mut self, high: Option<u32>, low: u32) {
        let number = |high: u32| u64::from(high) << 32 | u64::from(low);
        self.counting = match (self.counting, high) {
            (_, None) => Counting::Short,
            (Counting::Extended(highest), Some(high)) => Counting::Extended(highest.max(number(high))),
            (_, Some(high)) => Counting::Extended(number(high)),
        };
    }
}

/// The upper half with which the number is nearest to the highest so far: appendix A2.2 with a window of half the numbers, since nothing
/// is refused here and the check value has the last word.
fn nearest(highest: u64, low: u32) -> u32 {
    let ahead = low.wrapping_sub(highest as u32).cast_signed();
    let number = highest.checked_add_signed(ahead.into());
    (number.unwrap_or(highest) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figure of RFC 4303 appendix A2.2, word for word.
    fn appendix(top: u64, low: u32, window: u64) -> u32 {
        let (tl, th) = (top as u32, (top >> 32) as u32);
        let bottom = tl.wrapping_sub((window - 1) as u32);
        if u64::from(tl) >= window - 1 {
            if low >= bottom { th } else { th + 1 }
        } else if low >= bottom {
            th - 1
        } else {
            th
        }
    }

    #[test]
    fn the_upper_half_is_that_of_the_appendix() {
        let window = (1 << 31) + 1;
        for top in [5 << 32, 5 << 32 | 7, (5 << 32) + (1 << 31) - 1, (5 << 32) + (1 << 31), (6 << 32) - 1, 1 << 62] {
            for low in [0, 1, 6, 7, 8, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, u32::MAX - 1, u32::MAX] {
                assert_eq!(nearest(top, low), appendix(top, low, window), "{top:#x} {low:#x}");
            }
        }
    }

    #[test]
    fn nothing_comes_before_the_first_and_after_the_last() {
        assert_eq!(nearest(5, u32::MAX), 0);
        assert_eq!(nearest(u64::MAX, 3), u32::MAX);
    }

    /// As a packet answers whose true upper half is this one.
    fn truth(is: Option<u32>) -> impl FnMut(Option<u32>) -> Option<()> {
        move |high| (high == is).then_some(())
    }

    #[test]
    fn who_joins_late_finds_the_number_and_keeps_it() {
        let (mut numbers, mut budget) = (Numbers::default(), u32::MAX);
        assert_eq!(numbers.open(9, truth(Some(200))), None);
        assert_eq!(numbers.search(9, &mut budget, truth(Some(200))), Some(((), true)));
        assert_eq!(numbers.open(u32::MAX, truth(Some(199))), Some(((), true)), "a late one");
        assert_eq!(numbers.open(1 << 31, truth(Some(200))), Some(((), true)));
        assert_eq!(numbers.open(u32::MAX, truth(Some(200))), Some(((), true)));
        assert_eq!(numbers.open(0, truth(Some(201))), Some(((), true)), "past the end of 32 bits");
        assert_eq!(budget, u32::MAX - MAX_HIGH);
    }

    #[test]
    fn numbers_of_32_bits_are_never_searched() {
        let (mut numbers, mut budget) = (Numbers::default(), u32::MAX);
        assert_eq!(numbers.open(9, truth(None)), Some(((), false)));
        assert_eq!(numbers.search(10, &mut budget, |_| -> Option<()> { unreachable!() }), None);
    }

    #[test]
    fn searches_are_bounded() {
        let (mut numbers, mut budget) = (Numbers::default(), u32::MAX);
        let mut asked = 0;
        for low in 0..100 {
            numbers.search(low, &mut budget, |_| -> Option<()> {
                asked += 1;
                None
            });
        }
        assert_eq!(asked, MAX_TRIES);
        let mut little = MAX_HIGH - 1;
        assert_eq!(Numbers::default().search(0, &mut little, |_| -> Option<()> { unreachable!() }), None);
    }
}
