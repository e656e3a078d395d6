//! Whether a certificate speaks for a host name, where RFC 9525 leaves no doubt: letters, digits, hyphens and dots on both sides, exact or
//! with `*` as the whole left-most label. The rules are service_identity's; addresses and international names are left to it.

use crate::x509::{Facts, Name};
use std::borrow::Cow;

/// Characters of a DNS name with its final dot (RFC 1035 section 2.3.4); a longer one cannot be checked.
const MAX_NAME: usize = 254;
/// Names shown in a detail, and the characters that they may take.
const SHOWN: usize = 3;
const MAX_TEXT: usize = 4096;

/// Whether the certificate is for `name`; `None` if only the library can tell.
pub fn matches(facts: &Facts, name: &str) -> Option<bool> {
    if name.chars().nth(MAX_NAME).is_some() {
        return Some(true); // no verdict is none against it
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    // With a letter it is neither an address nor a number.
    if !name.bytes().all(is_plain) || !has_letter(name) {
        return None;
    }
    let Some(names) = facts.names() else { return Some(false) };
    let mut answer = Some(false);
    for pattern in names.filter_map(|san| if let Name::Dns(pattern) = san { Some(pattern) } else { None }) {
        match fits(pattern, name) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => answer = None,
        }
    }
    answer
}

fn fits(pattern: &str, name: &str) -> Option<bool> {
    if !pattern.bytes().all(|b| is_plain(b) || b == b'*') {
        return None;
    }
    if !pattern.contains('*') {
        return Some(pattern.eq_ignore_ascii_case(name));
    }
    // A star elsewhere, or one that is only a part of its label, stands for nothing.
    let Some(tail) = pattern.strip_prefix("*.") else { return Some(false) };
    if !has_letter(tail) {
        return None; // might be an address with a star
    }
    // One star only, at least three labels, none of them empty.
    if tail.contains('*') || !tail.contains('.') || tail.split('.').any(str::is_empty) {
        return Some(false);
    }
    let Some((head, rest)) = name.split_once('.') else { return Some(false) };
    let international = head.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"));
    Some(rest.eq_ignore_ascii_case(tail) && !international)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn has_letter(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// What a certificate that does not match was issued for.
pub fn issued_for(facts: &Facts) -> String {
    let Some(names) = facts.names() else { return "no subjectAltName".into() };
    let hosts = names.filter_map(|name| match name {
        Name::Dns(name) => Some(Cow::Borrowed(name)),
        Name::Ip(address) => Some(address.to_string().into()),
        Name::Email(_) | Name::Uri(_) => None,
    });
    let (mut out, mut count) = ("issued for ".to_string(), 0usize);
    let start = out.len();
    for host in hosts {
        if count < SHOWN {
            out.push_str(if count == 0 { "" } else { ", " });
            out.push_str(&host);
        }
        count += 1;
    }
    out.truncate(start + MAX_TEXT); // ASCII
    if count == 0 {
        out.push_str("no host name");
    } else if count > SHOWN {
        out.push_str(&format!(" and {} more", count - SHOWN));
    }
    out
}
