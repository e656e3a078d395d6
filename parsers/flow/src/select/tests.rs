use super::*;
use crate::key::Family;
use transitproof_wire::packet::{Address, Packet};

fn key(transport: u8, src: [u8; 4], src_port: u16, dst: [u8; 4], dst_port: u16) -> Key {
    let packet = Packet {
        v6: false,
        transport,
        flags: 0,
        src: Address::v4(src),
        dst: Address::v4(dst),
        src_port,
        dst_port,
        seq: 0,
        ip_length: 0,
        payload_length: 0,
        payload: &[],
        fragment: None,
    };
    Key::of(&packet, 0).0
}

fn web() -> Key {
    key(6, [10, 1, 2, 3], 40000, [192, 0, 2, 7], 443)
}

fn selection(text: &str) -> Selection {
    Selection::default().filter(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn hosts_and_ports_of_either_end() {
    for (text, holds) in [
        ("host 10.1.2.3", true),
        ("host 10.1.2.4", false),
        ("host 10.0.0.0/8", true),
        ("host 192.0.2.128/25", false),
        ("host 0.0.0.0/0", true),
        ("host ::/0", false),
        ("port 443", true),
        ("port 40000", true),
        ("port 400-442", false),
        ("port 400-443", true),
        ("transport tcp", true),
        ("transport udp", false),
        ("HOST 10.1.2.3 AND PORT 443", true),
        ("host 10.1.2.3 and port 80", false),
        ("host 10.1.2.3 and port 80 or port 443", true),
        ("host 10.9.9.9 and (port 80 or port 443)", false),
        ("not port 80", true),
        ("!port 80&&!(port 443||port 80)", false),
        ("not not port 443", true),
    ] {
        assert_eq!(selection(text).may_have(&web()), holds, "{text}");
        assert_eq!(selection(text).has(&web(), Protocol::Tls), holds, "{text}");
        assert!(!selection(text).is_late());
    }
    let esp = key(50, [10, 0, 0, 1], 0, [10, 0, 0, 2], 0);
    assert!(!selection("port 0").may_have(&esp) && selection("not port 0").may_have(&esp));
}

#[test]
fn ipv6_networks() {
    let mut six = [0; 16];
    (six[0], six[1], six[15]) = (0x20, 0x01, 9);
    for (length, bit, holds) in [(128, 15, false), (127, 15, true), (64, 15, true), (16, 1, false), (15, 1, true)] {
        let mut other = six;
        other[bit] ^= 1;
        let network = expression::Network::new(Family::V6, Address::v6(six), length);
        let same = expression::Network::new(Family::V6, Address::v6(other), length) == network;
        assert_eq!(same, holds, "/{length}");
    }
}

#[test]
fn what_depends_on_the_class_is_decided_at_the_end() {
    let late = selection("port 443 and not class plaintext");
    assert!(late.is_late() && late.may_have(&web()));
    assert!(late.has(&web(), Protocol::Tls) && !late.has(&web(), Protocol::Http));
    // Ruled out early although a class is asked for.
    assert!(!selection("port 80 and class tls").may_have(&web()));
    // The port suffices: the class need not be known.
    assert!(selection("port 443 or class tls").has(&web(), Protocol::Http));
    assert!(
        selection("protocol quic").has(&web(), Protocol::GQuic)
            && selection("protocol QUIC").has(&web(), Protocol::Quic)
    );
    assert!(selection("class unknown").has(&web(), Protocol::Unknown));
}

#[test]
fn several_filters_must_all_hold() {
    let both = selection("port 443 or port 80").filter("host 10.1.2.3").unwrap();
    assert!(both.may_have(&web()) && both.asks() && !Selection::default().asks());
    assert!(!both.filter("class ipsec").unwrap().has(&web(), Protocol::Tls));
}

#[test]
fn the_end_of_a_span_does_not_belong_to_it() {
    let span = Selection::default().span(5, 9);
    assert_eq!([4, 5, 8, 9].map(|time| span.has_time(time)), [false, true, true, false]);
}

#[test]
fn mistakes_name_the_place_and_the_nearest_word() {
    for (text, message) in [
        ("hsot 10.0.0.1", "column 1: unknown condition \"hsot\"; did you mean host?"),
        (
            "frobnicate",
            "column 1: unknown condition \"frobnicate\"; one of host, port, class, protocol, transport, not or ( was expected",
        ),
        (
            "host 10.0.0.1 adn port 443",
            "column 15: \"adn\" stands where and, or or the end was expected; did you mean and?",
        ),
        ("(port 1 ro port 2)", "column 9: \"ro\" stands where and, or or ) was expected; did you mean or?"),
        ("class plantext", "column 7: unknown class \"plantext\"; did you mean plaintext?"),
        (
            "class green",
            "column 7: unknown class \"green\"; class wants one of tls, ipsec, encrypted, plaintext, unknown",
        ),
        ("port 1 or protocol htpp", "column 20: unknown protocol \"htpp\"; did you mean http?"),
        ("transport tpc", "column 11: unknown transport \"tpc\"; did you mean tcp?"),
        (
            "host 10.0.0",
            "column 6: \"10.0.0\" is not an address or network, such as 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or 02:00:00:00:00:01",
        ),
        ("host 10.0.0.0/33", "column 6: \"10.0.0.0/33\": the length of the network is a number from 0 to 32"),
        ("port 65536", "column 6: \"65536\" is not a number or a range, such as 443 or 8000-8099, from 0 to 65535"),
        ("port 9-1", "column 6: \"9-1\" is not a number or a range, such as 443 or 8000-8099, from 0 to 65535"),
        ("port", "column 5: port wants a number or a range, such as 443 or 8000-8099"),
        (
            "host )",
            "column 6: host wants an address or network, such as 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or 02:00:00:00:00:01",
        ),
        (
            "ü",
            "column 1: unknown condition \"ü\"; one of host, port, class, protocol, transport, not or ( was expected",
        ),
        ("(port 1", "column 8: a ) is missing"),
        ("port 1)", "column 7: there is no ( for this )"),
        ("port 1 and", "column 11: a condition is missing: host, port, class, protocol, transport, not or ("),
        ("", "column 1: a condition is missing: host, port, class, protocol, transport, not or ("),
    ] {
        let error = Selection::default().filter(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    }
    let deep = format!("{}port 1{}", "(".repeat(40), ")".repeat(40));
    assert!(Selection::default().filter(&deep).is_err());
    assert!(Selection::default().filter(&format!("{}port 1", "!".repeat(10))).is_ok());
}
