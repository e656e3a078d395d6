//! What is known of keys and issuers besides what a certificate says itself: lists that somebody keeps.

use super::weak::WeakKeys;
use std::sync::Arc;

/// Lists, shared by all who judge.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub weak_keys: Arc<WeakKeys>,
    /// The beginning of an attribute of an issuer's name in lower case, as RFC 4514 writes it, and what signs so.
    middleboxes: Arc<[(Box<str>, Box<str>)]>,
}

impl Known {
    pub fn new(weak_keys: WeakKeys, middleboxes: impl IntoIterator<Item = (String, String)>) -> Self {
        let row = |(begin, product): (String, String)| (begin.to_lowercase().into(), product.into());
        Self { weak_keys: Arc::new(weak_keys), middleboxes: middleboxes.into_iter().map(row).collect() }
    }

    /// What reads along and signs with this name, if it is one of those known for it.
    pub fn middlebox(&self, issuer: &str) -> Option<&str> {
        let issuer = issuer.to_lowercase();
        let attributes =
            std::iter::once(&*issuer).chain(issuer.match_indices([',', '+']).map(|(at, _)| &issuer[at + 1..]));
        let begins = |begin: &str| attributes.clone().any(|attribute| attribute.starts_with(begin));
        self.middleboxes.iter().find(|(begin, _)| begins(begin)).map(|(_, product)| &**product)
    }
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
