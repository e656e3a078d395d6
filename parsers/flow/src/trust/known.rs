//! What is known of keys and issuers besides what a certificate says itself: lists that somebody keeps.

use super::weak::WeakKeys;
use std::sync::Arc;

/// Lists, shared by all who judge.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub weak_keys: Arc<WeakKeys>,
    middleboxes: Arc<[Middlebox]>,
}

#[derive(Debug)]
struct Middlebox {
    /// The beginning of an attribute of an issuer's name, as RFC 4514 writes it, and its first letters in lower case.
    begin: Box<[u8]>,
    first: [u8; 4],
    /// What signs so.
    product: Box<str>,
}

impl Known {
    /// `middleboxes`: beginnings of attributes, of four letters at least, without regard to case; and products.
    pub fn new(weak_keys: WeakKeys, middleboxes: impl IntoIterator<Item = (String, String)>) -> Self {
        let row = |(begin, product): (String, String)| {
            let first = first(begin.as_bytes())?;
            Some(Middlebox { begin: begin.into_bytes().into(), first, product: product.into() })
        };
        Self { weak_keys: Arc::new(weak_keys), middleboxes: middleboxes.into_iter().filter_map(row).collect() }
    }

    /// What reads along and signs with this name, if it is one of those known for it: the first in the list. Asked of every
    /// certificate, of which next to none is.
    pub fn middlebox(&self, issuer: &str) -> Option<&str> {
        let issuer = issuer.as_bytes();
        let separators = issuer.iter().zip(1..).filter(|(byte, _)| matches!(byte, b',' | b'+'));
        let mut rows = &*self.middleboxes;
        let mut found = None;
        for start in std::iter::once(0).chain(separators.map(|(_, behind)| behind)) {
            let attribute = issuer.get(start..).unwrap_or_default();
            let Some(letters) = first(attribute) else { break };
            let fits = |row: &Middlebox| row.first == letters && begins(attribute, &row.begin);
            if let Some(at) = rows.iter().position(fits) {
                found = rows.get(at);
                rows = rows.get(..at).unwrap_or_default();
            }
        }
        found.map(|row| &*row.product)
    }
}

fn first(attribute: &[u8]) -> Option<[u8; 4]> {
    attribute.first_chunk::<4>().map(|letters| letters.map(|letter| letter.to_ascii_lowercase()))
}

fn begins(attribute: &[u8], begin: &[u8]) -> bool {
    attribute.get(..begin.len()).is_some_and(|same| same.eq_ignore_ascii_case(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_matched_at_their_beginning() {
        let rows =
            [("O=Zscaler Inc".to_string(), "Zscaler".to_string()), ("CN=FortiGate CA".into(), "FortiGate".into())];
        let known = Known::new(WeakKeys::default(), rows);
        for (issuer, product) in [
            ("CN=Zscaler Intermediate Root CA (zscaler.net),OU=Zscaler Inc.,O=Zscaler Inc.,C=US", Some("Zscaler")),
            ("cn=fortigate ca", Some("FortiGate")),
            ("CN=about O=Zscaler Inc.", None),
            ("CN=R3,O=Let's Encrypt,C=US", None),
            ("", None),
        ] {
            assert_eq!(known.middlebox(issuer), product, "{issuer}");
        }
    }
}
