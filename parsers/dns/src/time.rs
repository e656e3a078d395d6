//! Time in the state: ticks of 2^24 ns, some 17 ms, in 32 bits that wrap after 833 days. And what is left of something after a time.

/// Nanoseconds of a tick.
pub const TICK: u64 = 1 << 24;
/// Ticks of a second.
pub const SECOND: f32 = 1e9 / TICK as f32;
pub const HOUR: f32 = 3600.0 * SECOND;

#[inline]
pub fn ticks(time: u64) -> u32 {
    (time / TICK) as u32
}

/// Where a time is within its tick, in 256 ns.
#[inline]
pub fn part(time: u64) -> u16 {
    ((time % TICK) >> 8) as u16
}

/// The time not after `now` that was kept as a tick and a part of it: the same to the microsecond, if it was of whole ones.
pub fn moment(tick: u32, part: u16, now: u64) -> u64 {
    let passed = ticks(now).wrapping_sub(tick) as i32;
    let begin = (now / TICK).saturating_sub(u64::from(passed.max(0) as u32)) * TICK;
    (begin + u64::from(part) * 256 + 255).min(now)
}

/// Ticks from `before` to `now`; none if packet times went backwards.
#[inline]
pub fn between(before: u32, now: u32) -> f32 {
    (now.wrapping_sub(before) as i32).max(0) as f32
}

/// 2^-x for x >= 0, within 0.3 %: enough for what leaks out of a bucket, and the same on every machine.
#[inline]
pub fn half(x: f32) -> f32 {
    let x = x.min(126.0);
    let whole = x as u32;
    let rest = x - whole as f32;
    // 2^-rest by the quadratic through its ends and its middle.
    let part = 1.0 + rest * (-0.671_573 + rest * 0.171_573);
    f32::from_bits((127 - whole) << 23) * part
}

/// log2 of a positive number, within 0.01.
#[inline]
pub fn log2(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let whole = (bits >> 23) as i32 - 127;
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    whole as f32 + (m - 1.0) * (1.346_555 - 0.346_555 * (m - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_kept_to_the_microsecond() {
        let now = 1_800_000_000_123_457_000;
        for passed in [0, 1000, 16_000_000, 17_000_000, 3_600_000_000_000, 400 * 86_400_000_000_000] {
            let then = now - passed;
            assert_eq!(moment(ticks(then), part(then), now) / 1000, then / 1000, "{passed}");
        }
    }

    #[test]
    fn near_enough() {
        for n in 1..4000 {
            let x = n as f32 / 97.0;
            assert!((log2(x) - x.log2()).abs() < 0.012, "{x} {} {}", log2(x), x.log2());
            assert!((half(x) / (-x).exp2() - 1.0).abs() < 0.004, "{x}");
        }
        assert_eq!(between(5, 3), 0.0);
        assert_eq!(between(u32::MAX, 1), 2.0);
    }
}
