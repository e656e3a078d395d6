//! How much a certificate's wildcards cover: what no authority should have issued, and what no client takes (RFC 9525 section 6.3).

use crate::x509::{Facts, Name};
use std::collections::HashSet;
use transitproof_dns::is_public_suffix;

/// Domains with a wildcard each in one certificate; more is said to be broad. Most authorities take 100 names for a certificate, and the
/// largest sites have some 50 domains of their own.
const MANY: usize = 100;

/// What is to be said of the alternative names, if anything: the worst first.
pub fn breadth(facts: &Facts) -> Option<String> {
    let names = facts.names()?.filter_map(|name| if let Name::Dns(name) = name { Some(name) } else { None });
    of_names(names)
}

/// The same of DNS names.
pub fn of_names<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let (mut odd, mut below) = (None, HashSet::new());
    for name in names.filter(|name| name.contains('*')) {
        let lower = name.trim_end_matches('.').to_ascii_lowercase();
        match lower.strip_prefix("*.") {
            Some(rest) if !rest.contains('*') => {
                if is_public_suffix(rest) {
                    return Some(format!("{name} covers everything that is registered below {rest}"));
                }
                below.insert(lower);
            }
            _ if lower == "*" => return Some("* covers every name of one label".into()),
            _ => odd = odd.or(Some(name)),
        }
    }
    odd.map(|name| format!("{name} has its star where clients do not take it"))
        .or_else(|| (below.len() > MANY).then(|| format!("wildcards for {} domains in one certificate", below.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_said() {
        for (names, said) in [
            (&["example.com", "*.example.com"][..], None),
            (&["*.example.com", "*.COM"], Some("*.COM covers everything that is registered below com")),
            (&["w*.example.com", "*.co.uk"], Some("*.co.uk covers everything that is registered below co.uk")),
            (&["*"], Some("* covers every name of one label")),
            (&["*.internal"], Some("*.internal covers everything that is registered below internal")),
            (&["w*.example.com"], Some("w*.example.com has its star where clients do not take it")),
            (&["*.*.example.com"], Some("*.*.example.com has its star where clients do not take it")),
            (&["a.*.example.com"], Some("a.*.example.com has its star where clients do not take it")),
        ] {
            assert_eq!(of_names(names.iter().copied()).as_deref(), said, "{names:?}");
        }
        let many: Vec<_> = (0..=MANY).map(|at| format!("*.d{at}.example")).collect();
        let said = of_names(many.iter().map(String::as_str)).unwrap();
        assert_eq!(said, "wildcards for 101 domains in one certificate");
        assert_eq!(of_names(many.iter().skip(1).map(String::as_str)), None);
    }
}
