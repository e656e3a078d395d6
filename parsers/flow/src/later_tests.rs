//! Connections that serve something before somebody logs in.

use crate::Direction::{Forward, Reverse};
use crate::limits::{MAX_DIALOGUE, MAX_LATER_SEGMENTS};
use crate::opening_tests::{Said, captured, cut_short, played, record, says, socks5};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
/// RFC 7617 section 2.
const BASIC: &str = "GET /b HTTP/1.1\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
const FORM: &str =
    "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 22\r\n\r\n";
const FIELDS: &str = "user=joe&password=open";

fn page() -> Vec<Said> {
    vec![says(Forward, GET), says(Reverse, PAGE)]
}

/// What is said behind the first page; only answers of the server's begin like one.
fn then(said: &[&str]) -> Vec<Said> {
    let by = |bytes: &str| if bytes.starts_with("HTTP/") { Reverse } else { Forward };
    [page(), said.iter().map(|bytes| says(by(bytes), bytes)).collect()].concat()
}

fn found(kind: &str, account: &str) -> String {
    format!(
        "\"credentials\":[{{\"kind\":\"{kind}\",\"account\":\"{account}\"}}],\"http\":{{\"host\":\"a.example\",\"status\":200}}"
    )
}

#[test]
fn a_login_behind_a_page() {
    let (head, rest) = BASIC.split_at(40);
    for (said, kind, account) in [
        (then(&[BASIC]), "http_basic", "Aladdin"),
        (then(&[GET, PAGE, GET, PAGE, BASIC]), "http_basic", "Aladdin"),
        (then(&[head, rest]), "http_basic", "Aladdin"),
        (then(&[FORM, FIELDS]), "http_form", "joe"),
        (then(&[FORM, "user=joe&", "password=open"]), "http_form", "joe"),
        // Requests that wait for no answer, each in its segment and in one.
        (then(&[GET, GET, BASIC]), "http_basic", "Aladdin"),
        (then(&[GET, FORM, FIELDS]), "http_form", "joe"),
        (then(&[&[GET, FORM, FIELDS].concat()]), "http_form", "joe"),
        (then(&[&[GET, FORM].concat(), FIELDS]), "http_form", "joe"),
    ] {
        for with_syn in [true, false] {
            let (record, facts) = record(&said, with_syn);
            assert!(record.contains(&found(kind, account)), "{record}");
            let told = format!(
                "{{\"protocol\":\"http\",\"plaintext.credentials\":\"{kind}\",\"plaintext.account\":\"{account}\"}}"
            );
            assert_eq!(facts, told);
        }
    }
}

#[test]
fn what_is_no_login_or_not_there_is_not_told() {
    for said in [
        then(&[GET, PAGE, GET]),
        // The middle of something that is sent up.
        then(&["POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", "abcd", BASIC]),
        // Of the server's, or in the middle of something.
        [page(), vec![says(Reverse, BASIC)]].concat(),
        then(&[&format!("x{BASIC}")]),
        then(&[&FORM[..60], &FIELDS[..4]]),
        then(&[FORM, &FIELDS[..20]]),
    ] {
        assert!(!record(&said, true).0.contains("credentials"));
    }
    // A part of it was lost.
    let said = then(&[FORM, "user=joe&", "password=open"]);
    assert!(!captured(80, &said, &[3], true).0.contains("credentials"));
    let said = then(&[FORM, "user=joe&", "password=open&"]);
    assert!(!captured(80, &said, &[3], true).0.contains("credentials"), "what follows a hole is not of the same form");
}

#[test]
fn what_is_sent_again_is_not_read_twice() {
    let (form, fields) = (GET.len(), GET.len() + FORM.len());
    let (user, password) = ("user=joe&".as_bytes(), "password=open".as_bytes());
    let page = [(Forward, 0, GET.as_bytes()), (Reverse, 0, PAGE.as_bytes()), (Forward, form, FORM.as_bytes())];
    let behind = [(Forward, fields, user), (Forward, fields, user), (Forward, fields + user.len(), password)];
    let record = played(&[page, behind].concat());
    assert!(record.contains(&found("http_form", "joe")), "{record}");
}

#[test]
fn what_a_capture_left_off_is_not_made_up_for() {
    // An account of which the end is missing, and what follows; so much that it would be enough without.
    let form = format!("{FORM}user=joe").replace(": 22", ": 20");
    let said = then(&[&form, "&password=open"]);
    assert!(cut_short(&said, 2, 0).contains(&found("http_form", "joe")));
    assert!(!cut_short(&said, 2, 2).contains("credentials"));
    // A request that is whole, and one behind it of which nothing is there: what follows is that one's.
    let upload = "POST / HTTP/1.1\r\nContent-Length: 999\r\n\r\n";
    let said = then(&[&[GET, upload].concat(), BASIC]);
    for cut in [0, upload.len()] {
        assert!(!cut_short(&said, 2, cut).contains("credentials"), "{cut}");
    }
}

#[test]
fn the_way_to_it_stays_in_front() {
    let said = [socks5(), then(&[BASIC])].concat();
    let (record, facts) = record(&said, true);
    assert!(record.contains(&format!("\"via\":[\"socks5\"],{}", found("http_basic", "Aladdin"))), "{record}");
    assert!(facts.contains("\"via\":[\"socks5\"],\"plaintext.credentials\""), "{facts}");
}

#[test]
fn how_long_a_login_is_waited_for_is_bounded() {
    let after = |segments: u32| {
        let requests = [GET, PAGE].repeat(segments as usize);
        record(&then(&[&requests[..], &[BASIC]].concat()), true).0.contains("credentials")
    };
    assert!(after(MAX_LATER_SEGMENTS - 1) && !after(MAX_LATER_SEGMENTS));
    let long = |bytes: usize| format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(bytes));
    let behind = |bytes| record(&then(&[&long(bytes), "\r\n", &BASIC[17..]]), true).0.contains("credentials");
    assert!(behind(1000) && !behind(MAX_DIALOGUE));
}
