//! Names that one client alone asks for again and again, and how evenly: the beats of beacons.

use crate::time::{HOUR, SECOND, between, moment, part, ticks};

const WAYS: usize = 4;
/// Names followed at a time. Those that cannot be beacons any more make room; while there are none, no others are followed.
pub const BEATS: usize = 2048;

/// Questions for the same name that come together are one: both families of addresses, and what is asked again.
const TOGETHER: f32 = SECOND;
/// A shorter beat is a program that waits for something.
const SHORTEST: f32 = 10.0 * SECOND;
/// Beats, and how long they have to last, before they are believed.
const ENOUGH: u16 = 24;
const LONG_ENOUGH: f32 = HOUR;
/// Beats by which one would be told that is none.
const SOME: u16 = 8;
/// Silence after which a name is not followed any more, if its beats are not that slow.
const SILENT: f32 = HOUR / 4.0;
/// Mean deviation from the mean gap. What looks up a name whenever it is no longer kept is off by more.
const EVEN: f32 = 0.1;

#[derive(Clone, Copy, Debug, Default)]
pub struct Beat {
    /// Hash of the name.
    key: u64,
    /// Some bits of the client's hash; 0 once another one has asked.
    client: u32,
    first: u32,
    last: u32,
    /// Ticks between two, and how far they are off it, as moving averages.
    pub gap: f32,
    deviation: f32,
    pub count: u16,
    /// Where within its tick [`Self::first`] is.
    first_part: u16,
}

/// Questions that come at even intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beating {
    /// Between two.
    pub seconds: f32,
    /// Time of the first that was counted, ns.
    pub began: u64,
}

impl Beat {
    /// Nobody's, everybody's, silent for long, or at uneven intervals by now.
    fn is_hopeless(&self, now: u32) -> bool {
        let uneven = self.gap < SHORTEST || self.deviation > 2.0 * EVEN * self.gap;
        self.client == 0 || between(self.last, now) > (4.0 * self.gap).max(SILENT) || self.count >= SOME && uneven
    }

    fn is_even(&self) -> bool {
        self.count >= ENOUGH
            && self.client != 0
            && self.gap >= SHORTEST
            && between(self.first, self.last) >= LONG_ENOUGH
            && self.deviation < EVEN * self.gap
    }
}

pub struct Beats {
    /// Some bits of the keys: so few that those of all sets stay in the nearest cache, since nearly every name is in none.
    tags: Box<[[u16; WAYS]]>,
    sets: Box<[[Beat; WAYS]]>,
}

impl Default for Beats {
    fn default() -> Self {
        Self { tags: vec![[0; WAYS]; BEATS / WAYS].into(), sets: vec![[Beat::default(); WAYS]; BEATS / WAYS].into() }
    }
}

impl Beats {
    /// One more question for a name, if they come at even intervals. `follow`: from now on, if it is not followed yet.
    #[inline]
    pub fn hear(&mut self, key: u64, client: u64, time: u64, follow: bool) -> Option<Beating> {
        let set = (key >> 24) as usize % (BEATS / WAYS);
        let tag = (key >> 48) as u16 | 1;
        let known = self.tags[set].iter().position(|other| *other == tag);
        match known.filter(|way| self.sets[set][*way].key == key) {
            Some(way) => Self::beat(&mut self.sets[set][way], client, time),
            None if follow => {
                self.follow(set, key, client, time);
                None
            }
            None => None,
        }
    }

    /// In place of one that is none.
    fn follow(&mut self, set: usize, key: u64, client: u64, time: u64) {
        let (now, tag) = (ticks(time), (key >> 48) as u16 | 1);
        // Two with the same tag could not be told apart by it.
        let alike = self.tags[set].iter().position(|other| *other == tag);
        let (from, to) = alike.map_or((0, WAYS), |way| (way, way + 1));
        let Some(way) = (from..to).find(|way| self.sets[set][*way].is_hopeless(now)) else { return };
        let client = (client >> 32) as u32 | 1;
        self.sets[set][way] = Beat { key, client, first: now, first_part: part(time), last: now, ..Beat::default() };
        self.tags[set][way] = tag;
    }

    fn beat(beat: &mut Beat, client: u64, time: u64) -> Option<Beating> {
        let (now, client) = (ticks(time), (client >> 32) as u32 | 1);
        let gap = between(beat.last, now);
        if beat.client != client {
            (beat.client, beat.last) = (0, now);
            return None;
        }
        if gap < TOGETHER {
            return None;
        }
        beat.count = beat.count.saturating_add(1);
        let share = (1.0 / f32::from(beat.count)).max(0.05);
        if beat.count > 1 {
            beat.deviation += ((gap - beat.gap).abs() - beat.deviation) * share;
        }
        beat.gap += (gap - beat.gap) * share;
        beat.last = now;
        beat.is_even().then(|| Beating { seconds: beat.gap / SECOND, began: moment(beat.first, beat.first_part, time) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NS: u64 = 1_000_000_000;

    /// Gaps in seconds.
    fn run(beats: &mut Beats, gaps: impl Iterator<Item = u64>) -> Option<Beating> {
        let mut now = 1000 * NS;
        let heard = gaps.map(|gap| {
            now += gap * NS;
            beats.hear(7, 1, now, true);
            beats.hear(7, 1, now + NS / 20, true)
        });
        heard.flatten().last()
    }

    #[test]
    fn even_gaps_are_a_beat_and_others_are_not() {
        let mut beats = Beats::default();
        let even: Vec<_> = (5..205).filter_map(|n| beats.hear(1, 1, n * 300 * NS, n == 5)).collect();
        assert!(even.len() > 150);
        assert!(even.iter().all(|beat| (beat.seconds - 300.0).abs() < 1.0 && beat.began / 1000 == 1500 * NS / 1000));
        assert_eq!(run(&mut Beats::default(), (0..200).map(|n| 100 + n % 7 * 20)), None);
        assert_eq!(run(&mut Beats::default(), (0..500).map(|_| 2)), None, "too quick");
    }

    #[test]
    fn a_slow_beat_is_heard_among_many_names() {
        let (mut beats, mut found) = (Beats::default(), None);
        for second in 0..6 * 3600u64 {
            for n in 0..20 {
                let name = crate::hash::fold(second / 2 * 20 + n, 3);
                beats.hear(name, 2, second * NS, true);
            }
            if second % 300 == 0 {
                found = found.or(beats.hear(crate::hash::fold(1, 9), 1, second * NS, true).map(|_| second));
            }
        }
        assert!(found.is_some());
    }

    #[test]
    fn memory_is_fixed() {
        let mut beats = Beats::default();
        for n in 0..100_000u64 {
            beats.hear(crate::hash::fold(n, 1), 1, n * NS, true);
        }
        assert_eq!(beats.sets.len() * WAYS, BEATS);
        assert!(size_of::<Beat>() * BEATS <= 64 << 10);
    }
}
