//! Where names may be registered: the ICANN section of the public suffix list (publicsuffix.org/list, algorithm there).
//!
//! The rules are kept as hashes of the names that they are made of, so a look-up is one or two lines of memory for nearly every name.

use crate::hash::{Hashed, Seed};
use std::collections::HashSet;
use std::sync::LazyLock;

/// MPL-2.0, see its first lines.
const RULES: &str = include_str!("../data/icann_suffixes.txt");

/// Places for the 7,000 rules and what lies between them.
const SLOTS: usize = 1 << 14;

/// The name is a rule.
const RULE: u64 = 1;
/// Every name one label longer is a rule, `*.ck`.
const WILD: u64 = 2;
/// No rule although one holds for all its neighbours, `!www.ck`.
const EXCEPT: u64 = 4;
/// There are longer rules.
const MORE: u64 = 8;
/// The reverse zones, which are one domain each: who asks there asks about addresses.
const REVERSE: u64 = 16;
const FLAGS: u64 = 31;

/// The registered domain in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Of how many labels it is made, counted from the right.
    pub labels: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Below a top-level domain that exists.
    Delegated,
    /// `in-addr.arpa`, `ip6.arpa` and `e164.arpa` (telephone numbers).
    Reverse,
    /// Below a top-level domain that does not exist in the root zone, or has one label only.
    Undelegated,
}

/// Whether names are registered directly below this one, which is in lower case. One that no rule knows is a suffix if it is a top-level
/// name (the list's default rule).
pub fn is_public_suffix(name: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> =
        LazyLock::new(|| RULES.lines().filter(|line| !line.starts_with("//")).collect());
    let above = name.split_once('.').map(|(_, above)| above);
    !KNOWN.contains(&*format!("!{name}"))
        && (above.is_none_or(|above| KNOWN.contains(&*format!("*.{above}"))) || KNOWN.contains(name))
}

pub struct Suffixes {
    slots: Box<[u64]>,
}

impl Suffixes {
    pub fn new(seed: Seed) -> Self {
        let mut suffixes = Self { slots: vec![0; SLOTS].into() };
        for rule in RULES.lines().filter(|line| !line.starts_with("//")) {
            suffixes.add(seed, rule);
        }
        for zone in ["in-addr.arpa", "ip6.arpa", "e164.arpa"] {
            suffixes.flag(seed, zone, REVERSE);
        }
        suffixes
    }

    fn add(&mut self, seed: Seed, rule: &str) {
        let (name, flag) = match (rule.strip_prefix("*."), rule.strip_prefix('!')) {
            (Some(name), _) => (name, WILD),
            (_, Some(name)) => (name, EXCEPT),
            _ => (rule, RULE),
        };
        self.flag(seed, name, flag);
        for (dot, _) in name.match_indices('.') {
            self.flag(seed, &name[dot + 1..], MORE);
        }
    }

    fn flag(&mut self, seed: Seed, name: &str, flag: u64) {
        let hash = seed.name(name);
        let at = self.place(hash);
        self.slots[at] = (hash & !FLAGS) | (self.slots[at] & FLAGS) | flag;
    }

    /// Where a name's flags are, or would be.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        let mut at = (hash >> 40) as usize % SLOTS;
        while self.slots[at] != 0 && (self.slots[at] ^ hash) & !FLAGS != 0 {
            at = (at + 1) % SLOTS;
        }
        at
    }

    #[inline]
    fn flags(&self, hash: u64) -> u64 {
        self.slots[self.place(hash)] & FLAGS
    }

    #[inline]
    pub fn registered(&self, name: &Hashed) -> Registered {
        let (mut suffix, mut kind, mut wild) = (1, Kind::Undelegated, false);
        for labels in 1..=name.len() {
            let flags = self.flags(name.tail(labels));
            if flags & REVERSE != 0 {
                return Registered { labels, kind: Kind::Reverse };
            }
            if flags & EXCEPT != 0 {
                suffix = labels - 1;
                break;
            }
            if flags & RULE != 0 || wild {
                suffix = labels;
            }
            if flags != 0 {
                kind = Kind::Delegated;
            }
            wild = flags & WILD != 0;
            if flags & (MORE | WILD) == 0 {
                break;
            }
        }
        if name.len() < 2 {
            kind = Kind::Undelegated;
        }
        Registered { labels: (suffix + 1).min(name.len()), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::dns::Message;

    fn registered(suffixes: &Suffixes, name: &str) -> (String, Kind) {
        let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            query.push(label.len() as u8);
            query.extend(label.as_bytes());
        }
        query.extend([0, 0, 1, 0, 1]);
        let name = Message::read(&query).unwrap().question.name;
        let Registered { labels, kind } = suffixes.registered(&Hashed::new(Seed(1), &name));
        let labels = (name.len() - labels..name.len()).map(|at| std::str::from_utf8(name.label(at)).unwrap());
        (labels.collect::<Vec<_>>().join("."), kind)
    }

    #[test]
    fn the_algorithm_of_the_list() {
        let suffixes = Suffixes::new(Seed(1));
        for (name, expected) in [
            ("a.b.example.com", "example.com"),
            ("EXAMPLE.COM", "EXAMPLE.COM"),
            ("www.bbc.co.uk", "bbc.co.uk"),
            ("x.a.b.c.kobe.jp", "b.c.kobe.jp"),
            ("x.city.kobe.jp", "city.kobe.jp"),
            ("www.ck", "www.ck"),
            ("a.b.www.ck", "www.ck"),
            ("a.b.c.ck", "b.c.ck"),
            ("a.co.uk", "a.co.uk"),
            ("co.uk", "co.uk"),
            ("x.github.io", "github.io"),
            ("x.xn--55qx5d.cn", "x.xn--55qx5d.cn"),
        ] {
            assert_eq!(registered(&suffixes, name), (expected.into(), Kind::Delegated), "{name}");
        }
        assert_eq!(registered(&suffixes, "4.3.2.1.in-addr.arpa"), ("in-addr.arpa".into(), Kind::Reverse));
        for (name, expected) in [("a.b.pirate.sea", "pirate.sea"), ("printer", "printer"), ("com", "com")] {
            assert_eq!(registered(&suffixes, name), (expected.into(), Kind::Undelegated), "{name}");
        }
    }

    #[test]
    fn what_names_are_registered_below() {
        for (name, suffix) in [
            ("com", true),
            ("co.uk", true),
            ("example.com", false),
            ("kobe.jp", false),
            ("x.kobe.jp", true),
            ("city.kobe.jp", false),
            ("a.ck", true),
            ("www.ck", false),
            ("internal", true),
            ("corp.internal", false),
        ] {
            assert_eq!(is_public_suffix(name), suffix, "{name}");
        }
    }

    #[test]
    fn no_two_rules_share_a_place() {
        for seed in [1, 2, 3] {
            let suffixes = Suffixes::new(Seed(seed));
            let names: std::collections::HashSet<Vec<&str>> = RULES
                .lines()
                .filter(|line| !line.starts_with("//"))
                .flat_map(|rule| {
                    let labels: Vec<&str> = rule.trim_start_matches("*.").trim_start_matches('!').split('.').collect();
                    (0..labels.len()).map(move |from| labels[from..].to_vec()).collect::<Vec<_>>()
                })
                .collect();
            let used = suffixes.slots.iter().filter(|slot| **slot != 0).count();
            assert!(used == names.len() || used == names.len() + 2, "{used} {}", names.len());
        }
    }
}
