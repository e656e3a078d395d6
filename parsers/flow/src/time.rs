//! Times as records write them: RFC 3339, UTC, microseconds, truncated (never rounded into the future).

use crate::json::two;

pub const SECOND: u64 = 1_000_000_000;

/// Writes the date once per day that it meets: consecutive records nearly always share it.
#[derive(Debug)]
pub struct Clock {
    day: u64,
    date: [u8; 11],
}

impl Default for Clock {
    fn default() -> Self {
        Self { day: 0, date: *b"1970-01-01T" }
    }
}

impl Clock {
    /// `"2026-11-23T10:00:00.000123Z"` with its quotes. `time` is ns since the Unix epoch.
    pub fn quoted(&mut self, out: &mut Vec<u8>, time: u64) {
        let seconds = time / SECOND;
        let day = seconds / 86_400;
        if day != self.day {
            self.day = day;
            self.date = date(day + EPOCH);
        }
        let (micros, second) = (time % SECOND / 1000, seconds % 86_400);
        let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
        text[1..12].copy_from_slice(&self.date);
        for (at, value) in [
            (12, second / 3600),
            (15, second / 60 % 60),
            (18, second % 60),
            (21, micros / 10_000),
            (23, micros / 100 % 100),
            (25, micros % 100),
        ] {
            text[at..at + 2].copy_from_slice(&two(value));
        }
        out.extend_from_slice(&text);
    }
}

/// Days from 0000-03-01 to the Unix epoch. Years are counted from March, so that the leap day ends one.
const EPOCH: u64 = 719_468;

/// Seconds since the Unix epoch as date, `between` and time of day. For years from 1000 to 9999.
pub fn second(out: &mut Vec<u8>, seconds: i64, between: u8) {
    let (day, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400).unsigned_abs());
    out.extend_from_slice(&date(day.saturating_add_unsigned(EPOCH).max(0) as u64)[..10]);
    out.push(between);
    out.extend_from_slice(&two(rest / 3600));
    out.push(b':');
    out.extend_from_slice(&two(rest / 60 % 60));
    out.push(b':');
    out.extend_from_slice(&two(rest % 60));
}

/// Days from the Unix epoch to a date, the reverse of [`date`].
pub fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH as i64
}

/// Days since 0000-03-01 to a date of the proleptic Gregorian calendar, by eras of 400 years. The largest time in 64 bits of
/// nanoseconds lies in 2554, so four digits do.
fn date(shifted: u64) -> [u8; 11] {
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153; // 0 is March
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let [a, b] = two(year / 100);
    let [c, d] = two(year % 100);
    let [e, f] = two(month);
    let [g, h] = two(day);
    [a, b, c, d, b'-', e, f, b'-', g, h, b'T']
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        let mut clock = Clock::default();
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399 * SECOND + 999_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00.000000Z"),
            (1_795_428_600 * SECOND + 123_000, "2026-11-23T10:10:00.000123Z"),
            (4_107_542_400 * SECOND, "2100-03-01T00:00:00.000000Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551Z"),
        ] {
            let mut out = Vec::new();
            clock.quoted(&mut out, time);
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn dates_there_and_back() {
        for (year, month, day, text) in [
            (1000, 1, 1, "1000-01-01 00:00:01"),
            (1950, 12, 31, "1950-12-31 00:00:01"),
            (1970, 1, 1, "1970-01-01 00:00:01"),
            (2000, 2, 29, "2000-02-29 00:00:01"),
            (2100, 3, 1, "2100-03-01 00:00:01"),
            (9999, 12, 31, "9999-12-31 00:00:01"),
        ] {
            let mut out = Vec::new();
            second(&mut out, days_before(year, month, day) * 86_400 + 1, b' ');
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
