//! Messages made by hand: headers with an encrypted payload of a given size, which is all that an observer has.

use super::proposal::Algorithm;
use super::*;
use transitproof_wire::ike::payload;

const INITIATOR: u8 = 0x08;
const RESPONSE: u8 = 0x20;

/// A whole message whose only payload is encrypted and has `length` bytes.
fn encrypted(spi: u8, exchange: u8, flags: u8, id: u32, length: usize) -> Vec<u8> {
    let total = 28 + 4 + length as u32;
    let mut out = [[spi; 8], [spi + 1; 8]].concat();
    out.extend([payload::ENCRYPTED, 0x20, exchange, flags]);
    out.extend(id.to_be_bytes());
    out.extend(total.to_be_bytes());
    out.extend([0, 0]);
    out.extend((length as u16 + 4).to_be_bytes());
    out.resize(total as usize, 0xa5);
    out
}

fn gcm() -> Cipher {
    let encr = Algorithm { kind: Kind::Encr, id: 20, key_length: Some(256) };
    Cipher::of(&Offer { algorithms: vec![encr], ..Offer::default() }).unwrap()
}

/// Sent one after the other, the cipher known from the second message on.
fn fed(messages: &[Vec<u8>]) -> String {
    let mut state = IkeState::new();
    for message in messages {
        state.message(Direction::Forward, message, true, 1);
        if state.stranger().is_some() {
            state.introduce(gcm());
        }
    }
    let mut out = b"{".to_vec();
    state.write_record(&crate::certificates::Certificates::new(0), &mut out);
    String::from_utf8(out).unwrap()
}

/// IV, content, pad length, ICV.
fn gcm_length(content: usize) -> usize {
    8 + content + 1 + 16
}

#[test]
fn an_sa_is_told_by_its_exchanges() {
    let begin = encrypted(1, exchange::IKE_AUTH, INITIATOR, 1, 300);
    let mut all = vec![begin, encrypted(1, exchange::IKE_AUTH, RESPONSE, 1, 250)];
    for id in 2..5 {
        all.push(encrypted(1, exchange::INFORMATIONAL, INITIATOR, id, gcm_length(0)));
        all.push(encrypted(1, exchange::INFORMATIONAL, RESPONSE, id, gcm_length(0)));
    }
    // The responder's own requests have numbers of their own.
    all.push(encrypted(1, exchange::CREATE_CHILD_SA, 0, 0, 220));
    all.push(encrypted(1, exchange::CREATE_CHILD_SA, INITIATOR | RESPONSE, 0, 220));
    all.push(encrypted(1, exchange::INFORMATIONAL, 0, 1, gcm_length(12)));
    all.push(encrypted(1, exchange::INFORMATIONAL, INITIATOR | RESPONSE, 1, gcm_length(12)));
    let record = fed(&all);
    let expected = r#""exchange_counts":{"IKE_AUTH":1,"INFORMATIONAL":4,"CREATE_CHILD_SA":1},"children":1,"#;
    assert!(record.contains(expected), "{record}");
    assert!(record.contains(r#""liveness_checks":3,"deletes":1"#), "{record}");
}

#[test]
fn an_sa_that_another_made_is_a_rekey() {
    let record = fed(&[
        encrypted(1, exchange::IKE_AUTH, INITIATOR, 1, 300),
        encrypted(1, exchange::IKE_AUTH, RESPONSE, 1, 250),
        encrypted(1, exchange::CREATE_CHILD_SA, INITIATOR, 2, 300),
        encrypted(1, exchange::CREATE_CHILD_SA, RESPONSE, 2, 300),
        encrypted(1, exchange::INFORMATIONAL, INITIATOR, 3, gcm_length(8)),
        encrypted(7, exchange::INFORMATIONAL, INITIATOR, 0, gcm_length(0)),
        encrypted(7, exchange::INFORMATIONAL, RESPONSE, 0, gcm_length(0)),
    ]);
    assert!(record.contains(r#""ike_rekeys":1"#) && !record.contains("children"), "{record}");
}

#[test]
fn a_peer_that_fell_silent_shows() {
    let ask = |id| encrypted(1, exchange::INFORMATIONAL, INITIATOR, id, gcm_length(0));
    let record = fed(&[ask(5), ask(5), ask(5), ask(6), ask(6)]);
    assert!(record.contains(r#""retransmitted":3,"unanswered":2"#), "{record}");
}

#[test]
fn a_refused_authentication_shows_by_its_size() {
    let ask = encrypted(1, exchange::IKE_AUTH, INITIATOR, 1, 300);
    let short = encrypted(1, exchange::IKE_AUTH, RESPONSE, 1, gcm_length(8));
    let refused = |record: &str| record.contains(r#""authentication":"refused""#);
    assert!(refused(&fed(&[ask.clone(), short.clone()])));
    assert!(!refused(&fed(&[ask.clone(), encrypted(1, exchange::IKE_AUTH, RESPONSE, 1, 250)])));
    // EAP-Success is as short; the initiator goes on then.
    let next = encrypted(1, exchange::IKE_AUTH, INITIATOR, 2, 60);
    assert!(!refused(&fed(&[ask, short, next])));
}

#[test]
fn sizes_of_block_ciphers_say_less() {
    let algorithm = |kind, id| Algorithm { kind, id, key_length: None };
    let of = |encr, integ| {
        let algorithms = vec![algorithm(Kind::Encr, encr), algorithm(Kind::Integ, integ)];
        Cipher::of(&Offer { algorithms, ..Offer::default() })
    };
    let cbc = of(12, 12).unwrap();
    assert_eq!((cbc.content_at_most(16 + 16 + 16), cbc.is_exact()), (Some(15), false));
    assert_eq!(cbc.content_at_most(16 + 17 + 16), None, "no whole blocks");
    assert_eq!(cbc.content_at_most(3), None);
    assert_eq!(of(3, 1).unwrap().content_at_most(8 + 16 + 12), Some(15));
    assert_eq!(of(11, 2), None);
}

#[test]
fn fragments_are_one_message() {
    let fragment = |number: u8| {
        let mut message = encrypted(1, exchange::IKE_AUTH, INITIATOR, 1, 200);
        message[16] = payload::ENCRYPTED_FRAGMENT;
        message[32..36].copy_from_slice(&[0, number, 0, 3]);
        message
    };
    let record = fed(&[fragment(1), fragment(2), fragment(3)]);
    assert!(record.contains(r#""fragmented":true"#) && !record.contains("retransmitted"), "{record}");
}

#[test]
fn addresses_are_held_against_what_peers_said() {
    use crate::ike::nat::{End, Hash, NatDetection};
    use transitproof_wire::packet::Address;
    let ends =
        |src: [u8; 4], port| Ends { v6: false, src: (Address::v4(src), port), dst: (Address::v4([192, 0, 2, 2]), 500) };
    // SHA-1 over 16 bytes of SPIs (1…1, 0…0), 192.0.2.1 and 500, by `openssl dgst`.
    let hash = [
        0x2c, 0x6b, 0x22, 0x49, 0x26, 0x99, 0xe7, 0xfb, 0x99, 0x06, 0xe7, 0x0f, 0x1f, 0x6f, 0x3c, 0x0d, 0x2f, 0x6c,
        0x17, 0xd4,
    ];
    let written = |ends: &Ends| {
        let mut nat = NatDetection::default();
        nat.hash(true, End::Source, &([1; 8], [0; 8]), ends, (&hash, Hash::Sha1));
        let mut out = b"{".to_vec();
        nat.write(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(&ends([192, 0, 2, 1], 500)), r#"{"nat_detection":{"initiator_source":"match"}"#);
    assert!(written(&ends([192, 0, 2, 1], 1024)).contains("mismatch"), "the port was translated");
}
