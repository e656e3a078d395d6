//! What can be said without an oracle; the comparison with `Chains.judge` is tests/unit/trust/test_core_trust.py.

use super::*;
use crate::certificates::Certificates;
use crate::x509::pay_example;

/// 2030-01-01
const WHEN: u64 = 1_893_456_000;

type Said = (Vec<(Reason, String)>, u64, u64);

fn judged(name: Option<&str>, when: u64, roots: &Roots) -> Option<Said> {
    let mut certificates = Certificates::new(7);
    let id = certificates.intern(&pay_example()).unwrap();
    let answer = judge(&certificates, &[id, id], name, Role::Server, when, roots, &mut Signatures::default())?;
    let said = answer.judgements.into_iter().map(|j| (j.reason, j.detail.unwrap_or_default())).collect();
    Some((said, answer.from_second, answer.until_second))
}

#[test]
fn everything_against_a_self_signed_certificate_while_it_holds() {
    let (begin, end) = (1_795_478_823, 2_110_838_823); // as openssl prints them, in seconds
    let selfish = (Reason::SelfSigned, "self-signed certificate".to_string());
    let soon = end - 30 * 86_400 + 1;
    assert_eq!(judged(None, WHEN, &Roots::default()), Some((vec![selfish.clone()], begin, soon - 1)));
    let expiring = (Reason::Expiring, "valid until 2036-11-21, for 3651 days in all".to_string());
    assert_eq!(judged(None, end, &Roots::default()), Some((vec![selfish.clone(), expiring], soon, end)));
    let wrong = (Reason::WrongName, "no subjectAltName".to_string());
    let found = judged(Some("pay.example"), WHEN, &Roots::default()).unwrap();
    assert_eq!(found.0, [selfish.clone(), wrong]);
    let early = (Reason::NotYetValid, "valid from 2026-11-24 00:07:03 UTC".to_string());
    assert_eq!(judged(None, 5, &Roots::default()), Some((vec![early, selfish.clone()], 0, begin - 1)));
    let late = (Reason::Expired, "valid until 2036-11-21 00:07:03 UTC".to_string());
    assert_eq!(judged(None, end + 1, &Roots::default()), Some((vec![late, selfish], end + 1, u64::MAX)));
}

#[test]
fn what_may_reach_a_root_is_not_judged_here() {
    let der = pay_example();
    let trusted = Roots::new([der.as_slice()], 0);
    assert_eq!((trusted.len(), judged(None, WHEN, &trusted)), (1, None));
    let mut unread = Roots::new([&der[1..]], 0);
    assert_eq!(judged(None, WHEN, &unread), None);
    unread.resolve(&der[1..], Some("CN=PAY.example"));
    assert_eq!(judged(None, WHEN, &unread), None);
    let mut damaged = Roots::new([&der[1..]], 0);
    damaged.resolve(&der[1..], None);
    assert!(judged(None, WHEN, &damaged).is_some());
}

#[test]
fn only_plain_names_are_judged_here() {
    for (name, known) in
        [("pay.example", true), ("PAY.example.", true), ("192.0.2.1", false), ("bücher.example", false)]
    {
        assert_eq!(judged(Some(name), WHEN, &Roots::default()).is_some(), known, "{name}");
    }
}

#[test]
fn folding() {
    assert_eq!(fold::equal("CN=Root", "cn=rOOT"), Some(true));
    assert_eq!(fold::equal("CN=Root", "CN=Boot"), Some(false));
    assert_eq!(fold::equal("CN=Straße", "CN=Straße"), Some(true));
    assert_eq!(fold::equal("CN=STRASSE", "CN=Straße"), None);
    assert_eq!(fold::equal("CN=Größe", "CN=Straße"), Some(false));
    assert_eq!(fold::hash("CN=STRASSE"), fold::hash("CN=Straße"));
}
