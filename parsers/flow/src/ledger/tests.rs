use super::verdict::tests::words;
use super::*;
use crate::endpoint::Endpoint;
use crate::limits::MAX_HISTORIES;

fn observation(key: &str, chain: Option<&Chain>, second: u64) -> Observation {
    Observation {
        key: key.as_bytes().into(),
        facts: key.as_bytes().into(),
        endpoint: Endpoint::server([10, 0, 0, 1], 443),
        name: None,
        chain: chain.cloned(),
        provenance: Provenance::Observed,
        bytes: 0,
        count: 1,
        first_seen: second * SECOND,
        last_seen: second * SECOND,
        samples: Default::default(),
        flows: Vec::new(),
        session: None,
    }
}

fn ledger(passes: bool, at: Option<u64>) -> Ledger {
    let row = |reason: &str, status| {
        let wording = Wording {
            status,
            severity: Severity::High,
            title: reason.into(),
            told: Told::Nothing,
            remediation: None,
            public_only: false,
        };
        (reason.into(), wording)
    };
    Ledger::new([row("ok", Status::Pass), row("expired", Status::Fail)].into_iter().collect(), passes, at, vec![])
}

fn reason(word: &str) -> Reason<'_> {
    Reason { reason: word, ..Reason::default() }
}

#[test]
fn equal_facts_are_asked_once() {
    let mut ledger = ledger(false, None);
    ledger.add(vec![observation("a", None, 1), observation("b", None, 1), observation("a", None, 2)], "x");
    assert_eq!(ledger.facts_questions(), [(0, b"a"[..].into(), 1), (1, b"b"[..].into(), 1)]);
    ledger.answer_facts(0, vec![Arc::new(Verdict::new(&words("c", Severity::Low)))], None);
    ledger.answer_facts(1, vec![], None);
    ledger.settle();
    ledger.add(vec![observation("a", None, 3)], "y");
    assert_eq!(ledger.facts_questions(), []);
    ledger.settle();
    let mut report = ledger.take();
    assert_eq!(report.len(), 1);
    assert!(String::from_utf8(report.lines(1)).unwrap().contains("\"count\":3"));
}

#[test]
fn facts_are_asked_again_in_another_era() {
    let mut ledger = Ledger::new(Wordings::default(), false, None, vec![20, 10]);
    ledger.add([15, 10, 19, 9, 20, 1, 99].map(|second| observation("a", None, second)).into(), "x");
    let asked: Vec<_> = ledger.facts_questions().into_iter().map(|(at, _, second)| (at, second)).collect();
    assert_eq!(asked, [(0, 15), (1, 9), (2, 20)]);
    ledger.answer_facts(0, vec![Arc::new(Verdict::new(&words("c", Severity::Low)))], None);
    ledger.settle();
    assert!(String::from_utf8(ledger.take().lines(1)).unwrap().contains("\"count\":3"), "15, 10 and 19 only");
}

#[test]
fn an_answer_about_a_chain_holds_for_its_interval() {
    let chain: Chain = [[b'a'; 64]].into();
    let mut ledger = ledger(true, None);
    let ask = |ledger: &mut Ledger, seconds: &[u64]| {
        ledger.add(seconds.iter().map(|second| observation("a", Some(&chain), *second)).collect(), "x");
    };
    let next = |ledger: &mut Ledger| ledger.next_chain().map(|(at, question)| (at, question.when));
    ask(&mut ledger, &[10, 11, 9, 10, 12]);
    assert_eq!(next(&mut ledger), Some((0, 10)));
    ledger.answer_chain(0, &[reason("ok")], 5, 10);
    assert_eq!(next(&mut ledger), Some((1, 11)));
    ledger.answer_chain(1, &[reason("expired"), reason("expired")], 11, 20);
    assert_eq!(next(&mut ledger), None, "9 and 12 have their answers meanwhile");
    ask(&mut ledger, &[7, 20, 5, 21]);
    assert_eq!(next(&mut ledger), Some((4, 21)));
    ledger.settle();
    let mut report = ledger.take();
    assert_eq!((report.len(), report.against()), (2, [0, 0, 0, 1, 0]));
    let lines = String::from_utf8(report.lines(9)).unwrap();
    let counts: Vec<_> =
        lines.lines().map(|line| line.split("\"count\":").nth(1).unwrap().chars().next().unwrap()).collect();
    assert_eq!(counts, ['5', '3'], "ok: 10, 9, 10, 7, 5; expired: 11, 12, 20");
}

#[test]
fn chains_are_judged_at_the_given_time() {
    let chain: Chain = [[b'a'; 64]].into();
    let mut ledger = ledger(false, Some(77 * SECOND));
    ledger.add(vec![observation("a", Some(&chain), 1), observation("a", Some(&chain), 99)], "x");
    assert_eq!(ledger.next_chain().unwrap().1.when, 77);
    assert!(ledger.next_chain().is_none());
}

#[test]
fn passes_are_findings_only_on_request() {
    for (passes, expected) in [(false, 0), (true, 1)] {
        let mut ledger = ledger(passes, None);
        ledger.add(vec![observation("a", Some(&[[b'a'; 64]].into()), 1)], "x");
        ledger.answer_chain(0, &[reason("ok")], 0, 9);
        ledger.settle();
        assert_eq!(ledger.take().len(), expected);
    }
}

#[test]
fn memory_is_bounded() {
    let mut ledger = ledger(false, None);
    for n in 0..=MAX_JUDGED as u64 {
        let chain: Chain = [[b'a'; 64]].into();
        ledger.add(vec![observation(&n.to_string(), Some(&chain), n)], "x");
    }
    ledger.settle();
    assert_eq!((ledger.facts.len(), ledger.judged.len(), ledger.chains.len(), ledger.asked.len()), (0, 0, 0, 0));
}

#[test]
fn places_of_no_interest_are_forgotten_with_the_report() {
    let mut ledger = ledger(false, None);
    for round in 0..3u8 {
        for n in 0..MAX_HISTORIES as u32 / 2 + 1 {
            let [_, a, b, c] = n.to_be_bytes();
            let endpoint = Endpoint::server([10 + round, a, b, c], 443);
            ledger.add(vec![Observation { endpoint, ..observation("a", None, 1) }], "x");
        }
        let _ = ledger.facts_questions();
        ledger.answer_facts(0, vec![Arc::new(Verdict::new(&words("c", Severity::Low)))], None);
        ledger.settle();
        assert_eq!(ledger.take().len(), MAX_HISTORIES / 2 + 1);
        assert!(ledger.places.number(Endpoint::server([10, 0, 0, 0], 443), None).is_some());
        assert!(!ledger.places.are_many(0));
    }
}
