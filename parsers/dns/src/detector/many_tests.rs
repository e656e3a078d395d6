//! Many clients, many domains, long times: what is summed up over them, what is damped, what is forgotten and what is not.

use super::tests::{BASE32, Dice, ask, detector, feed, message};
use super::*;
use crate::alert::Kind;
use crate::score::term;
use transitproof_wire::dns::kind;

const DAY: f64 = 86_400.0;

/// A question and its answer.
fn asked(detector: &mut Detector, client: u64, time: f64, name: &str, kind: u16, answer: Option<(u32, &[u8])>) {
    feed(detector, client, time, &message(name, kind, false, 0, &[]));
    let records: Vec<_> = answer.iter().map(|(ttl, data)| (kind, *ttl, *data)).collect();
    let code = if records.is_empty() { 3 } else { 0 };
    feed(detector, client, time + 0.01, &message(name, kind, true, code, &records));
}

fn kinds(detector: &Detector) -> Vec<Kind> {
    detector.alerts.all().iter().map(|alert| alert.kind).collect()
}

/// Names that alert, one a minute or about as often.
fn names_until_found(even: bool) -> (u32, f32) {
    let (mut detector, mut dice, mut time) = (detector(), Dice(21), 1000.0);
    for n in 1..2000 {
        asked(
            &mut detector,
            1,
            time,
            &format!("{}.example.com", dice.word(BASE32, 16)),
            kind::A,
            Some((60, &[192, 0, 2, 1])),
        );
        if let [alert] = detector.alerts.all() {
            return (n, alert.score.terms[term::CLOCK]);
        }
        // As people and chance ask: exponential.
        let chance = (dice.next() % 1000 + 1) as f64 / 1000.0;
        time += if even { 60.0 } else { -60.0 * chance.ln() };
    }
    panic!("not found");
}

#[test]
fn even_intervals_count() {
    let ((even, clock), (uneven, none)) = (names_until_found(true), names_until_found(false));
    assert!(clock == 2.0 && none == 0.0, "{clock} {none}");
    assert!(even * 2 < uneven, "{even} {uneven}");
}

/// Alerts on as many new names a day of each client, below one domain.
fn shared(clients: u64, kind: u16, ttl: u32) -> Vec<Kind> {
    let (mut detector, mut dice) = (detector(), Dice(22));
    for n in 0..300 * clients {
        let time = DAY * n as f64 / (300 * clients) as f64 + (dice.next() % 40) as f64;
        let name = format!("{}.cloud.example.com", dice.word(BASE32, 26));
        let fresh = dice.next().to_be_bytes();
        let data = if kind == kind::A { &[192, 0, 2, 1][..] } else { &fresh };
        asked(&mut detector, n % clients, time, &name, kind, Some((ttl, data)));
    }
    kinds(&detector)
}

#[test]
fn prevalence_damps_volume_and_never_strong_shapes() {
    assert_eq!(shared(1, kind::A, 300), [Kind::Tunnel]);
    assert_eq!(shared(8, kind::A, 300), [], "a service that many use");
    let strong = shared(8, kind::NULL, 0);
    assert_eq!(strong.iter().filter(|kind| **kind == Kind::Tunnel).count(), 8, "{strong:?}");
}

#[test]
fn what_many_clients_send_below_one_domain_is_summed_up() {
    for (kind, expected) in [(kind::NULL, vec![Kind::Fleet]), (kind::A, vec![])] {
        let (mut detector, mut dice) = (detector(), Dice(23));
        for n in 0..120 {
            // Three names of each: too few for anything to be said of a pair.
            let name = format!("{}.{}.example.com", dice.word(BASE32, 40), dice.word(BASE32, 24));
            feed(&mut detector, n % 40, n as f64 * 60.0, &message(&name, kind, false, 0, &[]));
        }
        assert_eq!(kinds(&detector), expected);
        assert!(detector.alerts.all().iter().all(|alert| alert.parts >= 3));
    }
}

#[test]
fn a_flood_from_forged_clients_leaves_what_the_fleet_shows() {
    let (mut detector, mut dice) = (detector(), Dice(24));
    for n in 0..100_000u64 {
        let name = format!("{}.{}.com", dice.word(BASE32, 12), dice.word(BASE32, 12));
        let client = dice.next();
        feed(&mut detector, client, n as f64 / 100.0, &message(&name, kind::A, false, 0, &[]));
        if n % 500 == 0 {
            let name = format!("{}.relay.example.com", dice.word(BASE32, 50));
            let client = dice.next();
            feed(&mut detector, client, n as f64 / 100.0, &message(&name, kind::TXT, false, 0, &[]));
            feed(&mut detector, client, n as f64 / 100.0, &message(&name, kind::NULL, false, 0, &[]));
            let other = format!("{}.relay.example.com", dice.word(BASE32, 50));
            feed(&mut detector, client, n as f64 / 100.0, &message(&other, kind::NULL, false, 0, &[]));
        }
    }
    assert!(detector.forgotten() > 50_000, "and says so");
    let alerts = detector.alerts.all();
    assert!(alerts.iter().any(|alert| alert.kind == Kind::Fleet && alert.domain == "example.com"));
    assert!(alerts.iter().all(|alert| alert.domain == "example.com"), "of the flood itself nothing is a tunnel");
}

#[test]
fn the_time_of_the_first_message_that_counted() {
    let mut detector = detector();
    asked(&mut detector, 1, 50.0, "www.example.com", kind::A, Some((300, &[1, 2, 3, 4])));
    // A fortnight later nothing is left of that.
    let (begin, mut dice) = (14.0 * DAY + 0.123_456, Dice(25));
    for n in 0..200 {
        let name = format!("{}.example.com", dice.word(BASE32, 30));
        asked(&mut detector, 1, begin + 20.0 * f64::from(n), &name, kind::A, Some((300, &[1, 2, 3, 4])));
    }
    let [alert] = detector.alerts.all() else { panic!("{:?}", kinds(&detector)) };
    assert_eq!(alert.first_seen / 1000, (begin * 1e6) as u64);
    assert!(alert.first_seen < alert.first_alert && alert.first_alert < alert.last_seen);
}

#[test]
fn the_first_beat_and_the_latest() {
    let mut detector = detector();
    for n in 0..200 {
        ask(&mut detector, 1000 + n * 60, "status.example.com");
    }
    let [alert] = detector.alerts.all() else { panic!("{:?}", kinds(&detector)) };
    let second = 1_000_000_000;
    assert_eq!(alert.first_seen / 1000, 1060 * second / 1000, "the first that came again");
    assert!(alert.first_alert > 4000 * second);
    assert_eq!(alert.last_seen, (1000 + 199 * 60) * second);
}

#[test]
fn a_list_that_most_are_not_on_is_no_tunnel_and_one_that_says_nothing_else_is() {
    for (listed, expected) in [(5, vec![]), (u64::MAX, vec![Kind::Tunnel])] {
        let (mut detector, mut dice) = (detector(), Dice(26));
        for n in 0..400u64 {
            let name = format!("{}.hashes.example.com", dice.word(b"0123456789abcdef", 40));
            let answer = (n % listed == 1).then_some((300, &[127, 0, 0, 2][..]));
            asked(&mut detector, 1, n as f64 * 200.0 + (dice.next() % 400) as f64, &name, kind::A, answer);
        }
        assert_eq!(kinds(&detector), expected);
    }
}

#[test]
fn who_walks_through_a_zone_carries_nothing_away() {
    let mut detector = detector();
    for (n, word) in ["amber", "arrow", "bamboo", "bridge", "candle", "castle", "dragon", "engine"].iter().enumerate() {
        let name = format!("{word}\0.example.com");
        feed(&mut detector, 1, n as f64, &message(&name, kind::NSEC, false, 0, &[]));
    }
    assert!(detector.alerts.all().is_empty());
}

#[test]
fn numbered_hosts_are_no_tunnel_and_numbered_pieces_are() {
    for (form, tunnel) in [("worker-{}", false), ("{}.s", true)] {
        let mut detector = detector();
        for n in 0..150 {
            let name = form.replace("{}", &n.to_string()) + ".example.com";
            let fresh: Vec<u8> = (0..20).flat_map(|part| fold(n, part).to_be_bytes()).collect();
            let (kind, data) = if tunnel { (kind::TXT, &fresh[..]) } else { (kind::A, &[192, 0, 2, 1][..]) };
            asked(&mut detector, 1, n as f64 * 2.0, &name, kind, Some((300, data)));
        }
        assert_eq!(!detector.alerts.all().is_empty(), tunnel, "{form}");
    }
}
