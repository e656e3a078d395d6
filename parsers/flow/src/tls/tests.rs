//! Handshakes of OpenSSL 3.0, recorded by testdata/record.py, followed whole, in every split, with losses and noise.

use super::{DtlsFollower, Progress, Session, TlsStream};
use crate::Direction::{self, Forward, Reverse};
use crate::certificates::Certificates;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

type Segments = Vec<(Direction, Vec<u8>)>;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn segments(trace: &str) -> Segments {
    let line = |line: &str| (if line.starts_with('>') { Forward } else { Reverse }, bytes(&line[2..]));
    trace.lines().map(line).collect()
}

macro_rules! trace {
    ($name:literal) => {
        segments(include_str!(concat!("testdata/", $name, ".txt")))
    };
}

fn certificate_sha256() -> String {
    let der = bytes(include_str!("testdata/certificate.txt").trim());
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What OpenSSL 3.0 offers by itself.
const GROUPS: &str = "[\"x25519\",\"secp256r1\",\"x448\",\"secp521r1\",\"secp384r1\"]";

/// The session as it stands in the record, fingerprints left out, and the facts of the observation.
struct Followed {
    session: Session,
    record: String,
    facts: String,
}

fn written(session: &Session, certificates: &Certificates) -> Followed {
    let (mut record, mut facts) = (b"{".to_vec(), b"{".to_vec());
    let mut bare = session.clone();
    if let Some(offer) = &mut bare.offer {
        (offer.ja3, offer.ja4) = (None, None);
    }
    if let Some(server) = &mut bare.server {
        server.ja3s = None;
    }
    bare.write_record(certificates, &mut record);
    session.write_facts(certificates, crate::record::Detail::All, &mut facts);
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap().replace(&certificate_sha256(), "CERT").replace(GROUPS, "[OPENSSL]")
    };
    Followed { session: session.clone(), record: text(record)[1..].into(), facts: text(facts)[1..].into() }
}

fn follow(segments: &Segments) -> Followed {
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    for (from, bytes) in segments {
        if stream.data(*from, bytes, 1, &mut certificates) == Progress::Done {
            break;
        }
    }
    stream.closed(true);
    written(stream.session(), &certificates)
}

#[test]
fn tls12_full() {
    let followed = follow(&trace!("tls12_ecdhe"));
    assert_eq!(
        followed.record,
        "\"tls\":{\"version\":\"TLSv1.2\",\"suite\":\"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\",\"group\":\"x25519\",\
         \"sni\":\"pay.example\",\"alpn\":\"h2\",\"alpn_offered\":[\"h2\",\"http/1.1\"],\
         \"groups_offered\":[OPENSSL],\"resumed\":false,\
         \"established\":true,\"signature_scheme\":\"rsa_pss_rsae_sha256\",\"certificates\":[\"CERT\"]}"
    );
    assert_eq!(
        followed.facts,
        "\"tls.version\":\"TLSv1.2\",\"tls.suite\":\"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\",\"tls.group\":\"x25519\",\
         \"tls.sni\":\"pay.example\",\"tls.groups_offered\":[OPENSSL],\"tls.alpn\":\"h2\",\"tls.resumed\":false,\"tls.extended_master_secret\":true,\
         \"tls.renegotiation_info\":true,\"tls.encrypt_then_mac\":false,\"tls.hello_retry_request\":false,\
         \"tls.certificates\":[\"CERT\"],\"tls.version_offered\":\"TLSv1.2\",\
         \"tls.signature_scheme\":\"rsa_pss_rsae_sha256\""
    );
}

#[test]
fn tls12_abbreviated() {
    assert_eq!(
        follow(&trace!("tls12_resumed")).record,
        "\"tls\":{\"version\":\"TLSv1.2\",\"suite\":\"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\",\
         \"groups_offered\":[OPENSSL],\"resumed\":true,\"resumed_by\":\"ticket\",\
         \"established\":true}"
    );
}

#[test]
fn both_sides_show_certificates() {
    let followed = follow(&trace!("tls12_mutual"));
    assert_eq!(followed.session.client_certificate(), Some("accepted"));
    let record = followed.record;
    assert!(record.ends_with("\"certificates\":[\"CERT\"],\"client_certificates\":[\"CERT\"]}"), "{record}");
}

/// What became of a request, for each way in which the handshake can have gone on from there.
#[test]
fn a_request_for_the_clients_certificate() {
    let accepted = follow(&trace!("tls12_mutual")).session;
    let mut session = Session { established: None, ..accepted.clone() };
    assert_eq!(session.client_certificate(), Some("presented"));
    session.client_certificates = Some(Vec::new());
    assert_eq!(session.client_certificate(), Some("absent"));
    session.client_certificates = None;
    assert_eq!(session.client_certificate(), Some("requested"));
    assert_eq!(follow(&trace!("tls12_ecdhe")).session.client_certificate(), None);
    // The server answers the client's flight with a fatal bad_certificate.
    let mut refused = trace!("tls12_mutual");
    let client_flight = refused.iter().position(|(from, bytes)| {
        *from == Forward && bytes.windows(6).any(|window| window == b"\x14\x03\x03\0\x01\x01")
    });
    let answer = client_flight.unwrap() + 1;
    refused.truncate(answer);
    refused.push((Reverse, b"\x15\x03\x03\0\x02\x02\x2a".to_vec()));
    let followed = follow(&refused);
    assert_eq!(followed.session.client_certificate(), Some("refused"), "{}", followed.record);
}

#[test]
fn dhe_groups_by_name_or_by_size() {
    let named = follow(&trace!("tls12_ffdhe")).session;
    assert_eq!((named.group, named.dh_bits), (Some(0x0100), None));
    let weak = follow(&trace!("tls10_dhe2048")).session;
    assert_eq!((weak.version(), weak.group, weak.dh_bits), (Some(0x0301), None, Some(2048)));
    assert_eq!(weak.established, Some(true));
}

#[test]
fn a_fatal_alert_ends_the_handshake() {
    let followed = follow(&trace!("tls12_refused"));
    assert_eq!(
        followed.record,
        "\"tls\":{\"groups_offered\":[OPENSSL],\"established\":false,\"alert\":\"handshake_failure\",\
         \"alert_from\":\"server\",\"alert_after\":\"client_hello\",\"version_offered\":\"TLSv1.2\"}"
    );
    assert_eq!(
        followed.facts,
        "\"tls.sni_offered\":false,\"tls.groups_offered\":[OPENSSL],\"tls.alert\":\"handshake_failure\",\"tls.version_offered\":\"TLSv1.2\",\
         \"tls.alert_from\":\"server\",\"tls.alert_after\":\"client_hello\""
    );
    assert_eq!(followed.session.alert.map(|(_, from)| from), Some(Reverse));
    let rejected = follow(&trace!("tls13_rejected"));
    assert_eq!(rejected.session.established, Some(false));
    assert!(rejected.facts.contains("\"tls.alert\":\"bad_certificate\""), "{}", rejected.facts);
}

#[test]
fn tls13_with_a_retry() {
    assert_eq!(
        follow(&trace!("tls13_retry")).record,
        "\"tls\":{\"version\":\"TLSv1.3\",\"suite\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"secp384r1\",\
         \"sni\":\"retry.example\",\"groups_offered\":[\"x25519\",\"secp384r1\"],\
         \"psk_modes_offered\":[\"psk_dhe_ke\"],\"hello_retry_request\":true,\"resumed\":false,\"established\":true,\
         \"server_flight\":1120}"
    );
}

#[test]
fn tls13_resumed_by_psk() {
    let session = follow(&trace!("tls13_resumed")).session;
    assert_eq!((session.resumed, session.established), (Some(true), Some(true)));
    assert_eq!(session.certificates, None);
}

#[test]
fn a_connection_cut_short() {
    let mut trace = trace!("tls12_ecdhe");
    trace.truncate(2);
    assert_eq!(follow(&trace).session.established, Some(false));
    // Only the client is captured, and it went on: nobody can say.
    let mut client = trace!("tls12_ecdhe");
    client.retain(|(from, _)| *from == Forward);
    assert_eq!(follow(&client).session.established, None);
}

#[test]
fn every_split_gives_the_same_session() {
    for trace in [trace!("tls12_ecdhe"), trace!("tls12_refused"), trace!("tls13_retry"), trace!("tls13_rejected")] {
        let whole = follow(&trace).session;
        for (index, (from, segment)) in trace.iter().enumerate() {
            for at in 1..segment.len() {
                let mut split = trace.clone();
                let (head, tail) = segment.split_at(at);
                split.splice(index..=index, [(*from, head.to_vec()), (*from, tail.to_vec())]);
                assert_eq!(follow(&split).session, whole, "segment {index} at {at}");
            }
        }
        let bytewise =
            trace.iter().flat_map(|(from, segment)| segment.iter().map(|byte| (*from, vec![*byte]))).collect();
        assert_eq!(follow(&bytewise).session, whole);
    }
}

#[test]
fn several_records_to_one_message() {
    // The client's hello in records of 10 bytes each, RFC 8446 section 5.1.
    let mut trace = trace!("tls12_ecdhe");
    let whole = follow(&trace).session;
    let records = trace[0].1[5..].chunks(10).flat_map(|piece| [&[22, 3, 1, 0, piece.len() as u8], piece].concat());
    trace[0].1 = records.collect();
    assert_eq!(follow(&trace).session, whole);
}

#[test]
fn after_a_loss_the_rest_is_followed() {
    let trace = trace!("tls12_ecdhe");
    let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
    for (index, (from, bytes)) in trace.iter().enumerate() {
        if index == 1 {
            // The server's first flight: only its front and its last record arrive.
            stream.data(*from, &bytes[..120], 1, &mut certificates);
            stream.gap(*from);
            stream.data(*from, &bytes[bytes.len() - 9..], 1, &mut certificates);
        } else {
            stream.data(*from, bytes, 1, &mut certificates);
        }
    }
    let session = stream.session();
    assert_eq!((session.version(), session.resumed, session.established), (Some(0x0303), Some(false), Some(true)));
    assert_eq!(session.certificates, None);
}

#[test]
fn joined_in_the_middle_or_not_tls_at_all() {
    let mut certificates = Certificates::new(1);
    let mut middle = TlsStream::new();
    assert_eq!(middle.data(Forward, b"\x17\x03\x03\0\x04abcd", 1, &mut certificates), Progress::Done);
    let mut out = Vec::new();
    middle.session().write_record(&certificates, &mut out);
    assert!(out.is_empty());
    assert_eq!(TlsStream::new().data(Forward, b"GET / HTTP/1.1\r\n", 1, &mut certificates), Progress::Alien);
    // A server that answers a hello with plaintext: the client's side stays.
    let mut stream = TlsStream::new();
    stream.data(Forward, &trace!("tls12_ecdhe")[0].1, 1, &mut certificates);
    assert_eq!(stream.data(Reverse, b"HTTP/1.1 400 Bad Request\r\n", 1, &mut certificates), Progress::More);
    assert!(stream.session().offer.is_some());
}

#[test]
fn a_message_over_the_limit_is_left_out_and_counted() {
    let mut stream = TlsStream::new();
    let mut certificates = Certificates::new(1);
    let mut records = b"\x16\x03\x03\x40\0\x0b\x02\0\0".to_vec();
    records.resize(5 + 0x4000, 0);
    for _ in 0..8 {
        records.extend(b"\x16\x03\x03\x40\0");
        records.resize(records.len() + 0x4000, 0);
    }
    stream.data(Reverse, &records, 1, &mut certificates);
    assert_eq!((stream.session().limited, stream.session().certificates.is_some()), (1, false));
}

#[test]
fn sslv2_hello_to_a_tls_server() {
    let mut trace = trace!("tls10_dhe2048");
    trace[0].1 = b"\x80\x22\x01\x03\x01\0\x09\0\0\0\x10\0\0\x39\0\0\x33\x07\0\xc0ZZZZZZZZZZZZZZZZ".to_vec();
    let session = follow(&trace).session;
    let offer = session.offer.as_ref().unwrap();
    assert_eq!((offer.legacy_version, offer.ja3, offer.suites().collect::<Vec<_>>()), (0x0301, None, vec![0x39, 0x33]));
    assert_eq!((session.version(), session.dh_bits, session.established), (Some(0x0301), Some(2048), Some(true)));
}

fn follow_dtls(segments: &Segments) -> Followed {
    let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
    for (from, datagram) in segments {
        if follower.datagram(*from, datagram, 1, &mut certificates) == Progress::Done {
            break;
        }
    }
    written(follower.session(), &certificates)
}

#[test]
fn dtls_in_fragments_behind_a_cookie() {
    let trace = trace!("dtls12");
    let expected = follow_dtls(&trace);
    assert_eq!(
        expected.record,
        "\"tls\":{\"version\":\"DTLSv1.2\",\"suite\":\"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\",\"group\":\"x25519\",\
         \"sni\":\"pay.example\",\"groups_offered\":[OPENSSL],\"resumed\":false,\"established\":true,\
         \"signature_scheme\":\"rsa_pss_rsae_sha256\",\"certificates\":[\"CERT\"]}"
    );
    // Each datagram twice, then neighbours of one flight swapped: UDP does both.
    let twice = trace.iter().flat_map(|segment| [segment.clone(), segment.clone()]).collect();
    assert_eq!(follow_dtls(&twice).session, expected.session);
    let mut swapped = trace.clone();
    swapped.swap(4, 6);
    assert_eq!(follow_dtls(&swapped).session, expected.session);
    // Every flight from its end: what overtakes a hello waits for it.
    let flights = trace.chunk_by(|one, next| one.0 == next.0);
    let reversed = flights.flat_map(|flight| flight.iter().rev().cloned()).collect();
    assert_eq!(follow_dtls(&reversed).session, expected.session);
}

#[test]
fn dtls_that_makes_keys_for_media() {
    let followed = follow_dtls(&trace!("dtls12_srtp"));
    assert!(followed.record.contains("\"srtp_profile\":\"SRTP_AES128_CM_HMAC_SHA1_80\""), "{}", followed.record);
    assert!(followed.facts.contains("\"tls.srtp_profile\":\"SRTP_AES128_CM_HMAC_SHA1_80\""), "{}", followed.facts);
}

#[test]
fn dtls10_resists_nothing_but_is_read() {
    let session = follow_dtls(&trace!("dtls10_cookie")).session;
    assert_eq!((session.version(), session.established), (Some(0xfeff), Some(true)));
}

#[test]
fn a_dtls_fragment_may_not_outgrow_its_message() {
    let (mut follower, mut certificates) = (DtlsFollower::new(), Certificates::new(1));
    let mut fragment = |length: [u8; 3], offset: [u8; 3]| {
        let header = [&[11][..], &length, &[0, 0], &offset, &[0, 0, 1], b"x"].concat();
        let record = [&b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x0d"[..], &header].concat();
        follower.datagram(Reverse, &record, 1, &mut certificates);
        follower.session().limited
    };
    assert_eq!(fragment([0, 1, 0], [0, 0, 0]), 0);
    assert_eq!(fragment([0xff, 0xff, 0xff], [0xff, 0xff, 0xf0]), 1);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut certificates = Certificates::new(1);
        let (mut stream, mut follower) = (TlsStream::new(), DtlsFollower::new());
        for (forward, bytes) in pieces {
            let from = if forward { Forward } else { Reverse };
            stream.data(from, &bytes, 1, &mut certificates);
            if bytes.first() == Some(&7) { stream.gap(from); }
            follower.datagram(from, &bytes, 1, &mut certificates);
        }
        stream.closed(true);
    }

    #[test]
    fn damaged_handshakes_never_panic(which in 0usize..4, damage in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
        let mut trace = vec![trace!("tls12_mutual"), trace!("tls12_ffdhe"), trace!("tls13_retry"), trace!("dtls12")].swap_remove(which);
        for (at, byte) in damage {
            let index = usize::from(at) % trace.len();
            let segment = &mut trace[index].1;
            let position = usize::from(at) / 7 % segment.len();
            segment[position] = byte;
        }
        follow(&trace);
        follow_dtls(&trace);
    }
}

#[test]
fn a_record_is_looked_for_so_many_times() {
    let mut certificates = Certificates::new(1);
    let mut stream = TlsStream::new();
    [Forward, Reverse].into_iter().for_each(|from| stream.gap(from));
    let mut given_up = |from| {
        let looks = (1..300).find(|_| {
            stream.data(from, b"neither here nor there", 1, &mut certificates);
            stream.sides_given_up()[from as usize]
        });
        looks.unwrap_or_default()
    };
    let most = i32::from(super::limits::MAX_SEARCHES) + 1;
    assert_eq!((given_up(Forward), given_up(Reverse)), (most, most));
}
