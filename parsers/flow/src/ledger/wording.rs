//! Verdicts on certificate chains: a reason and its certificate, put into the words that the check gave.

use super::verdict::{Severity, Status, Verdict, Words};
use crate::hash::Map;
use crate::json;
use crate::trust::Role;

/// The check that reasons report under. One with a dot is a check of its own.
const CHECK: &str = "certificate.chain";
/// The one that reasons against a client's chain report under, all of them.
const CHECK_OF_CLIENTS: &str = "mtls.certificate";
/// The same of peers of IKE.
const CHECK_OF_PEERS: &str = "ike.certificate";
/// In front of rows that are for clients, or for such peers.
const CLIENT: &str = "client.";
const PEER: &str = "peer.";
/// The row for a chain that is accepted although something about it is unusual.
const OUTSIDE_PROFILE: &str = "outside_profile";
/// A reason of which more is to be said, in this row, at public addresses.
const SELF_SIGNED: &str = "self_signed";
const SELF_SIGNED_IN_PUBLIC: &str = "certificate.self_signed";

/// What tells a certificate best, for the title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Detail,
    Subject,
    /// `issued by …`, else the detail.
    Issuer,
}

/// How a reason is worded.
#[derive(Clone, Debug)]
pub struct Wording {
    pub status: Status,
    pub severity: Severity,
    pub title: Box<str>,
    pub told: Told,
    pub remediation: Option<Box<str>>,
    /// It holds at addresses of the public Internet only.
    pub public_only: bool,
}

/// A reason for or against a chain, with the certificate that it is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reason<'a> {
    /// A word of the contract.
    pub reason: &'a str,
    pub sha256: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub issuer: Option<&'a str>,
    pub detail: Option<&'a str>,
    /// The stores with the root that an accepted chain leads to.
    pub store: Option<&'a str>,
}

impl Reason<'_> {
    fn told(&self, told: Told) -> Option<String> {
        match told {
            Told::Nothing => None,
            Told::Detail => self.detail.map(Into::into),
            Told::Subject => self.subject.map(Into::into),
            Told::Issuer => {
                self.issuer.map(|issuer| format!("issued by {issuer}")).or_else(|| self.detail.map(Into::into))
            }
        }
    }
}

/// The words for each reason.
#[derive(Debug, Default)]
pub struct Wordings(Map<Box<str>, Wording>);

impl FromIterator<(Box<str>, Wording)> for Wordings {
    fn from_iter<T: IntoIterator<Item = (Box<str>, Wording)>>(rows: T) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl Wordings {
    /// What is said of it; nothing of a reason without words. Of some more is to be said at public addresses.
    pub fn verdicts(&self, reason: &Reason<'_>, role: Role) -> impl Iterator<Item = Verdict> {
        let besides = (reason.reason == SELF_SIGNED && role == Role::Server)
            .then(|| self.verdict(&Reason { reason: SELF_SIGNED_IN_PUBLIC, detail: None, ..*reason }, role));
        self.verdict(reason, role).into_iter().chain(besides.flatten())
    }

    /// `None` for a reason without words.
    pub fn verdict(&self, reason: &Reason<'_>, role: Role) -> Option<Verdict> {
        let unusual = reason.reason == "ok" && reason.detail.is_some();
        let row = if unusual { OUTSIDE_PROFILE } else { reason.reason };
        let own_row = |front: &str| self.0.get(&*format!("{front}{row}"));
        let of_role = match role {
            Role::Server => None,
            Role::Client => own_row(CLIENT),
            Role::Peer => own_row(PEER),
        };
        let wording = of_role.or_else(|| self.0.get(row))?;
        let title = match reason.told(wording.told) {
            Some(told) if !told.is_empty() => format!("{}: {told}", wording.title),
            _ => wording.title.to_string(),
        };
        let (title, own) = match role {
            Role::Server => (title, reason.reason.contains('.')),
            Role::Client => (format!("Client: {title}"), false),
            Role::Peer => (format!("IKE peer: {title}"), false),
        };
        let (mut key, mut observed) = (b"{".to_vec(), b"{".to_vec());
        if own {
            json::word(&mut key, "sha256", reason.sha256.unwrap_or_default());
        } else {
            json::word(&mut key, "reason", reason.reason);
            observed.clone_from(&key);
        }
        for (name, value) in [
            ("sha256", reason.sha256),
            ("subject", reason.subject),
            ("issuer", reason.issuer),
            ("detail", reason.detail),
            ("store", reason.store),
        ] {
            if let Some(value) = value {
                json::string(&mut observed, name, value.as_bytes());
            }
        }
        key.push(b'}');
        observed.push(b'}');
        Some(Verdict::new(&Words {
            check: match role {
                Role::Client => CHECK_OF_CLIENTS,
                Role::Peer => CHECK_OF_PEERS,
                Role::Server if own => reason.reason,
                Role::Server => CHECK,
            },
            status: wording.status,
            severity: wording.severity,
            policy: None,
            rule: None,
            clause: None,
            title: &title,
            observed: &observed,
            key: &key,
            details: b"{}",
            remediation: wording.remediation.as_deref(),
            evidence: if wording.status == Status::NotObservable { "not_observable" } else { "observed" },
            public_only: wording.public_only,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_of(reason: Reason<'_>, told: Told) -> String {
        let wording = Wording {
            status: Status::Fail,
            severity: Severity::High,
            title: "T".into(),
            told,
            remediation: None,
            public_only: false,
        };
        let rows = [("expired".into(), wording.clone()), (OUTSIDE_PROFILE.into(), wording)];
        let verdict = rows.into_iter().collect::<Wordings>().verdict(&reason, Role::Server).unwrap();
        let head = String::from_utf8(verdict.head.to_vec()).unwrap();
        head.split("\"title\":").nth(1).unwrap().into()
    }

    #[test]
    fn the_title_tells_what_tells_most() {
        let reason = Reason { reason: "expired", issuer: Some("CN=I"), detail: Some("d"), ..Reason::default() };
        assert_eq!(title_of(reason, Told::Issuer), "\"T: issued by CN=I\"");
        assert_eq!(title_of(Reason { issuer: None, ..reason }, Told::Issuer), "\"T: d\"");
        assert_eq!(title_of(reason, Told::Detail), "\"T: d\"");
        assert_eq!(title_of(reason, Told::Subject), "\"T\"");
        assert_eq!(title_of(Reason { reason: "ok", ..reason }, Told::Nothing), "\"T\"");
    }

    #[test]
    fn observed_names_what_is_known() {
        let rows = Wordings::from_iter([(
            "revoked".into(),
            Wording {
                status: Status::Fail,
                severity: Severity::Critical,
                title: "T".into(),
                told: Told::Nothing,
                remediation: Some("R".into()),
                public_only: false,
            },
        )]);
        let reason = Reason { reason: "revoked", sha256: Some("ab"), subject: Some("CN=ü"), ..Reason::default() };
        let verdict = rows.verdict(&reason, Role::Server).unwrap();
        let observed = ",\"observed\":{\"reason\":\"revoked\",\"sha256\":\"ab\",\"subject\":\"CN=ü\"}";
        assert_eq!(std::str::from_utf8(&verdict.observed).unwrap(), observed);
        assert!(rows.verdict(&Reason { reason: "expired", ..reason }, Role::Server).is_none());
        let row = rows.0.get("revoked").unwrap().clone();
        let own = Wordings::from_iter([("certificate.x".into(), row)]);
        let verdict = own.verdict(&Reason { reason: "certificate.x", ..reason }, Role::Server).unwrap();
        assert!(String::from_utf8_lossy(&verdict.head).contains("\"check\":\"certificate.x\""));
        let observed = ",\"observed\":{\"sha256\":\"ab\",\"subject\":\"CN=ü\"}";
        assert_eq!(std::str::from_utf8(&verdict.observed).unwrap(), observed);
    }
}
