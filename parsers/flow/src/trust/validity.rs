//! How long a certificate is valid, and for how long still: probe/trust/validity.py, which says where the numbers come from.

use crate::time;
use crate::x509::Facts;

const DAY: i64 = 86_400;
/// Seconds before the end of validity in which a certificate expires soon: so many days, or this share of its lifetime.
const SOON: i64 = 30 * DAY;
const SHARE: i64 = 6;
/// From when on a public authority may issue for at most so many days, the latest first.
const LONGEST: [(i64, i64); 6] = [
    (1_868_227_200, 47),   // 2029-03-15
    (1_805_068_800, 100),  // 2027-03-15
    (1_773_532_800, 200),  // 2026-03-15
    (1_598_918_400, 398),  // 2020-09-01
    (1_519_862_400, 825),  // 2018-03-01
    (1_427_846_400, 1187), // 2015-04-01
];

/// The first second from which on it expires soon.
pub fn soon(facts: &Facts) -> i64 {
    let left = lifetime(facts) / SHARE;
    facts.not_after - left.clamp(0, SOON) + 1
}

/// What is said of one that expires soon.
pub fn ending(facts: &Facts) -> String {
    format!("valid until {}, for {} in all", date(facts.not_after), days(lifetime(facts)))
}

/// What is said of one that is valid for longer than a public authority may issue it.
pub fn too_long(facts: &Facts) -> Option<String> {
    let (_, most) = LONGEST.into_iter().find(|(since, _)| *since <= facts.not_before)?;
    let found = lifetime(facts);
    (found > most * DAY).then(|| {
        let issued = date(facts.not_before);
        format!("valid for {}, issued {issued}, when {most} days were the most", days(found))
    })
}

/// Both ends are part of it.
fn lifetime(facts: &Facts) -> i64 {
    facts.not_after - facts.not_before + 1
}

/// A part of a day counts as one (CA/B Baseline Requirements section 6.3.2).
fn days(seconds: i64) -> String {
    let count = seconds.div_euclid(DAY) + i64::from(seconds.rem_euclid(DAY) > 0);
    format!("{count} day{}", if count == 1 { "" } else { "s" })
}

fn date(second: i64) -> String {
    let mut out = Vec::with_capacity(19);
    time::second(&mut out, second, b' ');
    out.truncate(10);
    String::from_utf8(out).unwrap_or_default()
}
