//! One chain, judged: probe/trust/anchors.py, reasons.py and the order of chain.py.

use super::{Answer, Judgement, Reason, Role, Roots, Signatures, fold, host, path, validity, wildcard};
use crate::certificates::{Certificate, CertificateId, Certificates};
use crate::time;
use crate::x509::Facts;

/// Certificates of one chain looked at, as in probe/trust/chain.py: the longest real ones have 6.
const MAX_CHAIN: usize = 32;
/// 9999-12-31T23:59:59Z; a later time is judged as this one.
const LAST_SECOND: u64 = 253_402_300_799;

const SELF_SIGNED: &str = "self-signed certificate";
const SELF_SIGNED_IN_CHAIN: &str = "self-signed certificate in certificate chain";
const NO_ISSUER: &str = "unable to get local issuer certificate";

type Link<'a> = (CertificateId, &'a Certificate, &'a Facts);

/// Every reason against the chain (leaf first) at `when_second`, in the order in which Python gives them. `name` is the one that the
/// client asked for. `None` if a library has to be asked: something in the chain is out of the ordinary, it should reach a root and does not, or a
/// client's may reach one.
pub fn judge(
    certificates: &Certificates,
    chain: &[CertificateId],
    name: Option<&str>,
    role: Role,
    when_second: u64,
    roots: &Roots,
    signatures: &mut Signatures,
) -> Option<Answer> {
    let links = links(certificates, chain, roots)?;
    let &(leaf, _, facts) = links.first()?;
    let when = when_second.min(LAST_SECOND);
    let mut judgements = Vec::with_capacity(4);
    let (dated, mut from_second, mut until_second) = in_time(facts, when);
    let (in_force, mut is_public, mut store) = (dated.is_none(), false, None);
    judgements.extend(dated.map(|(reason, detail)| Judgement { reason, certificate: leaf, detail: Some(detail) }));
    if let Some(end) = dead_end(&links, roots) {
        judgements.push(end);
    } else if role != Role::Server {
        return None;
    } else {
        let path = path::holds(&links, when as i64, roots, signatures, !in_force)?;
        from_second = from_second.max(path.from.max(0) as u64);
        until_second = until_second.min(last_second(path.until.max(0) as u64));
        is_public = path.is_public && in_force;
        store = in_force.then_some(path.store);
    }
    for (id, certificate, facts) in &links {
        if !roots.contains(&certificate.sha256) {
            let weakness = signatures.weakness(certificate, facts, roots.known());
            strength(facts, *id, *id == leaf, weakness, &mut judgements);
        }
    }
    let mut say = |reason, detail| judgements.push(Judgement { reason, certificate: leaf, detail: Some(detail) });
    let usage = match role {
        Role::Server => Some(("serverAuth", facts.extensions.serves)),
        Role::Client => Some(("clientAuth", facts.extensions.asks)),
        Role::Peer => None, // RFC 4945 section 5.1.3.12 asks for neither
    };
    if let Some((usage, Some(false))) = usage {
        say(Reason::WrongUsage, format!("extendedKeyUsage does not list {usage}"));
    }
    if let Some(name) = name
        && !(role == Role::Peer && *facts.subject == *name)
        && !host::matches(facts, name)?
    {
        say(Reason::WrongName, host::issued_for(facts));
    }
    if is_public && let Some(detail) = validity::too_long(facts) {
        say(Reason::TooLong, detail);
    }
    let soon = validity::soon(facts).max(0) as u64;
    if in_force && when >= soon {
        say(Reason::Expiring, validity::ending(facts));
        from_second = from_second.max(soon);
    } else if in_force {
        until_second = until_second.min(last_second(soon - 1));
    }
    let serves = role == Role::Server;
    if serves && let Some(detail) = wildcard::breadth(facts) {
        say(Reason::Wildcard, detail);
    }
    if serves && let Some((certificate, product)) = intercepted(&links, roots) {
        judgements.push(Judgement { reason: Reason::Intercepted, certificate, detail: Some(product.into()) });
    }
    if judgements.iter().all(|judgement| judgement.reason.is_aside()) {
        judgements.insert(0, Judgement { reason: Reason::Ok, certificate: leaf, detail: None });
    }
    Some(Answer { judgements, from_second, until_second, store })
}

/// The certificates of a chain, each once; `None` if one of them is not for us.
fn links<'a>(certificates: &'a Certificates, chain: &[CertificateId], roots: &Roots) -> Option<Vec<Link<'a>>> {
    if !roots.unread().is_empty() {
        return None;
    }
    let mut links: Vec<Link<'_>> = Vec::with_capacity(chain.len().min(MAX_CHAIN));
    for id in chain.iter().take(MAX_CHAIN) {
        if !links.iter().any(|(seen, ..)| seen == id) {
            let certificate = certificates.kept(*id)?;
            links.push((*id, certificate, certificate.facts.as_ref().filter(|facts| !roots.leaves(facts))?));
        }
    }
    Some(links)
}

/// Why the chain ends short of every root. No signature has to be looked at: OpenSSL follows names until there is no issuer or the
/// certificate is its own (x509_vfy.c, build_chain).
fn dead_end(links: &[Link<'_>], roots: &Roots) -> Option<Judgement> {
    for (_, certificate, facts) in links {
        let nameless = facts.subject.is_empty() || facts.issuer.is_empty();
        if nameless || roots.contains(&certificate.sha256) || roots.may_have(facts.issuer_hash) {
            return None;
        }
    }
    let (mut current, mut depth, mut used) = (0, 0, 1u32);
    loop {
        let (certificate, _, child) = *links.get(current)?;
        let of = |reason, text: &str| Some(Judgement { reason, certificate, detail: Some(text.into()) });
        if fold::equal(&child.subject, &child.issuer)? {
            return match depth {
                _ if !fits(child, child, true) => None,
                0 => of(Reason::SelfSigned, SELF_SIGNED),
                _ => of(Reason::UnknownRoot, SELF_SIGNED_IN_CHAIN),
            };
        }
        let mut above = None;
        for (at, (.., parent)) in links.iter().enumerate() {
            if used & 1 << at == 0 && fold::equal(&parent.subject, &child.issuer)? {
                above = Some((at, *parent));
                break;
            }
        }
        let Some((at, parent)) = above else {
            return of(if depth == 0 { Reason::MissingIntermediate } else { Reason::UnknownRoot }, NO_ISSUER);
        };
        if !fits(child, parent, false) {
            return None;
        }
        used |= 1 << at;
        (current, depth) = (at, depth + 1);
    }
}

/// Whether nothing in the two speaks against the one having issued the other (RFC 5280 section 4.2.1.1).
pub fn fits(child: &Facts, parent: &Facts, itself: bool) -> bool {
    if parent.extensions.key_cert_sign == Some(false) && !itself {
        return false;
    }
    let Some(wanted) = &child.extensions.authority else { return true };
    if wanted.serial {
        return false; // by issuer and serial number: rare enough for the library
    }
    match (&wanted.key, &parent.extensions.subject_key) {
        (Some(wanted), Some(given)) => wanted == given,
        _ => true,
    }
}

/// RFC 5280 section 4.1.2.5: both ends are part of the validity. With the first and last second at which this is so.
fn in_time(leaf: &Facts, when: u64) -> (Option<(Reason, String)>, u64, u64) {
    let (begin, end) = (leaf.not_before.max(0) as u64, leaf.not_after);
    // Before 1970 it was over before anything could be captured.
    let Some(end) = u64::try_from(end).ok().filter(|end| when <= *end) else {
        let over = (end + 1).max(0) as u64;
        return (Some((Reason::Expired, dated("until", leaf.not_after))), over, u64::MAX);
    };
    let last = last_second(end);
    if when < begin {
        let until = last.min(begin - 1);
        return (Some((Reason::NotYetValid, dated("from", leaf.not_before))), 0, until);
    }
    (None, begin, last)
}

/// Later times are judged as the last second.
fn last_second(end: u64) -> u64 {
    if end >= LAST_SECOND { u64::MAX } else { end }
}

fn dated(which: &str, second: i64) -> String {
    let mut out = format!("valid {which} ").into_bytes();
    time::second(&mut out, second, b' ');
    out.extend_from_slice(b" UTC");
    String::from_utf8(out).unwrap_or_default()
}

/// The first certificate whose issuer is known to read along, and what that is.
fn intercepted<'a>(links: &[Link<'_>], roots: &'a Roots) -> Option<(CertificateId, &'a str)> {
    links.iter().find_map(|(id, _, facts)| Some((*id, roots.known().middlebox(&facts.issuer)?)))
}

/// Size and soundness of the key and hash of the signature. Nobody relies on the signature of a root.
fn strength(facts: &Facts, certificate: CertificateId, leaf: bool, weakness: Option<&str>, out: &mut Vec<Judgement>) {
    if let Some(weakness) = weakness {
        out.push(Judgement { reason: Reason::WeakKey, certificate, detail: Some(weakness.into()) });
    } else if let (true, Some(bits)) = (facts.key.is_weak(), facts.key.bits) {
        let detail = Some(format!("{} {bits} bits", facts.key.algorithm.to_ascii_uppercase()));
        out.push(Judgement { reason: Reason::WeakKey, certificate, detail });
    }
    if facts.signature.weak && (leaf || facts.subject != facts.issuer) {
        let detail = Some(facts.signature.name.into());
        out.push(Judgement { reason: Reason::WeakSignature, certificate, detail });
    }
}
