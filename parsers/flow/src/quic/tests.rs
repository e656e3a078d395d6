//! Handshakes of aioquic, recorded by testdata/record.py, and the packets of the RFCs: followed whole, in every order, with
//! damage and noise.

use super::{QuicFollower, limits};
use crate::Direction::{self, Forward, Reverse};
use crate::certificates::Certificates;
use crate::tls::Progress;
use proptest::prelude::*;

type Datagrams = Vec<(Direction, Vec<u8>)>;

fn datagrams(trace: &str) -> Datagrams {
    let byte = |hex: &str, i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
    let bytes = |hex: &str| (0..hex.len()).step_by(2).map(|i| byte(hex, i)).collect();
    trace.lines().map(|line| (if line.starts_with('>') { Forward } else { Reverse }, bytes(&line[2..]))).collect()
}

macro_rules! trace {
    ($name:literal) => {
        datagrams(include_str!(concat!("testdata/", $name, ".txt")))
    };
}

/// The follower after all of them, and how many it asked for.
fn follow(datagrams: &[(Direction, Vec<u8>)]) -> (QuicFollower, usize) {
    let (mut follower, mut certificates) = (QuicFollower::new(1, true), Certificates::new(1));
    for (n, (from, bytes)) in datagrams.iter().enumerate() {
        if follower.datagram(*from, bytes, n as u64 + 1, &mut certificates) == Progress::Done {
            return (follower, n + 1);
        }
    }
    (follower, datagrams.len())
}

/// The record without its fingerprints, which have tests of their own.
fn record(follower: &QuicFollower) -> String {
    let mut out = Vec::new();
    follower.write_record(&Certificates::new(1), &mut out);
    let text = String::from_utf8(out).unwrap();
    text.split(",\"ja").next().unwrap().trim_end_matches('}').into()
}

const CHOSEN: &str = "\"tls\":{\"version\":\"TLSv1.3\",\"suite\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"secp256r1\"";

#[test]
fn client_and_server_initial_of_rfc_9001_appendix_a() {
    let (follower, _) = follow(&trace!("rfc9001"));
    assert_eq!(
        record(&follower),
        "\"quic\":{\"version\":\"0x00000001\"},\"tls\":{\"version\":\"TLSv1.3\",\"suite\":\"TLS_AES_128_GCM_SHA256\",\
         \"group\":\"x25519\",\"sni\":\"example.com\",\"alpn_offered\":[\"alpn\"],\
         \"groups_offered\":[\"x25519\",\"secp256r1\",\"secp384r1\"],\"psk_modes_offered\":[\"psk_dhe_ke\"],\"resumed\":false"
    );
    let offer = follower.session().offer.as_ref().unwrap();
    assert_eq!(offer.ja4.unwrap()[..10], *b"q13d0211an");
    assert_eq!(follower.client(), Some(Forward));
}

#[test]
fn client_and_server_initial_of_rfc_9369_appendix_a() {
    let (follower, _) = follow(&trace!("rfc9369"));
    assert!(
        record(&follower)
            .starts_with("\"quic\":{\"version\":\"0x6b3343cf\"},\"tls\":{\"version\":\"TLSv1.3\",\"suite\"")
    );
    assert_eq!(follower.session().offer.as_ref().unwrap().server_name(), Some(&b"example.com"[..]));
}

#[test]
fn established_when_both_sides_send_application_data() {
    let (follower, used) = follow(&trace!("v1"));
    assert_eq!(
        record(&follower),
        format!(
            "\"quic\":{{\"version\":\"0x00000001\"}},{CHOSEN},\"sni\":\"pay.example\",\"alpn_offered\":[\"h3\"],\
         \"groups_offered\":[\"secp256r1\",\"secp384r1\",\"x25519\",\"x448\"],\
             \"resumed\":false,\"established\":true"
        )
    );
    assert!(used < 12, "{used}");
    assert!(follower.attempts.is_empty() && follower.buffer.capacity() == 0);
    let (follower, _) = follow(&trace!("v1")[..3]);
    assert_eq!((follower.session().server.is_some(), follower.session().established), (true, None));
}

#[test]
fn a_client_hello_over_several_datagrams() {
    let (follower, _) = follow(&trace!("long_hello"));
    assert_eq!(follower.session().offer.as_ref().unwrap().protocols().count(), 81);
    assert_eq!(follower.session().established, Some(true));
}

#[test]
fn a_retry_makes_new_keys() {
    let all = trace!("retry");
    let (follower, _) = follow(&all);
    assert_eq!(follower.session().established, Some(true));
    // Nothing of the first attempt is needed.
    let (follower, _) = follow(&all[2..]);
    assert_eq!((follower.session().established, follower.client()), (Some(true), Some(Forward)));
}

#[test]
fn the_version_is_that_of_the_server() {
    for (trace, tried, agreed) in
        [(trace!("compatible_v2"), 1, 0x6b33_43cf), (trace!("version_negotiation"), 0x6b33_43cf, 1)]
    {
        assert_eq!(follow(&trace[..1]).0.version(), tried);
        let (follower, _) = follow(&trace);
        assert_eq!((follower.version(), follower.session().established), (agreed, Some(true)));
    }
}

#[test]
fn a_refusal_is_an_alert() {
    let (follower, _) = follow(&trace!("refused"));
    assert_eq!(follower.session().established, Some(false));
    assert_eq!(follower.session().fatal_alert().map(|alert| alert.description), Some(120));
}

#[test]
fn the_client_may_be_the_responder_of_the_flow() {
    let turned: Datagrams = trace!("v1").into_iter().map(|(from, bytes)| (from.other(), bytes)).collect();
    let mut server_first = turned.clone();
    server_first.swap(0, 1);
    for datagrams in [turned, server_first] {
        let (follower, _) = follow(&datagrams);
        assert_eq!((follower.client(), follower.session().established), (Some(Reverse), Some(true)));
    }
}

#[test]
fn following_ends() {
    let first = trace!("v1").remove(0);
    let (follower, used) = follow(&vec![first; 100]);
    assert_eq!((used, follower.session().offer.is_some()), (usize::from(limits::MAX_DATAGRAMS), true));
}

#[test]
fn what_cannot_be_opened_is_kept_within_bounds() {
    let server = trace!("v1").remove(1);
    let (follower, _) = follow(&vec![server; 30]);
    assert_eq!(follower.waiting.len(), limits::MAX_WAITING);
    assert!(follower.attempts.is_empty() && follower.session().limited > 0);
    assert_eq!(record(&follower), "\"quic\":{\"version\":\"0x00000001\"},\"tls\":{\"version\":\"TLSv1.3\"");
}

/// An Initial that nobody can open: to this id, of so many bytes by its own length, of which so many came.
fn sealed(id: u8, length: u16, here: usize) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    [&[0xc3, 0, 0, 0, 1, 8][..], &[id; 8], &[4, 1, 2, 3, 4, 0, high | 0x40, low], &vec![0x5a; here]].concat()
}

#[test]
fn attempts_and_what_waits_for_one_are_bounded() {
    let opened = [trace!("v1"), trace!("version_negotiation"), trace!("rfc9001"), trace!("rfc9369"), trace!("retry")];
    let first: Datagrams = opened.iter().map(|trace| trace[0].clone()).collect();
    assert_eq!(follow(&first).0.attempts.len(), limits::MAX_ATTEMPTS);
    let cut: Datagrams = (1..=4).map(|id| (Forward, sealed(id, 1200, 100))).collect();
    assert_eq!(follow(&cut).0.attempts.len(), limits::MAX_SUPPOSED);
    let large: Datagrams = (1..=4).map(|id| (Forward, sealed(id, 9000, 9000))).collect();
    assert_eq!(follow(&large).0.waiting.len(), 1, "one is within their bytes, two are not");
}

#[test]
fn a_datagram_is_read_to_its_last_packet_but_for_too_many() {
    let hello = trace!("v1")[0].1.clone();
    let offered = |packets: usize| {
        let datagram = [sealed(9, 30, 30).repeat(packets), hello.clone()].concat();
        follow(&[(Forward, datagram)]).0.session().offer.is_some()
    };
    assert!(offered(limits::MAX_COALESCED - 1) && !offered(limits::MAX_COALESCED));
}

#[test]
fn an_initial_that_does_not_open_is_no_claim() {
    let whole = |datagrams: &[(Direction, Vec<u8>)]| follow(datagrams).0.is_doubted();
    let v1 = trace!("v1");
    assert!(!whole(&v1[..1]));
    let mut damaged = v1.clone();
    damaged[0].1[300] ^= 1;
    assert_eq!(record(&follow(&damaged[..1]).0), "");
    assert!(whole(&damaged[..1]) && whole(&[damaged[0].clone(), damaged[0].clone()]));
    // The same datagram sent back is no answer to the id in it.
    assert!(whole(&[damaged[0].clone(), (Reverse, damaged[0].1.clone())]));
    // An answer to its id is; so is the hello sent again.
    assert!(!whole(&damaged[..2]) && !whole(&[damaged[0].clone(), v1[0].clone()]));
    // A length beyond the datagram, which only a capture that cuts explains.
    let mut short = v1[0].clone();
    short.1.truncate(200);
    let cut = |whole| {
        let mut follower = QuicFollower::new(1, whole);
        follower.datagram(Forward, &short.1, 1, &mut Certificates::new(1));
        follower.is_doubted()
    };
    assert!(cut(true) && !cut(false));
    // Facebook's numbers stand for several drafts, and perhaps for keys that nobody knows.
    damaged[0].1[1..5].copy_from_slice(&[0xfa, 0xce, 0xb0, 1]);
    assert!(!whole(&damaged[..1]));
}

#[test]
fn a_server_heard_alone_goes_on_to_handshake_packets() {
    let doubted = |datagrams: &[(Direction, Vec<u8>)]| follow(datagrams).0.is_doubted();
    let server: Datagrams = trace!("v1").into_iter().filter(|(from, _)| *from == Reverse).collect();
    let initial = b"\xc0\0\0\0\x01\x01C\x01S\0\x14aaaaaaaaaaaaaaaaaaaa";
    let handshake = |id: &[u8]| [b"\xe0\0\0\0\x01\x01C\x01", id, b"\x14bbbbbbbbbbbbbbbbbbbb"].concat();
    assert!(!doubted(&server));
    assert!(doubted(&[(Forward, initial.to_vec())]));
    assert!(!doubted(&[(Forward, initial.to_vec()), (Forward, handshake(b"S"))]));
    assert!(doubted(&[(Forward, initial.to_vec()), (Forward, handshake(b"T"))]));
}

#[test]
fn a_client_hello_cut_by_the_capture_leaves_the_server_hello() {
    let mut all = trace!("v1");
    all[0].1.truncate(200);
    let (follower, _) = follow(&all);
    assert!(follower.session().offer.is_none() && follower.session().server.is_some());
    assert_eq!(follower.client(), Some(Forward));
}

#[test]
fn version_negotiation_alone_says_no_version() {
    let mut out = Vec::new();
    QuicFollower::new(0, true).write_record(&Certificates::new(1), &mut out);
    assert_eq!(out, b"");
}

/// What both hellos tell; `frame` differs with the order.
fn facts(follower: &QuicFollower) -> (String, Option<[u8; 36]>) {
    let mut out = Vec::new();
    follower.write_facts(&Certificates::new(1), crate::record::Detail::All, &mut out);
    (String::from_utf8(out).unwrap(), follower.session().offer.as_ref().and_then(|offer| offer.ja4))
}

proptest! {
    #[test]
    fn any_order_gives_the_same_session(
        order in Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..4usize, 0..4),
    ) {
        let all = trace!("long_hello");
        let shuffled: Datagrams = again.iter().chain(&order).map(|at| all[*at].clone()).collect();
        prop_assert_eq!(facts(&follow(&shuffled).0), facts(&follow(&all[..4]).0));
    }

    #[test]
    fn a_damaged_initial_is_not_believed(at in 0usize..1200, bit in 0u8..8) {
        let mut all = trace!("rfc9001");
        all.truncate(1);
        all[0].1[at] ^= 1 << bit;
        prop_assert!(follow(&all).0.session().offer.is_none());
    }

    #[test]
    fn noise_is_survived(
        noise in prop::collection::vec((any::<bool>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 0..20),
        cut in 0usize..1300,
    ) {
        let mut all: Datagrams = noise.into_iter().map(|(forward, first, rest)| {
            let header = [&[first | 0xc0, 0, 0, 0, 1, 4][..], &rest].concat();
            (if forward { Forward } else { Reverse }, header)
        }).collect();
        for (from, mut bytes) in trace!("v1") {
            bytes.truncate(cut);
            all.push((from, bytes));
        }
        follow(&all);
    }
}
