//! What a check or a rule says about a set of facts, before it is tied to an endpoint; written for its finding lines once.

use crate::json;
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pass,
    Warn,
    Fail,
    NotObservable,
}

/// Mildest first, so that they compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Warn, Self::Fail, Self::NotObservable];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotObservable => "not_observable",
        }
    }

    /// Whether it speaks against the endpoint.
    pub fn is_against(self) -> bool {
        matches!(self, Self::Warn | Self::Fail)
    }
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The words of a verdict.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub check: &'a str,
    pub status: Status,
    pub severity: Severity,
    pub policy: Option<&'a str>,
    pub rule: Option<&'a str>,
    pub clause: Option<&'a str>,
    pub title: &'a str,
    /// JSON object.
    pub observed: &'a [u8],
    /// Canonical JSON: the part of `observed` that tells this finding from another of the same check or rule at an endpoint.
    pub key: &'a [u8],
    /// JSON object with the members that this check's findings have besides; they go before the remediation.
    pub details: &'a [u8],
    pub remediation: Option<&'a str>,
    /// Class of the evidence.
    pub evidence: &'a str,
    /// It holds at addresses of the public Internet only.
    pub public_only: bool,
}

/// A verdict, ready to be written.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub check: Box<str>,
    pub status: Status,
    pub severity: Severity,
    /// Equal for verdicts that are the same finding if they come at the same endpoint and name.
    pub identity: [u8; 16],
    /// Members of the line before the endpoint, between name and count, at the end; each with the comma in front.
    pub head: Box<[u8]>,
    pub observed: Box<[u8]>,
    pub evidence: Box<str>,
    pub tail: Box<[u8]>,
    /// It tells more than an earlier one of the same finding: what is estimated grows while it is counted up.
    pub renews: bool,
    pub public_only: bool,
    /// What stands before and behind endpoint and name in the canonical JSON of a finding's uid.
    before: Box<[u8]>,
    behind: Box<[u8]>,
}

impl Verdict {
    pub fn new(words: &Words<'_>) -> Self {
        let (mut head, mut observed, mut tail) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in [
            ("check", Some(words.check)),
            ("status", Some(words.status.word())),
            ("severity", Some(words.severity.word())),
            ("policy", words.policy),
            ("rule", words.rule),
            ("clause", words.clause),
            ("title", Some(words.title)),
        ] {
            member(&mut head, name, value);
        }
        observed.extend_from_slice(b",\"observed\":");
        observed.extend_from_slice(words.observed);
        if let Some(members) = words.details.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"))
            && !members.is_empty()
        {
            tail.push(b',');
            tail.extend_from_slice(members);
        }
        member(&mut tail, "remediation", words.remediation);
        let mut before = b"[".to_vec();
        for value in [Some(words.check), words.policy, words.rule] {
            match value {
                Some(value) => json::text(&mut before, value.as_bytes()),
                None => before.extend_from_slice(b"null"),
            }
            before.push(b',');
        }
        let behind = [b",", words.key, b"]"].concat();
        let digest = Sha256::new().chain_update(&before).chain_update(&behind).finalize();
        Self {
            check: words.check.into(),
            status: words.status,
            severity: words.severity,
            identity: first_half(&digest),
            head: head.into(),
            observed: observed.into(),
            evidence: words.evidence.into(),
            tail: tail.into(),
            renews: words.details.len() > b"{}".len(),
            public_only: words.public_only,
            before: before.into(),
            behind: behind.into(),
        }
    }

    /// The same words, known in another way.
    pub fn with_evidence(&self, class: &str) -> Self {
        Self { evidence: class.into(), ..self.clone() }
    }

    /// The same problem at the same place has the same uid, whoever sees it and however often: the first half of the SHA-256
    /// over canonical JSON [check, policy, rule, endpoint, name, key]. `endpoint` and `name` are JSON already.
    pub fn uid(&self, endpoint: &[u8], name: &[u8], scratch: &mut Vec<u8>) -> [u8; 16] {
        scratch.clear();
        scratch.extend_from_slice(&self.before);
        scratch.extend_from_slice(endpoint);
        scratch.push(b',');
        scratch.extend_from_slice(name);
        scratch.extend_from_slice(&self.behind);
        first_half(&Sha256::digest(&*scratch))
    }
}

fn first_half(digest: &[u8]) -> [u8; 16] {
    digest.first_chunk().copied().unwrap_or_default()
}

/// `,"name":"value"`, nothing for no value.
fn member(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        json::text(out, value.as_bytes());
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn words<'a>(check: &'a str, severity: Severity) -> Words<'a> {
        Words {
            check,
            status: Status::Fail,
            severity,
            policy: None,
            rule: None,
            clause: None,
            title: "A \"title\"",
            observed: b"{\"a\":1}",
            key: b"{\"a\":1}",
            details: b"{}",
            remediation: None,
            evidence: "observed",
            public_only: false,
        }
    }

    /// `printf '["tls.version","p","R-1","10.0.0.1:443/tcp","ü.example",{"tls.version":"TLSv1.0"}]' | sha256sum`
    #[test]
    fn uid_is_the_hash_of_canonical_json() {
        let verdict = Verdict::new(&Words {
            policy: Some("p"),
            rule: Some("R-1"),
            key: b"{\"tls.version\":\"TLSv1.0\"}",
            ..words("tls.version", Severity::High)
        });
        let uid = verdict.uid(b"\"10.0.0.1:443/tcp\"", "\"ü.example\"".as_bytes(), &mut Vec::new());
        let mut hex = Vec::new();
        json::hex(&mut hex, &uid);
        assert_eq!(String::from_utf8(hex).unwrap(), "6afdf7109ce28b97bcf95090b063c387");
    }

    #[test]
    fn identity_follows_check_policy_rule_and_key() {
        let identity = |words: Words<'_>| Verdict::new(&words).identity;
        let base = words("a", Severity::High);
        assert_eq!(identity(base), identity(Words { title: "other", severity: Severity::Low, ..base }));
        for other in [Words { check: "b", ..base }, Words { key: b"{}", ..base }, Words { rule: Some("r"), ..base }] {
            assert_ne!(identity(base), identity(other));
        }
    }
}
