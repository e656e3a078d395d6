//! The detector seen from outside: messages in, alerts out; bounded whatever comes.

use super::*;
use crate::alert::Kind;
use transitproof_wire::dns::kind;

pub fn detector() -> Detector {
    Detector::new(Config { pairs: 1024, ..Config::default() })
}

/// A message in wire form; an answer if there are records or a code other than 0.
pub fn message(name: &str, kind: u16, response: bool, code: u8, records: &[(u16, u32, &[u8])]) -> Vec<u8> {
    let mut out = vec![0, 7, if response { 0x81 } else { 1 }, code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1]);
    for (kind, ttl, data) in records {
        out.extend([0xc0, 0x0c]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(ttl.to_be_bytes());
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(*data);
    }
    out
}

pub fn feed(detector: &mut Detector, client: u64, seconds: f64, bytes: &[u8]) -> Option<usize> {
    let message = Message::read(bytes).unwrap();
    let spot = Spot { time: (seconds * 1e9) as u64, frame: 1 };
    detector.message(&Observed { client: [client, 0], message: &message, spot, asked: true })
}

pub fn ask(detector: &mut Detector, second: u64, name: &str) -> Option<usize> {
    feed(detector, 1, second as f64, &message(name, kind::A, false, 0, &[]))
}

/// Pseudorandom, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = fold(self.0, 0x1234_5678_9abc_def1);
        self.0
    }

    pub fn word(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.next() as usize % alphabet.len()])).collect()
    }
}

pub const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

#[test]
fn names_that_came_before_cost_nothing() {
    let mut detector = detector();
    for n in 0..100_000 {
        assert!(
            ask(&mut detector, n / 10, &format!("mfrggzdfmztwq2lknnwg23tpob2xe43u{}.example.com", n % 3)).is_none()
        );
    }
}

#[test]
fn ciphertext_in_names_is_found_at_once_and_case_does_not_matter() {
    let (mut detector, mut dice) = (detector(), Dice(1));
    let mut asked = 0;
    let found = loop {
        asked += 1;
        let name = format!("{}.{}.Relay.Example.COM", dice.word(BASE32, 60), dice.word(BASE32, 50));
        if let Some(number) = feed(&mut detector, 1, 0.3 * f64::from(asked), &message(&name, kind::TXT, false, 0, &[]))
        {
            break number;
        }
    };
    let alert = &detector.alerts.all()[found];
    assert!(asked <= 5, "{asked}");
    assert_eq!((alert.kind, &*alert.domain), (Kind::Tunnel, "example.com"));
    assert!((200.0..400.0).contains(&alert.bytes_up), "{}", alert.bytes_up);
}

#[test]
fn what_comes_back_is_charged_too() {
    let (mut detector, mut dice) = (detector(), Dice(2));
    let mut found = None;
    for n in 0..40 {
        let name = format!("{n}.s.example.com");
        feed(&mut detector, 1, f64::from(n) * 2.0, &message(&name, kind::TXT, false, 0, &[]));
        let data = dice.word(BASE32, 180);
        let answer = message(&name, kind::TXT, true, 0, &[(kind::TXT, 1, data.as_bytes())]);
        found = found.or(feed(&mut detector, 1, f64::from(n) * 2.0 + 0.1, &answer).map(|_| n));
    }
    assert!(found.is_some_and(|n| n < 12), "{found:?}");
    assert_eq!(detector.alerts.all()[0].score.volume, crate::Volume::Downstream);
}

#[test]
fn below_no_zone_only_answers_count() {
    let (mut detector, mut dice) = (detector(), Dice(3));
    for n in 0..3000 {
        let name = format!("{}.cluster.local", dice.word(BASE32, 40));
        assert!(ask(&mut detector, n, &name).is_none());
        assert!(feed(&mut detector, 1, n as f64, &message(&name, kind::A, true, 3, &[])).is_none());
    }
    let mut found = false;
    for n in 3000..3040 {
        let name = format!("{}.pirate.sea", dice.word(BASE32, 60));
        ask(&mut detector, n, &name);
        found |= feed(&mut detector, 1, n as f64, &message(&name, kind::NULL, true, 0, &[(10, 0, b"data")])).is_some();
    }
    assert!(found);
    assert_eq!(detector.alerts.all()[0].domain, "pirate.sea");
}

#[test]
fn the_victim_of_random_subdomains_is_no_tunnel() {
    let (mut detector, mut dice) = (detector(), Dice(4));
    for n in 0..200_000 {
        let length = 6 + dice.next() as usize % 10;
        let name = format!("{}.victim.com", dice.word(BASE32, length));
        let client = if n % 2 == 0 { 1 } else { 1 + dice.next() % 50_000 };
        let time = n as f64 / 500.0;
        feed(&mut detector, client, time, &message(&name, kind::A, false, 0, &[]));
        if dice.next() % 3 > 0 {
            let code = if dice.next() % 2 == 0 { 3 } else { 2 };
            feed(&mut detector, client, time, &message(&name, kind::A, true, code, &[]));
        }
    }
    assert!(detector.alerts.all().iter().all(|alert| alert.kind == Kind::Flood));
    assert!(!detector.alerts.all().is_empty());
}

#[test]
fn one_domain_in_forty_tells_little_and_all_together_much() {
    let (mut detector, mut dice) = (detector(), Dice(5));
    let mut found = None;
    for n in 0..200 {
        let name = format!("{}.relay{}.com", dice.word(BASE32, 24), n % 40);
        found = found.or(ask(&mut detector, n * 60, &name).map(|number| (n, number)));
    }
    let (n, number) = found.unwrap();
    let alert = &detector.alerts.all()[number];
    assert_eq!(alert.kind, Kind::Spread);
    assert!(n < 100 && alert.parts >= 8, "{n} {}", alert.parts);
}

#[test]
fn a_flood_of_domains_forgets_the_least_evidence_first() {
    let (mut detector, mut dice) = (detector(), Dice(6));
    let tunnel = |dice: &mut Dice| format!("{}.slow.example.com", dice.word(BASE32, 20));
    let (mut found, mut before) = (false, 0);
    for n in 0..200_000u64 {
        if n % 400 == 0 {
            found |= ask(&mut detector, n / 10, &tunnel(&mut dice)).is_some();
            before += usize::from(!found);
        }
        let name = format!("www.{}.com", dice.word(BASE32, 10));
        feed(&mut detector, 2 + n % 7, n as f64 / 10.0, &message(&name, kind::A, false, 0, &[]));
    }
    assert!(found, "the pair with most evidence stays");
    assert!(before < 100, "{before}");
    assert!(detector.forgotten() > 50_000);
}

#[test]
fn the_default_keeps_within_eight_mebibytes() {
    let detector = Detector::new(Config::default());
    let pairs = (size_of::<Pair>() + crate::table::BESIDES) * detector.table.capacity();
    let domains = size_of::<crate::domains::Domain>() * detector.domains.capacity();
    let seen = size_of_val(detector.seen.buckets());
    assert_eq!(detector.table.capacity(), 65_536);
    assert!(pairs + domains + seen <= 8 << 20, "{pairs} {domains} {seen}");
}

#[test]
fn data_in_options_is_charged_and_told() {
    let (mut detector, mut dice) = (detector(), Dice(7));
    let mut found = false;
    for n in 0..12u32 {
        let mut query = message("www.example.com", kind::A, false, 0, &[]);
        query[11] = 1;
        let data = dice.word(BASE32, 40);
        query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 44, 253, 233, 0, 40]);
        query.extend(data.as_bytes());
        found |= feed(&mut detector, 1, f64::from(n), &query).is_some();
    }
    let kinds: Vec<_> = detector.alerts.all().iter().map(|alert| alert.kind).collect();
    assert!(found && kinds.contains(&Kind::Option) && kinds.contains(&Kind::Tunnel), "{kinds:?}");
    // What a resolver adds for its customer is the same each time.
    let mut other = self::detector();
    for n in 0..500u32 {
        let mut query = message("www.example.com", kind::A, false, 0, &[]);
        query[11] = 1;
        query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 253, 233, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(feed(&mut other, 1, f64::from(n), &query).is_none());
    }
    assert!(other.alerts.all().is_empty());
}

#[test]
fn letter_case_is_told_unless_it_is_a_habit() {
    for habit in [false, true] {
        let (mut detector, mut dice) = (detector(), Dice(8));
        let mut mix = |name: &str| {
            let flip = |c: char| if dice.next() % 2 == 0 { c.to_ascii_uppercase() } else { c };
            name.chars().map(flip).collect::<String>()
        };
        for n in 0..400 {
            let plain = format!("www.site{}.com", n % 50);
            ask(&mut detector, n, &if habit { mix(&plain) } else { plain });
            ask(&mut detector, n, &mix("keepalive.status.example.com"));
        }
        let told = detector.alerts.all().iter().any(|a| a.kind == Kind::Case && a.domain == "example.com");
        assert_eq!((told, detector.alerts.all().len() <= 1), (!habit, true), "{habit}");
    }
}

#[test]
fn a_beacon_is_what_one_client_alone_does() {
    for users in [1, 3] {
        let mut detector = detector();
        for n in 0..200 {
            for client in 0..users {
                let bytes = message("status.example.com", kind::A, false, 0, &[]);
                feed(&mut detector, 1 + client, n as f64 * 60.0 + client as f64, &bytes);
            }
        }
        let beacons = detector.alerts.all().iter().filter(|a| matches!(a.kind, Kind::Beacon(60))).count();
        assert_eq!(beacons, usize::from(users == 1));
    }
}

#[test]
fn when_there_are_too_many_pairs_what_one_client_spreads_still_shows() {
    let (mut detector, mut dice) = (detector(), Dice(9));
    for n in 0..20_000 {
        let name = format!("{}.{}.com", dice.word(BASE32, 24), dice.word(BASE32, 12));
        feed(&mut detector, 1, n as f64, &message(&name, kind::A, false, 0, &[]));
    }
    assert!(detector.forgotten() > 10_000);
    assert!(detector.alerts.all().iter().any(|alert| alert.kind == Kind::Spread));
    assert!(detector.alerts.all().len() <= 4, "one make, one alert or a few");
}
