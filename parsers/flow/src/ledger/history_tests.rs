//! The same is asked whatever the order in which observations come, and memory is bounded.

use super::findings::{Evidence, Seen};
use super::history::{History, Kind};
use super::places::{Place, Places};
use crate::endpoint::Endpoint;
use crate::limits::{MAX_HISTORIES, MAX_HISTORY};
use crate::time::SECOND;
use crate::x509::{Facts, pay_example};
use std::sync::Arc;

fn seen(first: u64, last: u64) -> Seen {
    let mut seen = Seen::none(first * SECOND, last * SECOND);
    seen.count = 1;
    seen
}

fn say(history: &mut History, place: Place, word: &str, seen: &Seen) {
    let number = history.word(word);
    history.spoken(place, number, seen);
}

fn asked((history, places): &mut (History, Places)) -> Vec<(Kind, String, usize)> {
    let questions = history.questions(places, |_| None).into_iter();
    questions.map(|asked| (asked.kind, String::from_utf8(asked.facts).unwrap(), asked.places.len())).collect()
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let facts = Facts::read(&pay_example()).unwrap();
    let (at, name) = (Endpoint::server([192, 0, 2, 1], 443), Some(Arc::from("pay.example")));
    let events = [(b'a', 10, 20), (b'b', 30, 40), (b'c', 5, 6), (b'a', 1, 2)];
    let mut answers = Vec::new();
    for start in 0..events.len() {
        let mut history = <(History, Places)>::default();
        let place = history.1.number(at, name.as_ref()).unwrap();
        for (leaf, first, last) in events.iter().cycle().skip(start).take(events.len()) {
            history.0.certificate(place, &[*leaf; 32], Some(&facts.spki_sha256), &seen(*first, *last));
        }
        answers.push(asked(&mut history));
        assert_eq!(asked(&mut history), [], "each is asked once");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let [(Kind::Certificates, first, 1), (Kind::Key, second, 1)] = &answers[0][..] else { panic!("{answers:?}") };
    let one = |first: u64, last: u64, flows: u64, leaf: &str| {
        let sha256 = leaf.repeat(32);
        format!(
            "{{\"first_seen\":{first},\"last_seen\":{last},\"flows\":{flows},\"certificate\":{{\"sha256\":\"{sha256}\"}}}}"
        )
    };
    let list = [one(1, 20, 2, "61"), one(5, 6, 1, "63"), one(30, 40, 1, "62")].join(",");
    assert_eq!(*first, format!("{{\"name\":\"pay.example\",\"certificates\":[{list}]}}"));
    assert!(
        second.ends_with("\"places\":[{\"endpoint\":\"192.0.2.1:443/tcp\",\"name\":\"pay.example\"}]}"),
        "{second}"
    );
}

#[test]
fn one_of_everything_asks_nothing_and_more_is_asked_as_it_comes() {
    let mut history = <(History, Places)>::default();
    let at = history.1.number(Endpoint::server([192, 0, 2, 1], 25), None).unwrap();
    say(&mut history.0, at, "tls", &seen(1, 2));
    say(&mut history.0, at, "tls", &seen(8, 9));
    assert_eq!(asked(&mut history), []);
    say(&mut history.0, at, "clear smtp", &seen(3, 4));
    let questions = asked(&mut history);
    let words = "{\"words\":[{\"first_seen\":1,\"last_seen\":9,\"flows\":2,\"word\":\"tls\"},\
                 {\"first_seen\":3,\"last_seen\":4,\"flows\":1,\"word\":\"clear smtp\"}]}";
    assert_eq!(questions, [(Kind::Words, words.to_string(), 1)]);
}

#[test]
fn memory_is_bounded_and_what_is_left_out_is_counted() {
    let (mut history, mut places) = (History::default(), Places::default());
    let mut at = |address| places.number(Endpoint::server(address, 443), None).unwrap();
    for leaf in 0..MAX_HISTORY as u8 + 3 {
        history.certificate(at([192, 0, 2, 1]), &[leaf; 32], None, &seen(1, 2));
    }
    assert_eq!(history.limited, 3);
    for port in 0..=MAX_HISTORIES as u32 {
        let [_, a, b, c] = port.to_be_bytes();
        say(&mut history, at([10, a, b, c]), "tls", &seen(1, 2));
    }
    assert_eq!(history.limited, 4);
}

/// Cores hand over what they saw one after the other.
#[test]
fn of_too_many_the_earliest_in_a_capture_are_kept() {
    let facts = Facts::read(&pay_example()).unwrap();
    let at = |frame: u8| {
        let mut seen = seen(u64::from(frame), u64::from(frame));
        seen.evidence.keep(Evidence { source: 0, frame: u64::from(frame), flow: [frame; 20] });
        seen
    };
    let frames: Vec<u8> = (1..=MAX_HISTORY as u8 + 9).collect();
    let halves: Vec<u8> = frames.iter().rev().step_by(2).chain(frames.iter().skip(1).step_by(2)).copied().collect();
    let backward = frames.iter().rev().copied().collect();
    let answers = [frames, halves, backward].map(|frames| {
        let mut history = <(History, Places)>::default();
        for frame in frames {
            let place = history.1.number(Endpoint::server([192, 0, 2, frame], 443), None).unwrap();
            history.0.certificate(place, &[frame; 32], Some(&facts.spki_sha256), &at(frame));
        }
        let asked = asked(&mut history);
        let [(Kind::Key, key, MAX_HISTORY)] = &asked[..] else { panic!("{asked:?}") };
        key.clone()
    });
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert!(answers[0].contains(&"10".repeat(32)) && !answers[0].contains(&"11".repeat(32)), "{}", answers[0]);
}

#[test]
fn what_is_known_of_places_stays_when_they_are_numbered_anew() {
    let facts = Facts::read(&pay_example()).unwrap();
    let name = Some(Arc::from("pay.example"));
    let [plain, a, b] = [9, 1, 2].map(|last| Endpoint::server([192, 0, 2, last], 443));
    let answers = [false, true].map(|anew| {
        let mut history = <(History, Places)>::default();
        history.1.number(plain, None).unwrap();
        for (leaf, endpoint, word) in [(b'a', a, "tls"), (b'b', a, "clear smtp"), (b'c', b, "tls")] {
            let place = history.1.number(endpoint, name.as_ref()).unwrap();
            history.0.certificate(place, &[leaf; 32], Some(&facts.spki_sha256), &seen(1, 2));
            say(&mut history.0, place, word, &seen(1, 2));
            if anew {
                history.1 = history.0.renumber(&history.1);
            }
        }
        let places = [plain, a, b].map(|endpoint| history.1.number(endpoint, name.as_ref()).map(|place| place.number));
        assert_eq!(places.map(|number| number.unwrap_or_default()), if anew { [4, 0, 1] } else { [3, 1, 2] });
        asked(&mut history)
    });
    assert_eq!(
        answers[0].iter().map(|asked| (asked.0, asked.2)).collect::<Vec<_>>(),
        [(Kind::Certificates, 1), (Kind::Words, 1), (Kind::Key, 2)]
    );
    assert_eq!(answers[0], answers[1]);
}
