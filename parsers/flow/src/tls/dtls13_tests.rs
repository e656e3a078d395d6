//! DTLS 1.3 read with keys. The datagrams are those of dimpl 0.9 at both ends (<https://github.com/algesten/dimpl>), which is tested
//! against wolfSSL; its handshake secrets were printed beside them (`k` lines, as in a key log). Both ends show a certificate.

use super::session::Keys;
use super::{DtlsFollower, Progress, Session};
use crate::Direction::{self, Forward, Reverse};
use crate::certificates::Certificates;

const SERVER: &str = "0a6848fa6806808c3fdd55bc4aa4a1453d70abe12587c34a4a1fba6ce24025a6";
const CLIENT: &str = "d59951e11a3b8b66c376ab1b6cff17f01e0917b52a7a62638b18cd71282671c9";
/// In datagrams of at most 400 bytes, so that each Certificate comes in pieces; the other two in 1200.
const AES_128_GCM: &str = include_str!("testdata/dtls13_1301.txt");
const AES_256_GCM: &str = include_str!("testdata/dtls13_1302.txt");
const CHACHA20: &str = include_str!("testdata/dtls13_1303.txt");

type Datagrams = Vec<(Direction, Vec<u8>)>;

fn datagrams(trace: &str) -> Datagrams {
    let bytes =
        |hex: &str| (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    let sent = trace.lines().filter(|line| !line.starts_with('k'));
    sent.map(|line| (if line.starts_with('>') { Forward } else { Reverse }, bytes(&line[2..]))).collect()
}

fn follow(trace: &str, datagrams: &Datagrams) -> (Session, Vec<String>, Vec<String>) {
    let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
    for line in trace.lines().filter_map(|line| line.strip_prefix("k ")) {
        certificates.keys.get_or_insert_default().line(line.as_bytes());
    }
    for (from, datagram) in datagrams {
        if follower.datagram(*from, datagram, 1, &mut certificates) == Progress::Done {
            break;
        }
    }
    let session = follower.session().clone();
    let name = |ids: &Option<Vec<_>>| ids.iter().flatten().map(|id| certificates.sha256_hex(*id).to_string()).collect();
    let shown = (name(&session.certificates), name(&session.client_certificates));
    (session, shown.0, shown.1)
}

#[test]
fn certificates_of_both_ends_and_their_proof() {
    for (trace, suite) in [(AES_128_GCM, 0x1301), (AES_256_GCM, 0x1302), (CHACHA20, 0x1303)] {
        let (session, server, client) = follow(trace, &datagrams(trace));
        assert_eq!((session.version(), session.server.unwrap().suite), (Some(0xfefc), Some(suite)));
        assert_eq!((server, client), (vec![SERVER.to_string()], vec![CLIENT.to_string()]), "{suite:x}");
        assert_eq!((session.keys, session.server_finished, session.proven), (Some(Keys::Opened), true, Some(true)));
        assert_eq!((session.established, session.client_certificate()), (Some(true), Some("accepted")));
        assert_eq!(session.more.signature_scheme, Some(0x0403));
    }
}

#[test]
fn datagrams_twice_or_out_of_order() {
    let whole = datagrams(AES_128_GCM);
    let expected = follow(AES_128_GCM, &whole);
    let twice = whole.iter().flat_map(|datagram| [datagram.clone(), datagram.clone()]).collect();
    assert_eq!(follow(AES_128_GCM, &twice), expected);
    for at in 2..whole.len() - 4 {
        if whole[at].0 == whole[at + 1].0 && at > 3 {
            let mut swapped = whole.clone();
            swapped.swap(at, at + 1);
            assert_eq!(follow(AES_128_GCM, &swapped), expected, "{at}");
        }
    }
}

#[test]
fn without_keys_or_with_wrong_ones_the_session_is_there_all_the_same() {
    let sent = datagrams(CHACHA20);
    let (bare, server, _) = follow("", &sent);
    assert_eq!((bare.established, bare.keys, server.len()), (Some(true), None, 0));
    let wrong: String = CHACHA20
        .lines()
        .map(|line| line.trim_end_matches(char::is_alphanumeric).to_string() + &"ab".repeat(32) + "\n")
        .collect();
    let (session, server, _) = follow(&wrong, &sent);
    assert_eq!((session.established, session.keys, server.len()), (Some(true), Some(Keys::Unfit), 0));
}

#[test]
fn damage_never_panics() {
    let sent = datagrams(AES_128_GCM);
    for (index, (_, datagram)) in sent.iter().enumerate() {
        for at in (0..datagram.len()).step_by(7) {
            let mut damaged = sent.clone();
            damaged[index].1[at] ^= 0x55;
            follow(AES_128_GCM, &damaged);
            damaged[index].1.truncate(at);
            follow(AES_128_GCM, &damaged);
        }
    }
}
