//! Connections of which one direction, or a segment of the clear part, was not captured.

use crate::Direction::{self, Forward, Reverse};
use crate::limits::MAX_DIALOGUE;
use crate::opening_tests::{Said, captured, captured_to, connect, handshake, record, says, socks5};

fn smtp() -> Vec<Said> {
    vec![
        says(Reverse, "220 mx ESMTP\r\n"),
        says(Forward, "EHLO a\r\n"),
        says(Reverse, "250 STARTTLS\r\n"),
        says(Forward, "STARTTLS\r\n"),
        says(Reverse, "220 go ahead\r\n"),
    ]
}

fn only(from: Direction, said: Vec<Said>) -> Vec<Said> {
    said.into_iter().filter(|(spoke, _)| *spoke == from).collect()
}

#[test]
fn starttls_in_one_direction() {
    let said = [smtp(), handshake()].concat();
    for from in [Forward, Reverse] {
        let (record, facts) = record(&only(from, said.clone()), true);
        assert!(record.contains("\"class\":\"tls\"") && record.contains("\"starttls\":\"smtp\""), "{record}");
        assert!(!facts.contains("tls.starttls"), "{facts}");
    }
    let (record, _) = record(&only(Reverse, said), true);
    assert!(record.contains("\"version\":\"TLSv1.2\",\"suite\""), "the server's hello is read: {record}");
}

#[test]
fn proxies_in_one_direction() {
    for (clear, via) in [(connect(), "http_connect"), (socks5(), "socks5")] {
        for from in [Forward, Reverse] {
            let (record, _) = record(&only(from, [clear.clone(), handshake()].concat()), true);
            assert!(record.contains("\"class\":\"tls\"") && record.contains(via), "{record}");
        }
    }
}

/// The answers are counted: with one missing they are others.
#[test]
fn starttls_with_a_segment_lost() {
    let said = [smtp(), handshake()].concat();
    for lost in 0..smtp().len() {
        for with_syn in [true, false] {
            let (record, _) = captured(25, &said, &[lost], with_syn);
            assert!(
                record.contains("\"class\":\"tls\"") && record.contains("\"starttls\":\"smtp\""),
                "{lost}: {record}"
            );
        }
    }
}

/// As a short snap length leaves it: of every segment, only what it begins with.
#[test]
fn starttls_with_every_long_segment_cut() {
    const KEPT: usize = 42;
    let (mut said, mut lost) = (Vec::new(), Vec::new());
    for (from, bytes) in [smtp(), handshake()].concat() {
        let (kept, cut) = bytes.split_at(bytes.len().min(KEPT));
        said.push((from, kept.to_vec()));
        if !cut.is_empty() {
            lost.push(said.len());
            said.push((from, cut.to_vec()));
        }
    }
    let (record, _) = captured(25, &said, &lost, true);
    assert!(record.contains("\"class\":\"tls\"") && record.contains("\"starttls\":\"smtp\""), "{record}");
}

/// A request that nobody is seen to answer is no refusal, and a hello that is answered in the clear is no TLS.
#[test]
fn nothing_is_made_up_of_one_side() {
    let asked = [says(Forward, "EHLO a\r\nSTARTTLS\r\n")];
    let (asked_only, facts) = record(&asked, true);
    assert!(asked_only.contains("\"class\":\"plaintext\"") && !facts.contains("refused"), "{asked_only} {facts}");
    let refused = [smtp()[..4].to_vec(), vec![says(Reverse, "454 no\r\n")], only(Forward, handshake())].concat();
    let (refused, facts) = record(&refused, true);
    assert!(refused.contains("\"class\":\"plaintext\"") && facts.contains("refused"), "{refused} {facts}");
}

#[test]
fn a_grant_that_comes_late() {
    let mut said = [connect(), handshake()].concat();
    said.swap(1, 2); // the client's hello before the proxy's answer
    for said in [said.clone(), [&said[2..3], &said[..2], &said[3..]].concat()] {
        let (record, _) = record(&said, true);
        assert!(record.contains("\"class\":\"tls\""), "{record}");
    }
}

/// Both sides of SSH greet alike: joined at the server's greeting, port 22 tells who it is.
#[test]
fn joined_where_the_server_speaks_first() {
    let greet = |from| says(from, "SSH-2.0-OpenSSH_9.6\r\n");
    let (joined, _) = captured(22, &[greet(Reverse), greet(Forward)], &[], false);
    assert!(joined.contains("\"src_port\":40000") && joined.contains("\"dst_port\":22,"), "{joined}");
    let (unregistered, _) = captured(1080, &[greet(Reverse), greet(Forward)], &[], false);
    assert!(unregistered.contains("\"src_port\":1080"), "{unregistered}");
}

/// Encrypted by GSSAPI (PostgreSQL 55.2.11), and the same refused.
#[test]
fn postgresql_under_gssapi() {
    let asked = || says(Forward, b"\0\0\0\x08\x04\xd2\x16\x30");
    let (sealed, _) = record(&[asked(), says(Reverse, "G"), says(Forward, b"\0\0\0\x06\x60token")], true);
    assert!(sealed.contains("\"class\":\"encrypted\",\"protocol\":\"postgresql\""), "{sealed}");
    let (agreed, _) = record(&[asked(), says(Reverse, "G")], true);
    assert!(agreed.contains("\"class\":\"plaintext\",\"protocol\":\"postgresql\""), "{agreed}");
    let startup = says(Forward, b"\0\0\0\x12\0\x03\0\0user\0joe\0\0");
    let (clear, _) = record(&[asked(), says(Reverse, "N"), startup], true);
    assert!(clear.contains("\"class\":\"plaintext\",\"protocol\":\"postgresql\""), "{clear}");
}

/// The answer was captured before the end of the question: the login is read all the same.
#[test]
fn a_message_that_is_not_whole_yet() {
    let start = b"\xc1\x01\x01\x01\0\0\0\x01\0\0\0\x15\x01\0\x02\x01\x03\x04\0\x06joetty0sesame";
    let reply = says(Reverse, b"\xc1\x01\x02\x01\0\0\0\x01\0\0\0\x06\x01\0\0\0\0\0");
    let said = [says(Forward, &start[..20]), reply, says(Forward, &start[20..])];
    let (record, _) = captured(49, &said, &[], true);
    assert!(record.contains("{\"kind\":\"tacacs_pap\",\"account\":\"joe\"}"), "{record}");
}

/// With the greeting lost, the answer to the second request looks like one to the first: no TLS follows that one.
#[test]
fn asked_twice_with_the_greeting_lost() {
    let again =
        vec![says(Reverse, "454 not yet\r\n"), says(Forward, "STARTTLS\r\n"), says(Reverse, "220 go ahead\r\n")];
    let said = [smtp()[..4].to_vec(), again, handshake()].concat();
    let (record, _) = captured(25, &said, &[0], true);
    assert!(record.contains("\"class\":\"tls\"") && record.contains("\"sni\":\"pay.example\""), "{record}");
}

/// The end of a flight that did not fit was not seen: a reset behind it is no refusal of the handshake.
#[test]
fn a_flight_longer_than_what_is_kept_of_a_dialogue() {
    let server = only(Reverse, handshake());
    let (_, hello) = &server[0];
    let hello = &hello[..5 + usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
    let certificate = [&b"\x16\x03\x03\x3f\xff\x0b\0\x3f\xfb"[..], &[0; MAX_DIALOGUE]].concat();
    for reset in [false, true] {
        let flight = says(Reverse, [hello, &certificate].concat());
        let said = [only(Reverse, smtp()), vec![flight]].concat();
        let (record, _) = captured_to(reset, 25, &said, &[], true);
        assert!(record.contains("\"starttls\":\"smtp\"") && record.contains("\"suite\""), "{record}");
        assert!(!record.contains("\"established\""), "{record}");
    }
}

/// A hello behind the request tells TLS, whatever words it holds.
#[test]
fn what_a_hello_holds_is_no_login() {
    let asked = says(Forward, "EHLO a\r\nSTARTTLS\r\n");
    let (_, hello) = only(Forward, handshake()).remove(0);
    let later = says(Forward, "\r\nAUTH PLAIN AGpvZQBzZXNhbWU=\r\n");
    let (record, facts) = record(&[asked, says(Forward, hello), later], true);
    assert!(record.contains("\"class\":\"tls\"") && !record.contains("credentials"), "{record}");
    assert!(!facts.contains("credentials"), "{facts}");
}

/// With a request lost, the answer to it is taken for the grant: what the server says next is no TLS, so that was none.
#[test]
fn the_answer_to_a_lost_request_is_no_grant() {
    let clear = vec![
        says(Reverse, "+OK ready\r\n"),
        says(Forward, "NOOP\r\n"),
        says(Reverse, "+OK\r\n"),
        says(Forward, "STLS\r\n"),
        says(Reverse, "+OK begin\r\n"),
    ];
    let (record, _) = captured(110, &[clear, handshake()].concat(), &[1], false);
    assert!(record.contains("\"starttls\":\"pop3\"") && record.contains("\"suite\""), "{record}");
}
