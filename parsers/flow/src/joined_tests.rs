//! Connections that were there before the capture, and connections of which it saw one side.

use crate::Direction::{Forward, Reverse};
use crate::opening_tests::{Said, captured, handshake, record, says};

fn is(record: &str, class: &str, protocol: &str) -> bool {
    record.contains(&format!("\"class\":\"{class}\",\"protocol\":\"{protocol}\""))
}

fn mysql() -> Vec<Said> {
    let query = says(Forward, b"\x17\0\0\0\x03SELECT id, name FROM t");
    let ok = says(Reverse, b"\x07\0\0\x01\0\0\0\x02\0\0\0");
    vec![query.clone(), ok.clone(), query, ok]
}

#[test]
fn a_database_joined_behind_its_login() {
    let (both, facts) = captured(1080, &mysql(), &[], false);
    assert!(is(&both, "plaintext", "mysql") && facts.contains("\"class\":\"plaintext\""), "{both}");
    assert!(both.contains("\"dst_port\":1080"), "{both}");
    // Joined at an answer: who asks is the client.
    let (turned, _) = captured(1080, &mysql(), &[0], false);
    assert!(is(&turned, "plaintext", "mysql") && turned.contains("\"dst_port\":1080"), "{turned}");
}

/// The answer that was under way fills the first segments, and is told by nothing.
#[test]
fn behind_the_end_of_an_answer() {
    let rest: Vec<u8> = (0..700u32).map(|n| ((n * n * 31) >> 3) as u8).collect();
    let said = [vec![says(Reverse, &rest), says(Reverse, &rest)], mysql()].concat();
    let (found, _) = captured(1080, &said, &[], false);
    assert!(is(&found, "plaintext", "mysql"), "{found}");
}

#[test]
fn a_server_alone_from_its_first_word_on() {
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0\x40\0\0\0\0\x04\x01\0\0\0\0\0\0\x04\x08\0\0\0\0\0\0\0\x0c\0";
    let (alone, _) = record(&[says(Reverse, settings)], true);
    assert!(is(&alone, "plaintext", "http") && alone.contains("\"dst_port\":1080"), "{alone}");
}

/// What is told late may still agree on TLS and show a login.
#[test]
fn goes_on_as_a_dialogue() {
    let said = [
        says(Reverse, "a8 OK FETCH done\r\n"),
        says(Forward, "a9 NOOP\r\n"),
        says(Reverse, "* 23 EXISTS\r\na9 OK NOOP done\r\n"),
        says(Forward, "b1 LOGIN joe sesame\r\n"),
    ];
    let (found, facts) = captured(143, &said, &[], false);
    assert!(is(&found, "plaintext", "imap") && found.contains("imap_login"), "{found} {facts}");
}

/// A name that is found late is no last word: TLS may be agreed on behind it.
#[test]
fn starttls_behind_a_beginning_that_was_missed() {
    let mail =
        ["250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", "STARTTLS\r\n", "220 2.0.0 Ready to start TLS\r\n"];
    let imap = ["a1 OK CAPABILITY completed\r\n", "a2 STARTTLS\r\n", "a2 OK Begin TLS negotiation now\r\n"];
    let pop3 = ["+OK Capability list follows\r\nUSER\r\nSTLS\r\n.\r\n", "STLS\r\n", "+OK Begin TLS negotiation\r\n"];
    let ftp = ["211-Features:\r\n AUTH TLS\r\n211 End\r\n", "AUTH TLS\r\n", "234 Proceed with negotiation.\r\n"];
    let nntp = ["211 3 1 3 misc.test\r\n", "STARTTLS\r\n", "382 Continue\r\n"];
    let xmpp = [
        "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ];
    let cases = [
        (25, "smtp", mail),
        (143, "imap", imap),
        (110, "pop3", pop3),
        (21, "ftp", ftp),
        (119, "nntp", nntp),
        (5222, "xmpp", xmpp),
    ];
    for (port, protocol, [capabilities, asked, agreed]) in cases {
        let said = [says(Reverse, capabilities), says(Forward, asked), says(Reverse, agreed)];
        // Joined at each of the three.
        for skipped in 0..said.len() {
            let said = [&said[skipped..], &handshake()].concat();
            let (found, _) = captured(port, &said, &[], false);
            let told = skipped == 2 || found.contains(&format!("\"starttls\":\"{protocol}\""));
            assert!(is(&found, "tls", "tls") && told && found.contains("TLSv1.2"), "{skipped}: {found}");
        }
    }
}

#[test]
fn what_nothing_tells_stays_unknown() {
    let mut state = 7u32;
    let mut fair = |n: usize| -> Vec<u8> {
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    };
    for with_syn in [true, false] {
        let said: Vec<Said> =
            (0..80).map(|n| says(if n % 3 == 0 { Forward } else { Reverse }, fair(1 + 17 * n))).collect();
        let (found, _) = captured(5432, &said, &[], with_syn);
        assert!(found.contains("\"class\":\"unknown\""), "{found}");
    }
}
