//! How names look that came below one domain: addresses, services, other domains; and labels that count.

use crate::code;
use crate::pair::Pair;
use crate::suffix::Registered;
use transitproof_wire::dns::Name;

/// In which labels are read as numbers.
const BASES: [u32; 2] = [10, 16];

/// Digits of a telephone number (RFC 6116), or of a part of an IPv6 address.
const LEAST_DIGITS: usize = 7;

/// What a name looks like, left of its registered domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Labels or parts that are the bytes of an IPv4 address, or a digit each, as of an IPv6 address or a telephone number.
    pub address: bool,
    /// A label that begins with `_`.
    pub service: bool,
    /// Ends, before the registered domain, with a label for a list and in front of it with what may be a domain.
    pub domain: bool,
}

pub fn look(name: &Name<'_>, left: usize) -> Look {
    let (mut bytes, mut digits, mut service, mut words) = (0, 0, false, 0);
    for at in 0..left {
        let label = name.label(at);
        service |= label.first() == Some(&b'_');
        bytes += usize::from(is_byte(label));
        digits += usize::from(label.len() == 1 && label[0].is_ascii_hexdigit());
        words += usize::from(label.len() > 1 && label.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-'));
    }
    let dashed = (0..left.min(2)).any(|at| {
        let parts = name.label(at).split(|byte| *byte == b'-');
        parts.filter(|part| is_byte(part)).count() == 4
    });
    let numbered = digits >= 32 || digits == left && digits >= LEAST_DIGITS;
    Look { address: bytes == 4 || numbered || dashed, service, domain: left >= 3 && words >= 2 && !service }
}

/// A number from 0 to 255 in decimals.
fn is_byte(label: &[u8]) -> bool {
    matches!(label.len(), 1..=3) && number(label, 10).is_some_and(|n| n < 256)
}

fn number(label: &[u8], base: u32) -> Option<u32> {
    if label.is_empty() || label.len() > 10 {
        return None;
    }
    label.iter().try_fold(0u32, |n, byte| n.checked_mul(base)?.checked_add(char::from(*byte).to_digit(base)?))
}

/// What a label may count: its decimals at the end, or all of it in hexadecimals. And what stands in front of that.
fn counter(label: &[u8], base: u32) -> Option<(&[u8], u32)> {
    let digits = label.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, counts) = if base == 10 { label.split_at(label.len() - digits) } else { (&[][..], label) };
    number(counts, base).map(|n| (before, n))
}

/// Cost of a label that counts, in sixteenths of a bit: how far it is off the number before, and what stands in front.
pub fn counting(pair: &Pair, at: usize, label: &[u8]) -> Option<u32> {
    let counts = usize::from(pair.counter_at.checked_sub(1)?);
    if counts / 2 != at {
        return None;
    }
    let (before, n) = counter(label, BASES[counts % 2])?;
    let off = n.abs_diff(pair.counter);
    let told = if before.is_empty() { 0 } else { code::label(before).cost };
    Some((u32::BITS - off.leading_zeros()) * 32 + 32 + told)
}

/// Looks for a label that has grown by one since the last new name, decimal or hexadecimal; the first one found is kept to.
pub fn counted(pair: &mut Pair, name: &Name<'_>, left: usize) {
    let counter = |at: usize| counter(name.label(at / 2), BASES[at % 2]);
    let read = |at: usize| counter(at).map(|(_, n)| n);
    if pair.runs > 0 || pair.counter_at > 0 {
        let at = usize::from(pair.counter_at.saturating_sub(1));
        let next = if at / 2 < left { read(at) } else { None };
        if let Some(next) = next
            && next == pair.counter.wrapping_add(1)
        {
            // Hosts have numbers too, behind letters: these cost little and are no evidence.
            let alone = counter(at).is_some_and(|(before, _)| before.is_empty());
            pair.runs = pair.runs.saturating_add(u8::from(alone));
            pair.counter = next;
            return;
        }
        pair.misses = pair.misses.saturating_add(1);
        if let Some(next) = next
            && pair.runs > 2
        {
            pair.counter = next;
            return;
        }
    }
    // The next number that may be one that counts.
    let places = left.min(4) * 2;
    let first = usize::from(pair.counter_at);
    let candidate = (0..places).map(|n| (first + n) % places).find(|at| read(*at).is_some());
    (pair.counter_at, pair.runs) = (candidate.map_or(0, |at| at as u8 + 1), 0);
    pair.counter = candidate.and_then(read).unwrap_or(0);
}

/// A registered domain in writing: printable ASCII, everything else as `\DDD` (RFC 1035 section 5.1).
pub fn written(name: &Name<'_>, registered: Registered) -> String {
    let mut labels = registered.labels;
    if name.label(name.len().saturating_sub(1)).eq_ignore_ascii_case(b"local") {
        labels = 1;
    }
    let from = name.len().saturating_sub(labels);
    let mut out = String::new();
    for at in from..name.len() {
        if at > from {
            out.push('.');
        }
        for byte in name.label(at) {
            match byte.to_ascii_lowercase() {
                b'.' | b'\\' => {
                    out.push('\\');
                    out.push(char::from(*byte));
                }
                graphic if graphic.is_ascii_graphic() => out.push(char::from(graphic)),
                other => out.push_str(&format!("\\{other:03}")),
            }
        }
    }
    out
}
