//! The units of a pcapng interface's timestamps: if_tsresol and if_tsoffset (section 4.2 of the pcapng draft).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    unit: Unit,
    /// Added to every timestamp.
    offset_ns: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// 10^-n seconds, n ≤ 9: so many nanoseconds a tick.
    Multiply(u64),
    /// 10^-n seconds, n > 9: so many ticks a nanosecond.
    Divide(u64),
    /// 2^-n seconds.
    Shift(u8),
}

impl Default for Clock {
    fn default() -> Self {
        Self { unit: Unit::Multiply(1000), offset_ns: 0 }
    }
}

impl Clock {
    /// The most significant bit tells powers of 2 from powers of 10.
    pub(crate) fn set_resolution(&mut self, tsresol: u8) {
        let exponent = tsresol & 0x7f;
        self.unit = if tsresol & 0x80 != 0 {
            Unit::Shift(exponent)
        } else if let Some(finer) = exponent.checked_sub(9) {
            Unit::Divide(10u64.saturating_pow(finer.into()))
        } else {
            Unit::Multiply(10u64.saturating_pow((9 - exponent).into()))
        };
    }

    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset_ns = seconds.saturating_mul(1_000_000_000);
    }

    /// Nanoseconds since the epoch; what does not fit is the nearest that does.
    pub(crate) fn nanoseconds(self, ticks: u64) -> u64 {
        let since = match self.unit {
            Unit::Multiply(by) => ticks.saturating_mul(by),
            Unit::Divide(by) => ticks / by.max(1),
            Unit::Shift(by) => u64::try_from((u128::from(ticks) * 1_000_000_000) >> by).unwrap_or(u64::MAX),
        };
        since.saturating_add_signed(self.offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    fn clock(tsresol: u8, offset: i64) -> Clock {
        let mut clock = Clock::default();
        clock.set_resolution(tsresol);
        clock.set_offset(offset);
        clock
    }

    #[test]
    fn a_second_is_a_second_in_every_unit() {
        for (tsresol, ticks) in [(0, 1), (3, 1000), (6, 1_000_000), (9, 1_000_000_000), (12, 1_000_000_000_000)] {
            assert_eq!(clock(tsresol, 0).nanoseconds(ticks), 1_000_000_000, "10^-{tsresol}");
        }
        for exponent in [0, 10, 20, 30, 32, 63] {
            assert_eq!(clock(0x80 | exponent, 0).nanoseconds(1 << exponent), 1_000_000_000, "2^-{exponent}");
        }
        assert_eq!(Clock::default().nanoseconds(1_000_000), 1_000_000_000);
        assert_eq!(clock(9, 0).nanoseconds(1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
    }

    #[test]
    fn the_offset_is_in_seconds_and_signed() {
        assert_eq!(clock(6, 5).nanoseconds(1), 5_000_001_000);
        assert_eq!(clock(6, -1).nanoseconds(2_000_000), 1_000_000_000);
        assert_eq!(clock(6, -3).nanoseconds(2_000_000), 0);
    }

    #[test]
    fn extremes_do_not_overflow() {
        for tsresol in 0..=255 {
            for offset in [i64::MIN, 0, i64::MAX] {
                clock(tsresol, offset).nanoseconds(u64::MAX);
            }
        }
    }
}
