//! Eight numbers of 16 bits in one, compared at once.

pub const LANES: usize = 8;
const EACH: u128 = 0x0001_0001_0001_0001_0001_0001_0001_0001;
const LOW: u128 = 0x7fff * EACH;

/// One bit in each lane that has the mark, the highest of its sixteen.
#[inline]
pub fn matches(lanes: u128, mark: u16) -> u128 {
    let twice = u64::from(mark) * 0x0001_0001_0001_0001;
    let x = lanes ^ (u128::from(twice) << 64 | u128::from(twice));
    !(((x & LOW) + LOW) | x | LOW)
}

/// The first of them.
#[inline]
pub fn first(matches: u128) -> usize {
    (matches.trailing_zeros() / u16::BITS) as usize
}

#[inline]
pub fn get(lanes: u128, at: usize) -> u16 {
    (lanes >> (16 * at)) as u16
}

#[inline]
pub fn set(lanes: u128, at: usize, mark: u16) -> u128 {
    lanes & !(0xffff << (16 * at)) | u128::from(mark) << (16 * at)
}

/// Puts a mark in front of those before `at`, whose own is lost.
#[inline]
pub fn put_first(lanes: u128, at: usize, mark: u16) -> u128 {
    let moved = u128::MAX >> (16 * (LANES - 1 - at));
    lanes & !moved | lanes << 16 & moved | u128::from(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_an_array() {
        let mut array = [7u16, 0, 0xffff, 0x8000, 7, 1, 0x7fff, 0x8001];
        let mut lanes = (0..LANES).fold(0, |lanes, at| set(lanes, at, array[at]));
        for mark in [0, 1, 7, 0x7fff, 0x8000, 0x8001, 0xffff, 5] {
            let found: Vec<_> = (0..LANES).filter(|at| matches(lanes, mark) >> (16 * at + 15) & 1 != 0).collect();
            assert_eq!(found, (0..LANES).filter(|at| array[*at] == mark).collect::<Vec<_>>(), "{mark}");
            assert_eq!(matches(lanes, mark).count_ones() as usize, found.len());
        }
        for at in [7, 0, 3, 6] {
            array.copy_within(..at, 1);
            array[0] = at as u16 + 100;
            lanes = put_first(lanes, at, at as u16 + 100);
            assert_eq!((0..LANES).map(|at| get(lanes, at)).collect::<Vec<_>>(), array, "{at}");
        }
    }
}
