//! Chains that lead to a trusted root, every signature on the way checked.
//!
//! Says yes only where `cryptography` does: its rules are RFC 5280 in the web PKI's profile (policy/mod.rs and policy/extension.rs of
//! cryptography-x509-verification), and it accepts a chain if there is one path within its budget. So one path is looked for, and only
//! where names leave nothing to try out that could use up that budget. Whatever else there may be is `None`: the libraries find the
//! path or the reason.

use super::chain;
use super::roots::{Root, Roots};
use super::signature::Signatures;
use crate::certificates::{Certificate, CertificateId};
use crate::x509::{Facts, Name, Parts};
use std::sync::Arc;

/// Certificates between leaf and root (DEFAULT_MAX_CHAIN_DEPTH of cryptography-x509-verification).
const MAX_DEPTH: u8 = 8;
/// Trusted certificates of one name. With one certificate sent per name, so many a step are within a budget of 128 signatures.
const MAX_NAMESAKES: usize = 8;
/// Octets of a serial number (RFC 5280 section 4.1.2.2).
const MAX_SERIAL: usize = 20;

type Link<'a> = (CertificateId, &'a Certificate, &'a Facts);

/// A way to a root.
pub struct Path {
    /// The first and the last second at which its authorities are valid.
    pub from: i64,
    pub until: i64,
    /// See [`Root`].
    pub is_public: bool,
    pub store: Arc<str>,
}

/// How the chain (leaf first, each once) leads to a root at `when`, the leaf's own validity apart. A leaf that is out of date is judged by OpenSSL, which must not find another path then, nor another reason: only
/// one issuer `alone` may come into question for each certificate, and its key identifier has to fit.
pub fn holds(links: &[Link<'_>], when: i64, roots: &Roots, signatures: &mut Signatures, alone: bool) -> Option<Path> {
    let (leaf, others) = links.split_first()?;
    if roots.contains(&leaf.1.sha256) || !is_server(leaf.2) {
        return None;
    }
    let pool = pool(others, roots)?;
    let (mut id, mut child, mut child_parts) = (leaf.0, leaf.2, Parts::read(&leaf.1.der)?);
    let (mut from, mut until) = (i64::MIN, i64::MAX);
    for depth in 0..=MAX_DEPTH {
        let trusted = roots.named(&child_parts, child)?;
        let sent = pool.iter().find(|(_, parts)| parts.subject == child_parts.issuer);
        let fits = |issuer: &Facts| !alone || chain::fits(child, issuer, false);
        if trusted.len() > MAX_NAMESAKES || (alone && trusted.len() + usize::from(sent.is_some()) > 1) {
            return None;
        }
        for Root { der, facts, is_public, store } in trusted {
            if is_issuer(facts, depth, when)
                && fits(facts)
                && signatures.check(id, &child_parts, facts, &Parts::read(der)?)?
            {
                let (from, until) = (from.max(facts.not_before), until.min(facts.not_after));
                return Some(Path { from, until, is_public: *is_public, store: store.clone() });
            }
        }
        let ((above, certificate, facts), parts) = sent?;
        if !is_issuer(facts, depth, when) || !fits(facts) || !signatures.check(id, &child_parts, facts, parts)? {
            return None;
        }
        (id, child, child_parts) = (*above, *facts, Parts::read(&certificate.der)?);
        (from, until) = (from.max(child.not_before), until.min(child.not_after));
    }
    None
}

/// The certificates that may stand between, if no two have the same name.
fn pool<'a>(others: &[Link<'a>], roots: &Roots) -> Option<Vec<(Link<'a>, Parts<'a>)>> {
    let mut pool: Vec<(Link<'a>, Parts<'a>)> = Vec::with_capacity(others.len());
    for link in others.iter().filter(|link| !roots.contains(&link.1.sha256)) {
        let parts = Parts::read(&link.1.der)?;
        if pool.iter().any(|(_, other)| other.subject == parts.subject) {
            return None;
        }
        pool.push((*link, parts));
    }
    Some(pool)
}

/// Whether a certificate fits the profile whatever it is for.
fn is_ordinary(facts: &Facts) -> bool {
    let critical = facts.extensions.critical;
    !critical.others && facts.usual_times && facts.serial.len() <= MAX_SERIAL && !facts.issuer.is_empty()
}

/// Whether it fits the profile of a server's.
fn is_server(facts: &Facts) -> bool {
    let extensions = &facts.extensions;
    is_ordinary(facts)
        && !facts.subject.is_empty()
        && !extensions.critical.names
        && extensions.authority.is_some()
        && !extensions.ca
        && extensions.key_cert_sign != Some(true)
        && extensions.server_auth != Some(false)
        && first_host(facts).is_some_and(is_host)
}

/// Whether it may issue certificates with so many others between it and the leaf.
fn is_issuer(facts: &Facts, depth: u8, when: i64) -> bool {
    let extensions = &facts.extensions;
    is_ordinary(facts)
        && (facts.not_before..=facts.not_after).contains(&when)
        && extensions.critical.basic_constraints
        && extensions.ca
        && extensions.path_length.is_none_or(|length| depth <= length)
        && extensions.key_cert_sign == Some(true)
        && extensions.serves != Some(false)
        && extensions.authority.as_ref().is_none_or(|authority| authority.key.is_some())
}

/// The library verifies for a name, for which the first of the certificate's own is taken; names are judged apart.
fn first_host(facts: &Facts) -> Option<&str> {
    let mut hosts = facts.names()?.filter_map(|name| if let Name::Dns(host) = name { Some(host) } else { None });
    hosts.next()
}

/// A host name of at least two labels as RFC 1034 section 3.5 and RFC 1123 section 2.1 write it, or a star before one.
fn is_host(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    // With room for the label that the star stands for.
    name.len() <= 240 && name.contains('.') && name.split('.').all(is_label)
}
