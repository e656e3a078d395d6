//! Many short texts, one behind the other.

use crate::limits::MAX_PLACES;

#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// What two texts mostly differ in: their first bytes, which compare as the texts do.
type Head = [u64; 3];

impl Texts {
    /// The number of the text that `write` appends.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
        self.ends.len() as u32 - 1
    }

    pub fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts of these things, each once, in ascending order; and by number of the thing the number of its text.
    pub fn ranked(things: impl Iterator<Item = u32>, mut write: impl FnMut(u32, &mut Vec<u8>)) -> (Self, Vec<u32>) {
        let mut ranks: Vec<u32> = Vec::new();
        let mut all = Self::default();
        let mut order: Vec<(Head, u32, u32)> = Vec::new();
        for thing in things {
            let at = thing as usize;
            if ranks.len() <= at {
                ranks.resize(at + 1, NONE);
            }
            if ranks[at] == NONE {
                ranks[at] = all.add(|text| write(thing, text));
                order.push((head(all.get(ranks[at])), ranks[at], thing));
            }
        }
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| all.get(a.1).cmp(all.get(b.1))));
        let mut sorted = Self { bytes: Vec::with_capacity(all.bytes.len()), ends: Vec::with_capacity(all.ends.len()) };
        for (_, number, thing) in order {
            ranks[thing as usize] = sorted.add(|text| text.extend_from_slice(all.get(number)));
        }
        (sorted, ranks)
    }
}

/// No number of a text.
const NONE: u32 = u32::MAX;
const _: () = assert!(MAX_PLACES < NONE as usize);

fn head(text: &[u8]) -> Head {
    let mut head = [0; size_of::<Head>()];
    let known = text.len().min(head.len());
    head[..known].copy_from_slice(&text[..known]);
    let (words, _) = head.as_chunks::<8>();
    std::array::from_fn(|at| u64::from_be_bytes(words[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_rank_as_they_sort() {
        let long = "[2001:db8:ffff:1:2:3::11c3]:443/tcp";
        let texts = ["b", "a", "", "[2001:db8:ffff:1:2:3::11c2]:443/tcp", long, "ab", "a/", &long[..24], &long[..23]];
        let things = [7, 0, 3, 9, 4, 5, 2, 1, 8];
        let again = things.iter().chain(&things).copied();
        let text = |thing: u32| texts[things.iter().position(|other| *other == thing).unwrap()];
        let (sorted, ranks) = Texts::ranked(again, |thing, out| out.extend_from_slice(text(thing).as_bytes()));
        let mut expected = texts;
        expected.sort_unstable();
        let all = (0..texts.len() as u32).map(|number| std::str::from_utf8(sorted.get(number)).unwrap());
        assert!(all.eq(expected));
        for thing in things {
            assert_eq!(sorted.get(ranks[thing as usize]), text(thing).as_bytes());
        }
        assert_eq!(ranks[6], NONE);
    }
}
